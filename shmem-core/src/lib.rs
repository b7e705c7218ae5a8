//! Typed state shared between processes.
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
mod schema;
mod stored;
mod parse;
mod difference;
mod validate;
mod fixed;
mod location;
mod options;
mod error;
mod object;
mod value;
mod reader;
mod guard;
mod cell;
mod lock;
mod notify;
mod participant;
mod header;
mod build;
mod lifecycle;
mod opened;
mod view;
mod directory;
mod discovery;
mod info;
mod mapping;
mod fork;
mod deadline;
mod sync;
mod os;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use difference::Difference;
pub use discovery::{list, prune, remove, schema};
pub use error::{Error, Result};
pub use fixed::{CapacityError, FixedOption, FixedStr, FixedVec, FixedVecIntoIter};
pub use guard::{ReadGuard, WriteGuard};
pub use info::Info;
pub use location::Location;
pub use object::{Payload, SharedObject, Version};
pub use options::{Lifetime, Options, Trust};
pub use parse::InvalidSchema;
pub use reader::SharedReader;
pub use schema::{Field, Schema, Variant};
pub use shared::Shared;
#[cfg(feature = "derive")]
pub use shmem_derive::Shared;
pub use stored::{StoredField, StoredKind, StoredSchema, StoredVariant};
