//! Arrays: one item changes by itself, or all of them as a whole.

use super::process::{Model, Process, in_every_order, process};
use crate::{Error, Version, cell, elements, in_place};

#[test]
fn an_item_is_copied_whole_or_thrown_away() {
    in_every_order(Some(3), || {
        let model = Model::array(2);
        let (reader, writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            if let Some(item) = reader.copy_item() {
                assert!(item == 0 || item == 7, "{item}");
            }
        });
        assert_eq!(writer.put(7), Version(2));
        reading.join().unwrap();
        assert_eq!(reader.copy_item(), Some(7));
        assert_eq!(reader.read(), (7, Version(2)));
    });
}

/// Nobody has to know whether one item changes or all of them.
#[test]
fn an_item_is_copied_whole_while_all_of_them_change() {
    in_every_order(Some(3), || {
        let model = Model::array(2);
        let (reader, writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            reader.copy_item();
        });
        writer.increment();
        reading.join().unwrap();
        assert_eq!(reader.copy_item(), Some(1));
    });
}

/// A copy of several items is of one version, or thrown away.
#[test]
fn a_copy_of_all_items_is_of_one_version() {
    in_every_order(Some(3), || {
        let model = Model::array(2);
        let (reader, writer) = (model.open(), model.open());
        let reading = process(&reader, |reader| {
            if let Some((value, version)) = reader.copy() {
                assert_eq!(version, Version(value + 1));
            }
        });
        writer.put(1);
        reading.join().unwrap();
        assert_eq!(reader.copy(), Some((1, Version(2))));
    });
}

/// A writer killed between two words of its announcement, the flag and the stamp of the array, left a stamp that
/// still held; the next one rolled its item forward below it, and a reader that copied several items out took a
/// mixture for the old version. Who rolls forward takes the stamp away first.
#[test]
fn a_copy_is_of_one_version_while_an_item_is_rolled_forward() {
    in_every_order(Some(2), || {
        let model = Model::array(3);
        let (dead, reader, writer) = (model.open(), model.open(), model.open());
        process(&dead, |dead| dead.die_with_a_record(1, true))
            .join()
            .unwrap();
        let reading = process(&reader, |reader| {
            if let Some((value, version)) = reader.copy() {
                assert_eq!(version, Version(value + 1));
            }
        });
        assert_eq!(writer.put(2), Version(3));
        reading.join().unwrap();
        assert_eq!(reader.copy(), Some((2, Version(3))));
    });
}

/// Nobody writes any more: who reads finds the record, and publishes what it holds.
#[test]
fn who_reads_rolls_an_item_forward() {
    in_every_order(Some(2), || {
        let model = Model::array(3);
        let (dead, one, two) = (model.open(), model.open(), model.open());
        process(&dead, |dead| dead.die_with_a_record(1, true))
            .join()
            .unwrap();
        let reading = process(&one, |one| {
            assert_eq!(one.read(), (1, Version(2)));
        });
        assert_eq!(two.read(), (1, Version(2)));
        reading.join().unwrap();
        assert_eq!(two.copy_item(), Some(1));
    });
}

/// A record is of the change for which it was made: what is half-written by a change of the whole is not mended by it.
#[test]
fn a_record_ends_with_a_change_of_the_whole() {
    in_every_order(Some(2), || {
        let model = Model::array(3);
        let (first, second, reader) = (model.open(), model.open(), model.open());
        process(&first, |first| first.die_with_a_record(1, false))
            .join()
            .unwrap();
        let writing = process(&second, Process::die_writing);
        match reader.object.try_read() {
            Ok(guard) => assert_eq!(reader.mapping().get(&guard), 0),
            Err(Error::Poisoned { .. } | Error::Busy { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        writing.join().unwrap();
        assert!(matches!(reader.object.read(), Err(Error::Poisoned { .. })));
        assert_eq!(reader.copy_item(), None);
    });
}

/// A writer that died before it changed anything leaves the items to those who copy them out.
#[test]
fn items_are_copied_out_after_a_change_that_never_began() {
    in_every_order(Some(2), || {
        let model = Model::array(3);
        let (dead, reader, writer) = (model.open(), model.open(), model.open());
        process(&dead, |dead| dead.die_in(elements::begin_whole))
            .join()
            .unwrap();
        let reading = process(&reader, |reader| {
            assert!(reader.read().0 <= 1);
        });
        writer.put(1);
        reading.join().unwrap();
        assert_eq!(reader.copy_item(), Some(1));
    });
}

/// A writer killed after it had changed the whole, and before it had published that, left the stamp of the whole
/// behind: items were copied out that no version ever had. Now that stamp has to be of a version that is current.
#[test]
fn a_whole_that_was_never_published_is_not_copied_out() {
    in_every_order(Some(2), || {
        let model = Model::array(3);
        let (dead, reader, writer) = (model.open(), model.open(), model.open());
        let dying = process(&dead, |dead| {
            dead.die_in(|mapping| {
                elements::begin_whole(mapping);
                let seen = in_place::soil(mapping.control(), cell::current(mapping.control()));
                mapping.put_into(0, 7);
                elements::end_whole(mapping, seen.version() + 1);
            });
        });
        assert_ne!(reader.copy_item(), Some(7));
        dying.join().unwrap();
        assert_eq!(reader.copy_item(), None);
        let mut guard = writer.object.write().expect("a dead writer's lock");
        writer.add(&mut guard);
        drop(guard);
        assert_eq!(reader.copy_item(), Some(8));
    });
}
