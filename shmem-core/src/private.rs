//! What the code that the derive emits needs. Not for anyone else: it changes without notice.

pub use crate::Shared;
pub use crate::hint::{Described, NoHint, Probe};
pub use crate::layout::{field, gap, own, pinned_align, pinned_fingerprint, pinned_size};
pub use crate::schema::{Field, Schema, Variant};
pub use core;

/// The description of the field that `_access` leads to: of the type that the field really has, whatever
/// another mention of that type may have become.
pub const fn described<T, F: Described>(_access: for<'a> fn(&'a T) -> &'a F) -> &'static Schema {
    F::DESCRIPTION
}
