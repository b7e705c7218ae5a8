//! Windows on arrays: handles that map some of the items, and share them with everybody who has them too.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{Error, ReadGuard, Shared, SharedObject, Version, WriteGuard};
use tests::raw::{self, Raw, control, word};
use tests::{Checked, Cleanup, Peer, Small, TempDir};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

/// No multiple of a word, and no divisor of a page.
type Odd = [u8; 13];

fn odd(n: usize) -> Odd {
    std::array::from_fn(|i| u8::try_from((n * 7 + i) % 251).unwrap())
}

fn odds(at: &str, len: usize) -> SharedObject<[Odd]> {
    let options = Odd::options();
    options.create_array_with(at, len, odd).unwrap()
}

fn is_too_large(error: &Error, part: &str, [wanted, had]: [u64; 2]) -> bool {
    matches!(error, Error::TooLarge { what, found, limit, .. }
        if *what == part && [*found, *limit] == [wanted, had])
}

#[test]
fn every_place_and_length() {
    let name = Cleanup::new("window-places");
    const LEN: usize = 1000;
    let whole = odds(&name, LEN);
    for start in (0..LEN).step_by(37).chain([1, 314, 315, 316, LEN - 1, LEN]) {
        for len in [0, 1, 2, 5, 400, LEN] {
            let items = start..(start + len).min(LEN);
            let window = Odd::options()
                .open_array_window(&*name, items.clone())
                .unwrap();
            let reader = Odd::options();
            let reader = reader
                .open_array_window_read_only(&*name, items.clone())
                .unwrap();
            assert_eq!((window.len(), reader.len()), (items.len(), items.len()));
            let expected: Vec<_> = items.clone().map(odd).collect();
            assert_eq!(*window.read().unwrap(), expected[..], "{items:?}");
            let mut copy = vec![[0; 13]; items.len()];
            window.load_range(0, &mut copy).unwrap();
            assert_eq!(copy, expected, "{items:?}");
            copy.fill([0; 13]);
            reader.load_range(0, &mut copy).unwrap();
            assert_eq!(copy, expected, "{items:?}");
            for i in [0, items.len() / 2, items.len().saturating_sub(1)] {
                if i < items.len() {
                    assert_eq!(window.load_at(i).unwrap(), odd(items.start + i));
                    assert_eq!(reader.load_at(i).unwrap(), odd(items.start + i));
                }
            }
            for error in [
                window.load_at(items.len()).unwrap_err(),
                window.store_at(items.len(), odd(0)).unwrap_err(),
                reader.load_at(items.len()).unwrap_err(),
            ] {
                let len = items.len() as u64;
                assert!(is_too_large(&error, "index", [len, len]), "{error}");
            }
        }
    }
    assert_eq!(whole.version(), Version(1));
}

#[test]
fn a_window_that_the_array_does_not_have() {
    let name = Cleanup::new("window-range");
    let _whole = odds(&name, 10);
    for (items, part, numbers) in [
        (0..11, "end of the window", [11, 10]),
        (11..11, "end of the window", [11, 10]),
        (0..usize::MAX, "end of the window", [u64::MAX, 10]),
        (Range { start: 4, end: 3 }, "start of the window", [4, 3]),
    ] {
        let writer = Odd::options().open_array_window(&*name, items.clone());
        let reader = Odd::options().open_array_window_read_only(&*name, items);
        for error in [writer.unwrap_err(), reader.unwrap_err()] {
            assert!(is_too_large(&error, part, numbers), "{error}");
        }
    }
    // What is no such array is what it is without a window.
    let error = u64::options().open_array_window(&*name, 0..1).unwrap_err();
    assert!(matches!(error, Error::LayoutMismatch { .. }), "{error}");
    let error = Odd::options().open_array_window("window-of-nothing", 0..1);
    assert!(matches!(error, Err(Error::NotFound { .. })));
}

#[test]
fn windows_and_the_whole_are_one_array() {
    let name = Cleanup::new("window-coherent");
    let whole = odds(&name, 1000);
    let open = |items| Odd::options().open_array_window(&*name, items).unwrap();
    let (low, high, over) = (open(0..500), open(500..1000), open(400..600));
    assert_eq!(low.store_at(450, [1; 13]).unwrap(), Version(2));
    assert_eq!(over.load_at(50).unwrap(), [1; 13]);
    over.update_at(150, |item| item[0] = 77).unwrap();
    assert_eq!(high.load_at(50).unwrap()[0], 77);
    {
        let mut guard = high.write().unwrap();
        guard[99] = [9; 13];
        guard[499] = [8; 13];
        // One lock for all of the array.
        thread::scope(|scope| {
            let busy = scope.spawn(|| {
                [low.try_write().map(drop), low.try_read().map(drop)]
                    .map(|result| matches!(result, Err(Error::Busy { .. })))
            });
            assert_eq!(busy.join().unwrap(), [true, true]);
        });
    }
    assert_eq!(whole.load_at(599).unwrap(), [9; 13]);
    assert_eq!(over.read().unwrap()[199], [9; 13]);
    assert_eq!(whole.read().unwrap()[999], [8; 13]);
    whole.write().unwrap().fill([3; 13]);
    for window in [&low, &high, &over] {
        assert!(window.read().unwrap().iter().all(|item| *item == [3; 13]));
        assert_eq!(window.version(), Version(5));
    }
    // A window is as good a reason for the object to exist as any other handle, and says the same of it.
    let info = low.info();
    assert_eq!((info.size, info.handles), (13_000, Some(4)));
    assert_eq!(info.type_name, whole.info().type_name);
    drop((whole, high, over));
    assert_eq!(low.load_at(0).unwrap(), [3; 13]);
    let again = low.reopen().unwrap();
    assert_eq!(again.len(), 500);
    shmem_core::remove(&*name).unwrap();
    assert!(matches!(
        low.store_at(0, [4; 13]),
        Err(Error::Removed { .. })
    ));
}

#[test]
fn only_the_window_is_mapped() {
    let dir = TempDir::new("window-maps");
    let path = dir.path().join("o");
    const LEN: usize = 4 << 20;
    let whole = u64::create_array(path.as_path(), LEN, 0).unwrap();
    whole.store_at(LEN - 1, 5).unwrap();
    drop(whole);
    let mapped = |path: &Path| -> u64 {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let lines = maps
            .lines()
            .filter(|line| line.ends_with(path.to_str().unwrap()));
        lines
            .map(|line| {
                let (range, _) = line.split_once(' ').unwrap();
                let (from, to) = range.split_once('-').unwrap();
                let hex = |text| u64::from_str_radix(text, 16).unwrap();
                hex(to) - hex(from)
            })
            .sum()
    };
    let window = u64::options().open_array_window(path.as_path(), LEN - 512..LEN);
    let window = window.unwrap();
    assert_eq!(window.load_at(511).unwrap(), 5);
    let bytes = mapped(&path);
    assert!(
        (4096..128 << 10).contains(&bytes),
        "{bytes} bytes are mapped"
    );
    let reader = u64::options().open_array_window_read_only(path.as_path(), LEN - 512..LEN);
    assert_eq!(reader.unwrap().load_at(511).unwrap(), 5);
    drop(window);
    let whole = u64::open_array(path.as_path()).unwrap();
    assert!(mapped(&path) > 8 * LEN as u64);
    drop(whole);
}

/// What a writer leaves that is killed when its record is complete and the array half-written.
fn die_over(path: &Path, index: u64, item: &[u8]) {
    let object = Raw::read(path);
    let at = object.offset(word::CONTROL) + control::CURRENT;
    let current = object.at(at);
    let version = object.version();
    let handles = usize::try_from(object.word(word::HANDLES)).unwrap();
    let elements = object.offset(word::ROWS) + handles * raw::ROW;
    raw::scribble(path, elements + 640, item);
    raw::scribble(path, elements + 520, &index.to_ne_bytes());
    raw::scribble(path, elements + 512, &(version + 1).to_ne_bytes());
    const DIRTY: u64 = 1 << 5;
    raw::scribble(path, at, &(current | DIRTY).to_ne_bytes());
}

/// The record of a dead writer names an item that this handle does not map.
#[test]
fn an_item_outside_the_window_is_rolled_forward() {
    let dir = TempDir::new("window-forward");
    let path = dir.path().join("o");
    let make = |n| Small::new(n as u64);
    let options = Small::options();
    let whole = options
        .create_array_with(path.as_path(), 1000, make)
        .unwrap();
    let reader = Small::open_array_read_only(path.as_path()).unwrap();
    let options = Small::options();
    let window = options.open_array_window(path.as_path(), 100..110).unwrap();
    // As the item lies in an object that holds it.
    let bytes = |n| {
        let path = dir.path().join(format!("item-{n}"));
        drop(Small::create(path.as_path(), Small::new(n)).unwrap());
        let raw = Raw::read(&path);
        raw.0[raw.value()].to_vec()
    };
    // In front of the window, behind it, at the array's ends, and in it.
    for (i, index) in (1..).zip([99, 110, 0, 999, 105]) {
        die_over(&path, index, &bytes(1000 + index));
        let index = usize::try_from(index).unwrap();
        let guard = window.read().unwrap();
        assert_eq!(ReadGuard::version(&guard), Version(1 + 2 * i - 1));
        drop(guard);
        assert_eq!(
            whole.load_at(index).unwrap(),
            Small::new(1000 + index as u64)
        );
        assert_eq!(
            reader.load_at(index).unwrap(),
            Small::new(1000 + index as u64)
        );
        // The next change finds nothing left to be done.
        window.store_at(9, Small::new(i)).unwrap();
        assert_eq!(whole.load_at(109).unwrap(), Small::new(i));
    }
    for i in (0..1000).filter(|i| ![99, 110, 0, 999, 105, 109].contains(i)) {
        assert_eq!(whole.load_at(i).unwrap(), Small::new(i as u64));
    }
}

/// The stripes of the window's items are those of the whole's.
#[test]
fn items_are_whole_through_a_window_under_load() {
    type Page = Checked<510>;
    let name = Cleanup::new("window-load");
    let options = Page::options();
    let whole = options
        .create_array_with(&*name, 8, |_| Page::new(0))
        .unwrap();
    let window = Page::options().open_array_window(&*name, 3..5).unwrap();
    for mapped in [true, false] {
        let options = Page::options().mapped(mapped);
        let reader = options.open_array_window_read_only(&*name, 3..5).unwrap();
        let before = whole.load_at(4).unwrap().counter;
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    whole
                        .update_at(4, |page| page.set(page.counter + 1))
                        .unwrap();
                }
            });
            let deadline = Instant::now() + tests::DEADLINE;
            let mut last = before;
            while last < before + 5_000 {
                assert!(Instant::now() < deadline, "stores were lost");
                for page in [window.load_at(1).unwrap(), reader.load_at(1).unwrap()] {
                    assert!(page.is_whole(), "torn at {}", page.counter);
                    assert!(page.counter >= last);
                    last = page.counter;
                }
            }
        });
    }
}

#[test]
fn items_outside_the_window_are_not_looked_at() {
    let dir = TempDir::new("window-invalid");
    let path = dir.path().join("o");
    let whole = bool::create_array(path.as_path(), 10_000, false).unwrap();
    let value = Raw::read(&path).value().start;
    raw::scribble(&path, value + 9000, &[7]);
    let options = bool::options();
    let window = options.open_array_window(path.as_path(), 0..9000).unwrap();
    assert!(window.read().unwrap().iter().all(|item| !item));
    let other = options.open_array_window(path.as_path(), 8999..10_000);
    let error = other.unwrap().read().unwrap_err();
    assert!(
        matches!(&error, Error::InvalidValue { offset: 1, .. }),
        "{error}"
    );
    let error = whole.read().unwrap_err();
    assert!(
        matches!(&error, Error::InvalidValue { offset: 9000, .. }),
        "{error}"
    );
}

/// A writer that is killed while it has a window's guard poisons the array for everybody.
#[test]
fn a_writer_killed_in_a_window() {
    let name = Cleanup::new("window-killed");
    let whole = Small::options()
        .create_array_with(&*name, 8, |i| Small::new(i as u64))
        .unwrap();
    let window = Small::options().open_array_window(&*name, 2..4).unwrap();
    let mut peer = Peer::spawn(PEER, &["sharing", "spoil-window", &name, "5", "7"]);
    peer.kill_now();
    assert!(matches!(whole.read(), Err(Error::Poisoned { .. })));
    assert!(matches!(window.load_at(0), Err(Error::Poisoned { .. })));
    let mut guard = window.write().unwrap();
    assert!(WriteGuard::recovered(&guard));
    guard[0] = Small::new(50);
    drop(guard);
    // Whoever repairs through a window answers for what it does not see.
    assert_eq!(window.load_at(0).unwrap(), Small::new(50));
    assert_eq!(whole.load_at(7).unwrap(), Small::new(7));
}

#[test]
fn a_window_is_flushed_with_the_rest() {
    let dir = TempDir::new("window-flush");
    let path = dir.path().join("o");
    let whole = u64::create_array(path.as_path(), 100_000, 0).unwrap();
    let options = u64::options();
    let window = options.open_array_window(path.as_path(), 10..20).unwrap();
    whole.store_at(99_999, 1).unwrap();
    window.store_at(0, 2).unwrap();
    let flushed = |path: &Path| {
        let raw = Raw::read(path);
        raw.at(raw.offset(word::CONTROL) + control::FLUSHED) >> 6
    };
    let before = flushed(&path);
    window.flush().unwrap();
    assert_ne!((before, flushed(&path)), (flushed(&path), 0));
    let copy = dir.path().join("copy");
    fs::copy(&path, &copy).unwrap();
    drop((whole, window));
    let again = u64::open_array(copy.as_path()).unwrap();
    assert_eq!(again.load_at(99_999).unwrap(), 1);
    assert_eq!(again.load_at(10).unwrap(), 2);
}

/// Space for all of it, and time for what is touched.
#[test]
fn an_array_larger_than_memory() {
    const WANTED: u64 = 20 << 30;
    let dir = TempDir::on_disk("window-huge");
    let room = rustix::fs::statvfs(dir.path()).unwrap();
    let is_memory = rustix::fs::statfs(dir.path()).unwrap().f_type == 0x0102_1994;
    let free = room.f_bavail * room.f_frsize;
    let bytes = if is_memory {
        64 << 20
    } else {
        WANTED.min(free / 2)
    };
    let len = usize::try_from(bytes / 8).unwrap();
    let path = dir.path().join("o");
    let begun = Instant::now();
    let whole = u64::create_array(path.as_path(), len, 0).unwrap();
    let created = begun.elapsed();
    let begun = Instant::now();
    let other = u64::open_array(path.as_path()).unwrap();
    let opened = begun.elapsed();
    let resident = || {
        let status = fs::read_to_string("/proc/self/statm").unwrap();
        status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let before = resident();
    let mut windows = Vec::new();
    for start in [0, len / 2, len - 1000] {
        let window = u64::options().open_array_window(path.as_path(), start..start + 1000);
        let window = window.unwrap();
        window.store_at(999, start as u64 + 1).unwrap();
        assert_eq!(other.load_at(start + 999).unwrap(), start as u64 + 1);
        assert_eq!(whole.load_at(start).unwrap(), 0);
        windows.push(window);
    }
    let touched = resident().saturating_sub(before);
    println!(
        "{bytes} bytes created in {created:?}, opened in {opened:?}; {touched} more are resident"
    );
    assert!(touched < 16 << 20, "{touched} bytes more are resident");
    assert!(created < Duration::from_secs(20), "{created:?}");
    assert!(opened < Duration::from_secs(10), "{opened:?}");
}
