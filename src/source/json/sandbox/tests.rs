//! What a jq program may cost, and what remains of the watch when it costs more.

use super::*;

/// The child of the other tests, which start this executable again for it.
#[test]
#[ignore = "reads its job from the standard input"]
fn child() {
    let _ = serve();
}

const LIMIT: Duration = Duration::from_secs(20);

fn outputs(code: &str, input: &str) -> Result<Vec<String>, Stopped> {
    let mut found = Vec::new();
    Sandboxed::check(code)
        .unwrap()
        .run(input.as_bytes(), LIMIT, |value| {
            found.push(value.to_string());
            ControlFlow::Continue(())
        })?;
    Ok(found)
}

#[test]
fn outputs_are_those_of_the_program() {
    for (code, input, want) in [
        (
            ".[] | {a: .}",
            "[1, \"x\\ny\", null]",
            vec!["{\"a\":1}", "{\"a\":\"x\\ny\"}", "{\"a\":null}"],
        ),
        ("empty", "1", vec![]),
        ("12345678901234567890", "null", vec!["12345678901234567890"]),
        ("[nan, 1]", "null", vec!["[null,1]"]),
        ("\"ä\\u0001\"", "null", vec!["\"ä\\u0001\""]),
    ] {
        assert_eq!(outputs(code, input).unwrap(), want, "{code}");
    }
}

#[test]
fn what_needs_too_much_memory_or_stack_ends_the_child_alone() {
    for code in [
        "\"x\" * 1000000000000",
        "reduce range(60) as $i ([1]; . + .)",
        "[range(1000)] | [.[] as $a | .[] as $b | .[] as $c | .[] | [$a, $b, $c, \"x\" * 1000]] | length",
        "reduce range(60) as $i (\"x\"; . + .) | length",
    ] {
        assert_eq!(outputs(code, "null"), Err(Stopped::Memory), "{code}");
    }
    // These may end in either way: what matters is that they end, and only themselves.
    for code in [
        "[recurse([.,.])] | length",
        "reduce range(3000000) as $i (0; [.]) | tojson | length",
    ] {
        let stopped = outputs(code, "null");
        assert!(
            matches!(stopped, Err(Stopped::Memory | Stopped::Late)),
            "{code}: {stopped:?}"
        );
    }
}

#[test]
fn a_program_that_looks_at_no_clock_is_ended_by_the_clock() {
    let code = "[range(3000)] | [.[] as $a | .[] as $b | .[] | select(. < 0)] | length";
    let program = Sandboxed::check(code).unwrap();
    let began = Instant::now();
    let stopped = program.run(b"null", Duration::from_millis(200), |_| {
        ControlFlow::Continue(())
    });
    assert_eq!(stopped, Err(Stopped::Late));
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
}

#[test]
fn the_taker_says_when_it_is_enough() {
    let program = Sandboxed::check("range(1e12)").unwrap();
    let mut taken = 0;
    let done = program.run(b"null", LIMIT, |_| {
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
fn a_text_nested_as_deep_as_it_may_be_long_overflows_no_stack() {
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("-", ""),
        ("try ", ""),
        ("1|", ""),
        ("1 as $x|", ""),
    ] {
        let times = MAX_CODE / (open.len() + close.len()) - 1;
        let code = format!("{}1{}", open.repeat(times), close.repeat(times));
        // Compiling or refusing it are both fine.
        let _ = Sandboxed::check(&code);
    }
    let long = " ".repeat(MAX_CODE + 1);
    let refused = Sandboxed::check(&long).err().unwrap();
    assert!(refused.contains("too long"), "{refused}");
}
