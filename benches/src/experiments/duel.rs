//! One process writes at full speed, another reads at full speed.

use harness::{Kind, clock_ns};

use super::{of, start_two};
use crate::plan::{Plan, SIZES, progress};
use crate::process::{PATIENCE, Reply};
use crate::table::{Findings, Samples, Table};

pub(crate) fn run(plan: &Plan) -> Findings {
    let contestants = of(plan, &[Kind::Ours, Kind::Peer, Kind::Limit]);
    let titles = [
        "Reads",
        "Writes",
        "p50 of a read",
        "p99 of a read",
        "p99.9 of a read",
        "Longest read",
    ];
    let units = [
        "thousand a second",
        "thousand a second",
        "ns",
        "ns",
        "ns",
        "ns",
    ];
    let mut tables = Vec::new();
    for (title, unit) in titles.into_iter().zip(units) {
        let table = Table::new(title, unit, &contestants);
        tables.push(if unit == "ns" {
            table
        } else {
            table.more_is_better()
        });
    }
    for (size, label) in SIZES {
        let start = |contestant| start_two(contestant, size, &plan.place(), ["create", "open"]);
        let mut pairs = contestants.iter().map(start).collect::<Vec<_>>();
        let mut samples = vec![[(); 6].map(|()| Samples::default()); contestants.len()];
        let millis = plan.millis(12);
        for round in 0..=plan.rounds() {
            progress(&format!("reader and writer of {label}, round {round}"));
            for (pair, samples) in pairs.iter_mut().zip(&mut samples) {
                let [writer, reader] = match pair {
                    Ok(pair) if !samples[0].is_out() => pair,
                    Ok(_) => continue,
                    Err(why) => {
                        samples.iter_mut().for_each(|s| s.refuse(why.clone()));
                        continue;
                    }
                };
                for latency in [false, true] {
                    let start = clock_ns() + 1_000_000;
                    writer.send(&format!("write-for {millis} {start}"));
                    let order = if latency { "latency-for" } else { "read-for" };
                    reader.send(&format!("{order} {millis} {start}"));
                    let (written, read) = (writer.receive(PATIENCE), reader.receive(PATIENCE));
                    if let (Reply::Done(written), false) = (&written, latency) {
                        samples[1].all.push(written[0] / written[1] * 1e6);
                    } else if !matches!(written, Reply::Done(_)) {
                        samples[1].refuse(written);
                    }
                    if latency {
                        for (at, samples) in samples[2..].iter_mut().enumerate() {
                            samples.add(read.clone(), |n| (n[at], n[5]));
                        }
                    } else {
                        samples[0].add(read, |n| (n[0] / n[1] * 1e6, n[2] + n[3]));
                    }
                }
                if round == 0 {
                    samples.iter_mut().for_each(|s| s.all.clear());
                }
            }
        }
        for (at, table) in tables.iter_mut().enumerate() {
            table.add(label, samples.iter().map(|samples| samples[at].cell()));
        }
    }
    Findings {
        id: "duel",
        title: "One reader and one writer at full speed",
        method: "Two processes, each on its processor. The writer makes a value of its own for each write, and \
                 writes it whole; the reader copies the whole value. Throughput and the time of each read are \
                 measured in turns: a read that is timed includes one reading of the clock, some 20 ns. In the \
                 latter each value is checked whole, in the former a few of its words. \
                 A value that is torn, or older than one that was read before, is counted as wrong."
            .to_owned(),
        tables: tables.into_iter().map(Table::without_idle).collect(),
    }
}
