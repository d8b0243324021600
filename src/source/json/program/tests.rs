//! What jq programs may do, and how they are stopped.

use std::time::Duration;

use super::*;

fn outputs(code: &str, input: &str) -> Result<Vec<String>, Stopped> {
    let program = Program::compile(code).unwrap();
    let until = Instant::now() + Duration::from_mins(1);
    let mut found = Vec::new();
    program.run(serde_json::from_str(input).unwrap(), until, |value| {
        found.push(value.to_string());
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn mistake(code: &str) -> String {
    Program::compile(code)
        .err()
        .unwrap_or_else(|| panic!("{code} compiles"))
}

#[test]
fn a_program_reshapes_what_it_is_given() {
    let input =
        r#"{"deploys": [{"id": 7, "sys": {"by": "mara"}, "at": 1763820091}], "p": "{\"a\":1}"}"#;
    for (code, want) in [
        (
            ".deploys[] | {id, actor: .sys.by}",
            vec![r#"{"id":7,"actor":"mara"}"#],
        ),
        (".deploys[].at | todate", vec![r#""2025-11-22T14:01:31Z""#]),
        (".p | fromjson.a", vec!["1"]),
        ("[range(3)], [range(1; 7; 2)]", vec!["[0,1,2]", "[1,3,5]"]),
        ("[limit(3; repeat(1))]", vec!["[1,1,1]"]),
        (
            "[0 | recurse(if . < 3 then . + 1 else empty end)]",
            vec!["[0,1,2,3]"],
        ),
        ("[[[1], 2] | recurse]", vec!["[[[1],2],[1],1,2]"]),
        ("[0 | while(. < 3; . + 1)]", vec!["[0,1,2]"]),
        ("0 | until(. > 9; . + 4)", vec!["12"]),
        (
            "{a: {b: 1}} | [paths(type == \"number\")]",
            vec![r#"[["a","b"]]"#],
        ),
        (
            "[[1], 2] | (recurse(.[]?) | numbers) |= . + 1",
            vec!["[[2],3]"],
        ),
        ("def id: .id; .deploys[] | id", vec!["7"]),
        (
            "[.deploys[] | ascii_downcase? // \"none\"]",
            vec![r#"["none"]"#],
        ),
        (".nothing[]?", vec![]),
    ] {
        assert_eq!(outputs(code, input).unwrap(), want, "{code}");
    }
}

#[test]
fn a_program_sees_nothing_but_the_answer_and_can_end_nothing_but_itself() {
    for code in [
        "env",
        "$ENV",
        "$ENV.PATH",
        "env.PATH",
        "halt",
        "halt(1)",
        "halt_error",
        "debug",
        "debug(\"x\")",
        "stderr",
        "input",
        "inputs",
        "[inputs]",
        "try halt catch .",
    ] {
        let words = mistake(code);
        assert!(words.contains("is not available"), "{code}: {words}");
    }
    for code in ["include \"a\"; .", "import \"a\" as a; ."] {
        assert!(mistake(code).contains("modules"), "{}", mistake(code));
    }
    mistake("import \"a\" as $a; $a::a");
    mistake("$__prog_args");
    mistake("input_filename");
}

#[test]
fn a_mistake_is_told_with_its_place() {
    for (code, want) in [
        (
            ".a | nonsense",
            "line 1 column 6: no filter `nonsense`; check its spelling",
        ),
        (
            ".a\n  | f(1; 2)",
            "line 2 column 5: no filter `f/2`; check its spelling",
        ),
        (
            "$x",
            "line 1 column 1: no variable `$x`; check its spelling",
        ),
        (".a | ", "line 1 column 6: term expected, but it ends there"),
        (
            ".[] | {id",
            "line 1 column 10: closing brace expected, but it ends there",
        ),
        ("def f: f; f", "line 1 column 8: `f` calls itself"),
        (".a ) .b", "line 1 column 4:"),
    ] {
        let words = mistake(code);
        assert!(words.starts_with(want), "{code}: {words}");
    }
}

#[test]
fn a_program_that_never_ends_is_ended() {
    for code in [
        "repeat(1) | empty",
        "[repeat(1)]",
        "[range(1e12)] | length",
        "range(1; 2; 0)",
        "last(range(1e12))",
        "0 | until(false; . + 1)",
        "[0 | while(true; . + 1)] | length",
        "last(0 | recurse(. + 1))",
        "reduce range(1e12) as $x (0; . + $x)",
        "try repeat(1) catch repeat(2)",
        "[range(1e6) | range(1e6)?] | length",
        "path(repeat(.)) | empty",
        "(repeat(.) | empty) |= 1",
        "label $out | repeat(1) | if . > 1 then break $out else empty end",
        "first(repeat(empty))",
    ] {
        let program = Program::compile(code).unwrap();
        eprintln!("{code}");
        let until = Instant::now() + Duration::from_millis(100);
        let stopped = program.run(Val::Null, until, |_| ControlFlow::Continue(()));
        assert_eq!(stopped, Err(Stopped::Late), "{code}");
    }
}

#[test]
fn the_taker_says_when_it_is_enough() {
    let program = Program::compile("range(1e12)").unwrap();
    let until = Instant::now() + Duration::from_mins(10);
    let mut taken = 0;
    let done = program.run(Val::Null, until, |_| {
        taken += 1;
        if taken < 5 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    assert_eq!((done, taken), (Ok(()), 5));
}

#[test]
fn what_does_not_fit_is_told_in_few_words() {
    let input = format!(r#"{{"a": "{}"}}"#, "x".repeat(100_000));
    let Err(Stopped::Error(words)) = outputs(".a.b", &input) else {
        panic!("a text has no fields");
    };
    assert!(words.starts_with("cannot index"), "{words}");
    assert!(words.len() < 200);
    assert!(matches!(outputs("error(\"no\")", "1"), Err(Stopped::Error(words)) if words == "no"));
}

#[test]
fn text_nested_without_end_overflows_no_stack() {
    let deep = format!("\"{}\"", "[".repeat(1_000_000));
    let Err(Stopped::Error(words)) = outputs("fromjson", &deep) else {
        panic!("that is no JSON");
    };
    assert!(words.contains("recursion limit"), "{words}");
}
