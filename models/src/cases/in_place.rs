//! An array that is changed in place.

use crate::Case;
use crate::in_place::*;

pub(super) fn add(all: &mut Vec<Case>) {
    let case = |variant, expected, model: InPlace| Case::new("in place", variant, expected, model);
    let large = |reads| InPlace { reads, ..BASE };
    let of = |reads| InPlace {
        changes: 2,
        ..large(reads)
    };
    let mutated = |mutation, reads| InPlace {
        mutation,
        ..large(reads)
    };
    use Mutation::{
        CountTheDead, DirtyAfterItem, NoItemStamp, NoLook, NoRecheck, NoRollForward, NoSecondLook,
        NoWholeStamp, PoisonedOnce, RecordAfterDirty, RecordNotReset, RecordOutlivesWhole,
        RolledUnderStamp, ScanThenDrain, UnpublishedWhole,
    };
    all.extend([
        case("a reader with a guard", None, of(Reads::Guard)).reaching(&[
            "a lock is taken over",
            "a record is rolled forward",
            "a reader goes on past a dead writer",
            "a reader is told that it is poisoned",
        ]),
        case("a reader of one item", None, of(Reads::Item)),
        case(
            "a reader of one item, one stripe",
            None,
            InPlace {
                one_stripe: true,
                ..of(Reads::Item)
            },
        ),
        case("a reader of all items", None, of(Reads::All)),
        case(
            "record not reset: harmless",
            None,
            InPlace {
                mutation: RecordNotReset,
                ..of(Reads::Item)
            },
        ),
        case("a guard, three changes", None, large(Reads::Guard)).full(),
        case("one item, three changes", None, large(Reads::Item)).full(),
        case("all items, three changes", None, large(Reads::All)).full(),
        case(
            "scan, then drain",
            Some(TORN_READ),
            mutated(ScanThenDrain, Reads::Guard),
        ),
        case(
            "no look after the pin, in place",
            Some(TORN_READ),
            mutated(NoLook, Reads::Guard),
        ),
        case(
            "no second look at the word",
            Some(TORN_READ),
            mutated(NoSecondLook, Reads::Guard),
        ),
        case(
            "pins of dead readers count",
            Some(HANGS),
            mutated(CountTheDead, Reads::Guard),
        ),
        case(
            "DIRTY after the item",
            Some(TORN_READ),
            mutated(DirtyAfterItem, Reads::Guard),
        ),
        case(
            "record after DIRTY",
            Some(POISONED_BY_ITEM),
            mutated(RecordAfterDirty, Reads::Guard),
        ),
        case(
            "no roll-forward",
            Some(POISONED_BY_ITEM),
            mutated(NoRollForward, Reads::Guard),
        ),
        case(
            "poisoned once, poisoned still",
            Some(POISONED_BY_ITEM),
            mutated(PoisonedOnce, Reads::Guard),
        ),
        case(
            "record outlives a change of the whole",
            Some(WRONG_VERSION),
            mutated(RecordOutlivesWhole, Reads::Guard),
        ),
        case(
            "no stamp of the item",
            Some(TORN_ITEM),
            mutated(NoItemStamp, Reads::Item),
        ),
        case(
            "no stamp of the whole",
            Some(TORN_ITEM),
            mutated(NoWholeStamp, Reads::Item),
        ),
        case(
            "stamps of the item not looked at again",
            Some(TORN_ITEM),
            mutated(NoRecheck, Reads::Item),
        ),
        case(
            "a whole that was not published",
            Some(NEVER_PUBLISHED),
            mutated(UnpublishedWhole, Reads::Item),
        ),
        case(
            "rolled forward under the array's stamp",
            Some(TORN_COPY),
            mutated(RolledUnderStamp, Reads::All),
        ),
        case(
            "the array's stamp not looked at again",
            Some(TORN_COPY),
            mutated(NoRecheck, Reads::All),
        ),
    ]);
}
