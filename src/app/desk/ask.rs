//! The prompt: until when, and why; or what to note.

use jiff::Timestamp;

use super::batch;
use crate::app::Effect;
use crate::app::input::Input;
use crate::app::key::{Code, Key};
use crate::app::model::Model;
use crate::app::model::ask::{Ask, Draft, Field, Wish};
use crate::app::model::mode::Mode;
use crate::domain::Verb;
use crate::domain::until::Until;

/// Ends that take one key each. No end that is typed begins with one of these letters.
pub(super) const PRESETS: [(char, &str); 4] =
    [('a', "15m"), ('b', "1h"), ('c', "4h"), ('d', "work")];
/// The key that ends a silence in place of extending it.
pub(super) const EXPIRE: char = 'x';

impl Ask {
    /// Whether it would extend what could be ended as well.
    pub(super) fn can_expire(&self, model: &Model) -> bool {
        let mut drafts = self.drafts.iter();
        self.wish.ends() && drafts.all(|draft| draft.ending().is_some()) && offers_end(model)
    }

    /// The end as it is typed.
    pub(super) fn until(&self, model: &Model, now: Timestamp) -> Result<Timestamp, String> {
        let work = &model.desk.settings.work;
        let until = Until {
            now,
            zone: &model.zone,
            work_days: &work.days,
            work_start: work.start,
        };
        until.parse(&self.end.text())
    }

    /// The orders, or what they lack still.
    fn orders(
        &self,
        model: &Model,
        now: Timestamp,
    ) -> Result<Vec<crate::domain::Order>, (Field, String)> {
        let until = match self.wish.ends() {
            true if self.end.is_empty() => {
                return Err((Field::End, "say until when".to_owned()));
            }
            true => Some(self.until(model, now).map_err(|why| (Field::End, why))?),
            false => None,
        };
        let words = self.words.text();
        if words.trim().is_empty() && self.has_words() {
            if self.wish == Wish::Note {
                return Err((Field::Words, "write something".to_owned()));
            }
            if model.desk.settings.require_comment {
                return Err((Field::Words, "say why: a reason is required".to_owned()));
            }
        }
        let chosen = self.which.and_then(|at| self.members().get(at));
        let orders = self.drafts.iter().filter_map(|draft| match chosen {
            Some(member) => draft.of_member(member).order(until, &words),
            None => draft.order(until, &words),
        });
        Ok(orders.collect())
    }
}

fn offers_end(model: &Model) -> bool {
    let feeds = model.sight(Timestamp::UNIX_EPOCH).store.feeds().iter();
    feeds
        .into_iter()
        .any(|feed| feed.offers.acts.contains(&Verb::Expire))
}

/// A key within the prompt.
pub(in crate::app) fn press(
    model: &mut Model,
    mut ask: Ask,
    key: Key,
    now: Timestamp,
) -> Vec<Effect> {
    ask.wrong = None;
    let is_first = ask.field == Field::End && ask.end.is_empty() && !key.ctrl;
    match key.code {
        Code::Esc => return Vec::new(),
        Code::Enter => match ask.orders(model, now) {
            Ok(orders) => return batch::open(model, orders, ask.left_out),
            Err((field, why)) => {
                ask.field = field;
                ask.wrong = Some(why);
            }
        },
        Code::Tab => ask.field = ask.neighbour(true),
        Code::BackTab => ask.field = ask.neighbour(false),
        Code::Down | Code::Right if ask.field == Field::Which => ask.choose(true),
        Code::Up | Code::Left if ask.field == Field::Which => ask.choose(false),
        Code::Down | Code::Up if ask.field == Field::End => step(&mut ask, key.code),
        Code::Char(EXPIRE) if is_first && ask.can_expire(model) => {
            let endings = ask.drafts.iter().filter_map(Draft::ending);
            let orders = endings.filter_map(|draft| draft.order(None, ""));
            return batch::open(model, orders.collect(), ask.left_out);
        }
        Code::Char(letter) if is_first && preset(letter).is_some() => {
            ask.end = Input::new(preset(letter).unwrap_or_default());
        }
        _ => ask.type_in(key),
    }
    model.modes.push(Mode::Ask(Box::new(ask)));
    Vec::new()
}

fn preset(letter: char) -> Option<&'static str> {
    let found = PRESETS.iter().find(|(key, _)| *key == letter);
    found.map(|(_, text)| *text)
}

/// The preset after or before the one that the line holds.
fn step(ask: &mut Ask, code: Code) {
    let text = ask.end.text();
    let at = PRESETS.iter().position(|(_, preset)| *preset == text);
    let last = PRESETS.len() - 1;
    let next = match (at, code) {
        (None, Code::Down) => 0,
        (None, _) => last,
        (Some(at), Code::Down) => (at + 1).min(last),
        (Some(at), _) => at.saturating_sub(1),
    };
    ask.end = Input::new(PRESETS[next].1);
}
