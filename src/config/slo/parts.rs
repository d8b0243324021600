//! `parts` of a `[[slo]]`: a mix of several SLOs by weight.

use std::collections::BTreeMap;

use super::Entry;
use crate::config::check::Context;
use crate::config::{Sli, SloSettings, read, wire};

/// An SLO whose parts are still to be found.
pub(super) struct Mix {
    pub(super) entry: Entry,
    pub(super) parts: Vec<wire::Part>,
    /// The rest of it; what it measures is still empty.
    pub(super) settings: SloSettings,
}

/// What is known of an SLO that a part may name.
pub(super) enum Member {
    /// It measures something itself.
    Simple(Box<SloSettings>),
    /// It is a mix.
    Mix,
    /// It is wrong, which has been said.
    Wrong,
}

impl Context<'_> {
    /// The mix, when all its parts are there.
    pub(super) fn mix(
        &mut self,
        mix: Mix,
        members: &BTreeMap<String, Member>,
    ) -> Option<SloSettings> {
        let before = self.problems.len();
        let Mix {
            entry,
            parts,
            mut settings,
        } = mix;
        if parts.is_empty() {
            let message =
                "name the SLOs that it consists of, as in [{ slo = \"checkout/availability\" }]";
            self.refuse_at(entry.at(&["parts"]), message);
        }
        let mut found = Vec::new();
        let mut are_all_zero = true;
        for (number, part) in parts.iter().enumerate() {
            let at = |key: &str| entry.at(&["parts"]).index(number).key(key);
            let weight = part.weight.map_or(1.0, |weight| weight.0);
            if !(weight > 0.0 && weight.is_finite()) {
                self.refuse_at(at("weight"), "write a number above 0; the default is 1");
            }
            if parts[..number].iter().any(|other| other.slo == part.slo) {
                let message = "this SLO is a part already: keep one, with the weight of both";
                self.refuse_at(at("slo"), message);
                continue;
            }
            if let Some(Member::Simple(one)) = members.get(&part.slo) {
                are_all_zero &= one.absent_is_zero;
            }
            match member(&settings, &part.slo, members) {
                Ok(sli) => found.extend(sli.map(|sli| (weight, sli))),
                Err(message) => self.refuse_at(at("slo"), message),
            }
        }
        let is_whole = self.problems.len() == before && found.len() == parts.len();
        settings.absent_is_zero |= are_all_zero;
        settings.sli = Sli::Weighted(found);
        is_whole.then_some(settings)
    }
}

/// What a part measures; `None` when it is wrong itself.
fn member(
    mix: &SloSettings,
    name: &str,
    members: &BTreeMap<String, Member>,
) -> Result<Option<Sli>, String> {
    let own = format!("{}/{}", mix.service, mix.name);
    match members.get(name) {
        _ if name == own => Err("an SLO is no part of itself: name others".to_owned()),
        Some(Member::Simple(part)) if part.source != mix.source => Err(format!(
            "this SLO is measured by `{}`, and the mix by `{}`: a mix is asked of one source",
            part.source, mix.source
        )),
        Some(Member::Simple(part)) if !part.by.is_empty() => {
            Err("this SLO is split by labels, so it is many: name one that is not".to_owned())
        }
        Some(Member::Simple(part)) => Ok(Some(part.sli.clone())),
        Some(Member::Mix) => {
            Err("this SLO is a mix itself: name the parts of it in its place".to_owned())
        }
        Some(Member::Wrong) => Ok(None),
        None => {
            let ids: Vec<_> = members.keys().map(String::as_str).collect();
            Err(read::unknown_word("[[slo]]", name, &ids))
        }
    }
}
