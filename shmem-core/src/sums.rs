//! A checksum for each buffer of a file: after a power cut it tells a whole value from a torn one.
//!
//! The kernel writes the pages of a file back in any order and at any time, so a disk may have the word that
//! says which buffer is current without the bytes of that buffer. Of each page it has the bytes of some moment;
//! of the control words, which are one sector, those of one moment.
//!
//! Invariant: a buffer's sum is stored before its stamp, and that before `current`. So whoever finds a version in
//! `current`, even after a kill, finds its sum as well.
//!
//! Invariant: no stamp is greater than the version in `current`, but for that of the buffer which is written.
//! A writer that was killed before it published leaves such a stamp, beside a sum that fits, and the version
//! comes once more, in another buffer perhaps: the one who publishes it takes the old stamp away. So a stamp that
//! is no greater than the version in `current` is that of a value that was published.
#![expect(unsafe_code, reason = "reads the bytes of a buffer")]

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::cell::Current;
use crate::control::Control;
use crate::sync::Ordering;
use crate::view::View;

/// Of a value and its version: bytes alone could be those of an older version, beside a newer stamp.
pub(crate) fn of(version: u64, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, version)
}

/// Stores the sum of the buffer that is about to be published as the successor of `seen`.
///
/// Called by the holder of the writer lock, whose buffer it is. Not inlined: objects in memory have no sums.
#[inline(never)]
pub(crate) fn seal(view: &View, seen: Current, buffer: u32) {
    let control = view.mapping.control();
    let version = seen.version() + 1;
    let sum = of(version, bytes(view, buffer));
    for stamp in &control.stamps {
        let stale = stamp.load(Ordering::Relaxed) > seen.version();
        if stale && !cfg!(mutation = "stale_stamp_kept") {
            stamp.store(0, Ordering::Relaxed);
        }
    }
    control.sums[buffer as usize].store(sum, Ordering::Relaxed);
}

/// Whether the buffer holds that version whole. Nobody writes it.
pub(crate) fn holds(view: &View, buffer: u32, version: u64) -> bool {
    let control = view.mapping.control();
    let stamp = control.stamps[buffer as usize].load(Ordering::Relaxed);
    let sum = control.sums[buffer as usize].load(Ordering::Relaxed);
    let fits = || sum == of(version, bytes(view, buffer)) || cfg!(mutation = "sum_not_checked");
    version != 0 && stamp == version && fits()
}

/// Whether some buffer has that version and that sum.
pub(crate) fn has(control: &Control, version: u64, sum: u64) -> bool {
    let mut buffers = control.stamps.iter().zip(&control.sums);
    buffers.any(|(stamp, stored)| {
        stamp.load(Ordering::Relaxed) == version && stored.load(Ordering::Relaxed) == sum
    })
}

/// The newest version that was published and is whole, with its buffer. Nobody has the object open.
///
/// What the words say are claims: a buffer that the object has not is none, and what does not fit is not whole.
pub(crate) fn newest_whole(view: &View) -> Option<Current> {
    let control = view.mapping.control();
    let current = Current::from_bits(control.current.load(Ordering::Relaxed));
    let buffers = view.header.layout.shape.buffers;
    if current.buffer() < buffers && holds(view, current.buffer(), current.version()) {
        return Some(Current::new(current.version(), current.buffer()));
    }
    let stamps = (0..buffers).zip(&control.stamps);
    let stamps = stamps.map(|(buffer, stamp)| (stamp.load(Ordering::Relaxed), buffer));
    let published = |(version, _): &(u64, u32)| *version <= current.version();
    let mut stamps: Vec<_> = stamps.filter(published).collect();
    stamps.sort_unstable_by(|a, b| b.cmp(a));
    let mut stamps = stamps.into_iter();
    let (version, buffer) = stamps.find(|(version, buffer)| holds(view, *buffer, *version))?;
    Some(Current::new(version, buffer))
}

/// The bytes of a buffer that nobody writes but the caller, who does not now.
fn bytes(view: &View, buffer: u32) -> &[u8] {
    // Fits: the whole object does, `Layout::of` saw to it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most the total, which fits"
    )]
    let size = view.header.layout.shape.size as usize;
    // SAFETY: the buffer is the lock's holder's own, which has no reference to it just now; or nobody has the
    // object open, and `MEMBER` is held. The size is that of the value.
    unsafe { view.mapping.stable_bytes(buffer, size) }
}

#[cfg(test)]
mod tests {
    /// The second is that of `docs/format.md`, by which a program in another language can try its own.
    #[test]
    fn the_sums_are_those_of_xxh3() {
        assert_eq!(super::of(0, b""), 0x2D06_8005_38D3_94C2);
        let page = include_str!("../../docs/format.md");
        let sum = format!("`{:#018x}`", super::of(1, b"shmem"));
        assert!(page.contains(&sum), "{sum}");
    }
}
