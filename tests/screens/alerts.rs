//! The alerts of one incident, opened one by one: their own labels, age and link.

use watchfire::app::Effect;
use watchfire::domain::{Incident, IncidentStatus, Member, Severity};
use watchfire::store::Store;

use super::facts::{HOUR, MINUTE, ago, answer, facts_of_incidents, feeds, incident};
use super::stage::{SIZES, Stage};

/// Three nodes whose disks fill; the second is silenced, the third has no page.
pub(crate) fn filling(instances: &[&str]) -> Store {
    let member = |(place, instance): (usize, &&str)| Member {
        labels: format!("instance=\"{instance}\"").into(),
        status: if place == 1 {
            IncidentStatus::Silenced
        } else {
            IncidentStatus::Triggered
        },
        opened_at: Some(ago((i64::try_from(place).expect("a few") + 1) * HOUR)),
        matchers: Vec::new(),
        own: vec![
            ("instance".into(), (*instance).into()),
            ("summary".into(), format!("{instance} is 97 % full").into()),
        ],
        url: (place < 2).then(|| format!("https://prom.example/graph?{instance}").into()),
    };
    let row = Incident {
        alerts: instances.len(),
        members: instances.iter().enumerate().map(member).collect(),
        ..incident("a3", "disks fill", "stock", Severity::Page, 9 * MINUTE)
    };
    let mut store = Store::new(feeds());
    store.absorb(answer("am", 3, facts_of_incidents(vec![row])));
    store
}

#[test]
fn each_alert_of_an_incident_is_opened_with_its_own_labels_age_and_link() {
    let instances = ["node-1", "node-2", "node-3"];
    for (width, height) in SIZES {
        let stage = Stage::new(filling(&instances), width, height).keys("3 enter enter");
        let first = stage.text();
        for words in ["alert 1 of 3", "firing", "1h ago", "node-1"] {
            assert!(
                first.contains(words),
                "{words} at {width}x{height}:\n{first}"
            );
        }
        let second = stage.keys("J");
        let text = second.text();
        for words in ["alert 2 of 3", "silenced", "2h ago", "node-2"] {
            assert!(text.contains(words), "{words} at {width}x{height}:\n{text}");
        }
        assert!(!text.contains("node-1"), "{text}");
        // Back at the first, and from there to the incident.
        assert_eq!(second.clone().keys("K").text(), first);
        let list = second.keys("esc").text();
        assert!(list.contains("disks fill") || height < 18, "{list}");
        assert!(!list.contains("alert 2 of 3"), "{list}");
    }
}

#[test]
fn the_keys_of_an_alert_are_those_of_its_own_page() {
    let instances = ["node-1", "node-2", "node-3"];
    let stage = || Stage::new(filling(&instances), 120, 40).keys("3 enter enter");
    let last = |keys: &str| stage().keys(keys).effects.pop();
    let page = "https://prom.example/graph?node-2".to_owned();
    assert_eq!(last("J o"), Some(Effect::Open(page.clone())));
    assert_eq!(last("J Y"), Some(Effect::Copy(page)));
    assert_eq!(
        last("J y"),
        Some(Effect::Copy("instance=\"node-2\"".to_owned()))
    );
    assert_eq!(last("J J J o"), None);
    let text = stage().keys("J J J o").text();
    assert!(text.contains("alert 3 of 3"), "{text}");
    assert!(text.contains("this alert has no web page"), "{text}");
}

#[test]
fn an_alert_that_ends_while_it_is_looked_at_is_said_to_be_gone() {
    let stage = Stage::new(filling(&["node-1", "node-2", "node-3"]), 80, 24).keys("3 enter enter");
    let rest = filling(&["node-2", "node-3"]);
    let facts = rest.feeds().iter().find(|feed| feed.name.as_str() == "am");
    let facts = facts.expect("the source of alerts").facts.as_ref().clone();
    let text = stage.report(answer("am", 0, facts)).text();
    assert!(text.contains("This alert is no longer listed."), "{text}");
}

#[test]
fn an_incident_of_one_alert_has_nothing_more_to_open() {
    let opened = Stage::new(filling(&["node-1"]), 80, 24).keys("3 enter");
    assert_eq!(opened.clone().keys("enter").text(), opened.text());
}
