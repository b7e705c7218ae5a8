//! Programs that see other process ids, other users or another clock share objects all the same.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use shmem_core::{Shared, WriteGuard};
use tests::{Alone, Peer, Small, alone, eventually, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// Whether `unshare(1)` can do it here; says why the test does not run otherwise.
fn can(test: &str, unshare: &[&str]) -> bool {
    let output = Command::new("unshare").args(unshare).arg("true").output();
    let why = match output {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    println!("not run: {test}: unshare {}: {why}", unshare.join(" "));
    false
}

fn within(unshare: &[&str], group: &str) -> Peer {
    let mut command = Command::new("unshare");
    Peer::command(command.args(unshare).args([PEER, group]))
}

const PIDS: [&str; 3] = ["--pid", "--fork", "--kill-child=KILL"];

/// The process that `unshare --fork` waits for, as this namespace numbers it.
fn inner(peer: &Peer) -> Pid {
    let id = peer.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    Pid::from_raw(children.trim().parse().unwrap()).unwrap()
}

/// The number by which a process knows itself.
fn own_number(pid: Pid) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = status.lines().find(|line| line.starts_with("NSpid:"));
    let number = line.unwrap().split_whitespace().next_back();
    number.unwrap().to_owned()
}

/// Ends the inner process, and waits until the outer one has seen it.
fn kill(mut peer: Peer) {
    kill_process(inner(&peer), Signal::KILL).unwrap();
    peer.wait();
}

/// Process ids and thread ids are equal, and mean nothing.
#[test]
fn two_programs_that_are_both_the_first_of_their_namespace() {
    alone(|alone| {
        if !can(
            "two_programs_that_are_both_the_first_of_their_namespace",
            &PIDS,
        ) {
            return;
        }
        let [mut one, mut two] = [within(&PIDS, "session"), within(&PIDS, "session")];
        assert_eq!(own_number(inner(&one)), "1");
        assert_eq!(own_number(inner(&two)), "1");
        one.expect("create o 1", "open");
        two.expect("open o", "open");
        let outside = Small::open("o").unwrap();
        assert_eq!(outside.info().handles, Some(3));

        one.expect("write", "1 recovered false");
        one.expect("spoil 99", "done");
        // Not its own lock, although the numbers are.
        two.expect("try-write", "Busy");
        let busy = outside.try_write().unwrap_err().to_string();
        assert!(busy.contains("handle 0 (process 1)"), "{busy}");
        two.send("write");
        eventually("the second sleeps on the lock", || {
            let id = inner(&two).as_raw_nonzero();
            let call = fs::read_to_string(format!("/proc/{id}/syscall")).unwrap_or_default();
            call.split(' ').next() == Some(&*libc::SYS_futex.to_string())
        });
        let start = Instant::now();
        kill(one);
        assert_eq!(two.recv(), "1 recovered true");
        println!("taken over after {:?}", start.elapsed());
        assert_eq!(outside.info().handles, Some(2));
        two.expect("set 2", "done");
        two.expect("commit", 2);
        assert_eq!(outside.load().unwrap(), Small::new(2));

        // A third of that number takes the dead one's row.
        let mut three = within(&PIDS, "session");
        three.expect("open o", "open");
        two.expect("write", "2 recovered false");
        three.expect("try-write", "Busy");
        two.expect("drop-writer", "done");
        three.expect("read", 2);
        kill(two);
        for next in 3..20 {
            outside.store(Small::new(next)).unwrap();
        }
        three.expect("look", 2);
        drop(outside);
        three.expect("load", 19);
        kill(three);
        assert_eq!(outcome(Small::open("o")), "NotFound");
        drop(Small::create("o", Small::new(1)).unwrap());
        assert_eq!(alone.files(), [""; 0]);
    });
}

/// Waiting, and being woken, by a number that is somebody else's here.
#[test]
fn a_wait_across_process_namespaces() {
    alone(|_| {
        if !can("a_wait_across_process_namespaces", &PIDS) {
            return;
        }
        let object = Small::create("o", Small::new(0)).unwrap();
        let mut peer = within(&PIDS, "session");
        peer.expect("open o", "open");
        for version in 1..10 {
            peer.expect(format!("wait-forever {version}"), "waiting");
            object.store(Small::new(version)).unwrap();
            assert_eq!(peer.recv(), (version + 1).to_string());
        }
        peer.expect("wait-forever 10", "waiting");
        shmem_core::remove("o").unwrap();
        assert_eq!(peer.recv(), "Removed");
    });
}

/// Root within is root without, or is nobody that has a number, or has another number.
#[test]
fn a_program_in_a_user_namespace() {
    alone(|alone| {
        let test = "a_program_in_a_user_namespace";
        let mapped = ["--user", "--map-current-user"];
        if !tests::is_root(test) || !can(test, &mapped) || !can(test, &["--user"]) {
            return;
        }
        let object = Small::create("o", Small::new(1)).unwrap();
        let mut same = within(&mapped, "session");
        same.expect("open o", "open");
        takes_part(&object, same);

        // Everybody without a number here is one user there: a directory of its own would be everybody's.
        let mut unmapped = within(&["--user"], "environment");
        let refused = "PermissionDenied";
        for command in [
            "create p 1",
            "open o",
            "open-or-create o 1",
            "open-read-only o",
        ] {
            unmapped.expect(command, refused);
        }
        unmapped.expect("remove o", refused);
        unmapped.expect("list", refused);
        unmapped.expect("prune", refused);
        assert_eq!(alone.files(), ["o"]);
        assert_eq!(fs::read_dir(alone.parent()).unwrap().count(), 1);

        // A path leads to the same file for all of them, and the kernel knows whose it is.
        let path = alone.parent().join("file");
        let file = Small::create(path.as_path(), Small::new(1)).unwrap();
        for how in [&["--user"][..], &["--user", "--map-user=1000"]] {
            if !can(test, how) {
                continue;
            }
            let mut peer = within(how, "session-file");
            peer.expect(format!("open {}", path.display()), "open");
            takes_part(&file, peer);
            file.store(Small::new(1)).unwrap();
        }
        // It is made there as here.
        let made = alone.parent().join("made");
        let mut peer = within(&["--user", "--map-user=1000"], "session-file");
        peer.expect(format!("create {} 5", made.display()), "open");
        let here = Small::open(made.as_path()).unwrap();
        assert_eq!(here.load().unwrap(), Small::new(5));
        assert_eq!(here.info().handles, Some(2));
    });
}

/// Locks, liveness and wake-ups are between the two as between any.
fn takes_part(object: &shmem_core::SharedObject<Small>, mut peer: Peer) {
    let (first, before) = (object.load().unwrap(), object.info().handles.unwrap());
    peer.expect("load", first.counter);
    peer.expect("write", format!("{} recovered false", first.counter));
    peer.expect("spoil 99", "done");
    assert_eq!(outcome(object.try_write()), "Busy");
    peer.kill();
    assert_eq!(object.info().handles, Some(before - 1));
    let guard = object.try_write().unwrap();
    assert!(WriteGuard::recovered(&guard));
    assert_eq!(*guard, first);
}

/// A time namespace shifts the monotonic clock, by which publications are stamped.
#[test]
fn a_program_whose_clock_began_at_another_time() {
    alone(|_| {
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let earlier = format!("--monotonic={:.0}", -uptime / 2.0);
        for shift in ["--monotonic=100000000", &earlier, "--monotonic=0"] {
            let unshare = ["--time", shift];
            if !can("a_program_whose_clock_began_at_another_time", &unshare) {
                return;
            }
            its_ages_are_ours(&unshare);
        }
    });
}

fn its_ages_are_ours(unshare: &[&str]) {
    let sane = Duration::from_secs(30);
    let object = Small::create("o", Small::new(1)).unwrap();
    let mut peer = within(unshare, "environment");
    let age = |peer: &mut Peer| {
        let age = peer.ask("age");
        assert!(
            age.parse::<u128>().unwrap() < sane.as_millis(),
            "{unshare:?}: {age} ms"
        );
    };
    peer.expect("open o", "open");
    age(&mut peer);
    peer.expect("store 2", 2);
    assert!(object.age() < sane, "{unshare:?}: {:?}", object.age());
    age(&mut peer);
    object.store(Small::new(3)).unwrap();
    age(&mut peer);
    peer.expect("wait 3 20", "TimedOut");
    assert_eq!(
        outcome(object.write_timeout(Duration::from_millis(20))),
        "Ok"
    );

    // What the other has made.
    peer.expect("create p 1", "open");
    let made = Small::open("p").unwrap();
    assert!(made.age() < sane, "{unshare:?}: {:?}", made.age());
    age(&mut peer);
    peer.kill();
}

/// The clock by which files are stamped can be set back. A file from the future is a young one.
#[test]
fn a_clock_that_was_set_back() {
    alone(|alone: &Alone| {
        let object = Small::create("o", Small::new(1)).unwrap();
        let home = alone.home();
        let day = Duration::from_secs(86_400);
        let future = std::time::SystemTime::now() + day;
        for name in ["o", ".new-0123456789abcdef"] {
            let file = fs::File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(home.join(name))
                .unwrap();
            file.set_modified(future).unwrap();
        }
        assert!(object.age() < day);
        assert_eq!(shmem_core::list().unwrap().len(), 1);
        assert_eq!(shmem_core::prune().unwrap(), 0);
        drop(Small::create("p", Small::new(1)).unwrap());
        object.store(Small::new(2)).unwrap();
        assert!(object.age() < day);
        drop(object);
        assert_eq!(alone.files(), [".new-0123456789abcdef"]);
    });
}
