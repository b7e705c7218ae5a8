//! What a contestant offers, and the worker process that runs it.
//!
//! Every contestant runs in a process of its own, a *worker*: it is told by lines on its standard input what to do,
//! and answers with a line. The conductor (the package `benches`) has one worker for each contestant and gives them
//! turns. So contestants that live in another program, with other dependencies, take part in the same rounds.

mod cost;
mod histogram;
mod measure;
mod os;
mod peer;
mod region;
mod worker;

pub use os::{clock_ns, cpu_ns, resident, with_parent};
pub use peer::{Failure, Kind, Outcome, Peer, Place, Value, failed};
pub use region::Region;
pub use worker::{Entry, main};
