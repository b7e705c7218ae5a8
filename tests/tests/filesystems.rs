//! Files as locations, and the filesystems under them: full, closed, or without coherent memory.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use shmem_core::{Error, Lifetime, Shared, Version, list, prune, remove};
use tests::raw::Raw;
use tests::{Alone, Peer, Small, alone, is_root, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// A peer in a mount namespace of its own, with a filesystem of its own on `SHMEM_DIR`; and the path by which
/// this process sees that. `None`, with a word why, where that cannot be had.
fn mounted(alone: &Alone, test: &str, mount: &str) -> Option<(Peer, PathBuf)> {
    if !is_root(test) {
        return None;
    }
    let at = alone.parent().display();
    let try_it = format!("mount {mount} none {at}");
    let tried = Command::new("unshare")
        .args(["-m", "sh", "-c", &try_it])
        .output();
    match tried {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            println!("not run: {test}: {why}");
            return None;
        }
        Err(error) => {
            println!("not run: {test}: unshare(1): {error}");
            return None;
        }
    }
    let run = format!("{try_it} && exec {PEER} user -");
    let peer = Peer::command(Command::new("unshare").args(["-m", "sh", "-c", &run]));
    let seen = format!("/proc/{}/root{at}", peer.id());
    Some((peer, seen.into()))
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn free(directory: &Path) -> u64 {
    rustix::fs::statvfs(directory).unwrap().f_bfree
}

/// Room is taken when an object is created: later would be SIGBUS at some store.
#[test]
fn a_full_filesystem() {
    alone(|alone| {
        let mount = "-t tmpfs -o size=72k,mode=1777";
        let Some((mut peer, parent)) = mounted(alone, "a_full_filesystem", mount) else {
            return;
        };
        peer.expect("create-kept a 1", "open");
        peer.expect("create-kept b 2", "open");
        let home = parent.join("shmem-0");
        let (before, room) = (files(&home), free(&home));
        assert_eq!(before, ["a", "b"]);
        peer.expect("create-kept c 3", "NoSpace");
        peer.expect("create c 3", "NoSpace");
        peer.expect("open-or-create c 3", "NoSpace");
        assert_eq!((files(&home), free(&home)), (before, room));
        peer.expect("load", 2);
        peer.expect("store 4", 2);
        peer.expect("open a", "open");
        peer.expect("load", 1);

        // What is smaller still fits, and so does the other once there is room.
        let small = parent.join("small");
        let few = Small::options().max_handles(1).buffers(2);
        drop(few.create(small.as_path(), Small::new(5)).unwrap());
        fs::remove_file(&small).unwrap();
        peer.expect("remove a", "removed");
        peer.expect("close", "closed");
        peer.expect("create c 3", "open");
        peer.expect("load", 3);
    });
}

/// A filesystem can run out of files before it runs out of bytes.
#[test]
fn a_filesystem_without_another_file() {
    alone(|alone| {
        // The root, the user's directory, one object.
        let mount = "-t tmpfs -o size=1m,nr_inodes=3,mode=1777";
        let Some((mut peer, parent)) = mounted(alone, "a_filesystem_without_another_file", mount)
        else {
            return;
        };
        peer.expect("create-kept a 1", "open");
        peer.expect("create-kept b 2", "NoSpace");
        peer.expect("open-or-create b 2", "NoSpace");
        // It would need a lock file as well.
        peer.expect("create-mode b 644 2", "NoSpace");
        assert_eq!(files(&parent.join("shmem-0")), ["a"]);
        peer.expect("load", 1);
        peer.expect("remove a", "removed");
        peer.expect("close", "closed");
        peer.expect("create-kept b 2", "open");
    });
}

#[test]
fn a_filesystem_without_a_directory_more() {
    alone(|alone| {
        let mount = "-t tmpfs -o size=1m,nr_inodes=1,mode=1777";
        let Some((mut peer, _)) = mounted(alone, "a_filesystem_without_a_directory_more", mount)
        else {
            return;
        };
        // Before there is a directory, nobody knows how much the object needs.
        peer.expect("create a 1", "Io");
        peer.expect("open a", "NotFound");
        peer.expect("list", 0);
    });
}

#[test]
fn a_read_only_filesystem() {
    alone(|alone| {
        let mount = "-t tmpfs -o ro,mode=1777";
        let Some((mut peer, _)) = mounted(alone, "a_read_only_filesystem", mount) else {
            return;
        };
        let answer = peer.ask("create a 1");
        assert!(
            ["Io", "PermissionDenied"].contains(&answer.as_str()),
            "{answer}"
        );
        peer.expect("open a", "NotFound");
        peer.expect("open-read-only a", "NotFound");
        peer.expect("list", 0);
    });
}

/// The memory of its files comes in huge pages, of which there may be none.
#[test]
fn a_filesystem_of_huge_pages() {
    alone(|alone| {
        let mount = "-t hugetlbfs -o mode=1777";
        let Some((mut peer, parent)) = mounted(alone, "a_filesystem_of_huge_pages", mount) else {
            return;
        };
        peer.expect("create a 1", "UnsupportedFilesystem");
        peer.expect("open-or-create a 1", "UnsupportedFilesystem");
        assert_eq!(files(&parent.join("shmem-0")), [""; 0]);
    });
}

/// Files that the kernel makes up as they are read.
#[test]
fn a_filesystem_without_memory() {
    for at in [
        "/proc/shmem-object",
        "/proc/self/shmem-object",
        "/proc/sys/kernel/shmem-object",
    ] {
        let at = Path::new(at);
        assert_eq!(outcome(u64::create(at, 1)), "UnsupportedFilesystem");
        assert_eq!(outcome(u64::open(at)), "NotFound");
        assert_eq!(outcome(u64::open_or_create(at, 1)), "UnsupportedFilesystem");
    }
    let at = Path::new("/proc/version");
    assert_eq!(outcome(u64::open_read_only(at)), "UnsupportedFilesystem");
    assert_eq!(outcome(u64::create(at, 1)), "AlreadyExists");
    let error = u64::create(Path::new("/proc/shmem-object"), 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`/proc/shmem-object` lies on a filesystem of kind proc, which does not keep maps and locks of \
         several programs coherent: use a local filesystem (ext4, xfs, btrfs, tmpfs)"
    );
}

#[test]
fn filesystems_that_this_machine_does_not_have() {
    for kind in ["nfs", "9p", "fuse"] {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mount = mounts.lines().find_map(|line| {
            let mut words = line.split(' ').skip(1);
            let (at, found) = (words.next()?, words.next()?);
            (found.starts_with(kind) && found != "fusectl").then_some(at)
        });
        let Some(at) = mount else {
            println!("not run: a filesystem of kind {kind} is not mounted here");
            continue;
        };
        let path = Path::new(at).join("shmem-test-object");
        let result = outcome(u64::create(path.as_path(), 1));
        let closed = ["PermissionDenied", "Io"].contains(&result.as_str());
        assert!(
            closed || result == "UnsupportedFilesystem",
            "{at}: {result}"
        );
        assert!(!path.exists());
    }
}

#[test]
fn a_file_stays() {
    alone(|alone| {
        let path = alone.parent().join("object");
        let object = u64::create(&path, 1).unwrap();
        assert_eq!(object.info().lifetime, Lifetime::Keep);
        assert_eq!(object.store(2).unwrap(), Version(2));
        object.flush().unwrap();
        let raw = Raw::read(&path);
        assert_eq!((raw.version(), raw.at(raw.value().start)), (2, 2));
        drop(object);

        assert_eq!(outcome(u64::create(&path, 9)), "AlreadyExists");
        assert!(list().unwrap().is_empty());
        assert_eq!(prune().unwrap(), 0);
        let reader = u64::open_read_only(&path).unwrap();
        assert_eq!((reader.load().unwrap(), reader.version()), (2, Version(2)));
        let again = u64::open(&path).unwrap();
        assert_eq!(again.version(), Version(2));
        again.store(3).unwrap();
        drop(again);
        assert_eq!(reader.load().unwrap(), 3);

        // It may be moved: a file goes by its path, not by a name of its own.
        let moved = alone.parent().join("moved");
        fs::rename(&path, &moved).unwrap();
        assert!(!reader.is_current());
        assert_eq!(outcome(u64::open(&path)), "NotFound");
        let object = u64::open_or_create(&moved, 9).unwrap();
        assert_eq!(object.load().unwrap(), 3);
        remove(&moved).unwrap();
        assert_eq!(outcome(object.store(4)), "Removed");
        assert_eq!(object.load().unwrap(), 3);
        assert!(!moved.exists());
    });
}

#[test]
fn a_file_that_lives_while_it_is_open() {
    alone(|alone| {
        let path = alone.parent().join("object");
        let object = u64::options()
            .lifetime(Lifetime::WhileOpen)
            .create(&path, 1);
        let object = object.unwrap();
        assert!(path.exists());
        drop(object);
        assert!(!path.exists());

        let kept = u64::options().lifetime(Lifetime::Keep);
        drop(kept.create("name", 1).unwrap());
        assert_eq!(u64::open("name").unwrap().load().unwrap(), 1);
        assert_eq!(list().unwrap().len(), 1);
        remove("name").unwrap();
    });
}

#[test]
fn a_relative_path_is_that_of_the_moment() {
    alone(|alone| {
        let [a, b] = ["a", "b"].map(|name| alone.parent().join(name));
        fs::create_dir(&a).unwrap();
        fs::create_dir(&b).unwrap();
        std::env::set_current_dir(&a).unwrap();
        let options = u64::options().lifetime(Lifetime::WhileOpen);
        let objects = [
            options.create(Path::new("bare"), 1).unwrap(),
            options.create(Path::new("./dotted"), 1).unwrap(),
            options.create(PathBuf::from("../a/around"), 1).unwrap(),
        ];
        let reader = u64::open_read_only(Path::new("bare")).unwrap();
        assert_eq!(files(&a), ["around", "bare", "dotted"]);
        std::env::set_current_dir(&b).unwrap();
        for object in &objects {
            assert!(object.is_current());
            assert_eq!(object.reopen().unwrap().load().unwrap(), 1);
        }
        assert!(reader.is_current());
        assert_eq!(reader.reopen().unwrap().load().unwrap(), 1);
        assert_eq!(outcome(u64::open(Path::new("bare"))), "NotFound");
        drop(objects);
        assert_eq!(files(&a), [""; 0]);
        assert_eq!(files(&b), [""; 0]);
        assert!(!reader.is_current());
    });
}

#[test]
fn paths_that_lead_nowhere() {
    alone(|alone| {
        let absent = alone.parent().join("absent/object");
        assert_eq!(outcome(u64::create(&absent, 1)), "Io");
        assert_eq!(outcome(u64::open_or_create(&absent, 1)), "Io");
        assert_eq!(outcome(u64::open(&absent)), "NotFound");
        assert_eq!(outcome(u64::open_read_only(&absent)), "NotFound");
        assert_eq!(outcome(remove(&absent)), "NotFound");
        let error = u64::create(&absent, 1).unwrap_err();
        assert!(std::error::Error::source(&error).is_some(), "{error}");

        let file = alone.parent().join("file");
        fs::write(&file, "text").unwrap();
        let below = file.join("object");
        for result in [
            outcome(u64::create(&below, 1)),
            outcome(u64::open(&below)),
            outcome(u64::open_read_only(&below)),
            outcome(u64::open_or_create(&below, 1)),
            outcome(remove(&below)),
        ] {
            assert_eq!(result, "Io");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "text");
        // Longer than a file's name, and longer than a path.
        for long in [
            alone.parent().join("x".repeat(256)),
            PathBuf::from("/x".repeat(3000)),
        ] {
            assert_eq!(outcome(u64::create(&long, 1)), "Io");
            assert_eq!(outcome(u64::open(&long)), "Io");
        }
        assert_eq!(outcome(u64::open(alone.parent())), "NotAnObject");
        assert_eq!(outcome(u64::create(alone.parent(), 1)), "AlreadyExists");
        assert_eq!(outcome(remove(alone.parent())), "NotAnObject");
    });
}

/// At the end of a path a link is refused; on the way there the system follows it.
#[test]
fn links_in_paths() {
    alone(|alone| {
        let parent = alone.parent();
        fs::create_dir(parent.join("real")).unwrap();
        symlink("real", parent.join("way")).unwrap();
        let object = u64::create(parent.join("way/object"), 1).unwrap();
        assert_eq!(
            u64::open(parent.join("real/object"))
                .unwrap()
                .load()
                .unwrap(),
            1
        );

        for target in ["real/object", "nowhere"] {
            let link = parent.join("link");
            symlink(target, &link).unwrap();
            for result in [
                outcome(u64::open(&link)),
                outcome(u64::open_read_only(&link)),
                outcome(u64::open_or_create(&link, 1)),
                outcome(remove(&link)),
            ] {
                assert_eq!(result, "NotAnObject");
            }
            assert_eq!(outcome(u64::create(&link, 1)), "AlreadyExists");
            assert_eq!(fs::read_link(&link).unwrap(), Path::new(target));
            fs::remove_file(&link).unwrap();
        }
        assert_eq!(object.load().unwrap(), 1);
        assert!(!parent.join("nowhere").exists());
    });
}

/// A file on a disk, where there is one: what was flushed is what the file holds.
#[test]
fn a_file_that_is_not_in_memory() {
    let directory = std::env::temp_dir().join(tests::unique_name("disk"));
    fs::create_dir(&directory).unwrap();
    let path = directory.join("object");
    match u64::create(&path, 1) {
        Err(Error::UnsupportedFilesystem { found, .. }) => {
            println!(
                "not run: a_file_that_is_not_in_memory: the temporary directory is on {found}"
            );
        }
        result => {
            let object = result.unwrap();
            for number in 2..20 {
                object.store(number).unwrap();
            }
            object.flush().unwrap();
            File::open(&path).unwrap().sync_all().unwrap();
            drop(object);
            let again = u64::open(&path).unwrap();
            assert_eq!((again.load().unwrap(), again.version()), (19, Version(19)));
            assert!(again.age() < Duration::from_secs(60));
            assert!(again.info().created <= SystemTime::now());
            drop(again);
        }
    }
    fs::remove_dir_all(&directory).unwrap();
}

/// The directory is closed to its owner after the object was opened: what is open goes on.
#[test]
fn a_directory_that_closes() {
    alone(|alone| {
        if !is_root("a_directory_that_closes") {
            return;
        }
        let mut peer = Peer::spawn(PEER, &["user", "1000"]);
        peer.expect("create o 1", "open");
        let home = alone.parent().join("shmem-1000");
        fs::set_permissions(&home, Permissions::from_mode(0o000)).unwrap();
        peer.expect("load", 1);
        peer.expect("store 2", 2);
        peer.expect("open o", "PermissionDenied");
        peer.expect("list", "PermissionDenied");
        fs::set_permissions(&home, Permissions::from_mode(0o711)).unwrap();
        peer.expect("open o", "open");
        peer.expect("load", 2);
    });
}

/// Numbers of files are told apart by filesystem alone: a lock file of another one is another file.
#[test]
fn a_lock_file_of_another_filesystem() {
    alone(|alone| {
        let test = "a_lock_file_of_another_filesystem";
        let Some((mut peer, parent)) = mounted(alone, test, "-t tmpfs -o mode=1777") else {
            return;
        };
        peer.expect("create-mode o 644 1", "open");
        let lock = parent.join("shmem-0/.lock-600");
        let inode = lock.metadata().unwrap().ino();
        // A fresh filesystem counts its files, so that number comes soon.
        let script = "mkdir other && mount -t tmpfs none other && for i in $(seq 1000); do
                : > other/$i && [ $(stat -c %i other/$i) = $0 ] && exec mount --bind other/$i shmem-0/.lock-600
            done; exit 1";
        let mut command = Command::new("nsenter");
        command.args(["-m", "-t", &peer.id().to_string(), "sh", "-c"]);
        let at = alone.parent().display();
        let script = format!("cd {at} && {script}");
        let tried = command
            .args([&script, &inode.to_string()])
            .output()
            .unwrap();
        assert!(
            tried.status.success(),
            "{}",
            String::from_utf8_lossy(&tried.stderr)
        );
        assert_eq!(lock.metadata().unwrap().ino(), inode);
        for command in ["open o", "open-read-only o", "remove o"] {
            peer.expect(command, "Corrupt");
        }
        peer.expect("create o 2", "AlreadyExists");
        peer.expect("store 3", 2);
    });
}
