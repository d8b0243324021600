//! The orders that rows can be shown in.

/// The order of the rows of a pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The pane's own: what needs somebody first.
    #[default]
    Urgency,
    /// By the name of the service.
    Service,
    /// The least error budget first.
    Budget,
    /// The highest burn rate first.
    Burn,
}

impl Sort {
    /// Every order, by the word that chooses it in the configuration.
    pub const ALL: [(&str, Self); 4] = [
        ("urgency", Self::Urgency),
        ("service", Self::Service),
        ("budget", Self::Budget),
        ("burn", Self::Burn),
    ];

    /// The word that chooses it.
    pub fn word(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, sort)| *sort == self);
        named.map_or("", |(word, _)| word)
    }

    /// The order in a few words.
    pub fn first(self) -> &'static str {
        match self {
            Self::Urgency => "most urgent first",
            Self::Service => "by service",
            Self::Budget => "least budget first",
            Self::Burn => "highest burn first",
        }
    }

    /// The order after this one; the first after the last.
    #[must_use]
    pub fn next(self) -> Self {
        let place = Self::ALL.iter().position(|(_, sort)| *sort == self);
        let next = place.map_or(0, |place| (place + 1) % Self::ALL.len());
        Self::ALL[next].1
    }
}
