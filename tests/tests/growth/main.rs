//! Two versions of one type in one object: which may meet, what each leaves to the other, and what is said of
//! those that may not.
//!
//! `growing.rs` has the same between programs that are killed.

use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use shmem_core::{FixedOption, Shared, SharedObject, WriteGuard, assert_compatible};
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

mod additions;
mod refused;

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

/// `docs/format.md` has what they say.
fn header_word(path: &Path, word: u64) -> u64 {
    let mut bytes = [0; 8];
    let file = std::fs::File::open(path).unwrap();
    file.read_exact_at(&mut bytes, 8 * word).unwrap();
    u64::from_ne_bytes(bytes)
}
