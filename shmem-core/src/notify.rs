//! Waiting for a version, and waking those who wait.
//!
//! A waiter sets one sticky flag, looks again, and sleeps on the low half of `current`. A publisher clears
//! the flag before it wakes: a waiter that comes in between sets it again, looks, and finds the new version.
//! A count in its place would drift with each waiter that is killed. Nothing is bet on the wake-up: every
//! sleep ends after a slice, so a publisher killed between publishing and waking, a wrap of the half word or
//! a name swept away by the system costs a slice and not for ever.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::cell;
use crate::deadline::Deadline;
use crate::mapping::Mapping;
use crate::os::Event;
use crate::sync::{AtomicU32, Ordering, fence};
use crate::view::View;
use crate::{Error, Version};

/// The longest sleep.
const SLICE: Duration = Duration::from_millis(50);

/// Wakes the waiters, if any said that they wait. After publishing: SeqCst on both sides, so that either
/// the publisher sees the flag or the waiter sees the version.
#[inline]
pub(crate) fn wake(mapping: &Mapping, always: bool, event: Event) {
    if always || mapping.waiters().load(Ordering::SeqCst) != 0 {
        wake_everybody(mapping, event);
    }
}

#[cold]
pub(crate) fn wake_everybody(mapping: &Mapping, event: Event) {
    mapping.waiters().store(0, Ordering::SeqCst);
    event.wake_all(mapping.current_half());
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
    let control = view.mapping.control();
    loop {
        // First: a caller that is slower than the publisher finds a new version each time.
        if interrupted.load(Ordering::Relaxed) {
            return Err(Error::Interrupted {
                location: location.clone(),
            });
        }
        let seen = cell::current(control);
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
            waiters.store(1, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            if cell::current(control) != seen {
                continue;
            }
        }
        Event.wait(view.mapping.current_half(), seen.half(), slice);
        if cell::current(control) == seen && !view.is_linked() {
            return Err(view.removed());
        }
    }
}
