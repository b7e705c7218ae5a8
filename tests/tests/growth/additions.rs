//! The list of fields that programs have added: later programs are compared with each other, not only with the
//! creator.

use std::os::unix::fs::FileExt as _;
use std::sync::Barrier;

use shmem_core::{Difference, Error, Shared, schema};
use tests::{Cleanup, TempDir, variant};

use super::{Gear, header_word};

program!(first, 256, { tick: u64, _pad: [u8; 8] });
program!(second, 256, { tick: u64, _pad: [u8; 8], fuel: f64 });
program!(contrary, 256, { tick: u64, _pad: [u8; 8], seats: u64 });
program!(third, 256, { tick: u64, gear: Gear, _pad: [u8; 4], fuel: f64, seats: u64 });
program!(contrary_padding, 256, { tick: u64, wide: u64 });

/// All fit what the creator stored; not all fit each other.
#[test]
fn later_programs_are_compared_with_each_other() {
    let directory = TempDir::new("generations");
    let path = directory.path().join("object");
    let object = first::Value::create(
        &path,
        first::Value {
            tick: 1,
            ..Default::default()
        },
    )
    .unwrap();
    drop(second::Value::open(&path).unwrap());
    let before = std::fs::read(&path).unwrap();
    let expect = |difference: &Difference, field: &str| {
        let sentence = format!(
            "field `fuel`: f64 at offset 16 in the object, `{field}`: u64 at offset 16 in this program"
        );
        assert_eq!(difference.to_string(), sentence);
    };
    let refuse = |error: Error, field: &str| match error {
        Error::LayoutMismatch { diff, .. } => expect(&diff, field),
        other => panic!("{other}"),
    };
    // Nobody who has `fuel` is there any more; its bytes still are.
    refuse(contrary::Value::open(&path).unwrap_err(), "seats");
    refuse(contrary::Value::open_read_only(&path).unwrap_err(), "seats");
    assert!(std::fs::read(&path).unwrap() == before, "changed");
    drop(second::Value::open(&path).unwrap());
    assert!(
        std::fs::read(&path).unwrap() != before,
        "the rows of those who had it open"
    );

    let third = third::Value::open(&path).unwrap();
    third
        .update(|value| {
            value.gear = Gear::First;
            value.seats = 5;
        })
        .unwrap();
    let Err(Error::LayoutMismatch { diff, .. }) = contrary_padding::Value::open(&path) else {
        panic!("opened");
    };
    assert_eq!(
        diff.to_string(),
        "field `gear`: Gear at offset 8 in the object, `wide`: u64 at offset 8 in this program"
    );
    drop((object, third));

    // A tool sees the fields of all.
    let schema = schema(&path).unwrap();
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| (field.name(), field.offset()))
        .collect();
    assert_eq!(
        fields,
        [("tick", 0), ("gear", 8), ("fuel", 16), ("seats", 24)]
    );
    assert_eq!(schema.size(), 32);
    assert_eq!(third::Value::open(&path).unwrap().load().unwrap().seats, 5);
    assert_eq!(first::Value::open(&path).unwrap().load().unwrap().tick, 1);
}

/// Both fit the creator's layout, and one of them is first.
#[test]
fn of_two_that_contradict_each_other_one_gets_in() {
    for _ in 0..50 {
        let name = Cleanup::new("contrary");
        let _object = first::Value::create(&*name, first::Value::default()).unwrap();
        let start = Barrier::new(2);
        let opened = std::thread::scope(|scope| {
            let one = scope.spawn(|| {
                start.wait();
                second::Value::open(&*name).map(drop)
            });
            start.wait();
            let other = contrary::Value::open(&*name).map(drop);
            [one.join().unwrap(), other]
        });
        let refused = opened.iter().filter_map(|opened| opened.as_ref().err());
        let refused: Vec<_> = refused.map(variant).collect();
        assert_eq!(refused, ["LayoutMismatch"]);
        // It stays decided.
        let again = [
            second::Value::open(&*name).is_ok(),
            contrary::Value::open(&*name).is_ok(),
        ];
        assert_eq!(again, opened.map(|opened| opened.is_ok()));
    }
}

/// A program that was killed while it noted its fields had not opened the object yet: nothing is lost.
#[test]
fn a_note_that_was_not_finished_is_none() {
    let directory = TempDir::new("unfinished");
    let path = directory.path().join("object");
    drop(first::Value::create(&path, first::Value::default()).unwrap());
    drop(second::Value::open(&path).unwrap());
    let at = header_word(&path, 24);
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).write(true).open(&path).unwrap();
    let mut record = [0; 96];
    file.read_exact_at(&mut record, at).unwrap();
    for end in [0, 8, 12, 16, 17, 40] {
        file.write_all_at(&[0; 96], at).unwrap();
        file.write_all_at(&record[..end], at).unwrap();
        assert!(
            contrary::Value::open_read_only(&path).is_ok(),
            "{end} bytes"
        );
        drop(second::Value::open(&path).unwrap());
        let mut again = [0; 96];
        file.read_exact_at(&mut again, at).unwrap();
        assert_eq!(again, record, "{end} bytes");
        assert!(contrary::Value::open(&path).is_err());
    }
}

/// What is finished and makes no sense was not written by this library.
#[test]
fn a_note_that_is_no_layout() {
    let directory = TempDir::new("nonsense");
    let path = directory.path().join("object");
    drop(first::Value::create(&path, first::Value::default()).unwrap());
    let at = header_word(&path, 24);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let text = b"nonsense";
    let sum = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let numbers = [8_u64.to_ne_bytes(), sum.to_ne_bytes()].concat();
    file.write_all_at(&[&numbers, text.as_slice()].concat(), at)
        .unwrap();
    for error in [
        second::Value::open(&path).unwrap_err(),
        second::Value::open_read_only(&path).unwrap_err(),
        schema(&path).unwrap_err(),
    ] {
        let Error::Corrupt { what, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(what, "list of added fields");
    }
    // Who brings no fields of its own does not look.
    assert_eq!(first::Value::open(&path).unwrap().load().unwrap().tick, 0);
}

/// What was noted before is not noted again: an object may be opened for ever.
#[test]
fn opening_again_notes_nothing() {
    let directory = TempDir::new("again");
    let path = directory.path().join("object");
    drop(first::Value::create(&path, first::Value::default()).unwrap());
    let additions = || {
        let mut bytes = vec![0; usize::try_from(header_word(&path, 25)).unwrap()];
        let file = std::fs::File::open(&path).unwrap();
        file.read_exact_at(&mut bytes, header_word(&path, 24))
            .unwrap();
        bytes
    };
    assert!(additions().iter().all(|byte| *byte == 0));
    drop(second::Value::open(&path).unwrap());
    let once = additions();
    assert!(once.iter().any(|byte| *byte != 0));
    for _ in 0..100 {
        drop(second::Value::open(&path).unwrap());
        drop(first::Value::open(&path).unwrap());
    }
    assert!(additions() == once);
    drop(third::Value::open(&path).unwrap());
    assert!(additions().starts_with(&once[..16]));
    assert!(additions() != once);
}

#[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Many<T: Shared> {
    fields: [T; 0],
    a: [T; 0],
    b: [T; 0],
    c: [T; 0],
}
// No bytes, and more than a thousand lines.
pub(crate) type Thousand = Many<Many<Many<Many<Many<u64>>>>>;

/// The list of fields has an end; a program that does not fit is told so, and nothing of it stays.
#[test]
fn more_than_can_be_noted() {
    program!(few, 64, { tick: u64 });
    program!(many, 64, { tick: u64, nothing: Thousand });

    let directory = TempDir::new("many");
    let path = directory.path().join("object");
    let object = few::Value::create(&path, few::Value::default()).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = many::Value::open(&path).unwrap_err();
    let Error::TooLarge {
        what, found, limit, ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((what, limit), ("length of its list of added fields", 4096));
    assert!(found > 4096);
    assert!(std::fs::read(&path).unwrap() == before, "changed");
    assert_eq!(object.info().handles, Some(1));

    // Who only reads adds nothing to the list.
    assert_eq!(
        many::Value::open_read_only(&path)
            .unwrap()
            .load()
            .unwrap()
            .tick,
        0
    );
}
