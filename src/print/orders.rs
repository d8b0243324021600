//! Orders from the shell as text and JSON: what would be done, or what became of it.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::domain::{Deed, Matcher, Order};
use crate::text::{Shown, Untrusted};

/// Orders and how they ended.
pub struct Orders<'a> {
    /// In turn.
    pub given: &'a [Given],
    /// True when nothing was to be changed.
    pub is_dry: bool,
    /// The zone that times are shown in, beside UTC.
    pub zone: &'a TimeZone,
    /// The options that name configuration and sources, each with a blank before it.
    pub again: &'a str,
}

/// One order, and what became of it.
pub struct Given {
    /// The order.
    pub order: Order,
    /// The same, as the audit log has it.
    pub json: Value,
    /// What it would do.
    pub lines: Vec<Untrusted>,
    /// What became of it.
    pub ending: Ending,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// It was looked at alone.
    Previewed,
    /// It was carried out.
    Done {
        /// One sentence.
        said: Untrusted,
        /// The order that takes it back, as the audit log has it.
        undo: Option<Value>,
    },
    /// It was not, or that is not known.
    Failed {
        /// `moved`, `refused` or `unsure`.
        word: &'static str,
        /// Why.
        said: Untrusted,
    },
}

impl Ending {
    /// True unless all is as it should be.
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

impl Orders<'_> {
    /// For people.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn text(&self, out: &mut impl Write) -> io::Result<()> {
        for given in self.given {
            let order = &given.order;
            let would = if self.is_dry { "would " } else { "" };
            let what = self.described(order);
            writeln!(out, "{}: {would}{what}", order.source)?;
            for line in &given.lines {
                writeln!(out, "    {}", line.shown())?;
            }
            match &given.ending {
                Ending::Previewed => {}
                Ending::Done { said, undo } => {
                    writeln!(out, "  done: {}", said.shown())?;
                    if let Some(id) = undo.as_ref().and_then(silence_to_end) {
                        let again = Shown::new(self.again);
                        writeln!(out, "  undo: watchfire silence --expire {id} --yes{again}")?;
                    }
                }
                Ending::Failed { word, said } => writeln!(out, "  {word}: {}", said.shown())?,
            }
        }
        Ok(())
    }

    /// For programs; the fields stay as they are.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn json(&self, out: &mut impl Write, now: Timestamp) -> io::Result<()> {
        let orders: Vec<Value> = self.given.iter().map(Given::json).collect();
        super::json(
            out,
            &json!({
                "schema": "watchfire/orders/v1",
                "generated_at": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "dry_run": self.is_dry,
                "orders": orders,
            }),
        )
    }

    fn described(&self, order: &Order) -> String {
        let verb = order.deed.verb().word();
        let name = order.target.name.shown();
        let id = order.target.id.shown();
        match &order.deed {
            Deed::Silence {
                matchers,
                until,
                comment,
            } => {
                let each: Vec<String> = matchers.iter().map(shown).collect();
                let why = match comment.trim() {
                    "" => String::new(),
                    comment => format!(": {}", Shown::new(comment)),
                };
                format!("{verb} {} until {}{why}", each.join(" "), self.end(*until))
            }
            Deed::Extend { until } | Deed::Snooze { until } => {
                format!("{verb} {id} ({name}) until {}", self.end(*until))
            }
            _ => format!("{verb} {id} ({name})"),
        }
    }

    /// A moment in the zone and in UTC.
    fn end(&self, moment: Timestamp) -> String {
        let local = moment.to_zoned(self.zone.clone());
        let there = local.strftime("%a %Y-%m-%d %H:%M %Z");
        if *self.zone == TimeZone::UTC {
            return there.to_string();
        }
        format!("{there} ({})", moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl Given {
    fn json(&self) -> Value {
        let lines: Vec<Shown> = self.lines.iter().map(Untrusted::shown).collect();
        let lines: Vec<&str> = lines.iter().map(Shown::as_str).collect();
        let (result, said, undo) = match &self.ending {
            Ending::Previewed => ("previewed", None, None),
            Ending::Done { said, undo } => ("done", Some(said), undo.clone()),
            Ending::Failed { word, said } => (*word, Some(said), None),
        };
        let mut json = self.json.clone();
        json["preview"] = json!(lines);
        json["result"] = json!(result);
        json["said"] = json!(said.map(|said| said.shown().as_str().to_owned()));
        json["undo"] = json!(undo);
        json
    }
}

/// The silence that an order would end.
fn silence_to_end(undo: &Value) -> Option<Shown> {
    (undo["verb"] == "expire").then(|| Shown::new(undo["target"].as_str().unwrap_or_default()))
}

fn shown(matcher: &Matcher) -> String {
    Untrusted::from(matcher.to_string()).shown().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{SourceName, Target};

    fn given(ending: Ending) -> Given {
        Given {
            order: Order {
                source: SourceName::new("am"),
                target: Target {
                    id: "".into(),
                    name: "checkout".into(),
                    service: "checkout".into(),
                    seen: None,
                },
                deed: Deed::Silence {
                    matchers: vec![Matcher::equal("service", "check\u{1b}[2Jout")],
                    until: "2026-11-23T17:00:00Z".parse().unwrap(),
                    comment: "rollback".to_owned(),
                },
            },
            json: json!({"verb": "silence"}),
            lines: vec!["1 alert would be hidden".into(), "Burn{}\u{202e}".into()],
            ending,
        }
    }

    #[test]
    fn what_would_be_done_is_not_written_as_done_and_steers_no_terminal() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let text = |ending: Ending, is_dry: bool| {
            let given = [given(ending)];
            let orders = Orders {
                given: &given,
                is_dry,
                zone: &zone,
                again: " --config 'on call.toml'",
            };
            let mut out = Vec::new();
            orders.text(&mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let dry = text(Ending::Previewed, true);
        assert_eq!(
            dry,
            "am: would silence service=\"check⟦esc⟧out\" until Mon 2026-11-23 18:00 CET \
             (2026-11-23T17:00:00Z): rollback\n    1 alert would be hidden\n    Burn{}‹U+202E›\n"
        );
        let undo = Some(json!({"verb": "expire", "target": "s1"}));
        let said = "silence s1".into();
        let done = text(Ending::Done { said, undo }, false);
        assert!(done.starts_with("am: silence service="), "{done}");
        let end = "  done: silence s1\n  undo: watchfire silence --expire s1 --yes \
                   --config 'on call.toml'\n";
        assert!(done.ends_with(end), "{done}");
        let said = "it is over".into();
        let moved = text(
            Ending::Failed {
                word: "moved",
                said,
            },
            false,
        );
        assert!(moved.ends_with("  moved: it is over\n"), "{moved}");
    }
}
