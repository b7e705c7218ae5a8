//! The atomics of the protocol, taken from here so that a model checker can put its own in their place.

pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
