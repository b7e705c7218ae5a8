//! Two versions of one type in one object: which may meet, what each leaves to the other, and what is said of
//! those that may not.
//!
//! `growing.rs` has the same between programs that are killed.

use std::num::NonZeroU32;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use shmem_core::{
    Difference, Error, FixedOption, Shared, SharedObject, WriteGuard, assert_compatible, schema,
};
use tests::{Cleanup, TempDir, variant};

/// A struct named `Value`, in a module that stands for a program.
macro_rules! program {
    ($name:ident, $reserve:literal, { $($field:ident: $type:ty),* $(,)? }) => {
        mod $name {
            use super::*;
            #[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
            #[repr(C)]
            #[shared(reserve = $reserve)]
            pub(crate) struct Value { $(pub(crate) $field: $type),* }
        }
    };
}

program!(old, 64, { tick: u64, mode: u8, _pad: [u8; 7], rpm: f64 });
program!(new, 64, {
    tick: u64, mode: u8, armed: bool, _pad: [u8; 2], gear: Gear, rpm: f64, fuel: f64, limit: FixedOption<u32>, _pad2: [u8; 4],
});

#[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
#[repr(u32)]
pub(crate) enum Gear {
    #[default]
    Neutral = 0,
    First = 1,
}

assert_compatible!(old::Value, new::Value);
assert_compatible!(new::Value, old::Value);
assert_compatible!(new::Value, new::Value);

const OLD: old::Value = old::Value {
    tick: 7,
    mode: 3,
    _pad: [0xEE; 7],
    rpm: 880.0,
};

fn new_value() -> new::Value {
    new::Value {
        tick: 8,
        mode: 4,
        armed: true,
        _pad: [0xAA; 2],
        gear: Gear::First,
        rpm: 900.0,
        fuel: 41.5,
        limit: FixedOption::some(99),
        _pad2: [0xBB; 4],
    }
}

/// What an old program writes, beside what a new one has: fields and padding of its own.
fn is_preserved(object: &SharedObject<new::Value>, old: &old::Value) {
    let expected = new::Value {
        tick: old.tick,
        mode: old.mode,
        rpm: old.rpm,
        _pad: [0; 2],
        _pad2: [0; 4],
        ..new_value()
    };
    assert_eq!(object.load().unwrap(), expected);
    assert_eq!(*object.read().unwrap(), expected);
}

#[test]
fn a_new_program_finds_zero_in_what_an_old_one_has_not_written() {
    for buffers in [4, 1] {
        let name = Cleanup::new("zero");
        let options = old::Value::options().buffers(buffers);
        let old = options.create(&*name, OLD).unwrap();
        let new = new::Value::open(&*name).unwrap();
        let expected = new::Value {
            tick: 7,
            mode: 3,
            rpm: 880.0,
            ..new::Value::default()
        };
        assert_eq!(new.load().unwrap(), expected, "and not what padding held");
        let reader = new::Value::open_read_only(&*name).unwrap();
        assert_eq!(reader.load().unwrap(), expected);
        assert_eq!(old.info().size, 64);
        old.store(OLD).unwrap();
        assert_eq!(new.load().unwrap(), expected);
    }
}

/// In every way to write a whole value, and a part of it; in several buffers and in place.
#[test]
fn an_old_program_preserves_what_a_new_one_has() {
    for buffers in [4, 2, 1] {
        for old_creates in [true, false] {
            let name = Cleanup::new("preserve");
            let (old, new) = if old_creates {
                let old = old::Value::options().buffers(buffers).create(&*name, OLD);
                (old.unwrap(), new::Value::open(&*name).unwrap())
            } else {
                let new = new::Value::options().buffers(buffers);
                let new = new.create(&*name, new_value()).unwrap();
                (old::Value::open(&*name).unwrap(), new)
            };
            new.store(new_value()).unwrap();
            let mut value = OLD;
            is_preserved(
                &new,
                &old::Value {
                    tick: 8,
                    mode: 4,
                    rpm: 900.0,
                    ..value
                },
            );

            // Often enough for every buffer to come round.
            for round in 0..10 {
                value.tick = 100 + round;
                value.rpm += 1.0;
                old.store(value).unwrap();
                is_preserved(&new, &value);

                value.tick += 1;
                *old.write().unwrap() = value;
                is_preserved(&new, &value);

                value.tick += 1;
                old.update(|all| *all = value).unwrap();
                is_preserved(&new, &value);

                value.tick += 1;
                let done: core::result::Result<_, ()> = old
                    .try_update(|all| {
                        *all = value;
                        all._pad = [1; 7];
                        Ok(())
                    })
                    .unwrap();
                assert_eq!(done, Ok(()));
                is_preserved(&new, &value);

                value.mode += 1;
                let mut guard = old.write().unwrap();
                guard.mode = value.mode;
                guard._pad[0] = 9;
                WriteGuard::commit(guard);
                is_preserved(&new, &value);

                // Publishes without a change.
                WriteGuard::commit(old.write().unwrap());
                is_preserved(&new, &value);
            }
            let seen = old.load().unwrap();
            assert_eq!(
                (seen.tick, seen.mode, seen.rpm),
                (value.tick, value.mode, value.rpm)
            );
            assert_eq!(
                seen._pad[0], 1,
                "`armed`, where the old program has padding"
            );
        }
    }
}

#[test]
fn what_is_given_up_changes_nothing() {
    for buffers in [4, 1] {
        let name = Cleanup::new("given-up");
        let new = new::Value::options().buffers(buffers);
        let new = new.create(&*name, new_value()).unwrap();
        let old = old::Value::open(&*name).unwrap();
        let mut guard = old.write().unwrap();
        *guard = OLD;
        WriteGuard::discard(guard);
        let refused = old.try_update(|all| {
            *all = OLD;
            Err::<(), _>("refused")
        });
        assert_eq!(refused.unwrap(), Err("refused"));
        if buffers == 1 {
            // Its own fields are half-changed, and nobody reads them before somebody has repaired them.
            assert_eq!(variant(&new.load().unwrap_err()), "Poisoned");
            old.store(OLD).unwrap();
            is_preserved(&new, &OLD);
        } else {
            let old = old::Value {
                tick: 8,
                mode: 4,
                rpm: 900.0,
                ..OLD
            };
            is_preserved(&new, &old);
        }
    }
}

/// `create_with` is no way around it.
#[test]
fn a_value_that_was_built_in_place_has_no_padding_either() {
    let name = Cleanup::new("built");
    let _old = old::Value::create_with(&*name, |value| *value = OLD).unwrap();
    let new = new::Value::open(&*name).unwrap();
    assert_eq!(
        new.load().unwrap(),
        new::Value {
            tick: 7,
            mode: 3,
            rpm: 880.0,
            ..Default::default()
        }
    );
}

#[test]
fn invalid_bytes_of_a_field_concern_those_who_have_it() {
    let directory = TempDir::new("invalid");
    let path = directory.path().join("object");
    let new = new::Value::create(&path, new_value()).unwrap();
    let old = old::Value::open(&path).unwrap();
    let buffer = header_word(&path, 19);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[7], buffer + 9).unwrap();
    let error = new.load().unwrap_err();
    let sentence = "field `armed` at byte 9 is 7, expected 0 or 1";
    assert!(error.to_string().contains(sentence), "{error}");
    assert_eq!(old.load().unwrap().tick, 8);
    assert_eq!(old.read().unwrap().tick, 8);
}

/// `docs/format.md` has what they say.
fn header_word(path: &Path, word: u64) -> u64 {
    let mut bytes = [0; 8];
    let file = std::fs::File::open(path).unwrap();
    file.read_exact_at(&mut bytes, 8 * word).unwrap();
    u64::from_ne_bytes(bytes)
}

/// Creates with the first and opens with the second, then the other way round; each error must say so.
#[track_caller]
fn refuse<A, B>(a: A, b: B, [forth, back]: [&str; 2], advice: &str)
where
    A: Shared + Copy,
    B: Shared + Copy,
{
    fn one<A: Shared, B: Shared + Copy>(a: A, b: B, sentence: &str, advice: &str) {
        let directory = TempDir::new("refused");
        let path = directory.path().join("object");
        let _object = A::create(&path, a).unwrap();
        let before = std::fs::read(&path).unwrap();
        let check = |error: Option<Error>| {
            let error = error.expect("an error");
            let text = error.to_string();
            assert!(text.contains(&format!("\n  {sentence}\n")), "{text}");
            assert!(text.contains(advice), "{text}");
            assert_eq!(variant(&error), "LayoutMismatch");
        };
        check(B::open(&path).err());
        check(B::open_read_only(&path).err());
        check(B::open_or_create(&path, b).err());
        assert!(std::fs::read(&path).unwrap() == before, "changed");
    }
    one::<A, B>(a, b, forth, advice);
    one::<B, A>(b, a, back, advice);
}

/// The same, with the two definitions.
macro_rules! refused {
    (
        $a:literal { $($object:tt)* } $b:literal { $($program:tt)* }
        $forth:expr, $back:expr, $advice:expr
    ) => {{
        program!(a, $a, { $($object)* });
        program!(b, $b, { $($program)* });
        refuse(a::Value::default(), b::Value::default(), [$forth, $back], $advice);
    }};
}

const STAYS: &str = "a field that both have stays as it is";
const GOES: &str = "a new field goes behind the last one, or into padding";
const SAME: &str = "give both the same `#[shared(reserve = N)]`";
const ZERO: &str = "programs that do not know a field leave it zero";

#[test]
fn a_field_of_another_type() {
    refused!(
        64 { a: u32, b: u32 }
        64 { a: u32, b: f32, c: u32 }
        "field `b`: u32 at offset 4 in the object, f32 at offset 4 in this program",
        "field `b`: f32 at offset 4 in the object, u32 at offset 4 in this program",
        STAYS
    );
}

#[test]
fn a_field_that_moved() {
    refused!(
        64 { a: u32, b: u32 }
        64 { a: u32, c: u32, b: u32 }
        "field `b`: u32 at offset 4 in the object, u32 at offset 8 in this program",
        "field `b`: u32 at offset 8 in the object, u32 at offset 4 in this program",
        STAYS
    );
}

#[test]
fn a_field_that_was_renamed() {
    refused!(
        64 { a: u32, b: u32 }
        64 { a: u32, c: u32, d: u64 }
        "field `b`: u32 at offset 4 in the object, `c`: u32 at offset 4 in this program",
        "field `c`: u32 at offset 4 in the object, `b`: u32 at offset 4 in this program",
        GOES
    );
}

#[test]
fn another_reserve() {
    refused!(
        64 { a: u32 }
        128 { a: u32, b: u32 }
        "the value: Value with `reserve = 64` in the object, Value with `reserve = 128` in this program",
        "the value: Value with `reserve = 128` in the object, Value with `reserve = 64` in this program",
        SAME
    );
}

/// The layout is the same, and yet one of them may have more some day.
#[test]
fn a_reserve_on_one_side_only() {
    mod fixed {
        use shmem_core::Shared;
        #[derive(Shared, Clone, Copy, Default)]
        #[repr(C)]
        pub(crate) struct Value {
            pub(crate) a: u32,
        }
    }
    program!(grows, 64, { a: u32 });
    assert_eq!(fixed::Value::FINGERPRINT, grows::Value::FINGERPRINT);
    refuse(
        fixed::Value::default(),
        grows::Value::default(),
        [
            "the value: Value without `reserve` in the object, Value with `reserve = 64` in this program",
            "the value: Value with `reserve = 64` in the object, Value without `reserve` in this program",
        ],
        SAME,
    );
}

mod more {
    use shmem_core::Shared;
    #[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
    #[repr(u32)]
    pub(crate) enum Gear {
        #[default]
        Neutral = 0,
        First = 1,
        Second = 2,
    }
}

#[test]
fn a_variant_more() {
    refused!(
        64 { a: u32, gear: Gear }
        64 { a: u32, gear: more::Gear }
        "field `gear`: no variant `Second` in the object, variant `Second` = 2 in this program",
        "field `gear`: variant `Second` = 2 in the object, no variant `Second` in this program",
        STAYS
    );
}

#[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Level<Quantity: Shared> {
    price: u32,
    _pad: [u8; 2],
    qty: Quantity,
}

#[test]
fn a_part_of_a_field() {
    // Padding of a part is not free: only that of the whole is.
    refused!(
        64 { a: u32, levels: [Level<u16>; 2] }
        64 { a: u32, levels: [Level<[u8; 2]>; 2] }
        "field `levels[0].qty`: u16 at offset 10 in the object, [u8; 2] at offset 10 in this program",
        "field `levels[0].qty`: [u8; 2] at offset 10 in the object, u16 at offset 10 in this program",
        STAYS
    );
}

#[test]
fn a_new_field_without_a_zero() {
    program!(a, 64, { tick: u32 });
    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    #[shared(name = "Value", reserve = 64)]
    struct WithId {
        tick: u32,
        id: NonZeroU32,
    }
    let b = WithId {
        tick: 1,
        id: NonZeroU32::MIN,
    };
    refuse(
        a::Value::default(),
        b,
        [
            "field `id`: absent in the object, NonZeroU32 at offset 4, of which zero is no value, in this program",
            "field `id`: NonZeroU32 at offset 4, of which zero is no value, in the object, absent in this program",
        ],
        ZERO,
    );
}

/// A program that has padding there may hold a shared reference to it.
#[test]
fn new_atomics() {
    #[derive(Shared, Debug, Default)]
    #[repr(C)]
    #[shared(name = "Value", reserve = 64, in_place)]
    struct Before {
        tick: u64,
        _pad: [u8; 8],
    }
    #[derive(Shared, Debug, Default)]
    #[repr(C)]
    #[shared(name = "Value", reserve = 64, in_place)]
    struct After {
        tick: u64,
        hits: AtomicU64,
    }
    let directory = TempDir::new("atomics");
    let path = directory.path().join("object");
    for old_creates in [true, false] {
        let error = if old_creates {
            let _object = Before::create(&path, Before::default()).unwrap();
            After::open(&path).unwrap_err()
        } else {
            let _object = After::create(&path, After::default()).unwrap();
            Before::open(&path).unwrap_err()
        };
        let text = error.to_string();
        let sentence = "AtomicU64 at offset 8, which has atomics, in";
        assert!(text.contains(sentence), "{text}");
        assert!(text.contains("have them from the start"), "{text}");
        shmem_core::remove(path.as_path()).unwrap();
    }
}

/// Atomics that both know are counted by both, while the rest grows.
#[test]
fn atomics_from_the_start() {
    #[derive(Shared, Debug, Default)]
    #[repr(C)]
    #[shared(name = "Value", reserve = 64, in_place)]
    struct Before {
        hits: AtomicU64,
        _pad: [u8; 8],
    }
    #[derive(Shared, Debug, Default)]
    #[repr(C)]
    #[shared(name = "Value", reserve = 64, in_place)]
    struct After {
        hits: AtomicU64,
        limit: u64,
        fuel: f64,
    }
    assert_compatible!(Before, After);
    let name = Cleanup::new("counted");
    let old = Before::create(&*name, Before::default()).unwrap();
    let new = After::open(&*name).unwrap();
    new.update(|value| {
        value.limit = 9;
        value.fuel = 1.5;
    })
    .unwrap();
    old.read().unwrap().hits.fetch_add(1, Ordering::Relaxed);
    new.read().unwrap().hits.fetch_add(1, Ordering::Relaxed);
    old.update(|value| value._pad = [1; 8]).unwrap();
    let guard = new.read().unwrap();
    let hits = guard.hits.load(Ordering::Relaxed);
    assert_eq!((hits, guard.limit, guard.fuel), (2, 9, 1.5));
}

#[test]
fn another_type_and_another_meaning() {
    program!(a, 64, { tick: u32 });
    #[derive(Shared, Clone, Copy, Default)]
    #[repr(C)]
    #[shared(name = "Value", reserve = 64, version = 2)]
    struct Meaning {
        tick: u32,
    }
    refuse(
        a::Value::default(),
        Meaning::default(),
        [
            "the value: Value without `version` in the object, Value with `version = 2` in this program",
            "the value: Value with `version = 2` in the object, Value without `version` in this program",
        ],
        "rebuild both programs with the same definition",
    );
}

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
