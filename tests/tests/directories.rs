//! Whose directory named objects are in, and what happens when somebody else was there first.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;

use shmem_core::{Location, Shared};
use tests::{Alone, Peer, Small, alone, is_root};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// A user who is not root; nobody needs to have it.
const USER: &str = "1000";

fn user(uid: &str) -> Peer {
    Peer::spawn(PEER, &["user", uid])
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Has two programs of a user meet under a name in `parent`, and says in which directory.
fn meet(parent: &Path) -> String {
    let start = || {
        Peer::command(
            Command::new(PEER)
                .args(["user", USER])
                .env("SHMEM_DIR", parent),
        )
    };
    let (mut a, mut b) = (start(), start());
    a.expect("create o 5", "open");
    b.expect("open o", "open");
    b.expect("load", 5);
    b.expect("list", 1);
    let mut homes = fs::read_dir(parent).unwrap().map(|entry| entry.unwrap());
    let home = homes.find(|home| home.path().join("o").exists()).unwrap();
    let data = home.metadata().unwrap();
    assert_eq!((data.uid(), data.mode() & 0o7777), (1000, 0o711));
    // Others who name the user meet it there, too.
    let mut root = Peer::command(
        Command::new(PEER)
            .args(["user", "-"])
            .env("SHMEM_DIR", parent),
    );
    root.expect("open-read-only 1000:o", "open");
    root.expect("load", 5);
    home.file_name().into_string().unwrap()
}

/// A directory for `SHMEM_DIR` in which everybody may make others, as in `/dev/shm`.
fn parent(alone: &Alone, name: &str) -> std::path::PathBuf {
    let parent = alone.parent().join(name);
    fs::create_dir(&parent).unwrap();
    mode(&parent, 0o1777);
    parent
}

/// Anybody can take the name of a user's directory before that user does.
#[test]
fn a_directory_that_somebody_else_took() {
    alone(|alone| {
        if !is_root("a_directory_that_somebody_else_took") {
            return;
        }
        let first = format!("shmem-{USER}");
        let next = format!("shmem-{USER}-1");
        let free = parent(alone, "free");
        assert_eq!(meet(&free), first);

        let take = |name: &str, how: &dyn Fn(&Path)| {
            let parent = parent(alone, name);
            how(&parent.join(&first));
            let before = fs::symlink_metadata(parent.join(&first)).unwrap();
            assert_eq!(meet(&parent), next, "{name}");
            let after = fs::symlink_metadata(parent.join(&first)).unwrap();
            assert_eq!(
                (before.mtime_nsec(), before.ino()),
                (after.mtime_nsec(), after.ino())
            );
        };
        take("root", &|path| fs::create_dir(path).unwrap());
        take("closed", &|path| {
            fs::create_dir(path).unwrap();
            mode(path, 0o700);
        });
        take("everybody", &|path| {
            fs::create_dir(path).unwrap();
            mode(path, 0o777);
        });
        take("file", &|path| fs::write(path, "").unwrap());
        take("link", &|path| {
            // To a directory that would do.
            let real = path.with_file_name("real");
            fs::create_dir(&real).unwrap();
            chown(&real, Some(1000), Some(1000)).unwrap();
            mode(&real, 0o711);
            symlink(&real, path).unwrap();
        });
        take("nowhere", &|path| symlink("nowhere", path).unwrap());
        take("group", &|path| {
            // The user's own, and the group may put into it what it likes.
            fs::create_dir(path).unwrap();
            chown(path, Some(1000), Some(1000)).unwrap();
            mode(path, 0o771);
        });

        // The lowest number that is the user's, although a lower one has become free since.
        let parent = parent(alone, "later");
        fs::create_dir(parent.join(&first)).unwrap();
        assert_eq!(meet(&parent), next);
        fs::remove_dir(parent.join(&first)).unwrap();
        assert_eq!(meet(&parent), next);
    });
}

/// Who finds a directory that is still being made finishes it, if it is its own.
#[test]
fn an_unfinished_directory() {
    alone(|alone| {
        if !is_root("an_unfinished_directory") {
            return;
        }
        let home = alone.parent().join(format!("shmem-{USER}"));
        fs::create_dir(&home).unwrap();
        chown(&home, Some(1000), Some(1000)).unwrap();
        mode(&home, 0o1700);
        let found = || fs::metadata(&home).unwrap().mode() & 0o7777;
        let mut root = Peer::spawn(PEER, &["user", "-"]);
        root.expect(format!("open-read-only {USER}:o"), "NotFound");
        assert_eq!(found(), 0o1700);
        user(USER).expect("open o", "NotFound");
        assert_eq!(found(), 0o711);
    });
}

/// A user who names itself is the same user.
#[test]
fn an_owner_by_its_number() {
    alone(|alone| {
        let uid = rustix::process::geteuid().as_raw();
        let at = Location::owned_by(uid, "o").unwrap();
        let _object = Small::create(at, Small::new(1)).unwrap();
        assert!(alone.home().join("o").exists());
        assert_eq!(Small::open("o").unwrap().load().unwrap().counter, 1);
    });
}

/// A parent that cannot be entered says nothing about whose its directories are.
#[test]
fn a_parent_that_leads_in_circles() {
    alone(|alone| {
        let parent = alone.parent().join("circle");
        symlink("circle", &parent).unwrap();
        let mut peer = Peer::command(
            Command::new(PEER)
                .args(["user", "-"])
                .env("SHMEM_DIR", &parent),
        );
        for command in ["create o 1", "open o", "open-read-only o", "list", "prune"] {
            peer.expect(command, "Io");
        }
    });
}

#[test]
fn every_directory_taken() {
    alone(|alone| {
        if !is_root("every_directory_taken") {
            return;
        }
        fs::create_dir(alone.parent().join(format!("shmem-{USER}"))).unwrap();
        for k in 1..100 {
            fs::create_dir(alone.parent().join(format!("shmem-{USER}-{k}"))).unwrap();
        }
        let mut user = user(USER);
        user.expect("create o 1", "PermissionDenied");
        user.expect("open-or-create o 1", "PermissionDenied");
        user.expect("open o", "NotFound");
        user.expect("list", 0);
    });
}

/// The user whom the kernel shows in place of all that it cannot name is not one user.
#[test]
fn the_user_of_everybody_unknown() {
    alone(|alone| {
        if !is_root("the_user_of_everybody_unknown") {
            return;
        }
        let overflow = fs::read_to_string("/proc/sys/kernel/overflowuid").unwrap();
        let overflow = overflow.trim();
        let readable = Small::options().mode(0o644);
        let _object = readable.create("o", Small::new(1)).unwrap();
        let mut nobody = user(overflow);
        for command in [
            "create o 1",
            "open o",
            "open-or-create o 1",
            "open-read-only o",
            "remove o",
        ] {
            nobody.expect(command, "PermissionDenied");
        }
        nobody.expect("list", "PermissionDenied");
        nobody.expect("prune", "PermissionDenied");
        assert!(!alone.parent().join(format!("shmem-{overflow}")).exists());
        // What names its owner is somebody's.
        nobody.expect("open-read-only 0:o", "open");
        nobody.expect("load", 1);
        let path = alone.parent().join("file");
        nobody.expect(format!("create-kept {} 3", path.display()), "open");
        nobody.expect("load", 3);
    });
}

#[test]
fn a_parent_that_is_not_there() {
    alone(|alone| {
        let parent = alone.parent().join("absent");
        let mut peer = Peer::command(
            Command::new(PEER)
                .args(["user", "-"])
                .env("SHMEM_DIR", &parent),
        );
        peer.expect("create o 1", "Io");
        peer.expect("open-or-create o 1", "Io");
        peer.expect("open o", "NotFound");
        peer.expect("open-read-only o", "NotFound");
        peer.expect("remove o", "NotFound");
        peer.expect("list", 0);
        peer.expect("prune", 0);
        assert!(!parent.exists());
        // It need not be there from the start.
        fs::create_dir(&parent).unwrap();
        peer.expect("create o 1", "open");
    });
}

/// A relative `SHMEM_DIR` leads elsewhere after a change of directory; the objects that are open do not.
#[test]
fn a_relative_parent() {
    alone(|alone| {
        let start = || {
            Peer::command(
                Command::new(PEER)
                    .args(["user", "-"])
                    .current_dir(alone.parent())
                    .env("SHMEM_DIR", "here"),
            )
        };
        fs::create_dir(alone.parent().join("here")).unwrap();
        let mut peer = start();
        peer.expect("create o 1", "open");
        let mut other = start();
        other.expect("open-read-only o", "open");
        peer.expect("chdir /", "done");
        other.expect("chdir /", "done");
        other.expect("is-current", true);
        other.expect("wait-at-most 1 60", "TimedOut");
        peer.expect("close", "closed");
        other.expect("is-current", false);
        let home = fs::read_dir(alone.parent().join("here")).unwrap().next();
        let mut left = fs::read_dir(home.unwrap().unwrap().path()).unwrap();
        assert!(left.next().is_none(), "the last one out removes the name");
    });
}

/// A program that runs with more rights than its caller does not let the caller choose where.
#[test]
fn a_set_user_id_program_does_not_listen_to_the_environment() {
    alone(|alone| {
        let test = "a_set_user_id_program_does_not_listen_to_the_environment";
        if !is_root(test) {
            return;
        }
        let program = std::env::temp_dir().join(tests::unique_name("set-user-id"));
        fs::copy(PEER, &program).unwrap();
        chown(&program, Some(1000), Some(1000)).unwrap();
        mode(&program, 0o4755);
        // In a mount namespace of its own, so that the real directory of that user stays as it is.
        let elsewhere = alone.parent().join("elsewhere");
        let script = format!(
            "mount -t tmpfs -o mode=1777 none /dev/shm && mkdir -m 1777 -p {} && exec {} user -",
            elsewhere.display(),
            program.display()
        );
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", &script]);
        let mut peer = Peer::command(command.env("SHMEM_DIR", &elsewhere));
        peer.expect("create o 1", "open");
        let root = std::path::PathBuf::from(format!("/proc/{}/root", peer.id()));
        let shown = |path: &str| root.join(path).exists();
        let there = elsewhere.strip_prefix("/").unwrap();
        if shown(&format!("{}/shmem-0", there.display())) {
            println!("not run: {test}: the temporary directory is mounted `nosuid`");
        } else {
            assert!(shown("dev/shm/shmem-1000/o"));
            assert!(!shown(&format!("{}/shmem-1000", there.display())));
        }
        fs::remove_file(&program).unwrap();
    });
}
