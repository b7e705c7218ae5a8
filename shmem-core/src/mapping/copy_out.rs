//! Copies bytes out of an object, also while others write them.
//!
//! What comes of that may be torn: callers accept it by the stamps of `cell.rs` and `elements.rs`, which say whether
//! anybody has written meanwhile. So it does not matter in which pieces the bytes are loaded, only that the loads stay
//! where they are, between those of the stamps, and that the language calls them no race on this side: they are
//! relaxed atomic loads, or instructions that the compiler does not look into.

use super::Mapping;

impl Mapping {
    /// Copies `len` bytes of buffer `index`, from the byte `from` of the value or the window on, to `out`, while others
    /// may write them.
    ///
    /// # Safety
    ///
    /// - `out` is valid for writes of `len` bytes.
    /// - `from + len` is at most the size of the value, or of the window.
    #[inline]
    pub(crate) unsafe fn copy_out(&self, index: u32, from: usize, out: *mut u8, len: usize) {
        debug_assert!((from + len) as u64 <= self.layout.shape.size);
        let first = self.buffer(index).as_ptr().wrapping_add(from);
        // SAFETY: the caller's promise; what lies in a buffer is mapped, and so is the rest of each word, since a buffer
        // is a multiple of 128 bytes from a multiple of 128 on, and pages are mapped whole.
        unsafe { racing::copy(first, out, len) };
    }

    /// As [`copy_out`](Self::copy_out), of bytes that nobody writes.
    ///
    /// # Safety
    ///
    /// - As there; and nobody writes these bytes meanwhile.
    pub(crate) unsafe fn copy_stable(&self, index: u32, from: usize, out: *mut u8, len: usize) {
        debug_assert!((from + len) as u64 <= self.layout.shape.size);
        let first = self.buffer(index).as_ptr().wrapping_add(from);
        // SAFETY: the caller's promise; what lies in a buffer is mapped.
        unsafe { out.copy_from_nonoverlapping(first, len) };
    }
}

/// By instructions that load 16 bytes at once: faster than atomic loads of 8, which the compiler does not put together.
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod racing {
    use core::arch::asm;
    use core::arch::x86_64::{__m128i, _mm_storeu_si128};

    /// Loads a number of the type's size, aligned or not.
    macro_rules! load {
        ($name:ident, $number:ty, $class:ident, $instruction:literal $(, $modifier:literal)?) => {
            /// # Safety
            ///
            /// - `from` is valid for reads of the number's bytes, but that others may write them.
            #[inline]
            unsafe fn $name(from: *const u8) -> $number {
                let number;
                // SAFETY: reads those bytes, and changes nothing but the register that it returns.
                unsafe {
                    asm!(
                        concat!($instruction, " {number", $($modifier,)? "}, [{from}]"),
                        from = in(reg) from,
                        number = out($class) number,
                        options(readonly, nostack, preserves_flags),
                    );
                }
                number
            }
        };
    }
    #[cfg(target_feature = "avx")]
    load!(load_16, __m128i, xmm_reg, "vmovdqu");
    #[cfg(not(target_feature = "avx"))]
    load!(load_16, __m128i, xmm_reg, "movdqu");
    load!(load_8, u64, reg, "mov");
    load!(load_4, u32, reg, "mov", ":e");
    load!(load_1, u8, reg_byte, "mov");

    /// # Safety
    ///
    /// - `from` is valid for reads of 16 bytes, but that others may write them; `to` for writes.
    #[inline]
    unsafe fn copy_16(from: *const u8, to: *mut u8) {
        // SAFETY: the caller's promise.
        let piece = unsafe { load_16(from) };
        // SAFETY: the caller's promise; the store needs no alignment.
        unsafe { _mm_storeu_si128(to.cast::<__m128i>(), piece) };
    }

    /// # Safety
    ///
    /// - `from` is valid for reads of `len` bytes, but that others may write them; `to` for writes.
    #[inline]
    pub(super) unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
        let mut done = 0;
        while len - done >= 16 {
            // SAFETY: so many bytes are left.
            unsafe { copy_16(from.wrapping_add(done), to.wrapping_add(done)) };
            done += 16;
        }
        if done == len {
            return;
        }
        if len >= 16 {
            // Some of them once more.
            let at = len - 16;
            // SAFETY: these are the last 16 of them.
            return unsafe { copy_16(from.wrapping_add(at), to.wrapping_add(at)) };
        }
        if len - done >= 8 {
            // SAFETY: so many bytes are left.
            let piece = unsafe { load_8(from.wrapping_add(done)) };
            // SAFETY: as above.
            unsafe { to.wrapping_add(done).cast::<u64>().write_unaligned(piece) };
            done += 8;
        }
        if len - done >= 4 {
            // SAFETY: so many bytes are left.
            let piece = unsafe { load_4(from.wrapping_add(done)) };
            // SAFETY: as above.
            unsafe { to.wrapping_add(done).cast::<u32>().write_unaligned(piece) };
            done += 4;
        }
        while done < len {
            // SAFETY: a byte is left.
            let byte = unsafe { load_1(from.wrapping_add(done)) };
            // SAFETY: as above.
            unsafe { to.wrapping_add(done).write(byte) };
            done += 1;
        }
    }
}

/// By atomic loads of words.
///
/// # References
///
/// "Atomic accesses to read-only memory" in [`core::sync::atomic`]: relaxed loads of at most 8 bytes are allowed there.
/// Boehm, "Can seqlocks get along with programming language memory models?", 2012.
#[cfg(any(not(target_arch = "x86_64"), miri))]
mod racing {
    use crate::sync::{AtomicU64, Ordering};

    /// # Safety
    ///
    /// - `from` is valid for reads of `len` bytes, and of the rest of the words that they lie in, but that others may
    ///   write them; `to` for writes.
    #[inline]
    pub(super) unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
        let before = from.addr() % 8;
        let words = from.wrapping_sub(before).cast::<AtomicU64>();
        let load = |i: usize| {
            // SAFETY: the caller's promise; aligned, since it was rounded down.
            let word = unsafe { &*words.wrapping_add(i) };
            word.load(Ordering::Relaxed).to_ne_bytes()
        };
        let put = |done: usize, bytes: &[u8]| {
            debug_assert!(done + bytes.len() <= len);
            // SAFETY: `to` is valid for `len` bytes.
            let to = unsafe { to.add(done) };
            // SAFETY: as above; `bytes` is ours.
            unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        };
        let (mut done, mut i) = (0, 0);
        if before != 0 {
            let end = (before + len).min(8);
            put(0, &load(0)[before..end]);
            (done, i) = (end - before, 1);
        }
        while len - done >= 8 {
            put(done, &load(i));
            (done, i) = (done + 8, i + 1);
        }
        if done < len {
            put(done, &load(i)[..len - done]);
        }
    }
}
