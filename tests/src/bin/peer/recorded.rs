//! `peer recorded <path> <size> <steps…>`: obeys a script on a value of that many bytes, and marks where it is.
//!
//! Steps: `set=N` publishes; `begin=N` changes half of the value under a guard that `commit` and `discard` end;
//! `pin` takes a guard to read by, `unpin` drops it; `flush`; `die`, without closing anything.
//!
//! With `array` for the size, of an array of such values of 64 bytes: `item3=N` publishes one, `set=N` all of them;
//! `begin=N` changes half of them under a guard, which `die` leaves.

use std::path::Path;

use shmem_core::{Shared, WriteGuard};
use tests::Checked;
use tests::recorder::{Mark, mark};

pub(crate) fn run(args: &[&str]) {
    let [path, size, script @ ..] = args else {
        panic!("a path, a size and a script")
    };
    match *size {
        "64" => obey::<6>(path, script),
        "1024" => obey::<126>(path, script),
        "4096" => obey::<510>(path, script),
        "array" => obey_items(path, script),
        other => panic!("no value of {other} bytes"),
    }
    // Steps of closing would only take time.
    std::process::exit(0);
}

fn obey<const WORDS: usize>(path: &str, script: &[&str]) {
    let object = Checked::<WORDS>::open(Path::new(path)).expect("the object");
    let mut writer: Option<WriteGuard<'_, Checked<WORDS>>> = None;
    let mut readers = Vec::new();
    for step in script {
        mark(Mark::Step);
        let (what, number) = step.split_once('=').unwrap_or((step, "0"));
        let number: u64 = number.parse().expect("a number");
        match what {
            "set" => {
                let mut guard = object.write().expect("the lock");
                guard.set(number);
                WriteGuard::commit(guard);
            }
            "begin" => {
                let mut guard = object.write().expect("the lock");
                guard.counter = number;
                writer = Some(guard);
            }
            "commit" => {
                let mut guard = writer.take().expect("a guard");
                let number = guard.counter;
                guard.set(number);
                WriteGuard::commit(guard);
            }
            "discard" => WriteGuard::discard(writer.take().expect("a guard")),
            "pin" => readers.push(object.read().expect("a guard")),
            "unpin" => readers.clear(),
            "flush" => {
                mark(Mark::Flushing);
                object.flush().expect("a disk");
                mark(Mark::Flushed);
            }
            "die" => std::process::exit(0),
            other => panic!("no such step: {other}"),
        }
    }
    mark(Mark::Step);
    std::process::exit(0);
}

fn obey_items(path: &str, script: &[&str]) {
    let array = Checked::<6>::open_array(Path::new(path)).expect("the array");
    let half = array.len() / 2;
    let mut writer = None;
    for step in script {
        mark(Mark::Step);
        let (what, number) = step.split_once('=').unwrap_or((step, "0"));
        let number: u64 = number.parse().expect("a number");
        match what {
            "set" | "begin" => {
                let mut guard = array.write().expect("the lock");
                let most = if what == "set" { array.len() } else { half };
                for item in &mut guard[..most] {
                    item.set(number);
                }
                if what == "begin" {
                    writer = Some(guard);
                } else {
                    WriteGuard::commit(guard);
                }
            }
            "flush" => {
                mark(Mark::Flushing);
                array.flush().expect("a disk");
                mark(Mark::Flushed);
            }
            "die" => std::process::exit(0),
            item => {
                let index = item
                    .strip_prefix("item")
                    .and_then(|index| index.parse().ok());
                let index = index.expect("a step");
                array.store_at(index, Checked::new(number)).expect("room");
            }
        }
    }
    mark(Mark::Step);
    drop(writer);
    std::process::exit(0);
}
