//! From what was found to the configuration that is proposed.

use std::collections::BTreeMap;

use super::credentials::Validated;
use super::look::Looked;
use crate::config::{Proposal, ProposedSlo, ProposedSource};
use crate::domain::Origin;
use crate::domain::suggestion::{Suggestion, SuggestionStanding};

/// How many ids or reasons of one kind are listed.
const MAX_LISTED: usize = 50;

/// The configuration of what was found.
pub(super) fn proposal(
    sources: Vec<ProposedSource>,
    looked: &[Looked],
    known: &[Validated],
) -> Proposal {
    let mut proposal = Proposal::default();
    for one in looked {
        suggested(one, &mut proposal);
        discovered(one, &mut proposal);
        undecided(one, &mut proposal);
    }
    proposal
        .slos
        .sort_by(|one, other| one.id().cmp(&other.id()));
    for mut source in sources {
        if let Some(fault) = looked
            .iter()
            .find(|one| one.name() == source.name())
            .and_then(Looked::fault)
        {
            source.is_active = false;
            let reason = fault.kind.word();
            source
                .comments
                .push(format!("Switched off: it did not answer ({reason})."));
        }
        proposal.sources.push(source);
    }
    let services: Vec<_> = proposal.services.iter().cloned().collect();
    for one in known {
        let mut linked = one.clone();
        linked.link(&services);
        let mut all = proposal.sources.iter_mut();
        if let Some(source) =
            all.find(|source| source.name() == linked.source.name() && linked.is_linked())
        {
            *source = linked.source;
        }
    }
    if proposal.slos.is_empty() && proposal.services.is_empty() {
        proposal.remarks.push(
            "No SLO was found. Write one as `watchfire config` shows; `watchfire doctor` says what was looked for."
                .to_owned(),
        );
    }
    proposal
}

/// SLOs that are suggested, those that are not certain switched off.
fn suggested(looked: &Looked, proposal: &mut Proposal) {
    let suggestions = looked.facts().and_then(|facts| facts.suggestions.as_ref());
    for suggestion in suggestions.iter().flat_map(|all| &all.all) {
        let slo = slo(suggestion, looked.name());
        if slo.is_active {
            proposal
                .services
                .insert(suggestion.service.raw().to_owned());
        }
        proposal.slos.push(slo);
    }
}

fn slo(suggestion: &Suggestion, source: &str) -> ProposedSlo {
    let mut slo = ProposedSlo::of(suggestion, source);
    let off = match suggestion.standing {
        SuggestionStanding::Shown => None,
        SuggestionStanding::NeverFailed => {
            Some("it never failed in the kept history, so the objective is assumed".to_owned())
        }
        SuggestionStanding::Thin => Some("it has fewer than 1,000 events a day".to_owned()),
        SuggestionStanding::NoObjective => Some(match suggestion.ratio {
            Some(ratio) => format!(
                "the kept history held none of the objectives: {:.2}% of its events were bad",
                ratio * 100.0
            ),
            None => "the kept history held none of the objectives".to_owned(),
        }),
    };
    slo.is_active = off.is_none();
    slo.comments
        .extend(off.map(|reason| format!("Switched off: {reason}.")));
    slo
}

/// SLOs that are found without being written down, by what defines them.
fn discovered(looked: &Looked, proposal: &mut Proposal) {
    let slos = looked.facts().and_then(|facts| facts.slos.as_deref());
    let mut by_origin: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut ids = Vec::new();
    for seen in slos.unwrap_or_default() {
        if matches!(seen.slo.origin, Origin::Config | Origin::Suggested) {
            continue;
        }
        proposal.services.insert(seen.slo.service.raw().to_owned());
        ids.push((seen.slo.origin.word(), seen.slo.id()));
    }
    for (origin, id) in &ids {
        by_origin.entry(origin).or_default().push(id.raw());
    }
    for (origin, ids) in by_origin {
        let listed = listed(&ids);
        proposal.remarks.push(format!(
            "SLOs that `{}` reads from {origin}, which need no [[slo]]:\n{listed}",
            looked.name()
        ));
    }
}

/// What was found and not decided.
fn undecided(looked: &Looked, proposal: &mut Proposal) {
    let findings = looked
        .findings
        .iter()
        .filter(|finding| finding.check == "alerts");
    for finding in findings {
        proposal.remarks.push(format!(
            "Not read: {}.\n{}.",
            finding.what.raw(),
            finding.advice.raw()
        ));
    }
    let suggestions = looked.facts().and_then(|facts| facts.suggestions.as_ref());
    let declined = suggestions.iter().flat_map(|all| &all.declined);
    let declined: Vec<_> = declined
        .map(|one| format!("{}: {}", one.metric.raw(), one.reason.raw()))
        .collect();
    if !declined.is_empty() {
        let lines: Vec<_> = declined.iter().map(String::as_str).collect();
        proposal.remarks.push(format!(
            "Recognised, and nothing is suggested from it:\n{}",
            listed(&lines)
        ));
    }
}

fn listed(all: &[&str]) -> String {
    let lines: Vec<_> = all
        .iter()
        .take(MAX_LISTED)
        .map(|one| format!("  {one}"))
        .collect();
    let more = match all.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    };
    format!("{}{more}", lines.join("\n"))
}

/// What the proposal holds, in a few lines.
pub(super) fn summary(proposal: &Proposal) -> Vec<String> {
    let (on, off): (Vec<_>, Vec<_>) = proposal.slos.iter().partition(|slo| slo.is_active);
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    let mut lines = Vec::new();
    if !on.is_empty() {
        let services = counted(proposal.services.len(), "service");
        lines.push(format!(
            "{} of {services}",
            counted(on.len(), "suggested SLO")
        ));
    }
    if !off.is_empty() {
        let off = counted(off.len(), "suggested SLO");
        lines.push(format!("{off} switched off, with the reason in a comment"));
    }
    let undecided = proposal.sources.iter().filter(|source| !source.is_active);
    lines.extend(undecided.map(|source| {
        format!(
            "the source `{}` is switched off: see its comment",
            source.name()
        )
    }));
    lines
}
