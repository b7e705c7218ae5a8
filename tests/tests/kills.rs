//! Processes killed or stopped at the worst moment: nobody hangs, nobody sees half a value.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use shmem_core::{Error, ReadGuard, Shared, SharedObject, Version, WriteGuard};
use tests::{Cleanup, Medium, Peer, Random, Small, TempDir, variant};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

fn refused<T>(result: shmem_core::Result<T>) -> String {
    match result {
        Ok(_) => "no error".into(),
        Err(error) => variant(&error),
    }
}

/// A second process that has the object open.
fn session(name: &str) -> Peer {
    let mut peer = Peer::spawn(PEER, &["session"]);
    peer.expect(format!("open {name}"), "open");
    peer
}

/// Whether the next writer finds that the one before it died in the middle. It publishes `next`.
fn next_writer_recovers(object: &SharedObject<Small>, next: u64) -> bool {
    let mut guard = object.write().unwrap();
    let recovered = WriteGuard::recovered(&guard);
    assert!(guard.is_whole());
    assert_eq!(guard.counter, next - 1, "the last published value");
    guard.set(next);
    WriteGuard::commit(guard);
    recovered
}

#[test]
fn a_writer_killed_in_the_middle() {
    let name = Cleanup::new("middle");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let reader = Small::open_read_only(&*name).unwrap();
    let before = object.read().unwrap();
    let mut victim = session(&name);
    victim.expect("write", "1 recovered false");
    victim.expect("spoil 99", "done");
    assert_eq!(object.load().unwrap(), Small::new(1));
    victim.kill();

    assert_eq!(*before, Small::new(1));
    assert_eq!(*object.read().unwrap(), Small::new(1));
    assert_eq!(object.load().unwrap(), Small::new(1));
    assert_eq!(reader.load().unwrap(), Small::new(1));
    assert_eq!(object.version(), Version(1));

    assert!(next_writer_recovers(&object, 2), "the first time");
    assert!(!next_writer_recovers(&object, 3), "and once only");
    assert_eq!(object.load().unwrap(), Small::new(3));
}

#[test]
fn the_dead_writers_lock_is_taken_over_at_once_by_all_who_try() {
    let name = Cleanup::new("take-over");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    for round in 0..10 {
        let mut victim = session(&name);
        victim.expect("write", format!("{} recovered false", 1 + 2 * round));
        victim.expect("spoil 99", "done");
        // One sleeps on the lock while its owner is killed.
        let mut sleeper = session(&name);
        sleeper.send("write");
        sleeper.sleeps_in_futex();
        victim.kill();
        let start = Instant::now();
        assert_eq!(sleeper.recv(), format!("{} recovered true", 1 + 2 * round));
        println!("taken over after {:?}", start.elapsed());
        sleeper.expect(format!("set {}", 2 + 2 * round), "done");
        sleeper.expect("drop-writer", "done");
        assert!(!next_writer_recovers(&object, 3 + 2 * round));
    }
    // Without any waiting: try_write takes over, too.
    let mut victim = session(&name);
    victim.expect("write", "21 recovered false");
    victim.kill();
    drop(object.try_write().unwrap());
}

#[test]
fn a_writer_killed_without_a_change() {
    let name = Cleanup::new("untouched");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut victim = session(&name);
    victim.expect("write", "1 recovered false");
    victim.kill();
    assert!(!next_writer_recovers(&object, 2), "nothing was begun");

    // After a guard that was discarded, too, and after one that was published.
    let mut victim = session(&name);
    victim.expect("write", "2 recovered false");
    victim.expect("spoil 9", "done");
    victim.expect("discard", "done");
    victim.expect("write", "2 recovered false");
    victim.kill();
    assert!(!next_writer_recovers(&object, 3), "it was discarded");

    let mut victim = session(&name);
    victim.expect("write", "3 recovered false");
    victim.expect("set 4", "done");
    victim.expect("commit", 4);
    victim.expect("write", "4 recovered false");
    victim.kill();
    assert!(!next_writer_recovers(&object, 5), "it was published");
}

/// Words 16 to 19 of the header say where the parts lie.
fn header_word(file: &std::fs::File, word: u64) -> u64 {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, word * 8).unwrap();
    u64::from_ne_bytes(bytes)
}

/// Killed after its version was published and before it gave the lock back: a few instructions that no kill
/// from outside can be relied on to hit, so the words are set as they are then.
#[test]
fn a_writer_killed_after_publishing() {
    const LOCK: u64 = 128;
    const WRITING: u64 = 136;
    let dir = TempDir::new("published");
    let path = dir.path().join("object");
    let object = Small::create(&path, Small::new(1)).unwrap();
    let file = OpenOptions::new().read(true).write(true).open(&path);
    let file = file.unwrap();
    let control = header_word(&file, 17);
    let mut victim = Peer::spawn(PEER, &["session-file"]);
    victim.expect(format!("open {}", path.display()), "open");
    victim.expect("write", "1 recovered false");
    let mut token = [0; 8];
    file.read_exact_at(&mut token, control + LOCK).unwrap();
    assert_ne!(token, [0; 8]);
    victim.expect("set 2", "done");
    victim.expect("commit", 2);
    victim.kill();

    let published = 2_u64.to_ne_bytes();
    file.write_all_at(&published, control + WRITING).unwrap();
    file.write_all_at(&token, control + LOCK).unwrap();
    assert!(!next_writer_recovers(&object, 3), "it had published");

    // The same words before publishing: the proof that they are the right ones.
    let unpublished = 4_u64.to_ne_bytes();
    file.write_all_at(&unpublished, control + WRITING).unwrap();
    file.write_all_at(&token, control + LOCK).unwrap();
    assert!(next_writer_recovers(&object, 4));
}

#[test]
fn killed_readers_give_their_buffers_back() {
    let name = Cleanup::new("readers");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    assert_eq!(object.info().buffers, 4);
    let mut readers = Vec::new();
    for version in 1..=3 {
        let mut reader = session(&name);
        reader.expect("read", version);
        readers.push(reader);
        object.store(Small::new(version + 1)).unwrap();
    }
    // Versions 1, 2 and 3 are pinned, 4 is current.
    let error = object.try_write().unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    for reader in &readers {
        let process = format!("(process {})", reader.id());
        assert!(error.to_string().contains(&process), "{error}");
    }
    for (version, reader) in (1..).zip(&mut readers) {
        reader.expect("look", version);
    }
    // One is enough to go on; with all dead, all buffers are back.
    for reader in readers {
        reader.kill();
        for _ in 0..10 {
            let next = object.load().unwrap().counter + 1;
            assert!(!next_writer_recovers(&object, next));
        }
    }
    let held: Vec<_> = (0..3)
        .map(|_| {
            let guard = object.read().unwrap();
            object.update(|value| value.set(value.counter + 1)).unwrap();
            guard
        })
        .collect();
    assert_eq!(refused(object.try_write()), "Busy", "all four are in use");
    assert!(held.iter().all(|guard| guard.is_whole()));
    drop(held);
    object.store(Small::new(0)).unwrap();
}

#[test]
fn a_stopped_writer_is_waited_for() {
    let name = Cleanup::new("stopped");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut writer = session(&name);
    writer.expect("write", "1 recovered false");
    writer.expect("set 2", "done");
    writer.stop();

    let patience = Duration::from_millis(100);
    let start = Instant::now();
    let error = object.write_timeout(patience).unwrap_err();
    assert!(start.elapsed() >= patience);
    let Error::TimedOut { waited, holder, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*waited, patience);
    let process = format!("handle 1 (process {})", writer.id());
    assert!(holder.contains(&process), "{holder}");
    let error = object.try_write().unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(error.to_string().contains(&process), "{error}");
    assert_eq!(object.load().unwrap(), Small::new(1), "reads go on");

    writer.resume();
    writer.expect("commit", 2);
    assert!(!next_writer_recovers(&object, 3));
    writer.expect("load", 3);
    writer.expect("add 1", "done");
    assert_eq!(object.load().unwrap(), Small::new(4));
}

#[test]
fn stopped_readers_hold_every_buffer() {
    let name = Cleanup::new("pinned");
    let options = Small::options().buffers(3);
    let object = options.create(&*name, Small::new(1)).unwrap();
    let mut readers = [session(&name), session(&name)];
    for (version, reader) in (1..).zip(&mut readers) {
        reader.expect("read", version);
        object.store(Small::new(version + 1)).unwrap();
        reader.stop();
    }
    let names_both = |error: &Error| {
        let text = error.to_string();
        for (row, reader) in (1..).zip(&readers) {
            let who = format!("handle {row} (process {})", reader.id());
            assert!(text.contains(&who), "{text}");
        }
    };
    let start = Instant::now();
    let error = object.write().unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(900));
    names_both(&error);
    let patience = Duration::from_millis(50);
    let error = object.write_timeout(patience).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    names_both(&error);
    assert_eq!(refused(object.try_write()), "Busy");
    assert_eq!(refused(object.store(Small::new(9))), "Busy");

    // Who reads does not notice, nor does the lock stay held.
    assert_eq!(object.load().unwrap(), Small::new(3));
    assert_eq!(*object.read().unwrap(), Small::new(3));
    let mut other = session(&name);
    other.expect("read", 3);
    other.expect("try-write", "Busy");
    for (version, reader) in (1..).zip(&mut readers) {
        reader.resume();
        reader.expect("look", version);
    }
    readers[0].expect("drop-readers", "done");
    assert!(!next_writer_recovers(&object, 4));
}

/// A process that is stopped while it holds nothing is in nobody's way.
#[test]
fn a_stopped_process_without_guards() {
    let name = Cleanup::new("idle");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut idle = session(&name);
    idle.stop();
    for next in 2..100 {
        assert!(!next_writer_recovers(&object, next));
    }
    drop(session(&name));
    idle.resume();
    idle.expect("load", 99);
}

/// Two writers, three readers and one on a read-only mapping, one of them killed every few milliseconds.
///
/// What can be proven: each number is published once, by one writer; the counter is the version less one; a
/// writer says each number after publishing it, so at most one for each killed writer is not said.
#[test]
fn kills_at_random() {
    let name = Cleanup::new("soak");
    let object = Medium::create(&*name, Medium::new(0)).unwrap();
    let roles = ["write", "write", "read", "read", "read", "watch"];
    let spawn = |role| Peer::spawn(PEER, &["kills", role, &*name]);
    let mut peers = roles.map(spawn);
    let mut random = Random::new();
    println!("seed {}", random.seed());
    let (mut kills, mut writers_killed, mut recovered) = (0_u64, 0_u64, 0_u64);
    let mut said = Vec::new();
    let mut gather = |role: &str, lines: Vec<String>| {
        for line in lines {
            let published = line.split_once(' ').filter(|_| role == "write");
            let number = published.and_then(|(number, flag)| {
                recovered += u64::from(flag == "true");
                flag.parse::<bool>().ok()?;
                number.parse::<u64>().ok()
            });
            said.push(number.unwrap_or_else(|| panic!("{role}: {line}")));
        }
    };
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_micros(random.below(6_000).into()));
        let victim = random.below(6) as usize;
        let next = spawn(roles[victim]);
        let mut old = std::mem::replace(&mut peers[victim], next);
        old.kill_now();
        gather(roles[victim], old.rest());
        kills += 1;
        writers_killed += u64::from(roles[victim] == "write");
        let value = object.load_boxed().unwrap();
        assert!(value.is_whole());
    }
    for (role, mut peer) in roles.iter().zip(peers) {
        peer.kill_now();
        gather(role, peer.rest());
        writers_killed += u64::from(*role == "write");
        kills += 1;
    }
    let last = object.write().unwrap();
    recovered += u64::from(WriteGuard::recovered(&last));
    assert!(last.is_whole());
    let total = last.counter;
    WriteGuard::discard(last);
    assert_eq!(object.version(), Version(total + 1));

    let count = said.len() as u64;
    said.sort_unstable();
    let doubled = said.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(doubled, None, "published twice: one was lost");
    assert!(said.last().is_none_or(|last| *last <= total));
    let unsaid = total - count;
    println!(
        "{kills} kills, {writers_killed} of writers, {recovered} with a change not published, \
         {total} versions, {unsaid} published but not said"
    );
    assert!(unsaid <= writers_killed, "{unsaid} of {writers_killed}");
    assert!(recovered <= writers_killed);
    assert!(kills > 50, "{kills}");
    assert_eq!(object.info().handles, Some(1));
}

#[test]
fn rows_of_the_dead_are_used_again() {
    const ROUNDS: u64 = 1_000;
    let name = Cleanup::new("rows");
    let options = Small::options().max_handles(3);
    let object = options.create(&*name, Small::new(0)).unwrap();
    for round in 0..ROUNDS {
        let with = ["reader", "writer", "change"][(round % 3) as usize];
        let victim = Peer::spawn(PEER, &["kills", "join", &name, with]);
        victim.kill();
        let mut guard = object.write().unwrap();
        assert_eq!(WriteGuard::recovered(&guard), with == "change");
        assert!(guard.is_whole());
        assert_eq!(guard.counter, round);
        guard.set(round + 1);
    }
    assert_eq!(object.info().handles, Some(1));
    assert_eq!(object.version(), Version(ROUNDS + 1));
}

#[test]
fn no_more_handles_than_allowed() {
    let name = Cleanup::new("limit");
    let options = Small::options().max_handles(3);
    let object = options.create(&*name, Small::new(1)).unwrap();
    let victim = session(&name);
    let mut closer = session(&name);
    let error = Small::open(&*name).unwrap_err();
    assert!(
        matches!(error, Error::TooManyHandles { limit: 3, .. }),
        "{error}"
    );
    let mut late = Peer::spawn(PEER, &["session"]);
    late.expect(format!("open {}", &*name), "TooManyHandles");
    late.expect(format!("open-or-create {} 5", &*name), "TooManyHandles");
    assert_eq!(refused(object.reopen()), "TooManyHandles");
    // Readers do not count.
    let reader = Small::open_read_only(&*name).unwrap();
    assert_eq!(reader.load().unwrap(), Small::new(1));

    victim.kill();
    late.expect(format!("open {}", &*name), "open");
    assert_eq!(refused(Small::open(&*name)), "TooManyHandles");
    closer.expect("close", "closed");
    let third = Small::open(&*name).unwrap();
    assert_eq!(refused(Small::open(&*name)), "TooManyHandles");
    drop(third);
    late.expect("load", 1);
    assert_eq!(object.info().handles, Some(2));
}

/// The version that a guard sees outlives the writer that made it.
#[test]
fn a_guard_outlives_the_publisher() {
    let name = Cleanup::new("outlives");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut publisher = session(&name);
    publisher.expect("store 2", 2);
    let guard = object.read().unwrap();
    publisher.kill();
    for next in 3..20 {
        assert!(!next_writer_recovers(&object, next));
    }
    assert_eq!(
        (*guard, ReadGuard::version(&guard)),
        (Small::new(2), Version(2))
    );
}

/// While the kernel writes a core dump, the dead process still has its descriptors, and looks alive. So no value is
/// dumped: a large one would take seconds.
#[test]
fn a_core_dump_leaves_the_values_out() {
    let name = Cleanup::new("dump");
    // Its creator maps a file that has no name yet, which cannot be told from others here.
    let _object = Medium::create(&*name, Medium::new(1)).unwrap();
    let _second = Medium::open(&*name).unwrap();
    let _reader = Medium::open_read_only(&*name).unwrap();
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut flags = Vec::new();
    let mut ours = false;
    for line in maps.lines() {
        match line.strip_prefix("VmFlags:") {
            // Without any permission is the page that keeps the locks.
            None if line.contains(" rw-s ") || line.contains(" r--s ") => {
                ours = line.ends_with(&*name);
            }
            Some(set) if std::mem::take(&mut ours) => flags.push(set.to_owned()),
            _ => {}
        }
    }
    assert_eq!(flags.len(), 2, "the second handle's and the reader's");
    for set in &flags {
        assert!(set.split(' ').any(|flag| flag == "dd"), "{set}");
    }
}
