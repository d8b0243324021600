//! Options of `report`, `timeline` and `note`.

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;

use crate::domain::When;

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PaperFormat {
    /// Markdown
    #[value(aliases = ["text", "table"])]
    Md,
    /// For programs; the fields stay as they are
    Json,
    /// One page with charts, for a browser or a printer; no script
    Html,
}

/// Options of `report`.
#[derive(Args, Clone, Debug)]
pub struct Report {
    /// When it begins: 30d before its end, yesterday, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = When::parse, allow_hyphen_values = true)]
    pub since: When,
    /// When it ends, exclusive; now otherwise
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true)]
    pub until: Option<When>,
    /// This service only; may be repeated
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// One incident of this SLO instead: its moments, its cost, its suspect
    #[arg(long, value_name = "SLO", conflicts_with = "service")]
    pub slo: Option<String>,
    /// Whose days and weeks count: utc, local or a name such as Europe/Berlin. Default: that of the
    /// configuration
    #[arg(long, value_name = "ZONE", value_parser = crate::config::time_zone)]
    pub timezone: Option<TimeZone>,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = PaperFormat::Md)]
    pub format: PaperFormat,
}

/// How events are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EventFormat {
    /// Markdown
    #[value(aliases = ["text", "table"])]
    Md,
    /// For spreadsheets; no cell is a formula
    Csv,
    /// For programs; the fields stay as they are
    Json,
}

/// Options of `timeline`.
#[derive(Args, Clone, Debug)]
pub struct Timeline {
    /// When it begins: 24h before its end, 09:00, yesterday 14:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = When::parse, allow_hyphen_values = true)]
    pub since: When,
    /// When it ends; now otherwise
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true)]
    pub until: Option<When>,
    /// What happened to this service only, and notes; may be repeated
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = EventFormat::Md)]
    pub format: EventFormat,
}

/// Options of `note`.
#[derive(Args, Clone, Debug)]
pub struct Note {
    /// The note
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// On which moment: 1h, 09:00, yesterday 14:00, RFC 3339, Unix seconds; now otherwise
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true)]
    pub at: Option<When>,
}
