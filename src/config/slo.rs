//! `[[slo]]`: objectives written by hand, and those of [`files`](super::files), all by one check.

mod form;
mod parts;
mod query;
mod range;
mod rules;
mod unit;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::tz::TimeZone;

use self::parts::{Member, Mix};
use super::check::Context;
use super::{Sli, SloSettings, SourceSettings, Step};
use super::{read, wire};
use crate::domain::slo::{MIN_BAD_EVENTS, rounded};
use crate::domain::{Period, SourceName, Window};

/// How long a rolling period may be.
const PERIODS: RangeInclusive<Window> = Window::days(1)..=Window::days(366);
/// The shortest window of an SLO without rules.
const WITHOUT_RULES: Window = Window::minutes(5);

/// The way to one `[[slo]]`.
#[derive(Clone, Copy)]
struct Entry {
    index: usize,
}

/// The way to a setting of it.
struct Way(Vec<Step>);

impl Entry {
    fn at(self, keys: &[&str]) -> Way {
        let start = Way(vec![Step::Key("slo".to_owned()), Step::Index(self.index)]);
        keys.iter().fold(start, |way, key| way.key(key))
    }
}

impl Way {
    fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(key.to_owned()));
        self
    }

    fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }
}

/// What one table comes to.
enum Read {
    Simple(Box<SloSettings>),
    Mix(Box<Mix>),
}

impl Context<'_> {
    /// All SLOs. `sources` is `None` when they could not all be read: then nothing is said of them.
    pub(super) fn slos(
        &mut self,
        tables: Vec<(usize, toml::Table)>,
        sources: Option<&[SourceSettings]>,
        zone: &TimeZone,
    ) -> Vec<SloSettings> {
        let mut ids = BTreeMap::new();
        let mut members = BTreeMap::new();
        let mut read_ones = Vec::new();
        for (index, table) in tables {
            let path = [Step::Key("slo".to_owned()), Step::Index(index)];
            let wire = match read::section::<wire::Slo, _>(&path, table) {
                Ok(wire) => wire,
                Err(problem) => {
                    self.problems.push(problem);
                    continue;
                }
            };
            let entry = Entry { index };
            if let Some(first) = ids.insert((wire.service.clone(), wire.name.clone()), index) {
                let message = format!(
                    "{} has this service and name already: give every SLO of a service its own name",
                    self.slo_place(first)
                );
                self.refuse_at(entry.at(&["name"]), message);
            }
            let id = format!("{}/{}", wire.service, wire.name);
            let source =
                sources.and_then(|sources| self.slo_source(entry, wire.source.as_deref(), sources));
            let slo = self.slo(entry, wire, source, zone);
            let member = match &slo {
                Some(Read::Simple(settings)) => Member::Simple(settings.clone()),
                Some(Read::Mix(_)) => Member::Mix,
                None => Member::Wrong,
            };
            members.insert(id, member);
            read_ones.extend(slo);
        }
        let whole = read_ones.into_iter().filter_map(|slo| match slo {
            Read::Simple(settings) => Some(*settings),
            Read::Mix(mix) => self.mix(*mix, &members),
        });
        whole.collect()
    }

    /// Notes what is wrong with a setting of an SLO.
    fn refuse_at(&mut self, way: Way, message: impl Into<String>) {
        self.problems.push(super::Problem {
            path: way.0,
            message: message.into(),
        });
    }

    fn slo(
        &mut self,
        entry: Entry,
        mut wire: wire::Slo,
        source: Option<SourceName>,
        zone: &TimeZone,
    ) -> Option<Read> {
        let before = self.problems.len();
        for (key, name) in [("service", &wire.service), ("name", &wire.name)] {
            if name.trim().is_empty() || name.contains('/') {
                let message = "this may not be empty and may not hold a `/`: both make up the id, `service/name`";
                self.refuse_at(entry.at(&[key]), message);
            }
        }
        let objective = self.objective(entry, wire.objective.0);
        let period = self.period(entry, wire.period.as_deref().unwrap_or("30d"));
        let timezone = self.slo_zone(entry, wire.timezone.as_deref(), zone);
        let min_bad_events = self.floor(entry, wire.min_bad_events, wire.slice.is_some());
        let absent_is_zero = self.absent(entry, wire.absent.as_deref());
        self.split(entry, &wire);
        self.labels(entry, &wire);
        let form = self.form(entry, &wire);
        let rules = wire.rules.take();
        let rules = match (objective, period) {
            (Some(objective), Some(period)) => self.rules(entry, rules, objective, period),
            _ => Arc::default(),
        };
        let sli = match form {
            None | Some("parts") => None,
            Some(form) => self.sli(entry, form, &wire),
        };
        let shortest = rules.iter().map(|rule| rule.short).min();
        let sli = match sli {
            Some(sli) => self.sliced(entry, &wire, sli, shortest.unwrap_or(WITHOUT_RULES)),
            None => None,
        };
        if form == Some("parts") && (wire.slice.is_some() || wire.slice_target.is_some()) {
            let message = "the parts are sliced one by one: write `slice` there";
            self.refuse_at(entry.at(&["slice"]), message);
        }
        let settings = SloSettings {
            service: wire.service,
            name: wire.name,
            objective: objective?,
            period: period?,
            timezone: timezone?,
            source: source?,
            sli: sli.unwrap_or(Sli::Weighted(Vec::new())),
            rules,
            min_bad_events: min_bad_events?,
            absent_is_zero: absent_is_zero?,
            by: wire.by,
            labels: wire.labels,
            description: wire.description.unwrap_or_default().trim().to_owned(),
        };
        if self.problems.len() > before {
            return None;
        }
        Some(match wire.parts {
            Some(parts) => Read::Mix(Box::new(Mix {
                entry,
                parts,
                settings,
            })),
            None => Read::Simple(Box::new(settings)),
        })
    }

    /// Percent to a share of 1.
    fn objective(&mut self, entry: Entry, percent: f64) -> Option<f64> {
        let message = if !(percent > 0.0 && percent < 100.0) {
            "write a percentage above 0 and below 100: 99.9 promises that 99.9 % of events are good"
        } else if percent <= 1.0 {
            "this is a percentage: write 99.9, not 0.999"
        } else {
            return Some(rounded(percent / 100.0));
        };
        self.refuse_at(entry.at(&["objective"]), message);
        None
    }

    fn period(&mut self, entry: Entry, text: &str) -> Option<Period> {
        let message = match text.parse() {
            Ok(Period::Rolling(window)) if !PERIODS.contains(&window) => {
                "a rolling period is one day to one year long: write `30d`, for example"
            }
            Ok(period) => return Some(period),
            Err(_) => "write a duration such as `30d`, or `week`, `month`, `quarter` or `year`",
        };
        self.refuse_at(entry.at(&["period"]), message);
        None
    }

    fn slo_zone(
        &mut self,
        entry: Entry,
        name: Option<&str>,
        default: &TimeZone,
    ) -> Option<TimeZone> {
        let Some(name) = name else {
            return Some(default.clone());
        };
        let zone = read::time_zone(name);
        zone.map_err(|message| self.refuse_at(entry.at(&["timezone"]), message))
            .ok()
    }

    /// The bad events that a page waits for. Slices have no such floor unless it is written: each
    /// one stands for many events, and three wide ones would keep a page back for half an hour.
    fn floor(
        &mut self,
        entry: Entry,
        written: Option<wire::Number>,
        is_sliced: bool,
    ) -> Option<f64> {
        match written {
            None if is_sliced => Some(0.0),
            None => Some(MIN_BAD_EVENTS),
            Some(wire::Number(floor)) if floor >= 0.0 && floor.is_finite() => Some(floor),
            Some(_) => {
                let message = "write a number of events, 0 or more: fewer bad ones do not page, and 0 lets any number page";
                self.refuse_at(entry.at(&["min_bad_events"]), message);
                None
            }
        }
    }

    /// Whether missing series are said to be 0 events.
    fn absent(&mut self, entry: Entry, written: Option<&str>) -> Option<bool> {
        match written {
            None => Some(false),
            Some("zero") => Some(true),
            Some(_) => {
                let message = "write \"zero\", which says that a selector without series counted nothing, or leave it out";
                self.refuse_at(entry.at(&["absent"]), message);
                None
            }
        }
    }

    /// The source that measures an SLO: the one it names, or the only one that can.
    fn slo_source(
        &mut self,
        entry: Entry,
        name: Option<&str>,
        sources: &[SourceSettings],
    ) -> Option<SourceName> {
        let kinds = self.kinds.iter().filter(|kind| kind.measures);
        let kinds: Vec<_> = kinds.map(|kind| kind.name).collect();
        let able: Vec<_> = sources
            .iter()
            .filter(|source| kinds.contains(&source.kind.as_str()))
            .collect();
        let names: Vec<_> = able.iter().map(|source| source.name.as_str()).collect();
        let message = match name {
            None if able.len() == 1 => return Some(able[0].name.clone()),
            None if able.is_empty() => {
                let kinds = read::quoted(&kinds);
                format!("no source can measure this: add a [[source]] of kind {kinds}")
            }
            None => format!(
                "which source measures this? write `source = \"…\"`, one of {}",
                read::quoted(&names)
            ),
            Some(name) if names.contains(&name) => return Some(SourceName::new(name)),
            Some(name) => match sources.iter().find(|source| source.name.as_str() == name) {
                Some(source) => format!(
                    "`{name}` is of kind `{}`, which measures no SLO: name one of kind {}",
                    source.kind,
                    read::quoted(&kinds)
                ),
                None => read::unknown_word("source", name, &names),
            },
        };
        self.refuse_at(entry.at(&["source"]), message);
        None
    }
}
