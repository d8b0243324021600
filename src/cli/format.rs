//! How each command prints its answer.

use clap::ValueEnum;

/// How `rules` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RuleFormat {
    /// Prometheus' rule files, which Thanos, Mimir and vmalert read too
    Prometheus,
    /// What cannot be a rule, as annotations of GitHub Actions
    Github,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For programs; the fields stay as they are
    Json,
    /// Annotations of GitHub Actions
    Github,
}

/// How `import` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// Tables of the configuration
    #[value(alias = "toml")]
    Text,
    /// For programs; the fields stay as they are
    Json,
    /// What is refused or means something else here, as annotations of GitHub Actions
    Github,
}

/// How settings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConfigFormat {
    /// Tables of the configuration
    #[value(alias = "toml")]
    Text,
    /// For programs; the keys are those of the file
    Json,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[value(aliases = ["table", "md"])]
    Text,
    /// For programs; the fields stay as they are
    Json,
}

/// How a status is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For programs; the fields stay as they are
    Json,
    /// One line and performance data, as monitoring plugins print them
    Nagios,
    /// Metrics, for a textfile collector
    Prometheus,
    /// Columns with tabs between them
    Tsv,
}

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For programs; the fields stay as they are
    Json,
    /// Columns with tabs between them, the id first
    Tsv,
}
