//! What one process writes, others read: whole, in order, and nothing is lost.

use std::sync::Arc;
use std::thread;

use shmem_core::{ReadGuard, Shared, SharedObject, Version};
use tests::{Checked, Cleanup, Large, Medium, Peer, Small};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

#[test]
fn one_writes_another_reads() {
    let name = Cleanup::new("sharing");
    let object = Small::create(&*name, Small::new(7)).unwrap();
    let mut peer = Peer::spawn(PEER, &["session"]);
    peer.expect(format!("open {}", &*name), "open");
    peer.expect("load", 7);
    peer.expect("version", 1);

    object.update(|value| value.set(8)).unwrap();
    peer.expect("load", 8);
    peer.expect("read", 8);

    peer.expect("store 9", 3);
    assert_eq!(object.load().unwrap(), Small::new(9));
    assert_eq!(object.version(), Version(3));
    let guard = object.read().unwrap();
    assert_eq!((guard.counter, ReadGuard::version(&guard)), (9, Version(3)));

    peer.expect("look", 8);
    peer.expect("drop-readers", "done");
    peer.expect("close", "closed");
    assert!(peer.finish().success());
}

#[test]
fn a_struct_is_always_whole() {
    let name = Cleanup::new("whole-small");
    let object = Small::create(&*name, Small::new(0)).unwrap();
    always_whole(&name, &object, "small", 3000);
}

#[test]
fn a_page_is_always_whole() {
    let name = Cleanup::new("whole-medium");
    let object = Medium::create(&*name, Medium::new(0)).unwrap();
    always_whole(&name, &object, "medium", 1500);
}

#[test]
fn a_mebibyte_is_always_whole() {
    let name = Cleanup::new("whole-large");
    let object = Large::create_with(&*name, |value| value.set(0)).unwrap();
    always_whole(&name, &object, "large", 2000);
}

/// Two writers, three readers and a read-only one, each a process.
fn always_whole<const WORDS: usize>(
    name: &str,
    object: &SharedObject<Checked<WORDS>>,
    size: &str,
    ms: u32,
) {
    let roles = ["write", "write", "read", "read", "read", "watch"];
    let mut peers = roles.map(|role| Peer::spawn(PEER, &["sharing", role, name, size]));
    for peer in &mut peers {
        peer.send(format!("go {ms}"));
    }
    let mut written = 0;
    let (mut reads, mut changes) = (0, 0);
    for (role, peer) in roles.iter().zip(&peers) {
        let answer = peer.recv();
        if *role == "write" {
            written += answer.parse::<u64>().unwrap();
            continue;
        }
        let words: Vec<_> = answer.split(' ').collect();
        let ["fine", some, changed] = words[..] else {
            panic!("{role}: {answer}")
        };
        reads += some.parse::<u64>().unwrap();
        changes += changed.parse::<u64>().unwrap();
    }
    println!("{size}: {written} writes, {reads} reads, {changes} of a new version");
    assert!(written > 0 && changes > 0, "{written} and {changes}");
    let guard = object.read().unwrap();
    assert!(guard.is_whole());
    assert_eq!(guard.counter, written, "no update is lost");
    assert_eq!(ReadGuard::version(&guard), Version(written + 1));
}

/// Far larger than a thread's stack.
type Frame = [u64; 3 << 20];

#[test]
fn a_value_larger_than_the_stack() {
    let name = Cleanup::new("frame");
    let work = move || {
        let options = Frame::options().buffers(2);
        let object = options
            .create_with(&*name, |frame| {
                frame[0] = 1;
                frame[(3 << 20) - 1] = 2;
            })
            .unwrap();
        assert_eq!(size_of::<Frame>(), 24 << 20);
        let mut copy = object.load_boxed().unwrap();
        assert_eq!((copy[0], copy[1], copy[(3 << 20) - 1]), (1, 0, 2));

        object.write().unwrap()[1] = 3;
        object.update(|frame| frame[2] = 4).unwrap();
        let tried = object.try_update(|frame| {
            frame[3] = 5;
            Err::<(), _>("no")
        });
        assert_eq!(tried.unwrap(), Err("no"));

        assert_eq!(object.load_into(&mut copy).unwrap(), Version(3));
        assert_eq!(copy[..4], [1, 3, 4, 0]);
        let guard = object.read().unwrap();
        assert_eq!(guard[..4], [1, 3, 4, 0]);
        drop(guard);

        let reader = Frame::open_read_only(&*name).unwrap();
        copy[0] = 0;
        assert_eq!(reader.load_into(&mut copy).unwrap(), Version(3));
        assert_eq!(copy[..4], [1, 3, 4, 0]);
        assert_eq!(reader.load_boxed().unwrap()[2], 4);
    };
    let thread = thread::Builder::new().stack_size(2 << 20);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn threads_share_a_handle() {
    const EACH: u64 = 5_000;
    let name = Cleanup::new("threads");
    let object = Arc::new(Small::create(&*name, Small::new(0)).unwrap());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let object = Arc::clone(&object);
            thread::spawn(move || {
                for _ in 0..EACH {
                    object.update(|value| value.set(value.counter + 1)).unwrap();
                    assert!(object.load().unwrap().is_whole());
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(object.load().unwrap(), Small::new(8 * EACH));
    assert_eq!(object.version(), Version(8 * EACH + 1));
    assert_eq!(object.info().handles, Some(1));
}

#[test]
fn threads_share_an_object_through_handles_of_their_own() {
    const EACH: u64 = 5_000;
    let name = Cleanup::new("handles");
    let object = Small::create(&*name, Small::new(0)).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let object = Small::open(&*name).unwrap();
                for _ in 0..EACH {
                    object.update(|value| value.set(value.counter + 1)).unwrap();
                    assert!(object.read().unwrap().is_whole());
                }
            });
        }
    });
    assert_eq!(object.load().unwrap(), Small::new(4 * EACH));
}
