//! Another user who may read takes every lock that the kernel gives it, never lets go, and is in nobody's way.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use shmem_core::{Error, Lifetime, Location, Shared, Version, WriteGuard, prune, remove};
use tests::{Peer, Small, alone, is_root, once_asleep, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// A user who is not root; nobody needs to have it.
const USER: &str = "1000";

/// Less than the second after which a lock that is not to be had is given up as `Busy`.
const AT_MOST: Duration = Duration::from_millis(900);

/// What `what` does, done in time.
#[track_caller]
fn quickly<R>(what: &str, does: impl FnOnce() -> shmem_core::Result<R>) -> R {
    let start = Instant::now();
    let result = does().unwrap_or_else(|error| panic!("{what}: {error}"));
    let took = start.elapsed();
    assert!(took < AT_MOST, "{what}: {took:?}");
    result
}

/// The owner's programs through an object's whole life, while `USER` holds what it can.
///
/// `at` names the object to `group` of the peer, and `file` is where it stands.
fn in_nobodys_way(group: &str, at: &str, location: &Location, file: &Path) {
    let options = Small::options().mode(0o644).lifetime(Lifetime::WhileOpen);
    let object = options.create(location, Small::new(1)).unwrap();
    let mut other = Peer::spawn(PEER, &["user", USER]);
    let directory = file.parent().unwrap();
    let lock = directory.join(".lock-600");
    // The kernel gives it all that need no permission to write.
    let all = "ofd posix member flock";
    let mut hold = || {
        other.expect(format!("hold-locks {}", file.display()), all);
    };
    hold();
    let mut denied = Peer::spawn(PEER, &["user", USER]);
    denied.expect(format!("hold-locks {}", lock.display()), "PermissionDenied");
    // It can have these of a directory only if it may list it, and nobody asks for locks there.
    denied.send(format!("hold-locks {}", directory.display()));
    let held = denied.recv();
    assert!(["PermissionDenied", all].contains(&held.as_str()), "{held}");
    denied.expect(
        format!("hold-locks {}", directory.parent().unwrap().display()),
        all,
    );

    // Joining and writing.
    let second = quickly("open", || options.open(location));
    assert_eq!(quickly("store", || second.store(Small::new(2))), Version(2));
    assert_eq!(object.info().handles, Some(2));
    assert_eq!(outcome(object.try_write()), "Ok");
    // Waiting.
    let woken = once_asleep(
        || object.wait(Version(2), tests::DEADLINE),
        || assert_eq!(second.store(Small::new(3)).unwrap(), Version(3)),
    );
    assert_eq!(woken.unwrap(), Version(3));
    // Taking over from one who was killed.
    let mut writer = Peer::spawn(PEER, &[group]);
    writer.expect(format!("open {at}"), "open");
    writer.expect("write", "3 recovered false");
    writer.expect("set 99", "done");
    let told = object.write_timeout(Duration::from_millis(5)).unwrap_err();
    assert!(matches!(told, Error::TimedOut { .. }), "{told}");
    writer.kill();
    quickly("the take-over", || {
        let mut guard = object.write()?;
        assert!(WriteGuard::recovered(&guard));
        assert_eq!(guard.counter, 3);
        guard.set(4);
        Ok(())
    });
    assert_eq!(second.load().unwrap(), Small::new(4));
    assert_eq!(object.info().handles, Some(2));

    // The last one out takes the name away.
    drop(second);
    assert!(file.exists());
    let start = Instant::now();
    drop(object);
    assert!(start.elapsed() < AT_MOST);
    assert!(!file.exists(), "the last one out removes the name");

    // Anew under the name, whose old file is still locked; the new one as well.
    let object = quickly("create", || options.create(location, Small::new(5)));
    hold();
    quickly("remove", || remove(location));
    assert!(!object.is_current() && !file.exists());
    let object = quickly("create again", || {
        options.open_or_create(location, Small::new(6))
    });
    hold();
    assert_eq!(object.load().unwrap(), Small::new(6));

    // What a killed program left is found and swept.
    drop(object);
    let object = quickly("create to be left", || {
        options.create(location, Small::new(7))
    });
    let mut last = Peer::spawn(PEER, &[group]);
    last.expect(format!("open {at}"), "open");
    drop(object);
    hold();
    last.kill();
    assert!(file.exists());
    if location.name().is_some() {
        assert_eq!(quickly("prune", prune), 1);
    } else {
        assert_eq!(outcome(options.open(location)), "NotFound");
    }
    assert!(!file.exists());
    quickly("create at last", || options.create(location, Small::new(8)));
    drop(other);
}

#[test]
fn a_named_object() {
    alone(|alone| {
        if !is_root("a_named_object") {
            return;
        }
        let location = Location::try_from("o").unwrap();
        in_nobodys_way("session", "o", &location, &alone.home().join("o"));
    });
}

#[test]
fn an_object_at_a_path() {
    alone(|alone| {
        if !is_root("an_object_at_a_path") {
            return;
        }
        // Anybody may list this directory, and so lock it.
        let directory = alone.parent().join("shared");
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
        let file = directory.join("object");
        let location = Location::try_from(file.as_path()).unwrap();
        let at = file.display().to_string();
        in_nobodys_way("session-file", &at, &location, &file);
    });
}

/// An object whose mode is changed later has its locks where they were: who may read it now can hold them. Nobody
/// new comes in then, and those who are in go on.
#[test]
fn a_mode_that_was_changed_later() {
    alone(|alone| {
        if !is_root("a_mode_that_was_changed_later") {
            return;
        }
        let object = Small::create("o", Small::new(1)).unwrap();
        let file = alone.home().join("o");
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let mut other = Peer::spawn(PEER, &["user", USER]);
        // Not the whole of it, since somebody lives.
        other.expect(format!("hold-locks {}", file.display()), "member flock");
        assert_eq!(outcome(Small::open("o")), "Busy");
        assert_eq!(object.store(Small::new(2)).unwrap(), Version(2));
        let reader = Small::open_read_only("o").unwrap();
        assert_eq!(reader.load().unwrap(), Small::new(2));
        assert_eq!(object.info().handles, Some(1));
        other.kill();
        assert_eq!(Small::open("o").unwrap().load().unwrap(), Small::new(2));
    });
}
