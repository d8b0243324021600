//! `[[budget_adjustment]]`s that no budget follows, and why.

use crate::config::Settings;
use crate::domain::nearest_name::nearest;
use crate::domain::policy::BudgetAdjustment;
use crate::domain::{Finding, Grade, Origin, Slo};
use crate::store::Store;

/// Why an adjustment changes no budget.
enum Why {
    /// The numbers of the SLO are computed elsewhere; the source that reports them.
    Reported(String),
    /// No SLO has that name; one with a similar name.
    NoSlo(Option<String>),
}

/// The adjustments that change no budget. That an SLO does not exist is known once every source of
/// SLOs has answered.
fn ignored<'s>(settings: &'s Settings, store: &Store) -> Vec<(&'s BudgetAdjustment, Why)> {
    let is_whole = store
        .feeds()
        .iter()
        .filter(|feed| feed.offers.slos)
        .all(|feed| feed.facts.slos.is_some() && feed.fault.is_none());
    let why = |one: &BudgetAdjustment| {
        let mut slos = store.slos().filter(|(_, seen)| is_of(one, &seen.slo));
        match slos.next() {
            Some((feed, seen)) if seen.slo.origin == Origin::Mapped => {
                Some(Why::Reported(feed.name.to_string()))
            }
            Some(_) => None,
            None => is_whole.then(|| Why::NoSlo(similar(one, store))),
        }
    };
    let all = settings.budget_adjustments.iter();
    all.filter_map(|one| Some((one, why(one)?))).collect()
}

/// True for an adjustment of this SLO, or of all that differ in their labels alone.
fn is_of(one: &BudgetAdjustment, slo: &Slo) -> bool {
    let id = slo.id();
    id.raw().split('{').next() == Some(one.slo.as_str())
}

fn similar(one: &BudgetAdjustment, store: &Store) -> Option<String> {
    let ids: Vec<_> = store.slos().map(|(_, seen)| seen.slo.id()).collect();
    let ids = ids.iter().map(crate::text::Untrusted::raw);
    nearest(&one.slo, ids).map(str::to_owned)
}

/// Findings of `doctor`, each with the source that it belongs to; `None` where that is any.
pub(super) fn findings(settings: &Settings, store: &Store) -> Vec<(Option<String>, Finding)> {
    let found = ignored(settings, store).into_iter().map(|(one, why)| {
        let id = one.slo.as_str().into();
        match why {
            Why::Reported(source) => {
                let what = "its [[budget_adjustment]] changes nothing: the source reports the budget";
                let finding = Finding::new(Grade::Warning, "adjustment", what)
                    .because("the time that should count neither good nor bad counts")
                    .advise("leave that time out where the numbers are computed, or measure it by a [[slo]]");
                (Some(source), finding.of_slo(&id))
            }
            Why::NoSlo(similar) => {
                let what = format!("a [[budget_adjustment]] names `{}`, and no SLO has that name", one.slo);
                let finding = Finding::new(Grade::Warning, "adjustment", what)
                    .because("the time that should count neither good nor bad counts");
                let finding = match similar {
                    Some(name) => finding.advise(format!("write slo = \"{name}\", if that is meant")),
                    None => finding.advise("`watchfire slos` lists the names"),
                };
                (None, finding)
            }
        }
    });
    found.collect()
}

/// Warnings of the gate: adjustments of a service that change nothing.
pub(super) fn warnings(settings: &Settings, store: &Store, services: &[String]) -> Vec<String> {
    let ignored = ignored(settings, store).into_iter();
    let mine = ignored.filter(|(one, _)| {
        let service = one.slo.split_once('/').map(|(service, _)| service);
        service.is_some_and(|service| services.iter().any(|known| known == service))
    });
    let said = mine.map(|(one, why)| match why {
        Why::Reported(source) => format!(
            "the budget adjustment of {} ({}) changes nothing: {source} reports the budget",
            one.slo, one.reason
        ),
        Why::NoSlo(_) => format!(
            "the budget adjustment of {} ({}) changes nothing: no SLO has that name",
            one.slo, one.reason
        ),
    });
    said.collect()
}

/// Remarks on exported rules: they count the times that budgets leave out.
pub(super) fn not_exported(settings: &Settings) -> Vec<String> {
    let has_rules = |one: &&BudgetAdjustment| {
        let mut slos = settings.slos.iter();
        slos.any(|slo| is_of(one, &slo.promise()))
    };
    let adjusted = settings.budget_adjustments.iter().filter(has_rules);
    let said = adjusted.map(|one| {
        format!(
            "{}: the rules count the time from {} to {} ({}), which watchfire leaves out of the budget",
            one.slo, one.from, one.to, one.reason
        )
    });
    said.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::domain::{Facts, Observation, Period, Report, SourceName, Window};
    use crate::store::{Feed, Offers};

    fn store(origin: Origin) -> Store {
        let offers = Offers {
            slos: true,
            ..Offers::default()
        };
        let minute = SignedDuration::from_mins(1);
        let feed = Feed::new(
            SourceName::new("numbers"),
            "json",
            offers,
            minute,
            minute * 3,
        );
        let mut store = Store::new(vec![feed]);
        let (source, period) = (
            SourceName::new("numbers"),
            Period::Rolling(Window::days(30)),
        );
        let slo = Slo::new("checkout", "availability", source, 0.999, period, origin);
        let at = Timestamp::UNIX_EPOCH;
        store.absorb(Report {
            source: SourceName::new("numbers"),
            at,
            latency: SignedDuration::ZERO,
            next_try: None,
            outcome: Ok(Facts {
                slos: Some(vec![Observation::unknown(Arc::new(slo), at)]),
                ..Facts::default()
            }),
        });
        store
    }

    fn settings(slo: &str) -> Settings {
        let adjustment = BudgetAdjustment {
            slo: slo.to_owned(),
            from: Timestamp::UNIX_EPOCH,
            to: Timestamp::UNIX_EPOCH,
            reason: "load test".to_owned(),
            by: "mara".to_owned(),
        };
        Settings {
            budget_adjustments: vec![adjustment],
            ..Settings::empty()
        }
    }

    #[test]
    fn an_adjustment_that_changes_nothing_is_named() {
        let services = ["checkout".to_owned()];
        for (origin, slo, wanted) in [
            (Origin::Config, "checkout/availability", None),
            (
                Origin::Mapped,
                "checkout/availability",
                Some("numbers reports the budget"),
            ),
            (
                Origin::Config,
                "checkout/availabilty",
                Some("no SLO has that name"),
            ),
        ] {
            let (settings, store) = (settings(slo), store(origin));
            let said = warnings(&settings, &store, &services);
            let found = findings(&settings, &store);
            assert_eq!(said.len(), usize::from(wanted.is_some()), "{slo}");
            assert_eq!(found.len(), said.len(), "{slo}");
            if let Some(wanted) = wanted {
                assert!(said[0].ends_with(wanted), "{}", said[0]);
            }
        }
        // One of another service is not said by the gate.
        let others = ["cart".to_owned()];
        assert!(warnings(&settings("checkout/x"), &store(Origin::Mapped), &others).is_empty());
    }
}
