//! Arrays: whole through guards, item by item without them, and whole items whoever is killed.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use shmem_core::{Error, ReadGuard, Shared, SharedObject, Version, WriteGuard};
use tests::{Checked, Cleanup, Peer, Small, TempDir};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

fn create(name: &str, len: usize) -> SharedObject<[Small]> {
    let options = Small::options();
    options
        .create_array_with(name, len, |i| Small::new(i as u64))
        .unwrap()
}

#[test]
fn a_length_chosen_at_run_time() {
    let name = Cleanup::new("array");
    let object = create(&name, 100);
    assert_eq!((object.len(), object.is_empty()), (100, false));
    let other = Small::open_array(&*name).unwrap();
    assert_eq!(other.len(), 100);
    for (i, item) in other.read().unwrap().iter().enumerate() {
        assert_eq!(*item, Small::new(i as u64));
    }
    let info = object.info();
    assert_eq!((info.size, info.buffers), (6400, 1));
    assert_eq!(info.type_name, "[Checked; 100]");
    let listed = shmem_core::list().unwrap();
    let listed = listed
        .iter()
        .find(|info| info.location.name() == Some(&*name));
    assert_eq!(listed.unwrap().type_name, "[Checked; 100]");
    let schema = shmem_core::schema(&*name).unwrap();
    assert_eq!(schema.len(), Some(100));
    assert_eq!(schema.item().unwrap().name(), "Checked");
}

#[test]
fn single_items() {
    let name = Cleanup::new("array-items");
    let object = create(&name, 10);
    let other = Small::open_array(&*name).unwrap();
    assert_eq!(other.store_at(3, Small::new(33)).unwrap(), Version(2));
    assert_eq!(object.load_at(3).unwrap(), Small::new(33));
    let sum = object
        .update_at(3, |item| {
            item.set(item.counter + 1);
            item.counter
        })
        .unwrap();
    assert_eq!((sum, object.version()), (34, Version(3)));
    assert_eq!(other.read().unwrap()[3], Small::new(34));
    // The neighbours are as they were.
    for i in [0, 1, 2, 4, 5, 6, 7, 8, 9] {
        assert_eq!(object.load_at(i).unwrap(), Small::new(i as u64));
    }
    for wrong in [10, 11, usize::MAX] {
        let errors = [
            object.load_at(wrong).map(drop),
            object.store_at(wrong, Small::new(1)).map(drop),
            object.update_at(wrong, |_| ()),
        ];
        for error in errors {
            let error = error.unwrap_err();
            let is = matches!(
                error,
                Error::TooLarge {
                    what: "index",
                    limit: 10,
                    ..
                }
            );
            assert!(is, "{error}");
        }
    }
    assert_eq!(object.version(), Version(3));
}

#[test]
fn ranges_into_a_buffer() {
    let name = Cleanup::new("array-ranges");
    let object = create(&name, 10);
    let mut out = [Small::new(0); 4];
    assert_eq!(object.load_range(5, &mut out).unwrap(), Version(1));
    assert_eq!(out, [5, 6, 7, 8].map(Small::new));
    let error = object.load_range(7, &mut out).unwrap_err();
    let is = matches!(
        error,
        Error::TooLarge {
            found: 11,
            limit: 10,
            ..
        }
    );
    assert!(is, "{error}");
    assert_eq!(out, [5, 6, 7, 8].map(Small::new));
    object.load_range(10, &mut []).unwrap();
}

#[test]
fn the_whole_through_guards() {
    let name = Cleanup::new("array-whole");
    let object = create(&name, 10);
    {
        let mut guard = object.write().unwrap();
        guard.reverse();
    }
    assert_eq!(object.version(), Version(2));
    let seen = object.read().unwrap();
    assert_eq!(seen[0], Small::new(9));
    assert_eq!(ReadGuard::version(&seen), Version(2));
    // A guard of the whole keeps single items as they are, and whoever reads one is not kept.
    assert_eq!(object.load_at(0).unwrap(), Small::new(9));
    let other = Small::open_array(&*name).unwrap();
    thread::scope(|scope| {
        let storing = scope.spawn(|| other.store_at(0, Small::new(7)).unwrap());
        assert_eq!(seen[0], Small::new(9));
        drop(seen);
        assert_eq!(storing.join().unwrap(), Version(3));
    });
    assert_eq!(object.load_at(0).unwrap(), Small::new(7));
}

/// A guard leads to a plain slice, which any number of threads may read at once while writers wait.
#[test]
fn the_whole_in_parallel() {
    const LEN: usize = 1_000_000;
    let name = Cleanup::new("array-parallel");
    let object = u64::options()
        .create_array_with(&*name, LEN, |i| (i as u64).wrapping_mul(0x9E37_79B9) >> 16)
        .unwrap();
    let other = u64::open_array(&*name).unwrap();
    let written = AtomicBool::new(false);
    let guard = object.read().unwrap();
    let expected: u64 = guard.iter().sum();
    thread::scope(|scope| {
        scope.spawn(|| {
            other.write().unwrap().fill(1);
            written.store(true, SeqCst);
        });
        for _ in 0..20 {
            assert_eq!(guard.par_iter().sum::<u64>(), expected);
            let odd = |items: &[u64]| items.iter().filter(|item| **item % 2 == 1).count();
            assert_eq!(guard.par_chunks(1000).map(odd).sum::<usize>(), odd(&guard));
        }
        assert!(matches!(object.try_write(), Err(Error::Busy { .. })));
        assert!(!written.load(SeqCst), "a writer did not wait");
        drop(guard);
    });
    assert!(written.load(SeqCst));
    assert_eq!(object.read().unwrap().par_iter().sum::<u64>(), LEN as u64);
}

#[test]
fn from_an_iterator_and_from_nothing() {
    let name = Cleanup::new("array-from");
    let object = u16::options()
        .create_array_from(&*name, [3, 1, 4, 1, 5])
        .unwrap();
    assert_eq!(*object.read().unwrap(), [3, 1, 4, 1, 5]);
    let empty = Cleanup::new("array-empty");
    let object = u64::create_array(&*empty, 0, 7).unwrap();
    assert!(object.is_empty());
    assert_eq!(object.read().unwrap().len(), 0);
    assert!(object.load_at(0).is_err());
    assert_eq!(u64::open_array(&*empty).unwrap().len(), 0);
    let again = u64::open_or_create_array(&*empty, 5, 1).unwrap();
    assert_eq!(again.len(), 0);
}

#[test]
fn another_kind_of_object_is_another_layout() {
    let name = Cleanup::new("array-mismatch");
    let _object = u32::create_array(&*name, 4, 1).unwrap();
    let refused = |error: Error| {
        assert!(matches!(error, Error::LayoutMismatch { .. }), "{error}");
        error.to_string()
    };
    let text = refused(u32::open(&*name).unwrap_err());
    assert!(text.contains("an array `[u32; 4]` in the object"), "{text}");
    refused(<[u32; 4]>::open(&*name).unwrap_err());
    let text = refused(u64::open_array(&*name).unwrap_err());
    assert!(text.contains("u32"), "{text}");
    let single = Cleanup::new("array-mismatch-single");
    let _object = u32::create(&*single, 4).unwrap();
    let text = refused(u32::open_array(&*single).unwrap_err());
    assert!(text.contains("an array `[u32]` in this program"), "{text}");
}

#[test]
fn items_are_checked() {
    let dir = TempDir::new("array-invalid");
    let path = dir.path().join("o");
    let object = bool::create_array(path.as_path(), 100, false).unwrap();
    let at = tests::raw::Raw::read(&path).value().start;
    object.store_at(5, true).unwrap();
    drop(object);
    tests::raw::scribble(&path, at + 7, &[9]);
    let object = bool::open_array(path.as_path()).unwrap();
    assert!(object.load_at(5).unwrap());
    assert!(matches!(object.load_at(7), Err(Error::InvalidValue { found, .. }) if found == "9"));
    let whole = object.read();
    assert!(
        matches!(&whole, Err(Error::InvalidValue { field, offset: 7, .. }) if field == "[7]"),
        "{whole:?}"
    );
    drop(whole);
    assert!(object.load_range(0, &mut [false; 8]).is_err());
    object.load_range(8, &mut [true; 8]).unwrap();
    object.store_at(7, true).unwrap();
    assert_eq!(
        object.read().unwrap().iter().filter(|item| **item).count(),
        2
    );
}

#[test]
fn sizes_that_do_not_fit_a_word() {
    let name = Cleanup::new("array-odd");
    let object = <[u8; 3]>::create_array(&*name, 50, [1, 2, 3]).unwrap();
    for i in 0..50_u8 {
        object.store_at(i.into(), [i, i + 1, i + 2]).unwrap();
    }
    for i in 0..50_u8 {
        assert_eq!(object.load_at(i.into()).unwrap(), [i, i + 1, i + 2]);
    }
}

#[test]
fn items_are_whole_under_load() {
    type Item = Checked<14>;
    let name = Cleanup::new("array-load");
    let options = Item::options();
    let object = options
        .create_array_with(&*name, 8, |_| Item::new(0))
        .unwrap();
    const STORES: u64 = 20_000;
    thread::scope(|scope| {
        for writer in 0..2 {
            let name = &name;
            scope.spawn(move || {
                let other = Item::open_array(&**name).unwrap();
                for i in 0..STORES {
                    let index = usize::try_from(i % 4 * 2 + writer).unwrap();
                    other
                        .update_at(index, |item| item.set(item.counter + 1))
                        .unwrap();
                }
            });
        }
        let deadline = Instant::now() + tests::DEADLINE;
        let mut last = [0; 8];
        while last.iter().sum::<u64>() < 2 * STORES {
            assert!(Instant::now() < deadline, "stores were lost: {last:?}");
            for (index, last) in last.iter_mut().enumerate() {
                let item = object.load_at(index).unwrap();
                assert!(item.is_whole(), "torn at {}", item.counter);
                assert!(item.counter >= *last);
                *last = item.counter;
            }
        }
    });
    assert_eq!(object.version(), Version(2 * STORES + 1));
}

#[test]
fn a_half_changed_whole_is_poisoned_for_items_too() {
    let name = Cleanup::new("array-poisoned");
    let object = create(&name, 4);
    let mut guard = object.write().unwrap();
    guard[2].spoil(7);
    WriteGuard::discard(guard);
    assert!(matches!(object.load_at(0), Err(Error::Poisoned { .. })));
    assert!(matches!(
        object.store_at(0, Small::new(1)),
        Err(Error::Poisoned { .. })
    ));
    assert!(matches!(object.read(), Err(Error::Poisoned { .. })));
    let mut guard = object.write().unwrap();
    assert!(WriteGuard::recovered(&guard));
    guard[2].set(2);
    drop(guard);
    assert_eq!(object.load_at(2).unwrap(), Small::new(2));
}

#[test]
fn a_large_one_costs_what_is_touched() {
    use std::os::unix::fs::MetadataExt as _;
    let dir = TempDir::new("array-sparse");
    let path = dir.path().join("o");
    let made = Instant::now();
    let object = u64::create_array(path.as_path(), 8 << 20, 0).unwrap();
    println!("64 MiB created in {:?}", made.elapsed());
    object.store_at(8_000_000, 1).unwrap();
    assert_eq!(object.load_at(8_000_000).unwrap(), 1);
    assert_eq!(object.wait(Version(1), Duration::ZERO).unwrap(), Version(2));
    assert!(std::fs::metadata(&path).unwrap().size() > 64 << 20);
}

#[test]
fn who_may_only_read_reads_items_too() {
    type Item = Checked<14>;
    let name = Cleanup::new("array-readers");
    let options = Item::options();
    let object = options
        .create_array_with(&*name, 8, |_| Item::new(0))
        .unwrap();
    const STORES: u64 = 5_000;
    for mapped in [true, false] {
        let options = Item::options().mapped(mapped);
        let reader = options.open_array_read_only(&*name).unwrap();
        assert_eq!((reader.len(), reader.is_empty()), (8, false));
        let before = object.load_at(7).unwrap().counter;
        thread::scope(|scope| {
            scope.spawn(|| {
                for i in 0..STORES {
                    let index = usize::try_from(i % 8).unwrap();
                    object
                        .update_at(index, |item| item.set(item.counter + 1))
                        .unwrap();
                }
            });
            let deadline = Instant::now() + tests::DEADLINE;
            let mut last = Version(0);
            while reader.load_at(7).unwrap().counter < before + STORES / 8 {
                assert!(Instant::now() < deadline, "stores were lost");
                let item = reader.load_at(3).unwrap();
                assert!(item.is_whole(), "torn at {}", item.counter);
                let mut items = [Item::new(0); 5];
                let version = reader.load_range(2, &mut items).unwrap();
                assert!(items.iter().all(Item::is_whole));
                // All of one version: they are counted up in turn.
                assert!(items.is_sorted_by(|a, b| a.counter >= b.counter));
                assert!(version >= last);
                last = version;
            }
        });
        assert!(reader.load_at(8).is_err());
        assert!(reader.load_range(4, &mut [Item::new(0); 5]).is_err());
        assert!(reader.reopen().unwrap().load_at(0).unwrap().is_whole());
    }
}

#[test]
fn a_reader_of_a_half_changed_array_is_told_in_time() {
    let name = Cleanup::new("array-readers-poisoned");
    let object = create(&name, 4);
    let reader = Small::open_array_read_only(&*name).unwrap();
    let mut guard = object.write().unwrap();
    guard[2].spoil(7);
    assert!(matches!(reader.load_at(1), Err(Error::Busy { .. })));
    assert!(matches!(
        reader.load_range(0, &mut []),
        Err(Error::Busy { .. })
    ));
    guard[2].set(7);
    drop(guard);
    assert_eq!(reader.load_at(2).unwrap(), Small::new(7));
}

/// Large items, so that many kills come while one is copied.
type Page = Checked<510>;
const ITEMS: u64 = 5;

/// Whoever stores goes on counting where the last one was killed, item after item: so what every item must hold
/// follows from the highest number in the array.
#[test]
fn a_kill_leaves_every_item_old_or_new() {
    let name = Cleanup::new("array-kills");
    let options = Page::options();
    let object = options
        .create_array_with(&*name, usize::try_from(ITEMS).unwrap(), |_| Page::new(0))
        .unwrap();
    let reader = Page::open_array_read_only(&*name).unwrap();
    let mut random = tests::Random::new();
    let mut stored = 0;
    let mut rolled_forward = 0;
    for _ in 0..150 {
        let mut peer = Peer::spawn(PEER, &["sharing", "store-items", &name]);
        let begun = object.version();
        drop(object.wait(begun, tests::DEADLINE));
        thread::sleep(Duration::from_micros(random.below(3000).into()));
        peer.kill_now();
        let before = object.version();
        // Reads what is there, or has what was recorded published first.
        let items = object.read().unwrap();
        rolled_forward += u32::from(ReadGuard::version(&items) > before);
        let last = items.iter().map(|item| item.counter).max().unwrap();
        for (i, item) in (0..).zip(&*items) {
            assert!(item.is_whole(), "{i} is torn at {}", item.counter);
            let expected = (0..ITEMS).find(|back| last >= *back && (last - back) % ITEMS == i);
            let expected = expected.map_or(0, |back| last - back);
            assert_eq!(item.counter, expected, "{i}, seed {}", random.seed());
        }
        assert!(last >= stored);
        stored = last;
        drop(items);
        for i in 0..object.len() {
            assert!(reader.load_at(i).unwrap().is_whole());
        }
    }
    println!("{stored} stores, {rolled_forward} published after their writer was killed");
    assert!(stored > 150);
}
