//! How long it takes until another process sees a change.

use std::time::Duration;

use harness::Kind;

use super::{of, start_two};
use crate::plan::{Plan, SIZES, progress};
use crate::table::{Findings, Samples, Table};

/// Who takes longer for a round of some milliseconds does not come back.
const HANG: Duration = Duration::from_secs(2);

pub(crate) fn run(plan: &Plan) -> Findings {
    let contestants = of(plan, &[Kind::Ours, Kind::Peer, Kind::Limit]);
    let mut spinning = Table::new("A reader that spins", "ns", &contestants);
    let mut sleeping = Table::new("A reader that sleeps", "ns", &contestants);
    for (size, label) in SIZES {
        let start = |contestant| {
            start_two(
                contestant,
                size,
                &plan.place(),
                ["create-pair", "open-pair"],
            )
        };
        let mut pairs = contestants.iter().map(start).collect::<Vec<_>>();
        for (how, table) in [("spin", &mut spinning), ("sleep", &mut sleeping)] {
            if how == "sleep" && size > 64 {
                continue;
            }
            let millis = plan.millis(if how == "spin" { 8 } else { 16 });
            let mut samples = vec![Samples::default(); contestants.len()];
            for round in 0..=plan.rounds() {
                progress(&format!(
                    "seen by a reader that {how}s, {label}, round {round}"
                ));
                for (pair, samples) in pairs.iter_mut().zip(&mut samples) {
                    match pair {
                        Err(why) => samples.refuse(why.clone()),
                        Ok(_) if samples.is_out() => {}
                        Ok([ping, pong]) => {
                            pong.send(&format!("pong {how}"));
                            ping.send(&format!("ping {how} {millis}"));
                            let reply = ping.receive(HANG);
                            samples.add(reply, |n| (n[0], n[2]));
                            if samples.is_out() {
                                // The other side waits for ever, or failed likewise.
                                pong.kill();
                                ping.kill();
                            } else {
                                pong.receive(HANG);
                            }
                            if round == 0 {
                                samples.all.clear();
                            }
                        }
                    }
                }
            }
            // Who does not offer the one may offer the other.
            for ((pair, contestant), samples) in pairs.iter_mut().zip(&contestants).zip(&samples) {
                if samples.is_out() && pair.is_ok() {
                    *pair = start(contestant);
                }
            }
            table.add(label, samples.iter().map(Samples::cell));
        }
    }
    Findings {
        id: "seen",
        title: "From an update until it is seen",
        method: "Two processes on two processors and two objects, one for each direction. One writes, the other sees \
                 it and writes its object, and so on: half of the time of a round. A reader that spins looks in the \
                 cheapest way that its tool has, and the writer replaces the whole value; a reader that sleeps is \
                 asleep in the kernel, and the writer changes one field."
            .to_owned(),
        tables: vec![spinning.without_idle(), sleeping.without_idle()],
    }
}
