//! Orders that lack something still, and the prompt for it.

use jiff::Timestamp;

use crate::app::action::Action;
use crate::app::input::Input;
use crate::app::key::Key;
use crate::domain::order::Target;
use crate::domain::{Deed, Matcher, Member, Order, SourceName, Verb};
use crate::text::Untrusted;

/// What a key asks for, before it is known what the row's source makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Wish {
    Acknowledge,
    Unacknowledge,
    Resolve,
    Escalate,
    Note,
    /// Silence, snooze, or extend the silence that is there.
    Hide,
    Extend,
    /// End a silence or a snooze.
    Unhide,
}

impl Wish {
    /// The wish that an action stands for; `None` for one that asks nothing of a source.
    pub(in crate::app) fn of(action: Action) -> Option<Self> {
        match action {
            Action::Acknowledge => Some(Self::Acknowledge),
            Action::Unacknowledge => Some(Self::Unacknowledge),
            Action::Silence => Some(Self::Hide),
            Action::Extend => Some(Self::Extend),
            Action::Unsilence => Some(Self::Unhide),
            Action::Note => Some(Self::Note),
            Action::Resolve => Some(Self::Resolve),
            Action::Escalate => Some(Self::Escalate),
            _ => None,
        }
    }

    /// Whether something has to be typed first.
    pub(in crate::app) fn asks(self) -> bool {
        matches!(self, Self::Note | Self::Hide | Self::Extend)
    }

    /// Whether it has an end.
    pub(in crate::app) fn ends(self) -> bool {
        matches!(self, Self::Hide | Self::Extend)
    }

    pub(in crate::app) fn words(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledged",
            Self::Unacknowledge => "given back",
            Self::Resolve => "resolved",
            Self::Escalate => "escalated",
            Self::Note => "noted on",
            Self::Hide => "silenced or snoozed",
            Self::Extend => "extended",
            Self::Unhide => "unsilenced",
        }
    }

    pub(in crate::app) fn verb(self) -> Option<Verb> {
        match self {
            Self::Acknowledge => Some(Verb::Acknowledge),
            Self::Unacknowledge => Some(Verb::Unacknowledge),
            Self::Resolve => Some(Verb::Resolve),
            Self::Escalate => Some(Verb::Escalate),
            Self::Note => Some(Verb::Note),
            Self::Hide | Self::Extend | Self::Unhide => None,
        }
    }
}

/// An order that may lack its end and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) struct Draft {
    pub(in crate::app) source: SourceName,
    pub(in crate::app) target: Target,
    pub(in crate::app) verb: Verb,
    pub(in crate::app) matchers: Vec<Matcher>,
    /// The alerts of which one can be chosen in place of all.
    pub(in crate::app) members: Vec<Member>,
    /// How many alerts there are.
    pub(in crate::app) alerts: usize,
}

impl Draft {
    /// The order; none while it lacks its end.
    pub(in crate::app) fn order(&self, until: Option<Timestamp>, text: &str) -> Option<Order> {
        let text = text.trim();
        let deed = match self.verb {
            Verb::Acknowledge => Deed::Acknowledge,
            Verb::Unacknowledge => Deed::Unacknowledge,
            Verb::Resolve => Deed::Resolve,
            Verb::Snooze => Deed::Snooze { until: until? },
            Verb::Unsnooze => Deed::Unsnooze,
            Verb::Note => Deed::Note {
                text: text.to_owned(),
            },
            Verb::Escalate => Deed::Escalate,
            Verb::Silence => Deed::Silence {
                matchers: self.matchers.clone(),
                until: until?,
                comment: text.to_owned(),
            },
            Verb::Extend => Deed::Extend { until: until? },
            Verb::Expire => Deed::Expire,
        };
        Some(Order {
            source: self.source.clone(),
            target: self.target.clone(),
            deed,
        })
    }

    /// The same of one of its alerts alone.
    pub(in crate::app) fn of_member(&self, member: &Member) -> Self {
        let (title, labels) = (self.target.name.raw(), member.labels.raw());
        Self {
            target: Target {
                name: format!("{title} {{{labels}}}").into(),
                ..self.target.clone()
            },
            matchers: member.matchers.clone(),
            members: Vec::new(),
            alerts: 1,
            ..self.clone()
        }
    }

    /// The same with what ends what it would extend; none for what extends nothing.
    pub(in crate::app) fn ending(&self) -> Option<Self> {
        (self.verb == Verb::Extend).then(|| Self {
            verb: Verb::Expire,
            ..self.clone()
        })
    }
}

/// Rows that cannot be acted on, by name, each with the reason.
pub(in crate::app) type LeftOut = Vec<(Untrusted, String)>;

/// Which line is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Field {
    /// The end.
    End,
    /// Why, or what to note.
    Words,
    /// Which of the alerts of the incident.
    Which,
}

/// What is being asked about orders that are bound to their rows already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) struct Ask {
    pub(in crate::app) wish: Wish,
    pub(in crate::app) drafts: Vec<Draft>,
    pub(in crate::app) left_out: LeftOut,
    pub(in crate::app) end: Input,
    pub(in crate::app) words: Input,
    pub(in crate::app) field: Field,
    /// The alert that is chosen, by its place; `None` for all of them.
    pub(in crate::app) which: Option<usize>,
    /// What was wrong with the last try to go on.
    pub(in crate::app) wrong: Option<String>,
}

impl Ask {
    /// Edits the line that the cursor is in.
    pub(in crate::app) fn type_in(&mut self, key: Key) {
        match self.field {
            Field::End => self.end.press(key),
            Field::Words => self.words.press(key),
            Field::Which => false,
        };
    }

    pub(in crate::app) fn new(wish: Wish, drafts: Vec<Draft>, left_out: LeftOut) -> Self {
        let field = if wish.ends() {
            Field::End
        } else {
            Field::Words
        };
        Self {
            wish,
            drafts,
            left_out,
            end: Input::default(),
            words: Input::default(),
            field,
            which: None,
            wrong: None,
        }
    }

    /// Whether words go along: a note, or the reason of a silence.
    pub(in crate::app) fn has_words(&self) -> bool {
        let mut verbs = self.drafts.iter().map(|draft| draft.verb);
        verbs.any(|verb| matches!(verb, Verb::Note | Verb::Silence))
    }

    /// Whether there is more than one field.
    pub(in crate::app) fn has_fields(&self) -> bool {
        self.fields().len() > 1
    }

    /// The alerts of which one can be chosen: those of the one incident that is asked about.
    pub(in crate::app) fn members(&self) -> &[Member] {
        match self.drafts.as_slice() {
            [draft] => &draft.members,
            _ => &[],
        }
    }

    /// How many alerts the one incident that is asked about stands for.
    pub(in crate::app) fn alerts(&self) -> usize {
        self.drafts.first().map_or(0, |draft| draft.alerts)
    }

    /// The fields that can be typed or chosen in, in their order.
    pub(in crate::app) fn fields(&self) -> Vec<Field> {
        let all = [
            (Field::End, self.wish.ends()),
            (Field::Words, self.has_words()),
            (Field::Which, !self.members().is_empty()),
        ];
        let all = all.into_iter().filter(|(_, is_there)| *is_there);
        all.map(|(field, _)| field).collect()
    }

    /// The field after or before the one that has the keys; the first after the last.
    pub(in crate::app) fn neighbour(&self, is_next: bool) -> Field {
        let fields = self.fields();
        let at = fields.iter().position(|field| *field == self.field);
        let step = if is_next {
            1
        } else {
            fields.len().saturating_sub(1)
        };
        let next = at.map_or(0, |at| (at + step) % fields.len());
        fields.get(next).copied().unwrap_or(self.field)
    }

    /// Chooses the next alert, or the one before; all of them come before the first.
    pub(in crate::app) fn choose(&mut self, is_next: bool) {
        let last = self.members().len().checked_sub(1);
        self.which = match (self.which, is_next) {
            (None, true) => last.map(|_| 0),
            (None, false) => last,
            (Some(at), true) if Some(at) < last => Some(at + 1),
            (Some(at), false) => at.checked_sub(1),
            (Some(_), true) => None,
        };
    }
}
