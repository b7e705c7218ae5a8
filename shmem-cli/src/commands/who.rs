//! `shmem who`.

use std::collections::HashMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use shmem_core::{Participant, Version, participants};

use crate::args::{Global, Who};
use crate::failure::Result;
use crate::place::{location, reader};
use crate::print::{self, BOLD, Cell, DIM, GOOD, NAME, WARN, harmless};

/// How long to sleep between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// What is held: a buffer with a version by a handle, or the lock.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Held {
    Buffer {
        handle: u32,
        buffer: u32,
        version: Version,
    },
    Lock {
        handle: u32,
    },
}

pub(crate) fn who(global: &Global, args: &Who) -> Result<()> {
    let at = location(global, &args.object)?;
    let reader = reader(global, &args.object)?;
    let start = Instant::now();
    // When each was first seen, without a gap since.
    let mut since: HashMap<Held, Instant> = HashMap::new();
    let all = loop {
        let all = participants(&at)?;
        let now = Instant::now();
        since = all
            .iter()
            .flat_map(held)
            .map(|held| (held, *since.get(&held).unwrap_or(&now)))
            .collect();
        if start.elapsed() >= args.sample {
            break all;
        }
        thread::sleep(PAUSE);
    };
    let current = reader.version();
    let age = |held: &Held| since.get(held).map_or(Duration::ZERO, Instant::elapsed);
    if global.json {
        return print::json(&all.iter().map(|one| document(one, current, &age)).collect());
    }
    let titles = ["HANDLE", "PROCESS", "PROGRAM", "LAST WRITER", "HOLDS"];
    let mut rows = vec![titles.map(|text| Cell::new(text).style(BOLD)).to_vec()];
    for one in &all {
        let last = if one.published {
            Cell::new("yes").style(GOOD)
        } else {
            Cell::new("")
        };
        let mut holds = holdings(one, current, &age).into_iter();
        let first = holds
            .next()
            .unwrap_or_else(|| Cell::new("nothing").style(DIM));
        rows.push(vec![
            Cell::number(one.handle.to_string()),
            Cell::number(one.process.to_string()),
            Cell::new(program(one.process)).style(NAME),
            last,
            first,
        ]);
        let empty = || Cell::new("");
        rows.extend(holds.map(|cell| vec![empty(), empty(), empty(), empty(), cell]));
    }
    print::table(&rows)
}

fn held(one: &Participant) -> Vec<Held> {
    let handle = one.handle;
    let buffers = one.pins.iter().map(|pin| Held::Buffer {
        handle,
        buffer: pin.buffer,
        version: pin.version,
    });
    let lock = one.writes.then_some(Held::Lock { handle });
    buffers.chain(lock).collect()
}

fn holdings(one: &Participant, current: Version, age: &impl Fn(&Held) -> Duration) -> Vec<Cell> {
    let describe = |held: &Held| {
        let time = match age(held) {
            Duration::ZERO => String::new(),
            time => format!(" for {} at least", print::time(time)),
        };
        match *held {
            Held::Lock { .. } => format!("the write lock{time}"),
            Held::Buffer {
                buffer, version, ..
            } => {
                let pin = one.pins.iter().find(|pin| pin.buffer == buffer);
                let guards = pin.map_or(0, |pin| pin.guards);
                let guards = if guards == 1 {
                    "1 guard".to_owned()
                } else {
                    format!("{guards} guards")
                };
                let behind = match current.0.saturating_sub(version.0) {
                    0 => "current".to_owned(),
                    behind => format!("{behind} behind"),
                };
                format!("buffer {buffer}{time}: {guards} of version {version}, {behind}")
            }
        }
    };
    let held = held(one);
    held.iter()
        .map(|held| Cell::new(describe(held)).style(WARN))
        .collect()
}

fn document(one: &Participant, current: Version, age: &impl Fn(&Held) -> Duration) -> Json {
    let pins = one.pins.iter().map(|pin| {
        let held = Held::Buffer {
            handle: one.handle,
            buffer: pin.buffer,
            version: pin.version,
        };
        json!({
            "buffer": pin.buffer,
            "guards": pin.guards,
            "version": pin.version.0,
            "behind": current.0.saturating_sub(pin.version.0),
            "seconds_at_least": age(&held).as_secs_f64(),
        })
    });
    let lock = Held::Lock { handle: one.handle };
    json!({
        "handle": one.handle,
        "process": one.process,
        "program": program(one.process),
        "last_writer": one.published,
        "writes": one.writes,
        "writes_seconds_at_least": one.writes.then(|| age(&lock).as_secs_f64()),
        "pins": pins.collect::<Vec<_>>(),
    })
}

/// The name of a process of this id, which may be another one if that of the object is in a container.
fn program(process: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{process}/comm"));
    name.map_or_else(|_| "?".to_owned(), |name| harmless(name.trim_end()))
}
