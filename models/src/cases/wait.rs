//! Waiting, with slices and without.

use crate::Case;
use crate::wait::*;

pub(super) fn add(all: &mut Vec<Case>) {
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
