//! Atomics as fields of a value that is changed in place: counted by any number of processes, without the lock.

use std::mem::offset_of;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::thread;

use shmem_core::{Error, ReadGuard, Shared, StoredSchema, Version};
use tests::raw::{Raw, scribble};
use tests::{Cleanup, TempDir};

#[derive(Shared, Debug, Default)]
#[repr(C)]
#[shared(in_place)]
struct Counters {
    hits: AtomicU64,
    misses: AtomicU32,
    balance: AtomicI32,
    by_kind: [AtomicU8; 8],
    /// Changed under the lock only.
    open: bool,
    _pad: [u8; 7],
}

#[test]
fn many_count_without_the_lock() {
    let name = Cleanup::new("atomics");
    let object = Counters::create(&*name, Counters::default()).unwrap();
    assert_eq!(object.info().buffers, 1);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let other = Counters::open(&*name).unwrap();
                let counters = other.read().unwrap();
                for _ in 0..10_000 {
                    counters.hits.fetch_add(1, Ordering::Relaxed);
                    counters.misses.fetch_add(2, Ordering::Relaxed);
                    counters.balance.fetch_sub(1, Ordering::Relaxed);
                    counters.by_kind[3].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Whole copies meanwhile: each number is one that was there.
        for _ in 0..100 {
            let copy = object.load().unwrap();
            assert!(copy.hits.into_inner() <= 40_000);
        }
    });
    let seen = object.read().unwrap();
    assert_eq!(seen.hits.load(Ordering::Relaxed), 40_000);
    assert_eq!(seen.misses.load(Ordering::Relaxed), 80_000);
    assert_eq!(seen.balance.load(Ordering::Relaxed), -40_000);
    assert_eq!(seen.by_kind[3].load(Ordering::Relaxed), 64);
    // Counting publishes nothing.
    assert_eq!(ReadGuard::version(&seen), Version(1));
}

#[test]
fn a_writer_has_them_to_itself() {
    let name = Cleanup::new("atomics-writer");
    let object = Counters::create(&*name, Counters::default()).unwrap();
    let reading = object.read().unwrap();
    reading.hits.store(7, Ordering::Relaxed);
    assert!(matches!(object.try_write(), Err(Error::Busy { .. })));
    drop(reading);
    let mut guard = object.write().unwrap();
    assert_eq!(*guard.hits.get_mut(), 7);
    *guard.hits.get_mut() = 0;
    guard.open = true;
    drop(guard);
    let reader = Counters::open_read_only(&*name).unwrap();
    let copy = reader.load().unwrap();
    assert!(copy.open);
    assert_eq!(copy.hits.into_inner(), 0);
    assert_eq!(object.version(), Version(2));
}

#[test]
fn a_lone_atomic_is_an_object() {
    let name = Cleanup::new("atomic");
    let hits = AtomicU64::create(&*name, AtomicU64::new(1)).unwrap();
    hits.read().unwrap().fetch_add(1, Ordering::Relaxed);
    let reader = AtomicU64::open_read_only(&*name).unwrap();
    assert_eq!(reader.load().unwrap().into_inner(), 2);
    // An integer of the same size is another type: it would be copied.
    assert!(matches!(
        u64::open(&*name),
        Err(Error::LayoutMismatch { .. })
    ));
}

#[test]
fn what_is_no_value_beside_them_is_refused() {
    let dir = TempDir::new("atomics-invalid");
    let path = dir.path().join("o");
    let object = Counters::create(path.as_path(), Counters::default()).unwrap();
    let open = Raw::read(&path).value().start + offset_of!(Counters, open);
    drop(object);
    scribble(&path, open, &[7]);
    let object = Counters::open(path.as_path()).unwrap();
    let read = object.read();
    assert!(
        matches!(&read, Err(Error::InvalidValue { field, .. }) if field == "open"),
        "{read:?}"
    );
    assert!(matches!(object.load(), Err(Error::InvalidValue { .. })));
    drop(read);
    object.store(Counters::default()).unwrap();
    assert!(!object.read().unwrap().open);
}

#[test]
fn they_cannot_be_had_in_several_buffers() {
    let name = Cleanup::new("atomics-buffers");
    let options = Counters::options().buffers(4);
    let object = options.create(&*name, Counters::default()).unwrap();
    assert_eq!(object.info().buffers, 1);
}

#[test]
fn the_schema_says_what_they_are() {
    assert!(Counters::SCHEMA.has_atomics());
    assert!(!u64::SCHEMA.has_atomics());
    let text = String::from_utf8(Counters::SCHEMA.stored_form()).unwrap();
    assert!(
        text.contains("1\tatomic-uint\t0\t8\thits\tAtomicU64\t\t\n"),
        "{text}"
    );
    assert!(
        text.contains("1\tatomic-int\t12\t4\tbalance\tAtomicI32\t\t\n"),
        "{text}"
    );
    let stored = StoredSchema::parse(text.as_bytes()).unwrap();
    assert_eq!(stored.size(), size_of::<Counters>());
    let impossible = text.replace("atomic-uint\t0\t8\t", "atomic-uint\t0\t16\t");
    assert!(StoredSchema::parse(impossible.as_bytes()).is_err());
}
