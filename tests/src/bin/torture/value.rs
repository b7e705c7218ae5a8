//! A value that says who wrote it, as which version of which object, and whether it is whole.

use shmem_core::Shared;

/// Every word follows from `mark`: a mixture of two versions shows.
#[derive(Shared, Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Value<const WORDS: usize> {
    mark: u64,
    words: [u64; WORDS],
}

/// What a value was made from.
///
/// | Bits | Meaning |
/// |-----:|---------|
/// | 0–31 | the version that it is to become, or a number of its own if that cannot be known |
/// | 32 | 1 if all items of an array become it |
/// | 33 | 1 if it is a number of its own |
/// | 34–49 | the life that wrote it |
/// | 50–63 | the object's incarnation |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

const LIFE: u32 = 34;
const INCARNATION: u32 = 50;
const BLIND: u64 = 1 << 33;
const WHOLE: u64 = 1 << 32;
const NUMBER: u64 = WHOLE - 1;

impl Mark {
    /// Of a value that becomes that version.
    pub(crate) fn new(incarnation: u16, version: u64, life: u16) -> Self {
        let who = u64::from(incarnation) << INCARNATION | u64::from(life) << LIFE;
        Mark(who | version & NUMBER)
    }

    /// Of an item that becomes that version together with all others.
    pub(crate) fn of_all(incarnation: u16, version: u64, life: u16) -> Self {
        Mark(Mark::new(incarnation, version, life).0 | WHOLE)
    }

    /// Whether all items became it.
    pub(crate) fn is_of_all(self) -> bool {
        self.0 & WHOLE != 0
    }

    /// Of a value that is stored without having seen its predecessor.
    pub(crate) fn blind(incarnation: u16, number: u32, life: u16) -> Self {
        Mark(Mark::new(incarnation, number.into(), life).0 | BLIND)
    }

    /// Which object the value is for, counted over those that were created.
    pub(crate) fn incarnation(self) -> u16 {
        u16::try_from(self.0 >> INCARNATION).unwrap_or(0)
    }

    /// The process that wrote it.
    pub(crate) fn life(self) -> u16 {
        u16::try_from(self.0 >> LIFE & 0xFFFF).unwrap_or(0)
    }

    /// The version that it became, if its writer knew.
    pub(crate) fn version(self) -> Option<u64> {
        (self.0 & BLIND == 0).then_some(self.0 & NUMBER)
    }

    /// What the words of a value are made of: a start and an odd step.
    fn sequence(self) -> (u64, u64) {
        let start = (self.0 ^ self.0 >> 29).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (start, (start ^ start >> 32).wrapping_mul(2) | 1)
    }
}

impl<const WORDS: usize> Value<WORDS> {
    /// To be overwritten.
    pub(crate) fn nothing() -> Self {
        Value {
            mark: 0,
            words: [0; WORDS],
        }
    }

    /// A whole value.
    pub(crate) fn new(mark: Mark) -> Self {
        let mut value = Value::nothing();
        value.set(mark);
        value
    }

    /// Makes it the value of that mark, from the last word to the first.
    pub(crate) fn set(&mut self, mark: Mark) {
        self.spoil(mark, WORDS);
        self.mark = mark.0;
    }

    /// Changes the last `count` words and not the mark: what a writer killed in the middle leaves.
    pub(crate) fn spoil(&mut self, mark: Mark, count: usize) {
        let (mut word, step) = mark.sequence();
        for place in self.words.iter_mut().rev().take(count) {
            *place = word;
            word = word.wrapping_add(step);
        }
    }

    /// The mark, whatever the words are: of a value that somebody has left half-changed.
    pub(crate) fn claims(&self) -> Mark {
        Mark(self.mark)
    }

    /// The mark, if all words belong to it; else in words what does not.
    pub(crate) fn mark(&self) -> Result<Mark, String> {
        let mark = Mark(self.mark);
        let (mut word, step) = mark.sequence();
        let mut wrong = 0_usize;
        for place in self.words.iter().rev() {
            wrong += usize::from(*place != word);
            word = word.wrapping_add(step);
        }
        if mark.incarnation() == 0 || mark.life() == 0 {
            return Err(format!("{:#x} instead of a mark", self.mark));
        }
        if wrong != 0 {
            return Err(format!("{wrong} of {WORDS} words do not belong to {mark}"));
        }
        Ok(mark)
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.version() {
            Some(version) => write!(f, "version {version}")?,
            None => write!(f, "value {:#x}", self.0 & NUMBER)?,
        }
        write!(
            f,
            " of object {} by life {}",
            self.incarnation(),
            self.life()
        )
    }
}

/// Calls `$function::<WORDS>($args…)` with the type that has so many bytes.
macro_rules! with_payload {
    ($bytes:expr, $function:path, $($arg:expr),*) => {{
        use $function as function;
        match $bytes {
            8 => function::<0>($($arg),*),
            16 => function::<1>($($arg),*),
            64 => function::<7>($($arg),*),
            512 => function::<63>($($arg),*),
            520 => function::<64>($($arg),*),
            4_096 => function::<511>($($arg),*),
            65_536 => function::<8_191>($($arg),*),
            1_048_576 => function::<131_071>($($arg),*),
            other => panic!("no type of {other} bytes"),
        }
    }};
}
pub(crate) use with_payload;

/// The sizes for which there is a type, in bytes. (512 is the last that `load` copies out.)
pub(crate) const SIZES: [u32; 8] = [8, 16, 64, 512, 520, 4_096, 65_536, 1_048_576];
