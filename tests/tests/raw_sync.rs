//! Objects with a lock of raw_sync before the value: programs outside that know only its bytes and its pthread lock
//! exclude ours and are excluded by them.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{Error, Lifetime, Lock, Options, Shared, SharedObject, Version, WriteGuard};
use tests::raw::{control, scribble};
use tests::{DEADLINE, Peer, Small, TempDir, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");
const SOON: Duration = Duration::from_millis(20);
const BUSY: i32 = libc::EBUSY;

fn options() -> Options<Small> {
    Small::options().lock(Lock::RawSync)
}

/// An object that holds 1, in a directory of its own.
struct Object {
    ours: SharedObject<Small>,
    path: PathBuf,
    _dir: TempDir,
}

impl Object {
    fn new(test: &str) -> Self {
        let dir = TempDir::new(&format!("raw-sync-{test}"));
        let path = dir.path().join("object");
        let options = options().lifetime(Lifetime::WhileOpen);
        let ours = options.create(path.as_path(), Small::new(1)).unwrap();
        Object {
            ours,
            path,
            _dir: dir,
        }
    }

    /// Another program of ours, which has it open.
    fn session(&self) -> Peer {
        let mut peer = Peer::spawn(PEER, &["session-file"]);
        peer.expect(format!("open {}", self.path.display()), "open");
        peer
    }

    /// A program outside.
    fn outsider(&self) -> Peer {
        outsider(&self.path)
    }
}

fn outsider(path: &Path) -> Peer {
    Peer::spawn(PEER, &["pthread", path.to_str().unwrap()])
}

#[test]
fn the_creator_says_it_and_the_object_is_in_place() {
    let object = Object::new("info");
    let info = Small::open(object.path.as_path()).unwrap().info();
    assert_eq!((info.lock, info.buffers), (Lock::RawSync, 1));
    let path = object.path.with_extension("more");
    let made = options().buffers(4).create(path.as_path(), Small::new(1));
    assert_eq!(made.unwrap().info().buffers, 1);
    let path = object.path.with_extension("native");
    let native = Small::create(path.as_path(), Small::new(1)).unwrap();
    assert_eq!(native.info().lock, Lock::Native);
    // An opener's word is ignored.
    let opened = options().open(path.as_path()).unwrap();
    assert_eq!(opened.info().lock, Lock::Native);
}

#[test]
fn readers_share_and_a_writer_excludes() {
    let object = Object::new("sharing");
    let ours = &object.ours;
    let mut peer = object.session();
    peer.expect("read", 1);
    assert_eq!(*ours.read().unwrap(), Small::new(1));
    assert_eq!(ours.load().unwrap(), Small::new(1));
    assert_eq!(outcome(ours.try_write()), "Busy");
    assert_eq!(outcome(ours.write_timeout(SOON)), "TimedOut");
    peer.expect("drop-readers", "done");

    let mut guard = ours.write().unwrap();
    peer.expect("try-write", "Busy");
    // This thread would wait for itself.
    assert_eq!(outcome(ours.read()), "WouldDeadlock");
    assert_eq!(outcome(ours.load()), "WouldDeadlock");
    assert_eq!(outcome(ours.write()), "WouldDeadlock");
    guard.set(2);
    peer.send("load");
    assert_eq!(peer.try_recv(), None);
    drop(guard);
    assert_eq!(peer.recv(), "2");
    peer.expect("wait 1 1000", 2);
    assert_eq!(ours.version(), Version(2));
    ours.try_update(|_| Err::<(), ()>(())).unwrap().unwrap_err();
    assert_eq!(outcome(ours.read()), "Poisoned");
    let guard = ours.write().unwrap();
    assert!(WriteGuard::recovered(&guard));
    WriteGuard::commit(guard);
    peer.expect("load", 2);
}

#[test]
fn programs_outside_are_excluded_as_ours_are() {
    let object = Object::new("outside");
    let ours = &object.ours;
    let mut outside = object.outsider();
    // Both read.
    let guard = ours.read().unwrap();
    outside.expect("tryrdlock", 0);
    outside.expect("get", 1);
    outside.expect("unlock", 0);
    outside.expect("trywrlock", BUSY);
    outside.expect("rdlock", 0);
    drop(guard);
    assert_eq!(ours.load().unwrap(), Small::new(1));
    assert_eq!(outcome(ours.try_write()), "Busy");
    assert_eq!(outcome(ours.write_timeout(SOON)), "TimedOut");
    outside.expect("unlock", 0);
    // Ours writes.
    let mut guard = ours.write().unwrap();
    outside.expect("tryrdlock", BUSY);
    outside.expect("trywrlock", BUSY);
    guard.set(2);
    outside.send("rdlock");
    assert_eq!(outside.try_recv(), None);
    drop(guard);
    assert_eq!(outside.recv(), "0");
    outside.expect("get", 2);
    outside.expect("unlock", 0);
    // The one outside writes.
    outside.expect("wrlock", 0);
    assert_eq!(outcome(ours.try_read()), "Busy");
    assert_eq!(outcome(ours.read_timeout(SOON)), "TimedOut");
    assert_eq!(outcome(ours.try_write()), "Busy");
    assert_eq!(outcome(ours.write_timeout(SOON)), "TimedOut");
    thread::scope(|scope| {
        let read = scope.spawn(|| ours.read_timeout(DEADLINE).map(|guard| *guard));
        let loaded = scope.spawn(|| ours.load());
        outside.expect("set 3", "done");
        thread::sleep(SOON);
        let both_wait = !read.is_finished() && !loaded.is_finished();
        outside.expect("unlock", 0);
        assert!(both_wait);
        assert_eq!(read.join().unwrap().unwrap(), Small::new(3));
        assert_eq!(loaded.join().unwrap().unwrap(), Small::new(3));
    });
    // That was no publication.
    assert_eq!(ours.version(), Version(2));
    ours.update(|value| value.set(value.counter + 1)).unwrap();
    outside.expect("get", 4);
}

/// Two programs of ours and two outside count together.
#[test]
fn no_change_is_lost_or_torn() {
    const EACH: u64 = 2_000;
    let object = Object::new("counting");
    let mut outside = [object.outsider(), object.outsider()];
    let mut session = object.session();
    outside
        .iter_mut()
        .for_each(|peer| peer.send(format!("add {EACH}")));
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..EACH {
                let value = object.ours.load().unwrap();
                assert!(value.is_whole(), "torn at {}", value.counter);
                let change = |value: &mut Small| value.set(value.counter + 1);
                object.ours.update(change).unwrap();
            }
        });
        for _ in 0..EACH / 10 {
            session.expect("add 1", "done");
        }
    });
    for peer in &outside {
        assert_eq!(peer.recv(), "done");
    }
    let expected = 1 + 3 * EACH + EACH / 10;
    assert_eq!(object.ours.load().unwrap(), Small::new(expected));
}

/// The timed waits of raw_sync fail where the timeout and the clock make a second: of 999 ms nearly always.
#[test]
fn timeouts_are_kept_whatever_they_are() {
    let object = Object::new("timeouts");
    let mut outside = object.outsider();
    outside.expect("wrlock", 0);
    let timeouts = [0, 1, 500, 999, 1_000, 1_001, 1_500].map(Duration::from_millis);
    thread::scope(|scope| {
        for timeout in timeouts {
            let path = object.path.as_path();
            scope.spawn(move || {
                let ours = Small::open(path).unwrap();
                let began = Instant::now();
                let read = ours.read_timeout(timeout);
                check(timeout, began, outcome(read));
                let began = Instant::now();
                let written = ours.write_timeout(timeout);
                check(timeout, began, outcome(written));
            });
        }
    });
    outside.expect("unlock", 0);
    assert_eq!(outcome(object.ours.read_timeout(Duration::MAX)), "Ok");
    assert_eq!(outcome(object.ours.write_timeout(Duration::ZERO)), "Ok");
}

fn check(timeout: Duration, began: Instant, outcome: String) {
    let took = began.elapsed();
    assert_eq!(outcome, "TimedOut", "{timeout:?}");
    assert!(took >= timeout, "{took:?} of {timeout:?}");
    assert!(took < timeout + DEADLINE / 3, "{took:?} of {timeout:?}");
}

/// What the lock lacks, and what an object without it has.
#[test]
fn a_holder_that_is_killed_blocks_until_the_object_is_removed() {
    for held in ["write", "read", "wrlock", "rdlock"] {
        let object = Object::new("killed");
        let ours = &object.ours;
        let shared = ["read", "rdlock"].contains(&held);
        let mut peer = match held {
            "write" | "read" => object.session(),
            _ => object.outsider(),
        };
        peer.ask(held);
        peer.kill();
        let expected = if shared { "Ok" } else { "TimedOut" };
        assert_eq!(outcome(ours.read_timeout(SOON)), expected, "{held}");
        assert_eq!(outcome(ours.write_timeout(SOON)), "TimedOut", "{held}");
        assert_eq!(outcome(ours.try_write()), "Busy", "{held}");
        thread::scope(|scope| {
            let writer = scope.spawn(|| outcome(ours.write_timeout(DEADLINE)));
            thread::sleep(SOON);
            let waits = !writer.is_finished();
            shmem_core::remove(object.path.as_path()).unwrap();
            assert!(waits, "{held}");
            assert_eq!(writer.join().unwrap(), "Removed", "{held}");
        });
        let anew = options().create(object.path.as_path(), Small::new(5));
        assert_eq!(outcome(anew.unwrap().write()), "Ok");
    }
    // Without such a lock the dead block nobody.
    let dir = TempDir::new("raw-sync-native");
    let path = dir.path().join("native");
    let ours = Small::options().buffers(1);
    let ours = ours.create(path.as_path(), Small::new(1)).unwrap();
    let mut peer = Peer::spawn(PEER, &["session-file"]);
    peer.expect(format!("open {}", path.display()), "open");
    peer.expect("write", "1 recovered false");
    peer.expect("spoil 2", "done");
    peer.kill();
    let guard = ours.write_timeout(DEADLINE).unwrap();
    assert!(WriteGuard::recovered(&guard));
}

/// A writer that was killed half-way: readers know, though nobody can repair it.
#[test]
fn a_writer_that_was_killed_half_way() {
    let object = Object::new("half-way");
    let mut peer = object.session();
    peer.expect("write", "1 recovered false");
    peer.expect("spoil 9", "done");
    peer.kill();
    assert_eq!(outcome(object.ours.read()), "Poisoned");
    assert_eq!(outcome(object.ours.write_timeout(SOON)), "TimedOut");
    assert_eq!(outcome(object.ours.load()), "Poisoned");
}

/// Of a file that comes from another boot, nobody can hold the lock.
#[test]
fn a_lock_from_another_boot_is_made_anew() {
    let dir = TempDir::new("raw-sync-boot");
    let path = dir.path().join("object");
    drop(options().create(path.as_path(), Small::new(1)).unwrap());
    let mut outside = outsider(&path);
    outside.expect("wrlock", 0);
    outside.kill();
    let ours = Small::open(path.as_path()).unwrap();
    assert_eq!(outcome(ours.write_timeout(SOON)), "TimedOut");
    drop(ours);
    let header = tests::raw::Raw::read(&path);
    let at = header.offset(tests::raw::word::CONTROL) + control::BOOT;
    scribble(&path, at, &7_u64.to_ne_bytes());
    let ours = Small::open(path.as_path()).unwrap();
    ours.write_timeout(DEADLINE).unwrap().set(2);
    outsider(&path).expect("tryrdlock", 0);
    assert_eq!(ours.load().unwrap(), Small::new(2));
}

#[test]
fn guards_may_be_dropped_by_other_threads() {
    let object = Object::new("threads");
    let ours = &object.ours;
    let mut outside = object.outsider();
    for _ in 0..100 {
        let guards: Vec<_> = (0..3).map(|_| ours.read().unwrap()).collect();
        thread::scope(|scope| {
            for guard in guards {
                scope.spawn(move || assert!(guard.is_whole()));
            }
        });
    }
    outside.expect("trywrlock", 0);
    outside.expect("unlock", 0);
    ours.try_write().unwrap().set(2);
    outside.expect("get", 2);
}

#[test]
fn read_guards_that_were_forgotten_end_with_their_handle() {
    let object = Object::new("forgotten");
    let mut outside = object.outsider();
    let other = Small::open(object.path.as_path()).unwrap();
    for _ in 0..3 {
        let _forgotten = ManuallyDrop::new(other.read().unwrap());
    }
    outside.expect("trywrlock", BUSY);
    drop(other);
    outside.expect("trywrlock", 0);
    outside.expect("unlock", 0);
}

/// A child gives back neither its parent's guards nor the lock.
#[test]
fn a_forked_child_leaves_the_lock_alone() {
    let object = Object::new("fork");
    let mut outside = object.outsider();
    let path = object.path.to_str().unwrap();
    let peer = Peer::spawn(PEER, &["fork", "drops", path]);
    assert_eq!(peer.recv(), "1");
    outside.expect("trywrlock", BUSY);
    assert!(peer.finish().success());
    outside.expect("trywrlock", 0);
    outside.expect("unlock", 0);
}

#[derive(Shared, Clone, Copy)]
#[repr(C)]
struct Flags([bool; 64]);

/// A version says nothing of what programs outside do: each guard looks at the bytes.
#[test]
fn invalid_bytes_are_found_in_the_same_version() {
    let dir = TempDir::new("raw-sync-invalid");
    let path = dir.path().join("object");
    let options = Flags::options().lock(Lock::RawSync);
    let ours = options.create(path.as_path(), Flags([true; 64])).unwrap();
    assert!(ours.read().unwrap().0[63]);
    // As an outsider would, under the lock.
    let mut outside = outsider(&path);
    outside.expect("wrlock", 0);
    outside.expect("set 7", "done");
    outside.expect("unlock", 0);
    assert_eq!(ours.version(), Version(1));
    assert_eq!(outcome(ours.read()), "InvalidValue");
    assert_eq!(outcome(ours.load()), "InvalidValue");
    assert_eq!(outcome(ours.write()), "InvalidValue");
    ours.store(Flags([false; 64])).unwrap();
    assert!(!ours.read().unwrap().0[0]);
    outside.expect("set 8", "done");
    let Err(Error::InvalidValue { offset, .. }) = ours.read() else {
        panic!("they were not looked at");
    };
    assert_eq!(offset, 0);
}

#[test]
fn arrays_have_it_too() {
    let dir = TempDir::new("raw-sync-array");
    let path = dir.path().join("object");
    let options = u64::options().lock(Lock::RawSync);
    let ours = options.create_array(path.as_path(), 8, 5).unwrap();
    assert_eq!(ours.info().lock, Lock::RawSync);
    let mut outside = outsider(&path);
    ours.store_at(0, 6).unwrap();
    assert_eq!(ours.update_at(0, |item| *item * 2).unwrap(), 12);
    outside.expect("rdlock", 0);
    outside.expect("get", "torn at 6");
    assert_eq!(ours.load_at(0).unwrap(), 6);
    assert_eq!(outcome(ours.write_timeout(SOON)), "TimedOut");
    outside.expect("unlock", 0);
    outside.expect("wrlock", 0);
    assert_eq!(outcome(ours.try_read()), "Busy");
    thread::scope(|scope| {
        let one = scope.spawn(|| ours.load_at(0));
        let range = scope.spawn(|| {
            let mut items = [0; 2];
            ours.load_range(0, &mut items).map(|_| items)
        });
        let stored = scope.spawn(|| ours.store_at(7, 1));
        outside.expect("set 77", "done");
        thread::sleep(SOON);
        let all_wait = !one.is_finished() && !range.is_finished() && !stored.is_finished();
        outside.expect("unlock", 0);
        assert!(all_wait);
        assert_eq!(one.join().unwrap().unwrap(), 77);
        assert_eq!(range.join().unwrap().unwrap(), [77, 0]);
        stored.join().unwrap().unwrap();
    });
    assert_eq!(ours.load_at(7).unwrap(), 1);
}
