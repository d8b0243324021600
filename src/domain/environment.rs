//! Environments: patterns of their names, and which of them are production.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::Release;

/// The names that are production where the settings do not say.
pub const PRODUCTION: [&str; 4] = ["production", "prod", "prd", "live"];
/// Words that name an environment before production, digits at their end left out.
const BEFORE_PRODUCTION: [&str; 34] = [
    "pre",
    "non",
    "no",
    "not",
    "preprod",
    "nonprod",
    "preproduction",
    "nonproduction",
    "staging",
    "stage",
    "stg",
    "test",
    "tests",
    "testing",
    "tst",
    "dev",
    "develop",
    "development",
    "preview",
    "previews",
    "review",
    "qa",
    "uat",
    "sandbox",
    "demo",
    "integration",
    "int",
    "ci",
    "local",
    "lab",
    "perf",
    "loadtest",
    "acceptance",
    "acc",
];
/// Words that say nothing of where it is: with the standard list they count as production.
const NEUTRAL: [&str; 3] = ["main", "default", "canary"];

/// A name in which `*` stands for any characters and `?` for one; case does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    text: String,
    pattern: glob::Pattern,
}

impl NamePattern {
    /// Reads a pattern; every text is one.
    pub fn new(text: &str) -> Self {
        let mut escaped = String::new();
        for character in text.to_lowercase().chars() {
            match character {
                '[' => escaped.push_str("[[]"),
                ']' => escaped.push_str("[]]"),
                // `**` is a way through folders, and here there are none.
                '*' if escaped.ends_with('*') => {}
                other => escaped.push(other),
            }
        }
        Self {
            text: text.to_owned(),
            pattern: glob::Pattern::new(&escaped).unwrap_or_default(),
        }
    }

    /// The pattern as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True without any wildcard.
    pub fn is_literal(&self) -> bool {
        !self.text.contains(['*', '?'])
    }

    /// True for a name that the whole pattern stands for.
    pub fn matches(&self, name: &str) -> bool {
        self.pattern.matches(&name.to_lowercase())
    }
}

/// How an environment stands to production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Users meet what is released there.
    Production,
    /// Its name says that it comes before production.
    Before,
    /// Nothing is known of its name: not taken for production.
    Unknown,
}

/// Which environments are production: `[delivery] production`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Production {
    patterns: Vec<NamePattern>,
    /// True for the list that holds where nothing is configured.
    is_standard: bool,
}

impl Default for Production {
    fn default() -> Self {
        Self::new(PRODUCTION)
    }
}

impl Production {
    /// Reads a list of names and patterns.
    pub fn new<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        let patterns: Vec<_> = names
            .into_iter()
            .map(|name| NamePattern::new(name.as_ref().trim()))
            .collect();
        let is_standard = patterns.iter().map(NamePattern::text).eq(PRODUCTION);
        Self {
            patterns,
            is_standard,
        }
    }

    /// How an environment stands to production. A source that does not say where means production.
    ///
    /// A pattern stands for the whole name. One without wildcards also stands for a part of it
    /// (`prod-eu`, `Production – web`), unless another part says otherwise (`pre-prod`).
    pub fn stage(&self, environment: &str) -> Stage {
        let name = environment.trim().to_lowercase();
        if name.is_empty() || self.patterns.iter().any(|one| one.matches(&name)) {
            return Stage::Production;
        }
        let parts = || parts(&name);
        if parts().any(|part| BEFORE_PRODUCTION.contains(&without_number(part))) {
            return Stage::Before;
        }
        let is_listed = |part: &str| {
            let mut literal = self.patterns.iter().filter(|one| one.is_literal());
            literal.any(|one| one.matches(part) || one.matches(without_number(part)))
        };
        let is_usual = |part: &str| part.starts_with("prod") || NEUTRAL.contains(&part);
        if parts().any(|part| is_listed(part) || self.is_standard && is_usual(part)) {
            Stage::Production
        } else {
            Stage::Unknown
        }
    }

    /// The names and patterns that are listed.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(NamePattern::text)
    }

    /// True when production is there.
    pub fn contains(&self, environment: &str) -> bool {
        self.stage(environment) == Stage::Production
    }

    /// True for a name of something else, such as a namespace, that names an environment as well.
    pub fn is_environment(&self, name: &str) -> bool {
        let is_neutral = self.is_standard && parts(&name.to_lowercase()).all(is_neutral);
        !is_neutral && self.stage(name) != Stage::Unknown
    }
}

/// How releases and incidents are tied: `[delivery] link_within` and `observe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linking {
    /// How long after a release an incident can be of it.
    pub link_within: SignedDuration,
    /// How long a release is observed before it counts as one that did not fail.
    pub observe: SignedDuration,
}

impl Default for Linking {
    fn default() -> Self {
        Self {
            link_within: SignedDuration::from_hours(24),
            observe: SignedDuration::from_hours(1),
        }
    }
}

/// The environments that releases went to, each with their number and how it stands to production.
pub fn environments<'a>(
    releases: &'a [Release],
    production: &Production,
) -> BTreeMap<&'a str, (usize, Stage)> {
    let mut found = BTreeMap::new();
    for release in releases {
        let name = release.environment.raw();
        let entry = found.entry(name).or_insert((0, production.stage(name)));
        entry.0 += 1;
    }
    found
}

fn is_neutral(part: &str) -> bool {
    NEUTRAL.contains(&part)
}

/// The words of a name.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty())
}

/// `staging2` is another staging.
fn without_number(part: &str) -> &str {
    part.trim_end_matches(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_is_told_from_what_only_sounds_like_it() {
        let standard = Production::default();
        for name in [
            "",
            "production",
            "Prod",
            "PRD",
            "prod-eu-1",
            "prod2",
            "eu/production",
            "Production – web",
            "live",
            "live-eu",
            "canary",
            "main",
        ] {
            assert_eq!(standard.stage(name), Stage::Production, "{name}");
        }
        for name in [
            "staging",
            "staging2",
            "pre-prod",
            "preprod",
            "non-production",
            "Preview – web",
            "dev",
            "test",
            "qa",
            "review/12",
            "live-test",
        ] {
            assert_eq!(standard.stage(name), Stage::Before, "{name}");
        }
        for name in ["shop", "eu-west-1", "payments", "customer-7", "–"] {
            assert_eq!(standard.stage(name), Stage::Unknown, "{name}");
        }
    }

    #[test]
    fn a_list_of_ones_own_decides_alone() {
        let own = Production::new(["shop", "eu-*", "Staging-Live"]);
        for (name, stage) in [
            ("shop", Stage::Production),
            ("SHOP", Stage::Production),
            ("shop-eu", Stage::Production),
            ("eu-west-1", Stage::Production),
            ("eu-staging", Stage::Production),
            ("staging-live", Stage::Production),
            ("shop-staging", Stage::Before),
            ("staging", Stage::Before),
            ("production", Stage::Unknown),
            ("default", Stage::Unknown),
            ("workshop", Stage::Unknown),
            ("", Stage::Production),
        ] {
            assert_eq!(own.stage(name), stage, "{name}");
        }
        let nothing = Production::new([""; 0]);
        assert_eq!(nothing.stage("production"), Stage::Unknown);
        assert_eq!(Production::new(PRODUCTION), Production::default());
    }

    #[test]
    fn a_namespace_is_an_environment_only_when_its_name_says_so() {
        let standard = Production::default();
        for name in ["production", "shop-prod", "staging", "team-dev"] {
            assert!(standard.is_environment(name), "{name}");
        }
        for name in ["shop", "default", "main", "payments", "eu-west-1"] {
            assert!(!standard.is_environment(name), "{name}");
        }
        assert!(Production::new(["shop"]).is_environment("shop"));
    }

    #[test]
    fn only_stars_and_question_marks_are_wildcards() {
        for (pattern, name, want) in [
            ("*", "anything at/all", true),
            ("prod-*", "prod-eu/1", true),
            ("prod-*", "prod", false),
            ("pro?", "PROD", true),
            ("**a**", "xay", true),
            ("web [eu]", "Web [EU]", true),
            ("web [eu]", "web e", false),
            ("a", "ab", false),
        ] {
            assert_eq!(
                NamePattern::new(pattern).matches(name),
                want,
                "{pattern} {name}"
            );
        }
        assert!(NamePattern::new("web [eu]").is_literal());
        assert!(!NamePattern::new("web*").is_literal());
    }
}
