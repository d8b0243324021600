//! The demo's deployments, and the home-grown service that lists them as JSON.

use serde_json::{Value, json};

use super::cast::{self, Service};
use super::world::{DAY, HISTORY, Moment, World};

/// One deployment.
pub(super) struct Deploy {
    /// Its number at the deploy service.
    pub(super) number: usize,
    /// Which service.
    pub(super) service: usize,
    /// Which version.
    pub(super) version: String,
    /// When it began.
    pub(super) started: Moment,
    /// When it arrived or failed.
    pub(super) finished: Moment,
    /// How it ends.
    pub(super) ending: Ending,
    /// Who did it.
    pub(super) by: &'static str,
}

/// How a deployment ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ending {
    /// It arrives and stays.
    Stays,
    /// It never arrives.
    Fails,
    /// It arrives, and is taken back at that moment.
    Reverted(Moment),
}

/// Every deployment of every service, oldest first.
pub(super) fn history(services: &[Service], speed: f64) -> Vec<Deploy> {
    let mut all: Vec<_> = (0..services.len())
        .flat_map(|service| of_service(service, services[service].name, speed))
        .collect();
    all.sort_by(|a, b| a.started.total_cmp(&b.started));
    for (number, deploy) in all.iter_mut().enumerate() {
        deploy.number = 4_100 + number;
    }
    all
}

/// A service's deployments, oldest first: one every day or three, and those of the script.
fn of_service(service: usize, name: &str, speed: f64) -> Vec<Deploy> {
    // Start, how long it took, how it ended.
    let mut plan = vec![];
    let gap = (1.1 + 2.3 * noise(service, 0)) * DAY;
    let mut started = -HISTORY + gap * noise(service, 1);
    while started < -3_600.0 {
        plan.push((
            started,
            240.0 + 300.0 * noise(service, plan.len()),
            Ending::Stays,
        ));
        started += gap * (0.7 + 0.6 * noise(service, plan.len() + 100));
    }
    match name {
        "checkout" => {
            let took = (cast::ARRIVED - cast::RELEASE) / speed;
            plan.push((
                cast::RELEASE / speed,
                took,
                Ending::Reverted(cast::ROLLBACK / speed),
            ));
        }
        "payments" => {
            let reverted = cast::OUTAGE + cast::OUTAGE_LASTED - 240.0;
            plan.push((cast::OUTAGE - 300.0, 300.0, Ending::Reverted(reverted)));
        }
        "search" => plan.push((cast::SLOW_RELEASE - 360.0, 360.0, Ending::Stays)),
        "cart" => plan.push((-5.2 * 3_600.0, 420.0, Ending::Fails)),
        "edge" => plan.push((-6.4 * 3_600.0, 300.0, Ending::Stays)),
        _ => {}
    }
    plan.sort_by(|a, b| a.0.total_cmp(&b.0));
    let by = |turn: usize| ["mara", "lee", "ana", "release-bot"][(service + turn) % 4];
    let mut running = format!("v2.{}.0", 9 + service);
    let mut deploys = vec![];
    for (turn, &(started, took, ending)) in plan.iter().enumerate() {
        let version = format!("v2.{}.0", 10 + service + turn);
        let deploy = |version: &str, started, took, ending| Deploy {
            number: 0,
            service,
            version: version.to_owned(),
            started,
            finished: started + took,
            ending,
            by: by(turn),
        };
        deploys.push(deploy(&version, started, took, ending));
        match ending {
            Ending::Stays => running = version,
            Ending::Fails => {}
            Ending::Reverted(at) => {
                let took = if name == "checkout" {
                    (cast::RECOVERED - cast::ROLLBACK) / speed
                } else {
                    240.0
                };
                deploys.push(deploy(&running, at, took, Ending::Stays));
            }
        }
    }
    deploys
}

/// A number from 0 to 1 that looks random and is always the same: splitmix64's finish.
fn noise(service: usize, turn: usize) -> f64 {
    let mut bits = ((service as u64 + 1) << 32) | (turn as u64 + 1);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let high = u32::try_from((bits ^ (bits >> 31)) >> 32).unwrap_or_default();
    f64::from(high) / 4_294_967_296.0
}

impl Deploy {
    /// The word the deploy service uses.
    fn state(&self, now: Moment) -> &'static str {
        match self.ending {
            _ if now < self.finished => "in_progress",
            Ending::Fails => "failed",
            Ending::Reverted(at) if now >= at => "reverted",
            Ending::Stays | Ending::Reverted(_) => "done",
        }
    }
}

/// `GET /deploys`: newest first, without the services that report their version themselves.
pub(super) fn list(world: &World, now: Moment) -> Value {
    let seen =
        world.deploys.iter().rev().filter(|deploy| {
            deploy.started <= now && !world.services[deploy.service].reports_version
        });
    let rows: Vec<_> = seen
        .map(|deploy| {
            let number = deploy.number;
            let done = now >= deploy.finished;
            json!({
                "id": format!("d-{number}"),
                "app": world.services[deploy.service].name,
                "version": deploy.version,
                "env": "production",
                "state": deploy.state(now),
                "begin": world.time(deploy.started).as_second(),
                "end": done.then(|| world.time(deploy.finished).as_second()),
                "author": deploy.by,
                "sha": format!("{:07x}", number * 0x1f_3d5b % 0x1000_0000),
                "link": format!("https://deploys.example/d-{number}"),
            })
        })
        .collect();
    json!({ "deploys": rows })
}
