//! The worker process: reads an order from its standard input, does it, and answers with a line.

use std::fmt::Display;
use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;
use std::thread;

use crate::measure::Bench;
use crate::os;
use crate::{Failure, Kind, Outcome, Peer, Place};

/// A contestant in the three sizes that are measured.
pub struct Entry {
    name: &'static str,
    kind: Kind,
    note: &'static str,
    sizes: [fn(&Place, Role) -> Outcome<()>; 3],
}

/// What a worker is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Creates the object.
    Create,
    /// Opens it.
    Open,
    /// Creates two, for a signal in each direction.
    CreatePair,
    /// Opens both.
    OpenPair,
    /// Creates and opens as it is told.
    Nothing,
}

impl Entry {
    /// `note` is what a reader of the report should know of it; may be empty.
    pub const fn new<A: Peer<8>, B: Peer<512>, C: Peer<131_072>>(
        name: &'static str,
        kind: Kind,
        note: &'static str,
    ) -> Self {
        Entry {
            name,
            kind,
            note,
            sizes: [serve::<A, 8>, serve::<B, 512>, serve::<C, 131_072>],
        }
    }
}

/// Runs a worker, or lists the contestants: the program's whole `main` if its first argument is `worker` or `list`.
pub fn main(entries: &[Entry]) -> ExitCode {
    let args = std::env::args().skip(1).collect::<Vec<_>>();
    let args = args.iter().map(String::as_str).collect::<Vec<_>>();
    match args[..] {
        ["list"] => {
            for Entry {
                name, kind, note, ..
            } in entries
            {
                println!("{name}\t{kind:?}\t{note}");
            }
            ExitCode::SUCCESS
        }
        ["worker", name, size, place, role, core] => {
            os::die_with_parent();
            if let Ok(core) = core.parse() {
                os::pin(core);
            }
            let entry = entries.iter().find(|entry| entry.name == name);
            let serve = entry.and_then(|entry| match size {
                "64" => Some(entry.sizes[0]),
                "4096" => Some(entry.sizes[1]),
                "1048576" => Some(entry.sizes[2]),
                _ => None,
            });
            let role = match role {
                "create" => Some(Role::Create),
                "open" => Some(Role::Open),
                "create-pair" => Some(Role::CreatePair),
                "open-pair" => Some(Role::OpenPair),
                "nothing" => Some(Role::Nothing),
                _ => None,
            };
            let (Some(serve), Some(role)) = (serve, role) else {
                eprintln!("no such worker: {args:?}");
                return ExitCode::FAILURE;
            };
            let place = Place(place.to_owned());
            // Values of a mebibyte go over the stack, some of them twice.
            let worker = thread::Builder::new().stack_size(64 << 20);
            let worker = worker.spawn(move || serve(&place, role));
            match worker.map(thread::JoinHandle::join) {
                Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
                Ok(Ok(Err(failure))) => {
                    answer(format_args!("no {failure}"));
                    ExitCode::SUCCESS
                }
                _ => {
                    answer("no it panicked");
                    ExitCode::FAILURE
                }
            }
        }
        _ => {
            eprintln!("usage: list | worker NAME SIZE PLACE ROLE CORE");
            ExitCode::FAILURE
        }
    }
}

fn answer(line: impl Display) {
    let mut out = io::stdout().lock();
    // Nobody there to read it: the next read of an order says so too.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

fn serve<P: Peer<W>, const W: usize>(place: &Place, role: Role) -> Outcome<()> {
    let mut bench = match role {
        Role::Nothing => None,
        Role::Create => Some(Bench::new(P::create(place)?, None)),
        Role::Open => Some(Bench::new(P::open(place)?, None)),
        // Each creates what it writes, since some have one writer, who is the creator. The first opens the second's
        // when the game begins.
        Role::CreatePair => Some(Bench::new(P::create(&place.with("there"))?, None)),
        Role::OpenPair => {
            let there = P::open(&place.with("there"))?;
            Some(Bench::new(P::create(&place.with("back"))?, Some(there)))
        }
    };
    answer("ready");
    for order in io::stdin().lock().lines() {
        let order = order?;
        match obey::<P, W>(bench.as_mut(), place, &order) {
            Ok(numbers) => {
                let mut line = "ok".to_owned();
                for number in numbers {
                    line.push_str(&format!(" {number}"));
                }
                answer(line);
            }
            Err(failure) => answer(format_args!("no {failure}")),
        }
    }
    Ok(())
}

fn obey<P: Peer<W>, const W: usize>(
    bench: Option<&mut Bench<P, W>>,
    place: &Place,
    order: &str,
) -> Outcome<Vec<f64>> {
    let words = order.split(' ').collect::<Vec<_>>();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
    let number = |at| number(at).ok_or_else(|| crate::failed(format!("no number in `{order}`")));
    match (words[0], bench) {
        ("lifecycle", _) => crate::cost::lifecycle::<P, W>(place, number(1)?),
        ("footprint", _) => crate::cost::footprint::<P, W>(place, number(1)?),
        ("time", Some(bench)) => bench.time(words[1], number(2)?),
        ("write-for", Some(bench)) => bench.write_for(number(1)?, number(2)?),
        ("read-for", Some(bench)) => bench.read_for(number(1)?, number(2)?),
        ("latency-for", Some(bench)) => bench.latency_for(number(1)?, number(2)?),
        ("crowd", Some(bench)) => bench.crowd(words[1], number(2)?, number(3)?),
        ("tick", Some(bench)) => bench.tick(number(1)?, number(2)?, number(3)?),
        ("ping", Some(bench)) => bench.ping(place, words[1] == "sleep", number(2)?),
        ("pong", Some(bench)) => bench.pong(words[1] == "sleep"),
        ("probe-read", Some(bench)) => bench.probe_read(),
        ("probe-write", Some(bench)) => bench.probe_write(),
        ("stop-writing", Some(bench)) => bench.peer.stop_writing(stop).map(|()| vec![]),
        ("stop-reading", Some(bench)) => bench.peer.stop_reading(stop).map(|()| vec![]),
        ("write-for-ever", Some(bench)) => bench.write_for_ever(|| answer("ok")),
        ("read-for-ever", Some(bench)) => bench.read_for_ever(|| answer("ok")),
        _ => Err(Failure::Failed(format!("no such order: `{order}`").into())),
    }
}

/// Says that the middle was reached, and stays there until it is killed.
fn stop() {
    answer("ok");
    os::pause_for_ever();
}
