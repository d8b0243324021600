//! Options of the commands that change something elsewhere: `ack` and `silence`.

use clap::{ArgGroup, Args, ValueEnum};

use super::Format;
use super::matchers::{Matchers, matchers};
use crate::domain::Severity;

/// Options of `ack`.
#[derive(Args, Clone, Debug)]
pub struct Ack {
    /// Of which service; may be repeated
    #[arg(long, value_name = "NAME", required = true)]
    pub service: Vec<String>,
    /// Only what is as urgent as this
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub severity: Option<Urgency>,
    /// Only at this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Whether it is done.
    #[command(flatten)]
    pub doing: Doing,
}

/// Options of `silence`.
#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("what").required(true).args(["service", "matcher", "expire", "extend"])))]
pub struct Silence {
    /// Silence a service, by the label that names it in its alerts; may be repeated
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// Silence what has these labels: name=value, name!=value, name=~regex, name!~regex; may be
    /// repeated, then all have to match
    #[arg(long, value_name = "MATCHER", value_parser = matchers)]
    pub matcher: Vec<Matchers>,
    /// End this silence now
    #[arg(long, value_name = "ID")]
    pub expire: Option<String>,
    /// Move the end of this silence
    #[arg(long, value_name = "ID")]
    pub extend: Option<String>,
    /// For so long: 15m, 4h, 2d
    #[arg(long = "for", value_name = "LENGTH", conflicts_with_all = ["until", "expire"])]
    pub length: Option<String>,
    /// Until then: 09:00, `fri 09:00`, `tomorrow 09:00`, work, or RFC 3339
    #[arg(long, value_name = "TIME", conflicts_with = "expire")]
    pub until: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub comment: String,
    /// Only at this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Whether it is done.
    #[command(flatten)]
    pub doing: Doing,
}

/// Whether something is done, and how that is printed.
#[derive(Args, Clone, Copy, Debug)]
pub struct Doing {
    /// Do it
    #[arg(long)]
    pub yes: bool,
    /// Only show what would be done, as without --yes
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = Format::Text)]
    pub format: Format,
}

/// How urgent an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Urgency {
    /// Somebody has to look now.
    Page,
    /// Somebody should look in working hours.
    Ticket,
    /// Good to know.
    Info,
}

impl From<Urgency> for Severity {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Page => Self::Page,
            Urgency::Ticket => Self::Ticket,
            Urgency::Info => Self::Info,
        }
    }
}
