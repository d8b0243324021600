//! Label matchers as people, amtool and Alertmanager write them.

use crate::domain::Matcher;

/// The matchers of one argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matchers(pub Vec<Matcher>);

/// One matcher or several with commas between them, as amtool and Alertmanager write them; braces
/// around all of them may stay.
pub(super) fn matchers(text: &str) -> Result<Matchers, String> {
    let text = text.trim();
    let inner = text
        .strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'));
    let mut found = Vec::new();
    let mut rest = inner.unwrap_or(text);
    loop {
        let end = end_of_matcher(rest);
        found.push(matcher(rest[..end].trim())?);
        rest = rest[end..].trim_start_matches(',').trim();
        if rest.is_empty() {
            return Ok(Matchers(found));
        }
    }
}

/// Where the first matcher of a list ends: at a comma outside of quotes behind which another one
/// begins, or nothing more.
fn end_of_matcher(text: &str) -> usize {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            ',' if !is_quoted && begins_matcher(&text[at + 1..]) => return at,
            '"' if !is_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}

/// True when a label and an operator come next, or nothing at all.
fn begins_matcher(text: &str) -> bool {
    let text = text.trim_start();
    let end =
        text.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | ':' | '-' | '/'));
    let operator = text[end.unwrap_or(text.len())..].trim_start();
    let is_named = end != Some(0) && operator.starts_with(['=', '!']);
    text.is_empty() || is_named
}

/// A value in quotes as it was before it was quoted; `None` when something follows the quotes.
fn unquoted(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => return rest.as_str().is_empty().then_some(value),
            '\\' => match rest.next()? {
                'n' => value.push('\n'),
                c @ ('"' | '\\') => value.push(c),
                c => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
    None
}

/// A matcher as amtool takes it; quotes around the value may stay.
fn matcher(text: &str) -> Result<Matcher, String> {
    let wrong = || {
        "write a label and its value, such as service=checkout or severity=~\"page|critical\""
            .to_owned()
    };
    let at = text.find(['=', '!']).ok_or_else(wrong)?;
    let (name, rest) = text.split_at(at);
    let name = name.trim();
    let (is_equal, is_regex, value) = if let Some(value) = rest.strip_prefix("=~") {
        (true, true, value)
    } else if let Some(value) = rest.strip_prefix("!~") {
        (false, true, value)
    } else if let Some(value) = rest.strip_prefix("!=") {
        (false, false, value)
    } else {
        (true, false, rest.strip_prefix('=').ok_or_else(wrong)?)
    };
    let value = value.trim();
    let value = match value.strip_prefix('"') {
        Some(inner) => unquoted(inner).ok_or_else(|| {
            format!("what follows the quotes in {text} is no matcher: put a comma between two")
        })?,
        None if value.contains(", ") => {
            return Err(format!(
                "put quotes around the value in {text}, or name a label behind the comma"
            ));
        }
        None => value.to_owned(),
    };
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '"') {
        return Err(wrong());
    }
    Ok(Matcher {
        is_regex,
        is_equal,
        ..Matcher::equal(name, value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_matchers_of_one_argument_are_several() {
        for (text, want) in [
            (r#"a="b", c="d""#, vec![r#"a="b""#, r#"c="d""#]),
            (r#"{a="b",c="d"}"#, vec![r#"a="b""#, r#"c="d""#]),
            ("a=b,c!=d", vec![r#"a="b""#, r#"c!="d""#]),
            (
                r#"a="b, c=d",e=~"f|g","#,
                vec![r#"a="b, c=d""#, r#"e=~"f|g""#],
            ),
            (
                r#"a="b\", c=\"d", e="f""#,
                vec![r#"a="b\", c=\"d""#, r#"e="f""#],
            ),
            ("path=a,b", vec![r#"path="a,b""#]),
            ("instance=~a{1,2}", vec![r#"instance=~"a{1,2}""#]),
        ] {
            let found = matchers(text).unwrap().0;
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, want, "{text}");
        }
        for wrong in [
            "",
            "{}",
            ",",
            r#"a="b" c="d""#,
            r#"a="b" and c="d""#,
            r#"a="b"#,
            "a=b, =c",
            "a=b, c",
            r#"a="b""c""#,
        ] {
            assert!(matchers(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_matcher_is_written_as_amtool_takes_it() {
        for (text, want) in [
            ("service=checkout", r#"service="checkout""#),
            (r#"service="a b""#, r#"service="a b""#),
            ("severity=~page|critical", r#"severity=~"page|critical""#),
            ("team!=shop", r#"team!="shop""#),
            ("team!~shop.*", r#"team!~"shop.*""#),
            ("query=a=b", r#"query="a=b""#),
            ("empty=", r#"empty="""#),
        ] {
            assert_eq!(matcher(text).unwrap().to_string(), want, "{text}");
        }
        for wrong in ["", "service", "=x", "a b=c", "service!x", "service~x"] {
            assert!(matcher(wrong).is_err(), "{wrong}");
        }
    }
}
