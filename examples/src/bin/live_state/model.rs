//! What the processes share. Three types, one derive, no serialisation.

use examples::now;
use shmem_core::{FixedVec, Shared};

/// The machine, as the publisher saw it last.
#[derive(Shared, Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct State {
    /// Counts samples over all publishers, so that a reader notices what it missed.
    pub(crate) samples: u64,
    /// When the publisher was about to publish it.
    pub(crate) sampled_at: u64,
    /// The version of the config that the publisher followed.
    pub(crate) follows: u64,
    /// In bytes.
    pub(crate) memory_used: u64,
    /// In bytes.
    pub(crate) memory_total: u64,
    /// Its process id.
    pub(crate) publisher: u32,
    pub(crate) load: f32,
    /// In percent, for each processor.
    pub(crate) busy: FixedVec<f32, 64>,
    /// Written last, and equal to `samples` unless a reader sees half a write.
    pub(crate) echo: u64,
}

/// What the publisher and the readers are told.
#[derive(Shared, Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Config {
    /// In nanoseconds, as all times here.
    pub(crate) changed_at: u64,
    pub(crate) interval_ms: u32,
    /// A processor busier than this, in percent, is shown as hot.
    pub(crate) threshold: f32,
    /// The show is over.
    pub(crate) stop: bool,
    pub(crate) _pad: [u8; 7],
}

impl Config {
    pub(crate) fn new(interval_ms: u32, threshold: f32) -> Config {
        Config {
            changed_at: now(),
            interval_ms,
            threshold,
            ..Config::default()
        }
    }
}

/// What one reader saw, for the process that prints it. It outlives the reader.
#[derive(Shared, Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Report {
    pub(crate) state: State,
    pub(crate) config: Config,
    pub(crate) version: u64,
    pub(crate) reads: u64,
    pub(crate) half_written: u64,
    /// From the publisher's stamp until this reader ran: the last, the median, the longest.
    pub(crate) wakeup: [u64; 3],
    /// How long it took from a change of the config until a state that follows it was here, at most.
    pub(crate) followed_after: u64,
    /// How many changes of the config arrived.
    pub(crate) followed: u32,
    /// How many publishers there were.
    pub(crate) publishers: u32,
    /// When the first version by the last of them was seen.
    pub(crate) publisher_since: u64,
    /// Processors above the threshold.
    pub(crate) hot: u32,
    /// How often the object was replaced under the reader.
    pub(crate) reopened: u32,
    pub(crate) process: u32,
    pub(crate) _pad: u32,
}
