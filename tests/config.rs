//! The configuration: what is accepted, what is refused and in which words, and what overrides what.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use watchfire::app::keymap::Keymap;
use watchfire::config::{
    Auth, BellChoice, Environment, FlagSource, HeaderSetting, JournalSettings, Loaded, Overrides,
    Part, SecretRef, Settings, Sli, ThemeChoice, load,
};
use watchfire::domain::{Period, Production, Rule, SourceName, Window};
use watchfire::source::{KINDS, known_kinds};
use watchfire::watch::Watch;

const EXAMPLE: &str = include_str!("../config.example.toml");

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter();
    variables
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn load_file(path: &Path, variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let overrides = Overrides {
        config: Some(path.to_owned()),
        sources: Vec::new(),
    };
    load(&overrides, &environment(variables), &known_kinds()).map_err(|error| error.to_string())
}

fn load_text(text: impl AsRef<[u8]>, variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, text).unwrap();
    // What the pattern of the example finds.
    let slos = folder.path().join("slos");
    fs::create_dir(&slos).unwrap();
    let service = "apiVersion: openslo/v1\nkind: Service\nmetadata: { name: shop }\n";
    fs::write(slos.join("shop.yaml"), service).unwrap();
    load_file(&path, variables)
        .map_err(|message| message.replace(path.to_str().unwrap(), "config.toml"))
}

fn fixtures(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/config")
        .join(kind);
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn fixture(kind: &str, name: &str) -> PathBuf {
    let files = fixtures(kind).into_iter();
    files
        .into_iter()
        .find(|path| path.file_stem().unwrap() == name)
        .unwrap()
}

/// What the settings come to, as text: `Settings` holds time zones, which have no equality.
fn comparable(settings: &Settings) -> String {
    format!("{settings:#?}")
}

#[test]
fn every_mistake_is_refused_in_words_that_name_place_reason_and_fix() {
    let update = std::env::var_os("UPDATE").is_some();
    for path in fixtures("invalid") {
        let name = path.file_name().unwrap().to_str().unwrap();
        let Err(message) = load_file(&path, &[]) else {
            panic!("{name} is accepted");
        };
        let message = message.replace(path.to_str().unwrap(), name) + "\n";
        let place = format!("{name}:");
        assert!(message.contains(&place), "{name} has no line: {message}");
        assert!(
            !message.contains("hunter2"),
            "{name} tells the secret: {message}"
        );
        assert!(
            !message.chars().any(|c| c.is_control() && c != '\n'),
            "{name} lets a control character through: {message:?}"
        );
        let expected = path.with_extension("txt");
        if update {
            fs::write(&expected, &message).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(
            message, expected,
            "{name}; UPDATE=1 rewrites the expected message"
        );
    }
}

#[test]
fn every_valid_file_is_accepted() {
    for path in fixtures("valid") {
        if let Err(message) = load_file(&path, &[]) {
            panic!("{message}");
        }
    }
}

#[test]
fn the_contract_reads_as_it_is_meant() {
    let settings = load_file(&fixture("valid", "contract"), &[])
        .unwrap()
        .settings;
    let intervals: Vec<_> = settings
        .sources
        .iter()
        .map(|source| source.interval.as_secs())
        .collect();
    assert_eq!(intervals, [15, 60, 15, 30]);
    let prod = &settings.sources[0];
    assert_eq!(prod.stale_after.as_secs(), 300);
    assert!(matches!(&prod.http.auth, Auth::Bearer(SecretRef::Env(name)) if name == "PROM_TOKEN"));
    assert!(
        matches!(&prod.http.headers["X-Scope-OrgID"], HeaderSetting::Plain(value) if value == "acme")
    );
    let special: Vec<_> = prod.table.keys().collect();
    assert_eq!(special, ["build_info", "discover"]);

    let checkout = &settings.slos[0];
    assert!((checkout.objective - 0.999).abs() < f64::EPSILON);
    assert_eq!(checkout.period.to_string(), "30d");
    assert_eq!(checkout.source, SourceName::new("prod"));
    assert!(matches!(
        checkout.sli,
        Sli::Events {
            part: Part::Bad(_),
            ..
        }
    ));
    assert!(matches!(
        settings.slos[1].sli,
        Sli::Events {
            part: Part::Good(_),
            ..
        }
    ));
    assert_eq!(settings.slos[1].period, "30d".parse::<Period>().unwrap());
    assert_eq!(settings.services[0].aliases, ["checkout-api"]);
}

#[test]
fn every_form_of_an_slo_reads_as_it_is_meant() {
    let settings = load_file(&fixture("valid", "slo_forms"), &[]);
    let slos = settings.unwrap().settings.slos;
    let availability = &slos[0];
    assert_eq!(availability.timezone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(availability.period, Period::Month);
    assert!(availability.min_bad_events.abs() < f64::EPSILON);
    assert_eq!(availability.by, ["handler"]);
    assert_eq!(availability.labels["team"], "shop");
    assert_eq!(availability.description, "Buying works.");
    assert_eq!(availability.rules, Rule::workbook(Period::Month));

    let probe = Sli::Gauge("probe_success{job=\"checkout\"}".to_owned());
    assert_eq!(slos[1].sli, probe);
    assert!((slos[1].min_bad_events - 3.0).abs() < f64::EPSILON);
    let rules = slos[1].rules.iter();
    let rules = rules.map(|rule| format!("{} {} {}", rule.severity, rule.long, rule.factor));
    assert_eq!(
        rules.collect::<Vec<_>>(),
        ["page 1h 14.4", "page 6h 6", "ticket 1d 3"]
    );

    let sliced = Sli::Slices {
        of: Box::new(Sli::Latency {
            histogram: "http_request_duration_seconds{service=\"checkout\"}".to_owned(),
            within: 0.25,
        }),
        width: Window::minutes(1),
        target: Some(0.95),
    };
    assert_eq!(slos[2].sli, sliced);
    assert!(slos[2].min_bad_events.abs() < f64::EPSILON);
    assert!((slos[4].min_bad_events - 2.0).abs() < f64::EPSILON);
    assert!(matches!(&slos[3].sli, Sli::Ratio { success: false, .. }));
    assert!(slos[3].rules.is_empty());
    assert!(
        matches!(&slos[4].sli, Sli::Slices { of, target: None, .. } if matches!(**of, Sli::Ratio { success: true, .. }))
    );
    assert_eq!(
        slos[5].sli,
        Sli::Weighted(vec![(1.0, probe), (2.5, sliced)])
    );
}

#[test]
fn paths_begin_at_the_file_or_at_home() {
    let path = fixture("valid", "every_way_to_log_in");
    let settings = load_file(&path, &[("HOME", "/home/mara")])
        .unwrap()
        .settings;
    let folder = path.parent().unwrap();
    let Auth::Basic { username, password } = &settings.sources[0].http.auth else {
        panic!("no basic");
    };
    assert_eq!(username, "mara");
    assert_eq!(*password, SecretRef::File(folder.join("secrets/password")));
    assert_eq!(
        settings.sources[0].http.ca_file,
        Some(folder.join("ca.pem"))
    );
    assert_eq!(
        settings.sources[0].http.client_cert,
        Some("/etc/watchfire/client.pem".into())
    );
    assert!(matches!(
        &settings.sources[1].http.headers["X-Api-Key"],
        HeaderSetting::Secret(SecretRef::File(key)) if key == Path::new("/home/mara/key")
    ));
    assert!(
        matches!(&settings.sources[1].http.auth, Auth::Token(SecretRef::Command(words)) if words.len() == 3)
    );
}

#[test]
fn the_example_changes_nothing() {
    let example = load_text(EXAMPLE, &[]).unwrap();
    let empty = Settings {
        file: example.settings.file.clone(),
        ..Settings::empty()
    };
    assert_eq!(comparable(&example.settings), comparable(&empty));
}

#[test]
fn the_example_names_every_setting_and_all_of_it_is_valid() {
    let whole = uncommented(EXAMPLE);
    let settings = load_text(&whole, &[]).unwrap().settings;
    let mut kinds: Vec<_> = settings
        .sources
        .iter()
        .map(|source| source.kind.as_str())
        .collect();
    let mut known: Vec<_> = known_kinds().iter().map(|kind| kind.name).collect();
    kinds.sort_unstable();
    kinds.dedup();
    known.sort_unstable();
    assert_eq!(kinds, known, "an example of each kind");

    for table in [
        "[ui]",
        "[[slo]]",
        "[[slo]]\nservice = 'a'\nname = 'b'\nobjective = 99\n[[slo.parts]]",
        "[[slo]]\nservice = 'a'\nname = 'b'\nobjective = 99\n[[slo.rules]]",
        "[me]",
        "[journal]",
        "[actions]",
        "[[action]]\nlabel = 'a'\nscope = 'slo'\ncommand = ['a']",
        "[[slo_files]]",
        "[[notify]]",
        "[[service]]",
        "[[source]]\nname = 'a'\nkind = 'json'\n[source.basic]",
    ] {
        let refused = load_text(format!("{table}\n'~' = 1"), &[]).unwrap_err();
        assert_names(&whole, table, &refused);
    }
    for (kind, table) in [
        ("prometheus", ""),
        ("prometheus", "[source.build_info]"),
        ("json", ""),
        ("json", "[source.paginate]"),
    ] {
        let text = format!("[[source]]\nname = 'a'\nkind = '{kind}'\n{table}\n'~' = 1");
        let settings = load_text(text, &[]).unwrap().settings;
        let kind = KINDS.iter().find(|known| known.name == kind).unwrap();
        let Err(problem) = (kind.build)(&settings.sources[0], &settings) else {
            panic!("{} accepts an unknown key in {table:?}", kind.name);
        };
        assert_names(&whole, kind.name, &problem.message);
    }
}

/// Checks that `example` sets every key that `refused`, the answer to an unknown key, knows of.
fn assert_names(example: &str, table: &str, refused: &str) {
    let (_, known) = refused.split_once("unknown key: expected").unwrap();
    let known = known.lines().next().unwrap().split('`').skip(1).step_by(2);
    let set: Vec<_> = example
        .match_indices(" = ")
        .filter_map(|(at, _)| {
            example[..at]
                .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        })
        .collect();
    for key in known {
        assert!(
            set.contains(&key),
            "{table} takes `{key}`, and the example is silent about it"
        );
    }
}

/// The example with its examples switched on.
/// The example with every `#` removed that has no space behind it, as its first lines say.
fn uncommented(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with([' ', '#', ':']) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A TOML text as JSON.
fn as_json(text: &str) -> serde_json::Value {
    let table: toml::Table = toml::from_str(text).unwrap();
    serde_json::to_value(table).unwrap()
}

#[test]
fn the_schema_accepts_what_the_configuration_does_and_refuses_what_it_refuses() {
    let schema = watchfire::config::schema(EXAMPLE).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let whole = uncommented(EXAMPLE);
    let errors: Vec<_> = schema
        .iter_errors(&as_json(&whole))
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    for path in fixtures("valid") {
        let text = fs::read_to_string(&path).unwrap();
        let errors: Vec<_> = schema
            .iter_errors(&as_json(&text))
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
    }
    // A key that no table knows, and a value of another type, at every table.
    let lines: Vec<_> = whole.lines().collect();
    for (at, line) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with('['))
    {
        let unknown = [&lines[..=at], &["bogus = 1"], &lines[at + 1..]]
            .concat()
            .join("\n");
        let is_refused = !schema.is_valid(&as_json(&unknown));
        assert!(is_refused, "{line}");
    }
    for wrong in [
        "[ui]\ntheme = 1",
        "[[source]]\nname = \"a\"\nkind = \"nagios\"",
        "[[source]]\nname = \"a\"\nkind = \"github\"\ntoken = \"inline\"",
        "[[source]]\nname = \"a\"\nkind = \"github\"\ndiscover = true",
        "[[slo]]\nservice = \"a\"\nname = \"b\"\nobjective = \"99\"",
        "[slo]\nservice = \"a\"",
    ] {
        assert!(!schema.is_valid(&as_json(wrong)), "{wrong}");
    }
}

#[test]
fn every_setting_of_the_schema_is_described() {
    let schema = watchfire::config::schema(EXAMPLE).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let interval = &schema["properties"]["source"]["items"]["oneOf"][0]["properties"]["interval"];
    let text = interval["description"].as_str().unwrap();
    assert!(text.starts_with("How often it is polled"), "{text}");
}

#[test]
fn examples_that_are_uncommented_as_the_file_says_lose_nothing() {
    let settings = load_text(uncommented(EXAMPLE), &[]).unwrap().settings;
    let slo = |name: &str| settings.slos.iter().find(|slo| slo.name == name).unwrap();
    // Lists of several lines are whole: one of them alerts, the other is made of two.
    let with_rules = EXAMPLE.matches("#rules = [\n").count();
    let alerting = settings.slos.iter().filter(|slo| slo.rules.len() == 4);
    assert!(alerting.count() >= with_rules && with_rules > 0);
    assert!(
        matches!(&slo("journey").sli, watchfire::config::Sli::Weighted(parts) if parts.len() == 2)
    );
    for (number, line) in EXAMPLE.lines().enumerate() {
        let is_part = line.starts_with("#  ");
        assert!(
            !is_part,
            "line {}: a line of a list that stays a comment",
            number + 1
        );
    }
}

#[test]
fn every_source_and_key_of_the_example_can_be_built() {
    // These files are not there.
    let whole = uncommented(EXAMPLE);
    let lines = whole
        .lines()
        .filter(|line| !line.starts_with("ca_file") && !line.starts_with("client_cert"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let settings = load_text(text, &[]).unwrap().settings;
    Keymap::new(&settings.keys).unwrap();
    let problems = Watch::over(&settings).err().unwrap_or_default();
    assert_eq!(problems, []);
}

#[test]
fn the_intervals_that_the_example_names_are_those_of_the_kinds() {
    let (_, rest) = EXAMPLE.split_once("1s to 1h. Default: ").unwrap();
    let (text, _) = rest.split_once(".\n").unwrap();
    let text = text.replace("\n#", "");
    let mut named = Vec::new();
    for part in text.split("; ") {
        let (interval, kinds) = part.split_once(" for ").unwrap();
        let seconds: i64 = interval.trim_end_matches('s').parse().unwrap();
        named.extend(
            kinds
                .split(", ")
                .map(|kind| (kind.trim().to_owned(), seconds)),
        );
    }
    let mut known: Vec<_> = KINDS
        .iter()
        .map(|kind| (kind.name.to_owned(), kind.interval.as_secs()))
        .collect();
    named.sort();
    known.sort();
    assert_eq!(named, known);
}

#[test]
fn an_slo_that_alerts_nobody_is_a_warning_with_its_place() {
    let text = "[[source]]\nname = 'p'\nkind = 'prometheus'\nurl = 'http://127.0.0.1:1'\n\
                [[slo]]\nservice = 'a'\nname = 'b'\nobjective = 99\ntotal = 'x'\nbad = 'y'\n";
    assert!(load_text(text, &[]).unwrap().warnings().is_empty());
    let loaded = load_text(format!("{text}rules = []\n"), &[]).unwrap();
    let warnings = loaded.warnings();
    assert_eq!(warnings.len(), 1);
    let said = warnings[0].to_string();
    assert!(said.contains("config.toml:11:9: slo[0].rules"), "{said}");
    assert!(said.contains("alerts nobody"), "{said}");
}

#[test]
fn the_environment_overrides_the_file() {
    let variables = [
        ("WATCHFIRE__UI__THEME", "mono"),
        ("WATCHFIRE__UI__ASCII", "true"),
        ("WATCHFIRE__KEYS__QUIT", "x"),
        ("WATCHFIRE__UI__CONTEXT", "42"),
        ("WATCHFIRE__UI__BELL", "off"),
        ("WATCHFIRE__JOURNAL__PATH", "/somewhere/night.db"),
        ("WATCHFIRE__JOURNAL__ENABLED", "false"),
        ("WATCHFIRE__JOURNAL__MAX_SIZE", "8MiB"),
        ("WATCHFIRE__JOURNAL__KEEP", "7d"),
    ];
    let settings = load_text(
        "[ui]\ntheme = 'dark'\ntimezone = 'Europe/Berlin'\n[keys]\nquit = ['q', 'Q']",
        &variables,
    )
    .unwrap()
    .settings;
    assert_eq!(settings.ui.theme, ThemeChoice::Mono);
    assert_eq!(settings.ui.timezone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(settings.ui.context, "42");
    assert!(settings.ui.ascii);
    assert_eq!(settings.ui.bell, BellChoice::Off);
    assert_eq!(settings.keys["quit"], ["x"]);
    let journal = JournalSettings {
        enabled: false,
        path: Some("/somewhere/night.db".into()),
        keep: SignedDuration::from_hours(7 * 24),
        max_size: 8 << 20,
    };
    assert_eq!(settings.journal, journal);
}

#[test]
fn the_environments_of_production_can_be_named() {
    let text =
        "[delivery]\nproduction = [\"live-*\", \"shop\"]\nlink_within = \"12h\"\nobserve = \"30m\"";
    let delivery = load_text(text, &[]).unwrap().settings.delivery;
    assert_eq!(delivery.production, Production::new(["live-*", "shop"]));
    assert_eq!(delivery.link_within, SignedDuration::from_hours(12));
    assert_eq!(delivery.observe, SignedDuration::from_mins(30));
    let standard = load_text("", &[]).unwrap().settings.delivery;
    assert_eq!(
        standard.production,
        Production::new(["production", "prod", "prd", "live"])
    );
    assert_eq!(standard.link_within, SignedDuration::from_hours(24));
}

#[test]
fn variables_that_are_not_settings_are_left_alone() {
    let variables = [
        ("WATCHFIRE_LOG", "debug"),
        ("WATCHFIRE", "x"),
        ("WATCHFIRE_UI_THEME", "pink"),
        ("UI__THEME", "pink"),
        ("THEME", "pink"),
    ];
    assert_eq!(
        load_text("", &variables).unwrap().settings.ui.theme,
        ThemeChoice::Auto
    );
}

#[test]
fn a_mistake_in_the_environment_names_the_variable() {
    for (name, value, want) in [
        (
            "WATCHFIRE__UI__THEME",
            "pink",
            "WATCHFIRE__UI__THEME: ui.theme: no theme is called `pink`: write `auto`, `dark`, `light`, `high-contrast` or `mono`",
        ),
        (
            "WATCHFIRE__UI__THEM",
            "mono",
            "WATCHFIRE__UI__THEM: ui.them: unknown key: did you mean `theme`?",
        ),
        (
            "WATCHFIRE__UI__BELL",
            "loud",
            "WATCHFIRE__UI__BELL: ui.bell: no bell is called `loud`: write `page` or `off`",
        ),
        (
            "WATCHFIRE__UI__ASCII",
            "maybe",
            "WATCHFIRE__UI__ASCII: ui.ascii: expected true or false, found a string",
        ),
        (
            "WATCHFIRE__UI__TIMEZONE",
            "Mars",
            "WATCHFIRE__UI__TIMEZONE: ui.timezone: `Mars` is no time zone",
        ),
        (
            "WATCHFIRE__SOURCE__0__URL",
            "http://x",
            "WATCHFIRE__SOURCE__0__URL: this names no setting",
        ),
        (
            "WATCHFIRE__SLO__X",
            "1",
            "WATCHFIRE__SLO__X: `slo` cannot be set by a variable",
        ),
        (
            "WATCHFIRE__UI",
            "mono",
            "WATCHFIRE__UI: this names no setting",
        ),
        (
            "WATCHFIRE____",
            "mono",
            "WATCHFIRE____: this names no setting",
        ),
        (
            "WATCHFIRE__UI__A.B[",
            "mono",
            "WATCHFIRE__UI__A.B[: this names no setting",
        ),
    ] {
        let message = load_text("[ui]\ntheme = 'dark'", &[(name, value)]).unwrap_err();
        assert!(message.starts_with(want), "{message}");
    }
}

#[test]
fn a_mistake_in_the_file_is_not_hidden_by_the_environment() {
    let message = load_text("[ui]\nascii = 'no'", &[("WATCHFIRE__UI__ASCII", "true")]).unwrap_err();
    assert!(
        message.starts_with("config.toml:2:9: ui.ascii: expected true or false"),
        "{message}"
    );
}

#[test]
fn flags_add_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(
        &path,
        "[[source]]\nname = 'prometheus'\nkind = 'prometheus'",
    )
    .unwrap();
    let flag = |url: &str| FlagSource {
        flag: "--prometheus",
        kind: "prometheus",
        url: url.to_owned(),
        table: toml::Table::new(),
    };
    let overrides = Overrides {
        config: Some(path),
        sources: vec![flag("http://a"), flag("http://b")],
    };
    let loaded = load(&overrides, &environment(&[]), &known_kinds()).unwrap();
    let sources = &loaded.settings.sources;
    let names: Vec<_> = sources
        .iter()
        .map(|source| (source.index, source.name.as_str()))
        .collect();
    assert_eq!(
        names,
        [(0, "prometheus"), (1, "prometheus-2"), (2, "prometheus-3")]
    );

    let message = loaded
        .report(&sources[2].problem("url", "no such scheme"))
        .to_string();
    assert_eq!(message, "--prometheus: no such scheme");
    let message = loaded
        .report(&sources[0].problem("url", "is missing"))
        .to_string();
    assert!(
        message.contains("config.toml:1:1: source[0].url (\"prometheus\"): is missing\n"),
        "{message}"
    );
}

#[test]
fn a_kind_reads_its_own_settings_and_its_mistakes_have_a_place_too() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Options {
        repos: Vec<String>,
        environments: Option<Vec<String>>,
        map: Option<Map>,
    }
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Map {
        #[expect(dead_code, reason = "read for its name alone")]
        from: String,
    }
    let refused = |text: &str| {
        let loaded = load_text(
            format!("[[source]]\nname = 'hub'\nkind = 'github'\n{text}"),
            &[],
        )
        .unwrap();
        let problem = loaded.settings.sources[0].options::<Options>().unwrap_err();
        let message = loaded.report(&problem).to_string();
        message.rsplit_once("config.toml:").unwrap().1.to_owned()
    };
    assert_eq!(
        refused("repoz = ['a']"),
        "4:1: source[0].repoz (\"hub\"): unknown key: did you mean `repos`?\n  |\n4 | repoz = ['a']\n  | ^^^^^"
    );
    assert!(
        refused("intervall = '5s'")
            .contains("source[0].intervall (\"hub\"): unknown key: did you mean `interval`?")
    );
    assert!(refused("repos = ['a', 5]").starts_with(
        "4:15: source[0].repos[1] (\"hub\"): expected a string, found a number: put it in quotes"
    ));
    assert!(refused("").starts_with("1:1: source[0] (\"hub\"): `repos` is missing"));
    // What every source takes is no part of a table within.
    assert!(
        refused("repos = []\nmap = { from = 'a', interval = 'b' }")
            .starts_with("5:21: source[0].map.interval (\"hub\"): unknown key: expected `from`\n")
    );

    let loaded = load_text(
        "[[source]]\nname = 'hub'\nkind = 'github'\nrepos = ['a']\nenvironments = []",
        &[],
    )
    .unwrap();
    let options: Options = loaded.settings.sources[0].options().unwrap();
    assert_eq!(
        (options.repos, options.environments, options.map.is_none()),
        (vec!["a".to_owned()], Some(vec![]), true)
    );
}

#[test]
fn the_file_is_found_where_the_contract_says() {
    let folder = tempfile::tempdir().unwrap();
    let put = |path: &str, context: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("[ui]\ncontext = '{context}'")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let flag = put("flag.toml", "flag");
    let variable = put("variable.toml", "variable");
    put("xdg/watchfire/config.toml", "xdg");
    put("home/.config/watchfire/config.toml", "home");
    let (xdg, home) = (folder.path().join("xdg"), folder.path().join("home"));
    let (xdg, home) = (xdg.to_str().unwrap(), home.to_str().unwrap());
    let empty = folder.path().join("empty");
    let empty = empty.to_str().unwrap();

    let context = |flag: Option<&str>, variables: &[(&str, &str)]| {
        let overrides = Overrides {
            config: flag.map(PathBuf::from),
            sources: Vec::new(),
        };
        load(&overrides, &environment(variables), &known_kinds())
            .unwrap()
            .settings
            .ui
            .context
    };
    let all = [
        ("WATCHFIRE_CONFIG", variable.as_str()),
        ("XDG_CONFIG_HOME", xdg),
        ("HOME", home),
    ];
    assert_eq!(context(Some(&flag), &all), "flag");
    assert_eq!(context(None, &all), "variable");
    assert_eq!(context(None, &all[1..]), "xdg");
    assert_eq!(context(None, &all[2..]), "home");
    assert_eq!(
        context(None, &[("XDG_CONFIG_HOME", empty), ("HOME", home)]),
        "home"
    );
    assert_eq!(
        context(
            None,
            &[
                ("WATCHFIRE_CONFIG", ""),
                ("XDG_CONFIG_HOME", "relative"),
                ("HOME", home)
            ]
        ),
        "home"
    );
    assert_eq!(context(None, &[("HOME", empty)]), "");
    assert_eq!(context(None, &[]), "");
}

#[test]
fn a_named_file_that_cannot_be_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.toml");
    let message = load_file(&missing, &[]).unwrap_err();
    assert!(
        message.contains("none.toml: there is no such file, but --config names it"),
        "{message}"
    );
    let variable = [("WATCHFIRE_CONFIG", missing.to_str().unwrap())];
    let error = load(
        &Overrides::default(),
        &environment(&variable),
        &known_kinds(),
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("but WATCHFIRE_CONFIG names it"),
        "{error}"
    );
    let message = load_file(folder.path(), &[]).unwrap_err();
    assert!(message.contains("this is a directory"), "{message}");
    let large = folder.path().join("large.toml");
    fs::write(&large, "#".repeat(10 * 1024 * 1024)).unwrap();
    let message = load_file(&large, &[]).unwrap_err();
    assert!(message.contains("is larger than 1 MiB"), "{message}");
}

#[test]
fn the_locale_decides_on_plain_characters_unless_the_settings_do() {
    for (variables, ascii) in [
        (vec![], false),
        (vec![("LANG", "C.UTF-8")], false),
        (vec![("LANG", "de_DE.utf8")], false),
        (vec![("LANG", "de_DE")], false),
        (vec![("LANG", "C"), ("LC_ALL", "")], true),
        (vec![("LANG", "C"), ("LC_CTYPE", "de_DE@euro")], false),
        (vec![("LANG", "de_DE.ISO-8859-15@euro")], true),
        (vec![("LANG", "en_US.UTF-8"), ("LC_ALL", "POSIX")], true),
        (vec![("TERM", "linux"), ("LANG", "C.UTF-8")], true),
        (
            vec![("TERM", "linux"), ("WATCHFIRE__UI__ASCII", "false")],
            false,
        ),
        (
            vec![("LANG", "C"), ("WATCHFIRE__UI__ASCII", "false")],
            false,
        ),
    ] {
        assert_eq!(
            load_text("", &variables).unwrap().settings.ui.ascii,
            ascii,
            "{variables:?}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_can_break_the_reader(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let _ = load_text(bytes, &[]);
    }

    #[test]
    fn no_damage_to_a_good_file_can_break_the_reader(at in 0..EXAMPLE.len(), byte in proptest::prelude::any::<u8>()) {
        let mut text = uncommented(EXAMPLE).into_bytes();
        let at = at % text.len();
        text[at] = byte;
        if let Err(message) = load_text(text, &[]) {
            proptest::prop_assert!(!message.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
