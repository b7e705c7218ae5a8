//! A list in place: a length, then room for `N` items.
#![expect(
    unsafe_code,
    reason = "the first `len` items are values, the rest is room; every invariant is on `FixedVec`"
)]

use core::mem::MaybeUninit;
use core::ptr;

use crate::fixed::CapacityError;
use crate::hint::Described;
use crate::schema::Kind;
use crate::{Schema, Shared};

/// A list of at most `N` items, in place: what [`Vec`] is for memory of one's own.
///
/// It dereferences to a slice, so everything that a slice can do, it can do. Functions that make it longer
/// return a [`CapacityError`] when it would not fit and then leave it as it was. It takes
/// `8 + N * size_of::<T>()` bytes, has no padding, and is `Copy` if the items are. Removed items are not
/// cleared: other processes can see what was there.
///
/// Items may be aligned to at most 8 bytes, which is checked at compile time. A large list is best made in
/// place, by [`Shared::create_with`](crate::Shared): all-zero is the empty list.
///
/// # Examples
///
/// ```
/// use shmem_core::FixedVec;
///
/// let mut depths: FixedVec<u32, 4> = FixedVec::from([30, 10]);
/// depths.push(20)?;
/// depths.sort();
/// assert_eq!(depths, [10, 20, 30]);
/// assert!(depths.extend_from_slice(&[40, 50]).is_err());
/// assert_eq!(depths.iter().sum::<u32>(), 60);
/// # Ok::<(), shmem_core::CapacityError>(())
/// ```
#[repr(C)]
pub struct FixedVec<T, const N: usize> {
    /// A `u64` in native byte order; as bytes, so that its alignment never makes a hole.
    ///
    /// # Invariants
    ///
    /// 1. At most `N`.
    len: [u8; 8],
    /// # Invariants
    ///
    /// 2. `items[..len]` are values of `T`.
    /// 3. The bytes of all `N` are initialised: zeros at first, later what an item left. An item has no
    ///    padding, for `T` is `Shared` and its layout checked: `new`, which makes all lists, asks for both.
    /// 4. `T` has no destructor, for the same reason: an item that is not counted needs no care.
    items: [MaybeUninit<T>; N],
}

// SAFETY: the length, then the items, of which the first `length` are values: as `Kind::Vec` says, with the
// size and alignment that `Schema::of` reads from the type. There is no hole before the items or after them
// if they are aligned to at most 8 bytes, and `layout` refuses others. Bytes that validation accepts keep
// invariants 1 and 2, and every value keeps them. The rest is as with `T`, which is `Shared`.
//
// Not `do_not_recommend`: so an error names the `T` that is at fault, not the list around it.
unsafe impl<T: Shared, const N: usize> Described for FixedVec<T, N> {
    const DESCRIPTION: &'static Schema = &Schema::of::<Self>(
        "FixedVec",
        Kind::Vec {
            item: T::DESCRIPTION,
            capacity: N,
        },
    );
}

// SAFETY: described exactly; the rest is as with `T`, which is `Shared`.
#[diagnostic::do_not_recommend]
unsafe impl<T: Shared, const N: usize> Shared for FixedVec<T, N> {}

/// Making one.
impl<T: Shared, const N: usize> FixedVec<T, N> {
    /// The empty list.
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// assert!(FixedVec::<u64, 8>::new().is_empty());
    /// ```
    pub const fn new() -> Self {
        let () = Self::LAYOUT_OK;
        Self::empty()
    }
}

/// Reading.
impl<T, const N: usize> FixedVec<T, N> {
    /// Like `new`, for one more of a list that there is.
    pub(super) const fn empty() -> Self {
        let zeros = MaybeUninit::<Self>::zeroed(); // as a whole: item by item is slow for a long list
        // SAFETY: a length of 0 is one (invariants 1 and 2), and a `MaybeUninit` may be any bytes.
        unsafe { zeros.assume_init() }
    }

    /// How many items there are.
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// assert_eq!(FixedVec::<u8, 8>::from([1, 2]).len(), 2);
    /// ```
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most `N`, which is a `usize` (invariant 1)"
    )]
    pub const fn len(&self) -> usize {
        u64::from_ne_bytes(self.len) as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no further item fits.
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// assert!(FixedVec::<u8, 2>::from([1, 2]).is_full());
    /// ```
    pub const fn is_full(&self) -> bool {
        self.len() == N
    }

    /// How many items are possible: `N`.
    pub const fn capacity(&self) -> usize {
        N
    }

    /// How many more items fit.
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// assert_eq!(FixedVec::<u8, 8>::from([1, 2]).remaining_capacity(), 6);
    /// ```
    pub const fn remaining_capacity(&self) -> usize {
        N - self.len()
    }

    /// The items.
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let list = FixedVec::<u8, 8>::from([1, 2]);
    /// let items: &[u8] = list.as_slice();
    /// # assert_eq!(items, [1, 2]);
    /// ```
    pub const fn as_slice(&self) -> &[T] {
        let (items, _) = self.items.split_at(self.len());
        // SAFETY: `items` is `items[..len]`: values (invariant 2), laid out as `T`, borrowed as `self` is.
        unsafe { &*(ptr::from_ref(items) as *const [T]) }
    }

    /// The items, to be changed in place.
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 8>::from([2, 1]);
    /// list.as_mut_slice().sort();
    /// assert_eq!(list, [1, 2]);
    /// ```
    pub const fn as_mut_slice(&mut self) -> &mut [T] {
        let len = self.len();
        let (items, _) = self.items.split_at_mut(len);
        // SAFETY: `items` is `items[..len]`: values (invariant 2), laid out as `T`, borrowed as `self` is;
        // what can be written through `&mut [T]` are values.
        unsafe { &mut *(ptr::from_mut(items) as *mut [T]) }
    }
}

/// Taking apart.
impl<T, const N: usize> FixedVec<T, N> {
    /// All slots, of which the first `len` hold values (invariant 2).
    pub(super) fn into_slots(self) -> [MaybeUninit<T>; N] {
        self.items
    }
}

/// Changing.
impl<T, const N: usize> FixedVec<T, N> {
    /// Appends one item.
    ///
    /// # Errors
    ///
    /// [`CapacityError`]: the list is full. The item is lost; ask [`is_full`](Self::is_full) first to keep it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 2>::from([1]);
    /// list.push(2)?;
    /// assert!(list.push(3).is_err());
    /// # Ok::<(), shmem_core::CapacityError>(())
    /// ```
    pub fn push(&mut self, item: T) -> Result<(), CapacityError> {
        let len = self.len();
        let Some(slot) = self.items.get_mut(len) else {
            return Err(CapacityError::items(len + 1, N));
        };
        slot.write(item);
        // SAFETY: there is a slot `len`, so `len + 1 <= N`; the item in it has just been written.
        unsafe { self.set_len(len + 1) };
        Ok(())
    }

    /// Appends clones of `items`, all of them or none.
    ///
    /// # Errors
    ///
    /// [`CapacityError`]: there would be more than `N`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 4>::from([1]);
    /// list.extend_from_slice(&[2, 3])?;
    /// assert!(list.extend_from_slice(&[4, 5]).is_err());
    /// assert_eq!(list, [1, 2, 3]);
    /// # Ok::<(), shmem_core::CapacityError>(())
    /// ```
    pub fn extend_from_slice(&mut self, items: &[T]) -> Result<(), CapacityError>
    where
        T: Clone,
    {
        let len = self.len();
        let end = len.saturating_add(items.len());
        let Some(free) = self.items.get_mut(len..end) else {
            return Err(CapacityError::items(end, N));
        };
        for (slot, item) in free.iter_mut().zip(items) {
            slot.write(item.clone());
        }
        // SAFETY: `items` has an index range that ends at `end`, so `end <= N`; the items from `len` to
        // `end` have just been written.
        unsafe { self.set_len(end) };
        Ok(())
    }

    /// Removes the last item and returns it; `None` if there is none.
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 2>::from([1, 2]);
    /// assert_eq!(list.pop(), Some(2));
    /// assert_eq!(list, [1]);
    /// ```
    pub fn pop(&mut self) -> Option<T> {
        let last = self.len().checked_sub(1)?;
        // SAFETY: `last` is less than the length.
        unsafe { self.set_len(last) };
        // SAFETY: it was less than the length, so this is a value (invariant 2), and is no longer counted.
        Some(unsafe { self.items[last].assume_init_read() })
    }

    /// Inserts an item before `index`; the ones from there on move up.
    ///
    /// # Errors
    ///
    /// [`CapacityError`]: the list is full.
    ///
    /// # Panics
    ///
    /// If `index` is greater than the length.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 4>::from([1, 3]);
    /// list.insert(1, 2)?;
    /// assert_eq!(list, [1, 2, 3]);
    /// # Ok::<(), shmem_core::CapacityError>(())
    /// ```
    #[track_caller]
    pub fn insert(&mut self, index: usize, item: T) -> Result<(), CapacityError> {
        let len = self.len();
        assert!(index <= len, "no place {index} in a list of {len} items");
        self.push(item)?;
        self.as_mut_slice()[index..].rotate_right(1);
        Ok(())
    }

    /// Removes the item at `index` and returns it; the ones after it move down.
    ///
    /// # Panics
    ///
    /// If there is no such item.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 4>::from([1, 2, 3]);
    /// assert_eq!(list.remove(0), 1);
    /// assert_eq!(list, [2, 3]);
    /// ```
    #[track_caller]
    pub fn remove(&mut self, index: usize) -> T {
        let len = self.len();
        assert!(index < len, "no item {index} in a list of {len} items");
        self.as_mut_slice()[index..].rotate_left(1);
        self.pop().expect("it has an item `index`")
    }

    /// Removes the item at `index` and returns it; the last one takes its place.
    ///
    /// # Panics
    ///
    /// If there is no such item.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 4>::from([1, 2, 3]);
    /// assert_eq!(list.swap_remove(0), 1);
    /// assert_eq!(list, [3, 2]);
    /// ```
    #[track_caller]
    pub fn swap_remove(&mut self, index: usize) -> T {
        let len = self.len();
        assert!(index < len, "no item {index} in a list of {len} items");
        self.as_mut_slice().swap(index, len - 1);
        self.pop().expect("it has an item `index`")
    }

    /// Keeps the items for which `keep` is true, in their order.
    ///
    /// If `keep` panics, no item is lost, but their order is unspecified.
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 8>::from([1, 2, 3, 4]);
    /// list.retain(|n| n % 2 == 0);
    /// assert_eq!(list, [2, 4]);
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.retain_mut(|item| keep(item));
    }

    /// Keeps the items for which `keep` is true, in their order; `keep` may change them.
    ///
    /// If `keep` panics, no item is lost, but their order is unspecified.
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut seconds_left = FixedVec::<u8, 8>::from([1, 3, 2]);
    /// seconds_left.retain_mut(|n| { *n -= 1; *n > 0 });
    /// assert_eq!(seconds_left, [2, 1]);
    /// ```
    pub fn retain_mut(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        let items = self.as_mut_slice();
        let mut kept = 0;
        for i in 0..items.len() {
            if keep(&mut items[i]) {
                items.swap(kept, i);
                kept += 1;
            }
        }
        self.truncate(kept);
    }

    /// Drops the items from `len` on; does nothing if there are no more than that.
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 4>::from([1, 2, 3]);
    /// list.truncate(2);
    /// assert_eq!(list, [1, 2]);
    /// ```
    pub const fn truncate(&mut self, len: usize) {
        if len < self.len() {
            // SAFETY: less than the length.
            unsafe { self.set_len(len) };
        }
    }

    /// Drops all items.
    ///
    /// ```
    /// # use shmem_core::FixedVec;
    /// let mut list = FixedVec::<u8, 4>::from([1, 2, 3]);
    /// list.clear();
    /// assert!(list.is_empty());
    /// ```
    pub const fn clear(&mut self) {
        self.truncate(0);
    }

    /// # Safety
    ///
    /// - `len` is at most `N` (invariant 1).
    /// - `items[..len]` are values (invariant 2).
    const unsafe fn set_len(&mut self, len: usize) {
        debug_assert!(len <= N);
        self.len = (len as u64).to_ne_bytes();
    }
}
