//! An array of two items, changed in place: one at a time by a record, or both together.
//!
//! Two writers, each of which may be killed before every step and is followed by another; and a reader, of one of
//! three kinds: with a guard, of one item by its stamps, of all items by the stamp of the array. An item has two
//! halves, which are written and read one after the other. Whatever is published is checked against what should
//! have been; what a reader accepts, against the versions that there were.
//!
//! | Step | Function, in `shmem-core/src` |
//! |------|-------------------------------|
//! | lock, take over | `hold` in `writing.rs`, `acquire` in `lock.rs` |
//! | drain | `drain` in `in_place.rs` |
//! | scan | `is_drained` in `in_place.rs` |
//! | look for a record, mend | `begin_in_place` in `writing.rs`; `pending`, `mend` in `elements.rs` |
//! | record | `record` in `elements.rs`, called by `put` in `write_guard.rs` |
//! | begin the whole | `begin_whole` in `elements.rs`, called by `touch` in `write_guard.rs` |
//! | DIRTY, stamp of the array | `soil` in `in_place.rs` |
//! | stamp of the item, copy, stamp | `apply` in `elements.rs` |
//! | end the whole | `end_whole` in `elements.rs`, called by `publish` in `write_guard.rs` |
//! | publish | `publish` in `cell.rs` |
//! | let in | `let_readers_in` in `in_place.rs` |
//! | pin, look | `pin` in `cell.rs` |
//! | who lives, look again | `admission` in `in_place.rs` |
//! | poisoned | `unpoison` in `object.rs` |
//! | stamps, copy, stamps again | `stamps`, `still_hold` in `elements.rs` |
//! | copy all | `copy_part` in `items.rs` |

use crate::search::{Model, Steps};

mod read;
mod write;

pub const TORN_READ: &str = "torn read";
pub const TORN_ITEM: &str = "torn item";
pub const NEVER_PUBLISHED: &str = "an item that was never published";
pub const TORN_COPY: &str = "torn copy";
pub const WRONG_VERSION: &str = "published something else";
pub const POISONED_BY_ITEM: &str = "poisoned by an item";
pub const HANGS: &str = "hangs behind the dead";

/// What differs from the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    None,
    /// The pins are scanned before the array is drained.
    ScanThenDrain,
    /// A reader does not look once it has pinned.
    NoLook,
    /// Nor again once it has asked who lives.
    NoSecondLook,
    /// The pins of the dead count.
    CountTheDead,
    /// The array is said to be half-written after the item has changed.
    DirtyAfterItem,
    /// The record is filled when that was said.
    RecordAfterDirty,
    /// The record is not looked for.
    NoRollForward,
    /// A change of the whole leaves the record of an item as it is.
    RecordOutlivesWhole,
    /// The item's stamp holds while it changes.
    NoItemStamp,
    /// The stamp of the whole holds while that changes.
    NoWholeStamp,
    /// The array's stamp holds while a record is copied.
    RolledUnderStamp,
    /// The stamps are not looked at again.
    NoRecheck,
    /// A stamp of the whole that is newer than the array will do.
    UnpublishedWhole,
    /// A reader believes that the array is poisoned since it was, and does not look whether somebody has published.
    PoisonedOnce,
    /// A record begins while an older one is still said to be complete. That does no harm: it counts only beside
    /// DIRTY, which comes after the new one is complete.
    RecordNotReset,
}

/// What the reader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    Guard,
    Item,
    All,
}

#[derive(Clone, Copy, Debug)]
pub struct InPlace {
    pub mutation: Mutation,
    pub reads: Reads,
    /// Whether both items share a stripe.
    pub one_stripe: bool,
    pub changes: u8,
    pub kills: u8,
    pub looks: u8,
}

pub const BASE: InPlace = InPlace {
    mutation: Mutation::None,
    reads: Reads::Guard,
    one_stripe: false,
    changes: 3,
    kills: 2,
    looks: 2,
};

/// More versions than there can be.
const VERSIONS: usize = 8;
/// Of a stripe while one of its items changes.
const CHANGING: u8 = u8::MAX;

/// Both halves of both items.
type Items = [[u8; 2]; 2];

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Current {
    version: u8,
    draining: bool,
    dirty: bool,
}

/// What a writer is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Change {
    /// Nothing: it drops its guard.
    Nothing,
    First,
    Second,
    Whole,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum At {
    Idle,
    Lock,
    Drain,
    Scan,
    LookForRecord,
    Reset,
    Record(u8),
    Complete,
    BeginState,
    BeginWhole,
    Dirty,
    Stamp,
    /// Of the item that is in the record.
    ItemStamp,
    ArrayStamp,
    Apply(u8),
    Applied,
    WriteWhole(u8),
    EndWhole,
    PublishStamp,
    Publish,
    LetIn,
    Unlock,
}

#[derive(Clone, Copy, Hash)]
struct Writer {
    at: At,
    change: Change,
    seen: Current,
    /// What it writes.
    value: u8,
    /// Whether it copies a dead writer's record.
    rolling: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Look {
    Idle,
    Pin,
    Current,
    Owner,
    Recheck(bool),
    Unpoison,
    Unpin,
    Read(u8),
    Stamps,
    CopyItem(u8),
    StampsAgain,
    ArrayStamp,
    CopyAll(u8),
    ArrayStampAgain,
}

#[derive(Clone, Copy, Hash)]
struct Reader {
    at: Look,
    looks: u8,
    pinned: bool,
    /// What it saw when it pinned for the first time, and last.
    first: u8,
    seen: Current,
    stamps: [u8; 2],
    copy: Items,
    /// The newest that it has copied of the item.
    newest: u8,
}

#[derive(Clone, Copy, Hash)]
pub struct State {
    current: Current,
    /// Who has the lock, from 1, and whether that one is dead.
    owner: u8,
    owner_dead: bool,
    /// Whether a dead reader's pin is still there.
    dead_pin: bool,
    stamp: u8,
    whole: u8,
    stripes: [u8; 2],
    state: u8,
    index: u8,
    record: [u8; 2],
    items: Items,
    writers: [Writer; 2],
    reader: Reader,
    /// What each version is, as it should be.
    history: [[u8; 2]; VERSIONS],
    /// The value of an item that was recorded, and will be published.
    recorded: u8,
    /// Somebody has begun to change the whole since the last version.
    spoilt: bool,
    values: u8,
    changes: u8,
    kills: u8,
}

impl InPlace {
    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    fn stripe(&self, index: u8) -> usize {
        usize::from(index) * usize::from(!self.one_stripe)
    }
}

impl Model for InPlace {
    type State = State;

    fn start(&self) -> State {
        let seen = Current {
            version: 1,
            draining: false,
            dirty: false,
        };
        let writer = Writer {
            at: At::Idle,
            change: Change::Nothing,
            seen,
            value: 0,
            rolling: false,
        };
        State {
            current: seen,
            owner: 0,
            owner_dead: false,
            dead_pin: false,
            stamp: 1,
            whole: 1,
            stripes: [0; 2],
            state: 0,
            index: 0,
            record: [0; 2],
            items: [[1; 2]; 2],
            writers: [writer; 2],
            reader: Reader {
                at: Look::Idle,
                looks: self.looks,
                pinned: false,
                first: 0,
                seen,
                stamps: [0; 2],
                copy: [[0; 2]; 2],
                newest: 0,
            },
            history: [[1; 2]; VERSIONS],
            recorded: 0,
            spoilt: false,
            values: 1,
            changes: self.changes,
            kills: self.kills,
        }
    }

    fn steps(&self, s: &State, out: &mut Steps<State>) {
        for index in 0..2 {
            self.write(s, index, out);
        }
        self.read(s, out);
    }

    fn at_rest(&self, s: &State) -> Option<&'static str> {
        let waits = s.writers.iter().any(|writer| writer.at != At::Idle);
        (waits || s.reader.at != Look::Idle).then_some(HANGS)
    }
}
