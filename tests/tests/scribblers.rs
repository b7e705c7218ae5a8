//! A program that may write an object and keeps writing nonsense all over it, while others use it in every way:
//! each call ends, in a value or in an error that has a name.
//!
//! `scribbled.rs` has each kind of nonsense by itself, and standing still.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{
    FixedOption, FixedStr, FixedVec, Lifetime, Result, Shared, SharedObject, SharedReader, Version,
    list, prune, remove, schema,
};
use tests::{Alone, Peer, Random, alone, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");
const NAME: &str = "scribblers";

/// For one call, on a machine with other things to do.
const AT_MOST: Duration = Duration::from_secs(10);

/// How long the nonsense goes on, for each size of a value and lifetime.
const ROUND: Duration = Duration::from_millis(1500);

const SHORT: Duration = Duration::from_micros(100);

/// With lengths, tags and bytes that may not be just anything.
#[derive(Shared, Clone, Copy, Debug)]
#[repr(C)]
struct Payload<const N: usize> {
    name: FixedStr<28>,
    list: FixedVec<u32, N>,
    maybe: FixedOption<u64>,
    letter: char,
    armed: bool,
    gear: Gear,
    rest: [u8; 2],
}

#[derive(Shared, Clone, Copy, Debug)]
#[repr(u8)]
enum Gear {
    Neutral = 0,
    Reverse = 255,
}

impl<const N: usize> Payload<N> {
    fn number(n: u64) -> Self {
        let mut list = FixedVec::new();
        for i in 0..n % (N as u64 + 1) {
            list.push(u32::try_from(i).unwrap()).unwrap();
        }
        Payload {
            name: FixedStr::literal("übermütig"),
            list,
            maybe: FixedOption::some(n),
            letter: 'ß',
            armed: true,
            gear: if n % 2 == 0 {
                Gear::Neutral
            } else {
                Gear::Reverse
            },
            rest: [7; 2],
        }
    }
}

/// What came of the calls, and how often.
#[derive(Default)]
struct Told(Mutex<BTreeMap<(&'static str, String), u64>>);

impl Told {
    /// Notes what came of a call. A value is printed: a length that is none would show.
    fn note<R: std::fmt::Debug>(&self, what: &'static str, call: impl FnOnce() -> Result<R>) {
        let start = Instant::now();
        let result = call();
        let took = start.elapsed();
        assert!(took < AT_MOST, "{what}: {took:?}");
        let said = outcome(match result {
            Ok(value) => {
                drop(format!("{value:?}"));
                Ok(())
            }
            Err(error) => {
                assert!(error.to_string().contains(NAME), "{what}: {error}");
                Err(error)
            }
        });
        let known = [
            "Ok",
            "AlreadyExists",
            "Busy",
            "Corrupt",
            "InvalidValue",
            "NotFound",
            "Removed",
            "TimedOut",
            "TooManyHandles",
            "WouldDeadlock",
        ];
        assert!(known.contains(&said.as_str()), "{what}: {said}");
        *self.0.lock().unwrap().entry((what, said)).or_default() += 1;
    }

    fn count(&self, what: &str, said: &str) -> u64 {
        let told = self.0.lock().unwrap();
        let found = told.iter().filter(|((w, s), _)| *w == what && s == said);
        found.map(|(_, count)| count).sum()
    }
}

/// Everything that can be called on a handle. `store`, `write` and `update` wait for whoever holds the lock, which
/// is another every few microseconds.
fn use_handle<const N: usize>(object: &SharedObject<Payload<N>>, told: &Told, n: u64) {
    let value = Payload::number(n);
    told.note("load", || object.load());
    told.note("load_boxed", || object.load_boxed());
    let mut into = value;
    told.note("load_into", || object.load_into(&mut into).map(|_| ()));
    // Behind a guard the nonsense goes on, so nothing is read there.
    told.note("read", || object.read().map(drop));
    told.note("try_write", || object.try_write().map(drop));
    told.note("write_timeout", || {
        let guard = object.write_timeout(SHORT);
        guard.map(|mut guard| *guard = value)
    });
    told.note("write", || object.write().map(|mut guard| *guard = value));
    told.note("store", || object.store(value));
    told.note("update", || object.update(|place| *place = value));
    for after in [Version(0), object.version(), Version(u64::MAX)] {
        told.note("wait", || object.wait(after, SHORT));
    }
    told.note("reopen", || object.reopen().map(drop));
    told.note("flush", || object.flush());
    told.note("nothing", || {
        let text = format!("{object:?} {:?} {:?}", object.info(), object.age());
        Ok((text, object.is_current()))
    });
}

fn use_reader<const N: usize>(reader: &SharedReader<Payload<N>>, told: &Told) {
    told.note("read-only load", || reader.load());
    told.note("read-only load_boxed", || reader.load_boxed());
    told.note("read-only wait", || reader.wait(reader.version(), SHORT));
    told.note("nothing", || {
        let text = format!("{reader:?} {:?} {:?}", reader.info(), reader.age());
        Ok((text, reader.is_current()))
    });
}

/// Opens and closes under the name, which is given back whenever an opener has been made to take it away.
fn come_and_go<const N: usize>(path: &Path, backup: &Path, told: &Told, n: u64) {
    drop(fs::hard_link(backup, path));
    told.note("open", || Payload::<N>::open(NAME).map(drop));
    told.note("open, use, close", || {
        let object = Payload::<N>::open(NAME)?;
        told.note("load", || object.load());
        told.note("store", || object.store(Payload::number(n)));
        Ok(())
    });
    told.note("open_read_only", || {
        let reader = Payload::<N>::open_read_only(NAME)?;
        use_reader(&reader, told);
        Ok(())
    });
    told.note("schema", || schema(NAME).map(|schema| schema.size()));
    told.note("list", || list().map(|all| all.len()));
    told.note("prune", prune);
    if n % 16 == 0 {
        told.note("remove", || remove(NAME));
    }
}

fn scribbled_while_used<const N: usize>(alone: &Alone, lifetime: Lifetime) {
    let options = Payload::<N>::options().lifetime(lifetime);
    let options = options.max_handles(8).buffers(3);
    let object = options.create(NAME, Payload::number(1)).unwrap();
    let reader = Payload::<N>::open_read_only(NAME).unwrap();
    let path = alone.home().join(NAME);
    // Where no sweep comes by.
    let backup = alone.parent().join("backup");
    fs::hard_link(&path, &backup).unwrap();
    let mut random = Random::new();
    println!("SHMEM_SEED={}", random.seed());
    let seed = random.below(u32::MAX).to_string();
    let scribbler = Peer::spawn(PEER, &["scribble", path.to_str().unwrap(), &seed]);

    let told = Told::default();
    let end = AtomicBool::new(false);
    let until_the_end = |each: &(dyn Fn(u64) + Sync)| {
        let mut n = 0;
        while !end.load(Ordering::Relaxed) {
            n += 1;
            each(n);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| until_the_end(&|n| use_handle(&object, &told, n)));
        scope.spawn(|| until_the_end(&|n| use_handle(&object, &told, n)));
        scope.spawn(|| until_the_end(&|n| come_and_go::<N>(&path, &backup, &told, n)));
        scope.spawn(|| until_the_end(&|_| use_reader(&reader, &told)));
        thread::sleep(ROUND);
        end.store(true, Ordering::Relaxed);
        // The scribbler goes last: a lock that seems to be held by one of these would be waited for.
    });
    scribbler.kill();

    // It was there, and there was something to be had all the same.
    for what in ["load", "read", "store", "open", "read-only load"] {
        assert_ne!(told.count(what, "Ok"), 0, "{what}");
    }
    assert_ne!(told.count("load", "InvalidValue"), 0);
    assert_ne!(told.count("read", "Corrupt"), 0);
    for ((what, said), count) in told.0.lock().unwrap().iter() {
        println!("{what:<22} {said:<16} {count}");
    }
    // Nothing lasts: the name can be had again.
    drop(fs::remove_file(&path));
    drop((object, reader));
    let fresh = options.create(NAME, Payload::number(3)).unwrap();
    assert_eq!(fresh.load().unwrap().list.len(), 3);
}

#[test]
fn a_small_value() {
    const { assert!(size_of::<Payload<8>>() <= 512) };
    alone(|alone| scribbled_while_used::<8>(alone, Lifetime::Keep));
}

#[test]
fn a_long_value() {
    const { assert!(size_of::<Payload<200>>() > 512) };
    alone(|alone| scribbled_while_used::<200>(alone, Lifetime::WhileOpen));
}
