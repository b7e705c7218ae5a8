//! A reader of one thread borrows as every handle does: its guards keep what they see, and nothing once it is dead.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{Error, LocalGuard, LocalReader, Shared, SharedObject, Version};
use tests::{Cleanup, Peer, Small, eventually, variant};

const PEER: &str = env!("CARGO_BIN_EXE_peer");
/// How long readers and a writer run against each other.
const RUN: Duration = Duration::from_secs(2);

fn create(name: &str) -> SharedObject<Small> {
    Small::create(name, Small::new(1)).unwrap()
}

fn refused<T>(result: shmem_core::Result<T>) -> String {
    match result {
        Ok(_) => "no error".into(),
        Err(error) => variant(&error),
    }
}

#[test]
fn a_guard_keeps_what_it_saw() {
    let name = Cleanup::new("local");
    let object = create(&name);
    let reader = object.local().unwrap();
    let old = reader.read().unwrap();
    for next in 2..30 {
        object.store(Small::new(next)).unwrap();
        assert_eq!(*old, Small::new(1));
        assert_eq!(LocalGuard::version(&old), Version(1));
        let new = reader.read().unwrap();
        assert_eq!(*new, Small::new(next));
        assert_eq!(LocalGuard::version(&new), reader.version());
        assert_eq!(*reader.try_read().unwrap(), Small::new(next));
    }
}

#[test]
fn guards_keep_buffers_from_writers_until_they_drop() {
    let name = Cleanup::new("local-buffers");
    let object = create(&name);
    assert_eq!(object.info().buffers, 4);
    let reader = object.local().unwrap();
    assert_eq!(object.info().handles, Some(2));
    let mut held = Vec::new();
    for next in 2..5 {
        // Two of each: the second to go gives the buffer back.
        held.push([reader.read().unwrap(), reader.read().unwrap()]);
        object.store(Small::new(next)).unwrap();
    }
    let error = object.try_write().unwrap_err();
    let process = format!("(process {})", std::process::id());
    assert!(error.to_string().contains(&process), "{error}");
    let [one, two] = held.pop().unwrap();
    drop(one);
    assert_eq!(refused(object.try_write()), "Busy");
    drop(two);
    object.store(Small::new(5)).unwrap();
    for (counter, [one, two]) in (1..).zip(&held) {
        assert_eq!([**one, **two], [Small::new(counter); 2]);
    }
    drop(held);
    for next in 6..30 {
        object.store(Small::new(next)).unwrap();
    }
    drop(reader);
    assert_eq!(object.info().handles, Some(1));
}

#[test]
fn a_reader_that_was_killed_keeps_nothing() {
    let name = Cleanup::new("local-killed");
    let options = Small::options().buffers(2);
    let object = options.create(&*name, Small::new(1)).unwrap();
    let reader = Peer::spawn(PEER, &["kills", "join", &name, "local"]);
    object.store(Small::new(2)).unwrap();
    assert_eq!(refused(object.try_write()), "Busy", "version 1 is held");
    reader.kill();
    for next in 3..20 {
        object.store(Small::new(next)).unwrap();
    }
    assert_eq!(object.info().handles, Some(1));
}

#[test]
fn it_opens_this_object_and_no_other() {
    let name = Cleanup::new("local-replaced");
    let object = create(&name);
    let reader = object.local().unwrap();
    shmem_core::remove(&*name).unwrap();
    assert_eq!(refused(object.local()), "Removed");
    assert_eq!(
        *reader.read().unwrap(),
        Small::new(1),
        "what it has open stays"
    );
    let other = Small::create(&*name, Small::new(7)).unwrap();
    assert_eq!(refused(object.local()), "Removed");
    assert_eq!(*other.local().unwrap().read().unwrap(), Small::new(7));
}

#[test]
fn it_may_be_sent_to_the_thread_that_uses_it() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    fn sync<T: Sync>(value: T) -> T {
        value
    }
    let name = Cleanup::new("local-threads");
    let object = create(&name);
    let reader: LocalReader<Small> = send(object.local().unwrap());
    thread::scope(|scope| {
        scope.spawn(move || {
            let guard = sync(reader.read().unwrap());
            // Others may look through a guard, which stays here.
            thread::scope(|scope| {
                scope.spawn(|| assert_eq!(*guard, Small::new(1)));
            });
        });
    });
}

#[test]
fn readers_and_a_writer_at_full_speed() {
    let name = Cleanup::new("local-speed");
    let options = Small::options().buffers(3);
    let object = options.create(&*name, Small::new(0)).unwrap();
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let reader = object.local().unwrap();
                let stop = &stop;
                scope.spawn(move || {
                    let (mut last, mut reads) = (0, 0_u64);
                    while !stop.load(Ordering::Relaxed) {
                        let guard = reader.read().unwrap();
                        assert!(guard.is_whole());
                        assert_eq!(guard.counter + 1, LocalGuard::version(&guard).0);
                        assert!(guard.counter >= last);
                        last = guard.counter;
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        while start.elapsed() < RUN && readers.iter().all(|reader| !reader.is_finished()) {
            object.update(|value| value.set(value.counter + 1)).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
    assert!(object.version() > Version(1));
}

#[test]
fn in_place_it_shares_with_readers_and_excludes_writers() {
    let name = Cleanup::new("local-in-place");
    let object = Small::options()
        .buffers(1)
        .create(&*name, Small::new(1))
        .unwrap();
    let reader = object.local().unwrap();
    let guard = reader.read().unwrap();
    assert_eq!(refused(object.try_write()), "Busy");
    assert_eq!(*object.read().unwrap(), Small::new(1));
    // Whoever has a guard gets another, while a writer waits for the first.
    let other = Small::open(&*name).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut value = object.write_timeout(tests::DEADLINE)?;
            value.set(2);
            Ok::<_, Error>(())
        });
        eventually("the writer keeps readers out", || {
            refused(other.try_read()) == "Busy"
        });
        assert_eq!(*reader.read().unwrap(), Small::new(1));
        drop(guard);
        writer.join().unwrap().unwrap();
    });
    assert_eq!(*object.local().unwrap().read().unwrap(), Small::new(2));

    let mut writer = Peer::spawn(PEER, &["session"]);
    writer.expect(format!("open {name}", name = &*name), "open");
    writer.expect("write", "2 recovered false");
    writer.expect("spoil 9", "done");
    let reader = object.local().unwrap();
    assert_eq!(refused(reader.try_read()), "Busy");
    writer.kill();
    assert!(matches!(reader.read(), Err(Error::Poisoned { .. })));
    object.store(Small::new(3)).unwrap();
    assert_eq!(*reader.read().unwrap(), Small::new(3));
}

#[test]
fn an_array_is_borrowed_as_a_slice() {
    let name = Cleanup::new("local-array");
    let levels = u32::create_array(&*name, 5, 1).unwrap();
    let reader = levels.local().unwrap();
    levels.store_at(4, 38).unwrap();
    assert_eq!(reader.read().unwrap().iter().sum::<u32>(), 42);
}
