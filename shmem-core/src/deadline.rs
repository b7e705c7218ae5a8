//! How long a caller is ready to wait.

use std::time::{Duration, Instant};

use crate::{Error, Location};

/// Measured on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deadline {
    /// Not at all.
    Now,
    /// Until then; the duration is what the caller asked for.
    At(Instant, Duration),
    /// For ever.
    Never,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        if cfg!(loom) {
            // In the model no time passes.
            return Deadline::Never;
        }
        match Instant::now().checked_add(timeout) {
            Some(at) => Deadline::At(at, timeout),
            None => Deadline::Never,
        }
    }

    /// What is left of it, at most `slice`; zero once it has passed.
    pub(crate) fn slice(self, slice: Duration) -> Duration {
        match self {
            Deadline::Now => Duration::ZERO,
            Deadline::At(at, _) => at.saturating_duration_since(Instant::now()).min(slice),
            Deadline::Never => slice,
        }
    }

    /// The error for not getting what `holder` has.
    pub(crate) fn passed(self, location: &Location, holder: String) -> Error {
        let location = location.clone();
        match self {
            Deadline::At(_, waited) => Error::TimedOut {
                location,
                waited,
                holder,
            },
            Deadline::Now | Deadline::Never => Error::Busy { location, holder },
        }
    }
}
