//! The present end of a course: what came since its newest step, while that alone shows the burn.
//!
//! Steps lie on whole minutes, so that a burn is seen in the same slices whenever it is looked at. A burn that
//! is younger than the newest step is in none of them. Then one more slice is read, which ends at the present;
//! it is needed for a minute of each burn.

use super::read::measure;
use super::{Closely, SCALES, Server, Want, want};
use crate::domain::Fault;
use crate::domain::slo::Slice;
use crate::source::prometheus::api::Range;
use crate::text::Untrusted;

/// How many of the newest steps lie within the shortest window of most SLOs.
const RECENT: usize = 6;

/// An SLO that burns.
#[derive(Clone, Debug)]
pub(in crate::source::prometheus) struct Young {
    /// Its place among the plans.
    pub(in crate::source::prometheus) plan: usize,
    /// The share of bad events in its shortest window.
    pub(in crate::source::prometheus) ratio: f64,
}

impl Closely {
    /// Adds the present end to the courses in which the burn does not show yet.
    pub(super) async fn add_heads(
        &mut self,
        server: &mut Server<'_>,
        young: &[Young],
    ) -> Result<(), Fault> {
        let present = server.present();
        let wants: Vec<Want> = young
            .iter()
            .filter_map(|one| {
                let id = server.plans[one.plan].slo.id();
                self.is_older(&id, one.ratio).then_some(())?;
                let width = self.known(&id, 0)?.width;
                want(&id, one.plan, &server.plans[one.plan], width)
            })
            .collect();
        if wants.is_empty() {
            return Ok(());
        }
        let range = Range {
            start: present,
            end: present,
            step: SCALES[0].step,
        };
        let heads = measure(server, &wants, range).await?;
        for (want, head) in wants.iter().zip(heads) {
            let newest = head.slices.last().copied();
            self.change(&want.id, |kept| {
                kept.head = newest.filter(|_| head.counted);
            });
        }
        Ok(())
    }

    /// True where the newest steps of a course are all below the shortest window's ratio: what raised that
    /// came after them.
    fn is_older(&self, id: &Untrusted, ratio: f64) -> bool {
        let Some(known) = self.known(id, 0) else {
            return false;
        };
        let share = |slice: &Slice| slice.bad / slice.total;
        let recent = known.course.slices.iter().rev().take(RECENT);
        ratio > 0.0 && known.course.counted && recent.map(share).all(|share| share < ratio)
    }
}
