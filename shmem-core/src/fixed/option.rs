//! A value or none, in place: a tag, then room for the value.
#![expect(
    unsafe_code,
    reason = "the value is one if the tag is 1; every invariant is on `FixedOption`"
)]

use core::mem::MaybeUninit;

use crate::hint::Described;
use crate::schema::Kind;
use crate::{Schema, Shared};

/// A value or none, in place: what [`Option`] is for memory of one's own.
///
/// [`as_ref`](Self::as_ref), [`as_mut`](Self::as_mut), [`get`](Self::get) and `into` give the real `Option`;
/// everything else is there to be short. It takes `8 + size_of::<T>()` bytes, has no padding, and is `Copy` if
/// the value is. A value that is taken out is not cleared: other processes can see what was there.
///
/// The value may be aligned to at most 8 bytes, which is checked at compile time.
///
/// # Examples
///
/// ```
/// use shmem_core::FixedOption;
///
/// let mut limit: FixedOption<u32> = FixedOption::none();
/// assert_eq!(limit, None);
/// limit.set(250);
/// if let Some(limit) = limit.as_mut() {
///     *limit += 1;
/// }
/// assert_eq!(limit.get(), Some(251));
/// assert_eq!(limit.take(), Some(251));
/// assert!(limit.is_none());
/// ```
#[repr(C)]
pub struct FixedOption<T> {
    /// A `u64` in native byte order; as bytes, so that its alignment never makes a hole.
    ///
    /// # Invariants
    ///
    /// 1. `NONE` or `SOME`.
    tag: [u8; 8],
    /// # Invariants
    ///
    /// 2. A value of `T` if the tag is `SOME`.
    /// 3. Its bytes are initialised: zeros at first, later what a value left. A value has no padding, for `T`
    ///    is `Shared` and its layout checked: `none` and `some`, which make all options, ask for both.
    /// 4. `T` has no destructor, for the same reason: a value that is overwritten needs no care.
    value: MaybeUninit<T>,
}

const NONE: [u8; 8] = 0u64.to_ne_bytes();
const SOME: [u8; 8] = 1u64.to_ne_bytes();

// SAFETY: the tag, then the value, which is one if the tag is 1: as `Kind::Option` says, with the size and
// alignment that `Schema::of` reads from the type. There is no hole before the value or after it if it is
// aligned to at most 8 bytes, and `layout` refuses others. Bytes that validation accepts keep invariants 1
// and 2, and every value keeps them. The rest is as with `T`, which is `Shared`.
//
// Not `do_not_recommend`: so an error names the `T` that is at fault, not the option around it.
unsafe impl<T: Shared> Described for FixedOption<T> {
    const DESCRIPTION: &'static Schema = &Schema::of::<Self>(
        "FixedOption",
        Kind::Option {
            item: T::DESCRIPTION,
        },
    );
}

// SAFETY: described exactly; the rest is as with `T`, which is `Shared`.
#[diagnostic::do_not_recommend]
unsafe impl<T: Shared> Shared for FixedOption<T> {}

/// Making one.
impl<T: Shared> FixedOption<T> {
    /// No value.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert!(FixedOption::<u32>::none().is_none());
    /// ```
    pub const fn none() -> Self {
        let () = Self::LAYOUT_OK;
        Self::empty()
    }

    /// The value `value`.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert!(FixedOption::some(7).is_some());
    /// ```
    pub const fn some(value: T) -> Self {
        let () = Self::LAYOUT_OK;
        FixedOption {
            tag: SOME,
            value: MaybeUninit::new(value),
        }
    }
}

impl<T> FixedOption<T> {
    /// Like `none`, for one more of an option that there is.
    const fn empty() -> Self {
        FixedOption {
            tag: NONE,
            value: MaybeUninit::zeroed(),
        }
    }
}

impl<T: Clone> Clone for FixedOption<T> {
    fn clone(&self) -> Self {
        let mut new = Self::empty();
        if let Some(value) = self.as_ref() {
            new.insert(value.clone());
        }
        new
    }
}

/// Reading.
impl<T> FixedOption<T> {
    /// Whether there is a value.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert!(FixedOption::some(7).is_some());
    /// ```
    pub const fn is_some(&self) -> bool {
        u64::from_ne_bytes(self.tag) == u64::from_ne_bytes(SOME)
    }

    /// Whether there is no value.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert!(FixedOption::<u32>::none().is_none());
    /// ```
    pub const fn is_none(&self) -> bool {
        !self.is_some()
    }

    /// The value by reference, as an `Option`.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// let speed = FixedOption::some(7);
    /// assert_eq!(speed.as_ref(), Some(&7));
    /// ```
    pub const fn as_ref(&self) -> Option<&T> {
        if self.is_some() {
            // SAFETY: the tag is `SOME`, so this is a value (invariant 2).
            Some(unsafe { self.value.assume_init_ref() })
        } else {
            None
        }
    }

    /// The value by mutable reference, as an `Option`.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// let mut speed = FixedOption::some(7);
    /// if let Some(speed) = speed.as_mut() {
    ///     *speed += 1;
    /// }
    /// assert_eq!(speed, Some(8));
    /// ```
    pub const fn as_mut(&mut self) -> Option<&mut T> {
        if self.is_some() {
            // SAFETY: the tag is `SOME`, so this is a value (invariant 2); a `&mut T` keeps it one.
            Some(unsafe { self.value.assume_init_mut() })
        } else {
            None
        }
    }

    /// The value itself, as an `Option`; [`get`](Self::get) is the same by `&self`, for a `T` that is `Copy`.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert_eq!(FixedOption::some(7).into_option(), Some(7));
    /// ```
    pub fn into_option(self) -> Option<T> {
        if self.is_some() {
            // SAFETY: the tag is `SOME`, so this is a value (invariant 2).
            Some(unsafe { self.value.assume_init() })
        } else {
            None
        }
    }
}

/// Changing.
impl<T> FixedOption<T> {
    /// Puts `value` in, in place of what was there, and returns a reference to it.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// let mut speed = FixedOption::none();
    /// *speed.insert(7) += 1;
    /// assert_eq!(speed, Some(8));
    /// ```
    pub const fn insert(&mut self, value: T) -> &mut T {
        self.tag = SOME;
        self.value.write(value)
    }

    /// The value; if there is none, puts the result of `make` in first.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// let mut list = FixedOption::<[u8; 2]>::none();
    /// list.get_or_insert_with(Default::default)[1] = 9;
    /// assert_eq!(list, Some([0, 9]));
    /// ```
    pub fn get_or_insert_with(&mut self, make: impl FnOnce() -> T) -> &mut T {
        if self.is_none() {
            return self.insert(make());
        }
        // SAFETY: the tag is `SOME`, so this is a value (invariant 2); a `&mut T` keeps it one.
        unsafe { self.value.assume_init_mut() }
    }

    /// Leaves no value.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// let mut speed = FixedOption::some(7);
    /// speed.clear();
    /// assert_eq!(speed, None);
    /// ```
    pub const fn clear(&mut self) {
        self.tag = NONE;
    }

    /// Takes the value out; leaves none.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// let mut speed = FixedOption::some(7);
    /// assert_eq!(speed.take(), Some(7));
    /// assert_eq!(speed.take(), None);
    /// ```
    pub const fn take(&mut self) -> Option<T> {
        if self.is_some() {
            self.clear();
            // SAFETY: the tag was `SOME`, so this is a value (invariant 2), and it is no longer counted as one.
            Some(unsafe { self.value.assume_init_read() })
        } else {
            None
        }
    }
}
