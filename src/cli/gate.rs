//! Options of `gate`.

use clap::Args;

use super::format::Format;
use super::length::length;
use crate::domain::{When, Window};

/// Options of `gate`.
#[derive(Args, Clone, Debug)]
pub struct Gate {
    /// The service that is to be released; may be repeated: no if any is no
    #[arg(long, value_name = "NAME", required = true)]
    pub service: Vec<String>,
    /// Where to: policies of other environments are left out. Default: production
    #[arg(long, value_name = "ENV")]
    pub environment: Option<String>,
    /// The version that is to be released, for exceptions that name one
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// The kind of change, such as security: an `[[exception]]` of it can pass a policy
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Answers older than this are not known; `max_age` of `[gate]` otherwise, 3m
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    pub max_age: Option<Window>,
    /// Poll until the answer is yes, for so long at most: 30m, 2h
    #[arg(long, value_name = "LENGTH", value_parser = length, conflicts_with = "at")]
    pub wait: Option<Window>,
    /// End with status 0 whatever the answer, which is printed and kept all the same
    #[arg(long)]
    pub dry_run: bool,
    /// End with status 0 where it cannot be told; mistakes in usage and configuration stay 3
    #[arg(long)]
    pub fail_open: bool,
    /// A past moment: 1h, 09:00, yesterday 14:00, RFC 3339, Unix seconds
    #[arg(long, value_name = "TIME", value_parser = When::parse, allow_hyphen_values = true)]
    pub at: Option<When>,
    /// How to print it
    #[arg(short = 'o', long, value_enum, ignore_case = true, default_value_t = Format::Text)]
    pub format: Format,
}
