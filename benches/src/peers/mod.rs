//! The contestants, each a file. iceoryx2 is a program of its own, in `iceoryx2/`.

#[cfg(boost)]
mod boost;
mod calls;
mod file;
mod in_process;
mod limits;
mod mmap_sync;
mod ours;
mod pthread;
mod raw_sync;
mod redis;
mod server;
pub(crate) mod socket;

use harness::{Entry, Kind};

/// The limit of creating and opening.
pub(crate) const SYSTEM_CALLS: &str = "system calls";

/// A contestant by its name and type, which takes the number of words.
macro_rules! entry {
    ($kind:ident, $name:expr, $($contestant:ident)::+ $(<$more:tt>)?, $note:literal) => {
        Entry::new::<
            $($contestant)::+<8 $(, $more)?>,
            $($contestant)::+<512 $(, $more)?>,
            $($contestant)::+<131_072 $(, $more)?>,
        >($name, Kind::$kind, $note)
    };
}

/// What the report calls the contestants that belong to this program, in its order.
pub(crate) const ALL: &[Entry] = &[
    entry!(
        Ours,
        "shmem",
        ours::Copies,
        "four buffers, as it is used without any option"
    ),
    entry!(
        Ours,
        "shmem in place",
        ours::InPlace,
        "one buffer: `#[shared(in_place)]`"
    ),
    entry!(
        Ours,
        "shmem local",
        ours::Local,
        "a reader of one thread: `SharedObject::local`"
    ),
    entry!(
        Ours,
        "shmem read-only",
        ours::ReadOnly,
        "`open_read_only`: copies, also for one field"
    ),
    entry!(
        Peer,
        "raw_sync Mutex",
        raw_sync::Mutex,
        "in `shared_memory`"
    ),
    entry!(
        Peer,
        "raw_sync RwLock",
        raw_sync::RwLock,
        "in `shared_memory`"
    ),
    entry!(
        Peer,
        "mmap-sync",
        mmap_sync::MmapSync,
        "writes whole values only; read without its check of bytes"
    ),
    #[cfg(boost)]
    entry!(
        Peer,
        "Boost mutex",
        boost::Mutex,
        "C++, called through functions that are not inlined"
    ),
    #[cfg(boost)]
    entry!(
        Peer,
        "Boost sharable mutex",
        boost::Sharable,
        "C++, called through functions that are not inlined"
    ),
    entry!(
        Peer,
        "pthread robust mutex",
        pthread::Mutex,
        "a program that goes on after EOWNERDEAD"
    ),
    entry!(
        Peer,
        "pthread rwlock",
        pthread::RwLock,
        "process-shared; there is no robust one"
    ),
    entry!(
        Peer,
        "Unix socket",
        socket::Socket,
        "request and response with `postcard`, a server with a thread for each client"
    ),
    entry!(
        Peer,
        "file",
        file::File,
        "`postcard` in shared memory, replaced by `rename`; copies, also for one field"
    ),
    entry!(
        Peer,
        "Redis",
        redis::Redis,
        "GET, SET, GETRANGE, SETRANGE over a Unix socket"
    ),
    entry!(InProcess, "std RwLock", in_process::Std, "one process"),
    entry!(
        InProcess,
        "parking_lot RwLock",
        in_process::ParkingLot,
        "one process"
    ),
    entry!(
        InProcess,
        "arc-swap",
        in_process::Swap,
        "one process; a write allocates"
    ),
    Entry::new::<in_process::Seqlock, in_process::Absent, in_process::Absent>(
        "seqlock",
        Kind::InProcess,
        "one process; copies, also for one field; 64 B only: the compiler takes its volatile copy apart",
    ),
    entry!(
        InProcess,
        "left-right",
        in_process::LeftRight,
        "one process"
    ),
    entry!(
        Limit,
        "empty loop",
        limits::Empty,
        "the loop and its checks"
    ),
    entry!(Limit, "memcpy", limits::Memcpy, "no protection"),
    entry!(
        Limit,
        "seqlock words",
        limits::Seqlock,
        "relaxed words; starves, spins for ever after a kill"
    ),
    entry!(
        Limit,
        "one locked add",
        limits::Adds<false>,
        "and a plain read"
    ),
    entry!(
        Limit,
        "two locked adds",
        limits::Adds<true>,
        "and a plain read"
    ),
    entry!(Limit, "CAS lock", limits::CasLock<1>, "in place"),
    entry!(
        Limit,
        "CAS lock and copy",
        limits::CasLock<4>,
        "four buffers"
    ),
    entry!(Limit, "cache line", limits::Line, "one word"),
    entry!(Limit, "futex", limits::Futex, "one word, wake and wait"),
    entry!(
        Limit,
        SYSTEM_CALLS,
        calls::Calls,
        "those that creating and opening need at least: allocated, named when it is whole, a row locked"
    ),
];
