//! The SLOs of the configuration: planned once, and one of each group where `by` asks for it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::api::Labels;
use super::plan::{Formula, Plan, Span, Trend};
use super::promql;
use crate::config::SloSettings;
use crate::domain::{Origin, Period, Slo, Window};

/// How often a calendar period's look-back is drawn anew: it grows with the time.
const GROWTH: SignedDuration = SignedDuration::from_mins(1);

/// An SLO of the configuration, or one group of it.
pub(super) struct ByHand {
    /// Its formula for [`promql::PLACEHOLDER`].
    template: Formula,
    period: Period,
    drawn: Timestamp,
}

impl ByHand {
    /// Plans an SLO at a moment. `group` has the labels that tell it from others made of the same
    /// settings, and the formula that selects it alone.
    pub(super) fn plan(
        settings: &SloSettings,
        group: Option<(&str, Formula)>,
        at: Timestamp,
    ) -> (Self, Plan) {
        let (name, template) = match group {
            Some((braces, formula)) => (format!("{}{braces}", settings.name), formula),
            None => {
                let template = Formula::of(&settings.sli, promql::PLACEHOLDER);
                (settings.name.clone(), template)
            }
        };
        let mut slo = Slo {
            rules: settings.rules.clone(),
            min_bad_events: settings.min_bad_events,
            ..Slo::new(
                settings.service.as_str(),
                name,
                settings.source.clone(),
                settings.objective,
                settings.period,
                Origin::Config,
            )
        };
        let windows = slo.windows();
        let mut trend = Trend::None;
        if let Some(&shortest) = windows.first() {
            let formula = template.over(shortest);
            slo.queries = formula.named_queries(shortest);
            trend = Trend::Expression(formula.expression());
        }
        let each = windows.into_iter();
        let mut plan = Plan {
            slo: Arc::new(slo),
            zone: settings.timezone.clone(),
            labels: Labels::new(),
            given: std::collections::BTreeMap::new(),
            asked: each
                .map(|window| (Span::Window(window), template.over(window)))
                .collect(),
            trend,
        };
        let mut by_hand = Self {
            template,
            period: settings.period,
            drawn: at,
        };
        by_hand.draw(&mut plan, at);
        (by_hand, plan)
    }

    /// Lets a calendar period grow to `at`.
    pub(super) fn grow(&mut self, plan: &mut Plan, at: Timestamp) {
        let is_calendar = !matches!(self.period, Period::Rolling(_));
        if is_calendar && self.drawn.duration_until(at).abs() >= GROWTH {
            self.draw(plan, at);
        }
    }

    fn draw(&mut self, plan: &mut Plan, at: Timestamp) {
        let elapsed: Window = self.period.elapsed(at, &plan.zone);
        plan.asked.insert(Span::Period, self.template.over(elapsed));
        self.drawn = at;
    }
}
