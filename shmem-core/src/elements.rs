//! Single items of an array, changed without copying or validating the rest.
//!
//! A writer that has the array to itself puts the new item into a record first, then says in `current` that the
//! array is half-written, then copies the item to its place. Killed before the record is complete, it has changed
//! nothing; killed later, the next writer copies the item once more and publishes it. So a change of one item
//! never poisons the array.
//!
//! Who reads one item takes no lock and pins nothing. It accepts its copy if two stamps are what they were before:
//! that of the last change of the whole array, and that of the last change of an item in the same stripe. A
//! stamp is a version, which never comes again, or says that a change is under way.
//!
//! | `state` | `DIRTY` | Meaning |
//! |---|---|---|
//! | 0 or at most the version | 0 | nothing is under way |
//! | the version + 1 | 0 | the record is complete, the item has not changed |
//! | the version + 1 | 1 | the item is to be copied from the record |
//! | 0 or at most the version | 1 | somebody changes the array as a whole, or has left it half-changed |

use std::io;

use crate::cell::Current;
use crate::control::{Control, Elements, STRIPES};
use crate::mapping::Mapping;
use crate::sync::{AtomicU64, Ordering, fence};

/// The stamp of the last change of the whole array: an array has one buffer, so this place is free. 0 while a
/// change is under way.
pub(crate) const WHOLE: usize = 1;

/// The stamp of a stripe while one of its items changes.
const CHANGING: u64 = u64::MAX;

fn stripe(elements: &Elements, index: usize) -> &AtomicU64 {
    &elements.stripes[index % STRIPES]
}

/// Writes the record of a change that makes `seen` one version older. The caller has the array to itself.
pub(crate) fn record(mapping: &Mapping, seen: Current, index: usize, item: &[u8]) {
    let Some(elements) = mapping.elements() else {
        return;
    };
    // A record that another writer had completed, and not begun to copy, would look like ours half-way.
    elements.state.store(0, Ordering::Relaxed);
    fence(Ordering::Release);
    mapping.fill_record(item);
    elements.index.store(index as u64, Ordering::Relaxed);
    elements.state.store(seen.version() + 1, Ordering::Release);
}

/// Says that the array is about to change as a whole. Before `DIRTY`.
pub(crate) fn begin_whole(mapping: &Mapping) {
    if let Some(elements) = mapping.elements() {
        if !cfg!(mutation = "record_outlives_a_whole") {
            elements.state.store(0, Ordering::Relaxed);
        }
        if !cfg!(mutation = "no_begin_whole") {
            mapping.control().stamps[WHOLE].store(0, Ordering::Relaxed);
        }
        fence(Ordering::Release);
    }
}

/// Puts the stamp of the whole back that a writer took and died before it changed anything. The caller has the
/// array to itself.
pub(crate) fn mend(mapping: &Mapping, seen: Current) {
    let stamp = &mapping.control().stamps[WHOLE];
    let begun = !seen.is_dirty() && stamp.load(Ordering::Relaxed) == 0;
    if mapping.elements().is_some() && begun && !cfg!(mutation = "no_mend") {
        stamp.store(seen.version(), Ordering::Release);
    }
}

/// Says that the change of the whole is done, as `version`. Before it is published.
pub(crate) fn end_whole(mapping: &Mapping, version: u64) {
    if mapping.elements().is_some() && !cfg!(mutation = "no_end_whole") {
        mapping.control().stamps[WHOLE].store(version, Ordering::Release);
    }
}

/// The item that a dead writer was about to copy, if that is why the array is half-written.
pub(crate) fn pending(mapping: &Mapping, seen: Current) -> Option<usize> {
    let elements = mapping.elements()?;
    let state = elements.state.load(Ordering::Acquire);
    let index = elements.index.load(Ordering::Relaxed);
    // The number may come from another program.
    let index = usize::try_from(index).ok()?;
    let in_range = index < mapping.items();
    let pending = seen.is_dirty() && state == seen.version() + 1 && in_range;
    (pending && !cfg!(mutation = "no_roll_forward")).then_some(index)
}

/// Copies the item from the record to its place. `seen` says that the array is half-written.
pub(crate) fn apply(mapping: &Mapping, seen: Current, index: usize) -> io::Result<()> {
    let Some(elements) = mapping.elements() else {
        return Ok(());
    };
    let stamp = stripe(elements, index);
    if !cfg!(mutation = "no_item_stamp") {
        stamp.store(CHANGING, Ordering::Relaxed);
    }
    if !cfg!(mutation = "rolled_under_a_stamp") {
        // Whoever said that the array is half-written may have been killed before it took this one away.
        mapping.control().stamps[0].store(0, Ordering::Relaxed);
    }
    if !cfg!(mutation = "no_item_fence") {
        // Orders the stamps before the bytes that follow, for those who copy them out.
        fence(Ordering::Release);
    }
    mapping.copy_record_to(index)?;
    stamp.store(seen.version() + 1, Ordering::Release);
    Ok(())
}

/// The stamps under which an item is copied out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamps {
    whole: u64,
    stripe: u64,
}

/// The stamps that stand over an item now; `None` while it changes.
pub(crate) fn stamps(control: &Control, elements: &Elements, index: usize) -> Option<Stamps> {
    let now = Stamps {
        whole: control.stamps[WHOLE].load(Ordering::Relaxed),
        stripe: stripe(elements, index).load(Ordering::Relaxed),
    };
    // A stamp that is newer belongs to a change of the whole that is complete, and will not be published if its writer
    // is dead. (That of an item will be.)
    let version = Current::from_bits(control.current.load(Ordering::Relaxed)).version();
    let published = now.whole <= version || cfg!(mutation = "unpublished_whole");
    // Before the copy: relaxed loads and a fence, since a read-only mapping allows no acquire load.
    fence(Ordering::Acquire);
    (now.whole != 0 && published && now.stripe != CHANGING).then_some(now)
}

/// Whether a copy made since is of one version of the item.
pub(crate) fn still_hold(
    control: &Control,
    elements: &Elements,
    index: usize,
    before: Stamps,
) -> bool {
    if cfg!(mutation = "item_not_rechecked") {
        return true;
    }
    if !cfg!(mutation = "no_item_copy_fence") {
        // The loads of the copy come before the loads of the stamps that accept it.
        fence(Ordering::Acquire);
    }
    stamps(control, elements, index) == Some(before)
}
