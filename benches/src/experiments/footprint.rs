//! What an object takes of the machine.

use harness::Kind;

use super::of;
use crate::plan::{Plan, SIZES, progress};
use crate::process::{Post, Worker};
use crate::table::{Findings, Samples, Table};

pub(crate) fn run(plan: &Plan) -> Findings {
    let mut contestants = of(plan, &[Kind::Ours, Kind::Peer]);
    // Theirs is the memory of a server.
    contestants.retain(|c| !["Unix socket", "Redis"].contains(&c.name.as_str()));
    let columns = ["descriptors", "files", "KiB in files", "KiB resident"];
    let mut tables = Vec::new();
    for (size, label) in SIZES {
        let mut table = Table::new(
            &format!("An object of {label}"),
            "of one object",
            &contestants,
        );
        let mut samples = vec![[(); 4].map(|()| Samples::default()); contestants.len()];
        for (contestant, samples) in contestants.iter().zip(&mut samples) {
            progress(&format!("footprint of {label}: {}", contestant.name));
            let place = plan.place();
            let post = Post {
                role: "nothing",
                size,
                place: &place,
                core: None,
            };
            let worker = Worker::start(&contestant.program, &contestant.name, post);
            let reply = worker.map_or_else(|why| why, |mut worker| worker.ask("footprint 8"));
            for (at, samples) in samples.iter_mut().enumerate() {
                let scale = if at < 2 { 1.0 } else { 1024.0 };
                samples.add(reply.clone(), |n| (n[at] / scale, 0.0));
            }
        }
        for (at, column) in columns.iter().enumerate() {
            table.add(column, samples.iter().map(|samples| samples[at].cell()));
        }
        tables.push(table.without_idle());
    }
    Findings {
        id: "footprint",
        title: "Memory, files and descriptors of an object",
        method: "Eight objects in one process, each written once; what is there more than with one, by eight. \
                 `shmem` has four buffers, of which those that were never written to take no memory of their own \
                 on some filesystems; allocated they all are."
            .to_owned(),
        tables,
    }
}
