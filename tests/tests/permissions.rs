//! Users who may read and not write, users who may do neither, and whose directory it is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use shmem_core::{Location, Shared};
use tests::raw::maps_of;
use tests::{Alone, Medium as Page, Peer, Small, alone, is_root, outcome};

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
