//! How much memory a poll may take, whatever a server sends.

use std::fs;

use crate::behaviour::Behaviour;
use crate::world::{Servers, World};

/// What floods.
const FLOODS: [Behaviour; 9] = [
    Behaviour::EndlessHeaders,
    Behaviour::HugeHeader,
    Behaviour::Continues,
    Behaviour::EndlessBody,
    Behaviour::AnnouncedHuge,
    Behaviour::GzipBomb,
    Behaviour::Deep,
    Behaviour::ManyRows,
    Behaviour::CutOff,
];

/// How much a process may grow over one poll: 16 MiB of an answer are read, and 2 MiB are for all else.
const GROWTH: u64 = 18 * 1024 * 1024;

/// A line of `/proc/self/status` that is a number of kilobytes, in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let line = line.and_then(|line| line.trim().strip_suffix(" kB"));
    line.expect(name).parse::<u64>().expect("kilobytes") * 1024
}

/// What the peak is above what is resident now, after `work`.
async fn growth<T>(work: impl Future<Output = T>) -> u64 {
    // proc(5): resets the peak.
    fs::write("/proc/self/clear_refs", "5").expect("the peak is reset");
    let before = memory("VmRSS:");
    drop(work.await);
    memory("VmHWM:").saturating_sub(before)
}

/// The growth of each source over each flood stays within its bound.
pub(crate) fn a_flood_takes_little_memory(full: bool) {
    let servers = Servers::start();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let World {
        watched, folder, ..
    } = World::new(&servers);
    let mut wrong = Vec::new();
    let mut most = (0, String::new());
    let mut kinds = 0;
    runtime.block_on(async {
        for mut one in watched {
            one.poll().await;
            // One kind after the other begins elsewhere in the list.
            let (count, first) = if full { (FLOODS.len(), 0) } else { (2, kinds) };
            kinds += 2;
            for behaviour in FLOODS.iter().cycle().skip(first).take(count).copied() {
                one.front.turn(behaviour);
                let grown = growth(one.poll()).await;
                let what = format!("{behaviour:?} of {}: {} KiB", one.name, grown / 1024);
                if grown > GROWTH {
                    wrong.push(what.clone());
                }
                if grown > most.0 {
                    most = (grown, what);
                }
                one.front.turn(Behaviour::Healthy);
                one.poll().await;
            }
        }
    });
    drop(folder);
    println!("the most: {}", most.1);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
