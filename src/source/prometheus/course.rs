//! The past of SLOs that burn, closely: bad and all events by the minute, for what looks for the
//! beginning of a burn.
//!
//! A window of two minutes holds two samples of what is scraped each minute, and moves by one. What
//! rules recorded is asked of the counters behind the rule, where the rule is known; else the
//! shortest recorded ratio is read, whose own window smears what it tells.
//!
//! The past does not change: of a course that is known only the end is asked for, and the whole of it
//! now and then, since what came late may have come later still.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use self::read::measure;
use super::api::{Api, Range};
use super::plan::{Formula, Plan, Span, Trend};
use super::planner::Planner;
use super::promql;
use crate::domain::slo::{Course, Slice};
use crate::domain::{Fault, Window, window};
use crate::source::Ask;
use crate::text::Untrusted;

mod head;
mod read;

pub(super) use self::head::Young;

/// How one course is asked for.
struct Scale {
    /// How far back.
    reach: SignedDuration,
    step: SignedDuration,
    /// How far each step looks back; the second where the first finds next to nothing.
    widths: &'static [Window],
    /// How often.
    cadence: SignedDuration,
}

/// Six hours by the minute, thirty by five, three days by ten.
const SCALES: [Scale; 3] = [
    Scale {
        reach: SignedDuration::from_hours(6),
        step: SignedDuration::from_mins(1),
        widths: &[Window::minutes(2), Window::minutes(5)],
        // Nothing is asked before a further step is over.
        cadence: SignedDuration::from_secs(5),
    },
    Scale {
        reach: SignedDuration::from_hours(30),
        step: SignedDuration::from_mins(5),
        widths: &[Window::minutes(5)],
        cadence: SignedDuration::from_mins(5),
    },
    Scale {
        reach: SignedDuration::from_hours(72),
        step: SignedDuration::from_mins(10),
        widths: &[Window::minutes(10)],
        cadence: SignedDuration::from_mins(10),
    },
];

/// The most SLOs that are looked at so closely.
pub(super) const MOST: usize = 40;
/// Expressions joined in a query: a range costs hundreds of times what an instant does.
const EXPRESSIONS: usize = 8;

/// How often the whole of a course is asked for again.
const RENEWAL: SignedDuration = SignedDuration::from_mins(10);
/// Steps that are asked for again with those that came since: a scrape may have been late for them.
const AGAIN: i32 = 3;

/// The courses of what burns, kept between polls.
#[derive(Default)]
pub(super) struct Closely {
    kept: HashMap<Untrusted, Kept>,
}

struct Kept {
    scales: [Option<Known>; SCALES.len()],
    /// What came since the newest step of the finest.
    head: Option<Slice>,
    all: Arc<[Course]>,
}

/// A course, and how it was asked for.
struct Known {
    asked: Timestamp,
    /// When the whole of it was asked for.
    renewed: Timestamp,
    /// Its newest step.
    end: Timestamp,
    /// Over which of the widths of its scale.
    width: Window,
    formula: Formula,
    course: Course,
}

impl Known {
    /// What has to be asked so that it reaches up to the present; `None` when that is nothing.
    fn rest(&self, present: Timestamp, scale: &Scale) -> Option<Range> {
        let step = scale.step.as_secs().max(1);
        let steps = window::age(self.end, present).as_secs() / step;
        (steps > 0).then(|| Range {
            start: self.end - scale.step * AGAIN,
            end: self.end + SignedDuration::from_secs(steps * step),
            step: scale.step,
        })
    }

    /// Puts what was answered for a range in the place of its end.
    fn join(&mut self, newer: Course, range: Range, scale: &Scale) {
        let begin = range.end - scale.reach;
        let slices = &mut self.course.slices;
        slices.retain(|slice| slice.at >= begin && slice.at < range.start);
        slices.extend(newer.slices);
        self.course.from = begin;
        self.end = range.end;
    }
}

/// What is asked of one SLO.
pub(super) struct Want {
    id: Untrusted,
    /// Its plan, by index.
    pub(super) plan: usize,
    pub(super) formula: Formula,
    /// How far each step looks back.
    pub(super) width: Window,
}

/// Whom to ask, and for when.
struct Server<'a> {
    api: &'a Api,
    planner: &'a mut Planner,
    plans: &'a [Plan],
    ask: &'a Ask,
}

impl Server<'_> {
    /// Samples are dated by the server's clock; its future holds none.
    fn present(&self) -> Timestamp {
        let present = self.ask.at.or_else(|| self.api.present());
        present.unwrap_or(self.ask.now)
    }
}

impl Closely {
    /// The courses of an SLO, the finest first; none of one that does not burn.
    pub(super) fn of(&self, id: &Untrusted) -> Arc<[Course]> {
        self.kept
            .get(id)
            .map_or_else(Arc::default, |kept| Arc::clone(&kept.all))
    }

    /// Brings the courses of these plans up to date, and forgets those of others.
    pub(super) async fn refresh(
        &mut self,
        api: &Api,
        planner: &mut Planner,
        (plans, burning): (&[Plan], &[Young]),
        ask: &Ask,
    ) -> Result<(), Fault> {
        let ids: BTreeMap<_, _> = burning
            .iter()
            .map(|young| (plans[young.plan].slo.id(), young.plan))
            .collect();
        self.kept.retain(|id, _| ids.contains_key(id));
        let mut server = Server {
            api,
            planner,
            plans,
            ask,
        };
        let mut outcome = Ok(());
        for place in 0..SCALES.len() {
            let due = ids
                .iter()
                .filter(|(id, _)| self.is_due(id, place, ask.moment()));
            let due: Vec<_> = due.map(|(id, plan)| (id.clone(), *plan)).collect();
            let anew = match self.extend(&mut server, place, due).await {
                Ok(anew) => anew,
                Err(fault) => {
                    outcome = Err(fault);
                    continue;
                }
            };
            if let Err(fault) = self.renew(&mut server, place, anew).await {
                outcome = Err(fault);
            }
        }
        self.forget_heads();
        self.add_heads(&mut server, burning).await.and(outcome)
    }

    fn is_due(&self, id: &Untrusted, place: usize, at: Timestamp) -> bool {
        self.known(id, place).is_none_or(|known| {
            known.asked > at || window::age(known.asked, at) >= SCALES[place].cadence
        })
    }

    fn known(&self, id: &Untrusted, place: usize) -> Option<&Known> {
        self.kept.get(id)?.scales[place].as_ref()
    }

    /// Asks for what came since of those that are known; gives those that are to be asked for as a
    /// whole.
    async fn extend(
        &mut self,
        server: &mut Server<'_>,
        place: usize,
        due: Vec<(Untrusted, usize)>,
    ) -> Result<Vec<(Untrusted, usize)>, Fault> {
        let (scale, present, at) = (&SCALES[place], server.present(), server.ask.moment());
        let mut anew = Vec::new();
        let mut rests: BTreeMap<Timestamp, (Range, Vec<Want>)> = BTreeMap::new();
        for (id, plan) in due {
            let known = self.known(&id, place).filter(|known| {
                let is_young = known.renewed <= at && window::age(known.renewed, at) < RENEWAL;
                is_young && known.end <= present
            });
            let Some(known) = known else {
                anew.push((id, plan));
                continue;
            };
            let Some(range) = known.rest(present, scale) else {
                continue;
            };
            let want = want(&id, plan, &server.plans[plan], known.width);
            let same = want.filter(|want| want.formula == known.formula);
            let Some(want) = same else {
                anew.push((id, plan));
                continue;
            };
            let (_, wants) = rests.entry(known.end).or_insert((range, Vec::new()));
            wants.push(want);
        }
        for (range, wants) in rests.into_values() {
            let found = measure(server, &wants, range).await?;
            for (want, course) in wants.iter().zip(found) {
                self.change(&want.id, |kept| {
                    if let Some(known) = &mut kept.scales[place] {
                        known.join(course, range, scale);
                        known.asked = at;
                    }
                });
            }
        }
        Ok(anew)
    }

    /// Asks for whole courses, over the next width where the first finds next to nothing.
    async fn renew(
        &mut self,
        server: &mut Server<'_>,
        place: usize,
        due: Vec<(Untrusted, usize)>,
    ) -> Result<(), Fault> {
        let scale = &SCALES[place];
        // On whole steps of the clock, so that a burn is seen in the same slices whenever it is asked.
        let end = window::align(server.present(), scale.step);
        let range = Range {
            start: end - scale.reach,
            end,
            step: scale.step,
        };
        let mut open = due;
        for &width in scale.widths {
            let wants: Vec<_> = open
                .iter()
                .filter_map(|(id, plan)| want(id, *plan, &server.plans[*plan], width))
                .collect();
            if wants.is_empty() {
                break;
            }
            let found = measure(server, &wants, range).await?;
            let mut sparse = Vec::new();
            for (want, course) in wants.into_iter().zip(found) {
                if is_sparse(&course, scale) {
                    sparse.push((want.id.clone(), want.plan));
                }
                let at = server.ask.moment();
                self.keep(
                    &want.id,
                    place,
                    Known {
                        asked: at,
                        renewed: at,
                        end,
                        width,
                        formula: want.formula,
                        course,
                    },
                );
            }
            open = sparse;
        }
        Ok(())
    }

    /// Keeps a course unless a finer one of this poll tells more.
    fn keep(&mut self, id: &Untrusted, place: usize, new: Known) {
        self.change(id, |kept| {
            let tells_more = kept.scales[place].as_ref().is_none_or(|known| {
                known.renewed != new.renewed || new.course.slices.len() > known.course.slices.len()
            });
            if tells_more {
                kept.scales[place] = Some(new);
            }
        });
    }

    /// Changes what is kept of an SLO.
    fn change(&mut self, id: &Untrusted, change: impl FnOnce(&mut Kept)) {
        let kept = self.kept.entry(id.clone()).or_insert_with(|| Kept {
            scales: [const { None }; SCALES.len()],
            head: None,
            all: Arc::default(),
        });
        change(kept);
        let courses = kept.scales.iter().flatten().map(|known| &known.course);
        let told = courses.filter(|course| !course.slices.is_empty());
        let mut all: Vec<Course> = told.cloned().collect();
        if let (Some(finest), Some(head)) = (all.first_mut(), kept.head)
            && finest.step == SCALES[0].step
            && finest.slices.last().is_some_and(|last| last.at < head.at)
        {
            finest.slices.push(head);
        }
        kept.all = all.into();
    }

    /// Forgets what came since the newest steps: by now newer ones may hold it.
    fn forget_heads(&mut self) {
        let ids: Vec<_> = self
            .kept
            .iter()
            .filter(|(_, kept)| kept.head.is_some())
            .collect();
        let ids: Vec<_> = ids.into_iter().map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.change(&id, |kept| kept.head = None);
        }
    }
}

/// True when so few steps hold anything that a wider look is worth a question.
fn is_sparse(course: &Course, scale: &Scale) -> bool {
    let steps = scale.reach.as_secs() / scale.step.as_secs();
    i64::try_from(course.slices.len()).is_ok_and(|slices| slices < steps / 3)
}

/// How the past of one SLO is asked for, and over which window.
pub(super) fn want(id: &Untrusted, index: usize, plan: &Plan, width: Window) -> Option<Want> {
    let want = |formula, width| {
        Some(Want {
            id: id.clone(),
            plan: index,
            formula,
            width,
        })
    };
    let shortest = *plan.slo.windows().first()?;
    if let Some(formula) = plan.asked.get(&Span::Window(shortest)) {
        let text = width.to_string();
        let narrowed = formula.map(&|query| {
            promql::with_window(query, shortest, width).unwrap_or_else(|| query.to_owned())
        });
        let is_narrowed = narrowed
            .queries()
            .iter()
            .all(|query| query.contains(&format!("[{text}]")));
        return if is_narrowed {
            want(narrowed, width)
        } else {
            want(formula.clone(), shortest)
        };
    }
    if let Some(formula) = plan.rule.as_ref().and_then(|rule| rule.over(width)) {
        return want(formula, width);
    }
    match &plan.trend {
        Trend::Recorded {
            name,
            labels,
            success,
        } => {
            let labels = labels.iter();
            let matchers: Vec<_> = labels
                .map(|(label, value)| format!("{label}={}", promql::string(value)))
                .collect();
            let query = format!("{name}{{{}}}", matchers.join(","));
            let success = *success;
            want(Formula::Direct { query, success }, shortest)
        }
        Trend::Expression(query) => {
            let query = query.clone();
            let success = false;
            want(Formula::Direct { query, success }, shortest)
        }
        Trend::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_795_356_030 + minutes * 60).unwrap()
    }

    fn course(minutes: impl Iterator<Item = i64>, bad: f64) -> Course {
        let slice = |minute| Slice {
            at: at(minute),
            bad,
            total: 10.0,
        };
        Course {
            slices: minutes.map(slice).collect(),
            from: at(-360),
            step: SCALES[0].step,
            width: SignedDuration::from_mins(2),
            counted: true,
        }
    }

    #[test]
    fn what_came_since_is_put_behind_what_is_known() {
        let mut known = Known {
            asked: at(0),
            renewed: at(0),
            end: at(0),
            width: Window::minutes(2),
            formula: Formula::Direct {
                query: String::new(),
                success: false,
            },
            course: course(-360..=0, 1.0),
        };
        let scale = &SCALES[0];
        assert!(known.rest(at(0), scale).is_none());
        assert!(
            known
                .rest(at(0) + SignedDuration::from_secs(59), scale)
                .is_none()
        );
        let later = at(2) + SignedDuration::from_secs(5);
        let range = known.rest(later, scale).unwrap();
        assert_eq!((range.start, range.end), (at(-3), at(2)));
        known.join(course(-3..=2, 2.0), range, scale);
        let course = &known.course;
        assert_eq!((known.end, course.from), (at(2), at(-358)));
        let moments: Vec<_> = course.slices.iter().map(|slice| slice.at).collect();
        assert_eq!(moments, (-358..=2).map(at).collect::<Vec<_>>());
        let newer = course.slices.iter().filter(|slice| slice.bad > 1.0);
        assert_eq!(newer.count(), 6);
    }
}
