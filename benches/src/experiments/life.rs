//! What it costs to create, open and close.

use harness::Kind;

use super::of;
use crate::peers::SYSTEM_CALLS;
use crate::plan::{Plan, SIZES, progress};
use crate::process::{Post, Worker};
use crate::table::{Findings, Samples, Table};

pub(crate) fn run(plan: &Plan) -> Findings {
    let mut contestants = of(plan, &[Kind::Ours, Kind::Peer]);
    // Theirs is the start of a server.
    contestants.retain(|c| !["Unix socket", "Redis"].contains(&c.name.as_str()));
    let calls = plan.contestants.iter().find(|c| c.name == SYSTEM_CALLS);
    contestants.extend(calls.cloned());
    let steps = [
        "Create",
        "Open",
        "Close",
        "Close the creator's, which takes it away",
    ];
    let mut tables = steps.map(|step| Table::new(step, "µs", &contestants));
    for (size, label) in SIZES {
        let mut workers = Vec::new();
        for contestant in &contestants {
            let place = plan.place();
            let post = Post {
                role: "nothing",
                size,
                place: &place,
                core: Some(0),
            };
            workers.push(Worker::start(&contestant.program, &contestant.name, post));
        }
        let mut samples = vec![[(); 4].map(|()| Samples::default()); contestants.len()];
        for round in 0..=plan.rounds() {
            progress(&format!("create and open {label}, round {round}"));
            for (worker, samples) in workers.iter_mut().zip(&mut samples) {
                let reply = match worker {
                    Err(why) => why.clone(),
                    Ok(_) if samples[0].is_out() => continue,
                    Ok(worker) => worker.ask(&format!("lifecycle {}", plan.millis(8))),
                };
                for (at, samples) in samples.iter_mut().enumerate() {
                    samples.add(reply.clone(), |n| (n[at] / 1000.0, 0.0));
                    if round == 0 {
                        samples.all.clear();
                    }
                }
            }
        }
        for (at, table) in tables.iter_mut().enumerate() {
            table.add(label, samples.iter().map(|samples| samples[at].cell()));
        }
    }
    Findings {
        id: "life",
        title: "Create, open, close",
        method: "One process creates an object, opens it once more, and closes both. In `shmem`, creating includes \
                 allocating all of its memory, so that no later write can fail for want of it, and taking the \
                 kernel's word for who is alive; in `mmap-sync` and iceoryx2 both set up what readers and writers \
                 need. *system calls* are those that such an object needs at least, and nothing else. Microseconds, \
                 the mean within a round."
            .to_owned(),
        tables: tables.into_iter().map(Table::without_idle).collect(),
    }
}
