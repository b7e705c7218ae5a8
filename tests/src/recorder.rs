//! What a disk could hold of a file after a power cut, from everything that programs did to it.
//!
//! Programs run under `ptrace(2)`, one instruction at a time, and each change of the file is kept. The kernel
//! writes units of a file (pages, or the sectors of which they consist) back when it likes, in any order; it
//! promises only that `msync(2)` returns once the disk has what was there when it was called. So after a power
//! cut each unit holds what it held at some moment since the last `msync` that covered it: a [`Disk`] says which
//! contents those are, and a [`Recording`] when they were.
#![expect(unsafe_code, reason = "calls ptrace(2) and wait(2)")]

use std::ffi::c_void;
use std::fs::{self, File};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::ptr;

use crate::Random;
use crate::raw::{Raw, control, word};

/// No system call has this number: the kernel says ENOSYS, and the recorder knows where the program is.
const MARK: libc::c_long = 9_999;

/// What a program says of itself by [`mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The next step of its script begins, or none is left.
    Step,
    /// It calls `flush`.
    Flushing,
    /// `flush` has returned without an error.
    Flushed,
}

/// The program's side.
pub fn mark(mark: Mark) {
    // SAFETY: there is no such system call.
    unsafe { libc::syscall(MARK, mark as libc::c_long) };
}

/// Everything that became of a file, in order. A moment is a number: how often it had changed,
/// or the disk had said that it has something.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    unit: usize,
    last: Raw,
    moment: usize,
    /// For each unit its contents, and since when.
    contents: Vec<Vec<(usize, Vec<u8>)>>,
    /// When the control words changed.
    turns: Vec<usize>,
    /// Which units an `msync` covered, when it was called, and when it returned.
    syncs: Vec<(Range<usize>, usize, usize)>,
    /// Versions, the bytes that were published under them, and when.
    published: Vec<(usize, u64, Vec<u8>)>,
    /// Versions that were flushed, and when that was done.
    flushed: Vec<(usize, u64)>,
}

/// A program under `ptrace`, stopped between two instructions. Dropped, it is killed.
#[derive(Debug)]
pub struct Actor {
    child: Child,
    pid: libc::pid_t,
    /// The version that was current when it called `flush`.
    flushing: u64,
    ended: bool,
}

impl Recording {
    /// Of a file that the disk has as it is.
    pub fn new(path: &Path, unit: usize) -> Self {
        let last = Raw::read(path);
        let contents = last.0.chunks(unit).map(|bytes| vec![(0, bytes.to_vec())]);
        let first = (0, last.version(), last.0[last.value()].to_vec());
        Recording {
            path: path.to_owned(),
            file: File::open(path).unwrap(),
            buffer: vec![0; last.0.len()],
            unit,
            contents: contents.collect(),
            moment: 0,
            turns: vec![0],
            syncs: Vec::new(),
            flushed: vec![(0, last.version())],
            published: vec![first],
            last,
        }
    }

    /// The file as it is now.
    pub fn now(&self) -> &Raw {
        &self.last
    }

    /// The last moment.
    pub fn end(&self) -> usize {
        self.moment
    }

    fn observe(&mut self) {
        self.file.read_exact_at(&mut self.buffer, 0).unwrap();
        if self.buffer == self.last.0 {
            return;
        }
        let now = self.buffer.clone();
        self.moment += 1;
        let control = self.last.offset(word::CONTROL);
        for (index, bytes) in now.chunks(self.unit).enumerate() {
            let history = &mut self.contents[index];
            if history.last().unwrap().1 != bytes {
                history.push((self.moment, bytes.to_vec()));
            }
        }
        let words = control..control + control::LEN;
        if now[words.clone()] != self.last.0[words] {
            self.turns.push(self.moment);
        }
        let before = self.last.version();
        self.last = Raw(now);
        if self.last.version() != before {
            let bytes = self.last.0[self.last.value()].to_vec();
            self.published
                .push((self.moment, self.last.version(), bytes));
        }
    }

    /// Starts a program and takes it to its first mark.
    pub fn start(&mut self, command: &mut Command) -> Actor {
        let trace_me = || match request(libc::PTRACE_TRACEME, 0, 0) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        };
        // SAFETY: between fork and exec it makes one system call.
        unsafe { command.pre_exec(trace_me) };
        let child = command.spawn().unwrap();
        let pid = libc::pid_t::try_from(child.id()).unwrap();
        let mut actor = Actor {
            child,
            pid,
            flushing: 0,
            ended: false,
        };
        actor.wait();
        request(
            libc::PTRACE_SETOPTIONS,
            pid,
            libc::PTRACE_O_EXITKILL as usize,
        );
        assert_eq!(self.pass(&mut actor), Some(Mark::Step));
        actor
    }

    /// Has a program execute one instruction; its mark, if that was one. `None` as well once it has ended.
    pub fn step(&mut self, actor: &mut Actor) -> Option<Mark> {
        if actor.ended {
            return None;
        }
        const SYSCALL: u64 = 0x050F;
        let registers = actor.registers();
        let is_call = actor.peek(registers.rip) & 0xFFFF == SYSCALL;
        let before = self.moment;
        actor.go_on(libc::PTRACE_SINGLESTEP);
        self.observe();
        if !is_call || actor.ended {
            return None;
        }
        self.called(actor, registers.rax, before)
    }

    /// Has a program go on to its next mark at full speed; what becomes of the file meanwhile is not looked at.
    /// `None` if it ended.
    pub fn pass(&mut self, actor: &mut Actor) -> Option<Mark> {
        while !actor.ended {
            // To the entry of a system call, and to its end.
            actor.go_on(libc::PTRACE_SYSCALL);
            let before = self.moment;
            if actor.ended {
                break;
            }
            let number = actor.registers().orig_rax;
            actor.go_on(libc::PTRACE_SYSCALL);
            if actor.ended {
                break;
            }
            let known = [libc::SYS_msync, MARK].map(i64::unsigned_abs);
            if known.contains(&number) {
                self.observe();
                if let Some(mark) = self.called(actor, number, before) {
                    return Some(mark);
                }
            }
        }
        self.observe();
        None
    }

    /// What follows from a system call that a program has made, and that began at the moment `before`.
    fn called(&mut self, actor: &mut Actor, number: u64, before: usize) -> Option<Mark> {
        let registers = actor.registers();
        if number == libc::SYS_msync.unsigned_abs() && registers.rax == 0 {
            let units = self.units(actor.pid, registers.rdi, registers.rsi);
            // A moment of its own: just before, the disk had not said so.
            self.moment += 1;
            self.syncs.push((units, before, self.moment));
        }
        if number != MARK.unsigned_abs() {
            return None;
        }
        Some(match registers.rdi {
            0 => Mark::Step,
            1 => {
                actor.flushing = self.last.version();
                Mark::Flushing
            }
            _ => {
                self.moment += 1;
                self.flushed.push((self.moment, actor.flushing));
                Mark::Flushed
            }
        })
    }

    /// Has it go on until it marks that, or ends; false if it ended.
    pub fn run_to(&mut self, actor: &mut Actor, mark: Mark) -> bool {
        while !actor.ended {
            if self.step(actor) == Some(mark) {
                return true;
            }
        }
        false
    }

    /// Has it go on until the file is so.
    pub fn run_until(&mut self, actor: &mut Actor, mut so: impl FnMut(&Raw) -> bool) {
        while !so(&self.last) {
            assert!(!actor.ended, "it ended before");
            self.step(actor);
        }
    }

    /// Which units lie in this range of a program's addresses.
    fn units(&self, pid: libc::pid_t, from: u64, len: u64) -> Range<usize> {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        let path = self.path.to_str().unwrap();
        for line in maps.lines().filter(|line| line.ends_with(path)) {
            let mut words = line.split_whitespace();
            let (start, end) = words.next().unwrap().split_once('-').unwrap();
            let [start, end, offset] = [start, end, words.nth(1).unwrap()]
                .map(|number| u64::from_str_radix(number, 16).unwrap());
            if (start..end).contains(&from) {
                let from = usize::try_from(from - start + offset).unwrap();
                // Whole pages, whatever was asked for.
                let end = (from + usize::try_from(len).unwrap()).next_multiple_of(4096);
                return from / self.unit..(end / self.unit).min(self.contents.len());
            }
        }
        panic!("not the object: {from:#x} in\n{maps}");
    }

    /// The file as it was.
    pub fn at(&self, moment: usize) -> Raw {
        let mut bytes = Vec::with_capacity(self.last.0.len());
        for history in &self.contents {
            let index = history.partition_point(|(since, _)| *since <= moment) - 1;
            bytes.extend_from_slice(&history[index].1);
        }
        Raw(bytes)
    }

    /// The newest version whose flush was done at that moment.
    pub fn flushed(&self, moment: usize) -> u64 {
        let done = self.flushed.iter().filter(|(when, _)| *when <= moment);
        done.map(|(_, version)| *version).max().unwrap()
    }

    /// What had been published by then, with versions.
    pub fn published(&self, moment: usize) -> impl Iterator<Item = (u64, &[u8])> {
        let so_far = self
            .published
            .iter()
            .take_while(move |(when, ..)| *when <= moment);
        so_far.map(|(_, version, bytes)| (*version, bytes.as_slice()))
    }

    /// What the disk may hold if power fails then.
    pub fn disk(&self, moment: usize) -> Disk<'_> {
        self.disk_of(moment, |_| true)
    }

    /// As [`disk`](Self::disk), with nothing but what units held when the control words changed.
    pub fn coarse_disk(&self, moment: usize) -> Disk<'_> {
        self.disk_of(moment, |range| {
            let next = self.turns.partition_point(|turn| *turn < range.start);
            range.contains(&moment)
                || self
                    .turns
                    .get(next)
                    .is_some_and(|turn| range.contains(turn))
        })
    }

    fn disk_of(&self, moment: usize, wanted: impl Fn(&Range<usize>) -> bool) -> Disk<'_> {
        let contents = self.contents.iter().enumerate().map(|(index, history)| {
            let synced = self
                .syncs
                .iter()
                .filter(|(units, _, returned)| units.contains(&index) && *returned <= moment);
            let floor = synced.map(|(_, called, _)| *called).max().unwrap_or(0);
            let ends = history[1..].iter().map(|(since, _)| *since);
            let ends = ends.chain([usize::MAX]);
            let held = history.iter().zip(ends).filter(|((since, _), end)| {
                let range = *since..*end;
                let oldest = range.contains(&floor);
                *since <= moment && *end > floor && (oldest || wanted(&range))
            });
            held.map(|((_, bytes), _)| bytes.as_slice()).collect()
        });
        Disk(contents.collect())
    }

    /// The moments just before an `msync` returned, and the last: in between, only more becomes possible.
    pub fn windows(&self) -> Vec<usize> {
        let mut ends: Vec<_> = self
            .syncs
            .iter()
            .map(|(.., returned)| *returned - 1)
            .collect();
        ends.push(self.moment);
        ends.dedup();
        ends
    }
}

/// For each unit of a file what a power cut may leave of it.
#[derive(Debug)]
pub struct Disk<'a>(Vec<Vec<&'a [u8]>>);

impl Disk<'_> {
    /// How many files that may be.
    pub fn count(&self) -> u128 {
        self.0
            .iter()
            .map(|contents| contents.len() as u128)
            .product()
    }

    /// One of them, by its number.
    pub fn nth(&self, mut number: u128) -> Raw {
        let mut bytes = Vec::new();
        for contents in &self.0 {
            let count = contents.len() as u128;
            bytes.extend_from_slice(contents[usize::try_from(number % count).unwrap()]);
            number /= count;
        }
        Raw(bytes)
    }

    /// Any of them.
    pub fn any(&self, random: &mut Random) -> Raw {
        let mut bytes = Vec::new();
        for contents in &self.0 {
            let count = u32::try_from(contents.len()).unwrap();
            bytes.extend_from_slice(contents[random.below(count) as usize]);
        }
        Raw(bytes)
    }
}

impl Actor {
    /// Whether it has not come to its end.
    pub fn is_alive(&self) -> bool {
        !self.ended
    }

    /// SIGKILL, where it stands.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        while !self.ended {
            self.wait();
        }
    }

    fn go_on(&mut self, how: libc::c_uint) {
        request(how, self.pid, 0);
        self.wait();
    }

    fn wait(&mut self) {
        let mut status = 0;
        // SAFETY: it writes one integer, which `status` is.
        let waited = unsafe { libc::waitpid(self.pid, &raw mut status, libc::__WALL) };
        self.ended = waited != self.pid || !libc::WIFSTOPPED(status);
        if self.ended {
            let killed = libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGKILL;
            let done = libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
            assert!(killed || done, "a program failed: {status:#x}");
            return;
        }
        let signal = libc::WSTOPSIG(status);
        assert_eq!(signal, libc::SIGTRAP, "a signal for a program");
    }

    fn peek(&self, at: u64) -> u64 {
        let at = usize::try_from(at).unwrap();
        let word = request(libc::PTRACE_PEEKTEXT, self.pid, at);
        u64::from_ne_bytes(word.to_ne_bytes())
    }

    fn registers(&self) -> libc::user_regs_struct {
        let mut registers = MaybeUninit::<libc::user_regs_struct>::zeroed();
        let (at, nothing) = (registers.as_mut_ptr(), ptr::null_mut::<c_void>());
        // SAFETY: the kernel fills the whole structure, which is valid for writes.
        let result = unsafe { libc::ptrace(libc::PTRACE_GETREGS, self.pid, nothing, at) };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
        // SAFETY: filled just now.
        unsafe { registers.assume_init() }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        if !self.ended {
            self.kill();
        }
    }
}

/// Makes a request whose arguments are numbers.
fn request(request: libc::c_uint, pid: libc::pid_t, number: usize) -> i64 {
    // The address for the one that reads, the number for the others.
    let number = ptr::without_provenance_mut::<c_void>(number);
    // SAFETY: the requests that come here read and write no memory of this process.
    unsafe { libc::ptrace(request, pid, number, number) }
}
