//! What the code that the derive emits needs. Not for anyone else: it changes without notice.

pub use crate::Shared;
pub use crate::compatible::{compatible, fields};
pub use crate::hint::{Described, NoHint, Probe};
pub use crate::layout::{field, gap, own, pinned_align, pinned_fingerprint, pinned_size, reserved};
pub use crate::schema::{Field, Schema, Variant};
pub use core;

/// The description of `F`, which is the type of the field that `_access` leads to.
///
/// The derive has `F` from the tokens of the field's type and `_access` from the field itself. If those are
/// two types after all, this does not compile.
pub const fn described<T, F, A>(_access: &A) -> &'static Schema
where
    F: Described,
    A: Fn(&T) -> *const F,
{
    F::DESCRIPTION
}
