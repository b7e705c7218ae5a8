//! The atomics of the protocol, from one place, so that a model checker can put its own there.
//!
//! With `--cfg loom` they are [loom](https://docs.rs/loom)'s, and the tests in `model/tests.rs` run the files
//! of the protocol, as they are shipped, in every order that the language's memory model allows. With
//! `--cfg mutation="…"` beside it, one step that the protocol rests on is left out or exchanged where it
//! stands, and a test must fail: `cargo run --release -p tests --bin mutants` tries all of them.

pub(crate) use imp::*;

#[cfg(not(loom))]
mod imp {
    pub(crate) use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
    pub(crate) use std::thread::sleep;

    /// A number for this thread that no other living thread of this process has.
    #[inline]
    pub(crate) fn thread() -> u64 {
        thread_local!(static THREAD: u8 = const { 0 });
        THREAD.with(|byte| std::ptr::from_ref(byte).addr() as u64)
    }
}

#[cfg(loom)]
mod imp {
    use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
    use std::time::Duration;

    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

    /// In the model no time passes: others may go first.
    pub(crate) fn sleep(_: Duration) {
        loom::thread::yield_now();
    }

    pub(crate) fn thread() -> u64 {
        BuildHasherDefault::<DefaultHasher>::new().hash_one(loom::thread::current().id())
    }
}

/// Sequentially consistent; or weaker, in a build that shows that weaker is not enough.
pub(crate) const fn seq_cst_unless(mutated: bool, weaker: Ordering) -> Ordering {
    if mutated { weaker } else { Ordering::SeqCst }
}

/// Stands between two accesses of different words that must not be exchanged, whose orderings these are.
///
/// It does nothing: that both are sequentially consistent is enough. But loom takes such an access for an
/// acquiring or releasing one, and knows sequential consistency of fences only; so the model has one here.
#[inline]
pub(crate) fn in_order(first: Ordering, second: Ordering) {
    if cfg!(loom) && (first, second) == (Ordering::SeqCst, Ordering::SeqCst) {
        fence(Ordering::SeqCst);
    }
}
