//! Who may write an object decides whether it is opened.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use shmem_core::{Error, Shared, Trust, list, prune, remove};
use tests::raw::look;
use tests::{alone, is_root, outcome};

/// Opens in each way under each trust, and says what came of it.
fn by_trust(name: &str) -> [String; 4] {
    let open = |trust| outcome(u64::options().trust(trust).open(name));
    [
        open(Trust::OwnerOnly),
        open(Trust::Group),
        open(Trust::Anyone),
        outcome(u64::open_read_only(name).and_then(|reader| reader.load())),
    ]
}

#[test]
fn what_others_may_write_is_not_trusted_unless_the_caller_says_so() {
    alone(|alone| {
        let object = u64::create("o", 5).unwrap();
        let path = alone.home().join("o");
        let me = fs::metadata(&path).unwrap().uid();
        for (mode, expected) in [
            (0o600, ["Ok", "Ok", "Ok", "Ok"]),
            (0o644, ["Ok", "Ok", "Ok", "Ok"]),
            (0o640, ["Ok", "Ok", "Ok", "Ok"]),
            (0o660, ["Untrusted", "Ok", "Ok", "Ok"]),
            (0o620, ["Untrusted", "Ok", "Ok", "Ok"]),
            (0o664, ["Untrusted", "Ok", "Ok", "Ok"]),
            (0o606, ["Untrusted", "Untrusted", "Ok", "Ok"]),
            (0o602, ["Untrusted", "Untrusted", "Ok", "Ok"]),
            (0o666, ["Untrusted", "Untrusted", "Ok", "Ok"]),
            (0o777, ["Untrusted", "Untrusted", "Ok", "Ok"]),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(by_trust("o"), expected, "{mode:o}");
            if expected[0] == "Untrusted" {
                let Err(Error::Untrusted { owner, mode: m, .. }) = u64::open("o") else {
                    panic!("{mode:o}");
                };
                assert_eq!((owner, m), (me, mode));
                assert_eq!(outcome(u64::open_or_create("o", 1)), "Untrusted");
                assert_eq!(outcome(object.reopen()), "Untrusted");
            }
        }
        assert_eq!(object.load().unwrap(), 5);
    });
}

#[test]
fn what_somebody_else_owns_is_not_trusted_unless_the_caller_says_so() {
    alone(|alone| {
        if !is_root("what_somebody_else_owns") {
            return;
        }
        let _object = u64::create("o", 5).unwrap();
        let path = alone.home().join("o");
        chown(&path, Some(1000), Some(1000)).unwrap();
        assert_eq!(by_trust("o"), ["Untrusted", "Ok", "Ok", "Ok"]);
        let error = u64::open("o").unwrap_err();
        let Error::Untrusted { owner, mode, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((owner, mode), (1000, 0o600));
        let message = u64::open("o").unwrap_err().to_string();
        assert!(
            message
                .starts_with("`o` is owned by user 1000 with mode 0600, so its owner may write it"),
            "{message}"
        );
        fs::set_permissions(&path, Permissions::from_mode(0o602)).unwrap();
        assert_eq!(by_trust("o"), ["Untrusted", "Untrusted", "Ok", "Ok"]);
    });
}

#[test]
fn a_creator_says_whom_it_trusts() {
    alone(|alone| {
        let create = |mode, trust| outcome(u64::options().mode(mode).trust(trust).create("o", 1));
        for mode in [0o600, 0o640, 0o644, 0o400, 0] {
            assert_eq!(create(mode, Trust::OwnerOnly), "Ok", "{mode:o}");
        }
        for mode in [0o660, 0o620, 0o664] {
            assert_eq!(create(mode, Trust::OwnerOnly), "Untrusted", "{mode:o}");
            assert_eq!(create(mode, Trust::Group), "Ok", "{mode:o}");
        }
        for mode in [0o666, 0o602, 0o777] {
            assert_eq!(create(mode, Trust::OwnerOnly), "Untrusted", "{mode:o}");
            assert_eq!(create(mode, Trust::Group), "Untrusted", "{mode:o}");
            assert_eq!(create(mode, Trust::Anyone), "Ok", "{mode:o}");
        }
        let objects = alone.files();
        let objects: Vec<_> = objects.iter().filter(|f| !f.starts_with('.')).collect();
        assert!(objects.is_empty(), "{objects:?}");
    });
}

/// Whatever the umask takes away or leaves.
#[test]
fn the_mode_is_the_one_asked_for() {
    alone(|alone| {
        for umask in [0o000, 0o022, 0o077, 0o777] {
            rustix::process::umask(Mode::from_raw_mode(umask));
            for (asked, got) in [
                (0o600, 0o600),
                (0o640, 0o640),
                (0o644, 0o644),
                (0o044, 0o644),
            ] {
                let object = u64::options().mode(asked).create("o", 1).unwrap();
                let mode = fs::metadata(alone.home().join("o")).unwrap().mode() & 0o7777;
                assert_eq!((mode, object.info().mode), (got, got), "umask {umask:o}");
            }
            let home = fs::metadata(alone.home()).unwrap().mode() & 0o7777;
            assert_eq!(home, 0o711);
            // The locks of objects that others may read: for those who may write, and nobody else.
            let lock = fs::metadata(alone.home().join(".lock-600")).unwrap();
            assert_eq!(lock.mode() & 0o7777, 0o600);
            fs::remove_dir_all(alone.home()).unwrap();
        }
    });
}

/// The file that holds the locks of objects that others may read is gone, or another: nobody is declared dead.
#[test]
fn a_missing_or_exchanged_lock_file_is_an_error() {
    alone(|alone| {
        let object = u64::options().mode(0o644).create("o", 5).unwrap();
        let lock = alone.home().join(".lock-600");
        let before = look(&alone.home().join("o"));
        let all_say = |expected: &[&str]| {
            for result in [
                outcome(u64::open("o")),
                outcome(u64::open_or_create("o", 1)),
                outcome(u64::open_read_only("o")),
                outcome(remove("o")),
            ] {
                assert!(expected.contains(&result.as_str()), "{result}");
            }
            assert_eq!(outcome(u64::create("o", 1)), "AlreadyExists");
            assert_eq!(prune().unwrap(), 0);
            list().unwrap();
            assert_eq!(look(&alone.home().join("o")), before);
        };
        fs::rename(&lock, alone.home().join(".kept")).unwrap();
        all_say(&["Corrupt"]);
        File::create(&lock).unwrap();
        all_say(&["Corrupt"]);
        fs::remove_file(&lock).unwrap();
        // A pipe cannot be mapped, which comes first where the descriptor is to outlast `closefrom`.
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, &lock, FileType::Fifo, mode, 0).unwrap();
        all_say(&["Corrupt", "Io"]);
        fs::remove_file(&lock).unwrap();
        fs::rename(alone.home().join(".kept"), &lock).unwrap();
        assert_eq!(u64::open("o").unwrap().load().unwrap(), 5);
        assert_eq!(object.load().unwrap(), 5);
    });
}
