//! The protocol's own files in every order that the memory model allows.
//!
//! A thread is a process with a handle of its own. What is shipped is what runs: `SharedObject`, guards, lock,
//! cell, notify, participant; only memory and system are the models beside this file. A read that is not in
//! order with a write fails, whether or not it would have seen half of it; so does a waiter that sleeps for
//! ever, since in the model no wait times out.
//!
//! Each mutation of the protocol has one of these tests to catch it: the table is in
//! `tests/src/bin/mutants.rs`.
#![expect(unsafe_code, reason = "copies a value out")]

use std::fs::File;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::control::Control;
use crate::fork::Registered;
use crate::header::{Header, Layout, Shape};
use crate::lifecycle::Attachment;
use crate::mapping::{Mapping, WORDS};
use crate::os::{self, Event, FileId};
use crate::participant::{Locks, PATIENCE};
use crate::sync::Ordering;
use crate::view::View;
use crate::{Error, Lifetime, Options, ReadGuard, SharedObject, Version, WriteGuard};
use crate::{cell, notify};

type Value = [u64; WORDS];

/// Runs `model` in every order; or with at most so many switches between threads that could have gone on.
/// `LOOM_MAX_PREEMPTIONS` says otherwise.
fn in_every_order(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    let orders = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&orders);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!("{} orders", orders.load(Ordering::Relaxed));
}

/// An object with the value 0 in version 1.
#[derive(Clone)]
struct Model {
    mapping: Mapping,
    header: Header,
}

/// One process's handle.
struct Process {
    object: ManuallyDrop<SharedObject<Value>>,
    /// The byte by which the kernel knows that it lives.
    live: u64,
}

impl Model {
    fn new(buffers: u32, handles: u32) -> Self {
        let control = Control::default();
        let first = cell::Current::FIRST;
        control.current.store(first.to_bits(), Ordering::Relaxed);
        control.stamps[0].store(first.version(), Ordering::Relaxed);
        let layout = Layout::of(Shape {
            size: size_of::<Value>() as u64,
            align: 8,
            buffers,
            handles,
            schema_len: 0,
            name_len: 0,
        });
        Model {
            mapping: Mapping::model(control, handles, buffers),
            header: Header {
                layout: layout.expect("a layout"),
                fingerprint: 0,
                id: 0,
                lifetime: Lifetime::Keep,
                always_wake: false,
                created: 0,
                lock_mode: 0,
                lock_inode: 0,
                lock_base: 0,
            },
        }
    }

    /// Joins, as `lifecycle::join` does once it has the file.
    fn open(&self) -> Arc<Process> {
        let file = || File::open("/dev/null");
        let registered = Registered::open(false, file).expect("a descriptor");
        let locks = Locks::new(registered, &self.header);
        let member = locks.member(PATIENCE).expect("a lock").expect("MEMBER");
        let seat = member.sit(&self.mapping).expect("a lock").expect("a row");
        drop(member);
        let view = View {
            location: "model".try_into().expect("a name"),
            path: "model".into(),
            file: FileId {
                device: 0,
                inode: 0,
            },
            header: self.header,
            mapping: self.mapping.clone(),
            descriptor: None,
        };
        let settings = Options::<Value>::new().settings;
        let attachment = Attachment::new(view, locks, seat);
        Arc::new(Process {
            object: ManuallyDrop::new(SharedObject::new(attachment, settings)),
            live: self.header.lock_base + 1 + u64::from(seat.row),
        })
    }

    fn version(&self) -> u64 {
        cell::current(self.mapping.control()).version()
    }

    /// Publishes two values from row `me`, by the steps of `cell` and nothing else: in the model a fence that
    /// belongs to another step, such as waking, would do for one that is missing there.
    fn write_as(&self, me: u32) {
        let control = self.mapping.control();
        for value in 1..=2 {
            let seen = cell::current_in_order(control);
            let row = |index| self.mapping.row(index);
            let choice = cell::choose(control, seen, 2, me, row, |_| Ok(true)).expect("an answer");
            let Ok(buffer) = choice else { break };
            cell::begin(control, buffer);
            self.mapping.put_into(buffer, value);
            cell::publish(control, seen, buffer).expect("nobody else writes");
        }
    }
}

impl Process {
    fn mapping(&self) -> &Mapping {
        &self.object.view().mapping
    }

    /// What a guard sees, from when it is made until it is dropped.
    fn read(&self) -> (u64, Version) {
        let guard = self.object.read().expect("a guard");
        let value = self.mapping().get(&guard);
        assert_eq!(self.mapping().get(&guard), value, "changed under a guard");
        (value, ReadGuard::version(&guard))
    }

    /// What `load` copies out, unless writers are too fast for it.
    fn copy(&self) -> Option<(u64, Version)> {
        let mut value: Value = [0; WORDS];
        let (to, len) = ((&raw mut value).cast(), size_of::<Value>());
        // SAFETY: `to` is a value of `len` bytes.
        let copied = unsafe { self.object.view().copy_out(to, len, 1) };
        let seen = copied.ok()?;
        assert_eq!(value[0], value[1], "torn");
        Some((value[0], Version(seen.version())))
    }

    fn add(&self, guard: &mut WriteGuard<'_, Value>) {
        let value = self.mapping().get(guard);
        self.mapping().put(&raw mut **guard, value + 1);
    }

    /// Adds one, waiting for others.
    fn increment(&self) {
        let mut guard = self.object.write().expect("the lock");
        self.add(&mut guard);
    }

    /// Adds one, trying until nobody else writes; says whether the writer before died, and how often it tried.
    fn increment_by_trying(&self) -> (bool, u32) {
        let mut tries = 1;
        loop {
            match self.object.try_write() {
                Ok(mut guard) => {
                    self.add(&mut guard);
                    return (WriteGuard::recovered(&guard), tries);
                }
                // Once more at once: who has begun something meanwhile may be stopped in the middle.
                Err(Error::Busy { .. }) if tries == 1 => {}
                Err(Error::Busy { .. }) => loom::thread::yield_now(),
                Err(other) => panic!("{other}"),
            }
            tries += 1;
        }
    }

    fn die(&self) {
        os::kill(self.live);
    }

    /// Is killed in the middle of a change.
    fn die_writing(&self) {
        let mut guard = ManuallyDrop::new(self.object.write().expect("the lock"));
        self.add(&mut guard);
        self.die();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A test that has failed says so, and the model does not go on.
        if !std::thread::panicking() {
            // SAFETY: dropped once, here.
            unsafe { ManuallyDrop::drop(&mut self.object) };
        }
    }
}

/// Runs `body` in a thread of its own.
fn process(
    process: &Arc<Process>,
    body: impl FnOnce(&Process) + 'static,
) -> loom::thread::JoinHandle<()> {
    let process = Arc::clone(process);
    loom::thread::spawn(move || body(&process))
}

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
#[test]
fn a_pin_holds_what_was_seen() {
    in_every_order(None, || {
        let model = Model::new(2, 2);
        let (reader, _writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            let mapping = reader.mapping();
            let row = mapping.row(0).expect("the first row");
            let seen = cell::pin(mapping.control(), row).expect("a pin");
            assert_eq!(mapping.get_from(seen.buffer()) + 1, seen.version());
            cell::unpin(row, seen.buffer());
        });
        model.write_as(1);
        reading.join().unwrap();
    });
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
