//! Defects that were found and mended: each test opens with the defect, its consequence and the fix.
#![expect(
    unsafe_code,
    reason = "forks, and closes descriptors behind the library's back"
)]

use shmem_core::{Error, Shared, Version};
use tests::raw::{ROW, Raw, control, scribble, word};
use tests::{Cleanup, Peer, TempDir};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// `open` compared layouts before it asked whether anybody had the object open. A program that was killed,
/// changed its struct and was started again got `LayoutMismatch` from a leftover that should not exist, until
/// somebody removed the file by hand. Now a leftover is absent before anything in it is looked at.
#[test]
fn a_leftover_of_another_layout_is_no_object() {
    for open in [0, 1, 2] {
        let name = Cleanup::new("leftover-layout");
        let mut peer = Peer::spawn(PEER, &["session"]);
        assert_eq!(peer.ask(format!("create {} 1", name.name())), "open");
        assert!(matches!(
            u64::open(name.name()),
            Err(Error::LayoutMismatch { .. })
        ));
        peer.kill();
        let result = match open {
            0 => u64::open(name.name()).map(drop),
            1 => u64::open_read_only(name.name()).map(drop),
            _ => u64::open_or_create(name.name(), 7).map(|object| {
                assert_eq!((object.load().unwrap(), object.version()), (7, Version(1)));
            }),
        };
        match open {
            2 => result.unwrap(),
            _ => assert!(matches!(result, Err(Error::NotFound { .. })), "{result:?}"),
        }
    }
}

/// The same with an object that somebody had marked as removed and was killed before it took the name away: `create`
/// went ahead, and `open` said `LayoutMismatch`. Found by the fuzzer, ten minutes into `open`.
#[test]
fn a_removed_object_of_another_layout_is_no_object() {
    let dir = TempDir::new("removed-layout");
    let path = dir.path().join("o");
    drop(u32::create(path.as_path(), 1).unwrap());
    let raw = Raw::read(&path);
    let current = raw.offset(word::CONTROL) + control::CURRENT;
    let before = u64::open(path.as_path());
    assert!(
        matches!(before, Err(Error::LayoutMismatch { .. })),
        "{before:?}"
    );
    scribble(&path, current, &(raw.at(current) | 1 << 3).to_ne_bytes());
    let read = u64::open_read_only(path.as_path());
    assert!(matches!(read, Err(Error::NotFound { .. })), "{read:?}");
    let opened = u64::open(path.as_path());
    assert!(matches!(opened, Err(Error::NotFound { .. })), "{opened:?}");
    // That has finished what the other began.
    assert!(!path.exists());
}

/// A process whose descriptors were all closed behind the library's back, and reused, asked an unrelated file
/// whether a writer lived, heard of no lock, and took the lock from a live writer: two `&mut` to one buffer.
/// Now the descriptor is compared with the file it was opened for, and a difference is an error.
#[test]
fn a_reused_descriptor_takes_no_lock() {
    let name = Cleanup::new("reused-descriptor");
    let object = u64::create(name.name(), 1).unwrap();
    let mut guard = object.write().unwrap();
    *guard = 2;
    // SAFETY: the child touches nothing that another thread of the parent may hold but the allocator, whose
    // locks glibc takes over the fork, and ends without running destructors.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        let code = rob_and_try(name.name());
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(
        (waited, libc::WEXITSTATUS(status)),
        (child, 0),
        "status {status:#x}"
    );
    drop(guard);
    assert_eq!(object.load().unwrap(), 2);
}

/// Opens a handle, loses all descriptors to other files, and tries to write: 0 if that was refused.
fn rob_and_try(name: &str) -> i32 {
    let Ok(object) = u64::open(name) else {
        return 1;
    };
    // SAFETY: what is open here is the library's, and the point of the test; the child ends soon.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
    let others: Vec<_> = (0..16)
        .filter_map(|_| std::fs::File::open("/dev/null").ok())
        .collect();
    let code = match object.try_write() {
        Err(Error::Io { .. }) => 0,
        Err(_) => 2,
        Ok(_) => 3,
    };
    drop(others);
    code
}

/// `info` asked the kernel for the lowest live row, then for the next one above it. The kernel names the lock that
/// comes first in its list, whose order is that of taking them: once a row had been given back and taken again,
/// all rows below the first found went uncounted. `info().handles` and `list()` said too few handles, and
/// `publisher_alive` said that a live publisher was dead. Now what lies below the found row is asked for as well.
#[test]
fn rows_that_were_taken_again_are_counted() {
    let name = Cleanup::new("taken-again");
    let first = u64::create(name.name(), 1).unwrap();
    let others = [(); 3].map(|()| u64::open(name.name()).unwrap());
    drop(first);
    // It takes the lowest row, which is the last in the kernel's list now.
    let again = u64::open(name.name()).unwrap();
    again.store(2).unwrap();
    for object in others.iter().chain([&again]) {
        let info = object.info();
        assert_eq!(info.handles, Some(4));
        assert_eq!(info.publisher_alive, Some(true));
    }
    let listed = shmem_core::list().unwrap();
    let mut listed = listed.iter();
    let listed = listed.find(|info| info.location.name() == Some(name.name()));
    let listed = listed.expect("it is there");
    assert_eq!(
        (listed.handles, listed.publisher_alive),
        (Some(4), Some(true))
    );
}

/// A writer killed with one item in the record leaves it to the next to publish it. In an array that was removed
/// meanwhile nobody may write any more, so who read it got `Removed`, and the last value was lost for those who
/// still had it open. Whoever reads publishes the record all the same.
#[test]
fn a_removed_array_whose_writer_died_is_read() {
    let dir = TempDir::new("removed-record");
    let path = dir.path().join("array");
    let array = u64::create_array(path.as_path(), 3, 5).unwrap();
    let raw = Raw::read(&path);
    let at = raw.offset(word::CONTROL) + control::CURRENT;
    let rows = raw.offset(word::ROWS);
    let elements = rows + ROW * raw.offset(word::HANDLES);
    // The record of item 1 for version 2, and that it is to be copied: see docs/format.md.
    for (offset, value) in [(640, 6), (520, 1), (512, 2_u64)] {
        scribble(&path, elements + offset, &value.to_ne_bytes());
    }
    let half_written = raw.at(at) | 1 << 5;
    scribble(&path, at, &half_written.to_ne_bytes());
    shmem_core::remove(path.as_path()).unwrap();
    assert_eq!(*array.read().unwrap(), [5, 6, 5]);
    assert_eq!(array.version(), Version(2));
    assert_eq!(array.load_at(1).unwrap(), 6);
    assert!(matches!(array.store_at(0, 1), Err(Error::Removed { .. })));
}
