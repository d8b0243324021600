//! What a workload was and is, template by template, read as releases.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::naming::{Naming, detail};
use super::wire::{Container, Metadata};
use crate::domain::{Release, ReleaseStatus};
use crate::source::image;
use crate::text::Untrusted;

/// How near to a rollout somebody must have written to the workload to be who made it.
const OWN_WRITE: SignedDuration = SignedDuration::from_mins(1);

/// A template that a workload has, or had.
pub(super) struct Template<'a> {
    /// What names it: the hash of its pods, or the name of its revision.
    pub(super) hash: &'a str,
    /// The object that keeps it.
    pub(super) kept_by: &'a Metadata,
    pub(super) containers: &'a [Container],
    /// Its turns, the oldest first: going back to a template gives it one more.
    pub(super) turns: Vec<String>,
}

/// How the newest turn is going.
pub(super) struct Progress {
    pub(super) status: ReleaseStatus,
    /// When it began, where that is told.
    pub(super) began: Option<Timestamp>,
    /// When it came to its end, where that is told.
    pub(super) ended: Option<Timestamp>,
    /// What else is told of it, by name.
    pub(super) words: Vec<(Untrusted, Untrusted)>,
}

/// A workload and all its templates.
pub(super) struct Rollouts<'a> {
    /// `Deployment`, for a reader.
    pub(super) kind: &'static str,
    pub(super) metadata: &'a Metadata,
    pub(super) templates: Vec<Template<'a>>,
    /// The turn that is the newest.
    pub(super) newest: String,
    pub(super) progress: Progress,
}

/// How turns went while they were the newest, by the id of their release: the API does not keep it.
pub(super) type Memory = HashMap<String, Release>;

impl Rollouts<'_> {
    /// The releases, one a turn that can be dated; the oldest first.
    pub(super) fn releases(&self, naming: &Naming, memory: &mut Memory) -> Vec<Release> {
        let mut rows = Vec::new();
        for template in &self.templates {
            for (number, turn) in template.turns.iter().enumerate() {
                let Metadata { name, uid, .. } = self.metadata;
                let id = format!("kubernetes:{name}/{uid}:{turn}");
                let first = template.kept_by.created().filter(|_| number == 0);
                let row = if *turn == self.newest {
                    self.newest(template, &id, first, naming, memory)
                } else {
                    self.past(template, &id, first, naming, memory.get(&id))
                };
                rows.push(row);
            }
        }
        rows.retain(|row| row.dated().is_some() || row.status == ReleaseStatus::Running);
        rows.sort_by_key(Release::dated);
        rows
    }

    fn newest(
        &self,
        template: &Template<'_>,
        id: &str,
        first: Option<Timestamp>,
        naming: &Naming,
        memory: &mut Memory,
    ) -> Release {
        let progress = &self.progress;
        let known = memory.get(id);
        let writer = self.metadata.writer();
        let ended = progress
            .ended
            .filter(|ended| first.is_none_or(|first| *ended >= first))
            .or_else(|| known.and_then(|known| known.finished_at));
        let is_before_end = |at: &Timestamp| ended.is_none_or(|ended| *at <= ended);
        let began = first
            .or_else(|| known.and_then(|known| known.started_at))
            .or(progress.began)
            .or_else(|| writer.map(|(_, at)| at).filter(is_before_end));
        let mut row = self.draft(template, id, naming);
        row.status = progress.status;
        row.started_at = began;
        row.finished_at = ended.filter(|_| {
            matches!(
                progress.status,
                ReleaseStatus::Succeeded | ReleaseStatus::Failed
            )
        });
        let is_near =
            |at: Timestamp| began.is_some_and(|began| at.duration_since(began).abs() <= OWN_WRITE);
        row.actor = writer
            .filter(|&(_, at)| is_near(at))
            .map(|(name, _)| name.into())
            .or_else(|| known.and_then(|known| known.actor.clone()));
        memory.insert(id.to_owned(), row.clone());
        row.details.splice(0..0, progress.words.iter().cloned());
        row
    }

    /// A turn that something else has followed. That it went well is what is most likely, unless it
    /// was seen otherwise.
    fn past(
        &self,
        template: &Template<'_>,
        id: &str,
        first: Option<Timestamp>,
        naming: &Naming,
        known: Option<&Release>,
    ) -> Release {
        let mut row = self.draft(template, id, naming);
        row.started_at = first;
        row.status = ReleaseStatus::Succeeded;
        if let Some(known) = known {
            row.started_at = row.started_at.or(known.started_at);
            row.finished_at = known.finished_at;
            row.actor.clone_from(&known.actor);
            row.status = match known.status {
                // Something else came before its end was seen.
                ReleaseStatus::Running => ReleaseStatus::Unknown,
                status => status,
            };
        }
        row
    }

    fn draft(&self, template: &Template<'_>, id: &str, naming: &Naming) -> Release {
        let service = naming.service(self.metadata);
        let images = || template.containers.iter().map(|one| one.image.as_str());
        let version = image::joint_version(images(), service);
        let mut details = vec![detail(self.kind, self.metadata.name.as_str())];
        if let Some(why) = template.kept_by.annotation("kubernetes.io/change-cause") {
            details.push(detail("why", why));
        }
        let images: Vec<_> = images().filter(|image| !image.is_empty()).collect();
        if !images.is_empty() {
            details.push(detail("images", images.join(", ")));
        }
        details.push(detail("template", template.hash));
        let mut release = Release {
            id: id.into(),
            service: service.into(),
            version: version.unwrap_or_else(|| template.hash.to_owned()).into(),
            environment: Untrusted::default(),
            status: ReleaseStatus::Unknown,
            started_at: None,
            finished_at: None,
            actor: None,
            commit: None,
            url: None,
            details,
            carried: crate::domain::Carried::default(),
        };
        naming.set_place(&mut release, self.metadata, &self.metadata.namespace);
        release
    }
}
