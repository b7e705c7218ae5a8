//! The safe half of `FixedVec`: it compares, prints and converts as the slice in it does.

use core::borrow::{Borrow, BorrowMut};
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::{Deref, DerefMut};
use core::slice;

use crate::Shared;
use crate::fixed::{CapacityError, FixedVec};

impl<T, const N: usize> Deref for FixedVec<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T, const N: usize> DerefMut for FixedVec<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

impl<T, const N: usize> AsRef<[T]> for FixedVec<T, N> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T, const N: usize> AsMut<[T]> for FixedVec<T, N> {
    fn as_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T, const N: usize> Borrow<[T]> for FixedVec<T, N> {
    fn borrow(&self) -> &[T] {
        self
    }
}

impl<T, const N: usize> BorrowMut<[T]> for FixedVec<T, N> {
    fn borrow_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T: Shared, const N: usize> Default for FixedVec<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy, const N: usize> Copy for FixedVec<T, N> {}

impl<T: Clone, const N: usize> Clone for FixedVec<T, N> {
    fn clone(&self) -> Self {
        let mut new = Self::empty();
        new.clone_from(self);
        new
    }

    fn clone_from(&mut self, other: &Self) {
        self.clear();
        let fits = self.extend_from_slice(other);
        debug_assert!(fits.is_ok(), "the capacities are the same");
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for FixedVec<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

/// The items of an array, which must not have more than `N`: that is checked at compile time.
///
/// ```
/// use shmem_core::FixedVec;
///
/// let list: FixedVec<u8, 4> = [1, 2, 3].into();
/// assert_eq!(list.len(), 3);
/// ```
impl<T: Shared, const N: usize, const M: usize> From<[T; M]> for FixedVec<T, N> {
    fn from(items: [T; M]) -> Self {
        const {
            assert!(
                M <= N,
                "the array has more items than fit in the `FixedVec`"
            )
        };
        items.into_iter().collect()
    }
}

impl<T: Shared + Clone, const N: usize> TryFrom<&[T]> for FixedVec<T, N> {
    type Error = CapacityError;

    fn try_from(items: &[T]) -> Result<Self, CapacityError> {
        let mut new = Self::new();
        new.extend_from_slice(items)?;
        Ok(new)
    }
}

impl<T: Shared, const N: usize> TryFrom<Vec<T>> for FixedVec<T, N> {
    type Error = CapacityError;

    fn try_from(items: Vec<T>) -> Result<Self, CapacityError> {
        if items.len() > N {
            return Err(CapacityError::items(items.len(), N));
        }
        Self::try_from_iter(items)
    }
}

impl<T, const N: usize> From<FixedVec<T, N>> for Vec<T> {
    fn from(items: FixedVec<T, N>) -> Vec<T> {
        items.into_iter().collect()
    }
}

/// From iterators.
impl<T: Shared, const N: usize> FixedVec<T, N> {
    /// The items of `items`, if all fit.
    ///
    /// # Errors
    ///
    /// [`CapacityError`]: there are more than `N`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let squares: FixedVec<u32, 4> = FixedVec::try_from_iter((1..=4).map(|n| n * n))?;
    /// assert_eq!(squares, [1, 4, 9, 16]);
    /// # Ok::<(), shmem_core::CapacityError>(())
    /// ```
    pub fn try_from_iter(items: impl IntoIterator<Item = T>) -> Result<Self, CapacityError> {
        let mut new = Self::new();
        new.try_extend(items)?;
        Ok(new)
    }
}

/// From iterators.
impl<T, const N: usize> FixedVec<T, N> {
    /// Appends the items of `items`, as many as fit.
    ///
    /// # Errors
    ///
    /// [`CapacityError`]: one did not fit; those before it stay.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 4>::new();
    /// assert!(list.try_extend(1..=9).is_err());
    /// assert_eq!(list, [1, 2, 3, 4]);
    /// ```
    pub fn try_extend(&mut self, items: impl IntoIterator<Item = T>) -> Result<(), CapacityError> {
        items.into_iter().try_for_each(|item| self.push(item))
    }

    /// Makes the length `len`: drops items at the end, or appends clones of `item`.
    ///
    /// # Errors
    ///
    /// [`CapacityError`]: `len` is more than `N`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 4>::from([1]);
    /// list.resize(3, 0)?;
    /// assert_eq!(list, [1, 0, 0]);
    /// # Ok::<(), shmem_core::CapacityError>(())
    /// ```
    pub fn resize(&mut self, len: usize, item: T) -> Result<(), CapacityError>
    where
        T: Clone,
    {
        if len > N {
            return Err(CapacityError::items(len, N));
        }
        self.truncate(len);
        self.try_extend(core::iter::repeat_n(item, len - self.len()))
    }
}

/// # Panics
///
/// If an item does not fit; those before it stay. [`FixedVec::try_extend`] returns the error instead.
impl<T, const N: usize> Extend<T> for FixedVec<T, N> {
    #[track_caller]
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        if let Err(error) = self.try_extend(items) {
            panic!("{error}");
        }
    }
}

/// # Panics
///
/// If an item does not fit; those before it stay. [`FixedVec::try_extend`] returns the error instead.
impl<'a, T: Copy, const N: usize> Extend<&'a T> for FixedVec<T, N> {
    #[track_caller]
    fn extend<I: IntoIterator<Item = &'a T>>(&mut self, items: I) {
        self.extend(items.into_iter().copied());
    }
}

/// # Panics
///
/// If an item does not fit. [`FixedVec::try_from_iter`] returns the error instead.
impl<T: Shared, const N: usize> FromIterator<T> for FixedVec<T, N> {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut new = Self::new();
        new.extend(items);
        new
    }
}

impl<'a, T, const N: usize> IntoIterator for &'a FixedVec<T, N> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T, const N: usize> IntoIterator for &'a mut FixedVec<T, N> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> slice::IterMut<'a, T> {
        self.iter_mut()
    }
}

impl<T: Hash, const N: usize> Hash for FixedVec<T, N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl<T: Eq, const N: usize> Eq for FixedVec<T, N> {}

/// Compares the items; the capacities may differ.
impl<T: PartialEq<U>, U, const N: usize, const M: usize> PartialEq<FixedVec<U, M>>
    for FixedVec<T, N>
{
    fn eq(&self, other: &FixedVec<U, M>) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Ord, const N: usize> Ord for FixedVec<T, N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_slice().cmp(other)
    }
}

/// Compares the items; the capacities may differ.
impl<T: PartialOrd, const N: usize, const M: usize> PartialOrd<FixedVec<T, M>> for FixedVec<T, N> {
    fn partial_cmp(&self, other: &FixedVec<T, M>) -> Option<Ordering> {
        self.as_slice().partial_cmp(other.as_slice())
    }
}

/// `FixedVec` on either side of `==`, another kind of list on the other.
macro_rules! equal_to_list {
    ($([$($more:tt)*] $list:ty),* $(,)?) => {$(
        impl<T: PartialEq<U>, U, const N: usize $($more)*> PartialEq<$list> for FixedVec<T, N> {
            fn eq(&self, other: &$list) -> bool {
                self.as_slice() == &other[..]
            }
        }

        impl<U: PartialEq<T>, T, const N: usize $($more)*> PartialEq<FixedVec<T, N>> for $list {
            fn eq(&self, other: &FixedVec<T, N>) -> bool {
                &self[..] == other.as_slice()
            }
        }
    )*};
}

equal_to_list!([] [U], [] &[U], [] Vec<U>, [, const M: usize] [U; M], [, const M: usize] &[U; M]);
