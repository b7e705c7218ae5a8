//! Nonsense in the words that change while an object is in use: an error or a value, never a panic, never a
//! hang. (What is promised about the value itself needs peers that keep to the protocol.)

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use shmem_core::{Error, Lifetime, ReadGuard, Shared, SharedObject, Version, list, prune, remove};
use tests::raw::{ROW, Raw, control, scribble, word};
use tests::{Alone, alone, outcome};

const NAME: &str = "scribbled";

/// Long enough for a machine with other things to do, far too short for a loop over 2³² rows.
const AT_MOST: Duration = Duration::from_secs(5);

/// Where the parts lie.
struct Object {
    path: PathBuf,
    control: usize,
    rows: usize,
    handle: SharedObject<u64>,
}

impl Object {
    fn create(alone: &Alone) -> Self {
        drop(remove(NAME));
        let kept = u64::options().lifetime(Lifetime::Keep).max_handles(8);
        let handle = kept.buffers(3).create(NAME, 5).unwrap();
        let path = alone.home().join(NAME);
        let raw = Raw::read(&path);
        Object {
            path,
            control: raw.offset(word::CONTROL),
            rows: raw.offset(word::ROWS),
            handle,
        }
    }

    fn set(&self, offset: usize, value: u64) {
        scribble(&self.path, self.control + offset, &value.to_ne_bytes());
    }

    fn set_row(&self, row: usize, offset: usize, bytes: &[u8]) {
        scribble(&self.path, self.rows + row * ROW + offset, bytes);
    }
}

mod row {
    pub(super) const GENERATION: usize = 0;
    pub(super) const PINS: usize = 8;
    pub(super) const IN_USE: usize = 40;
    pub(super) const PROCESS: usize = 44;
}

/// Everything that can be called on a handle and does not wait for ever by contract.
fn call_all(object: &SharedObject<u64>) -> Vec<String> {
    let short = Duration::from_micros(100);
    let outcomes = vec![
        outcome(object.load()),
        outcome(object.load_boxed()),
        outcome(object.read()),
        outcome(object.try_write()),
        outcome(object.write_timeout(short).map(|mut guard| *guard += 1)),
        outcome(object.wait(Version(0), short)),
        outcome(object.wait(object.version(), short)),
        outcome(object.wait(Version(u64::MAX), short)),
        outcome(object.reopen()),
        outcome(object.flush()),
    ];
    object.age();
    object.is_current();
    drop(format!("{object:?} {:?}", object.info()));
    outcomes
}

/// Uses the object through the handle that was open before the damage, and in every other way.
#[track_caller]
fn use_it(object: &Object, damage: &str) {
    let start = Instant::now();
    let mut outcomes = call_all(&object.handle);
    let opened = u64::open(NAME);
    if let Ok(second) = &opened {
        outcomes.extend(call_all(second));
    }
    outcomes.push(outcome(opened));
    let reader = u64::open_read_only(NAME);
    if let Ok(reader) = &reader {
        outcomes.push(outcome(reader.load()));
        outcomes.push(outcome(
            reader.wait(reader.version(), Duration::from_micros(100)),
        ));
        drop(format!("{reader:?} {:?} {:?}", reader.info(), reader.age()));
    }
    outcomes.push(outcome(reader));
    outcomes.push(outcome(list()));
    outcomes.push(outcome(prune()));
    let known = ["Ok", "Busy", "TimedOut", "Corrupt", "Removed", "NotFound"];
    for outcome in outcomes {
        assert!(known.contains(&outcome.as_str()), "{damage}: {outcome}");
    }
    let took = start.elapsed();
    assert!(took < AT_MOST, "{damage}: {took:?}");
}

#[test]
fn the_word_that_says_which_version_is_current() {
    alone(|alone| {
        let bits = (0..8).map(|bit| 1 << bit);
        let low_bytes: Vec<u64> = (0..16).chain(bits).chain([0xF0, 0xFF]).collect();
        for version in [0, 1, 2, 1000, (1 << 56) - 2, (1 << 56) - 1] {
            for low in &low_bytes {
                let object = Object::create(alone);
                object.set(control::CURRENT, version << 8 | low);
                use_it(&object, &format!("version {version}, low byte {low:#x}"));
            }
        }
    });
}

/// An index that is out of range is named, and nothing outside the buffers is touched.
#[test]
fn a_buffer_that_does_not_exist() {
    alone(|alone| {
        for buffer in 3..8 {
            let object = Object::create(alone);
            object.set(control::CURRENT, 1 << 8 | buffer);
            let reader = u64::open_read_only(NAME).unwrap();
            for error in [
                object.handle.load().unwrap_err(),
                object.handle.read().unwrap_err(),
                object.handle.write().unwrap_err(),
                object.handle.store(1).unwrap_err(),
                reader.load().unwrap_err(),
            ] {
                let Error::Corrupt { what, found, .. } = &error else {
                    panic!("{error}");
                };
                assert_eq!(
                    (*what, found.clone()),
                    ("current buffer", buffer.to_string())
                );
            }
            object.set(control::CURRENT, 1 << 8);
            assert_eq!(object.handle.store(6).unwrap(), Version(2));
            assert_eq!(reader.load().unwrap(), 6);
        }
    });
}

/// An owner that does not live is an owner that died: the lock is taken over, whatever the word says.
#[test]
fn a_writer_that_never_was() {
    alone(|alone| {
        let token = |generation: u64, row: u64| generation << 12 | (row + 1) << 1;
        for owner in [
            1,
            token(0, 1),
            token(1, 1),
            token(7, 3),
            token(1, 7),
            token(1, 8),
            token(1, 1023),
            token(1, 1024),
            token(1, 2045),
            token(0, 2046),
            token((1 << 52) - 1, 5),
            1 << 12,
            0xFFF,
            u64::MAX,
            u64::MAX - 1,
            1 << 63,
            // The own row, in another life.
            token(0, 0),
            token(2, 0),
        ] {
            for waiters in [0, 1] {
                let object = Object::create(alone);
                object.set(control::WRITER, owner | waiters);
                let start = Instant::now();
                assert_eq!(object.handle.store(6).unwrap(), Version(2), "{owner:#x}");
                assert!(start.elapsed() < AT_MOST);
                assert_eq!(object.handle.load().unwrap(), 6);
                *object.handle.try_write().unwrap() += 1;

                object.set(control::WRITER, owner | waiters);
                use_it(&object, &format!("writer {owner:#x}"));
            }
        }
        // The owner lives, as far as anybody can tell: it is waited for, and named.
        let object = Object::create(alone);
        let second = u64::open(NAME).unwrap();
        for row in [0, 1] {
            object.set(control::WRITER, token(1, row));
            for handle in [&object.handle, &second] {
                assert_eq!(outcome(handle.try_write()), "Busy");
                let error = handle.write_timeout(Duration::from_millis(5)).unwrap_err();
                let names_it = format!("held by handle {row} (process {})", std::process::id());
                assert!(error.to_string().contains(&names_it), "{error}");
                assert_eq!(outcome(handle.load()), "Ok");
            }
            use_it(&object, "a live writer");
        }
    });
}

#[test]
fn how_far_the_table_is_in_use() {
    alone(|alone| {
        for rows in [0, 1, 7, 8, 9, 1024, 1025, 1 << 31, u64::from(u32::MAX)] {
            let object = Object::create(alone);
            object.set(control::HIGH_WATER, rows);
            use_it(&object, &format!("{rows} rows"));

            // With every buffer held, whose holders are to be named.
            let object = Object::create(alone);
            let mut held: Vec<ReadGuard<'_, u64>> = Vec::new();
            for _ in 0..3 {
                held.push(object.handle.read().unwrap());
                drop(object.handle.try_write().map(|mut guard| *guard += 1));
            }
            object.set(control::HIGH_WATER, rows);
            let start = Instant::now();
            outcome(object.handle.try_write());
            outcome(object.handle.write_timeout(Duration::from_millis(2)));
            let took = start.elapsed();
            assert!(took < AT_MOST, "{rows} rows: {took:?}");
            drop(held);
        }
    });
}

#[test]
fn rows_of_the_table() {
    alone(|alone| {
        for at in (0..ROW).step_by(8) {
            for value in [0, 1, 1 << 31, 1 << 32, i64::MAX.unsigned_abs(), u64::MAX] {
                let object = Object::create(alone);
                for row in 0..8 {
                    object.set_row(row, at, &value.to_ne_bytes());
                }
                use_it(&object, &format!("byte {at} of all rows = {value:#x}"));
            }
        }
    });
}

/// A row counts how often it was taken, and a number read from the object may be the last one there is.
#[test]
fn a_generation_at_its_end() {
    alone(|alone| {
        for generation in [
            u64::MAX,
            u64::MAX - 1,
            1 << 63,
            1 << 52,
            (1 << 52) - 1,
            (1 << 52) - 2,
        ] {
            let object = Object::create(alone);
            for row in 1..8 {
                object.set_row(row, row::GENERATION, &u64::to_ne_bytes(generation));
            }
            for _ in 0..3 {
                let second = u64::open(NAME).unwrap();
                let guard = second.write().unwrap();
                // Known for this thread's own by row and generation.
                assert_eq!(outcome(object.handle.try_write()), "WouldDeadlock");
                drop(guard);
                let version = second.store(6).unwrap();
                assert_eq!(object.handle.version(), version);
            }
        }
    });
}

/// Pins of rows that nobody has do not keep writers away, and hints about rows are not believed.
#[test]
fn pins_of_the_dead() {
    alone(|alone| {
        for pins in [1, 1 << 31, u32::MAX] {
            let object = Object::create(alone);
            object.set(control::HIGH_WATER, 8);
            for row in 1..8 {
                object.set_row(row, row::PINS, &pins.to_ne_bytes().repeat(8));
                object.set_row(row, row::IN_USE, &pins.to_ne_bytes());
                object.set_row(row, row::PROCESS, &pins.to_ne_bytes());
            }
            for version in 2..10 {
                assert_eq!(object.handle.store(version).unwrap(), Version(version));
            }
            let others: Vec<_> = (1..8).map(|_| u64::open(NAME).unwrap()).collect();
            assert_eq!(outcome(u64::open(NAME)), "TooManyHandles");
            for other in &others {
                assert_eq!(*other.read().unwrap(), 9);
            }
        }
    });
}

/// As many guards as can be counted are an error, and not one that wraps round to none.
#[test]
fn pins_at_their_limit() {
    alone(|alone| {
        let object = Object::create(alone);
        for pins in [1_u32 << 31, u32::MAX - 1, u32::MAX] {
            object.set_row(0, row::PINS, &pins.to_ne_bytes());
            assert_eq!(outcome(object.handle.read()), "Busy");
            // Copying out pins nothing.
            assert_eq!(object.handle.load().unwrap(), 5);
        }
        object.set_row(0, row::PINS, &[0; 4]);
        assert_eq!(*object.handle.read().unwrap(), 5);
    });
}

/// Stamps that fit no version: whoever goes by them does not get a value, and does not try for ever.
#[test]
fn stamps_of_no_version() {
    alone(|alone| {
        for stamp in [0, 2, u64::MAX] {
            let object = Object::create(alone);
            for buffer in 0..8 {
                object.set(control::STAMPS + 8 * buffer, stamp);
            }
            let reader = u64::options().mapped(false).open_read_only(NAME).unwrap();
            assert_eq!(outcome(reader.load()), "Busy");
            // Who sees that nothing was published meanwhile needs no stamp.
            assert_eq!(u64::open_read_only(NAME).unwrap().load().unwrap(), 5);
            assert_eq!(object.handle.load().unwrap(), 5);
            use_it(&object, &format!("stamps {stamp}"));
            object.handle.store(6).unwrap();
            assert_eq!(reader.load().unwrap(), 6);
        }
    });
}

/// The copies of a large value that are in vain cost little each.
#[test]
fn a_large_value_with_stamps_of_no_version() {
    type Large = [u64; 1 << 19];
    alone(|alone| {
        let kept = Large::options().buffers(2);
        let _object = kept.create_with(NAME, |value| value[0] = 5).unwrap();
        let path = alone.home().join(NAME);
        let control = Raw::read(&path).offset(word::CONTROL);
        let reader = Large::options().mapped(false).open_read_only(NAME).unwrap();
        let expected = reader.load_boxed().unwrap();
        scribble(&path, control + control::STAMPS, &[0; 8]);
        let start = Instant::now();
        assert_eq!(outcome(reader.load_boxed()), "Busy");
        let took = start.elapsed();
        assert!(took < AT_MOST, "{took:?}");
        scribble(&path, control + control::STAMPS, &1_u64.to_ne_bytes());
        assert_eq!(reader.load_boxed().unwrap(), expected);
    });
}

#[test]
fn times_and_publishers() {
    alone(|alone| {
        for value in [0, 1, 1 << 62, u64::MAX] {
            for at in [
                control::PUBLISHED_AT,
                control::PUBLISHER,
                control::WRITING,
                24,
                control::WRITER + 16,
                control::HIGH_WATER + 8,
            ] {
                let object = Object::create(alone);
                object.set(at, value);
                use_it(&object, &format!("control byte {at} = {value:#x}"));
            }
            let object = Object::create(alone);
            let waiters = Raw::read(&object.path).offset(word::WAITERS);
            scribble(&object.path, waiters, &value.to_ne_bytes());
            use_it(&object, &format!("waiters = {value:#x}"));
        }
    });
}

/// A hundred files of noise where the words are.
#[test]
fn noise() {
    alone(|alone| {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        for round in 0..100 {
            let object = Object::create(alone);
            let mut bytes = Vec::new();
            while bytes.len() < control::LEN + 8 * ROW {
                // xorshift64; Marsaglia, 2003.
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                // Whole noise, and noise in which most words are small.
                let word = if round % 2 == 0 {
                    random
                } else {
                    random >> (random % 64)
                };
                bytes.extend_from_slice(&word.to_ne_bytes());
            }
            scribble(&object.path, object.control, &bytes);
            use_it(&object, &format!("round {round}"));
        }
        assert!(Path::new(&alone.home()).exists());
    });
}
