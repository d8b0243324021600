//! The definitions, in exact numbers. Nothing of the program is used here.

use num_rational::BigRational;

/// Making and measuring exact numbers.
pub(crate) mod ratio {
    use num_bigint::BigInt;
    use num_rational::BigRational;

    pub(crate) fn of(number: impl Into<BigInt>, over: impl Into<BigInt>) -> BigRational {
        BigRational::new(number.into(), over.into())
    }

    pub(crate) fn size(number: &BigRational) -> BigRational {
        if *number < of(0, 1) {
            -number
        } else {
            number.clone()
        }
    }
}

/// What a window says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measured {
    Ratio(BigRational),
    NoTraffic,
    NoSeries,
    Unknown,
}

impl Measured {
    fn ratio(&self) -> Option<&BigRational> {
        match self {
            Self::Ratio(ratio) => Some(ratio),
            Self::NoTraffic | Self::NoSeries | Self::Unknown => None,
        }
    }

    /// A weighted mean: what is unknown makes it unknown, what is missing makes it missing, and
    /// what had no traffic does not weigh.
    pub(crate) fn mean(parts: impl Iterator<Item = (u32, Self)>) -> Self {
        let parts: Vec<_> = parts.collect();
        for worst in [Self::Unknown, Self::NoSeries] {
            if parts.iter().any(|(_, part)| *part == worst) {
                return worst;
            }
        }
        let weighty = parts
            .iter()
            .filter_map(|(weight, part)| Some((ratio::of(*weight, 1), part.ratio()?)));
        let (sum, total) = weighty.fold(
            (ratio::of(0, 1), ratio::of(0, 1)),
            |(sum, total), (weight, part)| (sum + &weight * part, total + weight),
        );
        if total == ratio::of(0, 1) {
            Self::NoTraffic
        } else {
            Self::Ratio(sum / total)
        }
    }
}

/// A window of a measured world, in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) window: u64,
    pub(crate) measured: Measured,
    /// Bad events, where they are known.
    pub(crate) bad: Option<BigRational>,
}

/// A rule: above the factor in both windows.
#[derive(Clone, Debug)]
pub(crate) struct ExactRule {
    pub(crate) pages: bool,
    pub(crate) long: u64,
    pub(crate) short: u64,
    pub(crate) factor: BigRational,
}

/// Everything there is to know of one SLO at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) objective: BigRational,
    pub(crate) rules: Vec<ExactRule>,
    pub(crate) windows: Vec<Seen>,
    pub(crate) period: Measured,
    pub(crate) is_calendar: bool,
    pub(crate) length_s: u64,
    pub(crate) elapsed_s: u64,
    pub(crate) min_bad_events: u32,
    pub(crate) is_partial: bool,
}

#[derive(Debug)]
pub(crate) struct RuleJudgement {
    pub(crate) firing: Option<bool>,
    pub(crate) held_back: Option<BigRational>,
    pub(crate) long: Option<BigRational>,
    pub(crate) short: Option<BigRational>,
}

#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) rules: Vec<RuleJudgement>,
    pub(crate) state: &'static str,
    pub(crate) phase: Option<&'static str>,
    pub(crate) burn_rates: Vec<(u64, Option<BigRational>)>,
    pub(crate) period_burn: Option<BigRational>,
    pub(crate) budget_remaining: Option<BigRational>,
    pub(crate) exhausts_in_s: Option<BigRational>,
    pub(crate) hold_burn_rate: Option<BigRational>,
}

/// The workbook's table 5-8 with the ticket row of a day: the share of the budget is 2 % in an
/// hour, 5 % in six, 10 % in a day and 10 % in three; the short window is a twelfth of the long.
pub(crate) fn workbook(period_s: u64) -> Vec<ExactRule> {
    [(true, 1, 2), (true, 6, 5), (false, 24, 10), (false, 72, 10)]
        .into_iter()
        .map(|(pages, hours, percent)| ExactRule {
            pages,
            long: hours * 3_600,
            short: hours * 300,
            factor: ratio::of(percent, 100) * ratio::of(period_s, hours * 3_600),
        })
        .collect()
}

/// Judges one SLO.
pub(crate) fn judge(truth: &Truth) -> Judgement {
    let budget = ratio::of(1, 1) - &truth.objective;
    let seen = |window: u64| truth.windows.iter().find(|seen| seen.window == window);
    let burn = |window: u64| Some(seen(window)?.measured.ratio()? / &budget);
    let rules: Vec<_> = truth
        .rules
        .iter()
        .map(|rule| {
            let (long, short) = (burn(rule.long), burn(rule.short));
            let bad = seen(rule.long).and_then(|seen| seen.bad.clone());
            judge_rule(rule, long, short, bad, truth.min_bad_events)
        })
        .collect();
    let mut windows: Vec<u64> = truth
        .rules
        .iter()
        .flat_map(|rule| [rule.short, rule.long])
        .collect();
    windows.sort_unstable();
    windows.dedup();
    let period_burn = truth.period.ratio().map(|ratio| ratio / &budget);
    let budget_remaining = period_burn.as_ref().map(|burn| ratio::of(1, 1) - burn);
    let pace = if windows.contains(&3_600) {
        Some(3_600)
    } else {
        truth.rules.first().map(|rule| rule.long)
    };
    let zero = ratio::of(0, 1);
    let exhausts_in_s = pace
        .and_then(burn)
        .zip(budget_remaining.as_ref())
        .filter(|(burn, left)| *burn > zero && **left > zero)
        .map(|(burn, left)| left * ratio::of(truth.length_s, 1) / burn);
    let hold_burn_rate = period_burn
        .as_ref()
        .filter(|_| truth.is_calendar && truth.elapsed_s < truth.length_s)
        .map(|burn| {
            let passed = ratio::of(truth.elapsed_s, truth.length_s);
            (ratio::of(1, 1) - burn * &passed) / (ratio::of(1, 1) - passed)
        });
    let state = state(truth, &rules);
    Judgement {
        state,
        phase: phase(truth, &rules, state),
        burn_rates: windows
            .iter()
            .map(|&window| (window, burn(window)))
            .collect(),
        rules,
        period_burn,
        budget_remaining,
        exhausts_in_s,
        hold_burn_rate,
    }
}

fn judge_rule(
    rule: &ExactRule,
    long: Option<BigRational>,
    short: Option<BigRational>,
    bad: Option<BigRational>,
    min_bad_events: u32,
) -> RuleJudgement {
    let above = |burn: &Option<BigRational>| burn.as_ref().map(|burn| *burn > rule.factor);
    let both = match (above(&long), above(&short)) {
        (Some(true), Some(true)) => Some(true),
        (Some(false), _) | (_, Some(false)) => Some(false),
        _ => None,
    };
    let whole = bad.map(|bad| bad.round());
    let held_back =
        whole.filter(|bad| both == Some(true) && rule.pages && *bad < ratio::of(min_bad_events, 1));
    RuleJudgement {
        firing: both.map(|both| both && held_back.is_none()),
        held_back,
        long,
        short,
    }
}

/// What fires decides. Else what could not be asked keeps it open, what is not there leaves
/// nothing to say, and only what is all known is well.
fn state(truth: &Truth, rules: &[RuleJudgement]) -> &'static str {
    let fires = |pages: bool| {
        let mut pairs = truth.rules.iter().zip(rules);
        pairs.any(|(rule, judged)| rule.pages == pages && judged.firing == Some(true))
    };
    if fires(true) {
        return "page";
    }
    if fires(false) {
        return "ticket";
    }
    let shortest = truth.windows.iter().min_by_key(|seen| seen.window);
    let shortest = shortest.map_or(&Measured::Unknown, |seen| &seen.measured);
    let says = |window: u64| {
        let seen = truth.windows.iter().find(|seen| seen.window == window);
        seen.map_or(&Measured::Unknown, |seen| &seen.measured)
    };
    let open: Vec<_> = truth
        .rules
        .iter()
        .zip(rules)
        .filter(|(_, judged)| judged.firing.is_none())
        .map(|(rule, _)| rule)
        .collect();
    let is_unasked = open.iter().any(|rule| {
        *says(rule.long) == Measured::Unknown || *says(rule.short) == Measured::Unknown
    });
    if *shortest == Measured::Unknown || is_unasked || truth.is_partial {
        "unknown"
    } else if shortest.ratio().is_none() || !open.is_empty() {
        "no_data"
    } else {
        "ok"
    }
}

fn phase(truth: &Truth, rules: &[RuleJudgement], state: &str) -> Option<&'static str> {
    let of_rule = |(rule, judged): (&ExactRule, &RuleJudgement)| {
        let above =
            |burn: &Option<BigRational>| burn.as_ref().is_some_and(|burn| *burn > rule.factor);
        match (above(&judged.long), above(&judged.short)) {
            (true, true) if judged.held_back.is_none() => 3,
            (true, false) => 2,
            (_, true) => 1,
            (false, false) => 0,
        }
    };
    let worst = truth.rules.iter().zip(rules).map(of_rule).max()?;
    let is_blind = ["no_data", "unknown"].contains(&state);
    match worst {
        3 => Some("burning"),
        2 => Some("recovering"),
        1 => Some("rising"),
        _ => (!is_blind).then_some("calm"),
    }
}
