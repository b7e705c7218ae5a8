//! A forked child under `ptrace(2)`, stopped before each of its system calls, which can be made to fail.
#![expect(unsafe_code, reason = "calls fork(2), ptrace(2) and wait(2)")]

use std::ffi::c_void;
use std::io;
use std::mem::{self, MaybeUninit};
use std::ptr;

/// No system call has this number: the kernel says ENOSYS, and the tracer knows where the child is.
const MARK: libc::c_long = 9_999;

/// The child's side: a place that the tracer can tell.
pub(crate) fn mark() {
    // SAFETY: there is no such system call.
    unsafe { libc::syscall(MARK) };
}

/// A system call that a child is about to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) number: u64,
    pub(crate) args: [u64; 4],
}

/// A child, stopped before a system call until it has come to its end.
#[derive(Debug)]
pub(crate) struct Traced {
    id: libc::pid_t,
    /// It stands before a call, and not behind one: the kernel stops it at both.
    before: bool,
}

/// How a child was found.
#[derive(Debug)]
pub(crate) enum Found {
    /// About to make a system call.
    Before(Call),
    /// At its next [`mark`].
    Marked,
    /// It has ended.
    Ended(String),
}

impl Traced {
    /// Forks a child, which runs `body` and ends, and takes it to its first [`mark`].
    pub(crate) fn fork(body: impl FnOnce()) -> Self {
        // SAFETY: this program has one thread, so its child may do what it likes.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            request(libc::PTRACE_TRACEME, 0, 0);
            // SAFETY: stops this process, until its tracer has seen it.
            unsafe { libc::raise(libc::SIGSTOP) };
            body();
            std::process::exit(0);
        }
        assert!(pid > 0, "{}", io::Error::last_os_error());
        let mut traced = Traced {
            id: pid,
            before: false,
        };
        let status = traced.wait();
        assert!(libc::WIFSTOPPED(status), "{status:x}");
        let options = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD;
        request(libc::PTRACE_SETOPTIONS, pid, options.unsigned_abs().into());
        while !matches!(traced.next(), Found::Marked) {}
        traced
    }

    /// Its process id.
    pub(crate) fn id(&self) -> libc::pid_t {
        self.id
    }

    fn wait(&mut self) -> i32 {
        let mut status = 0;
        // SAFETY: it writes one integer, which `status` is.
        let waited = unsafe { libc::waitpid(self.id, &raw mut status, 0) };
        assert_eq!(waited, self.id, "{}", io::Error::last_os_error());
        status
    }

    /// Runs it to its next stop before or behind a system call; says how it ended, if it did.
    fn run(&mut self) -> Option<String> {
        const SYSCALL: i32 = libc::SIGTRAP | 0x80;
        let mut signal = 0;
        loop {
            request(libc::PTRACE_SYSCALL, self.id, signal);
            let status = self.wait();
            if !libc::WIFSTOPPED(status) {
                return Some(ended(status));
            }
            match libc::WSTOPSIG(status) {
                SYSCALL => return None,
                other => signal = other.unsigned_abs().into(),
            }
        }
    }

    /// Lets it make the system call before which it is stopped, if any, and runs it to the next.
    pub(crate) fn next(&mut self) -> Found {
        // Behind the call before which it stood, then before the next.
        for _ in 0..=u8::from(mem::take(&mut self.before)) {
            if let Some(ended) = self.run() {
                return Found::Ended(ended);
            }
        }
        let registers = self.registers();
        let call = Call {
            number: registers.orig_rax,
            args: [registers.rdi, registers.rsi, registers.rdx, registers.r10],
        };
        if call.number == MARK.unsigned_abs() {
            return match self.run() {
                None => Found::Marked,
                Some(ended) => Found::Ended(ended),
            };
        }
        self.before = true;
        Found::Before(call)
    }

    /// Takes it behind the system call before which it is stopped; says what came of that.
    pub(crate) fn finish_call(&mut self) -> u64 {
        assert!(mem::take(&mut self.before), "it is in no call");
        if let Some(ended) = self.run() {
            panic!("ended in a system call: {ended}");
        }
        self.registers().rax
    }

    /// As [`finish_call`](Self::finish_call), but the call fails with `errno`; it is `made` all the same, or is not.
    pub(crate) fn fail_call(&mut self, errno: i32, made: bool) {
        if !made {
            let mut registers = self.registers();
            registers.orig_rax = u64::MAX;
            self.set_registers(&registers);
        }
        self.finish_call();
        let mut registers = self.registers();
        registers.rax = 0_u64.wrapping_sub(errno.unsigned_abs().into());
        self.set_registers(&registers);
    }

    /// Reads a word of its memory.
    pub(crate) fn peek(&self, at: u64) -> u64 {
        request(libc::PTRACE_PEEKDATA, self.id, at)
    }

    fn registers(&self) -> libc::user_regs_struct {
        let mut registers = MaybeUninit::<libc::user_regs_struct>::uninit();
        let at = registers.as_mut_ptr().cast::<c_void>();
        // SAFETY: it writes the whole structure, which is large enough for the registers of this processor.
        let result =
            unsafe { libc::ptrace(libc::PTRACE_GETREGS, self.id, ptr::null_mut::<c_void>(), at) };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
        // SAFETY: the request has succeeded, so it is initialised.
        unsafe { registers.assume_init() }
    }

    fn set_registers(&self, registers: &libc::user_regs_struct) {
        let at = ptr::from_ref(registers).cast::<c_void>();
        // SAFETY: it reads the structure, and changes the registers of a child that is stopped.
        let result =
            unsafe { libc::ptrace(libc::PTRACE_SETREGS, self.id, ptr::null_mut::<c_void>(), at) };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
    }

    /// Lets it run on untraced, or stop by SIGSTOP.
    pub(crate) fn let_go(&mut self, stopped: bool) {
        let signal = if stopped { libc::SIGSTOP } else { 0 };
        request(libc::PTRACE_DETACH, self.id, signal.unsigned_abs().into());
    }

    /// Waits for its end, once it was let go; says how it ended.
    pub(crate) fn end(mut self) -> String {
        ended(self.wait())
    }
}

fn ended(status: i32) -> String {
    if libc::WIFSIGNALED(status) {
        return format!("killed by signal {}", libc::WTERMSIG(status));
    }
    format!("ended with {}", libc::WEXITSTATUS(status))
}

/// Makes a request whose arguments are numbers; gives back what `PTRACE_PEEKDATA` does.
fn request(request: libc::c_uint, pid: libc::pid_t, number: u64) -> u64 {
    // The address for the one that reads, the number for the others.
    let number = usize::try_from(number).expect("a machine of 64 bits");
    let number = ptr::without_provenance_mut::<c_void>(number);
    // SAFETY: the requests that come here read and write no memory of this process.
    let result = unsafe { libc::ptrace(request, pid, number, number) };
    let peeks = request == libc::PTRACE_PEEKDATA;
    assert!(
        peeks || result == 0,
        "{request}: {}",
        io::Error::last_os_error()
    );
    u64::from_ne_bytes(result.to_ne_bytes())
}
