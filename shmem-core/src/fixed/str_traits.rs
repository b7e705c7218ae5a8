//! The safe half of `FixedStr`: it compares, prints and converts as the `str` in it does.

use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::{Deref, DerefMut};
use core::str::FromStr;

use crate::fixed::{CapacityError, FixedStr};

/// What needs no more than the functions of `str.rs`.
impl<const N: usize> FixedStr<N> {
    /// As much of `text` as fits, cut between two characters.
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// assert_eq!(FixedStr::<4>::from_str_truncated("abcdef"), "abcd");
    /// assert_eq!(FixedStr::<4>::from_str_truncated("naïve"), "naï");
    /// assert_eq!(FixedStr::<3>::from_str_truncated("naïve"), "na");
    /// ```
    pub fn from_str_truncated(text: &str) -> Self {
        let mut end = text.len().min(N);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self::literal(&text[..end])
    }

    /// Replaces the text.
    ///
    /// # Errors
    ///
    /// [`CapacityError`]: `text` is longer than `N` bytes; the former text stays.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// let mut state = FixedStr::<8>::literal("idle");
    /// state.set("running")?;
    /// assert!(state.set("restarting").is_err());
    /// assert_eq!(state, "running");
    /// # Ok::<(), shmem_core::CapacityError>(())
    /// ```
    pub fn set(&mut self, text: &str) -> Result<(), CapacityError> {
        if text.len() > N {
            return Err(CapacityError::text(text.len(), N));
        }
        self.clear();
        self.push_str(text)
    }

    /// Appends one character.
    ///
    /// # Errors
    ///
    /// [`CapacityError`]: the text would be longer than `N` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// let mut text = FixedStr::<4>::literal("ab");
    /// text.push('c')?;
    /// assert!(text.push('é').is_err());
    /// assert_eq!(text, "abc");
    /// # Ok::<(), shmem_core::CapacityError>(())
    /// ```
    pub fn push(&mut self, ch: char) -> Result<(), CapacityError> {
        self.push_str(ch.encode_utf8(&mut [0; 4]))
    }

    /// Inserts one character before the byte `index`.
    ///
    /// # Errors
    ///
    /// [`CapacityError`]: the text would be longer than `N` bytes.
    ///
    /// # Panics
    ///
    /// If `index` is past the end or inside a character.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// let mut text = FixedStr::<8>::literal("ac");
    /// text.insert(1, 'b')?;
    /// assert_eq!(text, "abc");
    /// # Ok::<(), shmem_core::CapacityError>(())
    /// ```
    #[track_caller]
    pub fn insert(&mut self, index: usize, ch: char) -> Result<(), CapacityError> {
        self.insert_str(index, ch.encode_utf8(&mut [0; 4]))
    }

    /// Appends the characters of `chars`, as many as fit.
    ///
    /// # Errors
    ///
    /// [`CapacityError`]: one did not fit; those before it stay.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// let mut text = FixedStr::<4>::new();
    /// text.try_extend("ab".chars().rev())?;
    /// assert!(text.try_extend("cde".chars()).is_err());
    /// assert_eq!(text, "bacd");
    /// # Ok::<(), shmem_core::CapacityError>(())
    /// ```
    pub fn try_extend(
        &mut self,
        chars: impl IntoIterator<Item = char>,
    ) -> Result<(), CapacityError> {
        chars.into_iter().try_for_each(|ch| self.push(ch))
    }
}

impl<const N: usize> Deref for FixedStr<N> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> DerefMut for FixedStr<N> {
    fn deref_mut(&mut self) -> &mut str {
        self.as_mut_str()
    }
}

impl<const N: usize> AsRef<str> for FixedStr<N> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl<const N: usize> AsRef<[u8]> for FixedStr<N> {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl<const N: usize> Borrow<str> for FixedStr<N> {
    fn borrow(&self) -> &str {
        self
    }
}

impl<const N: usize> Default for FixedStr<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for FixedStr<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> fmt::Display for FixedStr<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

/// Appends each piece whole: `write!` returns [`fmt::Error`] at the first one that does not fit, and the
/// pieces before it stay.
///
/// ```
/// use core::fmt::Write;
/// use shmem_core::FixedStr;
///
/// let mut line = FixedStr::<16>::new();
/// write!(line, "{} °C", 21.5)?;
/// assert_eq!(line, "21.5 °C");
/// # Ok::<(), core::fmt::Error>(())
/// ```
impl<const N: usize> fmt::Write for FixedStr<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text).map_err(|_| fmt::Error)
    }
}

impl<const N: usize> TryFrom<&str> for FixedStr<N> {
    type Error = CapacityError;

    fn try_from(text: &str) -> Result<Self, CapacityError> {
        let mut new = Self::new();
        new.push_str(text)?;
        Ok(new)
    }
}

impl<const N: usize> TryFrom<&String> for FixedStr<N> {
    type Error = CapacityError;

    fn try_from(text: &String) -> Result<Self, CapacityError> {
        text.as_str().try_into()
    }
}

impl<const N: usize> TryFrom<String> for FixedStr<N> {
    type Error = CapacityError;

    fn try_from(text: String) -> Result<Self, CapacityError> {
        text.as_str().try_into()
    }
}

impl<const N: usize> FromStr for FixedStr<N> {
    type Err = CapacityError;

    fn from_str(text: &str) -> Result<Self, CapacityError> {
        text.try_into()
    }
}

impl<const N: usize> From<FixedStr<N>> for String {
    fn from(text: FixedStr<N>) -> String {
        text.as_str().to_owned()
    }
}

/// # Panics
///
/// If a character does not fit; those before it stay. [`FixedStr::try_extend`] returns the error instead.
impl<const N: usize> Extend<char> for FixedStr<N> {
    #[track_caller]
    fn extend<I: IntoIterator<Item = char>>(&mut self, chars: I) {
        if let Err(error) = self.try_extend(chars) {
            panic!("{error}");
        }
    }
}

/// # Panics
///
/// If a piece does not fit; those before it stay. [`FixedStr::push_str`] returns the error instead.
impl<'a, const N: usize> Extend<&'a str> for FixedStr<N> {
    #[track_caller]
    fn extend<I: IntoIterator<Item = &'a str>>(&mut self, pieces: I) {
        for piece in pieces {
            if let Err(error) = self.push_str(piece) {
                panic!("{error}");
            }
        }
    }
}

/// # Panics
///
/// If a character does not fit. [`FixedStr::try_extend`] returns the error instead.
impl<const N: usize> FromIterator<char> for FixedStr<N> {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = char>>(chars: I) -> Self {
        let mut new = Self::new();
        new.extend(chars);
        new
    }
}

/// # Panics
///
/// If a piece does not fit. [`FixedStr::push_str`] returns the error instead.
impl<'a, const N: usize> FromIterator<&'a str> for FixedStr<N> {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = &'a str>>(pieces: I) -> Self {
        let mut new = Self::new();
        new.extend(pieces);
        new
    }
}

impl<const N: usize> Hash for FixedStr<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl<const N: usize> Eq for FixedStr<N> {}

/// Compares the texts; the capacities may differ.
impl<const N: usize, const M: usize> PartialEq<FixedStr<M>> for FixedStr<N> {
    fn eq(&self, other: &FixedStr<M>) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<const N: usize> Ord for FixedStr<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other)
    }
}

/// Compares the texts; the capacities may differ.
impl<const N: usize, const M: usize> PartialOrd<FixedStr<M>> for FixedStr<N> {
    fn partial_cmp(&self, other: &FixedStr<M>) -> Option<Ordering> {
        self.as_str().partial_cmp(other.as_str())
    }
}

/// `FixedStr` on either side of `==`, another kind of text on the other.
macro_rules! equal_to_text {
    ($($text:ty),*) => {$(
        impl<const N: usize> PartialEq<$text> for FixedStr<N> {
            fn eq(&self, other: &$text) -> bool {
                let other: &str = other;
                self.as_str() == other
            }
        }

        impl<const N: usize> PartialEq<FixedStr<N>> for $text {
            fn eq(&self, other: &FixedStr<N>) -> bool {
                other == self
            }
        }
    )*};
}

equal_to_text!(str, &str, String);
