//! Text in place: a length, then `N` bytes.
#![expect(
    unsafe_code,
    reason = "skips the UTF-8 check, which validation made before the bytes became a value"
)]

use crate::fixed::CapacityError;
use crate::hint::Described;
use crate::schema::Kind;
use crate::{Schema, Shared};

/// Text of at most `N` bytes of UTF-8, in place: what [`String`] is for memory of one's own.
///
/// It dereferences to [`str`], so everything that a `str` can do, it can do. Functions that make it longer
/// return a [`CapacityError`] when it would not fit and then leave it as it was. It takes `4 + N` bytes at
/// alignment 1, has no padding, and is `Copy`. Bytes after the text are not cleared when it gets shorter:
/// other processes can see what was there.
///
/// # Examples
///
/// ```
/// use shmem_core::FixedStr;
///
/// let mut symbol: FixedStr<8> = "AAPL".try_into()?;
/// symbol.push_str(".O")?;
/// assert_eq!(symbol, "AAPL.O");
/// assert!(symbol.starts_with('A'));
/// assert!(symbol.push_str("ld").is_ok());
/// assert!(symbol.push('!').is_err());
/// # Ok::<(), shmem_core::CapacityError>(())
/// ```
#[derive(Clone, Copy)]
#[repr(C)]
pub struct FixedStr<const N: usize> {
    /// A `u32` in native byte order; as bytes, so that the alignment is 1.
    ///
    /// # Invariants
    ///
    /// 1. At most `N`.
    len: [u8; 4],
    /// # Invariants
    ///
    /// 2. `bytes[..len]` is UTF-8.
    bytes: [u8; N],
}

// SAFETY: the length, then the bytes, of which the first `length` are UTF-8: as `Kind::Str` says, with the size
// that `Schema::of` reads from the type. Fields of alignment 1 leave no hole. Bytes that validation accepts
// keep invariants 1 and 2, and every value keeps them. There is nothing in it but bytes.
#[diagnostic::do_not_recommend]
unsafe impl<const N: usize> Described for FixedStr<N> {
    const DESCRIPTION: &'static Schema = {
        let () = Self::CAPACITY_FITS;
        &Schema::of::<Self>("FixedStr", Kind::Str { capacity: N })
    };
}

// SAFETY: described exactly; no address, no destructor, no cell; bytes are `Send` and `Sync`.
#[diagnostic::do_not_recommend]
unsafe impl<const N: usize> Shared for FixedStr<N> {}

/// Making one.
impl<const N: usize> FixedStr<N> {
    const CAPACITY_FITS: () = assert!(
        N as u64 <= u32::MAX as u64,
        "a `FixedStr` holds at most 4294967295 bytes: its length is stored in 4"
    );

    /// The empty text.
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// assert_eq!(FixedStr::<16>::new(), "");
    /// ```
    pub const fn new() -> Self {
        let () = Self::CAPACITY_FITS;
        FixedStr {
            len: [0; 4],
            bytes: [0; N],
        }
    }

    /// The text `text`, which is known to fit; for constants.
    ///
    /// Use `FixedStr::try_from` for text that comes from outside.
    ///
    /// # Panics
    ///
    /// If `text` is longer than `N` bytes. In a constant, that is a compile error.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// const HOST: FixedStr<16> = FixedStr::literal("localhost");
    /// assert_eq!(HOST, "localhost");
    /// ```
    #[track_caller]
    pub const fn literal(text: &str) -> Self {
        let text = text.as_bytes();
        assert!(
            text.len() <= N,
            "the text is longer than the `FixedStr` that it is for"
        );
        let mut new = Self::new();
        let mut i = 0;
        while i < text.len() {
            new.bytes[i] = text[i];
            i += 1;
        }
        // SAFETY: `text.len() <= N` was asserted, and those bytes are now those of a `str`.
        unsafe { new.set_len(text.len()) };
        new
    }
}

/// Reading.
impl<const N: usize> FixedStr<N> {
    /// The length of the text, in bytes.
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// assert_eq!(FixedStr::<8>::literal("für").len(), 4);
    /// ```
    pub const fn len(&self) -> usize {
        // At most `N`, which is a `usize` (invariant 1).
        u32::from_ne_bytes(self.len) as usize
    }

    /// Whether the text is empty.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no further character fits.
    pub const fn is_full(&self) -> bool {
        self.len() == N
    }

    /// The length that is possible, in bytes: `N`.
    pub const fn capacity(&self) -> usize {
        N
    }

    /// How many more bytes fit.
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// assert_eq!(FixedStr::<8>::literal("abc").remaining_capacity(), 5);
    /// ```
    pub const fn remaining_capacity(&self) -> usize {
        N - self.len()
    }

    /// The text.
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// const HOST: FixedStr<16> = FixedStr::literal("localhost");
    /// const TEXT: &str = HOST.as_str();
    /// # assert_eq!(TEXT, "localhost");
    /// ```
    pub const fn as_str(&self) -> &str {
        let (text, _) = self.bytes.split_at(self.len());
        // SAFETY: `text` is `bytes[..len]`, which is UTF-8 (invariant 2).
        unsafe { core::str::from_utf8_unchecked(text) }
    }

    /// The text, to be changed in place.
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// let mut text = FixedStr::<8>::literal("abc");
    /// text.as_mut_str().make_ascii_uppercase();
    /// assert_eq!(text, "ABC");
    /// ```
    pub const fn as_mut_str(&mut self) -> &mut str {
        let (text, _) = self
            .bytes
            .split_at_mut(u32::from_ne_bytes(self.len) as usize);
        // SAFETY: `text` is `bytes[..len]`, which is UTF-8 (invariant 2); a `&mut str` keeps it so.
        unsafe { core::str::from_utf8_unchecked_mut(text) }
    }
}

/// Changing.
impl<const N: usize> FixedStr<N> {
    /// Appends `text`, all of it or nothing.
    ///
    /// # Errors
    ///
    /// [`CapacityError`]: the text would be longer than `N` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// let mut path = FixedStr::<8>::literal("/dev");
    /// path.push_str("/shm")?;
    /// assert!(path.push_str("/x").is_err());
    /// assert_eq!(path, "/dev/shm");
    /// # Ok::<(), shmem_core::CapacityError>(())
    /// ```
    pub fn push_str(&mut self, text: &str) -> Result<(), CapacityError> {
        let len = self.len();
        let end = len + text.len(); // cannot wrap: neither is more than `isize::MAX`
        let Some(free) = self.bytes.get_mut(len..end) else {
            return Err(CapacityError::text(end, N));
        };
        free.copy_from_slice(text.as_bytes());
        // SAFETY: `bytes` has an index range that ends at `end`, so `end <= N`; the bytes before `len` are
        // UTF-8 (invariant 2), those after it are those of a `str`.
        unsafe { self.set_len(end) };
        Ok(())
    }

    /// Removes the last character and returns it; `None` if the text is empty.
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// let mut text = FixedStr::<4>::literal("né");
    /// assert_eq!(text.pop(), Some('é'));
    /// assert_eq!(text, "n");
    /// ```
    pub fn pop(&mut self) -> Option<char> {
        let mut rest = self.chars();
        let ch = rest.next_back()?;
        let len = rest.as_str().len();
        // SAFETY: `rest` is the beginning of the text: shorter, and a `str`.
        unsafe { self.set_len(len) };
        Some(ch)
    }

    /// Inserts `text` before the byte `index`, all of it or nothing.
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
    /// let mut text = FixedStr::<8>::literal("ad");
    /// text.insert_str(1, "bc")?;
    /// assert_eq!(text, "abcd");
    /// # Ok::<(), shmem_core::CapacityError>(())
    /// ```
    #[track_caller]
    pub fn insert_str(&mut self, index: usize, text: &str) -> Result<(), CapacityError> {
        assert!(
            self.is_char_boundary(index),
            "byte {index} is past the end or inside a character"
        );
        self.push_str(text)?;
        // Three whole pieces of UTF-8; the last two change places (keeps invariant 2).
        let len = self.len();
        self.bytes[index..len].rotate_right(text.len());
        Ok(())
    }

    /// Removes the character at the byte `index` and returns it.
    ///
    /// # Panics
    ///
    /// If `index` is the end, past it, or inside a character.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// let mut text = FixedStr::<8>::literal("abc");
    /// assert_eq!(text.remove(1), 'b');
    /// assert_eq!(text, "ac");
    /// ```
    #[track_caller]
    pub fn remove(&mut self, index: usize) -> char {
        let Some(ch) = self[index..].chars().next() else {
            panic!("byte {index} is the end of the text: no character to remove");
        };
        let len = self.len();
        self.bytes.copy_within(index + ch.len_utf8()..len, index);
        // SAFETY: shorter than before; what stands before and after one character is UTF-8, also together.
        unsafe { self.set_len(len - ch.len_utf8()) };
        ch
    }

    /// Keeps the characters for which `keep` is true.
    ///
    /// If `keep` panics, the characters kept so far stay and the rest is gone.
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// let mut text = FixedStr::<16>::literal("+41 79 123");
    /// text.retain(|ch| ch.is_ascii_digit());
    /// assert_eq!(text, "4179123");
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(char) -> bool) {
        let len = self.len();
        let mut next = 0;
        self.clear();
        while next < len {
            // SAFETY: up to `len` this was the text. `next` stands between two of its characters, and only
            // bytes before `next` have been written.
            let rest = unsafe { core::str::from_utf8_unchecked(&self.bytes[next..len]) };
            let Some(ch) = rest.chars().next() else { break };
            next += ch.len_utf8();
            if keep(ch) {
                let fits = self.push(ch);
                debug_assert!(fits.is_ok(), "the text is at most as long as it was");
            }
        }
    }

    /// Shortens the text to `len` bytes; does nothing if it is not longer.
    ///
    /// # Panics
    ///
    /// If `len` is inside a character.
    ///
    /// # Examples
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// let mut text = FixedStr::<8>::literal("abcdef");
    /// text.truncate(3);
    /// assert_eq!(text, "abc");
    /// ```
    #[track_caller]
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            assert!(
                self.is_char_boundary(len),
                "byte {len} is inside a character"
            );
            // SAFETY: less than the length, and what stands before a character boundary is UTF-8.
            unsafe { self.set_len(len) };
        }
    }

    /// Makes the text empty.
    ///
    /// ```
    /// # use shmem_core::FixedStr;
    /// let mut text = FixedStr::<8>::literal("abc");
    /// text.clear();
    /// assert!(text.is_empty());
    /// ```
    pub const fn clear(&mut self) {
        self.len = [0; 4];
    }

    /// # Safety
    ///
    /// - `len` is at most `N` (invariant 1).
    /// - `bytes[..len]` is UTF-8 (invariant 2).
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most `N`, which fits in a `u32` (`CAPACITY_FITS`)"
    )]
    const unsafe fn set_len(&mut self, len: usize) {
        debug_assert!(len <= N);
        self.len = (len as u32).to_ne_bytes();
    }
}
