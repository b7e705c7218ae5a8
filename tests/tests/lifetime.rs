//! How long an object exists, and who finds out that it does not any more.

use std::time::{Duration, Instant, SystemTime};

use shmem_core::{Error, Lifetime, ReadGuard, Shared, Version};
use tests::{Cleanup, Peer, Small, TempDir, once_asleep, unique_name, variant};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

#[track_caller]
fn refused<T>(result: shmem_core::Result<T>) -> String {
    match result {
        Ok(_) => "no error".into(),
        Err(error) => variant(&error),
    }
}

#[test]
fn create_twice() {
    let name = Cleanup::new("twice");
    let first = Small::create(&*name, Small::new(1)).unwrap();
    assert_eq!(
        refused(Small::create(&*name, Small::new(2))),
        "AlreadyExists"
    );
    let mut peer = Peer::spawn(PEER, &["session"]);
    peer.expect(format!("create {} 3", &*name), "AlreadyExists");
    assert_eq!(first.load().unwrap().counter, 1);
    assert!(first.is_current());
    first.update(|value| value.set(4)).unwrap();
    peer.expect(format!("open {}", &*name), "open");
    peer.expect("load", 4);
}

#[test]
fn the_last_one_out_removes_the_name() {
    let name = Cleanup::new("last");
    let first = Small::create(&*name, Small::new(1)).unwrap();
    let mut peer = Peer::spawn(PEER, &["session"]);
    peer.expect(format!("open {}", &*name), "open");
    drop(first);
    peer.expect("load", 1);
    peer.expect("is-current", true);
    let reader = Small::open_read_only(&*name).unwrap();
    peer.expect("close", "closed");

    assert_eq!(refused(Small::open(&*name)), "NotFound");
    assert_eq!(refused(Small::open_read_only(&*name)), "NotFound");
    assert_eq!(refused(shmem_core::remove(&*name)), "NotFound");
    // A reader does not keep it, but keeps its last value.
    assert!(!reader.is_current());
    assert_eq!(reader.load().unwrap().counter, 1);
    peer.expect(format!("create {} 2", &*name), "open");
    assert_eq!(Small::open(&*name).unwrap().load().unwrap().counter, 2);
    assert_eq!(reader.reopen().unwrap().load().unwrap().counter, 2);
}

/// If two could create under one name, or if one could open what the last one out is taking away, a process
/// would lose its object's name while it has it open.
#[test]
fn opening_or_creating_races_against_the_last_close() {
    const ROUNDS: u64 = 10_000;
    let name = Cleanup::new("race");
    let mut peers = ["1", "2"].map(|id| Peer::spawn(PEER, &["lifetime", &name, id]));
    let start = Instant::now();
    for peer in &mut peers {
        peer.send(format!("go {ROUNDS}"));
    }
    let (mut all_created, mut all_joined) = (0, 0);
    for peer in &peers {
        let answer = peer.recv_within(Duration::from_secs(100));
        let words: Vec<_> = answer.split(' ').collect();
        let ["fine", created, joined] = words[..] else {
            panic!("{answer}")
        };
        let (created, joined): (u64, u64) = (created.parse().unwrap(), joined.parse().unwrap());
        assert_eq!(created + joined, ROUNDS);
        all_created += created;
        all_joined += joined;
    }
    let time = start.elapsed();
    println!("{all_created} created, {all_joined} opened what there was, in {time:?}");
    assert!(all_joined > 0 && all_created > 0);
    assert_eq!(refused(Small::open(&*name)), "NotFound");
}

#[test]
fn when_all_were_killed_the_name_is_free() {
    let name = Cleanup::new("killed");
    let mut creator = Peer::spawn(PEER, &["session"]);
    let mut opener = Peer::spawn(PEER, &["session"]);
    for round in 1..20 {
        creator.expect(format!("create {} {round}", &*name), "open");
        opener.expect(format!("open {}", &*name), "open");
        opener.expect("write", format!("{round} recovered false"));
        opener.expect("spoil 77", "done");
        creator.kill();
        opener.kill();
        // At once: what is dead is dead before the kill is reported.
        if round % 2 == 0 {
            assert_eq!(refused(Small::open(&*name)), "NotFound");
            assert_eq!(refused(Small::open_read_only(&*name)), "NotFound");
        }
        if round % 3 == 0 {
            let object = Small::open_or_create(&*name, Small::new(100)).unwrap();
            assert_eq!(object.load().unwrap(), Small::new(100));
            assert_eq!(object.version(), Version(1));
        } else {
            let object = Small::create(&*name, Small::new(200)).unwrap();
            assert_eq!(object.load().unwrap(), Small::new(200));
        }
        creator = Peer::spawn(PEER, &["session"]);
        opener = Peer::spawn(PEER, &["session"]);
    }
}

#[test]
fn what_is_kept_outlives_everybody() {
    let name = Cleanup::new("kept");
    let mut peer = Peer::spawn(PEER, &["session"]);
    peer.expect(format!("create-kept {} 1", &*name), "open");
    peer.expect("store 2", 2);
    peer.expect("write", "2 recovered false");
    peer.expect("spoil 3", "done");
    peer.kill();

    assert_eq!(
        refused(Small::create(&*name, Small::new(9))),
        "AlreadyExists"
    );
    let reader = Small::open_read_only(&*name).unwrap();
    assert_eq!(reader.load().unwrap(), Small::new(2));
    let object = Small::open_or_create(&*name, Small::new(9)).unwrap();
    assert_eq!(object.load().unwrap(), Small::new(2));
    assert_eq!(object.version(), Version(2));
    let guard = object.write().unwrap();
    assert!(shmem_core::WriteGuard::recovered(&guard));
    assert_eq!(*guard, Small::new(2));
    drop(guard);
    object.store(Small::new(4)).unwrap();
    drop(object);

    // Closed in peace, too.
    let object = Small::open(&*name).unwrap();
    assert_eq!(object.load().unwrap(), Small::new(4));
    assert_eq!(object.info().lifetime, Lifetime::Keep);
    shmem_core::remove(&*name).unwrap();
    assert_eq!(refused(Small::open(&*name)), "NotFound");
}

#[test]
fn a_file_is_kept_and_a_file_while_open_is_not() {
    let dir = TempDir::new("file");
    let path = dir.path().join("settings.shm");
    let object = Small::create(&path, Small::new(1)).unwrap();
    object.store(Small::new(2)).unwrap();
    object.flush().unwrap();
    drop(object);
    let object = Small::open(&path).unwrap();
    assert_eq!(
        (object.load().unwrap(), object.version()),
        (Small::new(2), Version(2))
    );
    assert_eq!(object.info().lifetime, Lifetime::Keep);
    shmem_core::remove(&path).unwrap();
    assert!(!path.exists());
    drop(object);

    let options = Small::options().lifetime(Lifetime::WhileOpen);
    let object = options.create(&path, Small::new(3)).unwrap();
    assert!(path.exists());
    drop(object);
    assert!(!path.exists());
}

#[test]
fn a_consumer_may_start_first() {
    let name = Cleanup::new("first");
    let mut consumer = Peer::spawn(PEER, &["session"]);
    consumer.expect(format!("wait-for {}", &*name), "waiting");
    let object = Small::create(&*name, Small::new(5)).unwrap();
    assert_eq!(consumer.recv(), "open");
    consumer.expect("load", 5);
    drop(object);
    consumer.expect("load", 5);

    // A reader only, in this process.
    let late = Cleanup::new("late");
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let options = Small::options().wait_for(tests::DEADLINE);
            options.open_read_only(&*late).unwrap().load().unwrap()
        });
        let object = Small::create(&*late, Small::new(6)).unwrap();
        assert_eq!(reader.join().unwrap(), Small::new(6));
        drop(object);
    });
}

#[test]
fn waiting_for_an_object_has_an_end() {
    let patience = Duration::from_millis(80);
    let start = Instant::now();
    let options = Small::options().wait_for(patience);
    assert_eq!(refused(options.open(unique_name("never"))), "NotFound");
    assert!(start.elapsed() >= patience);
    assert!(start.elapsed() < tests::DEADLINE);
}

#[test]
fn a_removed_object_wakes_its_waiters() {
    let name = Cleanup::new("removed");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut peer = Peer::spawn(PEER, &["session"]);
    peer.expect(format!("open {}", &*name), "open");
    peer.expect("wait-forever 1", "waiting");
    peer.sleeps_in_futex();
    shmem_core::remove(&*name).unwrap();
    assert_eq!(peer.recv(), "Removed");
    peer.expect("is-current", false);
    peer.expect("load", 1);
    peer.expect("reopen", "NotFound");
    assert!(!object.is_current());
}

#[test]
fn readers_only_are_woken_too_when_it_is_removed() {
    let name = Cleanup::new("removed-reader");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let reader = Small::open_read_only(&*name).unwrap();
    let wait = || refused(reader.wait_forever(Version(1)));
    // The last one out.
    assert_eq!(once_asleep(wait, || drop(object)), "Removed");
    assert!(!reader.is_current());
    assert_eq!(reader.load().unwrap(), Small::new(1));
}

#[test]
fn a_publisher_restarts() {
    let name = Cleanup::new("restart");
    let mut publisher = Peer::spawn(PEER, &["session"]);
    publisher.expect(format!("create-kept {} 1", &*name), "open");
    let mut consumer = Peer::spawn(PEER, &["session"]);
    consumer.expect(format!("open {}", &*name), "open");
    consumer.expect("wait-forever 1", "waiting");
    publisher.kill();

    shmem_core::remove(&*name).unwrap();
    assert_eq!(consumer.recv(), "Removed");
    let again = Small::create(&*name, Small::new(10)).unwrap();
    consumer.expect("is-current", false);
    consumer.expect("load", 1);
    consumer.expect("reopen", 10);
    again.store(Small::new(11)).unwrap();
    consumer.expect("reopen", 11);
    assert!(again.is_current());
}

/// Nobody says `Removed` for a file that is moved over another, or that is swept away: those who wait notice
/// it at the end of a slice.
#[test]
fn a_file_that_is_replaced_by_hand() {
    let dir = TempDir::new("replaced");
    let [path, other] = ["one", "other"].map(|name| dir.path().join(name));
    let object = Small::create(&path, Small::new(1)).unwrap();
    let moved = Small::create(&other, Small::new(2)).unwrap();
    let wait = || refused(object.wait_forever(Version(1)));
    let replace = || std::fs::rename(&other, &path).unwrap();
    assert_eq!(once_asleep(wait, replace), "Removed");
    assert!(!object.is_current());
    let reopened = object.reopen().unwrap();
    assert_eq!(reopened.load().unwrap(), Small::new(2));
    moved.store(Small::new(3)).unwrap();
    assert_eq!(reopened.load().unwrap(), Small::new(3));
    std::fs::remove_file(&path).unwrap();
    let seconds = Duration::from_secs(10);
    assert_eq!(refused(reopened.wait(Version(2), seconds)), "Removed");
}

#[test]
fn after_removal_reads_go_on_and_writes_do_not() {
    let name = Cleanup::new("gone");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let reader = Small::open_read_only(&*name).unwrap();
    let guard = object.read().unwrap();
    shmem_core::remove(&*name).unwrap();

    assert_eq!((guard.counter, ReadGuard::version(&guard)), (1, Version(1)));
    assert_eq!(*object.read().unwrap(), Small::new(1));
    assert_eq!(object.load().unwrap(), Small::new(1));
    assert_eq!(*object.load_boxed().unwrap(), Small::new(1));
    assert_eq!(reader.load().unwrap(), Small::new(1));
    assert_eq!(object.version(), Version(1));
    assert!(object.info().removed);
    assert!(reader.info().removed);

    let soon = Duration::from_millis(10);
    let changed = |value: &mut Small| value.set(2);
    assert_eq!(refused(object.write()), "Removed");
    assert_eq!(refused(object.try_write()), "Removed");
    assert_eq!(refused(object.write_timeout(soon)), "Removed");
    assert_eq!(refused(object.store(Small::new(2))), "Removed");
    assert_eq!(refused(object.update(changed)), "Removed");
    let tried = object.try_update(|value| {
        changed(value);
        Ok::<_, ()>(())
    });
    assert_eq!(refused(tried), "Removed");
    assert_eq!(refused(object.wait(Version(1), soon)), "Removed");
    assert_eq!(refused(object.wait(Version(0), soon)), "Removed");
    assert_eq!(refused(object.wait_forever(Version(1))), "Removed");
    assert_eq!(refused(reader.wait(Version(1), soon)), "Removed");
    assert_eq!(refused(object.reopen()), "NotFound");
    assert_eq!(refused(reader.reopen()), "NotFound");
    assert_eq!(object.load().unwrap(), Small::new(1));
}

/// Who holds a write guard while the object is removed publishes to those who still have it open.
#[test]
fn removed_under_a_write_guard() {
    let name = Cleanup::new("under");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut guard = object.write().unwrap();
    guard.set(2);
    shmem_core::remove(&*name).unwrap();
    let next = Small::create(&*name, Small::new(7)).unwrap();
    drop(guard);
    assert_eq!(object.load().unwrap(), Small::new(2));
    assert!(!object.is_current());
    assert_eq!(next.load().unwrap(), Small::new(7));
    drop(object);
    assert!(next.is_current(), "the old one's last close took the name");
    assert_eq!(Small::open(&*name).unwrap().load().unwrap(), Small::new(7));
}

#[test]
fn what_an_object_says_of_itself() {
    let name = Cleanup::new("info");
    let before = SystemTime::now();
    let options = Small::options().max_handles(5).buffers(3).mode(0o640);
    let object = options.create(&*name, Small::new(1)).unwrap();
    let mut peer = Peer::spawn(PEER, &["session"]);
    peer.expect(format!("open {}", &*name), "open");
    peer.expect("store 2", 2);

    let info = object.info();
    assert_eq!(info.location.name(), Some(&*name));
    assert_eq!(info.type_name, "Checked");
    assert_eq!(info.fingerprint, Small::FINGERPRINT);
    assert_eq!(info.size, 64);
    assert!(info.file_size >= 3 * 64);
    assert_eq!(info.version, Version(2));
    assert!(!info.removed);
    assert_eq!(info.lifetime, Lifetime::WhileOpen);
    assert_eq!((info.buffers, info.max_handles), (3, 5));
    assert_eq!(info.handles, Some(2));
    assert_eq!(info.publisher_alive, Some(true));
    assert!(info.age < Duration::from_secs(20), "{:?}", info.age);
    assert!(info.created + Duration::from_secs(1) > before);
    assert!(info.created <= SystemTime::now());
    assert_eq!(info.owner, rustix::process::getuid().as_raw());
    assert_eq!(info.mode, 0o640);

    // An opener's options do not count.
    let other = Small::options().max_handles(9).open(&*name).unwrap();
    assert_eq!(other.info().max_handles, 5);
    assert_eq!(other.info().handles, Some(3));
    drop(other);

    peer.kill();
    let info = object.info();
    assert_eq!(
        (info.handles, info.publisher_alive),
        (Some(1), Some(false)),
        "the publisher is dead"
    );
    assert_eq!(object.load().unwrap(), Small::new(2));
    object.store(Small::new(3)).unwrap();
    assert_eq!(object.info().publisher_alive, Some(true));

    let reader = Small::open_read_only(&*name).unwrap().info();
    assert_eq!(reader.version, Version(3));
    assert_eq!((reader.buffers, reader.mode), (3, 0o640));
}

#[test]
fn a_row_taken_anew_is_not_the_dead_publisher() {
    let name = Cleanup::new("publisher");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut peer = Peer::spawn(PEER, &["session"]);
    peer.expect(format!("open {}", &*name), "open");
    peer.expect("store 2", 2);
    peer.kill();
    let mut next = Peer::spawn(PEER, &["session"]);
    next.expect(format!("open {}", &*name), "open");
    let info = object.info();
    assert_eq!((info.handles, info.publisher_alive), (Some(2), Some(false)));
}

#[test]
fn the_age_grows_until_the_next_publication() {
    let name = Cleanup::new("age");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let reader = Small::open_read_only(&*name).unwrap();
    let start = Instant::now();
    let long = Duration::from_millis(60);
    tests::eventually("the age grows", || object.age() >= long);
    assert!(start.elapsed() >= long - Duration::from_millis(20));
    assert!(reader.age() >= long);
    let before = Instant::now();
    object.store(Small::new(2)).unwrap();
    let age = object.age();
    // The coarse clock ticks every 1 to 10 ms.
    assert!(
        age <= before.elapsed() + Duration::from_millis(20),
        "{age:?}"
    );
}

#[test]
fn messages_name_the_object_and_what_to_do() {
    let name = Cleanup::new("message");
    let error = Small::open(&*name).unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }));
    let text = error.to_string();
    assert!(text.contains(&*name) && text.contains("wait_for"), "{text}");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let text = Small::create(&*name, Small::new(1))
        .unwrap_err()
        .to_string();
    assert!(text.contains(&*name) && text.contains("exists"), "{text}");
    shmem_core::remove(&*name).unwrap();
    let text = object.write().unwrap_err().to_string();
    assert!(text.contains(&*name) && text.contains("reopen"), "{text}");
}
