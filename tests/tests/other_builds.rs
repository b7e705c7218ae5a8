//! Programs that were built for another C library or another size of pointers share objects with this one.
//!
//! They are built, and this test told of them, by `.ci/peers`.

use std::fs;
use std::process::Command;

use shmem_core::{Lock, Shared, WriteGuard};
use tests::raw::{Raw, word};
use tests::{Peer, Small, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// The command lines of the other builds of `peer`, separated by semicolons.
const OTHERS: &str = "SHMEM_PEERS";

fn start(command: &str, group: &str) -> Peer {
    let mut words = command.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    Peer::command(command.args(words).arg(group))
}

#[test]
fn they_share_objects() {
    let Ok(others) = std::env::var(OTHERS) else {
        println!("not run: they_share_objects: `.ci/peers` builds what it needs");
        return;
    };
    for other in others.split(';').filter(|other| !other.trim().is_empty()) {
        println!("beside {other}");
        with(other);
    }
}

fn with(other: &str) {
    let dir = tests::TempDir::new("other-builds");
    let path = dir.path().join("object");
    let at = path.display();
    // Each opens what the other has made, with the same bytes.
    let [ours, theirs] = [PEER, other].map(|maker| {
        let mut maker = start(maker, "session-file");
        maker.expect(format!("create {at} 1"), "open");
        let opened = Small::open(path.as_path()).unwrap();
        assert_eq!(opened.load().unwrap(), Small::new(1));
        drop(opened);
        let mut raw = Raw::read(&path);
        maker.expect("close", "closed");
        fs::remove_file(&path).unwrap();
        // Where a `u64` need only be aligned to 4, the type says 4; parts are aligned to 128 anyway.
        for differs in [word::ID, word::CREATED, word::ALIGN, word::CHECKSUM] {
            raw.set_word(differs, 0);
        }
        raw.0.truncate(raw.offset(word::CONTROL));
        raw
    });
    for at in (0..ours.0.len().max(theirs.0.len())).step_by(8) {
        assert_eq!(
            ours.0.get(at..at + 8),
            theirs.0.get(at..at + 8),
            "byte {at}"
        );
    }

    let object = Small::create(path.as_path(), Small::new(1)).unwrap();
    let mut peer = start(other, "session-file");
    peer.expect(format!("open {at}"), "open");
    assert_eq!(object.info().handles, Some(2));
    peer.expect("load", 1);
    peer.expect("store 2", 2);
    assert_eq!(object.load().unwrap(), Small::new(2));
    for version in 2..12 {
        peer.expect(format!("wait-forever {version}"), "waiting");
        object.store(Small::new(version + 1)).unwrap();
        assert_eq!(peer.recv(), (version + 1).to_string());
    }

    // The bytes of its pthread lock are not those of ours.
    let locked = dir.path().join("locked");
    let options = Small::options().lock(Lock::RawSync);
    let made = options.create(locked.as_path(), Small::new(1)).unwrap();
    let mut refused = start(other, "session-file");
    refused.expect(format!("open {}", locked.display()), "UnsupportedFormat");
    drop(made);

    // Both count, under one lock.
    object.store(Small::new(0)).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..2_000 {
                object.update(|value| value.set(value.counter + 1)).unwrap();
            }
        });
        for _ in 0..200 {
            peer.expect("add 1", "done");
        }
    });
    assert_eq!(object.load().unwrap(), Small::new(2_200));

    // Each sees that the other lives, and when it does not any more.
    let guard = object.read().unwrap();
    peer.expect("read", 2_200);
    peer.expect("write", "2200 recovered false");
    peer.expect("spoil 99", "done");
    assert_eq!(outcome(object.try_write()), "Busy");
    peer.kill();
    let mut writer = object.try_write().unwrap();
    assert!(WriteGuard::recovered(&writer));
    let mut peer = start(other, "session-file");
    peer.expect(format!("open {at}"), "open");
    peer.expect("try-write", "Busy");
    writer.set(2_201);
    drop(writer);
    drop(guard);
    peer.expect("load", 2_201);

    let mut victim = Peer::spawn(PEER, &["session-file"]);
    victim.expect(format!("open {at}"), "open");
    victim.expect("write", "2201 recovered false");
    victim.expect("spoil 99", "done");
    peer.send("write");
    victim.kill();
    assert_eq!(peer.recv(), "2201 recovered true");
    peer.expect("commit", object.version().0 + 1);
    shmem_core::remove(path.as_path()).unwrap();
    peer.expect("store 1", "Removed");
}
