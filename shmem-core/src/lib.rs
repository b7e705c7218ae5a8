//! Typed state shared between processes: `#[derive(Shared)]` on a plain struct, and every program on the
//! machine gets guarded `&T` and `&mut T` into one named mapping.
//!
//! ```
//! use shmem_core::Shared;
//!
//! #[derive(Shared, Clone, Copy, Debug, Default)]
//! #[repr(C)]
//! struct Telemetry {
//!     tick: u64,
//!     rpm: f32,
//!     armed: bool,
//!     _pad: [u8; 3], // the derive names the hole and its size if this is missing
//! }
//!
//! // In one process:
//! let shared = Telemetry::create("crate-example", Telemetry::default())?;
//! {
//!     let mut t = shared.write()?; // &mut Telemetry, exclusive among all processes
//!     t.tick += 1;
//!     t.rpm = 880.0;
//! } // published here, all at once
//!
//! // In any other:
//! let shared = Telemetry::open("crate-example")?;
//! let t = shared.read()?; // &Telemetry, one consistent version; no writer blocks it
//! assert_eq!((t.tick, t.rpm), (1, 880.0));
//! # Ok::<(), shmem_core::Error>(())
//! ```
//!
//! Start at [`Shared`], whose accessors give a [`SharedObject`] or a [`SharedReader`]; [`Options`] say what
//! the defaults do not, [`Error`] why not. [`FixedStr`], [`FixedVec`] and [`FixedOption`] stand in for
//! `String`, `Vec` and `Option`. A program that does not know a type reads and changes its values by the stored
//! schema: [`AnyObject`]. [`list`] says which objects there are, [`participants`] who has one open.
//!
//! # Guarantees
//!
//! Any process may be killed with SIGKILL at any instruction: nobody hangs, nobody sees a half-written value,
//! an unfinished write is rolled back, and nothing has to be cleaned up by hand.
//!
//! # Trust
//!
//! Peers that may write an object are trusted to speak the protocol; bytes are not trusted to be valid. The
//! safe API is earned when an object is opened: only the caller's own user (or root) may be able to write it,
//! and whoever can do that could already `ptrace` this process. Anything wider is [`Error::Untrusted`] unless
//! the caller says so with [`Options::trust`]. `load` stays sound against any bytes whatever: it copies, then
//! validates the copy.
//!
//! - Invalid bits written by the other side (a `bool` of 7, a number that is no variant) are
//!   [`Error::InvalidValue`] with the field and its offset; they never become a `T`.
//! - A file truncated under its mapping, by someone who may write it, raises SIGBUS at the next access beyond
//!   its end, which ends the process and is not undefined behaviour. This library never resizes an object, and
//!   allocates its space when it is created. A reader can do without the mapping: [`Options::mapped`].
//!
//! # Features
//!
//! `derive` (on by default) re-exports the derive macro. `raw_sync` (off by default) allows [`Lock::RawSync`], for
//! values that programs in other languages change under a pthread lock.
#![warn(
    missing_docs,
    missing_debug_implementations,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

// Each file answers the question that the one before it raises.
mod shared;
mod leaf;
#[doc(hidden)]
mod hint;
#[doc(hidden)]
mod layout;
mod text;
mod schema;
mod stored;
mod parse;
mod difference;
mod growth;
mod additions;
#[doc(hidden)]
mod compatible;
mod validate;
mod fixed;
mod location;
mod options;
mod error;
mod payload;
mod object;
mod writing;
mod value;
mod array;
mod items;
mod window;
mod reader;
mod local;
mod any;
mod guard;
mod write_guard;
mod preserve;
mod private_copy;
mod cell;
mod in_place;
mod elements;
mod sums;
mod durable;
mod lock;
mod gate;
#[cfg_attr(
    any(not(feature = "raw_sync"), not(target_os = "linux"), loom),
    path = "no_raw_sync.rs"
)]
mod raw_sync;
mod notify;
mod participant;
mod control;
mod header;
mod unmapped;
mod view;
mod opened;
mod build;
mod lifecycle;
mod directory;
mod discovery;
mod info;
mod participants;
#[cfg_attr(loom, path = "model/mapping.rs")]
mod mapping;
mod fork;
mod deadline;
mod sync;
mod os;
#[cfg(loom)]
#[cfg(test)]
#[path = "model/tests.rs"]
mod loom_tests;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use any::{AnyObject, AnyOptions, AnyReader, AnyValue, FieldError, Value};
pub use difference::Difference;
pub use discovery::{list, list_of, prune, remove, schema, users};
pub use error::{Error, Result};
pub use fixed::{CapacityError, FixedOption, FixedStr, FixedVec, FixedVecIntoIter};
pub use guard::ReadGuard;
pub use info::Info;
pub use local::{LocalGuard, LocalReader};
pub use location::Location;
pub use object::{SharedObject, Version};
pub use options::{Lifetime, Lock, Options, Trust};
pub use parse::InvalidSchema;
pub use participants::{Participant, Pin, participants};
pub use payload::Payload;
pub use private_copy::PrivateCopy;
pub use reader::SharedReader;
pub use schema::{Field, Schema, Variant};
pub use shared::Shared;
#[cfg(feature = "derive")]
pub use shmem_derive::Shared;
pub use stored::{StoredField, StoredKind, StoredSchema, StoredVariant};
pub use write_guard::WriteGuard;

#[doc = include_str!("../../README.md")]
#[cfg(doctest)]
struct ReadmeDoctests;
