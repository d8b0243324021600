//! Times of `OpenSLO`: its shorthand, time windows and slices.

use jiff::civil::{Date, DateTime, Time, Weekday};

use super::Method;
use super::objective::share;
use crate::dialect::draft::{Draft, percent};
use crate::dialect::node::{Node, Wrong};
use crate::domain::{Period, Window};

/// A time window, as a `[[slo]]` says it.
pub(super) struct TimeWindow {
    period: Period,
    timezone: Option<String>,
}

/// A number and a unit: `m h d w M Q Y`, where `m` is a minute and `M` a month.
fn shorthand(node: &Node) -> Result<(u32, char), Wrong> {
    let text = node.text()?;
    let text = text.trim();
    let unit = text.chars().last().filter(|unit| "mhdwMQY".contains(*unit));
    let count = unit.and_then(|_| text[..text.len() - 1].parse().ok());
    match (count, unit) {
        (Some(count), Some(unit)) if count > 0 => Ok((count, unit)),
        _ => Err(Wrong::at(
            &node.place,
            "write a number and one of the units m (minutes), h, d, w, M (months), Q and Y, such as 30d",
        )),
    }
}

/// A duration that is as long at any time.
pub(super) fn duration(node: &Node) -> Result<Window, Wrong> {
    let (count, unit) = shorthand(node)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => {
            let message = "months, quarters and years differ in length: write days, such as 30d";
            return Err(Wrong::at(&node.place, message));
        }
    };
    let window = Window::from_seconds(u64::from(count) * seconds);
    window.ok_or_else(|| Wrong::at(&node.place, "this is longer than anybody keeps data"))
}

impl TimeWindow {
    /// The one item of the list.
    pub(super) fn of(list: &Node) -> Result<Self, Wrong> {
        let [item] = list.list()? else {
            let message = "an SLO has one time window: keep one";
            return Err(Wrong::at(&list.place, message));
        };
        let length = item.need("duration")?;
        let calendar = item.get("calendar");
        match (item.flag_of("isRolling")?, calendar) {
            (Some(true), Some(calendar)) => Err(Wrong::at(
                &calendar.place,
                "a rolling window has no calendar: remove it, or write `isRolling: false`",
            )),
            (Some(false), None) => Err(Wrong::at(
                &item.place,
                "a window that does not roll needs `calendar` with `startTime` and `timeZone`",
            )),
            (_, None) => Ok(Self {
                period: Period::Rolling(duration(length)?),
                timezone: None,
            }),
            (_, Some(calendar)) => Self::of_calendar(length, calendar),
        }
    }

    fn of_calendar(length: &Node, calendar: &Node) -> Result<Self, Wrong> {
        let period = match shorthand(length)? {
            (1, 'w') | (7, 'd') => Period::Week,
            (1, 'M') => Period::Month,
            (1, 'Q') | (3, 'M') => Period::Quarter,
            (1, 'Y') | (12, 'M') | (4, 'Q') => Period::Year,
            (count, 'm') if count < 60 => {
                let message = format!("`m` is minutes: a calendar of months is `{count}M`");
                return Err(Wrong::at(&length.place, message));
            }
            _ => {
                let message = "watchfire keeps the calendar's week, month, quarter and year: write 1w, 1M, 1Q or 1Y, or make it rolling";
                return Err(Wrong::at(&length.place, message));
            }
        };
        if let Some(start) = calendar.get("startTime") {
            check_start(start, period)?;
        }
        let zone = calendar.need("timeZone")?;
        Ok(Self {
            period,
            timezone: Some(zone.text()?),
        })
    }

    /// Sets it; gives the length that rules go by.
    pub(super) fn set(self, draft: &mut Draft, node: &Node) -> Window {
        draft.set("period", self.period.to_string(), &node.place);
        if let Some(zone) = self.timezone {
            draft.set("timezone", zone, &node.place);
        }
        self.period.nominal()
    }
}

/// A calendar of watchfire begins where the calendar does: no other start can be kept.
fn check_start(node: &Node, period: Period) -> Result<(), Wrong> {
    let text = node.text()?;
    let text = text.trim();
    let start: Result<DateTime, _> = text.parse();
    let Ok(start) = start.or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0))) else {
        let message = "write a date and a time without a zone, such as 2022-01-01 00:00:00";
        return Err(Wrong::at(&node.place, message));
    };
    let (is_first, begins) = match period {
        Period::Week => (start.weekday() == Weekday::Monday, "a week on Monday"),
        Period::Month => (start.day() == 1, "a month on its first day"),
        Period::Quarter | Period::Rolling(_) => (
            start.day() == 1 && (start.month() - 1) % 3 == 0,
            "a quarter on the first of January, April, July or October",
        ),
        Period::Year => (
            start.day() == 1 && start.month() == 1,
            "a year on the first of January",
        ),
    };
    if is_first && start.time() == Time::midnight() {
        return Ok(());
    }
    let day = start.weekday();
    let message = format!(
        "this starts on {day:?} the {} at {}, and the calendar begins {begins} at 00:00: start there, or make the window rolling",
        start.date(),
        start.time()
    );
    Err(Wrong::at(&node.place, message))
}

/// How wide a slice is: a duration, or minutes without a unit.
pub(super) fn width(objective: &Node) -> Result<Option<Window>, Wrong> {
    let Some(node) = objective.get("timeSliceWindow") else {
        return Ok(None);
    };
    let minutes: Option<u64> = node.text()?.trim().parse().ok();
    match minutes {
        None => duration(node).map(Some),
        Some(minutes) => {
            let window = minutes.checked_mul(60).and_then(Window::from_seconds);
            let wrong = || Wrong::at(&node.place, "write a duration such as 1m");
            window.map(Some).ok_or_else(wrong)
        }
    }
}

/// Sets the slices that the budgeting method asks for.
pub(super) fn slices(draft: &mut Draft, method: Method, objective: &Node) -> Result<(), Wrong> {
    let target = objective.get("timeSliceTarget");
    if method == Method::Occurrences {
        for key in ["timeSliceTarget", "timeSliceWindow"] {
            if let Some(node) = objective.get(key) {
                let message = format!("`{key}` has no effect: the budgeting method is Occurrences");
                draft.warn(&node.place, message);
            }
        }
        return Ok(());
    }
    let Some(width) = width(objective)? else {
        let message =
            "`timeSliceWindow` is missing, which this budgeting method needs: add it, such as 1m";
        return Err(Wrong::at(&objective.place, message));
    };
    let place = objective.get("timeSliceWindow").unwrap_or(objective);
    draft.set("slice", width.to_string(), &place.place);
    match (method, target) {
        (Method::Timeslices, Some(node)) => {
            let target = share(node, "timeSliceTarget")?;
            draft.set("slice_target", percent(target), &node.place);
        }
        (Method::Timeslices, None) => {
            let message =
                "`timeSliceTarget` is missing, which Timeslices needs: add it, such as 0.95";
            return Err(Wrong::at(&objective.place, message));
        }
        (_, Some(node)) => {
            let message =
                "`timeSliceTarget` has no effect: RatioTimeslices takes the mean of the slices";
            draft.warn(&node.place, message);
        }
        (_, None) => {}
    }
    Ok(())
}
