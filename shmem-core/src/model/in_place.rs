//! One buffer: readers share the value, and a writer excludes them.

use std::mem::ManuallyDrop;

use super::process::{Model, Process, in_every_order, process};
use crate::{Error, ReadGuard, Version, WriteGuard};

#[test]
fn readers_share_and_a_writer_excludes() {
    in_every_order(Some(2), || {
        let model = Model::new(1, 3);
        let (one, two, writer) = (model.open(), model.open(), model.open());
        let read = |reader: &Process| {
            let (value, version) = reader.read();
            assert_eq!(version, Version(value + 1));
        };
        let first = process(&one, read);
        let second = process(&two, read);
        writer.increment();
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!(one.read(), (1, Version(2)));
    });
}

#[test]
fn a_reader_meets_a_writer() {
    in_every_order(None, || {
        let model = Model::new(1, 2);
        let (reader, writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            if let Ok(guard) = reader.object.try_read() {
                let value = reader.mapping().get(&guard);
                assert_eq!(reader.mapping().get(&guard), value, "changed under a guard");
            }
        });
        writer.increment();
        reading.join().unwrap();
        assert_eq!(reader.read(), (1, Version(2)));
    });
}

#[test]
fn two_writers_lose_nothing_in_place() {
    in_every_order(Some(3), || {
        let model = Model::new(1, 2);
        let (one, two) = (model.open(), model.open());
        let writing = process(&one, |one| {
            one.increment();
            one.read();
        });
        two.increment();
        writing.join().unwrap();
        assert_eq!(one.read(), (2, Version(3)));
    });
}

/// Who reads may read again while a writer waits for it, or both would wait for ever.
#[test]
fn a_second_guard_is_let_in() {
    in_every_order(Some(3), || {
        let model = Model::new(1, 2);
        let (reader, writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            let guard = reader.object.read().expect("a guard");
            let (value, version) = reader.read();
            assert_eq!(version, Version(value + 1));
            assert_eq!(reader.mapping().get(&guard), value, "changed under a guard");
        });
        writer.increment();
        reading.join().unwrap();
        assert_eq!(reader.read(), (1, Version(2)));
    });
}

/// Threads of one handle: the first guard may go while the second is being let in beside it.
#[test]
fn a_second_guard_is_let_in_beside_one_that_goes() {
    in_every_order(Some(2), || {
        let model = Model::new(1, 2);
        let (reader, writer) = (model.open(), model.open());
        let one = process(&reader, |reader| {
            reader.read();
        });
        let two = process(&reader, |reader| {
            if let Ok(guard) = reader.object.try_read() {
                let value = reader.mapping().get(&guard);
                assert_eq!(reader.mapping().get(&guard), value, "changed under a guard");
            }
        });
        writer.increment();
        one.join().unwrap();
        two.join().unwrap();
        assert_eq!(reader.read(), (1, Version(2)));
    });
}

/// Is killed once it has the value to itself, and before it has changed anything.
fn die_untouched(process: &Process) {
    let _guard = ManuallyDrop::new(process.object.write().expect("the lock"));
    process.die();
}

/// Readers go on past a writer that died before its first change, and the next writer waits for them.
#[test]
fn a_dead_writer_keeps_nobody_out() {
    in_every_order(Some(3), || {
        let model = Model::new(1, 3);
        let (dead, reader, writer) = (model.open(), model.open(), model.open());
        process(&dead, die_untouched).join().unwrap();
        let reading = process(&reader, |reader| {
            if let Ok(guard) = reader.object.try_read() {
                let value = reader.mapping().get(&guard);
                assert_eq!(reader.mapping().get(&guard), value, "changed under a guard");
                assert_eq!(ReadGuard::version(&guard), Version(value + 1));
            }
        });
        let mut guard = writer.object.write().expect("a dead writer's lock");
        assert!(!WriteGuard::recovered(&guard));
        writer.add(&mut guard);
        drop(guard);
        reading.join().unwrap();
        assert_eq!(reader.read(), (1, Version(2)));
    });
}

#[test]
fn what_a_dead_writer_left_half_changed_is_read_by_nobody() {
    in_every_order(None, || {
        let model = Model::new(1, 3);
        let (dead, reader, writer) = (model.open(), model.open(), model.open());
        process(&dead, Process::die_writing).join().unwrap();
        let reading = process(&reader, |reader| match reader.object.try_read() {
            // Once the writer has repaired it.
            Ok(guard) => assert_eq!(reader.mapping().get(&guard), 2),
            Err(Error::Poisoned { .. } | Error::Busy { .. }) => {}
            Err(other) => panic!("{other}"),
        });
        let mut guard = writer.object.write().expect("a dead writer's lock");
        assert!(WriteGuard::recovered(&guard));
        writer.add(&mut guard);
        drop(guard);
        reading.join().unwrap();
        assert_eq!(reader.read(), (2, Version(2)));
    });
}

/// A writer that gives up unchanged lets in whoever waits for it.
#[test]
fn giving_up_wakes_who_waits() {
    in_every_order(Some(4), || {
        let model = Model::new(1, 2);
        let (reader, writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            assert_eq!(reader.read(), (0, Version(1)));
        });
        WriteGuard::discard(writer.object.write().expect("the lock"));
        reading.join().unwrap();
    });
}

#[test]
fn a_copy_is_whole_or_thrown_away_in_place() {
    in_every_order(None, || {
        let model = Model::new(1, 2);
        let (reader, writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            if let Some((value, version)) = reader.copy() {
                assert_eq!(version, Version(value + 1));
            }
        });
        writer.increment();
        reading.join().unwrap();
        assert_eq!(reader.copy(), Some((1, Version(2))));
    });
}
