//! Forks.

use crate::Case;
use crate::fork::*;

pub(super) fn add(all: &mut Vec<Case>) {
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
