//! What a forked child inherits is the parent's; and a stray `closefrom` harms nobody.

use shmem_core::{Error, Shared, SharedObject, Version, WriteGuard};
use tests::{Cleanup, Medium, Peer, Small, eventually, variant};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

fn start(name: &str) -> Peer {
    Peer::spawn(PEER, &["fork", name])
}

fn refused<T>(result: shmem_core::Result<T>) -> String {
    match result {
        Ok(_) => "no error".into(),
        Err(error) => variant(&error),
    }
}

fn handles(object: &SharedObject<Small>) -> u32 {
    object.info().handles.unwrap()
}

#[test]
fn an_inherited_handle_says_so() {
    for how in ["fork", "clone"] {
        let name = Cleanup::new("inherited");
        let object = Small::create(&*name, Small::new(1)).unwrap();
        let mut peer = start(&name);
        peer.expect("add", "done");
        peer.expect("open-local", "open");
        peer.expect("local", 2);
        peer.expect(how, "child");
        for command in [
            "read",
            "load",
            "write",
            "try-write",
            "store 9",
            "add",
            "local",
        ] {
            peer.expect(command, "Forked");
        }
        // What needs no row goes on.
        peer.expect("version", 2);
        peer.expect("reader", 2);
        object.store(Small::new(3)).unwrap();
        peer.expect("reader", 3);
        assert_eq!(handles(&object), 3);
        peer.send("exit");
        assert_eq!(peer.recv(), "the child ended with Some(7)");
        // The parent does not notice.
        peer.expect("read", 3);
        peer.expect("add", "done");
        assert_eq!(object.load().unwrap(), Small::new(4));
        assert_eq!(handles(&object), 3);
    }
}

#[test]
fn a_child_reopens() {
    for how in ["fork", "clone"] {
        let name = Cleanup::new("reopen");
        let object = Small::create(&*name, Small::new(1)).unwrap();
        let mut peer = start(&name);
        peer.expect(how, "child");
        peer.expect("reopen", "open");
        assert_eq!(handles(&object), 3);
        peer.expect("own-read", 1);
        peer.expect("own-add", "done");
        assert_eq!(object.load().unwrap(), Small::new(2));
        // The old one stays the parent's.
        peer.expect("read", "Forked");
        peer.expect("own-close", "done");
        assert_eq!(handles(&object), 2);
        peer.expect("reopen", "open");
        assert_eq!(handles(&object), 3);
        peer.send("exit");
        assert_eq!(peer.recv(), "the child ended with Some(7)");
        assert_eq!(handles(&object), 2);
        peer.expect("add", "done");
    }
}

#[test]
fn a_child_drops_what_it_inherited() {
    let name = Cleanup::new("dropped");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut peer = start(&name);
    peer.expect("hold-read", 1);
    peer.expect("hold-write", false);
    peer.expect("set 2", "done");
    peer.expect("fork", "child");
    // Neither the read guard nor the write guard is the child's.
    peer.expect("look", 1);
    peer.expect("drop-guards", "done");
    assert_eq!(object.version(), Version(1));
    assert_eq!(refused(object.try_write()), "Busy", "the parent holds it");
    // Ends like any program, dropping the handle as well.
    peer.expect("close", "closed");
    assert_eq!(handles(&object), 2);
    assert!(object.is_current());
    assert_eq!(refused(object.try_write()), "Busy", "the parent holds it");
    assert_eq!(object.load().unwrap(), Small::new(1));
}

#[test]
fn the_parents_guards_outlive_the_child() {
    let name = Cleanup::new("parents");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut peer = start(&name);
    peer.expect("hold-read", 1);
    peer.expect("hold-write", false);
    peer.expect("set 2", "done");
    peer.expect("fork", "child");
    peer.expect("set 77", "done");
    // Had it published, this would be version 2. (What it wrote into the parent's buffer it wrote in vain:
    // the parent sets every word again.)
    peer.expect("commit", 1);
    peer.expect("drop-guards", "done");
    peer.send("exit");
    assert_eq!(peer.recv(), "the child ended with Some(7)");
    assert_eq!(object.version(), Version(1));
    peer.expect("set 2", "done");
    peer.expect("commit", 2);
    for next in 3..20 {
        object.store(Small::new(next)).unwrap();
        peer.expect("look", 1);
    }
}

#[test]
fn a_parent_killed_while_its_child_lives_is_dead() {
    let name = Cleanup::new("orphan");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut peer = start(&name);
    peer.expect("hold-read", 1);
    peer.expect("hold-write", false);
    peer.expect("spoil 99", "done");
    peer.expect("fork", "child");
    assert_eq!(handles(&object), 2);
    assert_eq!(refused(object.try_write()), "Busy");

    peer.kill_now();
    assert_eq!(handles(&object), 1);
    let guard = object.try_write().unwrap();
    assert!(WriteGuard::recovered(&guard));
    assert_eq!(*guard, Small::new(1));
    drop(guard);
    object.store(Small::new(2)).unwrap();
    // The child is still there.
    peer.expect("reader", 2);
    peer.expect("read", "Forked");
    peer.expect("reopen", "open");
    peer.expect("own-add", "done");
    assert_eq!(object.load().unwrap(), Small::new(3));
    assert_eq!(handles(&object), 2);
}

/// Past `fork(3)` nobody runs in the child before it comes to the library; then it lets go.
#[test]
fn a_bare_clone_lets_go_of_its_parent_when_it_opens_something() {
    let name = Cleanup::new("clone");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut peer = start(&name);
    peer.expect("hold-write", false);
    peer.expect("spoil 99", "done");
    peer.expect("clone", "child");
    peer.kill_now();
    peer.expect("reopen", "open");
    assert_eq!(handles(&object), 2, "this one and the child's");
    assert!(WriteGuard::recovered(&object.try_write().unwrap()));
    peer.expect("own-add", "done");
}

/// The row of a handle that was closed is free, whatever children are left.
#[test]
fn a_parent_closes_while_its_child_lives() {
    let name = Cleanup::new("closes");
    let mut keeper = Peer::spawn(PEER, &["session"]);
    keeper.expect(format!("create {} 1", &*name), "open");
    let mut peer = start(&name);
    peer.expect("fork-aside", "done");
    peer.expect("add", "done");
    keeper.expect("close", "closed");
    peer.expect("load", 2);
    assert!(Small::open_read_only(&*name).unwrap().is_current());
    peer.expect("close", "closed");
    assert_eq!(refused(Small::open_read_only(&*name)), "NotFound");
    assert_eq!(refused(Small::open(&*name)), "NotFound");
    let again = Small::create(&*name, Small::new(5)).unwrap();
    assert_eq!(handles(&again), 1);
    assert!(peer.finish().success());
}

/// What a child may do does not depend on the size of the value.
#[test]
fn a_child_loads_large_values_through_a_handle_of_its_own() {
    let [small, large] = ["small", "large"].map(Cleanup::new);
    let _object = Small::create(&*small, Small::new(1)).unwrap();
    let _large = Medium::create(&*large, Medium::new(7)).unwrap();
    let mut peer = start(&small);
    peer.expect(format!("open-large {}", &*large), "open");
    peer.expect("load-large", 7);
    peer.expect("fork", "child");
    peer.expect("load-large", "Forked");
    peer.expect(format!("open-large {}", &*large), "open");
    peer.expect("load-large", 7);
}

/// A daemon that begins by closing every descriptor above 2 must not look dead while it writes.
#[test]
fn closefrom_does_not_make_a_live_writer_look_dead() {
    let name = Cleanup::new("closefrom");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut peer = start(&name);
    peer.expect("hold-read", 1);
    peer.expect("hold-write", false);
    peer.expect("spoil 9", "done");
    peer.expect("closefrom", "done");
    assert_eq!(handles(&object), 2);
    let error = object.try_write().unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    peer.expect("set 2", "done");
    peer.expect("commit", 2);
    assert_eq!(object.load().unwrap(), Small::new(2));
    for next in 3..20 {
        object.store(Small::new(next)).unwrap();
        peer.expect("look", 1);
    }
    peer.expect("add", "done");
    peer.expect("hold-write", false);
    peer.expect("spoil 9", "done");
    // Killed, it is dead all the same.
    peer.kill();
    assert_eq!(handles(&object), 1);
    assert!(WriteGuard::recovered(&object.try_write().unwrap()));
}

#[test]
fn after_closefrom_a_handle_can_still_be_closed() {
    let name = Cleanup::new("closefrom-close");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut peer = start(&name);
    peer.expect("closefrom", "done");
    assert_eq!(handles(&object), 2);
    peer.expect("close", "closed");
    assert_eq!(handles(&object), 1);
    assert!(object.is_current());
    // Forgotten by its owner, not by others.
    drop(object);
    assert_eq!(refused(Small::open(&*name)), "NotFound");
}

/// After `closefrom` the number of the lock descriptor may become another file's. Asked through that, the
/// kernel knows of no locks, and every other process would look dead: its lock would be taken over while it
/// writes, and its guards' buffers overwritten.
#[test]
fn after_closefrom_others_do_not_look_dead_either() {
    let name = Cleanup::new("closefrom-others");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut peer = start(&name);
    peer.expect("closefrom", "done");
    peer.expect("open-others", "done");
    let mut guard = object.write().unwrap();
    guard.set(2);
    let answer = peer.ask("try-write");
    assert!(["Busy", "Io"].contains(&&*answer), "{answer}");
    WriteGuard::commit(guard);

    // All buffers but one are pinned here.
    let held: Vec<_> = (3..6)
        .map(|next| {
            let guard = object.read().unwrap();
            object.store(Small::new(next)).unwrap();
            guard
        })
        .collect();
    let answer = peer.ask("try-write");
    assert!(["Busy", "Io"].contains(&&*answer), "{answer}");
    let answer = peer.ask("store 9");
    assert!(["Busy", "Io"].contains(&&*answer), "{answer}");
    for (counter, guard) in (2..).zip(&held) {
        assert_eq!(**guard, Small::new(counter));
    }
    drop(held);
    // Reading needs no locks.
    peer.expect("read", 5);
    peer.expect("close", "closed");
    eventually("its row is free", || handles(&object) == 1);
}

/// The number may also become that of the library's own next descriptor, of the same file. Asked through that,
/// the kernel does not tell of the new handle's lock; and closing the old handle would close the new one's.
#[test]
fn after_closefrom_a_new_handle_and_the_old_one_keep_apart() {
    let name = Cleanup::new("closefrom-two");
    let object = Small::create(&*name, Small::new(1)).unwrap();
    let mut peer = Peer::spawn(PEER, &["fork", "two", &name]);
    let answer = peer.recv();
    assert!(["Busy", "Io"].contains(&&*answer), "{answer}");
    assert_eq!(peer.recv(), "closed");
    assert_eq!(handles(&object), 2);
    assert_eq!(refused(object.try_write()), "Busy");
    peer.expect("commit", 2);
    let guard = object.write().unwrap();
    assert_eq!(*guard, Small::new(2));
    peer.expect("try", "Busy");
    drop(guard);
    peer.expect("try", 2);
    assert!(peer.finish().success());
    assert_eq!(handles(&object), 1);
}
