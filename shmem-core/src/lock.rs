//! The writer lock's word and its take-over, no data.
//!
//! The word names its owner by row and generation, never by process id. Who finds it held asks the kernel
//! whether that row's process lives; if not, or if the row has another generation by now, the lock is taken
//! over by exchanging exactly the word that was seen. Nothing has to be repaired: what the dead owner had
//! published is published, the rest never counted.

use std::io;
use std::time::Duration;

use crate::control::WriterLine;
use crate::deadline::Deadline;
use crate::os::Event;
use crate::sync::Ordering;

/// The lock word.
///
/// | generation (52 bits) | row + 1 (11 bits) | `WAITERS` | Meaning | Left by |
/// |---|---|---|---|---|
/// | 0 | 0 | 0 | free | [`try_acquire`], [`acquire`] |
/// | g | r + 1 | 0 | held by row r of generation g | [`release`], or a take-over once it is dead |
/// | g | r + 1 | 1 | held, and somebody may sleep on this word | [`release`], which wakes one |
/// | 0 | 2047 | any | nobody's: the owner died before the object was last opened | a take-over |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token(u64);

const FREE: u64 = 0;
const WAITERS: u64 = 1;
const ROW_SHIFT: u32 = 1;
const ROW_MASK: u64 = (1 << 11) - 1;
const GENERATION_SHIFT: u32 = 12;

/// Generations count modulo this: at one opening each microsecond it lasts 142 years.
pub(crate) const GENERATIONS: u64 = 1 << (64 - GENERATION_SHIFT);

impl Token {
    /// Nobody's.
    pub(crate) const FREE: Token = Token(FREE);
    /// The word of an owner that is known to be dead, and whose row somebody else may have taken.
    pub(crate) const NOBODY: Token = Token(ROW_MASK << ROW_SHIFT);

    pub(crate) fn new(row: u32, generation: u64) -> Self {
        Token(generation << GENERATION_SHIFT | (u64::from(row) + 1) << ROW_SHIFT)
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Token(bits & !WAITERS)
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    /// The owner's row; it may be beyond the table, which is as good as dead.
    pub(crate) fn row(self) -> u32 {
        let plus_one = (self.0 >> ROW_SHIFT & ROW_MASK) as u32;
        plus_one.wrapping_sub(1)
    }

    pub(crate) fn generation(self) -> u64 {
        self.0 >> GENERATION_SHIFT
    }
}

/// Takes the lock if it is free.
#[inline]
pub(crate) fn try_acquire(line: &WriterLine, me: Token) -> bool {
    line.lock
        .compare_exchange(FREE, me.0, Ordering::SeqCst, Ordering::Relaxed)
        .is_ok()
}

/// Whether the lock is held under this token.
pub(crate) fn is_held_by(line: &WriterLine, me: Token) -> bool {
    Token::from_bits(line.lock.load(Ordering::Relaxed)) == me
}

/// Who waits, and how it finds out about others.
#[derive(Clone, Copy)]
pub(crate) struct Waiter {
    pub(crate) me: Token,
    pub(crate) event: Event,
    pub(crate) deadline: Deadline,
}

/// How often to look again before the first sleep: an owner that runs is done in a microsecond or two.
const SPINS: u32 = if cfg!(loom) { 1 } else { 100 };
const FIRST_SLEEP: Duration = Duration::from_millis(1);
/// The longest sleep: after a kill, the next writer notices at most this much later.
const LAST_SLEEP: Duration = Duration::from_millis(16);

/// Takes the lock, waiting for its owner or taking it over from a dead one; or says who has it.
#[cold]
pub(crate) fn acquire(
    line: &WriterLine,
    waiter: Waiter,
    mut is_dead: impl FnMut(Token) -> io::Result<bool>,
) -> io::Result<Result<(), Token>> {
    let Waiter { me, .. } = waiter;
    for _ in 0..SPINS {
        if line.lock.load(Ordering::Relaxed) == FREE && try_acquire(line, me) {
            return Ok(Ok(()));
        }
        std::hint::spin_loop();
    }
    let mut sleep = FIRST_SLEEP;
    let mut slept = false;
    loop {
        let seen = line.lock.load(Ordering::Relaxed);
        // One wake-up reaches one sleeper, and others may still sleep: who slept leaves the flag set.
        let passed_on = slept && !cfg!(mutation = "flag_not_passed_on");
        let flag = if passed_on { WAITERS } else { 0 };
        if seen == FREE {
            let swap =
                line.lock
                    .compare_exchange(FREE, me.0 | flag, Ordering::SeqCst, Ordering::Relaxed);
            if swap.is_ok() {
                return Ok(Ok(()));
            }
            continue;
        }
        if is_dead(Token::from_bits(seen))? {
            // Exactly the word that was seen: if the owner changed, or if it set or lost a flag, look again.
            let new = me.0 | seen & WAITERS | flag;
            let swap = line
                .lock
                .compare_exchange(seen, new, Ordering::SeqCst, Ordering::Relaxed);
            if swap.is_ok() {
                return Ok(Ok(()));
            }
            continue;
        }
        let slice = waiter.deadline.slice(sleep);
        if slice.is_zero() {
            return Ok(Err(Token::from_bits(seen)));
        }
        let marked = seen | WAITERS;
        if seen != marked {
            let swap =
                line.lock
                    .compare_exchange(seen, marked, Ordering::Relaxed, Ordering::Relaxed);
            if swap.is_err() {
                continue;
            }
        }
        // The kernel goes to sleep only if the half still has these bits. Always with a timeout: the owner
        // may be killed between its unlock and its wake.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the half that the kernel compares"
        )]
        waiter.event.wait(&line.lock, marked as u32, slice);
        slept = true;
        sleep = (sleep * 2).min(LAST_SLEEP);
    }
}

/// Gives the lock back and wakes one who waits.
///
/// By exchange of the own word: an owner that was taken for dead leaves its successor's alone.
#[inline]
pub(crate) fn release(line: &WriterLine, me: Token, event: Event) {
    let swap = line
        .lock
        .compare_exchange(me.0, FREE, Ordering::SeqCst, Ordering::Relaxed);
    if swap.is_err() {
        release_and_wake(line, me, event);
    }
}

#[cold]
fn release_and_wake(line: &WriterLine, me: Token, event: Event) {
    let marked = me.0 | WAITERS;
    let swap = line
        .lock
        .compare_exchange(marked, FREE, Ordering::SeqCst, Ordering::Relaxed);
    if swap.is_ok() {
        event.wake_one(&line.lock);
    }
}

/// Leaves a held lock to whoever wants it next. Under `MEMBER`, when nobody has the object open.
///
/// A generation in a file may be older than the lock word beside it, if power failed between the two; the
/// next owner of the row could then look like the owner of the lock. So the word loses its row.
pub(crate) fn orphan(line: &WriterLine) {
    let kept = cfg!(mutation = "lock_not_orphaned");
    if !kept && line.lock.load(Ordering::Relaxed) != FREE {
        line.lock.store(Token::NOBODY.0, Ordering::SeqCst);
    }
}
