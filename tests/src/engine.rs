//! A type with a field of each kind, as in `docs/format.md`.

use core::num::NonZeroU16;

use shmem_core::{FixedOption, FixedStr, FixedVec, Shared};

/// The gear of an [`Engine`].
#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub enum Gear {
    /// None.
    Neutral = 0,
    /// The first.
    First = 1,
    /// Backwards.
    Reverse = 255,
}

/// An engine.
#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[expect(missing_docs, reason = "they mean nothing")]
pub struct Engine {
    pub tick: u64,
    pub rpm: f32,
    pub gear: Gear,
    pub armed: bool,
    pub port: Option<NonZeroU16>,
    pub driver: FixedStr<8>,
    pub load: [u16; 2],
    pub pit: FixedOption<u32>,
    pub laps: FixedVec<u32, 3>,
}

impl Engine {
    /// One that can be told from zeros.
    pub fn sample() -> Self {
        Engine {
            tick: 7,
            rpm: 880.5,
            gear: Gear::First,
            armed: true,
            port: NonZeroU16::new(8080),
            driver: FixedStr::literal("ada"),
            load: [10, 20],
            pit: FixedOption::none(),
            laps: FixedVec::from([61, 59]),
        }
    }
}
