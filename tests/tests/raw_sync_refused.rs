//! Who cannot take the lock of raw_sync before a value opens nothing: typed errors, and the file stays as it is.

use std::path::Path;

use shmem_core::{Error, Lifetime, Lock, Options, Shared, list, remove, schema};
use tests::raw::{Raw, look, word};
use tests::{Alone, alone, corrupt_part, outcome};

const NAME: &str = "gated";

fn options() -> Options<u64> {
    let options = u64::options().lock(Lock::RawSync).max_handles(3);
    options.lifetime(Lifetime::Keep)
}

/// The bytes of a kept object that holds 5, and where they may be put.
fn valid(alone: &Alone) -> (Raw, std::path::PathBuf) {
    drop(options().create(NAME, 5).unwrap());
    let path = alone.home().join(NAME);
    (Raw::read(&path), path)
}

/// Nothing is made of it, and nothing becomes of it.
#[track_caller]
fn refused(raw: &Raw, path: &Path, expected: &str, damage: &str) {
    raw.write(path);
    let before = look(path);
    assert_eq!(outcome(u64::open(NAME)), expected, "{damage}");
    let opened = options().open_or_create(NAME, 1);
    assert_eq!(outcome(opened), expected, "{damage}");
    assert_eq!(outcome(u64::open_read_only(NAME)), expected, "{damage}");
    assert_eq!(outcome(u64::open_private(NAME)), expected, "{damage}");
    assert_eq!(outcome(u64::create(NAME, 1)), "AlreadyExists", "{damage}");
    assert!(look(path) == before, "{damage}: it was changed");
}

/// Its bytes mean something to one C library of one processor.
#[test]
fn a_lock_of_another_kind() {
    alone(|alone| {
        let (raw, path) = valid(alone);
        let ours = raw.word(word::GATE);
        assert_eq!(ours & 0xff, 1);
        assert_eq!(ours >> 8 & 0xff, size_of::<usize>() as u64);
        let size = size_of::<libc::pthread_rwlock_t>() as u64;
        assert_eq!(ours >> 16 & 0xffff, size);
        for bit in 0..64 {
            let mut other = raw.clone();
            other.set_word(word::GATE, ours ^ 1 << bit);
            other.seal_checksum();
            refused(&other, &path, "UnsupportedFormat", &format!("bit {bit}"));
            // Who does not open it needs no lock.
            assert_eq!(list().unwrap().len(), 1);
            assert_eq!(outcome(schema(NAME)), "Ok");
        }
        for word in [1, u64::MAX, 1 << 63] {
            let mut other = raw.clone();
            other.set_word(word::GATE, word);
            other.seal_checksum();
            refused(&other, &path, "UnsupportedFormat", &format!("{word:#x}"));
        }
        let mut other = raw.clone();
        other.set_word(word::GATE, 1 | 4 << 8 | 32 << 16 | 2 << 32 | 3 << 48);
        other.seal_checksum();
        other.write(&path);
        let message = u64::open(NAME).unwrap_err().to_string();
        let found = "a lock of raw_sync (32 bytes, of musl, 4-byte pointers, machine 3)";
        assert!(message.contains(found), "{message}");
        assert_eq!(outcome(remove(NAME)), "Ok");
    });
}

#[test]
fn a_place_that_is_not_the_one_or_more_than_one_buffer() {
    alone(|alone| {
        let (raw, path) = valid(alone);
        let at = raw.word(word::GATE_OFFSET);
        assert_eq!(at % 128, 0);
        assert_eq!(at + 128, raw.word(word::BUFFER_0));
        for offset in [0, 8, at - 128, at + 8, at + 128, 1 << 40, u64::MAX] {
            let mut other = raw.clone();
            other.set_word(word::GATE_OFFSET, offset);
            other.seal_checksum();
            refused(&other, &path, "Corrupt", &format!("offset {offset}"));
            let what = "offset of the lock before the value";
            assert_eq!(corrupt_part(u64::open(NAME)), what);
        }
        for (index, value) in [(word::GATE, 0), (word::BUFFERS, 2), (word::BUFFERS, 0)] {
            let mut other = raw.clone();
            other.set_word(index, value);
            other.seal_checksum();
            refused(&other, &path, "Corrupt", &format!("word {index}: {value}"));
        }
        // Nor where there is to be none.
        std::fs::remove_file(&path).unwrap();
        drop(
            options()
                .lock(Lock::Native)
                .buffers(1)
                .create(NAME, 5)
                .unwrap(),
        );
        let raw = Raw::read(&path);
        for (index, value) in [(word::GATE, 1), (word::GATE_OFFSET, at)] {
            let mut other = raw.clone();
            other.set_word(index, value);
            other.seal_checksum();
            refused(&other, &path, "Corrupt", &format!("word {index}: {value}"));
        }
    });
}

/// A mapping without write permission takes no lock.
#[test]
fn readers_that_may_not_write() {
    alone(|_| {
        let object = options().create(NAME, 5).unwrap();
        for mapped in [true, false] {
            let reader = u64::options().mapped(mapped).open_read_only(NAME);
            let Err(Error::UnsupportedFormat { expected, .. }) = reader else {
                panic!("{}", outcome(reader));
            };
            assert!(expected.contains("use `open`"), "{expected}");
        }
        assert_eq!(*u64::open_private(NAME).unwrap(), 5);
        let items = u64::options().lock(Lock::RawSync);
        let _items = items.create_array("items", 2, 1).unwrap();
        let reader = u64::open_array_read_only("items");
        assert_eq!(outcome(reader), "UnsupportedFormat");
        assert_eq!(*u64::open_private_array("items").unwrap(), [1, 1]);
        drop(object);
    });
}
