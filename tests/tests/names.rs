//! Whatever is asked for as a name, and whatever stands under one.
//!
//! `trust.rs` has who may write it, `damaged.rs` files that were objects once.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use shmem_core::{Error, Lifetime, Location, Shared, list, prune, remove, schema};
use tests::raw::look;
use tests::{Alone, alone, is_root, outcome};

/// Every call that takes a name refuses what stands under `name` with one of `expected`, and leaves it as it is.
#[track_caller]
fn refused(alone: &Alone, name: &str, expected: &[&str]) {
    let path = alone.home().join(name);
    let before = look(&path);
    for (verb, result) in [
        ("open", outcome(u64::open(name))),
        ("open_read_only", outcome(u64::open_read_only(name))),
        ("open_or_create", outcome(u64::open_or_create(name, 1))),
        ("schema", outcome(schema(name))),
        ("remove", outcome(remove(name))),
    ] {
        assert!(expected.contains(&result.as_str()), "{verb}: {result}");
    }
    assert_eq!(outcome(u64::create(name, 1)), "AlreadyExists");
    assert!(list().unwrap().is_empty());
    assert_eq!(prune().unwrap(), 0);
    assert_eq!(look(&path), before);
    assert_eq!(alone.files(), [name], "left beside it");
}

/// Whether `message` names what was found.
#[track_caller]
fn says(name: &str, words: &str) {
    let error = u64::open(name).unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}

#[test]
fn no_name_is_lost_cut_or_taken_for_another() {
    alone(|alone| {
        let long = "x".repeat(1022);
        let mut names: Vec<String> = [
            "telemetry",
            "Telemetry",
            " ",
            "  ",
            " telemetry",
            "telemetry ",
            "/",
            "//",
            "/telemetry",
            "telemetry/",
            "tele/metry",
            "tele%2Fmetry",
            "tele%2fmetry",
            ".",
            "..",
            "...",
            "../telemetry",
            "../../etc/passwd",
            "/dev/shm/telemetry",
            ".hidden",
            ".lock-600",
            ".new-0000000000000000",
            "~",
            "%",
            "%00",
            "a\nb",
            "a\tb",
            "\u{1}",
            "\u{7f}",
            "*",
            "?",
            "-rf",
            "$(id)",
            "a:b",
            "a\\b",
            "ä",
            "a\u{308}",
            "日本語",
            "🦀",
            "\u{202e}abc",
            "\u{feff}",
        ]
        .map(String::from)
        .into();
        names.push("n".repeat(200));
        names.push("n".repeat(201));
        names.push("n".repeat(255));
        names.push("n".repeat(256));
        names.push("n".repeat(1024));
        names.push("é".repeat(512));
        names.push("/".repeat(1024));
        // Two that differ in their last bytes only, and one that looks like an encoded long one.
        names.push(format!("{long}-a"));
        names.push(format!("{long}-b"));
        names.push(format!("{}~{}", "n".repeat(167), "0".repeat(32)));
        // What a long one becomes, asked for as a short one.
        let probe = u8::create(names[names.len() - 3].as_str(), 0).unwrap();
        names.extend(alone.files());
        drop(probe);

        let objects: Vec<_> = names
            .iter()
            .zip(1_u64..)
            .map(|(name, number)| u64::create(name.as_str(), number).unwrap())
            .collect();
        for (name, number) in names.iter().zip(1_u64..) {
            assert_eq!(u64::open(name.as_str()).unwrap().load().unwrap(), number);
            let reader = u64::open_read_only(name.as_str()).unwrap();
            assert_eq!(reader.load().unwrap(), number);
            assert_eq!(outcome(u64::create(name.as_str(), 0)), "AlreadyExists");
        }
        let listed: BTreeSet<_> = list()
            .unwrap()
            .iter()
            .map(|info| info.location.name().unwrap().to_owned())
            .collect();
        assert_eq!(listed, names.iter().cloned().collect());
        // All of them stand in the one directory, and nothing beside it.
        assert_eq!(alone.files().len(), names.len());
        assert_eq!(fs::read_dir(alone.parent()).unwrap().count(), 1);

        for name in names.iter().step_by(2) {
            remove(name.as_str()).unwrap();
            assert_eq!(outcome(u64::open(name.as_str())), "NotFound");
        }
        for name in names.iter().skip(1).step_by(2) {
            assert_eq!(outcome(u64::open(name.as_str())), "Ok");
        }
        drop(objects);
        assert_eq!(alone.files(), [""; 0]);
    });
}

#[test]
fn what_is_no_name() {
    alone(|alone| {
        let too_long = "x".repeat(1025);
        let too_many_bytes = "é".repeat(513);
        for name in ["", "\0", "a\0", "\0a", "a\0b", &too_long, &too_many_bytes] {
            for result in [
                outcome(u64::create(name, 1)),
                outcome(u64::open(name)),
                outcome(u64::open_read_only(name)),
                outcome(u64::open_or_create(name, 1)),
                outcome(u64::options().create(name, 1)),
                outcome(remove(name)),
                outcome(schema(name)),
                outcome(Location::try_from(name)),
                outcome(Location::owned_by(1000, name)),
            ] {
                assert_eq!(result, "InvalidName", "{name:?}");
            }
        }
        let error = u64::open("").unwrap_err().to_string();
        assert_eq!(
            error,
            "`` cannot name an object: a name has at least one byte"
        );
        assert!(!alone.home().exists());
        for path in ["", "/", "/tmp/..", "..", "a\0b"] {
            let error = u64::open(Path::new(path)).unwrap_err();
            assert!(
                matches!(error, Error::InvalidName { .. }),
                "{path}: {error}"
            );
        }
    });
}

#[test]
fn a_link_is_not_followed() {
    alone(|alone| {
        let home = alone.make_home();
        let elsewhere = alone.parent().join("elsewhere");
        let object = u64::create(elsewhere.as_path(), 5).unwrap();
        let victim = look(&elsewhere);
        for target in [
            elsewhere.as_path(),
            Path::new("/etc/passwd"),
            Path::new("nowhere"),
            Path::new("link"),
            Path::new("/dev/zero"),
        ] {
            symlink(target, home.join("link")).unwrap();
            refused(alone, "link", &["NotAnObject"]);
            says("link", "found a symbolic link, expected a regular file");
            fs::remove_file(home.join("link")).unwrap();
        }
        assert_eq!(look(&elsewhere), victim);
        assert_eq!(object.load().unwrap(), 5);
    });
}

#[test]
fn a_directory_pipe_or_socket_is_not_an_object() {
    alone(|alone| {
        let home = alone.make_home();
        fs::create_dir(home.join("directory")).unwrap();
        fs::write(home.join("directory/file"), "kept").unwrap();
        refused(alone, "directory", &["NotAnObject"]);
        says("directory", "directory");
        fs::remove_dir_all(home.join("directory")).unwrap();

        // Nobody has its other end open: an `open` that waited for one would wait for ever.
        mknodat(
            CWD,
            home.join("pipe"),
            FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        refused(alone, "pipe", &["NotAnObject"]);
        says("pipe", "pipe");
        fs::remove_file(home.join("pipe")).unwrap();

        let socket = UnixListener::bind(home.join("socket")).unwrap();
        refused(alone, "socket", &["NotAnObject"]);
        says("socket", "socket");
        drop(socket);
        refused(alone, "socket", &["NotAnObject"]);
        fs::remove_file(home.join("socket")).unwrap();
    });
}

#[test]
fn a_device_is_not_an_object() {
    alone(|alone| {
        if !is_root("a_device_is_not_an_object") {
            return;
        }
        let path = alone.make_home().join("device");
        // null, zero, tty: the last would become this process's terminal.
        for (major, minor) in [(1, 3), (1, 5), (5, 0)] {
            let device = rustix::fs::makedev(major, minor);
            let mode = Mode::RUSR | Mode::WUSR;
            mknodat(CWD, &path, FileType::CharacterDevice, mode, device).unwrap();
            assert!(fs::metadata(&path).unwrap().file_type().is_char_device());
            // A filesystem mounted `nodev` says "permission denied" first.
            refused(alone, "device", &["NotAnObject", "PermissionDenied"]);
            fs::remove_file(&path).unwrap();
        }
    });
}

#[test]
fn a_file_of_something_else_is_not_an_object() {
    alone(|alone| {
        let path = alone.make_home().join("file");
        for content in [
            &b""[..],
            b"x",
            b"shmem",
            b"shmem\x1A\x0A\xA9",
            b"shmem\x1A\x0A",
            &[0; 255],
            &[0; 256],
            &[0; 70_000],
            &[0xFF; 70_000],
            b"#!/bin/sh\nexec true\n",
        ] {
            fs::write(&path, content).unwrap();
            refused(alone, "file", &["NotAnObject"]);
            fs::remove_file(&path).unwrap();
        }
        // What text mode or a stripped eighth bit makes of the first bytes.
        for magic in [
            b"shmem\x1A\x0D\x0A",
            b"shmem\x1A\x0A\x29",
            b"SHMEM\x1A\x0A\xA9",
        ] {
            let mut content = magic.to_vec();
            content.resize(30_000, 0);
            fs::write(&path, content).unwrap();
            refused(alone, "file", &["NotAnObject"]);
            fs::remove_file(&path).unwrap();
        }
    });
}

/// The hash of a cut name may meet another; the full name in the object decides.
#[test]
fn an_object_under_another_name_is_not_the_one_asked_for() {
    alone(|alone| {
        let kept = u64::options().lifetime(Lifetime::Keep);
        drop(kept.create("real", 5).unwrap());
        fs::rename(alone.home().join("real"), alone.home().join("other")).unwrap();
        let error = u64::open("other").unwrap_err().to_string();
        assert!(error.contains("an object named `real`"), "{error}");
        let path = alone.home().join("other");
        let before = look(&path);
        for result in [
            outcome(u64::open("other")),
            outcome(u64::open_read_only("other")),
            outcome(u64::open_or_create("other", 1)),
            outcome(remove("other")),
        ] {
            assert_eq!(result, "NotAnObject");
        }
        assert_eq!(outcome(u64::create("other", 1)), "AlreadyExists");
        assert_eq!(look(&path), before);
    });
}

/// A name of bytes that are not UTF-8 can stand in the directory; it is nobody's.
#[test]
fn foreign_names_in_the_directory_are_passed_over() {
    alone(|alone| {
        let home = alone.make_home();
        let name = OsStr::from_bytes(b"\xFF\xFE");
        fs::write(home.join(name), "x").unwrap();
        fs::write(home.join("a\nb"), "x").unwrap();
        let _object = u64::create("o", 1).unwrap();
        let all = list().unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].location.name(), Some("o"));
        assert_eq!(prune().unwrap(), 0);
        assert!(home.join(name).exists());
    });
}
