//! What a power cut may leave of an object that is kept in a file: the kernel writes pages back in any order, so a
//! word may be newer than another that was stored before it.

use std::time::Duration;

use shmem_core::{Lifetime, Shared, SharedObject};
use tests::raw::{Raw, control, scribble, word};
use tests::{TempDir, outcome};

/// Opens an object that nobody has open, with this lock word, and this generation in its first row.
fn opened(directory: &TempDir, lock: u64, generation: u64) -> [SharedObject<u64>; 2] {
    let path = directory.path().join("object");
    let options = u64::options().lifetime(Lifetime::Keep).max_handles(2);
    drop(shmem_core::remove(path.as_path()));
    drop(options.create(path.as_path(), 5).unwrap());
    let raw = Raw::read(&path);
    let writer = raw.offset(word::CONTROL) + control::WRITER;
    scribble(&path, writer, &lock.to_ne_bytes());
    let row = raw.offset(word::ROWS);
    scribble(&path, row, &generation.to_ne_bytes());
    let both = [(); 2].map(|()| u64::open(path.as_path()).unwrap());
    let generations = Raw::read(&path).at(row);
    assert_eq!(generations, (generation + 1) % (1 << 52), "the first row");
    both
}

fn token(generation: u64, row: u64) -> u64 {
    generation << 12 | (row + 1) << 1
}

/// The lock word has reached the disk, the generation of its owner's row has not: the next who takes that row gets
/// the very generation that the lock was taken under, and lives.
#[test]
fn a_lock_word_newer_than_its_row() {
    let directory = TempDir::new("newer-lock");
    for waiters in [0, 1] {
        let [first, second] = opened(&directory, token(8, 0) | waiters, 7);
        *second.try_write().unwrap() += 1;
        first.store(7).unwrap();
        assert_eq!(second.load().unwrap(), 7);
    }
}

/// The first row in generation 0, which comes after the last one: its lock word is not that of a free lock.
#[test]
fn a_generation_of_zero_holds_the_lock() {
    let directory = TempDir::new("zero");
    let [first, second] = opened(&directory, 0, (1 << 52) - 1);
    let mut guard = first.write().unwrap();
    *guard = 6;
    let other = std::thread::scope(|scope| {
        let other = scope.spawn(|| outcome(second.try_write()));
        other.join().unwrap()
    });
    assert_eq!(other, "Busy");
    assert_eq!(outcome(second.try_write()), "WouldDeadlock");
    drop(guard);
    second.store(7).unwrap();
    assert_eq!(first.load().unwrap(), 7);
}

/// The clock of ages starts over at each boot, and says nothing of what was published before.
#[test]
fn a_value_of_another_boot() {
    let directory = TempDir::new("boot");
    let path = directory.path().join("object");
    let options = u64::options().lifetime(Lifetime::Keep);
    drop(options.create(path.as_path(), 5).unwrap());
    let reader = u64::open_read_only(path.as_path()).unwrap();
    let minute = Duration::from_secs(60);
    assert!(reader.age() < minute);
    let boot = Raw::read(&path).offset(word::CONTROL) + control::BOOT;
    scribble(&path, boot, &4711_u64.to_ne_bytes());
    assert_eq!(reader.age(), Duration::MAX);
    // Whoever opens it now makes it one of this boot, and the value no younger.
    let object = u64::open(path.as_path()).unwrap();
    assert_eq!((object.age(), reader.age()), (Duration::MAX, Duration::MAX));
    object.store(6).unwrap();
    assert!(object.age() < minute && reader.age() < minute);
    drop(object);
    assert!(u64::open(path.as_path()).unwrap().age() < minute);
}
