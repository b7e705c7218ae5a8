//! What a search looks for, and what can differ between two of them.

pub const TORN_READ: &str = "torn read";
pub const CURRENT_CHANGED: &str = "the current buffer changed";
pub const TWO_WRITERS: &str = "two writers";
pub const TORN_COPY: &str = "torn copy";
pub const OTHER_COPY: &str = "a copy of another version";
pub const LOST_UPDATE: &str = "published over a successor";
pub const REMOVED_LOST: &str = "REMOVED was erased";
pub const DEAD_LOOKS_ALIVE: &str = "a dead owner looks alive";
pub const RECOVERED_WRONG: &str = "recovered is wrong";
pub const BLOCKED_BY_DEAD: &str = "blocked by the dead";
pub const FOREIGN_UNLOCK: &str = "released another's lock";
pub const STRAY_PIN: &str = "a pin that nobody holds";
pub const LOCK_LOST: &str = "nobody can ever write";

/// What differs from the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    None,
    /// A reader does not look again after it has pinned.
    NoRecheck,
    /// It looks again, but before it pins.
    LookThenPin,
    /// Copies are accepted by a sequence number that is even and unchanged, in place of stamps.
    ParitySequence,
    /// The stamp keeps the old version while the buffer is written.
    NoStampZeroing,
    /// The next owner of a row has the same generation.
    NoGeneration,
    /// The row's byte is taken before its generation changes.
    ByteBeforeGeneration,
    /// The pins of dead rows count.
    CountTheDead,
    /// Liveness is asked before the pin is read. That does no harm: a reader that joins after it was asked
    /// finds the current buffer, which is not the one that the writer is about to choose.
    ProbeBeforePin,
    /// A writer zeroes the pins of a dead row, without holding the row's byte.
    ZeroWithoutByte,
    /// The high water rises after the first pin.
    HighWaterAfterPin,
    /// A joiner does not zero the pins that it finds.
    PinsNotZeroed,
    /// A handle that leaves drops its byte before it zeroes its pins.
    ByteBeforePins,
    /// `current` is stored and not exchanged.
    PublishByStore,
    /// The exchange forgets a removal.
    CommitErasesRemoved,
    /// The lock is given back before the version is published.
    UnlockBeforePublish,
    /// The lock is taken over by a store.
    TakeOverByStore,
    /// The lock is given back by a store.
    UnlockByStore,
    /// `writing` keeps its value when a change is discarded.
    WritingNotCleared,
    /// The change is noted in `writing` after its first byte.
    TouchAfterWrite,
    /// Who opens an object that nobody has open leaves the lock of the dead as it is.
    NoOrphan,
}

#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    pub mutation: Mutation,
    pub processes: u8,
    /// Bit p: process p reads under guards.
    pub readers: u8,
    /// Bit p: process p writes.
    pub writers: u8,
    /// How many processes have joined when the story begins.
    pub joined: u8,
    pub rows: u8,
    pub buffers: u8,
    /// Whether somebody copies out.
    pub copies: bool,
    /// Whether changes are discarded, and guards forgotten.
    pub discards: bool,
    pub kills: u8,
    pub writes: u8,
    pub joins: u8,
    pub closes: u8,
    pub removals: u8,
    /// How many processes lose their liveness while they run on. What such a process overwrites nobody can
    /// promise; but it does not publish.
    pub taken_for_dead: u8,
    /// Everybody dies at once, and the generations in the file are older than the lock word beside them.
    pub power_cuts: u8,
}

pub const BASE: Snapshot = Snapshot {
    mutation: Mutation::None,
    processes: 2,
    readers: 0b10,
    writers: 0b01,
    joined: 2,
    rows: 2,
    buffers: 2,
    copies: false,
    discards: false,
    kills: 0,
    writes: 3,
    joins: 0,
    closes: 0,
    removals: 0,
    taken_for_dead: 0,
    power_cuts: 0,
};
