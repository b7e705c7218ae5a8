//! iceoryx2 as a contestant: its blackboard, and publish-subscribe with a history of one.
#![expect(unsafe_code, reason = "loans memory that is not initialised")]

mod blackboard;
mod event;
mod samples;

use std::process::ExitCode;

use harness::{Entry, Kind};

const ALL: &[Entry] = &[
    Entry::new::<blackboard::Copying<8>, blackboard::Copying<512>, blackboard::Copying<131_072>>(
        "iceoryx2 blackboard",
        Kind::Peer,
        "`update_with_copy`; copies, also for one field; sleeps through its event service",
    ),
    Entry::new::<blackboard::Loaning<8>, blackboard::Loaning<512>, blackboard::Loaning<131_072>>(
        "iceoryx2 blackboard, loaned",
        Kind::Peer,
        "`loan_uninit`; copies, also for one field",
    ),
    Entry::new::<samples::PubSub<8>, samples::PubSub<512>, samples::PubSub<131_072>>(
        "iceoryx2 pub-sub",
        Kind::Peer,
        "history of one; the reader keeps the newest sample that it received",
    ),
];

fn main() -> ExitCode {
    // It warns of objects that others were killed with; that is measured, not news.
    iceoryx2::prelude::set_log_level(iceoryx2::prelude::LogLevel::Fatal);
    harness::main(ALL)
}
