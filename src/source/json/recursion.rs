//! Finds jq definitions that call themselves.
//!
//! jq has no other way for a definition to be run again than by its own name, from its body or from
//! a definition inside it: without that, only the standard filters can loop.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::Part;

/// The call by which a definition in `code` calls itself; `None` also for code that does not parse.
pub(super) fn find(code: &str) -> Option<&str> {
    let term = jaq_core::load::parse(code, |parser| parser.term())?;
    within(&term, &mut Vec::new())
}

/// Looks for a call of one of the `open` definitions: name and number of arguments.
fn within<'s>(term: &Term<&'s str>, open: &mut Vec<(&'s str, usize)>) -> Option<&'s str> {
    if let Term::Call(name, arguments) = term
        && open.contains(&(*name, arguments.len()))
    {
        return Some(name);
    }
    if let Term::Def(definitions, _) = term {
        for definition in definitions {
            open.push((definition.name, definition.args.len()));
            let found = within(&definition.body, open);
            open.pop();
            if found.is_some() {
                return found;
            }
        }
    }
    children(term)
        .into_iter()
        .find_map(|child| within(child, open))
}

/// The terms that a term is made of, but for the bodies of definitions.
fn children<'t, 's>(term: &'t Term<&'s str>) -> Vec<&'t Term<&'s str>> {
    let mut found = Vec::new();
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => {}
        Term::Str(_, parts) => {
            for part in parts {
                if let StrPart::Term(inner) = part {
                    found.push(inner);
                }
            }
        }
        Term::Arr(inner) => found.extend(inner.as_deref()),
        Term::Obj(entries) => {
            for (key, value) in entries {
                found.push(key);
                found.extend(value);
            }
        }
        Term::Neg(inner) | Term::Label(_, inner) | Term::Def(_, inner) => found.push(inner),
        Term::BinOp(left, operator, right) => {
            found.extend([&**left, &**right]);
            if let BinaryOp::Pipe(Some(pattern)) = operator {
                keys(pattern, &mut found);
            }
        }
        Term::Fold(_, inner, pattern, steps) => {
            found.push(inner);
            keys(pattern, &mut found);
            found.extend(steps);
        }
        Term::TryCatch(inner, handler) => {
            found.push(inner);
            found.extend(handler.as_deref());
        }
        Term::IfThenElse(branches, otherwise) => {
            for (condition, branch) in branches {
                found.extend([condition, branch]);
            }
            found.extend(otherwise.as_deref());
        }
        Term::Call(_, arguments) => found.extend(arguments),
        Term::Path(inner, path) => {
            found.push(inner);
            for (part, _) in &path.0 {
                match part {
                    Part::Index(index) => found.push(index),
                    Part::Range(from, to) => found.extend(from.iter().chain(to)),
                }
            }
        }
    }
    found
}

/// The terms in a pattern such as `{(f): $x}`.
fn keys<'t, 's>(pattern: &'t Pattern<&'s str>, found: &mut Vec<&'t Term<&'s str>>) {
    match pattern {
        Pattern::Var(_) => {}
        Pattern::Arr(parts) => parts.iter().for_each(|part| keys(part, found)),
        Pattern::Obj(entries) => {
            for (key, part) in entries {
                found.push(key);
                keys(part, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_that_calls_itself_is_found_wherever_it_hides() {
        for code in [
            "def f: f; f",
            "def f: 1 + f; f",
            "def f(g): [g | f(g)]; f(.)",
            "def f: def g: f; g; f",
            "def f: \"\\(f)\"; .",
            "def f: {a: f}; .",
            "def f: .a[f]; .",
            "def f: . as {(f): $x} | $x; .",
            "def f: reduce .[] as $x (0; f); .",
            "def f: try . catch f; .",
            "def f: if . then . else f end; .",
            "[.[] | (def f: f; .)]",
        ] {
            assert_eq!(find(code), Some("f"), "{code}");
        }
    }

    #[test]
    fn a_definition_may_share_its_name_with_a_field_or_a_filter_of_other_arity() {
        for code in [
            "def id: .id; id",
            "def id: {id: .a.id, b: {id}}; id",
            "def f: 1; def g: f; g",
            "def f(x): f; .",
            ".",
        ] {
            assert_eq!(find(code), None, "{code}");
        }
    }
}
