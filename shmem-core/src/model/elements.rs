//! Arrays: one item changes by itself, or all of them as a whole.

use super::process::{Model, in_every_order, process};
use crate::Version;

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
        process(&dead, |dead| dead.die_with_a_record(1))
            .join()
            .unwrap();
        let reading = process(&reader, |reader| {
            if let Some((value, version)) = reader.copy() {
                assert_eq!(version, Version(value + 1));
            }
            if let Some(item) = reader.copy_item() {
                assert!(item <= 2, "{item}");
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
        process(&dead, |dead| dead.die_with_a_record(1))
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
