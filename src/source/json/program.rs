//! jq programs: compiled while the settings are read, so that a mistake is found before anything runs.
//!
//! What a program could do besides reshaping its input is taken out of the language: reading the
//! environment (it holds credentials) or other input, ending the process, and writing to the
//! terminal. The filters that can go on for ever look at a [`Watch`], and a definition may not call
//! itself, so a runaway program ends at its time limit. What it may cost beyond time is bounded by
//! the process it runs in: see `sandbox`.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::Instant;

use jaq_core::box_iter::box_once;
use jaq_core::data::{DataT, HasLut};
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Compiler, Ctx, Exn, Filter, Lut, Native, RunPtr, Vars, compile};
use jaq_json::Val;

use super::recursion;

/// What is taken out, definitions and native filters alike.
const DENIED: [&str; 9] = [
    "env",
    "halt",
    "halt_error",
    "debug",
    "debug_empty",
    "stderr",
    "stderr_empty",
    "input",
    "inputs",
];

/// Filters that can go on for ever, with their number of arguments: those of [`LOOPS`] instead.
const ENDLESS: [(&str, usize); 5] = [
    ("range", 3),
    ("repeat", 1),
    ("recurse", 1),
    ("while", 2),
    ("until", 2),
];

/// The same filters, defined as jaq defines them, but looking at the watch in every round.
const LOOPS: &str = "
def range($from; $to; $by): __range($from; $to; $by) | __watch;
def repeat(f): def rec: __watch | f, rec; rec;
def recurse(f): def rec: ., (__watch | f | rec); rec;
def while(cond; update): def rec: if cond then ., (__watch | update | rec) else {}[] as $x | . end; rec;
def until(cond; update): def rec: if cond then . else __watch | update | rec end; rec;
";

/// How many rounds all loops of one run may take together. What a loop gathers grows with its
/// rounds, so this bounds memory as well.
const MAX_ROUNDS: u32 = 5_000_000;
/// How many rounds pass between two looks at the clock.
const ROUNDS_A_LOOK: u32 = 256;
/// How deep an update such as `recurse(f) |= g` may go: each level takes room on the stack, and what
/// is read is at most 128 deep.
const MAX_UPDATE_DEPTH: u32 = 256;

/// The longest text of jq's own that is repeated in a message; it may hold a whole input.
const MAX_ERROR_CHARS: usize = 160;

/// A compiled program.
pub(super) struct Program {
    filter: Filter<Watched>,
}

/// Why a program gave no further rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It did not end in time.
    Late,
    /// jq's own error.
    Error(String),
    /// It needed more memory than it may have, or nested too deep.
    Memory,
    /// It could not be started; the reason.
    NotStarted(String),
}

impl Program {
    /// Compiles a program. The error says where in it what is wrong.
    pub(super) fn compile(code: &str) -> Result<Self, String> {
        let loops = load::parse(LOOPS, |parser| parser.defs()).unwrap_or_default();
        let standard = jaq_core::defs()
            .chain(jaq_std::defs())
            .chain(jaq_json::defs())
            .filter(|def| !DENIED.contains(&def.name))
            .filter(|def| !ENDLESS.contains(&(def.name, def.args.len())));
        let arena = Arena::default();
        let modules = Loader::new(loops.into_iter().chain(standard))
            .load(&arena, File { code, path: () })
            .map_err(|errors| {
                let first = errors.into_iter().next();
                first.map_or_else(String::new, |(_, error)| load_error(code, &error))
            })?;
        let filter = Compiler::default()
            .with_funs(filters())
            .compile(modules)
            .map_err(|errors| {
                let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
                first.map_or_else(String::new, |(name, kind)| undefined(code, name, &kind))
            })?;
        match recursion::find(code) {
            Some(name) => Err(format!(
                "{} `{name}` calls itself, which may never end; use `recurse`, `until` or `..`",
                place(code, name)
            )),
            None => Ok(Self { filter }),
        }
    }

    /// Runs it on `input` until `until`, giving every output to `take` until that has enough.
    pub(super) fn run(
        &self,
        input: Val,
        until: Instant,
        mut take: impl FnMut(Val) -> ControlFlow<()>,
    ) -> Result<(), Stopped> {
        let watch = Watch {
            until,
            rounds: Cell::new(0),
            depth: Cell::new(0),
        };
        let data = Data {
            lut: &self.filter.lut,
            watch: &watch,
        };
        let context = Ctx::<Watched>::new(data, Vars::new([]));
        for output in self.filter.id.run((context, input)) {
            if watch.is_over() {
                return Err(Stopped::Late);
            }
            match output.map_err(Exn::get_err) {
                Ok(value) => {
                    if take(value).is_break() {
                        return Ok(());
                    }
                }
                Err(Ok(error)) => return Err(Stopped::Error(words(error))),
                Err(Err(_)) => return Err(Stopped::Late),
            }
        }
        Ok(())
    }
}

/// What an error says; one that the program raises with a text says just that.
fn words(error: jaq_json::Error) -> String {
    match error.into_val() {
        Val::TStr(text) => excerpt(&String::from_utf8_lossy(&text)),
        value => excerpt(&value.to_string()),
    }
}

/// Reads JSON that is nested at most 128 deep, as `serde_json` does: jaq's own reader has no such
/// bound, and a deeply nested answer would overflow the stack.
fn parse(text: &Val) -> Result<Val, jaq_json::Error> {
    let bytes = text.try_as_utf8_bytes_owned()?;
    serde_json::from_slice(&bytes)
        .map_err(|error| jaq_json::Error::str(format_args!("cannot parse as JSON: {error}")))
}

/// When a program has to end. It lives on the program's own thread.
struct Watch {
    until: Instant,
    rounds: Cell<u32>,
    depth: Cell<u32>,
}

impl Watch {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Counts a round of a loop. After too many, or too late, the program ends in a way that no
    /// `try` catches; the clock is looked at in some of the rounds only.
    fn round<'a>(&self) -> Result<(), Exn<'a, Val>> {
        let rounds = self.rounds.get().saturating_add(1);
        self.rounds.set(rounds);
        if rounds > MAX_ROUNDS || rounds.is_multiple_of(ROUNDS_A_LOOK) && self.is_over() {
            return Err(Exn::halt(0));
        }
        Ok(())
    }

    /// Draws from one level of an update that may contain further ones.
    fn deeper<'a, T>(&self, draw: impl FnOnce() -> T) -> Result<T, Exn<'a, Val>> {
        self.round()?;
        let depth = self.depth.get() + 1;
        if depth > MAX_UPDATE_DEPTH {
            return Err(Exn::halt(0));
        }
        self.depth.set(depth);
        let drawn = draw();
        self.depth.set(depth - 1);
        Ok(drawn)
    }
}

/// What filters see besides their input.
#[derive(Clone, Copy)]
struct Data<'a> {
    lut: &'a Lut<Watched>,
    watch: &'a Watch,
}

/// Programs that carry a [`Watch`].
struct Watched;

impl DataT for Watched {
    type V<'a> = Val;
    type Data<'a> = Data<'a>;
}

impl<'a> HasLut<'a, Watched> for Data<'a> {
    fn lut(&self) -> &'a Lut<Watched> {
        self.lut
    }
}

/// The native filters: the standard ones without those denied, and our own.
fn filters() -> impl Iterator<Item = Fun<Watched>> {
    let watch = Native::<Watched>::new(|cv| box_once(cv.0.data().watch.round().map(|()| cv.1)))
        .with_paths(|cv| box_once(cv.0.data().watch.round().map(|()| cv.1)))
        .with_update(|cv, update| {
            let watch = cv.0.data().watch;
            // Levels nest where their outputs are drawn, so that is where they are counted.
            let mut outputs = std::iter::once_with(move || update(cv.1)).flatten();
            Box::new(std::iter::from_fn(move || {
                let drawn = watch.deeper(|| outputs.next());
                drawn.unwrap_or_else(|end| Some(Err(end)))
            }))
        });
    let from_json: RunPtr<Watched> = |cv| bome(parse(&cv.1));
    let own = [
        ("__watch", v(0), watch),
        run::<Watched>(("fromjson", v(0), from_json)),
    ];
    jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .filter(|(name, ..)| !DENIED.contains(name) && *name != "fromjson")
        .map(|(name, arguments, native)| match name {
            "range" => ("__range", arguments, native),
            _ => (name, arguments, native),
        })
        .chain(own)
}

/// What the lexer or parser stumbled over.
fn load_error(code: &str, error: &load::Error<&str>) -> String {
    let expected = |what: &str, found: &str| match found {
        "" => format!("{} {what} expected, but it ends there", place(code, found)),
        _ => format!(
            "{} {what} expected, not `{}`",
            place(code, found),
            excerpt(found)
        ),
    };
    let message = match error {
        load::Error::Io(errors) => errors.first().map(|(path, _)| {
            format!(
                "{} modules cannot be loaded; write it all here",
                place(code, path)
            )
        }),
        load::Error::Lex(errors) => errors
            .first()
            .map(|(what, found)| expected(what.as_str(), found)),
        load::Error::Parse(errors) => errors
            .first()
            .map(|(what, found)| expected(what.as_str(), found)),
    };
    message.unwrap_or_else(|| "is no jq program".to_owned())
}

/// What a name that stands for nothing should have been.
fn undefined(code: &str, name: &str, kind: &compile::Undefined) -> String {
    let place = place(code, name);
    if DENIED.contains(&name) || name == "$ENV" {
        return format!(
            "{place} `{name}` is not available: a program sees the answer alone, and only emits rows"
        );
    }
    let arguments = match kind {
        compile::Undefined::Filter(0) => String::new(),
        compile::Undefined::Filter(count) => format!("/{count}"),
        _ => String::new(),
    };
    format!(
        "{place} no {} `{name}{arguments}`; check its spelling",
        kind.as_str()
    )
}

/// Where `part` stands in `code`, to be followed by what is wrong there.
fn place(code: &str, part: &str) -> String {
    let offset = (part.as_ptr() as usize).checked_sub(code.as_ptr() as usize);
    let Some(before) = offset.and_then(|offset| code.get(..offset)) else {
        return String::new();
    };
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    format!("line {line} column {column}:")
}

/// The beginning of a text.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(MAX_ERROR_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
