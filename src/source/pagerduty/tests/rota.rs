//! Who has it, who is next, and for which services.

use serde_json::json;

use super::stand_in::{StandIn, service, shift};
use crate::domain::{Facts, OnCall};
use crate::source::Ask;
use crate::source::fixture::{ask, ask_at, now};
use crate::text::Untrusted;

const MARA: (&str, &str) = ("PUSER01", "Mara Lind");
const LEE: (&str, &str) = ("PUSER02", "Lee Wu");
const KIM: (&str, &str) = ("PUSER03", "Kim Sato");

fn told(facts: &Facts) -> Vec<String> {
    let row = |row: &OnCall| {
        let time = |at: Option<jiff::Timestamp>| at.map_or("-".to_owned(), |at| at.to_string());
        let services: Vec<_> = row.services.iter().map(Untrusted::raw).collect();
        format!(
            "{} {} {} {} L{} {}",
            row.schedule.raw(),
            row.who.raw(),
            time(row.from),
            time(row.until),
            row.level.unwrap_or_default(),
            services.join("+")
        )
    };
    facts.on_call.as_ref().unwrap().iter().map(row).collect()
}

async fn start() -> StandIn {
    let stand_in = StandIn::start().await;
    let day = [
        "2026-11-22T08:00:00Z",
        "2026-11-22T18:00:00Z",
        "2026-11-23T08:00:00Z",
        "2026-11-23T18:00:00Z",
    ];
    stand_in.world().oncalls = vec![
        shift("PPOL001", "primary", 1, MARA, [Some(day[0]), Some(day[1])]),
        shift("PPOL001", "primary", 1, LEE, [Some(day[1]), Some(day[2])]),
        shift("PPOL001", "primary", 1, KIM, [Some(day[2]), Some(day[3])]),
        shift("PPOL001", "", 2, KIM, [None, None]),
        shift("PPOL002", "primary", 1, MARA, [Some(day[0]), Some(day[1])]),
    ];
    stand_in
}

#[tokio::test]
async fn who_has_it_and_who_is_next_with_the_services_that_they_answer_for() {
    let stand_in = start().await;
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(
        told(&facts),
        [
            "PPOL001 policy Kim Sato - - L2 checkout",
            "primary Mara Lind - 2026-11-22T18:00:00Z L1 checkout+search",
            "primary Lee Wu 2026-11-22T18:00:00Z 2026-11-23T08:00:00Z L1 checkout",
        ]
    );
    let asked = stand_in.asked().await;
    let now = asked.iter().find(|line| line.contains("/oncalls")).unwrap();
    assert!(now.contains("include[]=users&include[]=schedules&include[]=escalation_policies"));
    assert!(asked.iter().any(|line| line.contains("earliest=true")));
}

#[tokio::test]
async fn only_the_rota_of_what_is_watched_counts() {
    let stand_in = start().await;
    let facts = stand_in
        .source("services = [\"search\"]")
        .fetch(&ask())
        .await
        .unwrap();
    assert_eq!(
        told(&facts),
        ["primary Mara Lind - 2026-11-22T18:00:00Z L1 search"]
    );
    let asked = stand_in.asked().await;
    assert!(
        asked
            .iter()
            .any(|line| line.contains("escalation_policy_ids[]=PPOL002"))
    );
}

#[tokio::test]
async fn a_policy_that_comes_whole_names_its_services_itself() {
    let stand_in = start().await;
    let body = json!({"error": {"message": "Access Denied", "code": 2010}});
    {
        let mut world = stand_in.world();
        world.broken = vec![("/services", 403, body, vec![])];
        world.oncalls.truncate(1);
        world.oncalls[0]["escalation_policy"]["services"] =
            json!([{"id": "PSVC001", "type": "service_reference", "summary": "checkout"}, null]);
    }
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    assert_eq!(
        told(&facts),
        ["primary Mara Lind - 2026-11-22T18:00:00Z L1 checkout"]
    );
}

#[tokio::test]
async fn hundreds_of_services_are_listed_whole() {
    let stand_in = start().await;
    stand_in.world().services = (0..250)
        .map(|number| {
            service(
                &format!("PSVC{number:03}"),
                &format!("service-{number:03}"),
                "PPOL001",
            )
        })
        .collect();
    let facts = stand_in.source("").fetch(&ask()).await.unwrap();
    let rows = facts.on_call.unwrap();
    let kim = rows.iter().find(|row| row.level == Some(2)).unwrap();
    assert_eq!(kim.services.len(), 250);
}

#[tokio::test]
async fn a_past_moment_has_its_own_rota() {
    let stand_in = start().await;
    let facts = stand_in.source("services = [\"checkout\"]");
    let mut source = facts;
    let facts = source.fetch(&ask_at("2026-11-22T18:30:00Z")).await.unwrap();
    assert_eq!(
        told(&facts)[1],
        "primary Lee Wu - 2026-11-23T08:00:00Z L1 checkout"
    );
}

#[tokio::test]
async fn the_rota_is_asked_again_when_a_shift_has_ended() {
    let stand_in = start().await;
    let mut source = stand_in.source("");
    let at = |now: &str| Ask {
        now: now.parse().unwrap(),
        ..ask()
    };
    source.fetch(&at("2026-11-22T17:59:00Z")).await.unwrap();
    let rota = |lines: Vec<String>| {
        lines
            .iter()
            .filter(|line| line.contains("/oncalls"))
            .count()
    };
    let before = rota(stand_in.asked().await);
    source.fetch(&at("2026-11-22T17:59:30Z")).await.unwrap();
    assert_eq!(rota(stand_in.asked().await), before);
    stand_in.world().now = "2026-11-22T18:00:00Z";
    let facts = source.fetch(&at("2026-11-22T18:00:00Z")).await.unwrap();
    assert!(rota(stand_in.asked().await) > before);
    let has_it =
        |row: &OnCall| row.level == Some(1) && row.is_now("2026-11-22T18:00:00Z".parse().unwrap());
    let rows = facts.on_call.unwrap();
    assert!(
        rows.iter()
            .any(|row| has_it(row) && row.who.raw() == "Lee Wu")
    );
}

#[tokio::test]
async fn a_key_that_may_not_see_the_rota_still_shows_incidents() {
    let stand_in = start().await;
    let body = json!({"error": {"message": "Access Denied", "code": 2010}});
    stand_in.world().broken = vec![("/oncalls", 403, body, vec![])];
    let mut source = stand_in.source("");
    let facts = source.fetch(&ask()).await.unwrap();
    assert_eq!((facts.on_call.as_ref(), facts.fault.as_ref()), (None, None));
    let words = facts.warnings[0].raw();
    assert!(
        words.starts_with("who is on call: not allowed (403"),
        "{words}"
    );
    assert_eq!(facts.incidents, Some(vec![]));
    assert!(now() > jiff::Timestamp::UNIX_EPOCH);
}
