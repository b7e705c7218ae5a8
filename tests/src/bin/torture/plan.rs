//! What a round is like: drawn from the seed and the round's number, or given.

use tests::Random;

use crate::value::SIZES;

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    /// This round only, again and again.
    pub(crate) round: Option<u64>,
    pub(crate) writers: Option<u32>,
    pub(crate) readers: Option<u32>,
    pub(crate) payload: Option<u32>,
    pub(crate) buffers: Option<u32>,
    pub(crate) strict: bool,
    pub(crate) json: bool,
    pub(crate) teeth: Teeth,
}

/// A fault that is made on purpose, to see that it is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Teeth {
    #[default]
    None,
    /// Writes into the current buffer, past the library.
    InPlace,
    /// Says that it has published what it has discarded.
    Lose,
    /// Publishes and does not say so.
    Unsaid,
    /// Keeps the writer lock.
    Hold,
    /// Forgets a descriptor.
    Descriptor,
    /// Forgets a read guard.
    Pin,
    /// Leaves a file.
    File,
}

impl Teeth {
    pub(crate) const ALL: [(&'static str, Teeth); 7] = [
        ("in-place", Teeth::InPlace),
        ("lose", Teeth::Lose),
        ("unsaid", Teeth::Unsaid),
        ("hold", Teeth::Hold),
        ("descriptor", Teeth::Descriptor),
        ("pin", Teeth::Pin),
        ("file", Teeth::File),
    ];
}

/// A round, in numbers that travel to its processes as words of the board.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) milliseconds: u32,
    pub(crate) writers: u32,
    pub(crate) readers: u32,
    pub(crate) publishers: u32,
    /// In bytes.
    pub(crate) payload: u32,
    pub(crate) buffers: u32,
    pub(crate) max_handles: u32,
    pub(crate) mode: u32,
    /// Whether the object is kept when nobody has it open.
    pub(crate) keep: bool,
    /// Whether the object is removed now and then.
    pub(crate) removals: bool,
    /// Of a thousand steps, how many fork.
    pub(crate) forks: u32,
    /// Of a thousand blows, how many are a SIGSTOP.
    pub(crate) stops: u32,
    /// The longest time between two blows, in microseconds.
    pub(crate) blows: u32,
    /// The longest time for which a guard is held, in microseconds.
    pub(crate) hold: u32,
    /// The longest pause of a writer, in microseconds.
    pub(crate) pause: u32,
    pub(crate) teeth: Teeth,
}

/// Mixes a round's or a life's number into a seed.
pub(crate) fn mix(seed: u64, number: u64) -> u64 {
    seed ^ (number + 1).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

impl Plan {
    /// The round `number` of a seed.
    pub(crate) fn draw(asked: &Asked, number: u64) -> Self {
        let seed = mix(asked.seed, number);
        let mut random = Random::seeded(seed);
        let mut one_of = |choices: &[u32]| {
            let last = u32::try_from(choices.len()).unwrap_or(1);
            choices[random.below(last) as usize]
        };
        let milliseconds = one_of(&[2_000, 3_000, 4_000, 6_000]);
        let writers = one_of(&[2, 2, 3, 4, 6, 8]);
        let readers = one_of(&[0, 1, 2, 3, 4, 6, 8, 12, 16]);
        let payload = one_of(&SIZES);
        let buffers = one_of(&[2, 3, 4, 4, 6, 8]);
        let publishers = one_of(&[1, 1, 2]);
        let spare = one_of(&[0, 0, 1, 4, 40]);
        let scarce = one_of(&[0, 0, 0, 1]);
        let mode = one_of(&[0o600, 0o600, 0o644]);
        let keep = one_of(&[0, 0, 1]);
        let removals = one_of(&[0, 1]);
        let forks = one_of(&[0, 2, 5, 20]);
        let stops = one_of(&[0, 50, 200]);
        let blows = one_of(&[2_000, 6_000, 12_000, 40_000]);
        let hold = one_of(&[10, 500, 5_000, 20_000]);
        let pause = one_of(&[0, 300, 3_000]);
        let writers = asked.writers.unwrap_or(writers);
        let readers = asked.readers.unwrap_or(readers);
        // One more for the inspector. Forked children want some as well, and get none where they are scarce.
        let everybody = writers + readers + publishers + 1;
        Plan {
            seed,
            milliseconds,
            writers,
            readers,
            publishers,
            payload: asked.payload.unwrap_or(payload),
            buffers: asked.buffers.unwrap_or(buffers),
            max_handles: if scarce == 1 {
                everybody / 2 + 1
            } else {
                everybody + spare
            },
            mode,
            keep: keep == 1,
            removals: removals == 1,
            forks,
            stops,
            blows,
            hold,
            pause,
            teeth: asked.teeth,
        }
    }

    pub(crate) const WORDS: usize = 17;

    pub(crate) fn to_words(self) -> [u64; Self::WORDS] {
        let teeth = Teeth::ALL
            .iter()
            .position(|(_, teeth)| *teeth == self.teeth);
        [
            self.seed,
            self.milliseconds.into(),
            self.writers.into(),
            self.readers.into(),
            self.publishers.into(),
            self.payload.into(),
            self.buffers.into(),
            self.max_handles.into(),
            self.mode.into(),
            self.keep.into(),
            self.removals.into(),
            self.forks.into(),
            self.stops.into(),
            self.blows.into(),
            self.hold.into(),
            self.pause.into(),
            teeth.map_or(0, |teeth| teeth as u64 + 1),
        ]
    }

    pub(crate) fn from_words(words: [u64; Self::WORDS]) -> Self {
        let number = |at: usize| u32::try_from(words[at]).unwrap_or(u32::MAX);
        let teeth = (number(16) as usize).checked_sub(1);
        Plan {
            seed: words[0],
            milliseconds: number(1),
            writers: number(2),
            readers: number(3),
            publishers: number(4),
            payload: number(5),
            buffers: number(6),
            max_handles: number(7),
            mode: number(8),
            keep: words[9] == 1,
            removals: words[10] == 1,
            forks: number(11),
            stops: number(12),
            blows: number(13),
            hold: number(14),
            pause: number(15),
            teeth: teeth.map_or(Teeth::None, |at| Teeth::ALL[at].1),
        }
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Plan {
            writers,
            readers,
            payload,
            buffers,
            max_handles,
            mode,
            forks,
            stops,
            blows,
            ..
        } = self;
        let life = if self.keep { "kept" } else { "while open" };
        let removed = if self.removals { ", removed" } else { "" };
        write!(
            f,
            "{writers} writers, {readers} readers, {payload} bytes in {buffers} buffers, {max_handles} handles, \
             mode {mode:o}, {life}{removed}, a blow each {blows} µs at most, {stops} ‰ stops, {forks} ‰ forks"
        )
    }
}
