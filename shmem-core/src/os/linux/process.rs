//! What tells a process from the child it forks.
#![expect(unsafe_code, reason = "maps a page of its own, and registers handlers")]

use std::io;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use rustix::mm::{self, Advice, MapFlags, ProtFlags};

/// A word of this process's own that reads as zero in a child made by `fork` or a bare `clone`.
///
/// # References
///
/// `madvise(2)`, `MADV_WIPEONFORK`.
pub(crate) fn process_word() -> io::Result<&'static AtomicU64> {
    static WORD: OnceLock<&'static AtomicU64> = OnceLock::new();
    if let Some(word) = WORD.get() {
        return Ok(word);
    }
    let len = size_of::<AtomicU64>();
    // SAFETY: a new anonymous mapping at an address of the kernel's choice replaces nothing.
    let at = unsafe {
        mm::mmap_anonymous(
            ptr::null_mut(),
            len,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE,
        )
    }?;
    // SAFETY: the page was mapped above and nobody has a reference into it.
    unsafe { mm::madvise(at, len, Advice::LinuxWipeOnFork) }?;
    // SAFETY: page-aligned, readable and writable, zero (a value of `AtomicU64`), and never unmapped.
    let word: &'static AtomicU64 = unsafe { &*at.cast::<AtomicU64>() };
    // Two threads may come here at once; the page of the slower one stays unused.
    Ok(WORD.get_or_init(|| word))
}

/// Has the three functions called around every later `fork(3)`: before it, in the parent, in the child.
///
/// # References
///
/// `pthread_atfork(3)`.
pub(crate) fn at_fork(before: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    unsafe extern "C" {
        fn pthread_atfork(
            prepare: Option<extern "C" fn()>,
            parent: Option<extern "C" fn()>,
            child: Option<extern "C" fn()>,
        ) -> libc::c_int;
    }
    // SAFETY: the three are functions of this program, which is never unloaded before its last fork.
    unsafe { pthread_atfork(Some(before), Some(parent), Some(child)) };
}
