//! The safe half of `FixedOption`: it does what `Option` does, by way of it.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::option;

use crate::Shared;
use crate::fixed::FixedOption;

/// As `Option` has it.
impl<T> FixedOption<T> {
    /// A copy of the value, as an `Option`.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert_eq!(FixedOption::some(7).get(), Some(7));
    /// ```
    pub const fn get(&self) -> Option<T>
    where
        T: Copy,
    {
        match self.as_ref() {
            Some(value) => Some(*value),
            None => None,
        }
    }

    /// Makes this `value`: takes a `T` or an `Option<T>`.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// let mut speed = FixedOption::none();
    /// speed.set(7);
    /// assert_eq!(speed, Some(7));
    /// speed.set(None);
    /// assert_eq!(speed, None);
    /// ```
    pub fn set(&mut self, value: impl Into<Option<T>>) {
        match value.into() {
            Some(value) => {
                self.insert(value);
            }
            None => self.clear(),
        }
    }

    /// Puts `value` in and returns what was there.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// let mut speed = FixedOption::some(7);
    /// assert_eq!(speed.replace(8), Some(7));
    /// assert_eq!(speed, Some(8));
    /// ```
    pub fn replace(&mut self, value: T) -> Option<T> {
        let former = self.take();
        self.insert(value);
        former
    }

    /// The value; if there is none, puts `value` in first.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// let mut count = FixedOption::none();
    /// *count.get_or_insert(0) += 1;
    /// assert_eq!(count, Some(1));
    /// ```
    pub fn get_or_insert(&mut self, value: T) -> &mut T {
        self.get_or_insert_with(|| value)
    }

    /// Whether there is a value, and `holds` is true for it.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert!(FixedOption::some(7).is_some_and(|n| n > 5));
    /// ```
    pub fn is_some_and(self, holds: impl FnOnce(T) -> bool) -> bool {
        self.into_option().is_some_and(holds)
    }

    /// Whether there is no value, or `holds` is true for it.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert!(FixedOption::<u8>::none().is_none_or(|n| n > 5));
    /// ```
    pub fn is_none_or(self, holds: impl FnOnce(T) -> bool) -> bool {
        self.into_option().is_none_or(holds)
    }

    /// The result of `f` for the value, as an `Option`.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert_eq!(FixedOption::some(7).map(|n| n.to_string()), Some("7".to_owned()));
    /// ```
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Option<U> {
        self.into_option().map(f)
    }

    /// The result of `f` for the value, or none.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert_eq!(FixedOption::some(7u8).and_then(|n| n.checked_sub(8)), None);
    /// ```
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Option<U>) -> Option<U> {
        self.into_option().and_then(f)
    }

    /// The value, or `error`.
    ///
    /// # Errors
    ///
    /// `error`: there is no value.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert_eq!(FixedOption::<u8>::none().ok_or("no speed"), Err("no speed"));
    /// ```
    pub fn ok_or<E>(self, error: E) -> Result<T, E> {
        self.into_option().ok_or(error)
    }

    /// The value, or `other`.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert_eq!(FixedOption::none().unwrap_or(7), 7);
    /// ```
    pub fn unwrap_or(self, other: T) -> T {
        self.into_option().unwrap_or(other)
    }

    /// The value, or the result of `make`.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert_eq!(FixedOption::none().unwrap_or_else(|| 7), 7);
    /// ```
    pub fn unwrap_or_else(self, make: impl FnOnce() -> T) -> T {
        self.into_option().unwrap_or_else(make)
    }

    /// The value, or the default of its type.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert_eq!(FixedOption::<u32>::none().unwrap_or_default(), 0);
    /// ```
    pub fn unwrap_or_default(self) -> T
    where
        T: Default,
    {
        self.into_option().unwrap_or_default()
    }

    /// The value.
    ///
    /// # Panics
    ///
    /// If there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert_eq!(FixedOption::some(7).unwrap(), 7);
    /// ```
    #[track_caller]
    pub fn unwrap(self) -> T {
        match self.into_option() {
            Some(value) => value,
            None => panic!("called `FixedOption::unwrap` where there is no value"),
        }
    }

    /// The value.
    ///
    /// # Panics
    ///
    /// With `message`, if there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// assert_eq!(FixedOption::some(7).expect("the speed was set"), 7);
    /// ```
    #[track_caller]
    pub fn expect(self, message: &str) -> T {
        self.into_option().expect(message)
    }

    /// The value by reference, as an iterator of one item or none.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// let speeds = [FixedOption::some(7), FixedOption::none()];
    /// assert_eq!(speeds.iter().flatten().sum::<u32>(), 7);
    /// assert_eq!(speeds[1].iter().count(), 0);
    /// ```
    pub fn iter(&self) -> option::IntoIter<&T> {
        self.as_ref().into_iter()
    }

    /// The value by mutable reference, as an iterator of one item or none.
    ///
    /// ```
    /// # use shmem_core::FixedOption;
    /// let mut speed = FixedOption::some(7);
    /// speed.iter_mut().for_each(|n| *n += 1);
    /// assert_eq!(speed, Some(8));
    /// ```
    pub fn iter_mut(&mut self) -> option::IntoIter<&mut T> {
        self.as_mut().into_iter()
    }
}

impl<T: Shared> Default for FixedOption<T> {
    fn default() -> Self {
        Self::none()
    }
}

impl<T: Shared> From<T> for FixedOption<T> {
    fn from(value: T) -> Self {
        Self::some(value)
    }
}

impl<T: Shared> From<Option<T>> for FixedOption<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(Self::none, Self::some)
    }
}

impl<T> From<FixedOption<T>> for Option<T> {
    fn from(value: FixedOption<T>) -> Option<T> {
        value.into_option()
    }
}

impl<T: Copy> Copy for FixedOption<T> {}

impl<T: fmt::Debug> fmt::Debug for FixedOption<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl<T> IntoIterator for FixedOption<T> {
    type Item = T;
    type IntoIter = option::IntoIter<T>;

    fn into_iter(self) -> option::IntoIter<T> {
        self.into_option().into_iter()
    }
}

impl<'a, T> IntoIterator for &'a FixedOption<T> {
    type Item = &'a T;
    type IntoIter = option::IntoIter<&'a T>;

    fn into_iter(self) -> option::IntoIter<&'a T> {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut FixedOption<T> {
    type Item = &'a mut T;
    type IntoIter = option::IntoIter<&'a mut T>;

    fn into_iter(self) -> option::IntoIter<&'a mut T> {
        self.iter_mut()
    }
}

impl<T: Hash> Hash for FixedOption<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

impl<T: Eq> Eq for FixedOption<T> {}

impl<T: PartialEq> PartialEq for FixedOption<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl<T: PartialEq> PartialEq<Option<T>> for FixedOption<T> {
    fn eq(&self, other: &Option<T>) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl<T: PartialEq> PartialEq<FixedOption<T>> for Option<T> {
    fn eq(&self, other: &FixedOption<T>) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl<T: Ord> Ord for FixedOption<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_ref().cmp(&other.as_ref())
    }
}

impl<T: PartialOrd> PartialOrd for FixedOption<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.as_ref().partial_cmp(&other.as_ref())
    }
}
