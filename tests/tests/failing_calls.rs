//! Every system call of an operation fails in turn, each with the errors that it may give: what comes of it is
//! success or a typed error, nothing half-made and nothing open is left, and the next attempt goes well.
//!
//! A child is stopped before each of its calls by `ptrace(2)`, and the kernel is kept from making one of them.
#![cfg(target_arch = "x86_64")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use shmem_core::{Shared, SharedObject};
use tests::raw::Raw;
use tests::{Alone, Peer, Small, alone, is_root, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// What the operation finds under the name `o`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// Not even the user's directory.
    Fresh,
    Absent,
    /// An object that the test has open, with the value 1.
    Live,
    /// An object whose only handle was that of a process that was killed.
    Leftover,
}

use Stage::{Absent, Fresh, Leftover, Live};

/// Errors that a system call may give without a mistake of its caller's.
fn errors(call: i64) -> &'static [i32] {
    match call {
        libc::SYS_openat | libc::SYS_open => &[libc::EMFILE, libc::ENOMEM, libc::EINTR],
        libc::SYS_fallocate => &[libc::ENOSPC, libc::EIO, libc::EINTR, libc::EOPNOTSUPP],
        libc::SYS_linkat | libc::SYS_mkdir | libc::SYS_mkdirat => &[libc::ENOSPC, libc::EIO],
        libc::SYS_mmap | libc::SYS_madvise | libc::SYS_munmap => &[libc::ENOMEM],
        libc::SYS_fsync | libc::SYS_msync => &[libc::EIO, libc::ENOSPC],
        libc::SYS_fcntl => &[libc::EIO, libc::ENOLCK, libc::EINTR],
        libc::SYS_unlinkat => &[libc::EIO, libc::ENOMEM, libc::ENOENT],
        libc::SYS_getrandom => &[libc::ENOSYS, libc::EINTR],
        libc::SYS_clock_nanosleep | libc::SYS_futex => &[libc::EINTR],
        libc::SYS_read | libc::SYS_pread64 => &[libc::EIO, libc::EINTR],
        _ => &[libc::EIO, libc::ENOMEM],
    }
}

struct Scene<'a> {
    alone: &'a Alone,
    stage: Stage,
    leftover: Vec<u8>,
}

impl<'a> Scene<'a> {
    fn new(alone: &'a Alone, stage: Stage) -> Self {
        let made = Small::create("o", Small::new(3)).unwrap();
        let leftover = fs::read(alone.home().join("o")).unwrap();
        drop(made);
        Scene {
            alone,
            stage,
            leftover,
        }
    }

    fn path(&self) -> PathBuf {
        self.alone.home().join("o")
    }

    fn file(&self) -> PathBuf {
        self.alone.parent().join("file")
    }

    /// Makes what the operation is to find.
    fn set(&self) -> Option<SharedObject<Small>> {
        assert_eq!(self.visible(), [""; 0]);
        match self.stage {
            Fresh => {
                fs::remove_dir_all(self.alone.home()).unwrap();
                None
            }
            Absent => None,
            Live => Some(Small::create("o", Small::new(1)).unwrap()),
            Leftover => {
                Raw(self.leftover.clone()).write(&self.path());
                None
            }
        }
    }

    /// The files in the user's directory, but for lock files, which are there to stay.
    fn visible(&self) -> Vec<String> {
        let mut files = self.alone.files();
        files.retain(|name| !name.starts_with(".lock-"));
        files
    }
}

/// Has each call of `op` fail in turn. When none does, it says `usual`; and then once more, `again`.
fn each_call_fails(alone: &Alone, op: &str, stage: Stage, usual: &str, again: &str) {
    let scene = Scene::new(alone, stage);
    let mut peer = Peer::spawn(PEER, &["failing"]);
    let object = scene.set();
    let calls = peer.ask(format!("calls {op}"));
    drop(object);
    drop(shmem_core::remove("o"));
    drop(shmem_core::remove(scene.file()));
    let calls: Vec<i64> = calls.split(' ').map(|call| call.parse().unwrap()).collect();
    let (mut runs, mut unharmed) = (0, 0);
    for (index, call) in calls.iter().enumerate() {
        for errno in errors(*call) {
            let what = format!("{op}, {stage:?}: call {index} ({call}) fails with {errno}");
            let object = scene.set();
            let said = peer.ask(format!("fail {op} {index} {errno}"));
            check(&what, &said, usual);
            if op == "remove" && *call == libc::SYS_unlinkat {
                // A name that somebody else took away is gone, and one that stays is not.
                assert_eq!(said == "Ok", *errno == libc::ENOENT, "{what}: {said}");
            }
            runs += 1;
            unharmed += usize::from(said == usual);
            if let Some(object) = &object {
                // Once it is marked as removed the name has to go: if that fails, the next `remove` does it.
                let marked = op == "remove" && (said == "Ok" || *call == libc::SYS_unlinkat);
                meanwhile(&what, &said, object, marked);
            }

            let closed = peer.ask("close");
            // By then what the kernel did not do is not done.
            let undone = [libc::SYS_munmap, libc::SYS_fstat, libc::SYS_newfstatat];
            // For want of it std opens, and keeps, a device of random numbers.
            let kept = *call == libc::SYS_getrandom && closed == "1 0";
            if !undone.contains(call) && !kept {
                assert_eq!(closed, "0 0", "{what}: descriptors and maps left");
            }
            let said_again = peer.ask("again");
            assert!(
                said_again == again || said_again == usual,
                "{what}: {said}, then {said_again}"
            );
            if op == "create-file" && said != usual {
                assert_eq!(said_again, usual, "{what}: {said}, and a file is left");
            }
            peer.ask("close");
            peer.expect("end", "ended with 0");
            if *call == libc::SYS_unlinkat {
                give_up_what_is_being_built(&scene);
            }
            afterwards(&scene, &what, op, object);
        }
    }
    println!(
        "{op}, {stage:?}: {} calls, {runs} failures, {unharmed} without effect",
        calls.len()
    );
    assert!(runs > 0);
}

/// An object that is there is not said to be absent or damaged because something else is wrong.
fn check(what: &str, said: &str, usual: &str) {
    let typed = ["Io", "PermissionDenied", "NoSpace", "Busy"];
    assert!(said == usual || typed.contains(&said), "{what}: {said}");
}

/// While the process of the operation lives, with what it holds.
fn meanwhile(what: &str, said: &str, object: &SharedObject<Small>, marked: bool) {
    assert!(object.load().unwrap().is_whole(), "{what}");
    assert!(object.age() < Duration::from_secs(60), "{what}");
    let expected = if marked { "Removed" } else { "Ok" };
    assert_eq!(outcome(object.try_write()), expected, "{what}: {said}");
}

/// A file whose temporary name could not be taken away is swept later.
fn give_up_what_is_being_built(scene: &Scene<'_>) {
    for name in scene.visible() {
        if name.starts_with(".new-") {
            let path = scene.alone.home().join(name);
            let file = fs::File::open(path).unwrap();
            let long_ago = SystemTime::now() - Duration::from_secs(120);
            file.set_modified(long_ago).unwrap();
        }
    }
    shmem_core::prune().unwrap();
}

fn afterwards(scene: &Scene<'_>, what: &str, op: &str, object: Option<SharedObject<Small>>) {
    if let Some(object) = object {
        assert_eq!(object.info().handles, Some(1), "{what}");
        if op != "remove" {
            assert!(object.is_current(), "{what}");
            object.store(Small::new(1)).unwrap();
        }
        drop(object);
    }
    if op == "create-file" {
        let kept = Small::open(scene.file()).unwrap();
        assert_eq!(kept.load().unwrap(), Small::new(5), "{what}");
        kept.store(Small::new(6)).unwrap();
        kept.flush().unwrap();
        shmem_core::remove(scene.file()).unwrap();
    }
    if op == "create-kept" {
        let kept = Small::open("o").unwrap();
        assert_eq!(kept.load().unwrap(), Small::new(5), "{what}");
        assert!(kept.age() < Duration::from_secs(60), "{what}");
        shmem_core::remove("o").unwrap();
    }
    assert_eq!(outcome(Small::open("o")), "NotFound", "{what}");
    let new = Small::create("o", Small::new(7)).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(new.load().unwrap(), Small::new(7), "{what}");
    assert!(new.age() < Duration::from_secs(60), "{what}");
    drop(new);
    assert_eq!(scene.visible(), [""; 0], "{what}");
}

/// Calls that open something.
const OPENS: &[i64] = &[libc::SYS_openat, libc::SYS_open];

/// What the peer says of `op` when one after the other of these calls of it finds nothing there.
fn each_finds_nothing(
    peer: &mut Peer,
    op: &str,
    looks: &[i64],
    mut after: impl FnMut(),
) -> Vec<String> {
    let calls = peer.ask(format!("calls {op}"));
    after();
    let calls: Vec<i64> = calls.split(' ').map(|call| call.parse().unwrap()).collect();
    let calls = calls.iter().enumerate();
    let calls = calls.filter(|(_, call)| looks.contains(call));
    let mut all = Vec::new();
    for (index, _) in calls {
        all.push(peer.ask(format!("fail {op} {index} {}", libc::ENOENT)));
        peer.ask("close");
        peer.expect("end", "ended with 0");
        after();
    }
    all
}

/// A name that leads elsewhere between two looks at it is looked up anew; nothing is damaged.
#[test]
fn a_name_that_is_gone_for_a_moment() {
    alone(|_| {
        let _object = Small::create("o", Small::new(1)).unwrap();
        let mut peer = Peer::spawn(PEER, &["failing"]);
        for op in ["open", "open-read-only"] {
            let said = each_finds_nothing(&mut peer, op, OPENS, || ());
            let known = ["Ok", "NotFound"];
            assert!(
                said.iter().all(|said| known.contains(&said.as_str())),
                "{op}: {said:?}"
            );
            assert!(said.iter().any(|said| said == "NotFound"), "{op}: {said:?}");
        }
        // It is looked at once more before a row is taken: then the search starts over.
        let said = each_finds_nothing(&mut peer, "open", &[libc::SYS_newfstatat], || ());
        assert_eq!(said, ["Ok"]);
    });
}

/// The name of the user's directory was free a moment ago.
#[test]
fn a_directory_that_is_taken_just_now() {
    alone(|alone| {
        if !is_root("a_directory_that_is_taken_just_now") {
            return;
        }
        let home = alone.home();
        let next = alone.parent().join("shmem-0-1");
        for (owner, mode, usable) in [(0, 0o711, true), (0, 0o777, false), (1000, 0o711, false)] {
            fs::create_dir(&home).unwrap();
            chown(&home, Some(owner), None).unwrap();
            fs::set_permissions(&home, Permissions::from_mode(mode)).unwrap();
            let mut peer = Peer::spawn(PEER, &["failing"]);
            let said = each_finds_nothing(&mut peer, "create", OPENS, || {
                let inside = fs::read_dir(&home).unwrap().map(|file| file.unwrap());
                for file in inside {
                    assert!(usable, "in a stranger's directory: {file:?}");
                    fs::remove_file(file.path()).unwrap();
                }
                drop(fs::remove_dir_all(&next));
            });
            let refused = said
                .iter()
                .filter(|said| *said == "PermissionDenied")
                .count();
            assert_eq!(refused, usize::from(!usable), "{owner}, {mode:o}: {said:?}");
            let data = fs::metadata(&home).unwrap();
            assert_eq!((data.uid(), data.mode() & 0o7777), (owner, mode));
            fs::remove_dir(&home).unwrap();
        }
    });
}

macro_rules! tests {
    ($($name:ident: $($op:literal $stage:ident $usual:literal $again:literal),+;)*) => {
        $(#[test]
        fn $name() {
            alone(|alone| {
                $(each_call_fails(alone, $op, $stage, $usual, $again);)+
            });
        })*
    };
}

tests! {
    creating: "create" Absent "Ok" "Ok";
    creating_the_first: "create" Fresh "Ok" "Ok";
    creating_over_a_leftover: "create" Leftover "Ok" "Ok";
    creating_where_there_is_one: "create" Live "AlreadyExists" "AlreadyExists";
    creating_under_a_temporary_name: "create-temporary" Absent "Ok" "Ok";
    creating_for_others_to_read: "create-readable" Absent "Ok" "Ok";
    creating_to_keep: "create-kept" Absent "Ok" "AlreadyExists";
    creating_a_file: "create-file" Absent "Ok" "AlreadyExists";
    opening: "open" Live "Ok" "Ok";
    opening_a_leftover: "open" Leftover "NotFound" "NotFound";
    opening_or_creating: "open-or-create" Live "Ok" "Ok", "open-or-create" Leftover "Ok" "Ok";
    opening_read_only: "open-read-only" Live "Ok" "Ok", "open-read-only" Leftover "NotFound" "NotFound";
    reopening: "reopen" Live "Ok" "Ok";
    closing: "close" Live "Ok" "Ok";
    closing_the_last: "close-last" Absent "Ok" "Ok";
    removing: "remove" Live "Ok" "NotFound";
    looking_around: "list" Live "Ok" "Ok", "list" Leftover "Ok" "Ok", "prune" Leftover "Ok" "Ok";
    waiting: "wait" Live "TimedOut" "TimedOut";
}

/// The bytes before the name, and the name before it is said that there is a file.
#[test]
fn a_file_that_is_created_is_on_the_disk() {
    alone(|_| {
        let mut peer = Peer::spawn(PEER, &["failing"]);
        let mut calls = |op: &str| -> Vec<i64> {
            let calls = peer.ask(format!("calls {op}"));
            calls.split(' ').map(|call| call.parse().unwrap()).collect()
        };
        let wanted = [libc::SYS_fsync, libc::SYS_linkat];
        let synced = |calls: Vec<i64>| -> Vec<i64> {
            let calls = calls.into_iter();
            let mut calls: Vec<_> = calls.filter(|call| wanted.contains(call)).collect();
            // Each is told where it begins and where it ends.
            calls.dedup();
            calls
        };
        assert_eq!(
            synced(calls("create-file")),
            [libc::SYS_fsync, libc::SYS_linkat, libc::SYS_fsync]
        );
        assert_eq!(synced(calls("create-kept")), [libc::SYS_linkat], "a name");
    });
}
