//! What is left of an array in a file after a power cut: the flushed one, untouched, or one that says that it is
//! poisoned; never a mixture that looks whole. See `power_loss.rs`.
#![cfg(all(target_arch = "x86_64", target_env = "gnu"))]

use std::process::Command;

use shmem_core::{Shared, WriteGuard};
use tests::power::another_boot;
use tests::recorder::{Mark, Recording};
use tests::{Checked, Random, TempDir, variant};

type Item = Checked<6>;

const PEER: &str = env!("CARGO_BIN_EXE_peer");
const SECTOR: usize = 512;
/// More than three sectors.
const ITEMS: usize = 25;

const SCRIPT: [&str; 14] = [
    "item3=2",
    "flush",
    "item3=3",
    "item20=4",
    "flush",
    "set=5",
    "flush",
    "item0=6",
    "item24=7",
    "item0=8",
    "flush",
    "item9=9",
    "begin=100",
    "die",
];

/// The counters of the items, if all are whole.
fn counters(items: &[Item]) -> Option<Vec<u64>> {
    let whole = |item: &Item| item.is_whole().then_some(item.counter);
    items.iter().map(whole).collect()
}

#[test]
fn an_array_is_settled_or_poisoned() {
    let dir = TempDir::new("power-array");
    let path = dir.path().join("array");
    let options = Item::options().max_handles(3);
    drop(
        options
            .create_array(path.as_path(), ITEMS, Item::new(1))
            .unwrap(),
    );
    let mut recording = Recording::new(&path, SECTOR);
    let mut command = Command::new(PEER);
    command.arg("recorded").arg(&path).arg("array").args(SCRIPT);
    let mut actor = recording.start(&mut command);
    while recording.run_to(&mut actor, Mark::Step) {}
    // Of what was published, which counters the array had.
    let published: Vec<(u64, Vec<u64>)> = recording
        .published(recording.end())
        .map(|(version, bytes)| {
            let items = bytes.chunks_exact(size_of::<Item>());
            let first = |item: &[u8]| u64::from_ne_bytes(item[..8].try_into().unwrap());
            (version, items.map(first).collect())
        })
        .collect();
    assert_eq!(published.len(), 9, "one before, eight of the script");
    let mut random = Random::new();
    println!("SHMEM_SEED={} repeats it", random.seed());
    let (mut settled, mut poisoned) = (0, 0);
    for _ in 0..4_000 {
        let last = u32::try_from(recording.end()).unwrap();
        let moment = random.below(last + 1) as usize;
        let mut disk = recording.disk(moment).any(&mut random);
        another_boot(&mut disk);
        let path = dir.path().join("disk");
        disk.write(&path);
        let reading = Item::open_array_read_only(path.as_path());
        let array = Item::open_array(path.as_path()).unwrap();
        let mut copy = vec![Item::new(0); ITEMS];
        // One item is looked at first: it may not mend what a power cut has left.
        let one = array.load_at(moment % ITEMS);
        match array.read().map(|guard| counters(&guard)) {
            Ok(found) => {
                settled += 1;
                let found = found.unwrap_or_else(|| panic!("torn at {moment}"));
                assert_eq!(one.unwrap().counter, found[moment % ITEMS]);
                let flushed = recording.flushed(moment);
                let mut allowed = published.iter().filter(|(version, _)| *version >= flushed);
                assert!(
                    allowed.any(|(_, counters)| *counters == found),
                    "{found:?} at {moment}"
                );
                reading.unwrap().load_range(0, &mut copy).unwrap();
                assert_eq!(counters(&copy), Some(found));
            }
            Err(error) => {
                poisoned += 1;
                assert_eq!(variant(&error), "Poisoned");
                assert_eq!(variant(&one.unwrap_err()), "Poisoned");
                assert_eq!(variant(&reading.unwrap_err()), "Poisoned");
                let stored = array.store_at(1, Item::new(9)).unwrap_err();
                assert_eq!(variant(&stored), "Poisoned");
                let mut guard = array.write().unwrap();
                assert!(WriteGuard::recovered(&guard));
                guard.fill(Item::new(9));
                drop(guard);
                array.load_range(0, &mut copy).unwrap();
                assert_eq!(counters(&copy), Some(vec![9; ITEMS]));
            }
        }
    }
    println!("{settled} settled, {poisoned} poisoned");
    assert!(settled > 20 && poisoned > 20);
}
