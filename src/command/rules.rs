//! `watchfire rules`: recording and alerting rules of the configured SLOs, and unit tests of them.

use std::process::ExitCode;

use super::{adjustments, refuse, say};
use crate::cli::{self, RuleFormat};
use crate::config::Loaded;
use crate::print::github::{Annotation, Level};
use crate::source::prometheus::record::{Choice, RuleFile};
use crate::text::Untrusted;

/// The file that the unit tests take the rules from, beside themselves.
const RULES_FILE: &str = "watchfire.rules.yml";

/// Prints the rules, or their tests. What cannot be a rule is said beside them.
pub fn run(options: &cli::Rules, loaded: &Loaded) -> ExitCode {
    let choice = Choice {
        sources: &options.source,
        services: &options.service,
    };
    let mut file = RuleFile::of(&loaded.settings, &choice);
    file.remarks
        .extend(adjustments::not_exported(&loaded.settings));
    let is_github = options.format == RuleFormat::Github;
    if is_github {
        let printed = super::print(annotations(&file.remarks, loaded).as_bytes());
        if printed != ExitCode::SUCCESS {
            return printed;
        }
    } else {
        tell(&file.remarks);
    }
    if file.is_empty() {
        let is_whole = choice.sources.is_empty() && choice.services.is_empty();
        return refuse(if loaded.settings.slos.is_empty() {
            "no [[slo]] is configured, and rules are written of those: add one, \
             `watchfire config` shows how"
        } else if is_whole {
            "none of the SLOs can be a rule"
        } else {
            "no SLO of the configuration is of this source and service"
        });
    }
    if is_github {
        return ExitCode::SUCCESS;
    }
    let (text, remarks) = if options.tests {
        file.tests(RULES_FILE)
    } else {
        (file.yaml(), Vec::new())
    };
    tell(&remarks);
    super::print(text.as_bytes())
}

/// Remarks as annotations of the configuration file.
fn annotations(remarks: &[String], loaded: &Loaded) -> String {
    let file = loaded
        .settings
        .file
        .as_ref()
        .map(|file| file.display().to_string());
    let annotation = |remark: &String| Annotation {
        level: Level::Warning,
        file: file.clone().unwrap_or_default(),
        place: None,
        title: "watchfire rules".to_owned(),
        message: remark.clone(),
    };
    remarks
        .iter()
        .map(|remark| annotation(remark).to_string())
        .collect()
}

fn tell(remarks: &[String]) {
    for remark in remarks {
        say(Untrusted::from(remark.as_str()).shown());
    }
}
