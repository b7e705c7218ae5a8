//! What is left when a writer, or a reader, is killed in the middle.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use harness::Kind;

use super::of;
use crate::contestants::Contestant;
use crate::plan::{Plan, progress};
use crate::process::{PATIENCE, Post, Reply, Worker};
use crate::table::{Cell, Findings, Table};

const SIZE: usize = 1 << 20;

/// No answer for so long is a hang. Longer than the second for which mmap-sync's writer waits for a dead reader.
const HANG: Duration = Duration::from_millis(1500);

/// An answer that took longer is a stall.
const STALL_NS: f64 = 50e6;

const COLUMNS: [&str; 4] = [
    "writer killed: the other reads",
    "writer killed: a newcomer writes",
    "reader killed: the writer writes",
    "reader killed: a newcomer reads",
];

/// How often each thing happened, in each column.
type Counts = [BTreeMap<String, u32>; 4];

pub(crate) fn run(plan: &Plan) -> Findings {
    let contestants = of(plan, &[Kind::Ours, Kind::Peer]);
    let tries = if plan.quick { 3 } else { 20 };
    let all = contestants.iter().map(|_| Mutex::new(Counts::default()));
    let all = all.collect::<Vec<_>>();
    let one = |(contestant, counts): (&Contestant, &Mutex<Counts>)| {
        for number in 0..tries {
            progress(&format!("kill, try {number}: {}", contestant.name));
            if let Ok(mut counts) = counts.lock() {
                kill_writer(plan, contestant, number, &mut counts);
                kill_reader(plan, contestant, number, &mut counts);
            }
        }
    };
    let (ours, peers) = contestants
        .iter()
        .zip(&all)
        .partition::<Vec<_>, _>(|(contestant, _)| contestant.kind == Kind::Ours);
    // Each alone, so that no other's load looks like a stall; then the peers at once, since most of it is waiting.
    ours.into_iter().for_each(one);
    thread::scope(|scope| {
        for peer in peers {
            scope.spawn(move || one(peer));
        }
    });
    let mut table = Table::new(&format!("Of {tries} tries"), "", &contestants);
    for (at, column) in COLUMNS.into_iter().enumerate() {
        let counts = all
            .iter()
            .map(|counts| counts.lock().map(|counts| Cell::Counts(counts[at].clone())));
        table.add(column, counts.map(|cell| cell.unwrap_or(Cell::NotOffered)));
    }
    Findings {
        id: "kill",
        title: "SIGKILL in the middle",
        method: "Values of 1 MiB. A writer is killed when it has changed half of the value, or, where the tool has no \
                 such moment that a program can see, at a random moment of a loop of writes; a reader likewise, with \
                 the value borrowed, or in a loop of copies. Then others go on: one that had it open, and a newcomer who opens it now. *hang*: no answer within 1.5 s; \
                 *stall*: an answer after more than 50 ms; *torn*: a value that nobody wrote whole; *refused*: an \
                 error. Peers run at the same time as each other, ours alone. (A pthread robust mutex tells that its \
                 owner died, and leaves the half-written value to the program.)"
            .to_owned(),
        tables: vec![table],
    }
}

/// The moment in a loop at which a try ends it.
fn moment(number: u32) -> Duration {
    // Spread over some copies of a mebibyte.
    Duration::from_micros(700 + u64::from(number) * 137 % 900)
}

/// Brings a worker into the middle of what it does, or into a loop of it.
fn into_the_middle(victim: &mut Worker, stop: &str, endless: &str, number: u32) {
    match victim.ask(stop) {
        Reply::Done(_) => {}
        _ => {
            drop(victim.ask(endless));
            thread::sleep(moment(number));
        }
    }
    victim.kill();
}

fn start(
    contestant: &Contestant,
    place: &str,
    role: &str,
    patience: Duration,
) -> Result<Worker, Reply> {
    let post = Post {
        role,
        size: SIZE,
        place,
        core: None,
    };
    Worker::begin(&contestant.program, &contestant.name, post)?.ready(patience)
}

/// A server that a contestant has is not the one that is killed.
fn is_served(contestant: &Contestant) -> bool {
    ["Unix socket", "Redis"].contains(&contestant.name.as_str())
}

fn verdict(reply: Reply, is_read: bool) -> String {
    match reply {
        Reply::Done(numbers) => match numbers[..] {
            [_, wrong] if wrong > 0.0 && is_read => "torn".to_owned(),
            [_, wrong] if wrong > 0.0 => "lost".to_owned(),
            [took, _] if took > STALL_NS => "stall".to_owned(),
            _ => "fine".to_owned(),
        },
        Reply::Silent => "hang".to_owned(),
        Reply::NotOffered => "not offered".to_owned(),
        Reply::Failed(_) => "refused".to_owned(),
    }
}

fn count(counts: &mut BTreeMap<String, u32>, what: String) {
    *counts.entry(what).or_default() += 1;
}

/// Opens and asks one thing; whoever cannot even open has hung or been refused.
fn newcomer(contestant: &Contestant, place: &str, order: &str) -> Reply {
    match start(contestant, place, "open", HANG) {
        Ok(mut worker) => {
            worker.send(order);
            let reply = worker.receive(HANG);
            if matches!(reply, Reply::Silent) {
                worker.kill();
            }
            reply
        }
        Err(why) => why,
    }
}

fn kill_writer(plan: &Plan, contestant: &Contestant, number: u32, counts: &mut Counts) {
    let place = plan.place();
    // Some have one writer, who is the creator.
    let pair = || {
        let creator = start(contestant, &place, "create", PATIENCE)?;
        Ok((creator, start(contestant, &place, "open", PATIENCE)?))
    };
    let (mut victim, mut other) = match pair() {
        Ok((creator, opener)) if is_served(contestant) => (opener, creator),
        Ok(pair) => pair,
        Err(why) => {
            count(&mut counts[0], verdict(why, true));
            return;
        }
    };
    into_the_middle(&mut victim, "stop-writing", "write-for-ever", number);
    other.send("probe-read");
    let reply = other.receive(HANG);
    count(&mut counts[0], verdict(reply, true));
    let reply = newcomer(contestant, &place, "probe-write");
    count(&mut counts[1], verdict(reply, false));
    other_ends(other, contestant);
}

fn kill_reader(plan: &Plan, contestant: &Contestant, number: u32, counts: &mut Counts) {
    let place = plan.place();
    let pair = || {
        let creator = start(contestant, &place, "create", PATIENCE)?;
        Ok((creator, start(contestant, &place, "open", PATIENCE)?))
    };
    let (mut writer, mut victim) = match pair() {
        Ok(pair) => pair,
        Err(why) => {
            count(&mut counts[2], verdict(why, false));
            return;
        }
    };
    into_the_middle(&mut victim, "stop-reading", "read-for-ever", number);
    writer.send("probe-write");
    let reply = writer.receive(HANG);
    count(&mut counts[2], verdict(reply, false));
    let reply = newcomer(contestant, &place, "probe-read");
    count(&mut counts[3], verdict(reply, true));
    other_ends(writer, contestant);
}

/// One that hangs cannot be asked to end; its server, if it has one, goes with it.
fn other_ends(mut worker: Worker, contestant: &Contestant) {
    if !is_served(contestant) {
        worker.kill();
    }
}
