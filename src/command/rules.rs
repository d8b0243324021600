//! `watchfire rules`: recording and alerting rules of the configured SLOs, and unit tests of them.

use std::process::ExitCode;

use super::{refuse, say};
use crate::cli;
use crate::config::Loaded;
use crate::source::prometheus::record::{Choice, RuleFile};
use crate::text::Untrusted;

/// The file that the unit tests take the rules from, beside themselves.
const RULES_FILE: &str = "watchfire.rules.yml";

/// Prints the rules, or their tests. What cannot be a rule is said beside them.
pub fn run(options: &cli::Rules, loaded: &Loaded) -> ExitCode {
    let choice = Choice {
        source: options.source.as_deref(),
        service: options.service.as_deref(),
    };
    let file = RuleFile::of(&loaded.settings, &choice);
    tell(&file.remarks);
    if file.is_empty() {
        return refuse(match (choice.source, choice.service) {
            _ if loaded.settings.slos.is_empty() => {
                "no [[slo]] is configured, and rules are written of those: add one, \
                 `watchfire config` shows how"
            }
            (None, None) => "none of the SLOs can be a rule",
            _ => "no SLO of the configuration is of this source and service",
        });
    }
    let (text, remarks) = if options.tests {
        file.tests(RULES_FILE)
    } else {
        (file.yaml(), Vec::new())
    };
    tell(&remarks);
    super::print(text.as_bytes())
}

fn tell(remarks: &[String]) {
    for remark in remarks {
        say(Untrusted::from(remark.as_str()).shown());
    }
}
