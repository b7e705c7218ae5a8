//! An object is replaced by another of its name while somebody is about to take the name away: whoever that is, the
//! live object keeps its name.
//!
//! A child under `ptrace(2)` stands at the worst place, so no luck is needed.
#![cfg(target_arch = "x86_64")]

use std::fs;

use shmem_core::{Shared, SharedObject};
use tests::raw::Raw;
use tests::{Alone, Peer, Small, alone, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// Who takes a name away, in the words of `peer failing`.
const OPERATIONS: [&str; 5] = ["remove", "close-last", "create", "open", "prune"];

/// What the operation finds: a live object to remove, or a leftover.
fn stage(alone: &Alone, operation: &str) -> Option<SharedObject<Small>> {
    let made = || Small::create("o", Small::new(1)).unwrap();
    match operation {
        "remove" => Some(made()),
        "close-last" => None,
        _ => {
            let object = made();
            let path = alone.home().join("o");
            let leftover = Raw::read(&path);
            drop(object);
            leftover.write(&path);
            None
        }
    }
}

/// Says whether the name could be taken while the operation stood there.
fn meanwhile(alone: &Alone, operation: &str, before: &str) -> bool {
    let old = stage(alone, operation);
    let mut peer = Peer::spawn(PEER, &["failing"]);
    peer.expect(format!("hold {operation} {before}"), "there");
    drop(old);
    if (operation, before) == ("close-last", "MEMBER") {
        // It has the object open still.
        shmem_core::remove("o").unwrap();
    }
    let new = Small::create("o", Small::new(2));
    let replaced = new.is_ok();
    let said = peer.ask("go on");
    let new = new.unwrap_or_else(|_| Small::open_or_create("o", Small::new(2)).unwrap());
    let what = format!("{operation}, held before {before}, said {said}");
    assert!(new.is_current(), "a live object lost its name: {what}");
    assert_eq!(outcome(Small::open("o")), "Ok", "{what}");
    peer.expect("end", "ended with 0");
    drop(new);
    assert_eq!(alone.files(), [""; 0], "{what}");
    replaced
}

/// The old file is marked as removed by then, so it is in nobody's way; but whoever marked it holds its `MEMBER`.
#[test]
fn a_name_is_not_taken_before_it_is_free() {
    alone(|alone| {
        fs::create_dir_all(alone.home()).unwrap();
        for operation in OPERATIONS {
            assert!(!meanwhile(alone, operation, "unlink"), "{operation}");
        }
    });
}

/// Whoever then gets the `MEMBER` of the old file, which has no name any more, finds another file under the name.
#[test]
fn a_name_that_leads_elsewhere_by_now() {
    alone(|alone| {
        for operation in OPERATIONS {
            assert!(meanwhile(alone, operation, "MEMBER"), "{operation}");
        }
    });
}
