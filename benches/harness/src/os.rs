//! Clocks and processors.
#![expect(unsafe_code, reason = "calls the operating system")]

fn clock(id: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid for writes.
    let result = unsafe { libc::clock_gettime(id, &mut time) };
    assert_eq!(result, 0, "a clock that every Linux has");
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// The monotonic clock, the same for all processes, in nanoseconds.
#[inline]
pub fn clock_ns() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// The processor time that this thread has had, in nanoseconds.
pub fn cpu_ns() -> u64 {
    clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Has this process run on one processor only; counted from the last one.
pub(crate) fn pin(from_last: usize) {
    // SAFETY: all zeros is an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: `set` is valid for writes of `size` bytes.
    if unsafe { libc::sched_getaffinity(0, size, &mut set) } != 0 {
        return;
    }
    let usable = (0..libc::CPU_SETSIZE as usize)
        // SAFETY: the index is below `CPU_SETSIZE`.
        .filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) })
        .collect::<Vec<_>>();
    let cpu = usable[usable.len() - 1 - from_last % usable.len()];
    // SAFETY: all zeros is an empty set.
    let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the index is below `CPU_SETSIZE`.
    unsafe { libc::CPU_SET(cpu, &mut one) };
    // SAFETY: `one` is valid for reads of `size` bytes. Not pinned is slower, not wrong.
    unsafe { libc::sched_setaffinity(0, size, &one) };
}

/// Has the kernel kill this process when the one that started it is gone.
pub(crate) fn die_with_parent() {
    // SAFETY: no pointers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// Sleeps until a signal ends the process.
pub(crate) fn pause_for_ever() -> ! {
    loop {
        // SAFETY: no arguments.
        unsafe { libc::pause() };
    }
}

/// How many descriptors this process has.
pub(crate) fn descriptors() -> u64 {
    std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64)
}

/// How much memory of this process is resident, in bytes.
pub fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("Rss:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Has the command's process killed when the thread that starts it is gone.
pub fn with_parent(command: &mut std::process::Command) -> &mut std::process::Command {
    use std::os::unix::process::CommandExt as _;
    let hook = || {
        die_with_parent();
        Ok(())
    };
    // SAFETY: `prctl` may be called between fork and exec.
    unsafe { command.pre_exec(hook) }
}
