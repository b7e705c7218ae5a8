//! Which models are searched, in which variants, and what has to come of it.

use crate::Case;
use crate::life;
use crate::life::Life;
use crate::snapshot::*;

pub(crate) fn all() -> Vec<Case> {
    let mut all = Vec::new();
    snapshot(&mut all);
    weak(&mut all);
    wait(&mut all);
    life(&mut all);
    fork(&mut all);
    all.sort_by_key(|case| case.full);
    all
}

fn snapshot(all: &mut Vec<Case>) {
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

fn life(all: &mut Vec<Case>) {
    use life::{
        CORPSE, HANGS, LEFT_BEHIND, LOST_NAME, Mutation, NAME_TAKEN, OPENED_REMOVED, TWO_LIVE,
    };
    let clean = |variant, model: Life| Case::new("life", variant, None, model);
    let caught = |variant, property, mutation, model: Life| {
        let model = Life { mutation, ..model };
        Case::new("life", variant, Some(property), model)
    };
    let quiet = Life {
        mutation: Mutation::None,
        processes: 3,
        operations: 4,
        kills: 0,
        stops: 0,
        impatient: false,
    };
    let kills = Life { kills: 1, ..quiet };
    let stops = Life { stops: 1, ..quiet };
    let impatient = Life {
        impatient: true,
        ..kills
    };
    all.extend([
        clean("no faults", quiet).reaching(&[
            "the last one out retires it",
            "the name led elsewhere by the time MEMBER was held",
            "the name was taken meanwhile",
            "a second handle joins",
        ]),
        clean("kills", kills)
            .reaching(&["a leftover is swept", "a leftover is retired by who opens"]),
        clean("stops", stops).reaching(&["somebody gives up on MEMBER"]),
        clean("impatient", impatient).reaching(&["somebody gives up on MEMBER"]),
        clean(
            "kills, stops",
            Life {
                kills: 2,
                stops: 1,
                ..quiet
            },
        )
        .full(),
        clean(
            "five operations",
            Life {
                operations: 5,
                ..kills
            },
        )
        .full(),
    ]);
    all.extend([
        caught(
            "remove without MEMBER",
            LOST_NAME,
            Mutation::RemoveWithoutMember,
            quiet,
        ),
        caught(
            "close without MEMBER",
            LOST_NAME,
            Mutation::CloseWithoutMember,
            quiet,
        ),
        caught(
            "compare without MEMBER",
            LOST_NAME,
            Mutation::CompareWithoutMember,
            quiet,
        ),
        caught("no compare", LOST_NAME, Mutation::NoCompare, quiet),
        caught(
            "close looks before it drops its byte",
            LEFT_BEHIND,
            Mutation::CloseLooksFirst,
            quiet,
        ),
        caught(
            "sweep trusts its first look",
            LOST_NAME,
            Mutation::SweepTrustsFirstLook,
            kills,
        ),
        caught(
            "join trusts its first look",
            CORPSE,
            Mutation::JoinTrustsFirstLook,
            kills,
        ),
        caught(
            "link before the byte",
            LOST_NAME,
            Mutation::LinkBeforeByte,
            quiet,
        ),
        caught(
            "never give up on MEMBER",
            HANGS,
            Mutation::NeverGiveUp,
            stops,
        ),
        caught(
            "a mark without unlink is ignored",
            OPENED_REMOVED,
            Mutation::MarkIgnored,
            kills,
        ),
        caught(
            "named before it is complete",
            NAME_TAKEN,
            Mutation::CreateInPlace,
            kills,
        ),
        caught("named by rename", TWO_LIVE, Mutation::LinkByRename, quiet),
    ]);
}

fn weak(all: &mut Vec<Case>) {
    use crate::weak::{BASE, MISSED, TORN_COPY, TORN_READ, Weak};
    let case = |variant, expected, model: Weak| Case::new("weak", variant, expected, model);
    let read = Weak {
        reads: true,
        ..BASE
    };
    let copy = Weak {
        copies: true,
        ..BASE
    };
    let wait = Weak {
        waits: true,
        publications: 1,
        ..BASE
    };
    let both = Weak {
        weak_pin: true,
        weak_publish: true,
        ..read
    };
    all.extend([
        case("pin and publish in one order", None, read)
            .reaching(&["the reader lets go", "the other buffer is pinned"]),
        case(
            "weak pin",
            Some(TORN_READ),
            Weak {
                weak_pin: true,
                ..read
            },
        ),
        case(
            "weak publish",
            Some(TORN_READ),
            Weak {
                weak_publish: true,
                ..read
            },
        ),
        case("weak pin and publish", Some(TORN_READ), both),
        case("copies", None, copy).reaching(&["a copy is accepted", "a copy is thrown away"]),
        case(
            "copies, weak publish",
            None,
            Weak {
                weak_publish: true,
                ..copy
            },
        ),
        case(
            "no fence after the stamp",
            Some(TORN_COPY),
            Weak {
                no_fence_after_stamp: true,
                ..copy
            },
        ),
        case(
            "no fence before the copy",
            Some(TORN_COPY),
            Weak {
                no_fence_before_copy: true,
                ..copy
            },
        ),
        case(
            "no fence after the copy",
            Some(TORN_COPY),
            Weak {
                no_fence_after_copy: true,
                ..copy
            },
        ),
        case("flag and publish in one order", None, wait),
        case(
            "weak flag: the kernel looks again",
            None,
            Weak {
                weak_flag: true,
                ..wait
            },
        ),
        case(
            "weak publish beside the flag",
            Some(MISSED),
            Weak {
                weak_publish: true,
                ..wait
            },
        ),
    ]);
}

fn wait(all: &mut Vec<Case>) {
    use crate::wait::{BASE, COUNT_DRIFTED, Mutation, SLEEPS, Wait};
    let case = |variant, expected, model: Wait| Case::new("wait", variant, expected, model);
    let slices = Wait {
        publications: 2,
        slices: true,
        publisher_kills: 1,
        removals: 1,
        interrupts: 1,
        swept: true,
        ..BASE
    };
    let removal = Wait {
        removals: 1,
        ..BASE
    };
    let mutated = |mutation, model: Wait| Wait { mutation, ..model };
    all.extend([
        case("wake-ups alone", None, removal).reaching(&[
            "a waiter finds news",
            "a waiter looks again, with success",
            "the kernel finds another value",
        ]),
        case("slices, and all that can go wrong", None, slices),
        case(
            "slices, and the half wraps",
            None,
            Wait { half: 2, ..slices },
        ),
        case(
            "always wake, no flag",
            None,
            Wait {
                always: true,
                ..removal
            },
        ),
        case(
            "no look after the flag: harmless",
            None,
            mutated(Mutation::NoLookAgain, removal),
        ),
        // What slices are for.
        case(
            "no slices, publisher killed",
            Some(SLEEPS),
            Wait {
                publisher_kills: 1,
                ..BASE
            },
        ),
        case(
            "no slices, the half wraps",
            Some(SLEEPS),
            Wait { half: 2, ..BASE },
        ),
        case(
            "no slices, interrupted",
            Some(SLEEPS),
            Wait {
                interrupts: 1,
                ..BASE
            },
        ),
        case(
            "no slices, name swept away",
            Some(SLEEPS),
            Wait {
                swept: true,
                ..BASE
            },
        ),
        case(
            "flag cleared after publishing",
            Some(SLEEPS),
            mutated(Mutation::ClearAfterPublish, BASE),
        ),
        case(
            "flag cleared after the wake",
            Some(SLEEPS),
            mutated(Mutation::ClearAfterWake, BASE),
        ),
        case(
            "count in place of a flag",
            Some(COUNT_DRIFTED),
            mutated(Mutation::Count, BASE),
        ),
        case(
            "REMOVED in a word of its own",
            Some(SLEEPS),
            mutated(Mutation::RemovedElsewhere, removal),
        ),
        case(
            "wake before publish",
            Some(SLEEPS),
            mutated(Mutation::WakeBeforePublish, BASE),
        ),
    ]);
}

fn fork(all: &mut Vec<Case>) {
    use crate::fork::*;
    let code = Fork {
        mutation: Mutation::None,
        bare: false,
        child_opens: false,
    };
    let case = |variant, expected, model: Fork| Case::new("fork", variant, expected, model);
    let caught = |variant, property, mutation| {
        Case::new("fork", variant, Some(property), Fork { mutation, ..code })
    };
    let bare = Fork { bare: true, ..code };
    all.extend([
        case("fork", None, code)
            .reaching(&["a child closes what it inherited", "the lock is taken over"]),
        case(
            "bare clone, the child opens",
            None,
            Fork {
                child_opens: true,
                ..bare
            },
        ),
        case(
            "bare clone, the child does not",
            Some(DEAD_LOOKS_ALIVE),
            bare,
        ),
        caught(
            "child keeps the descriptor",
            DEAD_LOOKS_ALIVE,
            Mutation::ChildKeeps,
        ),
        caught("child unlocks", LIVE_LOOKS_DEAD, Mutation::ChildUnlocks),
        caught(
            "anchor inherited",
            DEAD_LOOKS_ALIVE,
            Mutation::AnchorInherited,
        ),
        caught("no anchor", LIVE_LOOKS_DEAD, Mutation::NoAnchor),
        caught(
            "closes whatever has the number",
            OWN_FILE_CLOSED,
            Mutation::CloseUnchecked,
        ),
        caught(
            "forks while a handle opens",
            DEAD_LOOKS_ALIVE,
            Mutation::TableNotLocked,
        ),
        caught(
            "child drops the parent's guard",
            TWO_WRITERS,
            Mutation::ChildDropsGuards,
        ),
        caught(
            "child writes as the parent",
            LOCK_LEFT,
            Mutation::ChildWrites,
        ),
        caught(
            "parent closes without unlock",
            DEAD_LOOKS_ALIVE,
            Mutation::CloseWithoutUnlock,
        ),
    ]);
}
