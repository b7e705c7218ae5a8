//! Text, lists and options that lie in place: no pointer, no allocation, a capacity in the type.
//!
//! Each is [`Shared`](crate::Shared) and may be a field of a type that is. Their bytes are validated when an
//! object is read, before they become a value, so a value's own invariants always hold.

mod str;
mod str_traits;
mod vec;
mod vec_iter;
mod vec_traits;

mod option;
mod option_traits;

use thiserror::Error;

pub use option::FixedOption;
pub use str::FixedStr;
pub use vec::FixedVec;
pub use vec_iter::FixedVecIntoIter;

/// What was to go into a [`FixedStr`] or a [`FixedVec`] does not fit.
///
/// `found` and `capacity` count bytes for a `FixedStr` and items for a `FixedVec`. The container is as it was
/// before the call, unless the function says otherwise.
///
/// # Examples
///
/// ```
/// use shmem_core::FixedStr;
///
/// let error = FixedStr::<4>::try_from("green").unwrap_err();
/// assert_eq!((error.found, error.capacity), (5, 4));
/// assert_eq!(error.to_string(), "5 bytes do not fit in a `FixedStr` of 4");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{found} {} of {capacity}", self.place.words())]
#[non_exhaustive]
pub struct CapacityError {
    /// The length that was needed; one more than the capacity if the items came one by one.
    pub found: usize,
    /// The length that is possible.
    pub capacity: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Str,
    Vec,
}

impl CapacityError {
    fn text(found: usize, capacity: usize) -> Self {
        CapacityError {
            found,
            capacity,
            place: Place::Str,
        }
    }

    fn items(found: usize, capacity: usize) -> Self {
        CapacityError {
            found,
            capacity,
            place: Place::Vec,
        }
    }
}

impl Place {
    fn words(self) -> &'static core::primitive::str {
        match self {
            Place::Str => "bytes do not fit in a `FixedStr`",
            Place::Vec => "items do not fit in a `FixedVec`",
        }
    }
}
