//! Weak memory.

use crate::Case;
use crate::weak::*;

pub(super) fn add(all: &mut Vec<Case>) {
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
