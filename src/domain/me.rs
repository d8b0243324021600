//! Who sits here, and what makes a row theirs.

use crate::text::Untrusted;

/// Who sits here: `[me]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Me {
    /// What the audit log and the makers of silences are told; empty for the login's name.
    pub name: String,
    /// What sources call me besides: ids, logins, addresses.
    pub aliases: Vec<String>,
    /// My address, which `PagerDuty` asks for.
    pub email: Option<String>,
    /// The teams I am in.
    pub teams: Vec<String>,
}

/// Whose a row is, the nearest first; as what is looked at: rows up to there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// I have it, or it waits for me.
    Mine,
    /// It is my team's.
    Team,
    /// Anybody's.
    #[default]
    All,
}

impl Whose {
    /// The word for what is looked at.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Team => "team",
            Self::All => "all",
        }
    }

    /// To whom such rows belong, in a sentence.
    pub fn owner(self) -> &'static str {
        match self {
            Self::Mine => "yours",
            Self::Team => "your team's",
            Self::All => "anybody's",
        }
    }

    /// What is looked at after this.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::Mine,
            Self::Mine => Self::Team,
            Self::Team => Self::All,
        }
    }
}

impl Me {
    /// True when anything is known that could make a row mine.
    pub fn is_known(&self) -> bool {
        let mut names = self.names();
        names.any(|name| !name.is_empty()) || !self.teams.is_empty()
    }

    /// Whether a source speaks of me, whatever the case.
    pub fn is(&self, who: &Untrusted) -> bool {
        let who = who.raw().to_lowercase();
        !who.is_empty() && self.names().any(|name| name.to_lowercase() == who)
    }

    /// Whether I am in this team, whatever the case.
    pub fn is_in(&self, team: &str) -> bool {
        let team = team.to_lowercase();
        let mut teams = self.teams.iter();
        !team.is_empty() && teams.any(|mine| mine.to_lowercase() == team)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let names = std::iter::once(&self.name).chain(&self.aliases);
        names.chain(&self.email).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_me_whatever_its_case_and_no_name_is_nobody() {
        let me = Me {
            name: "Mara".to_owned(),
            aliases: vec!["PMARA01".to_owned()],
            email: Some("mara@acme.example".to_owned()),
            teams: vec!["Shop".to_owned()],
        };
        for (who, is_me) in [
            ("mara", true),
            ("pmara01", true),
            ("Mara@Acme.example", true),
            ("maraca", false),
            ("", false),
        ] {
            assert_eq!(me.is(&who.into()), is_me, "{who}");
        }
        assert!(me.is_in("shop") && !me.is_in("") && me.is_known());
        let nobody = Me::default();
        assert!(!nobody.is(&"".into()) && !nobody.is_in("") && !nobody.is_known());
    }
}
