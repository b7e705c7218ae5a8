//! What an object costs before anybody reads or writes it: time to create and open, files, memory.

use std::fs;
use std::path::Path;

use crate::measure::zeros;
use crate::{Outcome, Peer, Place, clock_ns, os};

/// Creates, opens, closes and takes away, for so many milliseconds: nanoseconds of each, and how often.
pub(crate) fn lifecycle<P: Peer<W>, const W: usize>(
    place: &Place,
    millis: u64,
) -> Outcome<Vec<f64>> {
    let end = clock_ns() + millis * 1_000_000;
    let mut sums = [0u64; 4];
    let mut times = 0u32;
    while times == 0 || clock_ns() < end {
        let place = place.with(&format!("life-{times}"));
        let mut at = [0; 5];
        at[0] = clock_ns();
        let created = P::create(&place)?;
        at[1] = clock_ns();
        let opened = P::open(&place)?;
        at[2] = clock_ns();
        drop(opened);
        at[3] = clock_ns();
        drop(created);
        at[4] = clock_ns();
        for (sum, step) in sums.iter_mut().zip(at.windows(2)) {
            *sum += step[1] - step[0];
        }
        times += 1;
    }
    let mut means = sums.map(|sum| sum as f64 / f64::from(times)).to_vec();
    means.push(f64::from(times));
    Ok(means)
}

/// What is there of files: how many, and how many bytes of memory or disk they take.
fn files(place: &Place) -> (u64, u64) {
    fn walk(folder: &Path, found: &mut (u64, u64)) {
        use std::os::unix::fs::MetadataExt as _;
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(info) = entry.metadata() else { continue };
            if info.is_dir() {
                walk(&entry.path(), found);
            } else {
                found.0 += 1;
                found.1 += info.blocks() * 512;
            }
        }
    }
    let mut found = (0, 0);
    for folder in ["/dev/shm", &place.folder()] {
        walk(Path::new(folder), &mut found);
    }
    found
}

/// Creates so many objects and writes each once: descriptors, files, bytes in files, resident bytes, all of one.
pub(crate) fn footprint<P: Peer<W>, const W: usize>(
    place: &Place,
    count: u64,
) -> Outcome<Vec<f64>> {
    let value = zeros();
    // What is set up once in a process does not count.
    let mut first = P::create(&place.with("first"))?;
    first.write_all(&value)?;
    let before = (os::descriptors(), files(place), os::resident());
    let mut objects = Vec::new();
    for number in 0..count {
        let mut object = P::create(&place.with(&number.to_string()))?;
        object.write_all(&value)?;
        objects.push(object);
    }
    let after = (os::descriptors(), files(place), os::resident());
    let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / count as f64;
    Ok(vec![
        each(after.0, before.0),
        each(after.1.0, before.1.0),
        each(after.1.1, before.1.1),
        each(after.2, before.2),
    ])
}
