//! What is fuzzed, as functions of bytes: `fuzz_targets/` calls them, and `tests/tests/fuzz_smoke.rs`, with the
//! seeds and a few thousand mutations, on stable Rust.
//!
//! They panic where a promise is broken. `open` and `values` use the directory of named objects, which must be
//! the caller's alone.

mod everything;
mod open;
mod schema;
mod values;

pub(crate) use everything::Everything;
pub(crate) use open::open;
pub(crate) use schema::schema;
pub(crate) use values::values;
