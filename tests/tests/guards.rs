//! What a guard publishes, what it does not, and whom it keeps waiting.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{Error, ReadGuard, Shared, SharedObject, Version, WriteGuard};
use tests::{Cleanup, Peer, Small, variant};

const PEER: &str = env!("CARGO_BIN_EXE_peer");
const SOON: Duration = Duration::from_millis(20);

fn refused<T>(result: shmem_core::Result<T>) -> String {
    match result {
        Ok(_) => "no error".into(),
        Err(error) => variant(&error),
    }
}

fn create(name: &str) -> SharedObject<Small> {
    Small::create(name, Small::new(1)).unwrap()
}

/// The value and its version.
fn now(object: &SharedObject<Small>) -> (u64, u64) {
    let guard = object.read().unwrap();
    assert!(guard.is_whole());
    assert_eq!(*guard, object.load().unwrap());
    assert_eq!(ReadGuard::version(&guard), object.version());
    (guard.counter, object.version().0)
}

/// A panic that says nothing.
fn panic_quietly() -> ! {
    std::panic::resume_unwind(Box::new("expected"))
}

#[test]
fn a_second_write_on_one_thread() {
    let name = Cleanup::new("twice");
    let object = create(&name);
    let other = Small::open(&*name).unwrap();
    let guard = object.write().unwrap();
    for handle in [&object, &other] {
        let start = Instant::now();
        assert_eq!(refused(handle.write()), "WouldDeadlock");
        assert_eq!(refused(handle.try_write()), "WouldDeadlock");
        assert_eq!(
            refused(handle.write_timeout(Duration::from_secs(60))),
            "WouldDeadlock"
        );
        assert_eq!(refused(handle.store(Small::new(2))), "WouldDeadlock");
        assert_eq!(refused(handle.update(|_| ())), "WouldDeadlock");
        assert!(start.elapsed() < Duration::from_secs(30));
    }
    // Another thread of the process only has to wait.
    thread::scope(|scope| {
        for handle in [&object, &other] {
            let refusals = scope.spawn(|| {
                let at_once = refused(handle.try_write());
                (at_once, refused(handle.write_timeout(SOON)))
            });
            let refusals = refusals.join().unwrap();
            assert_eq!(refusals, ("Busy".into(), "TimedOut".into()));
        }
        let waits = scope.spawn(|| other.update(|value| value.set(value.counter + 10)));
        drop(guard);
        waits.join().unwrap().unwrap();
    });
    other.update(|value| value.set(value.counter + 1)).unwrap();
    object.update(|value| value.set(value.counter + 1)).unwrap();
    assert_eq!(now(&object), (13, 4));
}

#[test]
fn two_objects_are_two_locks() {
    let [name, other_name] = ["one", "other"].map(Cleanup::new);
    let [object, other] = [&name, &other_name].map(|name| create(name));
    let guard = object.write().unwrap();
    other.update(|value| value.set(2)).unwrap();
    drop(guard);
    assert_eq!(now(&object), (1, 1));
    assert_eq!(now(&other), (2, 2));
}

#[test]
fn an_untouched_guard_publishes_nothing() {
    let name = Cleanup::new("untouched");
    let object = create(&name);
    let guard = object.write().unwrap();
    assert_eq!(guard.counter, 1, "to look is not to touch");
    drop(guard);
    assert_eq!(now(&object), (1, 1));
    // To touch is enough, whether it changes anything or not.
    let mut guard = object.write().unwrap();
    let _: &mut Small = &mut guard;
    drop(guard);
    assert_eq!(now(&object), (1, 2));
}

#[test]
fn commit_and_discard() {
    let name = Cleanup::new("commit");
    let object = create(&name);
    let mut guard = object.write().unwrap();
    assert!(!WriteGuard::recovered(&guard));
    guard.set(2);
    assert_eq!(guard.counter, 2, "the writer sees its own change");
    assert_eq!(now(&object), (1, 1), "nobody else does");
    assert_eq!(WriteGuard::commit(guard), Version(2));
    assert_eq!(now(&object), (2, 2));

    let mut guard = object.write().unwrap();
    guard.set(3);
    WriteGuard::discard(guard);
    assert_eq!(now(&object), (2, 2));
    WriteGuard::discard(object.write().unwrap());
    assert_eq!(now(&object), (2, 2));
    // What was discarded is not recovered, and is not found in a buffer that is used again.
    for next in 3..10 {
        let mut guard = object.write().unwrap();
        assert!(!WriteGuard::recovered(&guard));
        assert_eq!(*guard, Small::new(next - 1));
        guard.set(next);
    }
    assert_eq!(now(&object), (9, 9));
    // Untouched, but said to be published.
    assert_eq!(WriteGuard::commit(object.write().unwrap()), Version(10));
    assert_eq!(now(&object), (9, 10));
}

#[test]
fn store_and_update() {
    let name = Cleanup::new("store");
    let object = create(&name);
    assert_eq!(object.store(Small::new(5)).unwrap(), Version(2));
    let before = object.update(|value| {
        let before = value.counter;
        value.set(6);
        before
    });
    assert_eq!(before.unwrap(), 5);
    assert_eq!(now(&object), (6, 3));
    // `update` publishes whatever it did.
    object.update(|_| ()).unwrap();
    assert_eq!(now(&object), (6, 4));
}

#[test]
fn try_update_publishes_on_ok_alone() {
    let name = Cleanup::new("try-update");
    let object = create(&name);
    let failed = object.try_update(|value| {
        value.set(2);
        Err::<(), _>("no")
    });
    assert_eq!(failed.unwrap(), Err("no"));
    assert_eq!(now(&object), (1, 1));
    let done = object.try_update(|value| {
        value.set(2);
        Ok::<_, &str>("yes")
    });
    assert_eq!(done.unwrap(), Ok("yes"));
    assert_eq!(now(&object), (2, 2));
    assert!(!WriteGuard::recovered(&object.write().unwrap()));
}

#[test]
fn a_panic_publishes_nothing() {
    let name = Cleanup::new("panic");
    let object = create(&name);
    let in_update = catch_unwind(AssertUnwindSafe(|| {
        object.update(|value| {
            value.spoil(99);
            panic_quietly()
        })
    }));
    assert!(in_update.is_err());
    assert_eq!(now(&object), (1, 1));

    let in_try_update = catch_unwind(AssertUnwindSafe(|| {
        object.try_update(|value| {
            value.spoil(99);
            if value.counter == 1 {
                panic_quietly();
            }
            Ok::<_, ()>(())
        })
    }));
    assert!(in_try_update.is_err());
    assert_eq!(now(&object), (1, 1));

    let under_guard = catch_unwind(AssertUnwindSafe(|| {
        let mut guard = object.write().unwrap();
        guard.spoil(99);
        panic_quietly()
    }));
    assert!(under_guard.is_err());
    assert_eq!(now(&object), (1, 1));

    // In another thread, with an ordinary panic.
    let thread = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let _guard = object.read().unwrap();
            let mut guard = object.write().unwrap();
            guard.spoil(99);
            std::panic::set_hook(Box::new(|_| {}));
            panic_any("expected")
        });
        let result = writer.join();
        drop(std::panic::take_hook());
        result
    });
    assert!(thread.is_err());

    // The lock is free, and a panic is not a death.
    let mut guard = object.try_write().unwrap();
    assert!(!WriteGuard::recovered(&guard));
    assert_eq!(*guard, Small::new(1));
    guard.set(2);
    drop(guard);
    assert_eq!(now(&object), (2, 2));
}

/// Code that runs while a panic unwinds, such as a destructor that counts failures, publishes as ever.
#[test]
fn a_guard_taken_while_unwinding_publishes() {
    struct CountsFailures<'a>(&'a SharedObject<Small>);
    impl Drop for CountsFailures<'_> {
        fn drop(&mut self) {
            let mut guard = self.0.write().unwrap();
            let next = guard.counter + 1;
            guard.set(next);
        }
    }
    let name = Cleanup::new("unwinding");
    let object = create(&name);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _count = CountsFailures(&object);
        panic_quietly()
    }));
    assert!(result.is_err());
    assert_eq!(now(&object), (2, 2));
}

/// Documented, and why `try_update` exists: a guard cannot tell a return from a return with an error.
#[test]
fn an_early_return_publishes_what_was_changed_so_far() {
    fn transfer(
        object: &SharedObject<Small>,
        amount: &str,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut guard = object.write()?;
        guard.writer = 77;
        let amount: u64 = amount.parse()?;
        guard.set(amount);
        Ok(())
    }
    let name = Cleanup::new("early");
    let object = create(&name);
    assert!(transfer(&object, "much").is_err());
    assert_eq!(object.version(), Version(2));
    let half = object.load().unwrap();
    assert_eq!((half.writer, half.counter), (77, 1));
}

#[test]
fn a_read_guard_stays_at_its_version() {
    let name = Cleanup::new("stays");
    let object = create(&name);
    let mut peer = Peer::spawn(PEER, &["session"]);
    peer.expect(format!("open {}", &*name), "open");
    let old = object.read().unwrap();
    for next in 2..50 {
        peer.expect(format!("store {next}"), next);
        assert_eq!((old.counter, ReadGuard::version(&old)), (1, Version(1)));
        assert!(old.is_whole());
        let new = object.read().unwrap();
        assert_eq!(
            (new.counter, ReadGuard::version(&new)),
            (next, Version(next))
        );
    }
    // A guard may be dropped by another thread than the one that took it.
    thread::scope(|scope| {
        scope.spawn(move || {
            assert_eq!(old.counter, 1);
            drop(old);
        });
    });
    assert_eq!(now(&object), (49, 49));
}

#[test]
fn the_own_readers_do_not_keep_a_writer_waiting() {
    let name = Cleanup::new("own");
    let object = create(&name);
    let first = object.read().unwrap();
    let mut guard = object.write().unwrap();
    let second = object.read().unwrap();
    guard.set(2);
    let third = object.read().unwrap();
    drop(guard);
    assert!(
        [&first, &second, &third]
            .iter()
            .all(|guard| guard.counter == 1)
    );
    assert_eq!(now(&object), (2, 2));
}

#[test]
fn another_process_is_writing() {
    let name = Cleanup::new("busy");
    let object = create(&name);
    let mut peer = Peer::spawn(PEER, &["session"]);
    peer.expect(format!("open {}", &*name), "open");
    peer.expect("write", "1 recovered false");
    peer.expect("set 2", "done");
    let error = object.try_write().unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    let process = format!("process {}", peer.id());
    assert!(error.to_string().contains(&process), "{error}");
    assert_eq!(refused(object.write_timeout(SOON)), "TimedOut");
    // Reads never wait for a writer.
    assert_eq!(now(&object), (1, 1));
    assert_eq!(*object.try_read().unwrap(), Small::new(1));
    assert_eq!(*object.read_timeout(SOON).unwrap(), Small::new(1));
    thread::scope(|scope| {
        let waits = scope.spawn(|| object.update(|value| value.set(value.counter + 1)));
        peer.expect("drop-writer", "done");
        waits.join().unwrap().unwrap();
    });
    assert_eq!(now(&object), (3, 3));
    peer.expect("load", 3);
}

#[expect(clippy::mem_forget, reason = "it is safe, so it must do no harm")]
fn forget<T>(guard: T) {
    std::mem::forget(guard);
}

#[test]
fn forgotten_read_guards() {
    let name = Cleanup::new("forgotten");
    let object = create(&name);
    let forgetful = Small::open(&*name).unwrap();
    for next in 2..5 {
        forget(forgetful.read().unwrap());
        object.store(Small::new(next)).unwrap();
    }
    // Three of four buffers are held for as long as the handle is open.
    assert_eq!(refused(object.try_write()), "Busy");
    assert_eq!(refused(object.write_timeout(SOON)), "TimedOut");
    assert_eq!(now(&object), (4, 4));
    forget(forgetful.read().unwrap());
    drop(forgetful);
    for next in 5..20 {
        object.store(Small::new(next)).unwrap();
    }
    assert_eq!(now(&object), (19, 19));
    // The row is nobody's, and is taken anew with nothing pinned.
    let next = Small::open(&*name).unwrap();
    for value in 20..30 {
        next.store(Small::new(value)).unwrap();
    }
    assert_eq!(now(&object), (29, 29));

    // A thousand of one version hold one buffer.
    for _ in 0..1000 {
        forget(next.read().unwrap());
    }
    for value in 30..40 {
        object.store(Small::new(value)).unwrap();
    }
    assert_eq!(now(&object), (39, 39));
}

#[test]
fn a_forgotten_write_guard() {
    let name = Cleanup::new("forgotten-writer");
    let object = create(&name);
    let forgetful = Small::open(&*name).unwrap();
    let mut guard = forgetful.write().unwrap();
    guard.spoil(99);
    forget(guard);
    assert_eq!(refused(forgetful.write()), "WouldDeadlock");
    assert_eq!(refused(object.write()), "WouldDeadlock");
    thread::scope(|scope| {
        let other = scope.spawn(|| refused(object.try_write()));
        assert_eq!(other.join().unwrap(), "Busy");
    });
    assert_eq!(now(&object), (1, 1));
    drop(forgetful);
    let guard = object.try_write().unwrap();
    assert!(!WriteGuard::recovered(&guard), "nobody died");
    assert_eq!(*guard, Small::new(1));
    drop(guard);

    // Nor is a later writer, killed before it changed anything, blamed for it.
    let mut victim = Peer::spawn(PEER, &["session"]);
    victim.expect(format!("open {}", &*name), "open");
    victim.expect("write", "1 recovered false");
    victim.kill();
    assert!(!WriteGuard::recovered(&object.write().unwrap()));
    object.store(Small::new(2)).unwrap();
    assert_eq!(now(&object), (2, 2));
}

#[test]
fn what_guards_and_handles_print() {
    let name = Cleanup::new("debug");
    let object = u64::create(&*name, 7).unwrap();
    let reader = u64::open_read_only(&*name).unwrap();
    let read = object.read().unwrap();
    assert_eq!(format!("{read:?} {read}"), "ReadGuard(7) 7");
    let mut write = object.write().unwrap();
    *write = 8;
    assert_eq!(format!("{write:?} {write}"), "WriteGuard(8) 8");
    // Printing a handle waits for nobody.
    for text in [format!("{object:?}"), format!("{reader:?}")] {
        assert!(
            text.contains(&*name) && text.contains("version: 1"),
            "{text}"
        );
    }
    drop(write);
    assert!(format!("{object:?}").contains("version: 2"));
    assert_eq!(Version(2).to_string(), "2");
    assert_eq!(*read, 7);
}
