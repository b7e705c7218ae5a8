//! The life of a name.

use crate::Case;
use crate::life::*;

pub(super) fn add(all: &mut Vec<Case>) {
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
