//! Orders, commands and their ends as JSON. Foreign text goes in as it is shown.

use serde_json::{Value, json};

use crate::domain::clock::whole;
use crate::domain::errand::Ending;
use crate::domain::order::result_word;
use crate::domain::{Deed, Done, Errand, Fault, IncidentStatus, Order};
use crate::text::Untrusted;

/// What an order is: source, verb, target and request.
pub fn order(order: &Order) -> Value {
    let target = &order.target;
    json!({
        "source": order.source.as_str(),
        "verb": order.deed.verb().word(),
        "target": shown(&target.id),
        "name": shown(&target.name),
        "service": shown(&target.service),
        "seen": target.seen.map(IncidentStatus::word),
        "request": request(&order.deed),
    })
}

fn request(deed: &Deed) -> Value {
    match deed {
        Deed::Snooze { until } | Deed::Extend { until } => json!({"until": whole(*until)}),
        Deed::Note { text } => json!({"text": safe(text)}),
        Deed::Silence {
            matchers,
            until,
            comment,
        } => {
            let matchers: Vec<String> = matchers.iter().map(|one| safe(&one.to_string())).collect();
            json!({"matchers": matchers, "until": whole(*until), "comment": safe(comment)})
        }
        Deed::Acknowledge
        | Deed::Unacknowledge
        | Deed::Resolve
        | Deed::Unsnooze
        | Deed::Escalate
        | Deed::Expire => json!({}),
    }
}

pub(super) fn errand(errand: &Errand) -> Value {
    let argv: Vec<String> = errand.argv.iter().map(|one| safe(one)).collect();
    json!({
        "verb": "run",
        "target": shown(&errand.target),
        "name": safe(&errand.label),
        "request": {"argv": argv, "timeout_s": errand.timeout.as_secs()},
    })
}

pub(super) fn outcome(outcome: &Result<Done, Fault>) -> Value {
    let mut line = json!({"result": result_word(outcome)});
    match outcome {
        Ok(done) => {
            line["said"] = json!(shown(&done.said));
            line["undo"] = json!(done.undo.as_deref().map(order));
        }
        Err(fault) => line["said"] = json!(shown(&fault.message)),
    }
    line
}

pub(super) fn ending(ending: &Ending) -> Value {
    let mut line = json!({"result": ending.word()});
    match ending {
        Ending::Exited(status) => line["exit"] = json!(status),
        Ending::Signalled(signal) => line["signal"] = json!(signal),
        Ending::TimedOut => line["said"] = json!("it took too long and was ended"),
        Ending::NotStarted(why) => line["said"] = json!(shown(why)),
    }
    line
}

fn shown(text: &Untrusted) -> String {
    text.shown_whole().as_str().to_owned()
}

fn safe(text: &str) -> String {
    shown(&text.into())
}
