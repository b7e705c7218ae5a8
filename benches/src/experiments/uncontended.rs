//! What one operation costs with nobody else there.

use harness::Kind;

use super::of;
use crate::plan::{Plan, SIZES, progress};
use crate::process::{Post, Worker};
use crate::table::{Findings, Samples, Table};

const OPERATIONS: [(&str, &str, &str); 4] = [
    (
        "read-field",
        "read-field",
        "Read one field: a guard and one word",
    ),
    (
        "copy",
        "copy",
        "Read all: a consistent copy of the whole value",
    ),
    (
        "write-field",
        "write-field",
        "Change one field, and publish",
    ),
    (
        "write-all",
        "write-all",
        "Replace the whole value, and publish",
    ),
];

pub(crate) fn run(plan: &Plan) -> Vec<Findings> {
    let kinds = [Kind::Ours, Kind::Peer, Kind::InProcess, Kind::Limit];
    let contestants = of(plan, &kinds);
    let mut tables = OPERATIONS.map(|(_, _, title)| Table::new(title, "ns", &contestants));
    for (size, label) in SIZES {
        let mut workers = Vec::new();
        for contestant in &contestants {
            let place = plan.place();
            let post = Post {
                role: "create",
                size,
                place: &place,
                core: Some(0),
            };
            workers.push(Worker::start(&contestant.program, &contestant.name, post));
        }
        for ((_, operation, _), table) in OPERATIONS.iter().zip(&mut tables) {
            let mut samples = vec![Samples::default(); contestants.len()];
            let millis = plan.millis(4);
            for round in 0..=plan.rounds() {
                progress(&format!("{operation} of {label}, round {round}"));
                for (worker, samples) in workers.iter_mut().zip(&mut samples) {
                    match worker {
                        Err(why) => samples.refuse(why.clone()),
                        Ok(_) if samples.is_out() => {}
                        Ok(worker) => {
                            let reply = worker.ask(&format!("time {operation} {millis}"));
                            samples.add(reply, |n| (n[0], n[2]));
                            if round == 0 {
                                samples.all.clear();
                            }
                        }
                    }
                }
            }
            table.add(label, samples.iter().map(Samples::cell));
        }
    }
    let ids = ["read-field", "copy", "write-field", "write-all"];
    let titles = [
        "Uncontended: read one field",
        "Uncontended: copy the whole value",
        "Uncontended: change one field",
        "Uncontended: replace the whole value",
    ];
    let method =
        "One process on one processor, nobody else at the object; nanoseconds for one call.";
    let parts = ids.into_iter().zip(titles).zip(tables);
    parts
        .map(|((id, title), table)| Findings {
            id,
            title,
            method: method.to_owned(),
            tables: vec![table.without_idle()],
        })
        .collect()
}
