//! A value that tells whether it is whole.

use shmem_core::Shared;

/// Every word follows from `counter`: a mixture of two versions shows.
#[derive(Shared, Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Checked<const WORDS: usize> {
    /// What it was made from.
    pub counter: u64,
    /// Who wrote it, or what the test likes.
    pub writer: u64,
    words: [u64; WORDS],
}

/// 64 bytes.
pub type Small = Checked<6>;
/// 4 KiB.
pub type Medium = Checked<510>;
/// 1 MiB.
pub type Large = Checked<131_070>;

const _: () = assert!(size_of::<Small>() == 64);
const _: () = assert!(size_of::<Medium>() == 4096);
const _: () = assert!(size_of::<Large>() == 1 << 20);

impl<const WORDS: usize> Checked<WORDS> {
    /// A whole value; for large ones use [`set`](Self::set) in place.
    pub fn new(counter: u64) -> Self {
        let mut value = Checked {
            counter: 0,
            writer: 0,
            words: [0; WORDS],
        };
        value.set(counter);
        value
    }

    /// Makes it the value that belongs to `counter`, from the last word to the first.
    pub fn set(&mut self, counter: u64) {
        self.spoil(counter);
        self.counter = counter;
    }

    /// As [`set`](Self::set), but for the counter: what a writer killed in the middle leaves.
    pub fn spoil(&mut self, counter: u64) {
        let mut word = counter.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for place in self.words.iter_mut().rev() {
            *place = word;
            word = word.wrapping_add(counter | 1);
        }
    }

    /// All of it, as words.
    pub fn words(&self) -> Vec<u64> {
        let head = [self.counter, self.writer];
        head.into_iter().chain(self.words).collect()
    }

    /// Whether all words belong to the counter.
    pub fn is_whole(&self) -> bool {
        let mut word = self.counter.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut whole = true;
        for place in self.words.iter().rev() {
            whole &= *place == word;
            word = word.wrapping_add(self.counter | 1);
        }
        whole
    }
}
