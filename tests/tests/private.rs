//! Private copies: one version, changed by nobody else and seen by nobody else.

use std::thread;

use shmem_core::{Error, PrivateCopy, Shared, Version};
use tests::{Cleanup, Large, Medium, Peer, Small, TempDir, alone, is_root};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

#[test]
fn changes_stay_on_either_side() {
    let name = Cleanup::new("private");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    object.store(Small::new(2)).unwrap();
    let mut copy = Small::open_private(&*name).unwrap();
    assert_eq!(PrivateCopy::version(&copy), Version(2));
    assert_eq!(*copy, Small::new(2));
    copy.set(7);
    object.store(Small::new(3)).unwrap();
    assert_eq!(*copy, Small::new(7));
    assert_eq!(object.load().unwrap(), Small::new(3));
    let again = Small::open_private(&*name).unwrap();
    assert_eq!(*again, Small::new(3));
}

/// Its pages are shared until they change, so the buffer must stay as it is.
#[test]
fn a_large_one_never_sees_later_writes() {
    let name = Cleanup::new("private-large");
    let object = Large::create_with(&*name, |value| value.set(1)).unwrap();
    let mut copy = Large::open_private(&*name).unwrap();
    assert_eq!(object.info().handles, Some(2));
    for n in 2..20 {
        object.update(|value| value.set(n)).unwrap();
    }
    // No page was touched before.
    assert!(copy.is_whole());
    assert_eq!(copy.counter, 1);
    copy.set(100);
    for n in 20..40 {
        object.update(|value| value.set(n)).unwrap();
    }
    assert!(copy.is_whole());
    assert_eq!((copy.counter, object.version()), (100, Version(39)));
    assert_eq!(object.load_boxed().unwrap().counter, 39);
    drop(copy);
    // The buffer is the writers' again.
    assert_eq!(object.info().handles, Some(1));
    let guards: Vec<_> = (0..3)
        .map(|n| {
            let guard = object.read().unwrap();
            if n < 2 {
                object.update(|value| value.set(50 + n)).unwrap();
            }
            guard
        })
        .collect();
    object.update(|value| value.set(60)).unwrap();
    assert_eq!(guards[2].counter, 51);
}

#[test]
fn while_others_write_all_the_time() {
    let name = Cleanup::new("private-load");
    let object = Large::create_with(&*name, |value| value.set(1)).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 2..400 {
                object.update(|value| value.set(n)).unwrap();
            }
        });
        for _ in 0..20 {
            let mut copy = Large::open_private(&*name).unwrap();
            let counter = copy.counter;
            assert_eq!(counter, PrivateCopy::version(&copy).0);
            assert!(copy.is_whole());
            copy.set(counter + 1000);
            assert!(copy.is_whole());
        }
    });
}

#[test]
fn of_what_is_changed_in_place_it_is_a_copy() {
    let dir = TempDir::new("private-in-place");
    let path = dir.path().join("o");
    let options = Large::options().buffers(1);
    let object = options
        .create_with(path.as_path(), |value| value.set(1))
        .unwrap();
    let copy = Large::open_private(path.as_path()).unwrap();
    // It is in nobody's way.
    object.update(|value| value.set(2)).unwrap();
    assert!(copy.is_whole());
    assert_eq!((copy.counter, PrivateCopy::version(&copy)), (1, Version(1)));
}

#[test]
fn arrays() {
    let name = Cleanup::new("private-array");
    let object = u32::options()
        .create_array_with(&*name, 1000, |i| u32::try_from(i).unwrap())
        .unwrap();
    object.store_at(0, 9).unwrap();
    let mut copy = u32::open_private_array(&*name).unwrap();
    assert_eq!(
        (copy.len(), PrivateCopy::version(&copy)),
        (1000, Version(2))
    );
    copy.sort_unstable_by(|a, b| b.cmp(a));
    object.store_at(999, 0).unwrap();
    assert_eq!((copy[0], copy[999]), (999, 1));
    assert_eq!(object.load_at(0).unwrap(), 9);
}

#[test]
fn whoever_may_only_read_gets_one() {
    alone(|_| {
        if !is_root("whoever_may_only_read_gets_one") {
            return;
        }
        let readable = Medium::options().mode(0o644);
        let _object = readable.create("o", Medium::new(1)).unwrap();
        let small = Small::options().mode(0o644);
        let _small = small.create("s", Small::new(5)).unwrap();
        let mut other = Peer::spawn(PEER, &["user", "1000"]);
        other.expect("private 0:s", 5);
    });
}

#[test]
fn there_must_be_something_to_copy() {
    let name = Cleanup::new("private-nothing");
    assert!(matches!(
        Small::open_private(&*name),
        Err(Error::NotFound { .. })
    ));
    let _object = u64::create(&*name, 1).unwrap();
    assert!(matches!(
        Small::open_private(&*name),
        Err(Error::LayoutMismatch { .. })
    ));
    assert!(matches!(
        u64::open_private_array(&*name),
        Err(Error::LayoutMismatch { .. })
    ));
}
