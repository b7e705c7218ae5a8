//! Whether a reader costs more when there are many.

use harness::{Kind, clock_ns};

use super::of;
use crate::plan::{Plan, progress};
use crate::process::{PATIENCE, Post, Reply, Worker};
use crate::table::{Findings, Samples, Table};

/// A writer and its readers.
struct Crowd {
    writer: Worker,
    readers: Vec<Worker>,
}

pub(crate) fn run(plan: &Plan) -> Findings {
    let contestants = of(plan, &[Kind::Ours, Kind::Peer, Kind::Limit]);
    let operations = [
        ("read-field", "One field of 64 B, for each reader"),
        ("copy", "A copy of 64 B, for each reader"),
    ];
    let mut tables =
        operations.map(|(_, title)| Table::new(title, "ns of processor time", &contestants));
    let counts: &[usize] = if plan.quick {
        &[1, 4, 16]
    } else {
        &[1, 2, 4, 8, 16, 64]
    };
    for &count in counts {
        let mut crowds: Vec<Result<Crowd, Reply>> = Vec::new();
        for contestant in &contestants {
            progress(&format!("{count} readers: starting {}", contestant.name));
            let place = plan.place();
            let post = |role| Post {
                role,
                size: 64,
                place: &place,
                core: None,
            };
            let start = |role| Worker::begin(&contestant.program, &contestant.name, post(role));
            let gather = || {
                let writer = start("create")?.ready(PATIENCE)?;
                let readers = (0..count).map(|_| start("open")).collect::<Vec<_>>();
                let ready = |reader: Result<Worker, Reply>| reader?.ready(PATIENCE);
                let readers = readers.into_iter().map(ready).collect::<Result<_, _>>()?;
                Ok(Crowd { writer, readers })
            };
            crowds.push(gather());
        }
        for ((operation, _), table) in operations.iter().zip(&mut tables) {
            let mut samples = vec![Samples::default(); contestants.len()];
            for round in 0..=plan.rounds() {
                progress(&format!("{operation} by {count} readers, round {round}"));
                for (crowd, samples) in crowds.iter_mut().zip(&mut samples) {
                    match crowd {
                        Err(why) => samples.refuse(why.clone()),
                        Ok(_) if samples.is_out() => {}
                        Ok(crowd) => {
                            samples.add(play(crowd, operation, plan.millis(20)), |n| (n[0], n[1]));
                            if round == 0 {
                                samples.all.clear();
                            }
                        }
                    }
                }
            }
            let label = format!("{count} reader{}", if count == 1 { "" } else { "s" });
            table.add(&label, samples.iter().map(Samples::cell));
        }
    }
    Findings {
        id: "crowd",
        title: "Many readers and a writer at 1 kHz",
        method: "Processes that read at full speed, on whatever processor there is, while another writes a thousand \
                 times a second. Processor time of the reader for one read, the mean over all readers: on a machine \
                 with few processors they take turns, and the time that a reader does not run is not its cost. \
                 Flat is good."
            .to_owned(),
        tables: tables.into_iter().map(Table::without_idle).collect(),
    }
}

/// Nanoseconds of processor time for a read, and wrong values.
fn play(crowd: &mut Crowd, operation: &str, millis: u64) -> Reply {
    // Many need more time for each to have its turn.
    let millis = millis.max(2 * crowd.readers.len() as u64);
    let start = clock_ns() + 2_000_000;
    crowd.writer.send(&format!("tick 1000 {millis} {start}"));
    let order = format!("crowd {operation} {millis} {start}");
    crowd
        .readers
        .iter_mut()
        .for_each(|reader| reader.send(&order));
    let mut sums = [0.0; 3];
    let mut refused = None;
    for reader in &mut crowd.readers {
        match reader.receive(PATIENCE) {
            Reply::Done(numbers) => {
                for (sum, number) in sums.iter_mut().zip(numbers) {
                    *sum += number;
                }
            }
            other => refused = Some(other),
        }
    }
    match (crowd.writer.receive(PATIENCE), refused) {
        (Reply::Done(_), None) => Reply::Done(vec![sums[1] / sums[0].max(1.0), sums[2]]),
        (Reply::Done(_), Some(refused)) => refused,
        (other, _) => other,
    }
}
