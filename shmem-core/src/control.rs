//! The words that processes change while an object lives: drawn here, their meanings in `cell.rs`, `lock.rs`,
//! `notify.rs` and `participant.rs`.

use crate::sync::{AtomicU32, AtomicU64};

/// The most buffers an object may have: pins and stamps have eight places.
pub(crate) const MAX_BUFFERS: u32 = 8;

/// The words that writers share. Each group has a line of its own.
#[repr(C, align(128))]
#[derive(Debug)]
#[cfg_attr(loom, derive(Default))]
pub(crate) struct Control {
    /// Which buffer is current; its states are in `cell.rs`.
    pub(crate) current: AtomicU64,
    /// When it was published: nanoseconds of the coarse monotonic clock.
    pub(crate) published_at: AtomicU64,
    /// The lock token of the handle that published it.
    pub(crate) publisher: AtomicU64,
    /// In a file, the version that surely survives a power cut; its states are in `durable.rs`.
    pub(crate) flushed: AtomicU64,
    _reserved: [AtomicU64; 4],
    /// For each buffer the version it holds; 0 while it is written.
    pub(crate) stamps: [AtomicU64; MAX_BUFFERS as usize],

    /// Who may write; its states are in `lock.rs`.
    pub(crate) writer: WriterLine,

    /// One more than the highest row ever taken: how far a writer must look for pins.
    pub(crate) high_water: RowsLine,

    /// In a file, for each buffer the checksum of its version and bytes: see `sums.rs`.
    pub(crate) sums: [AtomicU64; MAX_BUFFERS as usize],
}

/// The writer lock's line.
#[repr(C, align(128))]
#[derive(Debug)]
#[cfg_attr(loom, derive(Default))]
pub(crate) struct WriterLine {
    /// The lock word.
    pub(crate) lock: AtomicU64,
    /// The version that the lock's owner is about to publish, from its first change on; else 0.
    pub(crate) writing: AtomicU64,
}

/// The line that changes when handles come and go.
#[repr(C, align(128))]
#[derive(Debug)]
#[cfg_attr(loom, derive(Default))]
pub(crate) struct RowsLine {
    pub(crate) count: AtomicU32,
    /// Stands for the boot in which the object was last opened by somebody when nobody else had it open:
    /// clocks of another boot say nothing.
    pub(crate) boot: AtomicU64,
}

/// One participant: a handle that may read with guards and write.
#[repr(C, align(128))]
#[derive(Debug)]
#[cfg_attr(loom, derive(Default))]
pub(crate) struct Row {
    /// How often the row was taken; written by its taker alone, before it takes the row's `LIVE` byte.
    pub(crate) generation: AtomicU64,
    /// How many guards of the handle hold each buffer.
    pub(crate) pins: [AtomicU32; MAX_BUFFERS as usize],
    /// 1 while a handle has the row, as far as it could say: a hint, the `LIVE` byte decides.
    pub(crate) in_use: AtomicU32,
    /// The handle's process id as it sees itself: information for people only.
    pub(crate) process: AtomicU32,
}

/// How many stamps the items of an array share.
pub(crate) const STRIPES: usize = 64;

/// Where single items of an array are changed; its meanings are in `elements.rs`.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Elements {
    /// For all items whose index leaves the same remainder: the version that last changed one of them.
    pub(crate) stripes: [AtomicU64; STRIPES],
    /// The version that is to be published with the item in the record, or an older one; or 0.
    pub(crate) state: AtomicU64,
    /// Which item it is.
    pub(crate) index: AtomicU64,
}

impl Control {
    /// From a copy of its bytes.
    pub(crate) fn from_bytes(bytes: &[u8; size_of::<Control>()]) -> Self {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            AtomicU64::new(u64::from_ne_bytes(word))
        };
        let mut count = [0; 4];
        count.copy_from_slice(&bytes[256..260]);
        Control {
            current: word(0),
            published_at: word(8),
            publisher: word(16),
            flushed: word(24),
            _reserved: core::array::from_fn(|i| word(32 + 8 * i)),
            stamps: core::array::from_fn(|i| word(64 + 8 * i)),
            writer: WriterLine {
                lock: word(128),
                writing: word(136),
            },
            high_water: RowsLine {
                count: AtomicU32::new(u32::from_ne_bytes(count)),
                boot: word(264),
            },
            sums: core::array::from_fn(|i| word(384 + 8 * i)),
        }
    }
}

#[cfg(not(loom))]
const _: () = {
    use core::mem::offset_of;
    // One sector of a disk: what a power cut leaves of it was there at one moment.
    assert!(size_of::<Control>() == 512);
    assert!(offset_of!(Control, current) == 0);
    assert!(offset_of!(Control, published_at) == 8);
    assert!(offset_of!(Control, publisher) == 16);
    assert!(offset_of!(Control, flushed) == 24);
    assert!(offset_of!(Control, stamps) == 64);
    assert!(offset_of!(Control, writer) + offset_of!(WriterLine, lock) == 128);
    assert!(offset_of!(Control, writer) + offset_of!(WriterLine, writing) == 136);
    assert!(offset_of!(Control, high_water) == 256);
    assert!(offset_of!(Control, high_water) + offset_of!(RowsLine, boot) == 264);
    assert!(offset_of!(Control, sums) == 384);
    assert!(size_of::<Row>() == 128);
    assert!(offset_of!(Row, generation) == 0);
    assert!(offset_of!(Row, pins) == 8);
    assert!(offset_of!(Row, in_use) == 40);
    assert!(offset_of!(Row, process) == 44);
    assert!(size_of::<Elements>() == 640);
    assert!(offset_of!(Elements, state) == 512);
    assert!(offset_of!(Elements, index) == 520);
};
