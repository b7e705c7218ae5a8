//! The protocol's own files in every order that the memory model allows.
//!
//! A thread is a process with a handle of its own. What is shipped is what runs: `SharedObject`, guards, lock,
//! cell, notify, participant; only memory and system are the models beside this file. A read that is not in
//! order with a write fails, whether or not it would have seen half of it; so does a waiter that sleeps for
//! ever, since in the model no wait times out.
//!
//! Each mutation of the protocol has one of these tests to catch it: the table is in
//! `tests/src/bin/mutants.rs`.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use crate::cell::{Alone, Counting, Together};
use crate::os::Event;
use crate::sync::Ordering;
use crate::{Error, ReadGuard, Version, WriteGuard};
use crate::{cell, notify};

mod elements;
mod in_place;
mod process;
use process::{Model, Process, in_every_order, process};

fn reader_meets_writer(buffers: u32) {
    in_every_order(None, move || {
        let model = Model::new(buffers, 2);
        let (reader, writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            let (value, version) = reader.read();
            assert_eq!(version, Version(value + 1));
        });
        for _ in 0..buffers {
            writer.increment();
        }
        reading.join().unwrap();
        assert_eq!(
            reader.read(),
            (buffers.into(), Version(u64::from(buffers) + 1))
        );
    });
}

#[test]
fn a_guard_sees_one_version_of_two_buffers() {
    reader_meets_writer(2);
}

#[test]
fn a_guard_sees_one_version_of_three_buffers() {
    reader_meets_writer(3);
}

/// Pin then look, publish then scan, and nothing else.
fn pin_meets_writer<C: Counting>() {
    in_every_order(None, || {
        let model = Model::new(2, 2);
        let (reader, _writer) = (model.open(), model.open());
        let reading = process(&reader, move |reader| {
            let mapping = reader.mapping();
            let row = mapping.row(0).expect("the first row");
            let seen = cell::pin::<C>(mapping.control(), row).expect("a pin");
            assert_eq!(mapping.get_from(seen.buffer()) + 1, seen.version());
            cell::unpin::<C>(row, seen.buffer());
        });
        model.write_as(1);
        reading.join().unwrap();
    });
}

#[test]
fn a_pin_holds_what_was_seen() {
    pin_meets_writer::<Together>();
}

#[test]
fn a_pin_of_one_thread_holds_what_was_seen() {
    pin_meets_writer::<Alone>();
}

#[test]
fn a_guard_sees_one_version_while_two_write() {
    in_every_order(Some(3), || {
        let model = Model::new(2, 3);
        let (reader, one, two) = (model.open(), model.open(), model.open());
        let reading = process(&reader, |reader| {
            reader.read();
        });
        let writing = process(&one, Process::increment);
        two.increment();
        reading.join().unwrap();
        writing.join().unwrap();
        assert_eq!(reader.read(), (2, Version(3)));
    });
}

#[test]
fn a_copy_is_whole_or_thrown_away() {
    in_every_order(None, || {
        let model = Model::new(2, 2);
        let (reader, writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            if let Some((value, version)) = reader.copy() {
                assert_eq!(version, Version(value + 1));
            }
        });
        writer.increment();
        writer.increment();
        reading.join().unwrap();
        assert_eq!(reader.copy(), Some((2, Version(3))));
    });
}

/// Stamp then bytes, bytes then stamp, and nothing else.
#[test]
fn a_copy_holds_what_was_stamped() {
    in_every_order(None, || {
        let model = Model::new(2, 2);
        let (reader, _writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            if let Some((value, version)) = reader.copy() {
                assert_eq!(version, Version(value + 1));
            }
        });
        model.write_as(1);
        reading.join().unwrap();
    });
}

/// A sequence number that counts the changes of a buffer is even again once a writer was killed and its
/// successor has begun.
#[test]
fn a_copy_is_whole_after_a_kill() {
    in_every_order(None, || {
        let model = Model::new(2, 3);
        let (reader, dead, heir) = (model.open(), model.open(), model.open());
        let reading = process(&reader, |reader| {
            if let Some((value, version)) = reader.copy() {
                assert_eq!(version, Version(value + 1));
            }
        });
        heir.increment();
        process(&dead, Process::die_writing).join().unwrap();
        let mut guard = heir.object.try_write().expect("a dead writer's lock");
        heir.add(&mut guard);
        drop(guard);
        reading.join().unwrap();
        assert_eq!(reader.copy(), Some((2, Version(3))));
    });
}

#[test]
fn two_writers_lose_nothing() {
    in_every_order(None, || {
        let model = Model::new(2, 2);
        let (one, two) = (model.open(), model.open());
        let writing = process(&one, Process::increment);
        two.increment();
        writing.join().unwrap();
        assert_eq!(one.read(), (2, Version(3)));
    });
}

#[test]
fn two_threads_of_one_handle_lose_nothing() {
    in_every_order(None, || {
        let model = Model::new(2, 1);
        let handle = model.open();
        let writing = process(&handle, Process::increment);
        handle.increment();
        writing.join().unwrap();
        assert_eq!(handle.read(), (2, Version(3)));
    });
}

/// One wake-up reaches one sleeper: whoever it is must wake the next.
#[test]
fn no_writer_sleeps_for_ever() {
    in_every_order(Some(3), || {
        let model = Model::new(2, 3);
        let (one, two, three) = (model.open(), model.open(), model.open());
        let first = process(&one, Process::increment);
        let second = process(&two, Process::increment);
        three.increment();
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!(one.read(), (3, Version(4)));
    });
}

/// Two take the lock of a dead owner over; one of them gets it first, and finds the change rolled back.
#[test]
fn two_takers_of_a_dead_writers_lock() {
    in_every_order(None, || {
        let model = Model::new(3, 3);
        let (dead, one, two) = (model.open(), model.open(), model.open());
        process(&dead, Process::die_writing).join().unwrap();
        let taking = {
            let one = Arc::clone(&one);
            loom::thread::spawn(move || one.increment_by_trying().0)
        };
        let (recovered, _) = two.increment_by_trying();
        assert_ne!(taking.join().unwrap(), recovered, "told once of each death");
        assert_eq!(one.read(), (2, Version(3)));
    });
}

/// A dead owner's row is taken anew while its lock is: the row lives, its owner does not. And from the first
/// instant at which the row lives it is another one, so that a joiner that is stopped there holds nobody up.
#[test]
fn a_dead_writers_row_is_taken_anew() {
    in_every_order(None, || {
        let model = Model::new(2, 2);
        let (dead, heir) = (model.open(), model.open());
        process(&dead, Process::die_writing).join().unwrap();
        let joining = {
            let model = model.clone();
            loom::thread::spawn(move || model.open())
        };
        let (recovered, tries) = heir.increment_by_trying();
        assert!(recovered);
        assert!(tries <= 2, "the row was live and still the dead owner's");
        let joined = joining.join().unwrap();
        joined.increment();
        assert_eq!(joined.read(), (2, Version(3)));
    });
}

/// A dead reader's pin counts no more; that of whoever takes its row does.
#[test]
fn a_dead_readers_row_is_taken_anew() {
    in_every_order(Some(3), || {
        let model = Model::new(2, 2);
        let (dead, writer) = (model.open(), model.open());
        process(&dead, |dead| {
            let _guard = ManuallyDrop::new(dead.object.read().expect("a guard"));
            dead.die();
        })
        .join()
        .unwrap();
        let joining = {
            let model = model.clone();
            loom::thread::spawn(move || {
                let joined = model.open();
                joined.read();
                joined
            })
        };
        writer.increment();
        writer.increment();
        let joined = joining.join().unwrap();
        assert_eq!(joined.read(), (2, Version(3)));
    });
}

/// A joiner raises the high water before its first pin, or a writer would not look at its row.
#[test]
fn a_joiners_pin_is_seen() {
    in_every_order(None, || {
        let model = Model::new(2, 2);
        let writer = model.open();
        let joining = {
            let model = model.clone();
            loom::thread::spawn(move || {
                let joined = model.open();
                joined.read();
                joined
            })
        };
        writer.increment();
        writer.increment();
        let joined = joining.join().unwrap();
        assert_eq!(joined.read(), (2, Version(3)));
    });
}

#[test]
fn no_waiter_sleeps_for_ever() {
    in_every_order(Some(5), || {
        let model = Model::new(2, 2);
        let (waiter, writer) = (model.open(), model.open());
        let waiting = process(&waiter, |waiter| {
            let mut seen = Version(1);
            while seen < Version(3) {
                let now = waiter.object.wait_forever(seen).expect("a version");
                assert!(now > seen);
                seen = now;
            }
        });
        writer.increment();
        writer.increment();
        waiting.join().unwrap();
    });
}

#[test]
fn two_waiters_are_woken() {
    in_every_order(Some(3), || {
        let model = Model::new(2, 3);
        let (one, two, writer) = (model.open(), model.open(), model.open());
        let wait = |waiter: &Process| {
            let now = waiter.object.wait_forever(Version(1)).expect("a version");
            assert_eq!(now, Version(2));
        };
        let first = process(&one, wait);
        let second = process(&two, wait);
        writer.increment();
        first.join().unwrap();
        second.join().unwrap();
    });
}

#[test]
fn a_removal_wakes_and_is_not_lost() {
    in_every_order(Some(3), || {
        let model = Model::new(2, 2);
        let (waiter, writer) = (model.open(), model.open());
        let waiting = process(&waiter, |waiter| {
            let mut seen = Version(1);
            loop {
                match waiter.object.wait_forever(seen) {
                    Ok(now) => seen = now,
                    Err(Error::Removed { .. }) => break,
                    Err(other) => panic!("{other}"),
                }
            }
        });
        let removing = {
            let mapping = model.mapping.clone();
            loom::thread::spawn(move || {
                // As `lifecycle::retire` does.
                assert!(cell::remove(mapping.control()));
                notify::wake_everybody(&mapping, Event);
            })
        };
        let published = match writer.object.write() {
            Ok(mut guard) => {
                writer.add(&mut guard);
                WriteGuard::commit(guard) == Version(2)
            }
            Err(Error::Removed { .. }) => false,
            Err(other) => panic!("{other}"),
        };
        removing.join().unwrap();
        waiting.join().unwrap();
        let now = cell::current(model.mapping.control());
        assert!(now.is_removed());
        assert_eq!(model.version(), 1 + u64::from(published));
        assert_eq!(waiter.read().0, u64::from(published));
    });
}

/// Whatever writers do meanwhile and afterwards, nobody touches what was flushed.
#[test]
fn a_flushed_version_stays() {
    in_every_order(Some(3), || {
        let model = Model::durable(3, 2);
        let (flusher, writer) = (model.open(), model.open());
        let flushing = process(&flusher, |flusher| {
            flusher.object.flush().expect("a disk");
            is_as_it_was_flushed(flusher);
        });
        for _ in 0..3 {
            writer.increment();
        }
        flushing.join().unwrap();
        writer.increment();
        writer.increment();
        is_as_it_was_flushed(&flusher);
    });
}

fn is_as_it_was_flushed(process: &Process) {
    let control = process.mapping().control();
    let flushed = control.flushed.load(Ordering::Relaxed);
    let flushed = cell::Current::from_bits(flushed);
    let value = process.mapping().get_from(flushed.buffer());
    assert_eq!(value + 1, flushed.version());
    let stamp = control.stamps[flushed.buffer() as usize].load(Ordering::Relaxed);
    assert_eq!(stamp, flushed.version());
}

/// Who sees a version sees its sum: after a kill it is what says that the version is whole.
#[test]
fn a_version_comes_with_its_sum() {
    in_every_order(Some(3), || {
        let model = Model::durable(3, 2);
        let (reader, writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            let guard = reader.object.read().expect("a guard");
            let seen = ReadGuard::seen(&guard);
            let sums = &reader.mapping().control().sums;
            let sum = sums[seen.buffer() as usize].load(Ordering::Relaxed);
            assert_eq!(sum, Model::sum(seen.version()));
        });
        writer.increment();
        writer.increment();
        reading.join().unwrap();
    });
}
