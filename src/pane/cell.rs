//! What a row is made of: meaning, never a style; the theme decides how each looks.

use crate::domain::{ReleaseStatus, Severity, State};
use crate::text::{Shown, Untrusted};

/// What a piece of text means: the sole input of colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ordinary.
    #[default]
    Plain,
    /// Of little weight: labels, calm numbers, what is healthy.
    Dim,
    /// Worth reading first.
    Strong,
    /// The name of something: a pane, a section.
    Title,
    /// Of the program itself: keys, prompts, new rows.
    Accent,
    /// Somebody has to look now.
    Page,
    /// Somebody has to look in working hours.
    Ticket,
    /// Known to be well.
    Ok,
    /// The source answered that there is nothing.
    NoData,
    /// Not known.
    Unknown,
    /// A source that does not answer: the watch is blind there.
    Fault,
    /// Was true once; its source does not say whether it still is.
    Old,
    /// A page that was known once and is not known any more.
    WasPage,
    /// Must not be overlooked: the screen is not what it seems.
    Alarm,
}

/// A shape: the first thing that tells a state, before word and colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// A page.
    Page,
    /// A ticket.
    Ticket,
    /// All well.
    Ok,
    /// No events.
    NoData,
    /// Not known.
    Unknown,
    /// For information.
    Info,
    /// A release arrived.
    Succeeded,
    /// A release did not arrive.
    Failed,
    /// A release was taken back.
    RolledBack,
    /// A release is on its way.
    Running,
    /// A release waits.
    Pending,
}

impl Mark {
    /// The shape and the weight of an SLO's state.
    pub fn of_state(state: State) -> (Self, Role) {
        match state {
            State::Page => (Self::Page, Role::Page),
            State::Ticket => (Self::Ticket, Role::Ticket),
            State::Ok => (Self::Ok, Role::Plain),
            State::NoData => (Self::NoData, Role::NoData),
            State::Unknown => (Self::Unknown, Role::Unknown),
        }
    }

    /// The shape and the weight of an incident's severity.
    pub fn of_severity(severity: Severity) -> (Self, Role) {
        match severity {
            Severity::Page => (Self::Page, Role::Page),
            Severity::Ticket => (Self::Ticket, Role::Ticket),
            Severity::Info => (Self::Info, Role::Plain),
        }
    }

    /// The shape and the weight of a release's status.
    pub fn of_release(status: ReleaseStatus) -> (Self, Role) {
        match status {
            ReleaseStatus::Succeeded => (Self::Succeeded, Role::Plain),
            ReleaseStatus::Failed => (Self::Failed, Role::Ticket),
            ReleaseStatus::RolledBack => (Self::RolledBack, Role::Ticket),
            ReleaseStatus::Running => (Self::Running, Role::Accent),
            ReleaseStatus::Pending => (Self::Pending, Role::Dim),
            ReleaseStatus::Unknown => (Self::Unknown, Role::Unknown),
        }
    }
}

/// The word for an SLO's state on the screen: capitals for what somebody has to know.
pub fn state_word(state: State) -> &'static str {
    match state {
        State::Page => "PAGE",
        State::Ticket => "TICKET",
        State::Ok => "ok",
        State::NoData => "NO DATA",
        State::Unknown => "UNKNOWN",
    }
}

/// The word for an incident's severity on the screen.
pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "PAGE",
        Severity::Ticket => "TICKET",
        Severity::Info => "info",
    }
}

/// The word for a release's status on the screen.
pub fn release_word(status: ReleaseStatus) -> &'static str {
    match status {
        ReleaseStatus::Succeeded => "done",
        ReleaseStatus::Failed => "failed",
        ReleaseStatus::RolledBack => "rolled back",
        ReleaseStatus::Running => "rolling out",
        ReleaseStatus::Pending => "pending",
        ReleaseStatus::Unknown => "unknown",
    }
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// Words.
    Text(Shown, Role),
    /// A shape, with a space after it.
    Mark(Mark, Role),
}

/// A line of text in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(pub Vec<Span>);

impl Line {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Our own words in one role.
    pub fn of(text: impl AsRef<str>, role: Role) -> Self {
        Self::new().text(text, role)
    }

    /// Adds our own words.
    #[must_use]
    pub fn text(mut self, text: impl AsRef<str>, role: Role) -> Self {
        self.0.push(Span::Text(Shown::new(text), role));
        self
    }

    /// Adds somebody else's words, made safe.
    #[must_use]
    pub fn foreign(mut self, text: &Untrusted, role: Role) -> Self {
        self.0.push(Span::Text(text.shown(), role));
        self
    }

    /// Adds a shape.
    #[must_use]
    pub fn mark(mut self, mark: Mark, role: Role) -> Self {
        self.0.push(Span::Mark(mark, role));
        self
    }

    /// Adds another line's pieces.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Its words, without shapes and with single blanks.
    pub fn words(&self) -> String {
        let texts = self.0.iter().map(|span| match span {
            Span::Text(text, _) => text.as_str(),
            Span::Mark(..) => "",
        });
        let whole: String = texts.collect();
        let words: Vec<_> = whole.split_whitespace().collect();
        words.join(" ")
    }

    /// The most columns it takes; a shape may need one fewer than counted here.
    pub fn width(&self) -> usize {
        self.0.iter().map(Span::width).sum()
    }

    /// True when there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The line cut to so many columns.
    #[must_use]
    pub fn fit(self, columns: usize) -> Self {
        let mut kept = Self::new();
        for span in self.0 {
            let left = columns.saturating_sub(kept.width());
            match span {
                Span::Text(text, role) if left > 0 => {
                    kept.0.push(Span::Text(text.fit(left), role));
                }
                Span::Mark(mark, role) if left > 2 => kept = kept.mark(mark, role),
                Span::Text(..) | Span::Mark(..) => break,
            }
        }
        kept
    }

    /// The line as something that was true once.
    #[must_use]
    pub fn faded(mut self) -> Self {
        for span in &mut self.0 {
            let (Span::Text(_, role) | Span::Mark(_, role)) = span;
            *role = Role::Old;
        }
        self
    }
}

impl Span {
    /// The most columns it takes.
    pub fn width(&self) -> usize {
        match self {
            Self::Text(text, _) => text.width(),
            Self::Mark(..) => 3,
        }
    }
}

/// One cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell {
    /// Nothing to say.
    #[default]
    Empty,
    /// Words.
    Line(Line),
    /// The first of these lines that fits, the longest first; the last one is cut where none does.
    Fitting(Vec<Line>),
    /// A name: cut in its middle where it does not fit.
    Name(Shown, Role),
    /// A shape and its word; the word goes when there is room for the shape alone.
    Badge(Mark, &'static str, Role),
    /// A share between 0 and 1 as a bar; `None` when it is not known.
    Gauge(Option<f64>, Role),
    /// Values between 0 and 1 as a small curve, oldest first, each with what it means; `None` is a gap.
    Spark(Vec<Option<(f64, Role)>>),
}

impl Cell {
    /// Our own words.
    pub fn text(text: impl AsRef<str>, role: Role) -> Self {
        Self::Line(Line::of(text, role))
    }

    /// Somebody else's words, made safe.
    pub fn foreign(text: &Untrusted, role: Role) -> Self {
        Self::Line(Line::new().foreign(text, role))
    }

    /// What somebody else called something, made safe.
    pub fn name(text: &Untrusted, role: Role) -> Self {
        Self::Name(text.shown(), role)
    }

    /// The cell as something that was true once.
    #[must_use]
    pub fn faded(self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Line(line) => Self::Line(line.faded()),
            Self::Fitting(lines) => Self::Fitting(lines.into_iter().map(Line::faded).collect()),
            Self::Name(name, _) => Self::Name(name, Role::Old),
            Self::Badge(mark, word, _) => Self::Badge(mark, word, Role::Old),
            Self::Gauge(share, _) => Self::Gauge(share, Role::Old),
            Self::Spark(values) => {
                let fade =
                    |value: Option<(f64, Role)>| value.map(|(height, _)| (height, Role::Old));
                Self::Spark(values.into_iter().map(fade).collect())
            }
        }
    }
}

/// How many columns foreign text takes, without making it safe when that changes nothing.
pub fn width_of(text: &Untrusted) -> usize {
    let raw = text.raw();
    if raw.len() <= crate::text::MAX_COLUMNS && raw.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    {
        return raw.len();
    }
    text.shown().width()
}
