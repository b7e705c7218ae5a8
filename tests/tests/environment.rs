//! Processes that stand still at a bad moment, that become another program, or that may not do what they try.
#![expect(unsafe_code, reason = "takes a lock of the kernel's")]

use std::fs::{self, File, Permissions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use shmem_core::{Lifetime, Shared, WriteGuard};
use tests::{Peer, Small, alone, eventually, is_root, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// Asked for something while `MEMBER` is held by a process that is stopped, this says so after about a second.
fn busy<T>(what: impl FnOnce() -> shmem_core::Result<T>) {
    let start = Instant::now();
    assert_eq!(outcome(what()), "Busy");
    let took = start.elapsed();
    assert!(took > Duration::from_millis(800), "{took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
}

/// A process that a [`Peer`] has forked and stopped.
struct Stopped {
    peer: Peer,
    child: Pid,
}

impl Stopped {
    /// It stands where the operation has just taken `MEMBER`. `None` where that cannot be had.
    fn at(test: &str, operation: &str) -> Option<Self> {
        Stopped::behind(1, test, operation)
    }

    /// It stands where the operation has just taken its so-manieth lock byte.
    fn behind(locks: u32, test: &str, operation: &str) -> Option<Self> {
        if !cfg!(target_arch = "x86_64") {
            println!("not run: {test}: no tracer for this processor");
            return None;
        }
        let mut peer = Peer::spawn(PEER, &["failing"]);
        let child = peer
            .ask(format!("stop {operation} {locks}"))
            .parse()
            .unwrap();
        let stat = format!("/proc/{child}/stat");
        eventually("the child has stopped", || {
            let stat = fs::read_to_string(&stat).unwrap();
            stat.rsplit_once(") ").unwrap().1.starts_with('T')
        });
        let child = Pid::from_raw(child).unwrap();
        Some(Stopped { peer, child })
    }

    /// Lets it go on; gives back what came of its operation.
    fn resume(&mut self) -> String {
        kill_process(self.child, Signal::CONT).unwrap();
        self.peer.recv()
    }

    fn end(mut self) {
        self.peer.expect("end", "ended with 0");
    }
}

#[test]
fn a_closer_that_is_stopped() {
    alone(|alone| {
        let object = Small::create("o", Small::new(1)).unwrap();
        let mut closer = Peer::spawn(PEER, &["session"]);
        closer.expect("open o", "open");
        let Some(mut stopped) = Stopped::at("a_closer_that_is_stopped", "close") else {
            return;
        };
        // What is open goes on.
        object.store(Small::new(2)).unwrap();
        closer.expect("store 3", 3);
        assert_eq!(object.load().unwrap(), Small::new(3));
        let reader = Small::open_read_only("o").unwrap();
        assert_eq!(reader.load().unwrap(), Small::new(3));
        busy(|| Small::open("o"));
        busy(|| Small::open_or_create("o", Small::new(9)));
        busy(|| shmem_core::remove("o"));
        busy(|| object.reopen());
        assert_eq!(outcome(Small::create("o", Small::new(9))), "AlreadyExists");

        // Who closes just leaves.
        let start = Instant::now();
        closer.expect("close", "closed");
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!(
            object.info().handles,
            Some(2),
            "this one and the stopped one's"
        );

        assert_eq!(stopped.resume(), "Ok");
        assert_eq!(object.info().handles, Some(1));
        closer.expect("open o", "open");
        closer.expect("load", 3);
        closer.expect("close", "closed");
        stopped.end();
        drop(object);
        assert_eq!(alone.files(), [""; 0]);
    });
}

/// The last one out is stopped before it has taken the name away: who comes next waits for it or finds no object.
#[test]
fn the_last_closer_is_stopped() {
    alone(|alone| {
        let Some(mut stopped) = Stopped::at("the_last_closer_is_stopped", "close-last") else {
            return;
        };
        assert_eq!(alone.files(), ["o"]);
        busy(|| Small::open("o"));
        assert_eq!(stopped.resume(), "Ok");
        assert_eq!(alone.files(), [""; 0]);
        assert_eq!(outcome(Small::open("o")), "NotFound");
        stopped.end();

        // Killed instead, it leaves a leftover, which is nobody's.
        let Some(stopped) = Stopped::at("the_last_closer_is_stopped", "close-last") else {
            return;
        };
        kill_process(stopped.child, Signal::KILL).unwrap();
        assert_eq!(stopped.peer.recv(), "killed by signal 9");
        assert_eq!(outcome(Small::open("o")), "NotFound");
        drop(Small::create("o", Small::new(1)).unwrap());
        assert_eq!(alone.files(), [""; 0]);
    });
}

/// A creator builds what nobody sees yet, and is in nobody's way.
#[test]
fn a_creator_that_is_stopped() {
    alone(|alone| {
        for operation in ["create", "create-temporary", "open-or-create"] {
            let Some(mut stopped) = Stopped::at("a_creator_that_is_stopped", operation) else {
                return;
            };
            assert_eq!(outcome(Small::open("o")), "NotFound");
            assert!(shmem_core::list().unwrap().is_empty());
            assert_eq!(shmem_core::prune().unwrap(), 0);
            let object = Small::create("o", Small::new(1)).unwrap();
            let expected = match operation {
                "open-or-create" => "Ok",
                _ => "AlreadyExists",
            };
            assert_eq!(stopped.resume(), expected, "{operation}");
            assert_eq!(object.load().unwrap(), Small::new(1));
            object.store(Small::new(2)).unwrap();
            stopped.end();
            assert_eq!(object.info().handles, Some(1));
            drop(object);
            assert_eq!(alone.files(), [""; 0], "{operation}");
        }
    });
}

/// Whoever opens an object and is stopped before it has a row holds up others who open it, and nobody else.
#[test]
fn an_opener_that_is_stopped() {
    alone(|_| {
        let object = Small::create("o", Small::new(1)).unwrap();
        let Some(mut stopped) = Stopped::at("an_opener_that_is_stopped", "open") else {
            return;
        };
        busy(|| Small::open("o"));
        object.store(Small::new(2)).unwrap();
        assert_eq!(object.info().handles, Some(1));
        assert_eq!(stopped.resume(), "Ok");
        assert_eq!(object.info().handles, Some(2));
        drop(Small::open("o").unwrap());

        // Killed where it stood, it is out of the way at once.
        stopped.end();
        let stopped = Stopped::at("an_opener_that_is_stopped", "open").unwrap();
        kill_process(stopped.child, Signal::KILL).unwrap();
        assert_eq!(stopped.peer.recv(), "killed by signal 9");
        let start = Instant::now();
        drop(Small::open("o").unwrap());
        assert!(start.elapsed() < Duration::from_millis(800));
    });
}

/// The byte of a row whose last owner was killed as a writer is a live process's again: that is no sign of life of
/// the dead one, however long whoever took it stands still.
#[test]
fn an_opener_that_is_stopped_in_a_dead_writers_row() {
    alone(|_| {
        let options = Small::options().max_handles(2);
        let object = options.create("o", Small::new(1)).unwrap();
        let mut writer = Peer::spawn(PEER, &["session"]);
        writer.expect("open o", "open");
        writer.expect("write", "1 recovered false");
        writer.expect("spoil 9", "done");
        writer.kill();
        let test = "an_opener_that_is_stopped_in_a_dead_writers_row";
        let Some(mut stopped) = Stopped::behind(2, test, "open") else {
            return;
        };
        assert_eq!(object.info().handles, Some(2));
        let guard = object.try_write().unwrap();
        assert!(WriteGuard::recovered(&guard));
        assert_eq!(*guard, Small::new(1));
        drop(guard);
        assert_eq!(stopped.resume(), "Ok");
        stopped.end();
    });
}

/// Two close at once: the one that cannot look leaves, the one that can takes the name away. Neither leaves it
/// to the other.
#[test]
fn two_who_close_at_once() {
    alone(|alone| {
        let object = Small::create("o", Small::new(1)).unwrap();
        let Some(mut stopped) = Stopped::at("two_who_close_at_once", "close") else {
            return;
        };
        drop(object);
        assert_eq!(alone.files(), ["o"]);
        assert_eq!(stopped.resume(), "Ok");
        assert_eq!(alone.files(), [""; 0]);
        stopped.end();
    });
}

/// As if stopped processes held it for ever, through a descriptor that only this test has.
#[test]
fn member_is_held_for_long() {
    alone(|alone| {
        let object = Small::create("o", Small::new(1)).unwrap();
        let kept = Small::options().lifetime(Lifetime::Keep);
        drop(kept.create("kept", Small::new(7)).unwrap());
        let files = ["o", "kept"].map(|name| hold_member(&alone.home().join(name)));
        busy(|| Small::open("o"));
        busy(|| Small::open("kept"));
        busy(|| shmem_core::remove("kept"));
        let start = Instant::now();
        drop(object);
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "who closes just leaves"
        );
        // It could not see to its name, so that is a leftover.
        assert_eq!(alone.files(), ["kept", "o"]);
        drop(files);
        assert_eq!(outcome(Small::open("o")), "NotFound");
        assert_eq!(Small::open("kept").unwrap().load().unwrap(), Small::new(7));
        drop(Small::create("o", Small::new(2)).unwrap());
        shmem_core::remove("kept").unwrap();
        assert_eq!(alone.files(), [""; 0]);
    });
}

/// Takes the byte in the object's own file that whoever joins or leaves takes.
fn hold_member(path: &std::path::Path) -> File {
    let file = File::options().read(true).write(true).open(path).unwrap();
    // SAFETY: all-zero is a value of this plain struct of integers.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK.try_into().unwrap();
    lock.l_start = 1 << 62;
    lock.l_len = 1;
    // SAFETY: the command reads one `flock`, which `lock` is.
    let held = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    assert_eq!(held, 0, "{}", std::io::Error::last_os_error());
    file
}

/// The kernel lets go of a program's locks when it becomes another, since their descriptor is closed then.
#[test]
fn a_program_that_becomes_another_is_gone() {
    alone(|_| {
        let object = Small::create("o", Small::new(1)).unwrap();
        let mut peer = Peer::spawn(PEER, &["environment"]);
        peer.expect("open o", "open");
        assert_eq!(object.info().handles, Some(2));
        peer.expect("exec-holding", "executed");
        assert_eq!(object.info().handles, Some(1));
        let guard = object.try_write().unwrap();
        assert!(WriteGuard::recovered(&guard));
        assert_eq!(*guard, Small::new(1));
        drop(guard);
        // Its pin is as dead as it is.
        for next in 2..20 {
            object.store(Small::new(next)).unwrap();
        }
        peer.expect("the same process", "the same process");
        assert!(peer.finish().success());
    });
}

/// A program that was started by a dead one does not keep it alive.
#[test]
fn a_started_program_holds_nothing() {
    alone(|_| {
        let object = Small::create("o", Small::new(1)).unwrap();
        let mut peer = Peer::spawn(PEER, &["environment"]);
        peer.expect("open o", "open");
        let child: i32 = peer.ask("spawn-holding").parse().unwrap();
        let child = Pid::from_raw(child).unwrap();
        assert_eq!(outcome(object.try_write()), "Busy");
        peer.kill();
        // `vfork` lets the parent go on in the middle of `exec`, a moment before that closes descriptors.
        let start = Instant::now();
        eventually("it is gone", || object.info().handles == Some(1));
        assert!(start.elapsed() < Duration::from_secs(2));
        assert!(WriteGuard::recovered(&object.try_write().unwrap()));
        kill_process(child, Signal::KILL).unwrap();
    });
}

/// `remove` marked the object before it took its name away. Where the directory did not let it, everybody's
/// object was marked as removed for good, by a call that had been refused, and nobody could open it any more.
/// Now the directory is asked first.
#[test]
fn what_may_not_be_removed_is_not_marked() {
    alone(|alone| {
        if !is_root("what_may_not_be_removed_is_not_marked") {
            return;
        }
        for mode in [0o755, 0o1777] {
            let directory = alone.parent().join(format!("{mode:o}"));
            fs::create_dir(&directory).unwrap();
            let path = directory.join("object");
            // Both may write it; it is root's, and the directory is.
            let everybody = Small::options()
                .mode(0o666)
                .trust(shmem_core::Trust::Anyone);
            let object = everybody.create(path.as_path(), Small::new(1)).unwrap();
            fs::set_permissions(&directory, Permissions::from_mode(mode)).unwrap();
            let mut other = Peer::spawn(PEER, &["user", "1000"]);
            let at = path.display();
            let answer = other.ask(format!("remove {at}"));
            assert_eq!(answer, "PermissionDenied", "{mode:o}");
            assert!(object.is_current(), "{mode:o}");
            object.store(Small::new(2)).unwrap();
            other.expect(format!("open-trusting {at}"), "open");
            other.expect("load", 2);
            other.expect("close", "closed");
            shmem_core::remove(path.as_path()).unwrap();
        }
    });
}
