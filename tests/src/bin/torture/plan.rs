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
    pub(crate) kind: Option<Kind>,
    /// Files only, or names only.
    pub(crate) file: Option<bool>,
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
    /// Writes into an item of an array, past the library.
    Item,
    /// Says that it has published an item and has not.
    LoseItem,
}

impl Teeth {
    pub(crate) const ALL: [(&'static str, Teeth); 9] = [
        ("in-place", Teeth::InPlace),
        ("lose", Teeth::Lose),
        ("unsaid", Teeth::Unsaid),
        ("hold", Teeth::Hold),
        ("descriptor", Teeth::Descriptor),
        ("pin", Teeth::Pin),
        ("file", Teeth::File),
        ("item", Teeth::Item),
        ("lose-item", Teeth::LoseItem),
    ];

    /// Whether it is made in rounds of arrays, and not in those of values in copies.
    fn of_items(self) -> bool {
        matches!(self, Teeth::Item | Teeth::LoseItem)
    }
}

/// What the object of a round holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A value in several buffers.
    #[default]
    Copies,
    /// A value that is changed in place.
    InPlace,
    /// An array of them.
    Array,
}

impl Kind {
    pub(crate) const ALL: [(&'static str, Kind); 3] = [
        ("copies", Kind::Copies),
        ("in-place", Kind::InPlace),
        ("array", Kind::Array),
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
    pub(crate) kind: Kind,
    /// Whether the object is a file at a path, which is flushed now and then.
    pub(crate) file: bool,
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
        let kind = one_of(&[0, 0, 1, 2]);
        let file = one_of(&[0, 0, 1]);
        let kind = match asked.teeth {
            Teeth::None => asked.kind.unwrap_or(Kind::ALL[kind as usize].1),
            teeth if teeth.of_items() => Kind::Array,
            _ => Kind::Copies,
        };
        let file = asked.teeth == Teeth::None && asked.file.unwrap_or(file == 1);
        let payload = asked.payload.unwrap_or(payload);
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
            // An array has many items.
            payload: match kind {
                Kind::Array => payload.min(4_096),
                _ => payload,
            },
            buffers: asked.buffers.unwrap_or(buffers),
            max_handles: if scarce == 1 {
                everybody / 2 + 1
            } else {
                everybody + spare
            },
            mode,
            keep: keep == 1 || file,
            removals: removals == 1,
            forks,
            stops,
            blows,
            hold,
            pause,
            kind,
            file,
            teeth: asked.teeth,
        }
    }

    pub(crate) const WORDS: usize = 19;

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
            self.kind as u64,
            self.file.into(),
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
            kind: Kind::ALL[number(17) as usize % Kind::ALL.len()].1,
            file: words[18] == 1,
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
            kind,
            file,
            ..
        } = self;
        let what = match kind {
            Kind::Copies => format!("{payload} bytes in {buffers} buffers"),
            Kind::InPlace => format!("{payload} bytes in place"),
            Kind::Array => format!("items of {payload} bytes"),
        };
        let what = if *file { what + " of a file" } else { what };
        let life = if self.keep { "kept" } else { "while open" };
        let removed = if self.removals { ", removed" } else { "" };
        write!(
            f,
            "{writers} writers, {readers} readers, {what}, {max_handles} handles, \
             mode {mode:o}, {life}{removed}, a blow each {blows} µs at most, {stops} ‰ stops, {forks} ‰ forks"
        )
    }
}
