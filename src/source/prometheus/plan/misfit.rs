//! Why numbers that a server returned make no error ratio.

use super::{Formula, Value};
use crate::config::Part;
use crate::domain::Reading;

/// The end of the sentence about a part that is larger than the whole.
const DO_NOT_FIT: &str = "the selectors do not fit";

impl Formula {
    /// Why its answers make no error ratio; `None` where they make one, or where one is missing.
    pub(in crate::source::prometheus) fn misfit(
        &self,
        answers: &mut dyn Iterator<Item = Value>,
    ) -> Option<String> {
        let mut next = || answers.next().and_then(Value::number);
        match self {
            Self::Events(ratio) => {
                let (part, total) = (next(), next());
                let (part, total) = (part?, total?);
                let read = ratio.read(Value::Number(part), Value::Number(total));
                (read.0 == Reading::Unknown).then(|| too_many(&ratio.part, part, total))
            }
            Self::Direct { success, .. } => {
                let value = next()?;
                let ratio = if *success { 1.0 - value } else { value };
                let is_none = Reading::from_ratio(ratio) == Reading::Unknown;
                is_none.then(|| outside(*success, value))
            }
            Self::Weighted(parts) => {
                // Every part takes its own answers, whatever the others are.
                let mut found = None;
                for (_, part) in parts {
                    let told = part.misfit(answers);
                    found = found.or(told);
                }
                found
            }
        }
    }
}

/// `bad (36000) is more than all (180): the selectors do not fit`.
fn too_many(part: &Part, count: f64, total: f64) -> String {
    let is_more = count.is_finite() && total.is_finite() && count > total && total >= 0.0;
    let (count, total) = (brief(count), brief(total));
    match part {
        Part::Bad(_) if is_more => {
            format!("bad ({count}) is more than all ({total}): {DO_NOT_FIT}")
        }
        Part::Good(_) if is_more => {
            format!("good ({count}) is more than total ({total}): {DO_NOT_FIT}")
        }
        Part::Bad(_) => no_ratio(&format!("bad {count} of total {total}")),
        Part::Good(_) => no_ratio(&format!("good {count} of total {total}")),
    }
}

fn outside(success: bool, value: f64) -> String {
    let number = brief(value);
    match (success, value > 1.0 && value.is_finite()) {
        (false, true) => format!(
            "its query returns {number}, more than 1, and an error ratio is 1 at most: divide a percentage by 100"
        ),
        (true, true) => format!(
            "its query returns {number}, more than 1, and a success ratio is 1 at most: divide a percentage by 100"
        ),
        _ => no_ratio(&number),
    }
}

/// Why numbers make no error ratio, where nothing more is known of them.
fn no_ratio(numbers: &str) -> String {
    format!("its queries return {numbers}, which makes no error ratio")
}

/// A number for a sentence: whole where it is large, else with three digits.
fn brief(number: f64) -> String {
    if !number.is_finite() {
        return number.to_string();
    }
    if number.abs() >= 100.0 {
        return format!("{number:.0}");
    }
    let text = format!("{number:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Ratio;
    use super::*;

    fn told(part: Part, answers: [f64; 2]) -> Option<String> {
        let formula = Formula::Events(Ratio {
            part,
            total: "t".into(),
            counts: true,
        });
        formula.misfit(&mut answers.into_iter().map(Value::Number))
    }

    #[test]
    fn more_bad_or_good_events_than_all_are_told_in_round_numbers() {
        assert_eq!(
            told(Part::Bad("b".into()), [36_000.4, 179.9]).as_deref(),
            Some("bad (36000) is more than all (180): the selectors do not fit")
        );
        assert_eq!(
            told(Part::Good("g".into()), [4_199.854_171, 2_999.895_836]).as_deref(),
            Some("good (4200) is more than total (3000): the selectors do not fit")
        );
        assert_eq!(told(Part::Bad("b".into()), [3.0, 180.0]), None);
        assert_eq!(
            told(Part::Bad("b".into()), [f64::NAN, 180.0]).as_deref(),
            Some("its queries return bad NaN of total 180, which makes no error ratio")
        );
    }

    #[test]
    fn a_percentage_is_told_as_one_and_a_mean_tells_of_its_first_part() {
        let direct = |success| Formula::Direct {
            query: "q".into(),
            success,
        };
        let one = |formula: &Formula, value| formula.misfit(&mut std::iter::once(value));
        let told = one(&direct(false), Value::Number(50.0)).expect("a reason");
        assert!(told.contains("50, more than 1"), "{told}");
        let told = one(&direct(true), Value::Number(99.5)).expect("a reason");
        assert!(told.contains("99.5, more than 1"), "{told}");
        assert_eq!(one(&direct(true), Value::Number(0.5)), None);
        assert_eq!(one(&direct(true), Value::Missing), None);
        let mean = Formula::Weighted(vec![(1.0, direct(false)), (1.0, direct(false))]);
        let answers = [Value::Missing, Value::Number(7.0)];
        let told = mean.misfit(&mut answers.into_iter()).expect("a reason");
        assert!(told.contains('7'), "{told}");
    }
}
