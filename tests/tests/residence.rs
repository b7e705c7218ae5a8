//! How the bytes of an object stay in memory: brought there at once, locked there, in large pages.

use std::fs;
use std::path::{Path, PathBuf};

use shmem_core::{Options, Shared};
use tests::{Alone, Peer, TempDir, alone};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// 4 MiB.
type Big = [u64; 512 << 10];
const SIZE: u64 = size_of::<Big>() as u64;

/// What the kernel says of this process's mappings of a file: the words behind `field`, for each.
fn words_of(path: &Path, field: &str) -> Vec<Vec<String>> {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let mut ours = false;
    let mut found = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap();
        if !first.ends_with(':') {
            ours = line.ends_with(path.to_str().unwrap());
        } else if ours && first.strip_suffix(':') == Some(field) {
            found.push(words.map(str::to_owned).collect());
        }
    }
    found
}

/// The sum of a field in KiB, in bytes.
fn mapped(path: &Path, field: &str) -> u64 {
    let words = words_of(path, field);
    let numbers = words.iter().map(|words| words[0].parse::<u64>().unwrap());
    numbers.sum::<u64>() << 10
}

/// In place, so that opening it does not look at the value.
fn made(dir: &TempDir) -> PathBuf {
    let path = dir.path().join("o");
    let options = Big::options().buffers(1);
    drop(options.create_with(path.as_path(), |_| ()).unwrap());
    path
}

#[test]
fn every_page_is_there_if_that_is_asked_for() {
    let dir = TempDir::new("residence-prefault");
    let path = made(&dir);
    let object = Big::open(path.as_path()).unwrap();
    let resident = mapped(&path, "Rss");
    assert!(resident < SIZE / 2, "{resident}");
    drop(object);
    let options = Big::options().prefault(true);
    let object = options.open(path.as_path()).unwrap();
    assert!(mapped(&path, "Rss") > SIZE);
    drop(object);
    let reader = options.open_read_only(path.as_path()).unwrap();
    assert!(mapped(&path, "Rss") > SIZE);
    drop(reader);
}

#[test]
fn a_window_is_there_and_no_more() {
    let dir = TempDir::new("residence-window");
    let path = dir.path().join("o");
    drop(u64::create_array(path.as_path(), 1 << 20, 0).unwrap());
    let options = u64::options().prefault(true);
    let window = options.open_array_window(path.as_path(), 1000..100_000);
    let resident = mapped(&path, "Rss");
    assert!((99_000 * 8..200_000 * 8).contains(&resident), "{resident}");
    drop(window);
}

#[test]
fn locked_for_as_long_as_the_handle_lives() {
    let dir = TempDir::new("residence-locked");
    let path = made(&dir);
    let options: Options<Big> = Big::options().lock_in_memory(true);
    if let Err(error) = options.open(path.as_path()) {
        println!("not run: locked_for_as_long_as_the_handle_lives: {error}");
        return;
    }
    // The kernel counts each page in parts, one for each mapping of it: so there is one at a time.
    let object = Big::open(path.as_path()).unwrap();
    assert_eq!(mapped(&path, "Locked"), 0);
    drop(object);
    let locked = options.open(path.as_path()).unwrap();
    assert!(mapped(&path, "Locked") > SIZE);
    drop(locked);
    assert_eq!(mapped(&path, "Locked"), 0);
    let reader = options.open_read_only(path.as_path()).unwrap();
    assert!(mapped(&path, "Locked") > SIZE);
    drop(reader);
}

#[test]
fn more_than_may_be_locked() {
    alone(|alone: &Alone| {
        let mut peer = Peer::spawn(PEER, &["environment"]);
        peer.expect("create plain 1", "open");
        peer.expect("may-lock 4096", "done");
        peer.expect("create-locked o", "TooLarge");
        // Nothing is left of the attempt, and what is open goes on.
        assert_eq!(alone.files(), ["plain"]);
        peer.expect("open-locked plain", "TooLarge");
        peer.expect("read-locked plain", "TooLarge");
        peer.expect("handles", 1);
        peer.expect("load", 1);
        peer.expect("may-lock 1000000", "done");
        peer.expect("create-locked o", "open");
        peer.expect("open-locked plain", "open");
        peer.expect("read-locked plain", "open");
        drop(peer);
    });
}

/// The kernel may follow the advice or not; the object is the same either way.
#[test]
fn huge_pages_are_advice() {
    let dir = TempDir::new("residence-huge");
    let path = dir.path().join("o");
    let options = Big::options().huge_pages(true).buffers(2);
    let object = options
        .create_with(path.as_path(), |big| big[0] = 1)
        .unwrap();
    // Its path is that of this mapping alone: the other was made before the file had a name.
    let other = options.open(path.as_path()).unwrap();
    object.update(|big| big[512] = 2).unwrap();
    assert_eq!(other.read().unwrap()[..513].iter().sum::<u64>(), 3);
    if !Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
        println!("not run: huge_pages_are_advice: this kernel has none to advise");
        return;
    }
    let advised = |words: &&Vec<String>| words.iter().any(|flag| flag == "hg");
    let flags = words_of(&path, "VmFlags");
    assert_eq!(flags.iter().filter(advised).count(), 1, "{flags:?}");
}
