//! The snapshot protocol: what is searched, and what each mutation breaks.

use crate::Case;
use crate::snapshot::*;

pub(super) fn add(all: &mut Vec<Case>) {
    let clean = |variant, model: Snapshot| Case::new("snapshot", variant, None, model);
    let caught = |variant, property, mutation, model: Snapshot| {
        let model = Snapshot { mutation, ..model };
        Case::new("snapshot", variant, Some(property), model)
    };

    // Two processes that read and write, are killed, and come back in whatever row is free.
    let guards = Snapshot {
        readers: 0b11,
        writers: 0b11,
        kills: 2,
        joins: 2,
        ..BASE
    };
    // Two writers, and somebody who copies out.
    let copies = Snapshot {
        readers: 0,
        writers: 0b11,
        copies: true,
        kills: 2,
        joins: 2,
        writes: 4,
        ..BASE
    };
    // Changes that are discarded, guards that are forgotten, handles that close.
    let endings = Snapshot {
        readers: 0,
        writers: 0b11,
        discards: true,
        kills: 2,
        joins: 2,
        closes: 2,
        ..BASE
    };
    // Readers come, pin, die, and others take their rows.
    let rows = Snapshot {
        processes: 3,
        readers: 0b110,
        writers: 0b001,
        joined: 1,
        rows: 3,
        kills: 2,
        joins: 3,
        closes: 1,
        ..BASE
    };
    let removal = Snapshot {
        removals: 1,
        kills: 1,
        joins: 1,
        readers: 0b01,
        writers: 0b11,
        ..BASE
    };
    // The lock alone.
    let locks = Snapshot {
        processes: 3,
        readers: 0,
        writers: 0b111,
        joined: 3,
        rows: 3,
        kills: 2,
        joins: 2,
        ..BASE
    };
    let three_buffers = Snapshot {
        buffers: 3,
        readers: 0b10,
        writers: 0b11,
        copies: true,
        kills: 1,
        joins: 1,
        writes: 4,
        ..BASE
    };
    let power_cut = Snapshot {
        power_cuts: 1,
        joins: 3,
        readers: 0,
        writers: 0b11,
        ..BASE
    };
    let taken_for_dead = Snapshot {
        readers: 0,
        writers: 0b11,
        taken_for_dead: 1,
        kills: 1,
        joins: 1,
        ..BASE
    };
    all.extend([
        clean("guards", guards).reaching(&[
            "a reader lets go and starts over",
            "the lock is taken over",
            "a dead row's pin is ignored",
            "every other buffer is pinned",
            "a lost change is reported",
            "a handle joins",
            "a lock is orphaned",
        ]),
        clean("copies", copies).reaching(&["a copy is accepted", "a copy is thrown away"]),
        clean("endings", endings)
            .reaching(&["a change is discarded", "a forgotten guard is closed"]),
        clean("rows", rows).reaching(&["a handle joins", "a dead row's pin is ignored"]),
        clean("removal", removal).reaching(&["published after a removal"]),
        clean("locks", locks).reaching(&["the lock is taken over"]),
        clean("three buffers", three_buffers).reaching(&["every other buffer is pinned"]),
        clean("power cut", power_cut).reaching(&["a lock is orphaned"]),
        clean("taken for dead", taken_for_dead).reaching(&["publishing is refused"]),
        clean(
            "liveness before the pin: harmless",
            Snapshot {
                mutation: Mutation::ProbeBeforePin,
                kills: 1,
                ..rows
            },
        ),
    ]);
    all.extend([
        clean(
            "guards, copies",
            Snapshot {
                copies: true,
                ..guards
            },
        )
        .full(),
        clean(
            "endings, more",
            Snapshot {
                readers: 0b01,
                ..endings
            },
        )
        .full(),
        clean(
            "rows, two writers",
            Snapshot {
                writers: 0b011,
                ..rows
            },
        )
        .full(),
        clean(
            "three buffers, more",
            Snapshot {
                kills: 2,
                joins: 2,
                ..three_buffers
            },
        )
        .full(),
        clean(
            "locks, more",
            Snapshot {
                kills: 3,
                joins: 3,
                writes: 4,
                ..locks
            },
        )
        .full(),
    ]);
    all.extend([
        caught(
            "no look after the pin",
            TORN_READ,
            Mutation::NoRecheck,
            guards,
        ),
        caught("look, then pin", TORN_READ, Mutation::LookThenPin, guards),
        caught(
            "parity in place of stamps",
            TORN_COPY,
            Mutation::ParitySequence,
            copies,
        ),
        caught(
            "stamp not zeroed",
            TORN_COPY,
            Mutation::NoStampZeroing,
            copies,
        ),
        caught(
            "no generation",
            DEAD_LOOKS_ALIVE,
            Mutation::NoGeneration,
            guards,
        ),
        caught(
            "byte before generation",
            DEAD_LOOKS_ALIVE,
            Mutation::ByteBeforeGeneration,
            guards,
        ),
        caught(
            "pins of the dead count",
            BLOCKED_BY_DEAD,
            Mutation::CountTheDead,
            guards,
        ),
        caught(
            "pins not zeroed by the next owner",
            STRAY_PIN,
            Mutation::PinsNotZeroed,
            rows,
        ),
        caught(
            "dead pins zeroed without the byte",
            TORN_READ,
            Mutation::ZeroWithoutByte,
            rows,
        ),
        caught(
            "high water after the first pin",
            TORN_READ,
            Mutation::HighWaterAfterPin,
            rows,
        ),
        caught(
            "byte dropped before the pins",
            TORN_READ,
            Mutation::ByteBeforePins,
            rows,
        ),
        caught(
            "publish by a plain store",
            REMOVED_LOST,
            Mutation::PublishByStore,
            removal,
        ),
        caught(
            "plain store of one taken for dead",
            LOST_UPDATE,
            Mutation::PublishByStore,
            taken_for_dead,
        ),
        caught(
            "commit erases REMOVED",
            REMOVED_LOST,
            Mutation::CommitErasesRemoved,
            removal,
        ),
        caught(
            "unlock before publish",
            CURRENT_CHANGED,
            Mutation::UnlockBeforePublish,
            copies,
        ),
        caught(
            "take-over by a store",
            TWO_WRITERS,
            Mutation::TakeOverByStore,
            locks,
        ),
        caught(
            "unlock by a store",
            FOREIGN_UNLOCK,
            Mutation::UnlockByStore,
            taken_for_dead,
        ),
        caught(
            "lock not orphaned, power cut",
            DEAD_LOOKS_ALIVE,
            Mutation::NoOrphan,
            power_cut,
        ),
        caught(
            "`writing` kept on discard",
            RECOVERED_WRONG,
            Mutation::WritingNotCleared,
            endings,
        ),
        caught(
            "`writing` set after the change",
            RECOVERED_WRONG,
            Mutation::TouchAfterWrite,
            endings,
        ),
    ]);
}
