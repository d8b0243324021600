//! Options of `verify`.

use clap::{ArgGroup, Args};

use super::format::Format;
use crate::domain::{When, Window};

/// Options of `verify`.
#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("what").required(true).args(["release", "of_version", "since"])))]
pub struct Verify {
    /// Of which service
    #[arg(long, value_name = "NAME")]
    pub service: String,
    /// The release with this id
    #[arg(long, value_name = "ID")]
    pub release: Option<String>,
    /// The newest release of this version
    #[arg(long = "version", value_name = "VERSION")]
    pub of_version: Option<String>,
    /// What was released at this moment: 10m, 09:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true)]
    pub since: Option<When>,
    /// Watch for so long from the end of the release: 5m, 15m, 1h
    #[arg(
        long = "for",
        value_name = "LENGTH",
        default_value = "15m",
        conflicts_with = "until"
    )]
    pub length: Window,
    /// Watch until this moment; a past one is judged at once
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true)]
    pub until: Option<When>,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = Format::Text)]
    pub format: Format,
}
