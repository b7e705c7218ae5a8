//! A type with every kind of part, in lists and lists of lists.

use std::num::{NonZeroI16, NonZeroU8, NonZeroU32, NonZeroU64};

use shmem_core::{FixedOption, FixedStr, FixedVec, Shared};

/// Each kind of the table in `docs/format.md`.
#[derive(Shared, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Everything {
    wide: u128,
    count: u64,
    debt: i64,
    ratio: f64,
    port: Option<NonZeroU64>,
    wheels: FixedVec<Wheel, 3>,
    spare: FixedOption<Wheel>,
    words: FixedVec<FixedStr<4>, 2>,
    moods: FixedVec<[Mood; 2], 2>,
    axles: [Wheel; 3],
    letters: [char; 2],
    name: FixedStr<8>,
    id: NonZeroU32,
    temperature: f32,
    step: NonZeroI16,
    mood: Mood,
    lamps: [[bool; 2]; 3],
    gears: [Gear; 4],
    level: Level,
    armed: bool,
    digit: NonZeroU8,
    _pad: [u8; 19],
}

#[derive(Shared, Clone, Copy, Debug)]
#[shared(version = 2)]
#[repr(C)]
struct Wheel {
    turns: u32,
    gear: Gear,
    locked: bool,
    level: Level,
    flags: [bool; 1],
}

/// With gaps.
#[derive(Shared, Clone, Copy, Debug)]
#[repr(u8)]
enum Gear {
    Neutral = 0,
    First = 1,
    Reverse = 255,
}

/// Negative, across zero, without gaps.
#[derive(Shared, Clone, Copy, Debug)]
#[repr(i8)]
enum Level {
    Low = -1,
    Middle = 0,
    High = 1,
}

#[derive(Shared, Clone, Copy, Debug)]
#[repr(i16)]
enum Mood {
    Bad = -300,
    Good = 1,
}

impl Everything {
    /// A value.
    pub(crate) fn sample() -> Self {
        let wheel = |turns| Wheel {
            turns,
            gear: Gear::First,
            locked: true,
            level: Level::Low,
            flags: [false],
        };
        Everything {
            wide: 1 << 100,
            count: 3,
            debt: -4,
            ratio: 0.5,
            port: NonZeroU64::new(80),
            wheels: FixedVec::from([wheel(1), wheel(2)]),
            spare: FixedOption::some(wheel(3)),
            words: FixedVec::from([FixedStr::literal("on"), FixedStr::literal("ß")]),
            moods: FixedVec::from([[Mood::Bad, Mood::Good]]),
            axles: [wheel(4), wheel(5), wheel(6)],
            letters: ['a', '\u{10FFFF}'],
            name: FixedStr::literal("grün"),
            id: NonZeroU32::MIN,
            temperature: -40.0,
            step: NonZeroI16::MIN,
            mood: Mood::Good,
            lamps: [[true, false]; 3],
            gears: [Gear::Neutral, Gear::First, Gear::Reverse, Gear::Neutral],
            level: Level::Middle,
            armed: true,
            digit: NonZeroU8::MAX,
            _pad: [0; 19],
        }
    }

    /// All that the level may be.
    pub(crate) fn with_level(mut self, high: bool) -> Self {
        self.level = if high { Level::High } else { Level::Low };
        self
    }
}
