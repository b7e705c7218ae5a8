//! One child under `ptrace(2)`: run it to a place, step it, say what it is about to do, kill it.
#![expect(unsafe_code, reason = "calls ptrace(2) and wait(2)")]

use std::arch::asm;
use std::ffi::c_void;
use std::mem::{MaybeUninit, offset_of};
use std::process::Command;
use std::ptr;

/// What a child is about to execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Plain,
    /// A system call, with its number and first two arguments.
    Syscall(Call),
    /// The marker behind the operation.
    Marker,
}

/// A system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) number: u64,
    pub(crate) second: u64,
}

impl Call {
    /// Whether it may sleep until somebody wakes it.
    pub(crate) fn is_futex_wait(self) -> bool {
        const WAIT: u64 = 0;
        const WAIT_BITSET: u64 = 9;
        let command = self.second & 0x7F;
        self.number == libc::SYS_futex.unsigned_abs() && matches!(command, WAIT | WAIT_BITSET)
    }
}

/// Why a child stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// One instruction was executed, or a breakpoint was hit.
    Trap,
    /// Before or behind a system call.
    Syscall,
}

/// The child's side: lets the parent trace this process. It stops at its first [`marker`].
pub(crate) fn trace_me() {
    let nothing = ptr::null_mut::<c_void>();
    // SAFETY: this request has no arguments.
    let result = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, nothing, nothing) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// The child's side: the parent takes over here.
#[inline(never)]
pub(crate) fn marker() {
    // SAFETY: the trap stops this process for its tracer; no register or memory changes.
    unsafe { asm!("int3") };
}

/// A child that is stopped between two instructions. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Traced {
    pid: i32,
    alive: bool,
    /// It stands behind the entry of a system call that it has not made yet.
    entering: bool,
}

impl Traced {
    /// Starts `command`, which calls [`trace_me`], and waits for its first marker.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let child = command.spawn().map_err(|error| error.to_string())?;
        let pid = i32::try_from(child.id()).map_err(|error| error.to_string())?;
        let mut traced = Traced {
            pid,
            alive: true,
            entering: false,
        };
        traced.wait()?;
        let options = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD;
        traced.request(libc::PTRACE_SETOPTIONS, 0, options.unsigned_abs().into())?;
        Ok(traced)
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Makes a request that gives nothing back.
    fn request(&self, request: libc::c_uint, at: u64, data: u64) -> Result<(), String> {
        let at = ptr::without_provenance_mut::<c_void>(word_size(at));
        let data = ptr::without_provenance_mut::<c_void>(word_size(data));
        // SAFETY: the requests that come here read no memory of this process: their arguments are numbers.
        let result = unsafe { libc::ptrace(request, self.pid, at, data) };
        if result == -1 {
            let error = std::io::Error::last_os_error();
            return Err(format!("ptrace request {request}: {error}"));
        }
        Ok(())
    }

    /// Reads a word of the child's memory.
    fn peek(&self, at: u64) -> u64 {
        let at = ptr::without_provenance_mut::<c_void>(word_size(at));
        let nothing = ptr::null_mut::<c_void>();
        // SAFETY: it reads the child's memory; an address that is not mapped there is an error.
        let word = unsafe { libc::ptrace(libc::PTRACE_PEEKTEXT, self.pid, at, nothing) };
        u64::from_ne_bytes(word.to_ne_bytes())
    }

    /// The address of the instruction that comes next.
    pub(crate) fn place(&self) -> u64 {
        let at = offset_of!(libc::user_regs_struct, rip);
        let at = ptr::without_provenance_mut::<c_void>(at);
        let nothing = ptr::null_mut::<c_void>();
        // SAFETY: it reads a register of the child, which is stopped.
        let word = unsafe { libc::ptrace(libc::PTRACE_PEEKUSER, self.pid, at, nothing) };
        u64::from_ne_bytes(word.to_ne_bytes())
    }

    fn registers(&self) -> Result<libc::user_regs_struct, String> {
        let mut registers = MaybeUninit::<libc::user_regs_struct>::zeroed();
        let nothing = ptr::null_mut::<c_void>();
        // SAFETY: the kernel fills the whole structure, which is valid for writes.
        let result = unsafe {
            libc::ptrace(
                libc::PTRACE_GETREGS,
                self.pid,
                nothing,
                registers.as_mut_ptr(),
            )
        };
        if result == -1 {
            return Err(std::io::Error::last_os_error().to_string());
        }
        // SAFETY: filled by the kernel; before that it was zero, which is a value of these integers.
        Ok(unsafe { registers.assume_init() })
    }

    /// What the child is about to execute.
    pub(crate) fn next(&self) -> Result<Next, String> {
        if self.entering {
            return Ok(Next::Syscall(self.call()?));
        }
        let bytes = self.peek(self.place()).to_le_bytes();
        match bytes {
            [0x0F, 0x05, ..] => Ok(Next::Syscall(self.call()?)),
            [0xCC, ..] => Ok(Next::Marker),
            _ => Ok(Next::Plain),
        }
    }

    fn call(&self) -> Result<Call, String> {
        let registers = self.registers()?;
        let number = if self.entering {
            registers.orig_rax
        } else {
            registers.rax
        };
        Ok(Call {
            number,
            second: registers.rsi,
        })
    }

    /// Executes one instruction.
    pub(crate) fn step(&mut self) -> Result<Stop, String> {
        self.resume()?;
        self.wait()
    }

    /// Lets it execute one instruction, and does not wait for that.
    pub(crate) fn resume(&mut self) -> Result<(), String> {
        self.entering = false;
        self.request(libc::PTRACE_SINGLESTEP, 0, 0)
    }

    /// Runs to the next entry or end of a system call, or to a breakpoint.
    pub(crate) fn run(&mut self) -> Result<Stop, String> {
        self.request(libc::PTRACE_SYSCALL, 0, 0)?;
        let stop = self.wait()?;
        self.entering = stop == Stop::Syscall && !self.entering;
        Ok(stop)
    }

    /// Runs to the instruction at `at`; false if it came to a system call before.
    pub(crate) fn run_to(&mut self, at: u64) -> Result<bool, String> {
        if self.place() == at {
            return Ok(true);
        }
        let word = self.peek(at);
        let trap = word & !0xFF | 0xCC;
        self.request(libc::PTRACE_POKETEXT, at, trap)?;
        let stop = self.run()?;
        self.request(libc::PTRACE_POKETEXT, at, word)?;
        if stop != Stop::Trap || self.place() != at + 1 {
            return Ok(false);
        }
        let rip = offset_of!(libc::user_regs_struct, rip) as u64;
        self.request(libc::PTRACE_POKEUSER, rip, at)?;
        Ok(true)
    }

    /// Waits until it stops.
    pub(crate) fn wait(&mut self) -> Result<Stop, String> {
        let mut status = 0;
        // SAFETY: `status` is valid for writes.
        let waited = unsafe { libc::waitpid(self.pid, &raw mut status, libc::__WALL) };
        if waited != self.pid {
            return Err(std::io::Error::last_os_error().to_string());
        }
        if !libc::WIFSTOPPED(status) {
            self.alive = false;
            return Err(format!("the operation ended with status {status:#x}"));
        }
        const SYSCALL: i32 = libc::SIGTRAP | 0x80;
        match libc::WSTOPSIG(status) {
            libc::SIGTRAP => Ok(Stop::Trap),
            SYSCALL => Ok(Stop::Syscall),
            libc::SIGALRM => Err("the operation hung".into()),
            signal => Err(format!("the operation got signal {signal}")),
        }
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.kill_now();
    }

    fn kill_now(&mut self) {
        if !self.alive {
            return;
        }
        self.alive = false;
        // SAFETY: no preconditions; the child was not waited for, so its number is still its own.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
        let mut status = 0;
        loop {
            // SAFETY: `status` is valid for writes.
            let waited = unsafe { libc::waitpid(self.pid, &raw mut status, libc::__WALL) };
            if waited != self.pid || !libc::WIFSTOPPED(status) {
                return;
            }
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.kill_now();
    }
}

/// An address or word of the child, whose words are as large as ours.
fn word_size(word: u64) -> usize {
    usize::try_from(word).unwrap_or(usize::MAX)
}
