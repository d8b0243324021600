//! Acting: nothing without a preview, nothing on another row, nothing twice.

use jiff::SignedDuration;
use proptest::prelude::*;
use watchfire::app::key::{Code, Key};
use watchfire::app::screen::Gutter;
use watchfire::app::{Effect, Msg};
use watchfire::domain::errand::Ending;
use watchfire::domain::{
    Deed, Done, Errand, Facts, Fault, FaultKind, Incident, IncidentStatus, Matcher, Member, Order,
    Preview, Previewed, Ran, Report, Severity, Verb,
};

use super::duty::{night, orders, paged, pager, taken};
use super::facts::{INCIDENTS, answer};
use super::stage::{Stage, now};
use super::worlds;
use crate::at_every_size;

fn stage(width: u16, height: u16) -> Stage {
    Stage::new(night(), width, height).acting(&[])
}

/// The incident pane with the selection on this row.
fn on(title: &str) -> Stage {
    stage(120, 40).on(title)
}

impl Stage {
    fn on(self, title: &str) -> Self {
        self.keys("3 /").types(title).keys("enter")
    }
}

/// The last line, where short messages are.
fn told(stage: &Stage) -> String {
    let text = stage.text();
    text.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn pasted_text_is_typed_where_text_is_asked_for_and_acts_nowhere() {
    let text = "svc:checkout\r\nq\u{3}\u{1b}[A";
    let paste = |stage: &mut Stage| stage.tell(Msg::Paste(text.to_owned()));
    let mut filtering = stage(120, 40).keys("3 /");
    paste(&mut filtering);
    assert!(
        told(&filtering).contains("svc:checkout  q[A"),
        "{}",
        filtering.text()
    );
    let mut palette = stage(120, 40).keys(":");
    paste(&mut palette);
    assert!(
        palette.text().contains("svc:checkout  q[A"),
        "{}",
        palette.text()
    );
    let mut asked = on("checkout").keys("n");
    paste(&mut asked);
    assert!(
        asked.text().contains("svc:checkout  q[A"),
        "{}",
        asked.text()
    );
    for keys in ["3", "?", "3 enter"] {
        let mut elsewhere = stage(120, 40).keys(keys);
        let before = elsewhere.text();
        let effects = elsewhere.effects.len();
        paste(&mut elsewhere);
        assert_eq!(elsewhere.text(), before, "{keys}");
        assert_eq!(elsewhere.effects.len(), effects, "{keys}");
    }
}

fn done(said: &str) -> impl Fn(&Order) -> Result<Done, Fault> {
    let said = said.to_owned();
    move |_| {
        Ok(Done {
            said: said.as_str().into(),
            undo: None,
        })
    }
}

#[test]
fn acknowledging_asks_the_source_shows_what_will_happen_and_sends_it_once() {
    let asked = on("checkout").keys("a");
    let (previews, sent) = orders(&asked.effects);
    assert_eq!((previews.len(), sent.len()), (1, 0));
    let order = &previews[0];
    assert_eq!(order.target.id.raw(), "PD1");
    assert_eq!(order.target.seen, Some(IncidentStatus::Triggered));
    // Before the source has said anything, nothing can be agreed to.
    let early = on("checkout").keys("a enter y enter");
    assert!(orders(&early.effects).1.is_empty());
    let shown = asked.allowed();
    let text = shown.text();
    for words in [
        "acknowledge?",
        "PD1",
        "checkout burns",
        "triggered",
        "PD1 is as it was",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let sent = shown.keys("enter enter y enter");
    assert_eq!(sent.effects, [Effect::Act(Box::new(order.clone()))]);
    let ended = sent.carried_out(&done("PD1 acknowledged"));
    assert!(
        told(&ended).contains("PD1 acknowledged"),
        "{}",
        ended.text()
    );
    assert_eq!(ended.effects, [Effect::Poll(Some(order.source.clone()))]);
}

#[test]
fn a_preview_says_what_it_is_about_at_every_size() {
    at_every_size("act_preview", |width, height| {
        stage(width, height).on("checkout").keys("a").allowed()
    });
}

#[test]
fn a_prompt_shows_the_end_in_both_zones_at_every_size() {
    at_every_size("act_prompt", |width, height| {
        Stage::in_zone(night(), width, height, "Europe/Berlin")
            .acting(&[])
            .on("QueueGrows")
            .keys("s")
            .types("until 16:30")
            .keys("tab")
            .types("the queue is drained by hand")
    });
}

#[test]
fn marks_and_the_results_of_each_at_every_size() {
    at_every_size("act_marks", |width, height| {
        stage(width, height).keys("3 space j space j j space")
    });
    let broken = |order: &Order| match order.target.id.raw() {
        "PD3" => Err(Fault::new(
            FaultKind::Server,
            "answered 503. Try again later",
        )),
        _ => Ok(Done::default()),
    };
    at_every_size("act_results", |width, height| {
        stage(width, height)
            .keys("3 space j space j space j space a")
            .allowed()
            .keys("enter")
            .carried_out(&broken)
    });
}

#[test]
fn the_palette_finds_what_can_be_done_at_every_size() {
    at_every_size("act_palette", |width, height| {
        stage(width, height).on("checkout").keys(":").types("es")
    });
}

#[test]
fn a_moved_row_is_refused_with_the_difference() {
    let moved = on("checkout").keys("a").previews(&|_| {
        Err(Fault::new(
            FaultKind::Moved,
            "it is resolved since 14:02, was triggered",
        ))
    });
    let moved = moved.later(1).keys("enter y");
    assert!(moved.text().contains("resolved since 14:02, was triggered"));
    assert!(orders(&moved.effects).1.is_empty());
}

#[test]
fn a_row_that_changes_under_an_open_preview_is_said_and_not_sent() {
    let changed = on("checkout").keys("a").allowed().report(taken()).later(1);
    assert!(
        changed
            .text()
            .contains("it is acknowledged now, was triggered"),
        "{}",
        changed.text()
    );
    let tried = changed.keys("enter y enter");
    assert!(orders(&tried.effects).1.is_empty());
    // A row that is gone is none to act on either.
    let gone = on("checkout").keys("a").allowed();
    let gone = gone.report(pager(paged().split_off(1))).later(1);
    assert!(gone.text().contains("pd reports it no more"));
    assert!(orders(&gone.keys("enter y").effects).1.is_empty());
    // A poll that changes nothing does not get in the way.
    let same = on("checkout").keys("a").allowed().report(pager(paged()));
    assert_eq!(orders(&same.keys("enter").effects).1.len(), 1);
}

#[test]
fn of_many_rows_one_that_changed_holds_the_others_up_once() {
    let marked = stage(120, 40).keys("3 space j space a").allowed();
    let changed = marked.report(taken()).later(1);
    let first = changed.keys("enter");
    assert!(orders(&first.effects).1.is_empty());
    assert!(told(&first).contains("something has changed"));
    let ids: Vec<_> = orders(&first.keys("enter").effects)
        .1
        .iter()
        .map(|order| order.target.id.raw().to_owned())
        .collect();
    assert_eq!(ids, ["PD3"]);
}

#[test]
fn the_order_is_that_of_the_key_press_whatever_is_on_top_afterwards() {
    // Ranks change between the key and its preview: the order stays with its row.
    let mut rows = paged();
    rows.insert(
        0,
        watchfire::domain::Incident {
            opened_at: Some(now()),
            ..rows[0].clone()
        },
    );
    rows[0].id = "PD9".into();
    let asked = stage(120, 40).keys("3 a").report(pager(rows));
    let (asked_about, _) = orders(&asked.effects);
    let sent = asked.allowed().keys("enter");
    assert_eq!(orders(&sent.effects).1, asked_about);
}

#[test]
fn a_second_press_of_the_key_before_is_no_agreement() {
    let asked = on("QueueGrows").keys("s b enter");
    let quick = asked.previews(&|_| Ok(Preview::default())).keys("enter");
    assert!(orders(&quick.effects).1.is_empty());
    assert_eq!(orders(&quick.later(1).keys("enter").effects).1.len(), 1);
}

#[test]
fn a_silence_takes_one_key_for_its_end_and_has_the_words_that_were_typed() {
    let end = |minutes| now() + SignedDuration::from_mins(minutes);
    for (keys, typed, minutes) in [
        ("s a enter", "", 15),
        ("s b enter", "", 60),
        ("s down down down enter", "", 240),
        ("s", "45m", 45),
        ("s", "until 15:02", 60),
    ] {
        let asked = on("QueueGrows").keys(keys).types(typed).keys("enter");
        let (asked, _) = orders(&asked.effects);
        let Deed::Silence {
            until, matchers, ..
        } = &asked[0].deed
        else {
            panic!("{:?}", asked[0]);
        };
        let rounded = until.round(jiff::Unit::Minute).expect("a minute");
        let wanted = end(minutes).round(jiff::Unit::Minute).expect("a minute");
        let apart = rounded.duration_since(wanted).abs();
        assert!(
            apart <= SignedDuration::from_mins(1),
            "{keys} {typed}: {until}"
        );
        assert_eq!(matchers[0].to_string(), "alertname=\"QueueGrows\"");
    }
    let asked = on("QueueGrows")
        .keys("s b tab")
        .types("by hand")
        .keys("enter");
    let (asked, _) = orders(&asked.effects);
    assert!(matches!(&asked[0].deed, Deed::Silence { comment, .. } if comment == "by hand"));
}

/// An incident of three alerts at the Alertmanager.
fn group() -> Report {
    let member = |instance: &str| Member {
        labels: format!("instance=\"{instance}\"").into(),
        status: IncidentStatus::Triggered,
        opened_at: Some(now() - SignedDuration::from_mins(7)),
        matchers: vec![
            Matcher::equal("alertname", "HostDown"),
            Matcher::equal("instance", instance),
        ],
        own: vec![("instance".into(), instance.into())],
        url: None,
    };
    let incident = Incident {
        alerts: 3,
        members: ["a", "b", "c"].map(member).into(),
        matchers: vec![Matcher::equal("alertname", "HostDown")],
        opened_at: Some(now() - SignedDuration::from_mins(7)),
        ..Incident::new(
            "HostDown{}",
            "HostDown",
            Severity::Ticket,
            IncidentStatus::Triggered,
        )
    };
    let facts = Facts {
        incidents: Some(vec![incident]),
        ..Facts::default()
    };
    answer("am", 0, facts)
}

#[test]
fn the_alerts_of_an_incident_are_listed_and_one_of_them_can_be_silenced_alone() {
    let stage = stage(120, 40).report(group()).on("HostDown");
    let opened = stage.clone().keys("enter").text();
    for words in ["alerts one by one", "instance=\"a\"", "instance=\"c\""] {
        assert!(opened.contains(words), "{words} in {opened}");
    }
    for (keys, shown, matchers) in [
        ("s b enter", "all 3 alerts", &["alertname=\"HostDown\""][..]),
        (
            "s b tab tab enter",
            "all 3 alerts",
            &["alertname=\"HostDown\""],
        ),
        (
            "s b tab tab down down enter",
            "2 of 3: instance=\"b\"",
            &["alertname=\"HostDown\"", "instance=\"b\""],
        ),
        (
            "s b shift-tab up enter",
            "3 of 3: instance=\"c\"",
            &["alertname=\"HostDown\"", "instance=\"c\""],
        ),
        (
            "s b tab tab down down down down enter",
            "all 3 alerts",
            &["alertname=\"HostDown\""],
        ),
    ] {
        let prompt = stage.clone().keys(keys.trim_end_matches(" enter"));
        assert!(prompt.text().contains(shown), "{keys}: {}", prompt.text());
        let (asked, _) = orders(&stage.clone().keys(keys).effects);
        let Deed::Silence { matchers: of, .. } = &asked[0].deed else {
            panic!("{:?}", asked[0]);
        };
        let of: Vec<_> = of.iter().map(ToString::to_string).collect();
        assert_eq!(of, matchers, "{keys}");
        assert_eq!(asked[0].target.id.raw(), "HostDown{}");
    }
}

#[test]
fn a_prompt_goes_nowhere_without_what_it_needs() {
    let nothing = on("QueueGrows").keys("s enter");
    assert!(nothing.text().contains("say until when"));
    let wrong = on("QueueGrows").keys("s").types("99:99").keys("enter");
    assert!(wrong.effects.is_empty());
    let reasonless = Stage::new(night(), 120, 40).wants_reasons();
    let reasonless = reasonless.on("QueueGrows").keys("s b enter");
    assert!(reasonless.text().contains("a reason is required"));
    assert!(reasonless.effects.is_empty());
    let given = reasonless.types("by hand").keys("enter");
    assert_eq!(orders(&given.effects).0.len(), 1);
    let note = on("checkout").keys("n enter");
    assert!(note.effects.is_empty() && note.text().contains("write something"));
}

#[test]
fn escape_leaves_everything_without_doing_anything() {
    for keys in [
        "a esc",
        "s esc",
        "s b esc",
        "s b tab x esc",
        "n h i esc",
        ": esc",
        ": a c k esc",
    ] {
        let left = on("checkout").keys(keys);
        assert!(left.screen().overlay.is_none(), "{keys}");
        assert!(orders(&left.effects).1.is_empty(), "{keys}");
    }
    let left = on("checkout").keys("a").allowed().keys("esc enter y a esc");
    assert!(orders(&left.effects).1.is_empty());
}

#[test]
fn what_a_source_does_not_offer_is_said_in_one_sentence() {
    for (row, keys, words) in [
        (
            "QueueGrows",
            "a",
            "am has nothing that can be acknowledged; s silences it",
        ),
        ("QueueGrows", "n", "am has nothing that can be noted on"),
    ] {
        let stage = on(row).keys(keys);
        assert!(told(&stage).contains(words), "{}", told(&stage));
        assert!(stage.effects.is_empty());
    }
    let elsewhere = stage(120, 40).keys("1 a");
    assert!(told(&elsewhere).contains("only incidents can be acknowledged"));
}

#[test]
fn a_silenced_row_is_extended_or_ended_and_never_silenced_twice() {
    let shown = on("DiskFills").keys("s");
    assert!(shown.text().contains("x end it now"), "{}", shown.text());
    let (asked, _) = orders(&shown.keys("b enter").effects);
    assert!(matches!(asked[0].deed, Deed::Extend { .. }));
    assert_eq!(asked[0].target.id.raw(), "s-long");
    let (asked, _) = orders(&on("DiskFills").keys("s x").effects);
    assert_eq!(asked[0].deed, Deed::Expire);
    let expired = on("DiskFills").keys(":").types("unsilence").keys("enter");
    assert_eq!(orders(&expired.effects).0[0].deed, Deed::Expire);
}

#[test]
fn marks_stay_with_their_rows_when_ranks_change() {
    let marked = |stage: &Stage| -> Vec<String> {
        let rows = &stage.screen().tables[2].rows;
        let rows = rows.iter().enumerate();
        let marked = rows.filter(|(_, row)| matches!(row.gutter, Gutter::Marked(_)));
        let lines: Vec<_> = stage.text().lines().map(str::to_owned).collect();
        let _ = lines;
        marked.map(|(place, _)| place.to_string()).collect()
    };
    let before = stage(120, 40).on("checkout").keys("space");
    assert_eq!(marked(&before), ["0"]);
    assert!(before.text().contains("1 marked"));
    let after = before.keys("esc").report(taken());
    assert_eq!(marked(&after), ["1"]);
    let (asked, _) = orders(&after.keys("j j a").effects);
    let ids: Vec<_> = asked.iter().map(|order| order.target.id.raw()).collect();
    assert_eq!(ids, ["PD1"]);
}

#[test]
fn marks_go_with_their_row_and_all_at_once() {
    let gone = stage(120, 40).keys("3 space").report(pager(Vec::new()));
    assert!(!gone.text().contains("marked"));
    let cleared = stage(120, 40).keys("3 space j space ctrl-\\");
    assert!(told(&cleared).contains("2 marks cleared"));
    assert!(!cleared.text().contains("2 marked"));
}

#[test]
fn only_what_failed_is_tried_again_and_never_what_may_have_been_done() {
    let kinds = |order: &Order| match order.target.id.raw() {
        "PD1" => Ok(Done::default()),
        "PD2" => Err(Fault::new(FaultKind::Unsure, "no answer within 10s")),
        _ => Err(Fault::new(FaultKind::Server, "answered 503")),
    };
    let results = stage(120, 40)
        .keys("3 / p a g e r enter")
        .keys("esc")
        .keys("/")
        .types("src:pd")
        .keys("enter space j space j space a")
        .allowed()
        .keys("enter")
        .carried_out(&kinds);
    let text = results.text();
    assert!(
        text.contains("perhaps done, look before you try again"),
        "{text}"
    );
    assert!(text.contains("not done: answered 503"), "{text}");
    let again = results.keys("r");
    let (asked, sent) = orders(&again.effects);
    let ids: Vec<_> = asked.iter().map(|order| order.target.id.raw()).collect();
    assert_eq!((ids, sent.len()), (vec!["PD3"], 0));
}

#[test]
fn what_was_done_can_be_taken_back_for_ten_seconds() {
    let undoable = |order: &Order| {
        let undo = Order {
            deed: Deed::Unacknowledge,
            ..order.clone()
        };
        Ok(Done {
            said: "PD1 acknowledged".into(),
            undo: Some(Box::new(undo)),
        })
    };
    let acted = || {
        let sent = on("checkout").keys("a").allowed().keys("enter");
        sent.carried_out(&undoable)
    };
    assert!(told(&acted()).contains("U undoes"));
    let (asked, sent) = orders(&acted().keys("U").effects);
    assert_eq!((asked[0].deed.verb(), sent.len()), (Verb::Unacknowledge, 0));
    let undone = acted().keys("U").allowed().keys("enter");
    assert_eq!(orders(&undone.effects).1.len(), 1);
    // In a list of results as well.
    let listed = stage(120, 40).keys("3 space j space a").allowed();
    let listed = listed.keys("enter").carried_out(&undoable).keys("U");
    assert_eq!(orders(&listed.effects).0.len(), 2);
    let waiting = acted().later(5);
    assert!(told(&waiting).contains("undo 5s") || told(&waiting).contains("undo 6s"));
    let late = acted().later(10).keys("U");
    assert!(orders(&late.effects).0.is_empty());
    assert!(told(&late).contains("nothing to undo"));
}

#[test]
fn a_result_is_told_when_nobody_looks_at_it_any_more() {
    let left = on("checkout").keys("a").allowed().keys("enter esc j");
    let refused = left.carried_out(&|_| Err(Fault::new(FaultKind::Forbidden, "may not do this")));
    assert!(
        told(&refused).contains("may not do this"),
        "{}",
        told(&refused)
    );
    let again = refused.keys(":").types("results").keys("enter");
    assert!(again.text().contains("not done: may not do this"));
}

#[test]
fn nothing_is_said_to_be_still_so_of_another_order() {
    let asked = on("checkout").keys("a");
    let mut order = orders(&asked.effects).0[0].clone();
    order.target.id = "PD7".into();
    let mut stage = asked;
    stage.tell(Msg::Previewed(Box::new(Previewed {
        order,
        outcome: Ok(Preview::default()),
    })));
    let tried = stage.later(1).keys("enter y");
    assert!(orders(&tried.effects).1.is_empty());
}

#[test]
fn a_screen_too_small_for_a_preview_agrees_to_nothing() {
    let mut small = on("checkout").keys("a").allowed();
    small.tell(Msg::Resize(watchfire::app::Size {
        width: 25,
        height: 5,
    }));
    assert!(orders(&small.keys("enter y").effects).1.is_empty());
}

#[test]
fn seven_bits_and_no_colour_say_what_would_be_done() {
    let ascii = Stage {
        is_ascii: true,
        ..stage(80, 24)
    };
    let shown = ascii.keys("3 space j space a").allowed();
    insta::assert_snapshot!("act_ascii", shown.picture());
    for symbol in shown.draw_at(80, 24).content() {
        assert!(symbol.symbol().is_ascii(), "{:?}", symbol.symbol());
    }
}

#[test]
fn hostile_text_steers_no_prompt_and_no_result() {
    for text in worlds::hostile() {
        let keys = ["3 space a", "3 s", "3 :", "3 n x"];
        for keys in keys {
            let stage = Stage::new(worlds::saying(&text), 80, 24).acting(&[]);
            let stage = stage.keys(keys).previews(&|_| {
                Ok(Preview {
                    lines: vec![text.as_str().into()],
                })
            });
            for cell in stage.draw_at(80, 24).content() {
                let symbol = cell.symbol();
                assert!(symbol.len() <= 32 && !symbol.chars().any(char::is_control));
            }
        }
    }
}

/// Any key that a terminal can send, those that act more often.
fn any_key() -> impl Strategy<Value = Key> {
    let letters = prop::sample::select("asnxyrUjkgG123u:/ p dbcet1h".chars().collect::<Vec<_>>());
    let named = prop::sample::select(vec![
        Code::Enter,
        Code::Enter,
        Code::Enter,
        Code::Esc,
        Code::Tab,
        Code::Up,
        Code::Down,
        Code::Backspace,
        Code::PageDown,
        Code::Left,
    ]);
    prop_oneof![
        4 => letters.prop_map(|letter| Key::plain(Code::Char(letter))),
        3 => named.prop_map(Key::plain),
        1 => any::<char>().prop_filter("no control", |c| !c.is_control())
            .prop_map(|letter| Key::plain(Code::Char(letter))),
        1 => prop::char::range('a', 'z').prop_filter("stays", |c| *c != 'c').prop_map(Key::ctrl),
    ]
}

fn command() -> watchfire::config::UserCommand {
    watchfire::config::UserCommand {
        terminal: false,
        key: Some("X".to_owned()),
        label: "echo".to_owned(),
        scope: watchfire::config::CommandScope::Incident,
        command: vec!["echo".to_owned(), "{id}".to_owned()],
        confirm: true,
        timeout: SignedDuration::from_secs(5),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn ten_thousand_keys_change_nothing_while_acting_is_off(
        keys in prop::collection::vec(any_key(), 1_000)
    ) {
        let mut stage = Stage::new(night(), 80, 24);
        prop_assert_eq!(INCIDENTS.acts.len(), 0);
        for key in keys {
            stage.tell(Msg::Key(key));
            stage.now += SignedDuration::from_millis(70);
        }
        let acts = |effect: &&Effect| {
            matches!(effect, Effect::Preview(_) | Effect::Act(_) | Effect::Run(_))
        };
        prop_assert_eq!(stage.effects.iter().find(acts), None);
    }

    #[test]
    fn nothing_is_sent_but_what_was_shown_and_agreed_to(
        steps in prop::collection::vec((any_key(), 0_u8..12), 1_000)
    ) {
        let mut stage = Stage::commanding(night(), 80, 24, &[command()]);
        let mut allowed: Vec<Order> = Vec::new();
        let mut waiting: Vec<Order> = Vec::new();
        for (key, chance) in steps {
            let agrees = matches!(key.code, Code::Enter | Code::Char('y'));
            let before = stage.screen().overlay;
            stage.effects.clear();
            stage.tell(Msg::Key(key));
            stage.now += SignedDuration::from_millis(70);
            for effect in std::mem::take(&mut stage.effects) {
                match effect {
                    Effect::Preview(order) => waiting.push(*order),
                    Effect::Act(order) => {
                        prop_assert!(agrees, "{:?} sent {:?}", key, order);
                        prop_assert!(before.is_some(), "nothing was shown");
                        prop_assert!(allowed.contains(&order), "{:?} was not shown", order);
                        allowed.retain(|known| *known != *order);
                        if chance < 8 {
                            let outcome = if chance < 4 {
                                Ok(Done { said: "ok".into(), undo: Some(order.clone()) })
                            } else {
                                Err(Fault::new(FaultKind::Server, "503"))
                            };
                            let acted = watchfire::domain::order::Acted {
                                order: *order,
                                at: stage.now,
                                outcome,
                            };
                            stage.tell(Msg::Acted(Box::new(acted)));
                        }
                    }
                    Effect::Run(errand) => {
                        prop_assert!(agrees && before.is_some(), "{:?}", key);
                        let ran = Ran {
                            errand: (*errand).clone(),
                            ending: Ending::Exited(0),
                            output: "done".into(),
                        };
                        stage.tell(Msg::Ran(Box::new(ran)));
                        let _: &Errand = &errand;
                    }
                    _ => {}
                }
            }
            if chance % 3 == 0 {
                for order in waiting.drain(..) {
                    let outcome = if chance == 9 {
                        Err(Fault::new(FaultKind::Moved, "it moved"))
                    } else {
                        allowed.push(order.clone());
                        Ok(Preview::default())
                    };
                    stage.tell(Msg::Previewed(Box::new(Previewed { order, outcome })));
                }
            }
        }
    }
}
