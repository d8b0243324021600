//! The configuration that `init` proposes, as commented text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use toml::{Table, Value};

use crate::dialect::write;
use crate::domain::Suggestion;
use crate::domain::slo::rounded;
use crate::text::Shown;

/// The order of keys in a `[[source]]`; others follow by name.
const SOURCE_KEYS: [&str; 6] = ["name", "kind", "url", "urls", "token", "repos"];

/// A configuration in the making. Its comments hold no figure that changes by itself.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// Whom to ask.
    pub sources: Vec<ProposedSource>,
    /// Services that SLOs were found of.
    pub services: BTreeSet<String>,
    /// SLOs, by service and name.
    pub slos: Vec<ProposedSlo>,
    /// What was found and not decided, a paragraph each.
    pub remarks: Vec<String>,
}

/// A proposed `[[source]]`.
#[derive(Clone, Debug)]
pub struct ProposedSource {
    table: Table,
    /// What a reader should know of it.
    pub comments: Vec<String>,
    /// False where it is written commented out, to be completed.
    pub is_active: bool,
}

impl ProposedSource {
    /// A source of a kind.
    pub fn new(name: &str, kind: &str) -> Self {
        let mut source = Self {
            table: Table::new(),
            comments: Vec::new(),
            is_active: true,
        };
        source.set("name", name);
        source.set("kind", kind);
        source
    }

    /// Its name.
    pub fn name(&self) -> &str {
        let name = self.table.get("name").and_then(Value::as_str);
        name.unwrap_or_default()
    }

    /// Sets a text.
    pub fn set(&mut self, key: &str, value: &str) {
        self.table.insert(key.to_owned(), value.into());
    }

    /// Sets a list of texts.
    pub fn set_list(&mut self, key: &str, values: &[String]) {
        self.table.insert(key.to_owned(), values.to_vec().into());
    }

    /// Sets a secret by the name of its variable.
    pub fn set_variable(&mut self, key: &str, variable: &str) {
        let place: Table = [("env".to_owned(), variable.into())].into_iter().collect();
        self.table.insert(key.to_owned(), place.into());
    }

    /// Sets a list of tables of texts.
    pub fn set_tables(&mut self, key: &str, tables: &[Vec<(&str, &str)>]) {
        let table = |pairs: &Vec<(&str, &str)>| {
            let pairs = pairs.iter();
            let pairs = pairs.map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
            Value::Table(pairs.collect())
        };
        let list: Vec<_> = tables.iter().map(table).collect();
        self.table.insert(key.to_owned(), list.into());
    }
}

/// A proposed `[[slo]]`.
#[derive(Clone, Debug)]
pub struct ProposedSlo {
    table: Table,
    /// Why it is proposed.
    pub comments: Vec<String>,
    /// False where it is written commented out.
    pub is_active: bool,
}

impl ProposedSlo {
    /// An SLO; the objective is in percent.
    pub fn new(service: &str, name: &str, objective: f64, period: &str) -> Self {
        let mut slo = Self {
            table: Table::new(),
            comments: Vec::new(),
            is_active: true,
        };
        slo.set("service", service);
        slo.set("name", name);
        slo.table.insert("objective".to_owned(), objective.into());
        slo.set("period", period);
        slo
    }

    /// Sets a text.
    pub fn set(&mut self, key: &str, value: &str) {
        self.table.insert(key.to_owned(), value.into());
    }

    /// The `[[slo]]` of a source's suggestion.
    pub fn of(suggestion: &Suggestion, source: &str) -> Self {
        let objective = rounded(suggestion.objective * 100.0);
        let (service, period) = (suggestion.service.raw(), suggestion.period.to_string());
        let mut slo = Self::new(service, suggestion.name, objective, &period);
        slo.set("source", source);
        for (key, query) in suggestion.counts.settings() {
            slo.set(key, query.raw());
        }
        if suggestion.absent_is_zero {
            slo.set("absent", "zero");
        }
        let because = format!("Suggested: {}.", suggestion.because.raw());
        slo.comments.push(because);
        slo
    }

    /// Its lines in the file.
    pub fn text(&self) -> String {
        switched(&write::slo(&self.table, &self.comments), self.is_active)
    }

    /// Its service and name.
    pub fn id(&self) -> (&str, &str) {
        let text = |key| {
            self.table
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        (text("service"), text("name"))
    }
}

impl Proposal {
    /// The file.
    pub fn text(&self) -> String {
        let mut text = String::from(HEAD);
        text.push_str(&heading("Sources: whom to ask"));
        for source in &self.sources {
            let entry = write::entry("source", &source.table, &SOURCE_KEYS, &source.comments);
            text.push_str(&switched(&entry, source.is_active));
            text.push('\n');
        }
        if !self.services.is_empty() {
            text.push_str(&heading("Services"));
            text.push_str(SERVICES);
            for service in &self.services {
                let table: Table = [("name".to_owned(), service.as_str().into())]
                    .into_iter()
                    .collect();
                text.push_str(&write::entry("service", &table, &["name"], &[]));
                text.push('\n');
            }
        }
        text.push_str(&heading("SLOs"));
        for slo in &self.slos {
            text.push_str(&slo.text());
            text.push('\n');
        }
        for remark in &self.remarks {
            for line in remark.lines() {
                let _ = writeln!(text, "# {}", Shown::new(line));
            }
            text.push_str("#\n");
        }
        let end = text.trim_end_matches(['\n', '#']).len();
        text.truncate(end);
        text.push('\n');
        text
    }
}

const HEAD: &str = "\
#:schema ./watchfire.schema.json
# watchfire configuration, written by `watchfire init`. Change what you like: `init` never overwrites it.
# Editors complete and check it by the schema that `watchfire schema > watchfire.schema.json` writes.
# A line that begins with `#` and no space behind it is switched off; remove the `#` to use it.
# `watchfire config` prints every setting there is, `watchfire config check` checks this file.
";

const SERVICES: &str = "\
# What belongs to a service: aliases (what other sources call it), depends_on, team, tier, runbook, links.
";

fn heading(text: &str) -> String {
    let rule = "-".repeat(94_usize.saturating_sub(text.len()));
    format!("\n# ---- {text} {rule}\n\n")
}

/// An entry as it is, or with each line that is no comment switched off.
fn switched(entry: &str, is_active: bool) -> String {
    if is_active {
        return entry.to_owned();
    }
    let mut is_inside = false;
    let lines = entry.lines().map(|line| {
        // A line of a text of several lines may begin like a comment.
        let is_comment = line.starts_with("# ") && !is_inside;
        if line.matches("'''").count() % 2 == 1 {
            is_inside = !is_inside;
        }
        if is_comment {
            format!("{line}\n")
        } else {
            format!("#{line}\n")
        }
    });
    lines.collect()
}

/// True for two files with the same tables, whatever their comments say; false where one is no TOML.
pub fn has_same_tables(one: &str, other: &str) -> bool {
    let parsed = |text: &str| toml::from_str::<Table>(text).ok();
    matches!((parsed(one), parsed(other)), (Some(one), Some(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proposal(texts: &[String], is_active: bool) -> Proposal {
        let text = |at: usize| texts[at % texts.len()].as_str();
        let mut source = ProposedSource::new(text(0), "prometheus");
        source.set("url", text(1));
        source.set_variable("token", text(2));
        source.comments.push(text(3).to_owned());
        let mut slo = ProposedSlo::new(text(4), text(5), 99.9, "30d");
        slo.set("total", text(6));
        slo.set("bad", text(7));
        slo.comments.push(text(8).to_owned());
        slo.is_active = is_active;
        Proposal {
            sources: vec![source],
            services: [text(4).to_owned()].into(),
            slos: vec![slo],
            remarks: vec![text(9).to_owned()],
        }
    }

    proptest! {
        #[test]
        fn no_text_writes_a_setting_or_steers_a_terminal(
            texts in prop::collection::vec("(?s).{0,40}|[\"'\\\\#\\[\\]=\\n\\r\\t\u{1b}\u{9b}\u{202e}]{0,12}", 10),
            is_active: bool,
        ) {
            let text = proposal(&texts, is_active).text();
            let table: Table = toml::from_str(&text).expect("TOML");
            let sections: Vec<_> = table.keys().map(String::as_str).collect();
            let wanted: &[&str] = if is_active { &["service", "slo", "source"] } else { &["service", "source"] };
            prop_assert_eq!(sections, wanted);
            prop_assert_eq!(table["source"][0]["name"].as_str(), Some(texts[0].as_str()));
            prop_assert_eq!(table["source"][0].as_table().map(Table::len), Some(4));
            if is_active {
                prop_assert_eq!(table["slo"][0]["bad"].as_str(), Some(texts[7].as_str()));
                prop_assert_eq!(table["slo"][0].as_table().map(Table::len), Some(6));
            }
            let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
            prop_assert!(!text.contains(steers), "{text:?}");
        }

        #[test]
        fn what_is_switched_off_is_the_same_once_it_is_switched_on(
            texts in prop::collection::vec("[a-z\"'\\\\#= \\n]{0,20}", 10),
        ) {
            let on = proposal(&texts, true);
            let off = proposal(&texts, false).text();
            let lines = off.lines().map(|line| match line.strip_prefix('#') {
                Some(rest) if !rest.is_empty() && !rest.starts_with([' ', ':']) => rest,
                _ => line,
            });
            let again = lines.collect::<Vec<_>>().join("\n");
            let parsed = toml::from_str::<Table>(&again);
            if !texts.iter().any(|text| text.contains('\n')) {
                prop_assert_eq!(parsed.expect("TOML"), toml::from_str::<Table>(&on.text()).expect("TOML"));
            }
        }
    }

    #[test]
    fn comments_make_no_difference_and_tables_do() {
        assert!(has_same_tables("# a\nx = 1", "x = 1 # b"));
        assert!(!has_same_tables("x = 1", "x = 2"));
        assert!(!has_same_tables("x = ", "x = "));
    }
}
