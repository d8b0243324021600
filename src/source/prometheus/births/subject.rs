//! The SLOs that new series are looked for on behalf of, and what is known of their windows.

use jiff::SignedDuration;

use super::HOUR;
use crate::domain::{Events, Window, window};
use crate::source::Ask;
use crate::source::prometheus::api::Api;
use crate::source::prometheus::measure::{Meter, is_short};
use crate::source::prometheus::plan::{Formula, Plan, Ratio, Span};
use crate::source::prometheus::since::Ages;
use crate::text::Untrusted;

/// Windows that new series are looked for in where data does not reach back over the whole of another,
/// in minutes: few, so that queries are alike.
const LENGTHS: [u32; 20] = [
    5, 10, 20, 30, 60, 120, 240, 360, 720, 1_080, 1_440, 2_880, 4_320, 7_200, 10_080, 20_160,
    30_240, 40_320, 120_960, 483_840,
];

/// Whom to ask about what.
pub(in crate::source::prometheus) struct Subject<'a> {
    pub(in crate::source::prometheus) api: &'a Api,
    pub(in crate::source::prometheus) plans: &'a [Plan],
    pub(in crate::source::prometheus) ids: &'a [Untrusted],
    pub(in crate::source::prometheus) edition: Option<u64>,
    pub(in crate::source::prometheus) meter: &'a Meter,
    pub(in crate::source::prometheus) ages: &'a Ages,
    pub(in crate::source::prometheus) ask: &'a Ask,
    /// True where short windows alone are measured so far.
    pub(in crate::source::prometheus) in_haste: bool,
}

impl Subject<'_> {
    /// The spans of an SLO, each with its window and that in which new series are looked for: before
    /// the oldest of its data nothing tells a new series from an old one. None of longer windows while
    /// the age of the data is not known.
    pub(super) fn spans(&self, plan: usize) -> Vec<(Span, Window, Window)> {
        let (of, at) = (&self.plans[plan], self.ask.moment());
        let elapsed = of.slo.period.elapsed(at, &of.zone);
        let since = self.ages.since(&self.ids[plan], at, elapsed.duration());
        let age = since.map(|since| window::age(since, at));
        // What is counted may be older than what is recorded of it.
        let is_recorded = !of.slo.origin.is_queried();
        let looked = |span: Span, window: Window| {
            let is_window = span != Span::Period;
            match age {
                _ if is_recorded && is_window => Some(window),
                None => Some(window).filter(|window| *window <= HOUR),
                Some(age) if is_window && age > window.duration() * 51 / 50 => Some(window),
                Some(age) => within_data(window, age),
            }
        };
        let windows = of.slo.windows().into_iter();
        windows
            .map(|window| (Span::Window(window), window))
            .chain([(Span::Period, elapsed)])
            .filter(|&(span, _)| !self.in_haste || is_short(span))
            .filter_map(|(span, window)| Some((span, window, looked(span, window)?)))
            .collect()
    }
}

/// The longest of some windows that lies within data of an age, and is not longer than another.
pub(super) fn within_data(window: Window, age: SignedDuration) -> Option<Window> {
    let certain = age - age / 50;
    let lengths = LENGTHS.into_iter().rev().map(Window::minutes);
    let mut fitting = lengths.filter(|&one| one <= window && one.duration() <= certain);
    fitting.next()
}

/// The ratio of a span in the counts behind it: as it is asked for, or as the rule that recorded it
/// divides.
pub(super) fn ratio(plan: &Plan, span: Span, window: Window) -> Option<Ratio> {
    let formula = match (plan.asked.get(&span), &plan.rule) {
        (Some(formula), _) => formula.clone(),
        (None, Some(rule)) => rule.over(window)?,
        (None, None) => return None,
    };
    match formula {
        Formula::Events(ratio) => Some(ratio),
        Formula::Direct { .. } | Formula::Weighted(_) => None,
    }
}

/// That of the shortest window.
pub(in crate::source::prometheus) fn shortest(plan: &Plan) -> Option<Ratio> {
    let window = *plan.slo.windows().first()?;
    ratio(plan, Span::Window(window), window)
}

/// The counts of a span, where they are known beside its ratio.
pub(super) fn counted(plan: &Plan, id: &Untrusted, span: Span, meter: &Meter) -> Option<Events> {
    if let Some(given) = plan.given(span) {
        return given.events();
    }
    meter.of(id)?.get(&span)?.sample.events
}

/// The most that so many bad events more add to a burn rate; infinite where that is not known.
pub(super) fn burn_of(plan: &Plan, most: f64, counted: Option<Events>) -> f64 {
    if most == 0.0 {
        return 0.0;
    }
    let total = counted.map_or(0.0, |events| events.total) + most;
    if counted.is_none() || total.is_nan() {
        return f64::INFINITY;
    }
    plan.slo.burn_rate(most / total)
}
