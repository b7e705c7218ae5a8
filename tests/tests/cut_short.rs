//! A file that its owner cuts short under a reader: a trap through a mapping, a typed error without one.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{Error, Result, Shared, SharedObject, SharedReader, Version};
use tests::{Alone, Checked, Cleanup, Peer, Small, alone, is_root};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// 64 KiB: long enough to copy for a writer to come round to the same buffer meanwhile, where there are two.
type Slow = Checked<8190>;

/// Where the control words of a [`Small`] lie, and how many bytes they take.
const CONTROL: u64 = 8192;
const WORDS: u64 = 512;

fn cut(path: &Path, len: u64) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(len).unwrap();
}

fn unmapped(name: &str) -> SharedReader<Small> {
    let options = Small::options().mapped(false);
    options.open_read_only(name).unwrap()
}

fn is_cut_short<T>(result: &Result<T>) -> bool {
    matches!(
        result,
        Err(Error::Corrupt {
            what: "file size",
            ..
        })
    )
}

#[test]
fn without_a_mapping_it_is_an_error() {
    alone(|alone| {
        let object = Small::create("whole", Small::new(1)).unwrap();
        let total = object.info().file_size;
        // Into the last buffer; before the first; into the words; before them; into the header; nothing left.
        for len in [total - 1, CONTROL + WORDS, CONTROL + 8, CONTROL, 100, 0] {
            cut_to(alone, len, total);
        }
    });
}

/// Everything a reader can be asked of an object cut to `len` bytes.
fn cut_to(alone: &Alone, len: u64, total: u64) {
    let name = format!("o-{len}");
    let object = Small::create(name.as_str(), Small::new(1)).unwrap();
    let reader = unmapped(&name);
    assert_eq!(reader.load().unwrap(), Small::new(1));
    cut(&alone.home().join(&name), len);
    // Whoever has it mapped may not touch it any more, not even to close it.
    let _object = ManuallyDrop::new(object);

    let value = len == total - 1;
    assert_eq!(is_cut_short(&reader.load()), !value, "{len}");
    assert_eq!(is_cut_short(&reader.load_boxed()), !value, "{len}");
    let mut out = Small::new(7);
    assert_eq!(is_cut_short(&reader.load_into(&mut out)), !value, "{len}");
    assert_eq!(out, Small::new(if value { 1 } else { 7 }), "{len}");

    let words = len >= CONTROL + WORDS;
    let version = Version(words.into());
    assert_eq!(reader.version(), version, "{len}");
    assert_eq!(reader.info().version, version, "{len}");
    assert_eq!(reader.is_current(), words, "{len}");
    assert_eq!(reader.age() == Duration::MAX, !words, "{len}");
    let waited = reader.wait(Version(1), Duration::from_millis(1));
    if words {
        assert!(matches!(waited, Err(Error::TimedOut { .. })), "{len}");
    } else {
        assert!(is_cut_short(&waited), "{len}: {waited:?}");
    }
    reader.interrupt();
    let waited = reader.wait_forever(Version(1));
    assert!(matches!(waited, Err(Error::Interrupted { .. })), "{len}");
    // A new opening looks at the length first.
    let again = reader.reopen();
    let refused = is_cut_short(&again) || matches!(again, Err(Error::NotAnObject { .. }));
    assert!(refused, "{len}: {again:?}");
}

#[test]
fn through_a_mapping_it_is_a_trap() {
    alone(|alone| {
        let object = Small::create("o", Small::new(1)).unwrap();
        let mut peer = Peer::spawn(PEER, &["user", "-"]);
        peer.expect("open-read-only o", "open");
        peer.expect("load", 1);
        cut(&alone.home().join("o"), 0);
        let _object = ManuallyDrop::new(object);
        peer.send("load");
        assert_eq!(peer.finish().signal(), Some(libc::SIGBUS));
    });
}

#[test]
fn another_users_object_is_read_without_a_trap() {
    alone(|alone| {
        if !is_root("another_users_object_is_read_without_a_trap") {
            return;
        }
        let readable = Small::options().mode(0o644);
        let object = readable.create("o", Small::new(1)).unwrap();
        let mut other = Peer::spawn(PEER, &["user", "1000"]);
        other.expect("open-unmapped 0:o", "open");
        other.expect("load", 1);
        other.send("wait 1");
        assert_eq!(other.recv(), "waiting");
        object.store(Small::new(2)).unwrap();
        assert_eq!(other.recv(), "2");
        other.expect("load", 2);
        cut(&alone.home().join("o"), 0);
        let _object = ManuallyDrop::new(object);
        other.expect("load", "Corrupt");
        other.expect("wait-at-most 2 10", "Corrupt");
        other.expect("is-current", false);
        other.expect("close", "closed");
        assert!(other.finish().success());
    });
}

#[test]
fn a_value_is_whole_and_versions_grow() {
    let name = Cleanup::new("unmapped");
    let two = Slow::options().buffers(2);
    let object = two.create(&*name, Slow::new(0)).unwrap();
    let reader = Slow::options().mapped(false);
    let reader = reader.open_read_only(&*name).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| publish_until(&object, &done));
        let _ends = Ends(&done);
        let mut value = Slow::new(0);
        let mut last = Version(0);
        let mut versions = 0;
        let deadline = Instant::now() + 4 * tests::DEADLINE;
        while versions < 300 {
            assert!(Instant::now() < deadline, "{versions} versions only");
            let version = reader.load_into(&mut value).unwrap();
            assert!(value.is_whole(), "torn at {}", value.counter);
            assert!(version >= last, "{version} after {last}");
            versions += u32::from(version > last);
            last = version;
        }
    });
}

/// Says that it is done when it drops: after a panic, too.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn publish_until(object: &SharedObject<Slow>, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        object.update(|value| value.set(value.counter + 1)).unwrap();
    }
}

#[test]
fn who_is_not_told_looks_in_slices() {
    let name = Cleanup::new("unmapped-wait");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let reader = unmapped(&name);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| reader.wait(Version(1), tests::DEADLINE));
        object.store(Small::new(2)).unwrap();
        assert_eq!(waiter.join().unwrap().unwrap(), Version(2));
    });
    drop(object);
    assert!(matches!(
        reader.wait_forever(Version(2)),
        Err(Error::Removed { .. })
    ));
    assert!(!reader.is_current());
    assert_eq!(reader.load().unwrap(), Small::new(2));
}
