//! Short of handles, descriptors, memory or room for a file: a typed error, and nothing left of the attempt.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use shmem_core::{Error, Shared, WriteGuard};
use tests::{Alone, Peer, Small, alone, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// The most handles that an object can have.
const MOST: u32 = 1024;

fn peer() -> Peer {
    Peer::spawn(PEER, &["environment"])
}

/// A peer that may have as many descriptors as a full table takes, with a word why not.
fn peer_of_many(test: &str) -> Option<Peer> {
    let mut peer = peer();
    let answer = peer.ask("descriptors-limit 4096");
    if answer != "done" {
        println!("not run: {test}: no more descriptors: {answer}");
        return None;
    }
    Some(peer)
}

fn full(name: &str) -> shmem_core::SharedObject<Small> {
    let options = Small::options().max_handles(MOST);
    options.create(name, Small::new(1)).unwrap()
}

#[test]
fn as_many_handles_as_there_can_be_and_one_more() {
    alone(|alone| {
        let Some(mut peer) = peer_of_many("as_many_handles_as_there_can_be_and_one_more") else {
            return;
        };
        let object = full("o");
        let before = peer.ask("descriptors");
        peer.expect("open-many o 2000", "1023 TooManyHandles");
        peer.expect("handles", 1023);
        peer.expect("open o", "TooManyHandles");
        assert_eq!(object.info().handles, Some(MOST));
        let error = Small::open("o").unwrap_err();
        assert!(
            matches!(error, Error::TooManyHandles { limit: MOST, .. }),
            "{error}"
        );
        // All of them are of use, the last as well; and so is the object.
        peer.expect("store 2", 2);
        object.store(Small::new(3)).unwrap();
        peer.expect("load", 3);
        drop(Small::open_read_only("o").unwrap());

        peer.expect("close", "closed");
        let second = Small::open("o").unwrap();
        peer.expect("open o", "TooManyHandles");
        second.store(Small::new(4)).unwrap();
        drop(second);
        peer.expect("open o", "open");
        peer.expect("load", 4);
        peer.expect("close-all", "closed");
        peer.expect("descriptors", before);
        assert_eq!(object.info().handles, Some(1));
        drop(object);
        assert_eq!(alone.files(), [""; 0]);

        let options = Small::options().max_handles(MOST + 1);
        assert_eq!(outcome(options.create("o", Small::new(1))), "TooLarge");
    });
}

/// Nobody tidies up behind a killed process: its rows are simply free.
#[test]
fn a_table_full_of_the_dead() {
    alone(|_| {
        let Some(mut victim) = peer_of_many("a_table_full_of_the_dead") else {
            return;
        };
        let object = full("o");
        victim.expect("open-many o 2000", "1023 TooManyHandles");
        let Some(mut heir) = peer_of_many("a_table_full_of_the_dead") else {
            return;
        };
        heir.expect("open o", "TooManyHandles");
        victim.kill();

        assert_eq!(object.info().handles, Some(1));
        let start = Instant::now();
        heir.expect("open o", "open");
        object.store(Small::new(2)).unwrap();
        let took = start.elapsed();
        println!("joined a table of 1,023 dead rows and wrote, in {took:?}");
        assert!(took < Duration::from_secs(2), "{took:?}");
        // Every row of theirs can be taken, and no more than that.
        heir.expect("open-many o 2000", "1022 TooManyHandles");
        heir.expect("store 3", 3);
        assert_eq!(object.load().unwrap(), Small::new(3));
        heir.expect("close-all", "closed");
        assert_eq!(object.info().handles, Some(1));
    });
}

/// The operations that take descriptors, and what they say when all is well.
const OPENING: [(&str, &str); 9] = [
    ("open o", "open"),
    ("open-read-only o", "open"),
    ("open-or-create o 9", "open"),
    ("open-of 0 o", "open"),
    ("create o 9", "AlreadyExists"),
    ("create new 7", "open"),
    ("open-or-create new 7", "open"),
    ("open absent", "NotFound"),
    ("remove absent", "NotFound"),
];

/// What is true of an object does not depend on how many descriptors its reader has left: an object that is there
/// is never said to be absent, nor one made in another directory than everybody's.
#[test]
fn no_descriptors_left() {
    alone(|alone| {
        if !tests::is_root("no_descriptors_left") {
            return;
        }
        let object = Small::create("o", Small::new(1)).unwrap();
        let parent: Vec<_> = names(alone);
        for (command, usual) in OPENING {
            // A fresh one has still to look up what is looked up once.
            for (left, fresh) in (0..12).flat_map(|left| [(left, true), (left, false)]) {
                let mut peer = peer();
                if !fresh {
                    peer.expect("open o", "open");
                    peer.expect("close", "closed");
                }
                let before = peer.ask("descriptors");
                peer.expect(format!("descriptors-left {left}"), "done");
                let answer = peer.ask(command);
                assert!(
                    answer == "Io" || answer == usual,
                    "`{command}` with {left} descriptors left: {answer}"
                );
                assert!(left > 0 || answer == "Io", "it takes none? `{command}`");
                assert!(
                    left < 10 || answer == usual,
                    "it takes so many? `{command}`"
                );
                if answer == "open" && usual == "open" && !command.contains("read-only") {
                    // What was made or opened then is like any other.
                    let name = command.split(' ').find(|word| ["o", "new"].contains(word));
                    let seen = Small::open(name.unwrap()).unwrap();
                    assert!(seen.age() < Duration::from_secs(60), "`{command}`, {left}");
                    peer.expect(
                        format!("store {}", seen.load().unwrap().counter),
                        seen.version().0 + 1,
                    );
                }
                peer.expect("close", "closed");
                peer.expect("descriptors-limit 1024", "done");
                peer.expect("descriptors", before);
                peer.expect(command, usual);
                peer.expect("close", "closed");
                assert_eq!(alone.files(), ["o"], "`{command}` with {left} left");
                assert_eq!(names(alone), parent);
                assert_eq!(object.info().handles, Some(1));
            }
        }
        object.store(Small::new(2)).unwrap();
        assert!(object.age() < Duration::from_secs(60));
    });
}

fn names(alone: &Alone) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(alone.parent()).unwrap();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}

/// What is open goes on without another descriptor.
#[test]
fn what_is_open_needs_no_more_descriptors() {
    alone(|_| {
        let object = Small::create("o", Small::new(1)).unwrap();
        let mut peer = peer();
        peer.expect("open o", "open");
        peer.expect("descriptors-left 0", "done");
        peer.expect("load", 1);
        peer.expect("store 2", 2);
        peer.expect("wait 2 60", "TimedOut");
        let age = peer.ask("age");
        assert!(
            age.parse::<u128>().is_ok_and(|ms| ms < 60_000)
                || age == Duration::MAX.as_millis().to_string(),
            "{age}"
        );
        let mut guard = object.write().unwrap();
        guard.set(3);
        WriteGuard::commit(guard);
        peer.expect("load", 3);
        peer.expect("close", "closed");
        assert_eq!(object.info().handles, Some(1));
        peer.expect("descriptors-limit 1024", "done");
        peer.expect("open o", "open");
        let age = peer.ask("age");
        assert!(age.parse::<u128>().is_ok_and(|ms| ms < 60_000), "{age}");
    });
}

#[test]
fn no_memory_left() {
    alone(|alone| {
        let object = Small::create("o", Small::new(1)).unwrap();
        let mut holder = peer();
        holder.expect("create-large large", "open");
        let mut peer = peer();
        let before = peer.ask("descriptors");
        // Enough for what is small, not for a megabyte.
        peer.expect(format!("memory-left {}", 1 << 20), "done");
        peer.expect("create-large new", "Io");
        peer.expect("create-large large", "AlreadyExists");
        assert_eq!(alone.files(), ["large", "o"]);
        peer.expect("open o", "open");
        peer.expect("store 2", 2);
        assert_eq!(object.load().unwrap(), Small::new(2));
        peer.expect("close", "closed");
        peer.expect("descriptors", before);
        peer.expect("memory-unlimited", "done");
        peer.expect("create-large new", "open");
        peer.expect("close", "closed");
        assert_eq!(alone.files(), ["large", "o"]);
    });
}

/// The largest file that a process may write; the signal that comes with it is the program's affair.
#[test]
fn files_may_be_no_larger() {
    alone(|alone| {
        let script = format!("trap '' XFSZ; ulimit -f 1; exec {PEER} environment");
        let mut peer = Peer::command(Command::new("sh").args(["-c", &script]));
        let before = peer.ask("descriptors");
        peer.expect("create o 1", "NoSpace");
        peer.expect("open-or-create o 1", "NoSpace");
        peer.expect("open o", "NotFound");
        peer.expect("descriptors", before);
        assert_eq!(alone.files(), [""; 0]);
        let object = Small::create("o", Small::new(1)).unwrap();
        peer.expect("open o", "open");
        peer.expect("store 2", 2);
        assert_eq!(object.load().unwrap(), Small::new(2));
    });
}
