//! A list, item by item.
#![expect(
    unsafe_code,
    reason = "reads slots of a `FixedVec`; the invariant is on `FixedVecIntoIter`"
)]

use core::array;
use core::fmt;
use core::iter::{FusedIterator, Take};
use core::mem::MaybeUninit;

use crate::fixed::FixedVec;

/// The items of a [`FixedVec`], by value; what its `into_iter` returns.
///
/// # Examples
///
/// ```
/// use shmem_core::FixedVec;
///
/// let list = FixedVec::<u8, 4>::from([1, 2, 3]);
/// assert_eq!(list.into_iter().rev().collect::<Vec<u8>>(), [3, 2, 1]);
/// ```
pub struct FixedVecIntoIter<T, const N: usize> {
    /// # Invariants
    ///
    /// 1. Every slot that this yields holds a value, and yields it once.
    slots: Take<array::IntoIter<MaybeUninit<T>, N>>,
}

impl<T, const N: usize> IntoIterator for FixedVec<T, N> {
    type Item = T;
    type IntoIter = FixedVecIntoIter<T, N>;

    fn into_iter(self) -> FixedVecIntoIter<T, N> {
        let len = self.len();
        FixedVecIntoIter {
            slots: self.into_slots().into_iter().take(len),
        }
    }
}

impl<T, const N: usize> Iterator for FixedVecIntoIter<T, N> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let slot = self.slots.next()?;
        // SAFETY: it holds a value (invariant 1).
        Some(unsafe { slot.assume_init() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
    }
}

impl<T, const N: usize> DoubleEndedIterator for FixedVecIntoIter<T, N> {
    fn next_back(&mut self) -> Option<T> {
        let slot = self.slots.next_back()?;
        // SAFETY: it holds a value (invariant 1).
        Some(unsafe { slot.assume_init() })
    }
}

impl<T, const N: usize> ExactSizeIterator for FixedVecIntoIter<T, N> {}

impl<T, const N: usize> FusedIterator for FixedVecIntoIter<T, N> {}

impl<T, const N: usize> fmt::Debug for FixedVecIntoIter<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedVecIntoIter")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
