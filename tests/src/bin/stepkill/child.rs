//! What the processes do that are killed.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use shmem_core::{Error, Lifetime, Payload, SharedObject, WriteGuard};
use tests::Small;

use crate::broken;
use crate::object::{Counters, ITEMS, Kind, Object};
use crate::operations::{NEW, NEWER, OLD, ONE, OTHER_ONE, Operation, SPOILT, Scene, Victim};
use crate::tracer::{marker, trace_me};

/// Prepares, performs the operation between two markers, and is killed somewhere.
pub(crate) fn perform(operation: &Operation, scene: Scene) {
    let maker = operation.maker(scene);
    match operation.does {
        "create" | "create_array" => drop(traced(|| maker.create(NEW).unwrap())),
        "open" | "join" => drop(traced(|| maker.open().unwrap())),
        "open_stale" => drop(traced(|| maker.open().unwrap_err())),
        "open_read_only" => drop(traced(|| maker.open_read_only().unwrap())),
        "open_or_create_fresh"
        | "open_or_create_stale"
        | "open_or_create_join"
        | "open_or_create_array" => {
            drop(traced(|| maker.open_or_create(NEW).unwrap()));
        }
        // Another may have removed it, and was killed.
        "remove" => drop(traced(|| shmem_core::remove(operation.location()))),
        "prune" => drop(traced(|| shmem_core::prune().unwrap())),
        "list" => drop(traced(|| shmem_core::list().unwrap())),
        "close_last" | "close_not_last" => {
            let object = maker.open().unwrap();
            traced(|| drop(object));
        }
        "close_changed" => {
            let object = maker.open().unwrap();
            object.replace(Duration::MAX, OLD).unwrap();
            traced(|| drop(object));
        }
        "broken_write" => past(operation, broken::write),
        "broken_item" => past(operation, broken::item),
        "broken_record" => past(operation, broken::record),
        "broken_in_place" => past(operation, broken::in_place),
        "broken_create" => drop(traced(broken::create)),
        _ => match &maker.open().unwrap() {
            Object::Value(object) => value(operation, object),
            Object::Array(object) => array(operation, object),
            Object::Counted(object) => using(object, |object| match operation.does {
                "count" => {
                    let guard = object.read().unwrap();
                    guard.hits.fetch_add(1, Ordering::Relaxed);
                }
                _ => any(operation, object),
            }),
        },
    }
    unreachable!("killed at the second marker at the latest");
}

/// What one does with a value only.
fn value(operation: &Operation, object: &SharedObject<Small>) {
    match operation.does {
        "flush" => {
            object.store(Small::new(OLD)).unwrap();
            using(object, |object| object.flush().unwrap());
        }
        "load" => using(object, |object| assert!(object.load().unwrap().is_whole())),
        "store" => using(object, |object| {
            object.store(Small::new(NEW)).unwrap();
        }),
        "update" => using(object, |object| {
            object.update(|value| value.set(NEW)).unwrap();
        }),
        _ => using(object, |object| any(operation, object)),
    }
}

/// What one does with an array only.
fn array(operation: &Operation, object: &SharedObject<[Small]>) {
    let new = Small::new(NEW);
    match operation.does {
        "flush" => {
            object.write().unwrap().set_all(OLD);
            using(object, |object| object.flush().unwrap());
        }
        "load_at" => using(object, |object| {
            assert!(object.load_at(ONE).unwrap().is_whole());
        }),
        "load_range" => using(object, |object| {
            let mut items = [new; ITEMS];
            object.load_range(0, &mut items).unwrap();
            items.counters().unwrap();
        }),
        "store_at" => using(object, |object| {
            object.store_at(ONE, new).unwrap();
        }),
        "store_other" => using(object, |object| {
            object.store_at(OTHER_ONE, Small::new(NEWER)).unwrap();
        }),
        "update_at" => using(object, |object| {
            object.update_at(ONE, |item| item.set(NEW)).unwrap();
        }),
        // The one before may have left it half-changed.
        "try_store_at" => using(object, |object| match object.store_at(ONE, new) {
            Ok(_) | Err(Error::Poisoned { .. }) => {}
            other => panic!("{other:?}"),
        }),
        _ => using(object, |object| any(operation, object)),
    }
}

/// What one does with whatever there is.
fn any<P: ?Sized + Payload + Counters>(operation: &Operation, object: &SharedObject<P>) {
    let version = object.version();
    match operation.does {
        "read" => {
            object.read().unwrap().counters().unwrap();
        }
        "local_read" => {
            let reader = object.local().unwrap();
            reader.read().unwrap().counters().unwrap();
        }
        "try_read" => match object.read() {
            Ok(guard) => drop(guard.counters().unwrap()),
            Err(Error::Poisoned { .. }) => {}
            Err(other) => panic!("{other}"),
        },
        "flush_only" => object.flush().unwrap(),
        "wait_timeout" => {
            let error = object.wait(version, Duration::from_millis(30)).unwrap_err();
            assert!(matches!(error, Error::TimedOut { .. }));
        }
        "wait_woken" => {
            object.wait(version, Duration::from_secs(10)).unwrap();
        }
        "write_commit" | "write_drop" | "write_discard" | "panic" => write(operation, object),
        other => panic!("no such operation: {other}"),
    }
}

fn write<P: ?Sized + Payload + Counters>(operation: &Operation, object: &SharedObject<P>) {
    let mut guard = object.write().unwrap();
    match operation.victim {
        Victim::Anywhere(_) => {}
        victim => assert_eq!(WriteGuard::recovered(&guard), victim == Victim::Writer),
    }
    match operation.does {
        "panic" => {
            let changing = AssertUnwindSafe(|| {
                let mut guard = guard;
                guard.spoil_all(SPOILT);
                // Past the hook: nothing is printed.
                resume_unwind(Box::new(()));
            });
            assert!(catch_unwind(changing).is_err());
            return;
        }
        _ => guard.set_all(NEW),
    }
    match operation.does {
        "write_drop" => drop(guard),
        "write_discard" => WriteGuard::discard(guard),
        _ => {
            WriteGuard::commit(guard);
        }
    }
}

fn using<P: ?Sized + Payload>(object: &SharedObject<P>, operation: impl FnOnce(&SharedObject<P>)) {
    // The first look at the clock searches for it: 1,700 instructions that are not ours.
    black_box(object.age());
    traced(|| operation(black_box(object)));
}

/// Runs what breaks the protocol.
fn past(operation: &Operation, breaks: impl FnOnce(&broken::Mapped)) {
    let mapped = broken::Mapped::new(&operation.path());
    traced(|| breaks(&mapped));
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
    let ready = || {
        println!("ready");
        std::thread::sleep(Duration::from_secs(60));
    };
    if let Some(name) = what.strip_prefix("leave-") {
        let options = operation.options(scene).lifetime(Lifetime::WhileOpen);
        let _object = options.create(name, Small::new(OLD)).unwrap();
        ready();
        return;
    }
    let options = operation.options::<Small>(scene);
    let handles: Vec<_> = (0..operation.victims())
        .map(|_| options.open(operation.location()).unwrap())
        .collect();
    let reads = operation.kind == Kind::Copies;
    let readers = handles.iter().filter(|_| reads);
    let readers: Vec<_> = readers.map(|handle| handle.read()).collect();
    let mut guard = handles[0].write().unwrap();
    guard.spoil(SPOILT);
    ready();
    drop((readers, guard));
}
