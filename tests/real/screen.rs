//! Text that attacks a terminal, from real servers through every pane to a real terminal.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation as _;
use watchfire::text::{Shown, is_visible};

use crate::alertmanager::{Alertmanager, GENERATOR};
use crate::history;
use crate::page::Page;
use crate::program::{screen, status, watchfire};
use crate::pty::Pty;
use crate::rules;

/// Everything but the marks: clears, colours, a clipboard, a title, questions, also in C1; text that
/// runs backwards; NUL, bell, backspace, DEL; what has no width; line ends.
const HOSTILE: &str = "\u{1b}[2J\u{1b}[31m|\u{1b}]52;c;aGFja2Vk\u{7}|\u{1b}]0;title\u{1b}\\|\u{9b}5n|\
    \u{9d}52;c;aGFja2Vk\u{9c}|\u{90}q\u{9c}|\u{202e}gnp\u{2066}|\u{0}\u{7}\u{8}\u{7f}\u{85}|\
    \u{200b}\u{feff}\u{e0041}|\r\n\t|\u{1b}Pq#0";
/// The most bytes that one cell may cost.
const MAX_CELL: usize = 32;
/// A page that may be opened and copied.
const WEB_PAGE: &str = "https://deploys.example/7";

/// A letter under so many combining marks.
fn bomb(marks: usize) -> String {
    format!("e{}", "\u{301}".repeat(marks))
}

/// The inside of a YAML string.
fn yaml(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '-' {
            out.push(c);
        } else {
            let _ = write!(out, "\\U{:08x}", u32::from(c));
        }
    }
    out
}

/// A name that begins harmlessly, so that its row can be told.
fn named(name: &str) -> String {
    format!("{name}{HOSTILE}")
}

/// Posts two incidents: one hostile everywhere, one of marks.
fn fire(alertmanager: &Alertmanager) {
    let marks = bomb(100_000);
    let everywhere = json!({
        "alertname": named("alert"), "service": named("svc"), "severity": "page",
        "instance": HOSTILE,
    });
    let annotations = json!({
        "summary": named("inc-a"), "description": HOSTILE, "runbook_url": HOSTILE,
    });
    let of_marks = json!({"alertname": "bomb", "service": marks, "instance": marks});
    let marked = json!({"summary": format!("inc-b {marks}"), "note": marks});
    alertmanager.fire(&[(everywhere, annotations), (of_marks, marked)]);
}

/// Releases, hostile everywhere and of marks.
fn deploys() -> Value {
    let marks = bomb(100_000);
    let row = |name: &str, text: &str, url: &str| {
        json!({
            "id": format!("{name}{text}"), "service": format!("{name}{text}"),
            "version": text, "environment": text, "status": "succeeded", "actor": text,
            "commit": text, "url": url, "finished_at": 1_795_000_000,
        })
    };
    json!([
        row("rel-a", HOSTILE, &format!("https://example.com/{HOSTILE}")),
        row("rel-b", &marks, WEB_PAGE),
    ])
}

/// What a stretch of terminal output did, besides showing text.
#[derive(Default)]
struct Audit {
    /// What it asked to be put on the clipboard.
    copied: Vec<String>,
    /// The text it showed.
    text: String,
}

/// Reads all that a program wrote, and allows nothing but text, cursor moves, erasing, pens, the
/// modes of a screen, and copies.
fn audit(bytes: Vec<u8>) -> Audit {
    let all = String::from_utf8(bytes).expect("UTF-8");
    let mut audit = Audit::default();
    let mut rest = all.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\u{1b}[") {
            let end = after.find(|c: char| !matches!(c, '0'..='9' | ';' | ':' | '?'));
            let (parameters, end) = end.map_or((after, ""), |end| after.split_at(end));
            let command = end.chars().next();
            let is_allowed = match command {
                Some('A'..='D' | 'G' | 'H' | 'J' | 'K' | 'm') => !parameters.contains('?'),
                Some('h' | 'l') => {
                    ["?1049", "?2004", "?1004", "?25", "?2026"].contains(&parameters)
                }
                _ => false,
            };
            assert!(is_allowed, "wrote CSI {parameters} {command:?}");
            rest = &end[1..];
            audit.text.push('\n');
        } else if let Some(after) = rest.strip_prefix("\u{1b}]52;c;") {
            let (copied, after) = after.split_once('\u{7}').expect("an end");
            let copied = STANDARD.decode(copied).expect("Base64");
            audit.copied.push(String::from_utf8(copied).expect("UTF-8"));
            rest = after;
        } else {
            assert!(
                is_visible(c) || matches!(c, '\r' | '\n' | '\u{8}'),
                "wrote {:?}",
                rest.chars().take(40).collect::<String>()
            );
            audit.text.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    for cluster in audit.text.graphemes(true) {
        assert!(cluster.len() <= MAX_CELL, "{} bytes a cell", cluster.len());
    }
    audit
}

/// Waits until every key typed before this has done its work.
fn settle(pty: &mut Pty) {
    pty.press("?");
    pty.wait_for("Keys ·");
    pty.press("\u{1b}");
    pty.wait_gone("Keys ·");
}

/// Presses keys one by one, and looks at every frame that they lead to.
fn press(pty: &mut Pty, keys: &[&str]) {
    for key in keys {
        pty.press(key);
        settle(pty);
        pty.wait("cells of bounded size", |screen| {
            let (height, width) = screen.size();
            let mut cells = (0..height.get())
                .flat_map(|row| (0..width.get()).map(move |column| (row, column)))
                .filter_map(|(row, column)| screen.cell(row, column));
            assert!(cells.all(|cell| cell.contents().len() <= MAX_CELL));
            true
        });
    }
}

/// The ids of a list of the status.
fn ids<'a>(status: &'a Value, list: &str, id: &str) -> Vec<&'a str> {
    let rows = status[list].as_array().expect("a list");
    rows.iter().filter_map(|row| row[id].as_str()).collect()
}

/// What is copied for an id: as it is shown, so that nothing hides in it.
fn as_copied(id: &str) -> String {
    Shown::new(id).to_string()
}

fn configure(dir: &Path, urls: [&str; 4]) {
    let kinds = ["prometheus", "alertmanager", "json", "json"];
    // Ours is off, so that any bell would be theirs.
    let mut text = "[ui]\nbell = \"off\"\n".to_owned();
    for (index, (kind, url)) in kinds.iter().zip(urls).enumerate() {
        let name = ["prom", "am", "deploys", "broken"][index];
        let _ = writeln!(
            text,
            "[[source]]\nname = \"{name}\"\nkind = \"{kind}\"\nurl = \"{url}\"\ninterval = \"5s\""
        );
        if *kind == "json" {
            text.push_str("releases = '.[]'\n");
        }
    }
    std::fs::write(dir.join("watchfire.toml"), text).expect("the configuration");
}

#[test]
fn no_foreign_text_steers_the_terminal_from_any_pane_or_command() {
    let data = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let dir = data[0].path();
    let slos = [
        rules::constant(&yaml(&named("slo-a")), 0.2),
        rules::constant(&yaml(&format!("slo-b{}", bomb(10_000))), 0.001),
    ];
    let prometheus = history::start(dir, &format!("groups:\n{}", slos.concat()));
    let alertmanager = Alertmanager::start(data[1].path(), "");
    fire(&alertmanager);
    let releases = deploys();
    let deploys = Page::serve("200 OK", &releases.to_string());
    let refusal = json!({"error": named("refused")}).to_string();
    let broken = Page::serve("500 Internal Server Error", &refusal);
    configure(
        dir,
        [
            &prometheus.url,
            &alertmanager.url(),
            &deploys.url,
            &broken.url,
        ],
    );

    let mut pty = screen(dir, &["--config", "watchfire.toml"]);
    for row in [
        "slo-a", "slo-b", "rel-a", "rel-b", "inc-a", "inc-b", "refused",
    ] {
        pty.wait_for(row);
    }
    for (pane, rows) in [("1", 2), ("2", 2), ("3", 2), ("4", 4)] {
        press(&mut pty, &[pane, "g"]);
        for _ in 0..rows {
            press(
                &mut pty,
                &["y", "Y", "o", "b", "\r", "\u{6}", "\u{6}", "\u{1b}"],
            );
            press(&mut pty, &["f", "\r", "\u{6}", "\u{1b}", "f", "j"]);
        }
        // A filter of the same kind, kept and cleared.
        pty.press("/e\u{301}\u{301}\u{202e}\u{9b}|");
        pty.wait_for("0 of ");
        press(&mut pty, &["\r", "\u{1b}"]);
    }
    pty.press("\u{3}");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_given_back();
    let written = audit(pty.take_bytes());
    for (what, text) in [
        ("a sequence", "⟦esc⟧"),
        ("backwards text", "‹U+202E›"),
        ("NUL", "^@"),
        ("marks", "⟦+⟧"),
    ] {
        assert!(
            written.text.contains(text),
            "no {what} was ever on the screen"
        );
    }

    assert_printed_harmlessly(dir, &releases);
    let (_, known) = status(dir, &["--config", "watchfire.toml"]);
    let mut want: Vec<_> = [
        ("slos", "id"),
        ("releases", "id"),
        ("incidents", "id"),
        ("sources", "name"),
    ]
    .iter()
    .flat_map(|(list, id)| ids(&known, list, id))
    .map(as_copied)
    .chain([WEB_PAGE, GENERATOR, GENERATOR].map(str::to_owned))
    .collect();
    // Longest first: a summary begins with the id of its row.
    want.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
    let mut copied = written.copied.clone();
    for text in &want {
        let place = copied.iter().position(|one| one.starts_with(text));
        let place = place.unwrap_or_else(|| panic!("{text} was not copied: {copied:#?}"));
        copied.remove(place);
    }
    assert_eq!(
        copied,
        Vec::<String>::new(),
        "each row once, and its web page if it has one"
    );
    let unasked: BTreeSet<_> = pty
        .alarms()
        .into_iter()
        .filter(|alarm| alarm != "copy")
        .collect();
    assert_eq!(unasked, BTreeSet::new());
}

/// The same through `status`, as a table and as JSON, whose parser still gets what was said.
fn assert_printed_harmlessly(dir: &Path, releases: &Value) {
    for format in ["table", "json"] {
        let args = ["status", "--config", "watchfire.toml", "--format", format];
        let run = watchfire(dir, &args);
        for (place, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            let hidden = text.chars().find(|&c| !is_visible(c) && c != '\n');
            assert_eq!(hidden, None, "{format} on {place}");
            assert!(!text.contains("hacked") && !text.contains('\u{7}'));
        }
        for row in ["slo-a", "slo-b", "rel-a", "rel-b", "inc-a", "inc-b"] {
            assert!(run.stdout.contains(row), "{format} lacks {row}");
        }
    }
    let (_, answer) = status(dir, &["--config", "watchfire.toml"]);
    let mut found = ids(&answer, "releases", "id");
    found.sort_unstable();
    let mut said: Vec<_> = releases
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["id"])
        .collect();
    said.sort_unstable_by_key(ToString::to_string);
    assert_eq!(json!(found), json!(said));
}
