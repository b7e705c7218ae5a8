//! What the standard library does not offer of processes and signals.
#![expect(unsafe_code, reason = "forks, and sets what signals do")]

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Pid;

/// Splits the process; `None` in the child.
///
/// The child has one thread, which goes on here, whatever threads there were.
pub(crate) fn fork() -> Option<Pid> {
    // SAFETY: the only other thread of a peer sleeps in `join`, and holds no lock that the child could want.
    let id = unsafe { libc::fork() };
    assert!(id >= 0, "{}", std::io::Error::last_os_error());
    Pid::from_raw(id)
}

/// Ends a forked child at once, without what its parent has prepared for the end.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: nothing has to be run at exit.
    unsafe { libc::_exit(code) }
}

/// Has SIGALRM end the process then.
pub(crate) fn alarm(seconds: u32) {
    // SAFETY: no preconditions; the default action is what is meant.
    unsafe { libc::alarm(seconds) };
}

/// Has the kernel collect the children that end.
pub(crate) fn forget_children() {
    // SAFETY: no handler is installed; nothing here waits for a child's status.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
}

/// Leaves it to the conductor to end when somebody wants the program to end.
pub(crate) fn ignore_interrupts() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: no handler is installed.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

extern "C" fn interrupt(_signal: libc::c_int) {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

/// Has SIGINT and SIGTERM end the round and not the program, which has things to tidy up.
pub(crate) fn catch_interrupts() {
    let handler: extern "C" fn(libc::c_int) = interrupt;
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler stores one word, which may be done at any time.
        unsafe { libc::signal(signal, handler as libc::sighandler_t) };
    }
}

/// Whether somebody wants the program to end.
pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}
