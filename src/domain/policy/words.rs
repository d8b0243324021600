//! Conditions in words, for verdicts and screens.

use std::fmt;

use super::{Bound, Condition};
use crate::domain::Window;
use crate::domain::window;

/// A ratio as a percentage, with no more digits than it needs: `4 %`, `0.25 %`, `-12 %`.
pub fn percent(ratio: f64) -> String {
    let value = ratio * 100.0;
    let digits = match value.abs() {
        size if !(5e-7..9.95).contains(&size) => 0,
        size if size >= 0.995 => 1,
        _ => 2,
    };
    let mut text = format!("{value:.digits$}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    if text == "-0" {
        text.remove(0);
    }
    format!("{text} %")
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(limit) => write!(f, "below {}", percent(*limit)),
            Self::Above(limit) => write!(f, "above {}", percent(*limit)),
            Self::AtMost(limit) if *limit == 0.0 => f.write_str("spent"),
            Self::AtMost(limit) => write!(f, "at {} or less", percent(*limit)),
        }
    }
}

/// ` over 28d`, or nothing.
fn over(window: Option<Window>) -> String {
    window.map_or_else(String::new, |window| format!(" over {window}"))
}

fn joined(parts: &[Condition], word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            write!(f, " {word} ")?;
        }
        match part {
            Condition::All(inner) | Condition::Any(inner) if inner.len() > 1 => {
                write!(f, "({part})")?;
            }
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => joined(parts, "and", f),
            Self::Any(parts) => joined(parts, "or", f),
            Self::Not(part) => match &**part {
                Self::All(inner) | Self::Any(inner) if inner.len() > 1 => write!(f, "not ({part})"),
                _ => write!(f, "not {part}"),
            },
            Self::BudgetRemaining {
                bound,
                slo,
                over: time,
            } => {
                f.write_str("budget")?;
                if let Some(slo) = slo {
                    write!(f, " of {slo}")?;
                }
                write!(f, " {bound}{}", over(*time))
            }
            Self::BudgetSpent {
                above,
                by,
                over: time,
            } => {
                write!(
                    f,
                    "more than {} of the budget{} spent",
                    percent(*above),
                    over(*time)
                )?;
                match by {
                    Some(cause) => write!(f, " by one {}", cause.word()),
                    None => Ok(()),
                }
            }
            Self::BurnRate { window, above } => write!(f, "burn rate {window} above {above}x"),
            Self::State(states) => {
                let words: Vec<_> = states.iter().map(|state| state.word()).collect();
                write!(f, "state {}", words.join(" or "))
            }
            Self::Incident {
                severity,
                older_than,
            } => {
                f.write_str("open incident")?;
                if let Some(severity) = severity {
                    write!(f, " of severity {severity} or worse")?;
                }
                match older_than {
                    Some(age) => write!(f, " for more than {}", window::brief(*age)),
                    None => Ok(()),
                }
            }
            Self::FailedRelease(within) => {
                write!(f, "failed release within {}", window::brief(*within))
            }
            Self::RunningRelease => f.write_str("release running"),
            Self::FrozenDependency => f.write_str("dependency frozen"),
            Self::Calendar(_) => f.write_str("calendar"),
        }
    }
}
