//! Copies bytes out of an object while others may write them.

use super::Mapping;
use crate::sync::{AtomicU64, Ordering};

impl Mapping {
    /// Copies `len` bytes of buffer `index`, from the first on, to `out` in words of 8 bytes, while others may write
    /// them.
    ///
    /// The copy may be torn: the caller accepts it only by the buffer's stamp.
    ///
    /// # Safety
    ///
    /// - `out` is valid for writes of `len` bytes.
    /// - `len` is at most the size of the value.
    ///
    /// # References
    ///
    /// "Atomic accesses to read-only memory" in [`core::sync::atomic`]: relaxed loads of at most 8 bytes are
    /// allowed there. Boehm, "Can seqlocks get along with programming language memory models?", 2012.
    #[inline]
    pub(crate) unsafe fn copy_out(&self, index: u32, out: *mut u8, len: usize) {
        debug_assert!(len as u64 <= self.layout.shape.size);
        let words = self.buffer(index).as_ptr().cast::<AtomicU64>();
        let load = |i: usize| {
            // SAFETY: a buffer is `stride` bytes, a multiple of 128 and at least `len`, aligned to 128.
            let word = unsafe { &*words.wrapping_add(i) };
            word.load(Ordering::Relaxed)
        };
        let count = len / 8;
        for i in (0..count - count % 2).step_by(2) {
            let to = out.wrapping_add(8 * i);
            // SAFETY: `out` is valid for `len` bytes, and `8 * i + 16 <= len`.
            unsafe { put_pair(to, [load(i), load(i + 1)]) };
        }
        if count % 2 == 1 {
            let to = out.wrapping_add(8 * (count - 1)).cast::<u64>();
            // SAFETY: `out` is valid for `len` bytes, and `8 * count <= len`.
            unsafe { to.write_unaligned(load(count - 1)) };
        }
        let rest = len % 8;
        if rest != 0 {
            // The word that holds the last bytes lies within the stride.
            let value = load(count).to_ne_bytes();
            // SAFETY: `rest` bytes of `out` remain.
            let tail = unsafe { out.add(len - rest) };
            // SAFETY: `tail` is valid for `rest` bytes, `value` has 8.
            unsafe { tail.copy_from_nonoverlapping(value.as_ptr(), rest) };
        }
    }

    /// Copies the bytes from `from` on, which may be the middle of a word, as [`copy_out`](Self::copy_out) does.
    ///
    /// # Safety
    ///
    /// - `out` is valid for writes of `len` bytes.
    /// - `from + len` is at most the size of the value, or of the window.
    pub(crate) unsafe fn copy_out_from(&self, index: u32, from: usize, out: *mut u8, len: usize) {
        debug_assert!((from + len) as u64 <= self.layout.shape.size);
        let first = self.buffer(index).as_ptr().wrapping_add(from);
        // The window's first item may lie in the middle of a word, of which all bytes are mapped.
        let before = first.addr() % 8;
        let words = first.wrapping_sub(before).cast::<AtomicU64>();
        let load = |i: usize| {
            // SAFETY: a buffer is `stride` bytes, a multiple of 128 from one on, so the word of a byte in it lies in
            // it; and pages are mapped whole.
            let word = unsafe { &*words.wrapping_add(i) };
            word.load(Ordering::Relaxed).to_ne_bytes()
        };
        let put = |done: usize, bytes: &[u8]| {
            debug_assert!(done + bytes.len() <= len);
            // SAFETY: `out` is valid for `len` bytes.
            let to = unsafe { out.add(done) };
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

    /// As [`copy_out_from`](Self::copy_out_from), of a buffer that nobody writes.
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

/// Stores two words in one piece: a value of 16 bytes or more is moved in such pieces next, and a processor
/// cannot pass two stores of 8 bytes on to one load of 16 without waiting for both to reach the cache. That
/// made a `load` of 64 bytes three times as slow.
///
/// # Safety
///
/// - `to` is valid for writes of 16 bytes.
#[inline]
unsafe fn put_pair(to: *mut u8, pair: [u64; 2]) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m128i, _mm_set_epi64x, _mm_storeu_si128};
        let [low, high] = pair.map(|word| i64::from_ne_bytes(word.to_ne_bytes()));
        // SAFETY: every x86-64 processor has SSE2.
        let pair = unsafe { _mm_set_epi64x(high, low) };
        // SAFETY: the caller's promise; the store needs no alignment.
        unsafe { _mm_storeu_si128(to.cast::<__m128i>(), pair) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller's promise.
    unsafe {
        to.cast::<[u64; 2]>().write_unaligned(pair)
    };
}
