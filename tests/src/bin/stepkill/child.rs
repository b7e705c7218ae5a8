//! What the processes do that are killed.

use std::hint::black_box;
use std::time::Duration;

use shmem_core::{Error, Lifetime, SharedObject, WriteGuard};
use tests::Small;

use crate::broken;
use crate::operations::{NAME, NEW, OLD, Operation, SPOILT, Scene, Victim, options};
use crate::tracer::{marker, trace_me};

/// Prepares, performs the operation between two markers, and is killed somewhere.
pub(crate) fn perform(operation: &Operation, scene: Scene) {
    let options = options(operation, scene);
    let open = || options.open(NAME).unwrap();
    let new = Small::new(NEW);
    match operation.does {
        "create" => drop(traced(|| options.create(NAME, new).unwrap())),
        "open" | "join" => drop(traced(|| options.open(NAME).unwrap())),
        "open_stale" => drop(traced(|| options.open(NAME).unwrap_err())),
        "open_read_only" => drop(traced(|| options.open_read_only(NAME).unwrap())),
        "open_or_create_fresh" | "open_or_create_stale" | "open_or_create_join" => {
            drop(traced(|| options.open_or_create(NAME, new).unwrap()));
        }
        "read" => using(open(), |object| {
            assert_eq!(object.read().unwrap().counter, OLD);
        }),
        "load" => using(open(), |object| {
            assert_eq!(object.load().unwrap().counter, OLD);
        }),
        "write_commit" | "write_drop" | "write_discard" => {
            using(open(), |object| write(operation, object));
        }
        "store" => using(open(), |object| {
            object.store(new).unwrap();
        }),
        "update" => using(open(), |object| {
            object.update(|value| value.set(NEW)).unwrap();
        }),
        "wait_timeout" => using(open(), |object| {
            let version = object.version();
            let error = object.wait(version, Duration::from_millis(30)).unwrap_err();
            assert!(matches!(error, Error::TimedOut { .. }));
        }),
        "wait_woken" => using(open(), |object| {
            let version = object.version();
            object.wait(version, Duration::from_secs(10)).unwrap();
        }),
        "close_last" | "close_not_last" => {
            let object = open();
            traced(|| drop(object));
        }
        // Another may have removed it, and was killed.
        "remove" => drop(traced(|| shmem_core::remove(NAME))),
        "prune" => drop(traced(|| shmem_core::prune().unwrap())),
        "list" => drop(traced(|| shmem_core::list().unwrap())),
        "broken_write" => {
            let object = open();
            let raw = broken::InPlace::new();
            traced(|| raw.write());
            drop(object);
        }
        "broken_create" => drop(traced(broken::create)),
        other => panic!("no such operation: {other}"),
    }
    unreachable!("killed at the second marker at the latest");
}

fn write(operation: &Operation, object: &SharedObject<Small>) {
    let mut guard = object.write().unwrap();
    match operation.victim {
        Victim::Anywhere(_) => {}
        victim => assert_eq!(WriteGuard::recovered(&guard), victim == Victim::Writer),
    }
    guard.set(NEW);
    match operation.does {
        "write_drop" => drop(guard),
        "write_discard" => WriteGuard::discard(guard),
        _ => {
            WriteGuard::commit(guard);
        }
    }
}

fn using(object: SharedObject<Small>, operation: impl FnOnce(&SharedObject<Small>)) {
    // The first look at the clock searches for it: 1,700 instructions that are not ours.
    black_box(object.age());
    traced(|| operation(black_box(&object)));
    drop(object);
}

/// Runs what is to be killed.
fn traced<R>(operation: impl FnOnce() -> R) -> R {
    trace_me();
    marker();
    let result = black_box(operation());
    marker();
    result
}

/// The process that is killed before the operation begins: opens and locks as it is told, then sleeps.
pub(crate) fn fall_victim(operation: &Operation, scene: Scene, what: &str) {
    let options = options(operation, scene);
    let ready = || {
        println!("ready");
        std::thread::sleep(Duration::from_secs(60));
    };
    if let Some(name) = what.strip_prefix("leave-") {
        let options = options.lifetime(Lifetime::WhileOpen);
        let _object = options.create(name, Small::new(OLD)).unwrap();
        ready();
        return;
    }
    let handles: Vec<_> = (0..operation.victims())
        .map(|_| options.open(NAME).unwrap())
        .collect();
    let readers: Vec<_> = handles.iter().map(|handle| handle.read()).collect();
    let mut guard = handles[0].write().unwrap();
    guard.spoil(SPOILT);
    ready();
    drop((readers, guard));
}
