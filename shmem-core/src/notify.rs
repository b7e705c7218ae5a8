//! Waiting for a version, and waking those who wait.
//!
//! A waiter sets one sticky flag, looks again, and sleeps on the low half of `current`. A publisher clears
//! the flag before it publishes and never afterwards: whoever sets it from then on may have seen the new
//! version already, wait for the next, and not be asleep yet. A count in its place would drift with each
//! waiter that is killed. Nothing is bet on the wake-up: every sleep ends after a slice, so a publisher killed
//! before it wakes, a wrap of the half word or a name swept away by the system costs a slice and not for ever.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::cell;
use crate::deadline::Deadline;
use crate::mapping::Mapping;
use crate::os::Event;
use crate::sync::{AtomicU32, Ordering, fence, in_order, seq_cst_unless};
use crate::view::View;
use crate::{Error, Version};

/// The longest sleep.
const SLICE: Duration = Duration::from_millis(50);

/// Publish, then look at the flag; set the flag, then look at the version. As for pins, so that either the
/// publisher sees that somebody waits or the waiter sees the version.
const LOOK: Ordering = seq_cst_unless(cfg!(mutation = "relaxed_flag"), Ordering::Acquire);

/// Clears the flag and says whether it was set; before publishing.
#[inline]
pub(crate) fn take_request(mapping: &Mapping) -> bool {
    let waiters = mapping.waiters();
    waiters.load(Ordering::Relaxed) != 0 && waiters.swap(0, Ordering::SeqCst) != 0
}

/// Wakes the waiters, if any said that they wait: `asked` before the publication, or since.
#[inline]
pub(crate) fn wake(mapping: &Mapping, asked: bool, event: Event) {
    in_order(cell::PUBLISH, LOOK);
    if asked || mapping.waiters().load(LOOK) != 0 {
        if cfg!(mutation = "flag_cleared_after_publish") {
            mapping.waiters().swap(0, Ordering::SeqCst);
        }
        wake_everybody(mapping, event);
        if cfg!(mutation = "flag_cleared_after_wake") {
            mapping.waiters().swap(0, Ordering::SeqCst);
        }
    }
}

#[cold]
pub(crate) fn wake_everybody(mapping: &Mapping, event: Event) {
    event.wake_all(&mapping.control().current);
}

/// Waits until the object has a version newer than `after`.
///
/// `waiters` is the word to set, if this program may write it; publishers of objects whose readers may not
/// write always wake.
pub(crate) fn wait(
    view: &View,
    waiters: Option<&AtomicU32>,
    interrupted: &AtomicBool,
    after: Version,
    deadline: Deadline,
) -> Result<Version, Error> {
    let location = &view.location;
    loop {
        // First: a caller that is slower than the publisher finds a new version each time.
        if interrupted.load(Ordering::Relaxed) {
            return Err(Error::Interrupted {
                location: location.clone(),
            });
        }
        let seen = view.current()?;
        if seen.is_removed() {
            return Err(view.removed());
        }
        if seen.version() > after.0 {
            return Ok(Version(seen.version()));
        }
        let slice = deadline.slice(SLICE);
        if slice.is_zero() {
            let holder = format!("no version after {} was published", after.0);
            return Err(deadline.passed(location, holder));
        }
        if let Some(waiters) = waiters {
            waiters.swap(1, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            if view.current()? != seen {
                continue;
            }
        }
        Event.wait(&view.mapping.control().current, seen.half(), slice);
        if view.current()? == seen && !view.is_linked() {
            return Err(view.removed());
        }
    }
}
