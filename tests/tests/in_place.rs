//! Objects with one buffer, changed where it lies: readers share, a writer excludes, the dead block nobody.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{Error, Options, ReadGuard, Shared, SharedObject, Version, WriteGuard};
use tests::{Cleanup, Peer, Small};

const PEER: &str = env!("CARGO_BIN_EXE_peer");
const SOON: Duration = Duration::from_millis(20);

fn options() -> Options<Small> {
    Small::options().buffers(1)
}

fn create(name: &str) -> SharedObject<Small> {
    options().create(name, Small::new(1)).unwrap()
}

fn peer(name: &str) -> Peer {
    let mut peer = Peer::spawn(PEER, &["session"]);
    peer.expect(format!("open {name}"), "open");
    peer
}

#[test]
fn what_one_writes_others_read() {
    let name = Cleanup::new("in-place");
    let object = create(&name);
    assert_eq!(object.info().buffers, 1);
    let mut peer = peer(&name);
    peer.expect("read", 1);
    peer.expect("drop-readers", "done");
    {
        let mut guard = object.write().unwrap();
        assert_eq!(*guard, Small::new(1));
        assert!(!WriteGuard::recovered(&guard));
        guard.set(2);
    }
    peer.expect("load", 2);
    peer.expect("store 3", 3);
    assert_eq!(object.load().unwrap(), Small::new(3));
    assert_eq!(object.version(), Version(3));
    object.update(|value| value.set(4)).unwrap();
    peer.expect("read", 4);
    peer.expect("drop-readers", "done");
    let reader = Small::open_read_only(&*name).unwrap();
    assert_eq!(reader.load().unwrap(), Small::new(4));
}

/// The option of the derive; the creator's own word goes before it.
#[test]
fn a_type_that_is_changed_in_place() {
    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    #[shared(in_place)]
    struct Frame([u8; 100]);

    let name = Cleanup::new("in-place-type");
    let object = Frame::create(&*name, Frame([1; 100])).unwrap();
    assert_eq!(object.info().buffers, 1);
    object.update(|frame| frame.0[99] = 7).unwrap();
    assert_eq!(Frame::open(&*name).unwrap().load().unwrap().0[99], 7);

    let name = Cleanup::new("not-in-place");
    let object = Frame::options().buffers(3).create(&*name, Frame([1; 100]));
    assert_eq!(object.unwrap().info().buffers, 3);
}

#[test]
fn a_guard_that_changed_nothing_publishes_nothing() {
    let name = Cleanup::new("in-place-untouched");
    let object = create(&name);
    drop(object.write().unwrap());
    WriteGuard::discard(object.write().unwrap());
    assert_eq!(object.version(), Version(1));
    assert_eq!(WriteGuard::commit(object.write().unwrap()), Version(2));
    assert_eq!(*object.read().unwrap(), Small::new(1));
}

#[test]
fn readers_share_and_a_writer_excludes() {
    let name = Cleanup::new("in-place-exclusion");
    let object = create(&name);
    let mut peer = peer(&name);
    peer.expect("read", 1);
    let mine = object.read().unwrap();
    assert_eq!(*mine, Small::new(1));
    drop(mine);
    // The peer's guard is in a writer's way.
    assert!(matches!(object.try_write(), Err(Error::Busy { .. })));
    let waited = object.write_timeout(SOON);
    assert!(matches!(waited, Err(Error::TimedOut { .. })), "{waited:?}");
    // Nothing stays behind of an attempt: others read.
    assert_eq!(*object.read().unwrap(), Small::new(1));
    peer.expect("drop-readers", "done");

    let mut guard = object.write().unwrap();
    peer.expect("try-write", "Busy");
    guard.set(2);
    peer.send("read");
    assert_eq!(peer.try_recv(), None);
    drop(guard);
    assert_eq!(peer.recv(), "2");
    peer.expect("drop-readers", "done");
}

#[test]
fn a_reader_gives_up_when_it_is_told_to() {
    let name = Cleanup::new("in-place-deadlines");
    let object = create(&name);
    let other = Small::open(&*name).unwrap();
    let guard = object.write().unwrap();
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            assert!(matches!(other.try_read(), Err(Error::Busy { .. })));
            let began = Instant::now();
            let read = other.read_timeout(SOON);
            assert!(matches!(read, Err(Error::TimedOut { .. })), "{read:?}");
            assert!(began.elapsed() >= SOON);
        });
        reader.join().unwrap();
    });
    // This thread would wait for itself.
    assert!(matches!(other.read(), Err(Error::WouldDeadlock { .. })));
    assert!(matches!(object.read(), Err(Error::WouldDeadlock { .. })));
    assert!(matches!(other.write(), Err(Error::WouldDeadlock { .. })));
    drop(guard);
    assert_eq!(*other.read().unwrap(), Small::new(1));
}

#[test]
fn who_reads_may_read_again_while_a_writer_waits() {
    let name = Cleanup::new("in-place-again");
    let object = create(&name);
    let mut peer = peer(&name);
    let first = object.read().unwrap();
    peer.send("write");
    // Until the peer's wish shows: others do not get in any more.
    let other = Small::open(&*name).unwrap();
    tests::eventually("the writer keeps others out", || other.try_read().is_err());
    let second = object.read().unwrap();
    let third = object.try_read().unwrap();
    assert_eq!(peer.try_recv(), None);
    drop(first);
    drop(third);
    assert_eq!(peer.try_recv(), None);
    assert_eq!(*second, Small::new(1));
    drop(second);
    assert_eq!(peer.recv(), "1 recovered false");
    peer.expect("set 2", "done");
    peer.expect("commit", 2);
    assert_eq!(*object.read().unwrap(), Small::new(2));
}

#[test]
fn a_writer_does_not_wait_for_its_own_guard_for_ever() {
    let name = Cleanup::new("in-place-own-guard");
    let object = create(&name);
    let guard = object.read().unwrap();
    let written = object.write();
    assert!(matches!(written, Err(Error::Busy { .. })), "{written:?}");
    drop(written);
    assert_eq!(ReadGuard::version(&guard), Version(1));
    drop(guard);
    object.store(Small::new(2)).unwrap();
}

#[test]
fn a_reader_that_is_killed_blocks_nobody() {
    let name = Cleanup::new("in-place-dead-reader");
    let object = create(&name);
    let mut peer = peer(&name);
    peer.expect("read", 1);
    assert!(matches!(object.try_write(), Err(Error::Busy { .. })));
    peer.kill();
    object.store(Small::new(2)).unwrap();
}

#[test]
fn a_writer_killed_before_it_changed_anything_leaves_the_value() {
    let name = Cleanup::new("in-place-dead-untouched");
    let object = create(&name);
    let mut peer = peer(&name);
    peer.expect("write", "1 recovered false");
    peer.kill();
    assert_eq!(*object.read().unwrap(), Small::new(1));
    let guard = object.read().unwrap();
    // The next writer finds the guard that was let in past the dead one.
    let other = Small::open(&*name).unwrap();
    assert!(matches!(other.try_write(), Err(Error::Busy { .. })));
    drop(guard);
    let guard = other.write().unwrap();
    assert!(!WriteGuard::recovered(&guard));
}

#[test]
fn a_writer_killed_in_the_middle_poisons_until_somebody_repairs() {
    let name = Cleanup::new("in-place-poisoned");
    let object = create(&name);
    let mut peer = peer(&name);
    peer.expect("write", "1 recovered false");
    peer.expect("spoil 9", "done");
    peer.kill();
    assert!(matches!(object.read(), Err(Error::Poisoned { .. })));
    assert!(matches!(object.try_read(), Err(Error::Poisoned { .. })));
    assert!(matches!(object.load(), Err(Error::Poisoned { .. })));
    let reader = Small::open_read_only(&*name).unwrap();
    assert!(reader.load().is_err());

    // A writer that looks and repairs nothing leaves it so.
    drop(object.write().unwrap());
    assert!(matches!(object.read(), Err(Error::Poisoned { .. })));
    let mut guard = object.write().unwrap();
    assert!(WriteGuard::recovered(&guard));
    assert!(!guard.is_whole());
    guard.set(2);
    drop(guard);
    assert_eq!(*object.read().unwrap(), Small::new(2));
    assert_eq!(reader.load().unwrap(), Small::new(2));
    assert!(!WriteGuard::recovered(&object.write().unwrap()));
}

#[test]
fn a_store_repairs() {
    let name = Cleanup::new("in-place-store");
    let object = create(&name);
    let mut peer = peer(&name);
    peer.expect("write", "1 recovered false");
    peer.expect("spoil 9", "done");
    peer.kill();
    assert_eq!(object.store(Small::new(3)).unwrap(), Version(2));
    assert_eq!(object.load().unwrap(), Small::new(3));
}

#[test]
fn giving_up_in_the_middle_poisons() {
    let name = Cleanup::new("in-place-discard");
    let object = create(&name);
    let mut guard = object.write().unwrap();
    guard.set(2);
    WriteGuard::discard(guard);
    assert!(matches!(object.read(), Err(Error::Poisoned { .. })));
    object.store(Small::new(3)).unwrap();

    let failed = object.try_update(|value| {
        value.set(4);
        Err::<(), _>("no")
    });
    assert_eq!(failed.unwrap(), Err("no"));
    assert!(matches!(object.read(), Err(Error::Poisoned { .. })));
    object.store(Small::new(5)).unwrap();

    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        object.update(|value| {
            value.set(6);
            panic!("in the middle");
        })
    }));
    assert!(panicked.is_err());
    assert!(matches!(object.read(), Err(Error::Poisoned { .. })));
    assert!(WriteGuard::recovered(&object.write().unwrap()));
}

#[test]
fn a_file_left_half_changed_is_poisoned_when_it_is_opened() {
    let dir = tests::TempDir::new("in-place-file");
    let path = dir.path().join("o");
    let object = options().create(path.as_path(), Small::new(1)).unwrap();
    let mut peer = Peer::spawn(PEER, &["session-file"]);
    peer.expect(format!("open {}", path.display()), "open");
    peer.expect("write", "1 recovered false");
    peer.expect("spoil 9", "done");
    drop(object);
    peer.kill();
    let object = Small::open(path.as_path()).unwrap();
    assert!(matches!(object.read(), Err(Error::Poisoned { .. })));
    object.store(Small::new(2)).unwrap();
    assert_eq!(*object.read().unwrap(), Small::new(2));
}

#[test]
fn waiting_goes_on_past_writers_that_change_nothing() {
    let name = Cleanup::new("in-place-wait");
    let object = create(&name);
    let (ready, started) = mpsc::channel();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            ready.send(()).unwrap();
            object.wait(Version(1), tests::DEADLINE)
        });
        started.recv().unwrap();
        for _ in 0..100 {
            drop(object.write().unwrap());
        }
        object.store(Small::new(2)).unwrap();
        assert_eq!(waiter.join().unwrap().unwrap(), Version(2));
    });
}
