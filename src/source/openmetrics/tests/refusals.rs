//! Settings that cannot work, refused by the name of the setting.

use super::*;
use crate::config::{HttpSettings, Step};

fn refusal(options: &str, slos: Vec<SloSettings>) -> String {
    let settings = SourceSettings {
        name: SourceName::new("app"),
        kind: KIND.name.to_owned(),
        index: 0,
        interval: SignedDuration::from_secs(15),
        stale_after: SignedDuration::from_mins(5),
        http: HttpSettings::default(),
        folder: None,
        table: options.parse().unwrap(),
    };
    let all = Settings {
        slos,
        ..Settings::empty()
    };
    let problem = build(&settings, &all).err().unwrap();
    let key = match problem.path.get(2) {
        Some(Step::Key(key)) => key.clone(),
        other => format!("{other:?}"),
    };
    format!("{key} {}", problem.message)
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let on = "targets = [\"app:80\"]\nhistory = \"h.db\"\n";
    for (options, wanted) in [
        ("", "targets is missing"),
        ("targets = [\"a:1\", \"a:1\"]", "targets names a:1 again"),
        ("targets = [\"a b\"]", "targets is no host and port"),
        ("targets = [\"http://u:p@a:1/\"]", "targets holds a user"),
        ("dns = \"app\"", "dns has no port"),
        (&format!("{on}max_size = \"many\""), "max_size is no size"),
    ] {
        let found = refusal(options, vec![slo(bad())]);
        assert!(found.starts_with(wanted), "{found}");
    }
    let found = refusal(&format!("{on}keep = \"7d\""), vec![slo(bad())]);
    assert!(found.contains("keep at least `30d`"), "{found}");
    let mut by = slo(bad());
    by.by = vec!["code".to_owned()];
    let slices = Sli::Slices {
        of: Box::new(bad()),
        width: Window::minutes(1),
        target: None,
    };
    let ratio = Sli::Ratio {
        query: "x".to_owned(),
        success: true,
    };
    let latency = Sli::Latency {
        histogram: "h".to_owned(),
        within: 0.1,
    };
    let window = events(Part::Bad("sum(increase(x[$window]))".to_owned()));
    for slo in [by, slo(slices), slo(ratio), slo(latency), slo(window)] {
        let found = refusal(on, vec![slo]);
        assert!(
            found.contains("app/availability") && found.contains("`prometheus`"),
            "{found}"
        );
    }
}

#[tokio::test]
async fn a_target_with_more_series_than_are_kept_is_refused_with_count_limit_and_advice() {
    let server = wiremock::MockServer::start().await;
    let lines = (0..60_000).map(|pod| format!("x_total{{code=\"500\",pod=\"{pod}\"}} 1\n"));
    let body: String = lines.collect();
    let answer = wiremock::ResponseTemplate::new(200).set_body_raw(body, "text/plain");
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(answer)
        .mount(&server)
        .await;
    let folder = tempfile::tempdir().unwrap();
    let options = format!(
        "targets = [\"{}\"]\nhistory = {:?}",
        server.address(),
        folder.path().join("h.db")
    );
    let settings = SourceSettings {
        name: SourceName::new("app"),
        ..crate::source::fixture::settings(&KIND, None, &options)
    };
    let all = Settings {
        slos: vec![slo(bad())],
        ..Settings::empty()
    };
    let mut source = build(&settings, &all).unwrap().source;
    let fault = source
        .fetch(&crate::source::fixture::ask())
        .await
        .unwrap_err();
    let words =
        "60000 series that SLOs select; 10000 are the most that are read: narrow their selectors";
    assert!(fault.message.raw().contains(words), "{fault:?}");
}
