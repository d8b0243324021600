//! Numbers as they stand on the screen: one unit, three digits, aligned on the decimal point.

use jiff::SignedDuration;

use crate::domain::{Period, Window};

/// Where a burn rate stands between nothing (0) and the top of a scale (1).
///
/// Logarithmic above 1x, so that a budget spent just as allowed, a slow burn and a fast one can all
/// be told apart on one scale.
pub fn elevation(burn: f64, top: f64) -> f64 {
    (burn.max(0.0).ln_1p() / top.max(1.0).ln_1p()).clamp(0.0, 1.0)
}

/// Columns that [`burn`] and [`rough_burn`] always take.
pub const BURN_WIDTH: u16 = 5;

/// A burn rate with at most three significant digits, on the right of [`BURN_WIDTH`] columns; `–` when
/// it is not known.
pub fn burn(rate: Option<f64>) -> String {
    aligned(&burn_digits(rate))
}

/// The same with a `~` before the number, for one that is not exact.
pub fn rough_burn(rate: Option<f64>) -> String {
    match rate.filter(|rate| rate.is_finite()) {
        Some(_) => aligned(&format!("~{}", burn_digits(rate))),
        None => burn(rate),
    }
}

fn aligned(text: &str) -> String {
    format!("{text:>width$}", width = usize::from(BURN_WIDTH))
}

fn burn_digits(rate: Option<f64>) -> String {
    let Some(rate) = rate.filter(|rate| rate.is_finite()) else {
        return "–".to_owned();
    };
    let (value, unit) = if rate < 999.5 {
        (rate, 'x')
    } else {
        ((rate / 1_000.0).min(999.0), 'k')
    };
    if value < 9.95 {
        format!("{value:.1}{unit}")
    } else {
        format!("{value:.0}{unit}")
    }
}

/// A burn rate within a sentence.
pub fn burn_in_words(rate: f64) -> String {
    burn_digits(Some(rate))
}

/// A rule's factor: as configured, without noise.
pub fn factor(factor: f64) -> String {
    trimmed(factor, 2)
}

/// The least percent of budget that is written out.
const LEAST_PERCENT: i16 = -999;

/// Budget left as whole percent, rounded down so that it never flatters; `–` when not known, and
/// `<-999%` when there is less than that.
pub fn budget(left: Option<f64>) -> String {
    let percent = |percent: i16| {
        if percent < LEAST_PERCENT {
            format!("<{LEAST_PERCENT}%")
        } else {
            format!("{percent}%")
        }
    };
    left.and_then(whole_percent)
        .map_or_else(|| "–".to_owned(), percent)
}

/// How wide [`budget`] writes one that is known, without writing it.
pub fn budget_width(left: f64) -> Option<usize> {
    let percent = whole_percent(left)?;
    let shown = percent.max(LEAST_PERCENT);
    let digits = shown.unsigned_abs().checked_ilog10();
    let digits = digits.map_or(1, |log| log as usize + 1);
    let marks = usize::from(shown < 0) + usize::from(percent < shown);
    Some(digits + marks + "%".len())
}

/// A share as whole percent, rounded down; the hair below a whole number is noise of binary
/// fractions.
pub fn whole_percent(share: f64) -> Option<i16> {
    if !share.is_finite() {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "clamped to four digits before"
    )]
    let percent = (share * 100.0 + 1e-6).floor().clamp(-9_999.0, 999.0) as i16;
    Some(percent)
}

/// An objective in percent, aligned on the decimal point after two digits.
pub fn objective(objective: f64) -> String {
    let text = trimmed(objective * 100.0, 4);
    let whole = text.find('.').unwrap_or(text.len());
    format!("{}{text}", " ".repeat(2_usize.saturating_sub(whole)))
}

/// An error ratio in percent with three significant digits.
pub fn error_percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let decimals = match percent {
        p if p >= 100.0 => 0,
        p if p >= 10.0 => 1,
        p if p >= 1.0 => 2,
        p if p >= 0.1 => 3,
        _ => 4,
    };
    format!("{}%", trimmed(percent, decimals))
}

/// A number of events, in groups of three.
pub fn events(count: f64) -> String {
    if !count.is_finite() {
        return "–".to_owned();
    }
    if count.abs() < 10.0 {
        return trimmed(count, 1);
    }
    let digits = format!("{count:.0}");
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits.as_str()), |digits| ("-", digits));
    let mut out = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// An age or a time left that does not tick every second: below a minute in steps of ten.
pub fn age(age: SignedDuration) -> String {
    let seconds = age.as_secs().max(0);
    match seconds {
        0..10 => "<10s".to_owned(),
        10..60 => format!("{}s", seconds / 10 * 10),
        _ => crate::domain::window::brief(age),
    }
}

/// A time until something happens, in steps of five seconds, rounded up.
pub fn countdown(left: SignedDuration) -> String {
    let seconds = left.as_secs().max(0);
    if seconds < 60 {
        format!("{}s", (seconds / 5 + 1) * 5)
    } else {
        crate::domain::window::brief(left)
    }
}

/// A duration that was measured: `12ms`, `1.4s`.
pub fn latency(latency: SignedDuration) -> String {
    let millis = latency.as_millis().max(0);
    if millis < 1_000 {
        format!("{millis}ms")
    } else {
        format!("{:.1}s", latency.as_secs_f64())
    }
}

/// A window by its largest unit: `1h` for `1h4m`.
pub fn lead(window: Window) -> String {
    let text = window.to_string();
    let end = text
        .find(|c: char| c.is_ascii_alphabetic())
        .map_or(text.len(), |at| at + 1);
    text[..end].to_owned()
}

/// A period in words.
pub fn period(period: Period) -> String {
    match period {
        Period::Rolling(window) => format!("{window} rolling"),
        Period::Week | Period::Month | Period::Quarter | Period::Year => format!("this {period}"),
    }
}

/// At most `decimals` places, without the zeros at the end.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burn_rates_line_up_on_the_right_with_at_most_three_digits() {
        for (rate, want) in [
            (Some(22.06), "  22x"),
            (Some(9.94), " 9.9x"),
            (Some(9.96), "  10x"),
            (Some(0.04), " 0.0x"),
            (Some(144.2), " 144x"),
            (Some(999.4), " 999x"),
            (Some(1_240.0), " 1.2k"),
            (Some(100_000.0), " 100k"),
            (Some(1e12), " 999k"),
            (None, "    –"),
            (Some(f64::NAN), "    –"),
        ] {
            assert_eq!(burn(rate), want);
            let rough = rough_burn(rate);
            assert_eq!(rough.chars().count(), usize::from(BURN_WIDTH), "{rough}");
            assert_eq!(rough.replace('~', "").trim(), burn(rate).trim());
            let is_number = burn(rate).contains(|c: char| c.is_ascii_digit());
            assert_eq!(rough.contains('~'), is_number, "{rough}");
        }
    }

    #[test]
    fn a_budget_is_never_rounded_up() {
        for (left, want) in [
            (0.31, "31%"),
            (0.29, "29%"),
            (0.9996, "99%"),
            (1.0, "100%"),
            (0.004, "0%"),
            (-0.004, "-1%"),
            (-9.99, "-999%"),
            (-9.991, "<-999%"),
            (-18.96, "<-999%"),
            (-700.0, "<-999%"),
        ] {
            assert_eq!(budget(Some(left)), want);
            assert_eq!(budget_width(left), Some(want.len()), "{want}");
        }
        assert_eq!(budget(None), "–");
    }

    #[test]
    fn figures_have_one_unit_and_no_noise() {
        assert_eq!(objective(0.999), "99.9");
        assert_eq!(objective(0.9995), "99.95");
        assert_eq!(objective(0.05), " 5");
        assert_eq!(error_percent(0.0221), "2.21%");
        assert_eq!(error_percent(0.00069), "0.069%");
        assert_eq!(error_percent(0.0), "0%");
        assert_eq!(events(300_000.2), "300,000");
        assert_eq!(events(66.3), "66");
        assert_eq!(events(0.0), "0");
        assert_eq!(factor(14.4), "14.4");
        assert_eq!(factor(0.933_333_333_333), "0.93");
        assert_eq!(lead("1h4m".parse().expect("window")), "1h");
        assert_eq!(lead("4d6h51m".parse().expect("window")), "4d");
    }

    #[test]
    fn ages_do_not_tick_every_second() {
        let at = |seconds| age(SignedDuration::from_secs(seconds));
        assert_eq!(
            [at(-5), at(9), at(19), at(59), at(60), at(7_300)],
            ["<10s", "<10s", "10s", "50s", "1m", "2h"]
        );
        let left = |seconds| countdown(SignedDuration::from_secs(seconds));
        assert_eq!(
            [left(0), left(4), left(5), left(61)],
            ["5s", "5s", "10s", "1m"]
        );
    }
}
