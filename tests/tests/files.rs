//! Objects at paths that cannot be opened or made: a typed error, and what is there stays as it is.
#![expect(unsafe_code, reason = "gives up root, and ignores a signal")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use shmem_core::{Error, Shared, SharedObject, remove};
use tests::raw::{Raw, look, word};
use tests::{Small, alone, outcome};

/// What each way to get at the object says, in this order: open, open read-only, open or create, create, remove.
fn refused(path: &Path, expected: [&str; 5]) {
    let parent = path.parent().unwrap();
    let files = || {
        let entries = fs::read_dir(parent).map(|entries| {
            let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            found.sort();
            found
        });
        entries.unwrap_or_default()
    };
    let there = || path.symlink_metadata().is_ok().then(|| look(path));
    let (before, listed) = (there(), files());
    let said = [
        outcome(Small::open(path)),
        outcome(Small::open_read_only(path)),
        outcome(Small::open_or_create(path, Small::new(2))),
        outcome(Small::create(path, Small::new(2))),
        outcome(remove(path)),
    ];
    assert_eq!(said, expected, "{}", path.display());
    assert!(there() == before, "{} was changed", path.display());
    assert_eq!(files(), listed);
}

fn object(path: &Path) -> SharedObject<Small> {
    Small::create(path, Small::new(1)).unwrap()
}

#[test]
fn files_of_another_kind() {
    alone(|alone| {
        let at = |name: &str| -> PathBuf { alone.parent().join(name) };
        let no_object = [
            "NotAnObject",
            "NotAnObject",
            "NotAnObject",
            "AlreadyExists",
            "NotAnObject",
        ];
        fs::write(at("empty"), "").unwrap();
        fs::write(at("text"), "a file of somebody else's\n".repeat(40)).unwrap();
        fs::create_dir(at("directory")).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(at("pipe"))
                .status()
                .unwrap()
                .success()
        );
        for name in ["empty", "text", "directory", "socket", "pipe"] {
            refused(&at(name), no_object);
        }
    });
}

#[test]
fn a_directory_that_is_missing() {
    alone(|alone| {
        let path = alone.parent().join("missing/object");
        refused(&path, ["NotFound", "NotFound", "Io", "Io", "NotFound"]);
        let error = Small::create(&path, Small::new(1)).unwrap_err();
        let text = format!(
            "opening the directory of the object failed for `{}`",
            path.display()
        );
        assert_eq!(error.to_string(), text);
        assert!(!path.parent().unwrap().exists());
    });
}

/// Reading needs no more than read permission.
#[test]
fn a_file_that_may_only_be_read() {
    alone(|alone| {
        let path = alone.parent().join("object");
        drop(object(&path));
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        if rustix::process::geteuid().is_root() {
            const NOBODY_MUCH: u32 = 1000;
            chown(&path, Some(NOBODY_MUCH), None).unwrap();
            // SAFETY: no preconditions.
            let gone = unsafe { libc::setuid(NOBODY_MUCH) };
            assert_eq!(gone, 0);
        }
        let denied = "PermissionDenied";
        refused(&path, [denied, "Ok", denied, "AlreadyExists", denied]);
        let reader = Small::open_read_only(&path).unwrap();
        assert_eq!(reader.load().unwrap(), Small::new(1));
    });
}

/// What the file may not grow to is what a full disk has no room for: neither leaves anything.
#[test]
fn a_disk_without_room() {
    alone(|alone| {
        use rustix::process::{Resource, Rlimit, setrlimit};

        let path = alone.parent().join("object");
        let old = alone.parent().join("old");
        let kept = object(&old);
        // SAFETY: it is ignored, so no handler runs.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        let limit = Rlimit {
            current: Some(8192),
            maximum: None,
        };
        setrlimit(Resource::Fsize, limit).unwrap();
        refused(
            &path,
            ["NotFound", "NotFound", "NoSpace", "NoSpace", "NotFound"],
        );
        let error = Small::create(&path, Small::new(1)).unwrap_err();
        assert!(
            matches!(error, Error::NoSpace { needed, .. } if needed > 8192),
            "{error}"
        );
        // What has its room goes on.
        kept.store(Small::new(2)).unwrap();
        kept.flush().unwrap();
        drop(kept);
        assert_eq!(Small::open(&old).unwrap().load().unwrap(), Small::new(2));
    });
}

/// From a machine with the other byte order, every number is backwards.
#[test]
fn the_other_byte_order() {
    alone(|alone| {
        let path = alone.parent().join("object");
        drop(object(&path));
        let mut raw = Raw::read(&path);
        for index in word::BYTE_ORDER..=word::CHECKSUM {
            let number = raw.word(index);
            raw.set_word(index, number.swap_bytes());
        }
        raw.write(&path);
        let unsupported = "UnsupportedFormat";
        refused(
            &path,
            [
                unsupported,
                unsupported,
                unsupported,
                "AlreadyExists",
                unsupported,
            ],
        );
        let error = Small::open(&path).unwrap_err().to_string();
        assert!(
            error.contains("-endian numbers, this program reads"),
            "{error}"
        );
    });
}

/// A file may be copied to another place: it goes by its path.
#[test]
fn a_copy_of_a_file() {
    alone(|alone| {
        let [from, to] = ["from", "to"].map(|name| alone.parent().join(name));
        let original = object(&from);
        original.store(Small::new(5)).unwrap();
        fs::copy(&from, &to).unwrap();
        let copy = Small::open(&to).unwrap();
        copy.store(Small::new(6)).unwrap();
        assert_eq!(original.load().unwrap(), Small::new(5));
        assert_eq!(copy.load().unwrap(), Small::new(6));
    });
}

/// Two buffers are not enough where one is kept for a power cut.
#[test]
fn two_buffers_are_three() {
    alone(|alone| {
        let path = alone.parent().join("object");
        let two = Small::options().buffers(2);
        let file = two.create(&path, Small::new(1)).unwrap();
        assert_eq!(file.info().buffers, 3);
        for counter in 2..9 {
            file.store(Small::new(counter)).unwrap();
        }
        let guard = file.read().unwrap();
        // One current and pinned, one flushed, one free.
        file.store(Small::new(9)).unwrap();
        assert_eq!(outcome(file.try_write()), "Busy");
        // What is flushed now is no older, and its buffer is free again.
        file.flush().unwrap();
        file.store(Small::new(10)).unwrap();
        assert_eq!(guard.counter, 8);
        assert_eq!(two.create("name", Small::new(1)).unwrap().info().buffers, 2);
    });
}
