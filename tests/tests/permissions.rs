//! Users who may read and not write, and users who may do neither. `directories.rs` has whose directory it is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use shmem_core::{Location, Shared};
use tests::raw::maps_of;
use tests::{Medium as Page, Peer, Small, alone, is_root, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// A user who is not root; nobody needs to have it.
const USER: &str = "1000";

fn user(uid: &str) -> Peer {
    Peer::spawn(PEER, &["user", uid])
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn another_user_reads_what_it_may_read() {
    alone(|alone| {
        if !is_root("another_user_reads_what_it_may_read") {
            return;
        }
        let readable = Small::options().mode(0o644);
        let object = readable.create("o", Small::new(1)).unwrap();
        let mut other = user(USER);
        other.expect("open-read-only 0:o", "open");
        other.expect("load", 1);
        object.store(Small::new(2)).unwrap();
        other.expect("load", 2);
        other.expect("version", 2);
        other.expect("is-current", true);
        // The locks are for those who may write, so it cannot ask who lives, nor be in anybody's way.
        other.expect("handles", "None");
        let path = alone.home().join("o");
        other.expect(format!("maps {}", path.display()), "r--s");

        drop(object);
        other.expect("is-current", false);
        other.expect("load", 2);
        other.expect("open-read-only 0:o", "NotFound");
    });
}

#[test]
fn another_user_is_woken() {
    alone(|_| {
        if !is_root("another_user_is_woken") {
            return;
        }
        let readable = Small::options().mode(0o644);
        let object = readable.create("o", Small::new(0)).unwrap();
        let mut other = user(USER);
        other.expect("open-read-only 0:o", "open");
        let mut delays = Vec::new();
        for version in 1..=11 {
            other.expect(format!("wait {version}"), "waiting");
            other.sleeps_in_futex();
            let start = Instant::now();
            object.store(Small::new(version)).unwrap();
            assert_eq!(other.recv(), (version + 1).to_string());
            delays.push(start.elapsed());
        }
        delays.sort();
        // A reader that nobody wakes finds out at the end of its slice of 50 ms, after 25 in the middle.
        assert!(delays[5] < Duration::from_millis(15), "{delays:?}");
        object.interrupt();
        other.expect("wait-at-most 12 20", "TimedOut");
        other.expect("wait 12", "waiting");
        other.sleeps_in_futex();
        drop(object);
        assert_eq!(other.recv(), "Removed");
    });
}

#[test]
fn another_user_gets_no_further() {
    alone(|alone| {
        if !is_root("another_user_gets_no_further") {
            return;
        }
        let object = Small::create("secret", Small::new(1)).unwrap();
        let readable = Small::options().mode(0o644);
        let read_only = readable.create("o", Small::new(1)).unwrap();
        let before = alone.files();
        let mut other = user(USER);
        for (command, answer) in [
            ("open-read-only 0:secret", "PermissionDenied"),
            ("open 0:secret", "PermissionDenied"),
            ("open-trusting 0:secret", "PermissionDenied"),
            ("remove 0:secret", "PermissionDenied"),
            ("open 0:o", "PermissionDenied"),
            ("open-trusting 0:o", "PermissionDenied"),
            ("open-or-create 0:o 7", "PermissionDenied"),
            ("remove 0:o", "PermissionDenied"),
            ("create 0:o 7", "AlreadyExists"),
            ("create 0:new 7", "PermissionDenied"),
            ("create-mode 0:new 644 7", "PermissionDenied"),
            ("open-or-create 0:new 7", "PermissionDenied"),
            ("open 0:absent", "NotFound"),
            ("open-read-only 0:absent", "NotFound"),
            ("remove 0:absent", "NotFound"),
            ("open-read-only 4711:o", "NotFound"),
            // Its own names are others.
            ("open-read-only o", "NotFound"),
            ("list", "0"),
            ("prune", "0"),
        ] {
            other.expect(command, answer);
        }
        assert_eq!(alone.files(), before);
        assert_eq!(object.load().unwrap().counter, 1);
        assert_eq!(read_only.load().unwrap().counter, 1);
        assert_eq!(object.info().handles, Some(1));

        other.expect("create o 7", "open");
        assert_eq!(Small::open("o").unwrap().load().unwrap().counter, 1);
        let theirs = || Location::owned_by(1000, "o").unwrap();
        // Root may read whatever it likes, and trusts nobody's bytes for it.
        let reader = Small::open_read_only(theirs()).unwrap();
        assert_eq!(reader.load().unwrap().counter, 7);
        assert_eq!(reader.info().owner, 1000);
        assert_eq!(outcome(Small::open(theirs())), "Untrusted");
    });
}

/// Root is trusted with everything as it is, and so is its object by whoever may write it.
#[test]
fn a_user_who_may_write_what_is_roots() {
    alone(|alone| {
        if !is_root("a_user_who_may_write_what_is_roots") {
            return;
        }
        let path = alone.parent().join("object");
        let object = Small::create(path.as_path(), Small::new(1)).unwrap();
        let mut able = Peer::spawn(PEER, &["user", USER, "may-write-all"]);
        able.expect(format!("open {}", path.display()), "open");
        able.expect("store 2", 2);
        assert_eq!(object.load().unwrap().counter, 2);
        // Another user's is only that user's.
        chown(&path, Some(1001), Some(1001)).unwrap();
        able.expect(format!("open {}", path.display()), "Untrusted");
    });
}

/// Root's programs and those of users may go by the same path, if the mode lets them.
#[test]
fn a_file_that_others_may_read() {
    alone(|alone| {
        if !is_root("a_file_that_others_may_read") {
            return;
        }
        // Nobody but root can list this directory.
        let directory = alone.parent().join("searchable");
        fs::create_dir(&directory).unwrap();
        mode(&directory, 0o711);
        let path = directory.join("object");
        let at = path.display();
        let readable = Small::options().mode(0o644);
        let object = readable.create(path.as_path(), Small::new(1)).unwrap();
        let mut other = user(USER);
        other.expect(format!("open {at}"), "PermissionDenied");
        other.expect(format!("open-or-create {at} 7"), "PermissionDenied");
        other.expect(format!("remove {at}"), "PermissionDenied");
        other.expect(format!("create {at}-2 7"), "PermissionDenied");
        other.expect(format!("open-read-only {at}"), "open");
        other.expect("load", 1);
        object.store(Small::new(2)).unwrap();
        other.expect("load", 2);

        mode(&path, 0o600);
        other.expect("load", 2);
        other.expect(format!("open-read-only {at}"), "PermissionDenied");
        mode(&path, 0o644);
        mode(&directory, 0o700);
        other.expect(format!("open-read-only {at}"), "PermissionDenied");
    });
}

/// A user who owns the file may take the permission to write away from itself, and has to live with it.
#[test]
fn a_file_that_its_owner_may_only_read() {
    alone(|alone| {
        if !is_root("a_file_that_its_owner_may_only_read") {
            return;
        }
        let path = alone.parent().join("object");
        let at = path.display();
        let mut owner = user(USER);
        owner.expect(format!("create-kept {at} 5"), "open");
        owner.expect("close", "closed");
        mode(&path, 0o400);
        owner.expect(format!("open {at}"), "PermissionDenied");
        owner.expect(format!("open-or-create {at} 6"), "PermissionDenied");
        owner.expect(format!("create {at} 6"), "AlreadyExists");
        owner.expect(format!("open-read-only {at}"), "open");
        owner.expect("load", 5);
        owner.expect(format!("maps {at}"), "r--s");
        // It cannot ask to be woken, and finds out all the same.
        owner.expect("wait-at-most 1 10", "TimedOut");
        owner.expect(format!("maps {at}"), "r--s");
    });
}

/// The mapping of a reader is read-only, and the one page that `wait` makes writable holds no value.
#[test]
fn a_reader_maps_nothing_writable_before_it_waits() {
    alone(|alone| {
        let creator = Page::create("o", Page::new(1)).unwrap();
        // A creator's mapping is older than the file's name, and goes by another.
        let object = Page::open("o").unwrap();
        let path = alone.home().join("o");
        let mine = maps_of(&path);
        let reader = Page::open_read_only("o").unwrap();
        reader.load().unwrap();
        let count = |kind: &str| maps_of(&path).iter().filter(|map| *map == kind).count();
        assert_eq!(maps_of(&path).len(), mine.len() + 1);
        assert_eq!((count("r--s"), count("rw-s")), (1, 1));
        let timeout = Duration::from_millis(1);
        assert_eq!(outcome(reader.wait(reader.version(), timeout)), "TimedOut");
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let page = maps
            .lines()
            .filter(|line| line.ends_with(path.to_str().unwrap()) && line.contains(" rw-s "))
            .map(|line| {
                let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
                let number = |text| u64::from_str_radix(text, 16).unwrap();
                number(end) - number(start)
            })
            .min();
        assert_eq!(page, Some(4096));
        drop(reader);
        assert_eq!(maps_of(&path), mine);
        drop((object, creator));
        assert_eq!(maps_of(&path), [""; 0]);
    });
}

/// `load` and `version` of a reader are loads from memory and nothing else: no lock, no write, no system call.
#[test]
fn a_reader_that_may_make_no_system_call() {
    alone(|_| {
        if !cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
            println!(
                "not run: a_reader_that_may_make_no_system_call: no filter for this processor"
            );
            return;
        }
        let name = "o";
        let _small = Small::create(name, Small::new(3)).unwrap();
        let _medium = Page::create(format!("{name}-medium"), Page::new(4)).unwrap();
        let mut confined = Peer::spawn(PEER, &["confined", name, "say"]);
        confined.expect("go", "3 4");
        assert!(confined.wait().success());
        // The filter is one: to open asks the kernel for locks.
        let mut confined = Peer::spawn(PEER, &["confined", name, "ask-who-lives"]);
        confined.send("go");
        assert_eq!(confined.wait().signal(), Some(31), "SIGSYS");
    });
}
