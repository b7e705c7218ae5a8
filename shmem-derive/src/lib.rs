//! `#[derive(Shared)]` for shmem-core.
//!
//! The macro reads the item (`input`), checks what only tokens show (`check`), and emits data: one
//! description of the layout, and the calls that make the compiler check it (`expand`). It knows no
//! layout and no types; those are known to the functions of shmem-core that the emitted code calls.
#![forbid(unsafe_code)]
#![warn(
    missing_docs,
    missing_debug_implementations,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod check;
mod expand;
mod input;

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Checks the layout of a plain type at compile time and implements `Shared` for it.
///
/// It goes on a struct with `#[repr(C)]` or `#[repr(transparent)]`, or on an enum without data that has an
/// integer `repr` of fixed width and explicit numbers. Everything that shared memory cannot hold is an
/// error at the guilty field, with the replacement named; so is a hole between two fields.
///
/// # Options
///
/// On the type, as `#[shared(name = "Telemetry", version = 2)]`:
///
/// | option | |
/// |---|---|
/// | `name = "…"` | the stored name of the type, for one that is renamed; default: its identifier |
/// | `version = N` | tells layouts apart that look the same and mean something else; from 1 |
/// | `buffers = N` | how many copies an object keeps, 2 to 8; default 4 |
/// | `in_place` | one copy, which is changed where it lies: for values of megabytes and more |
/// | `reserve = N` | the type may grow to `N` bytes: see below |
/// | `size = N`, `align = N`, `fingerprint = N` | fails the build, with the new value, when the layout drifts |
/// | `crate = path` | where shmem-core is, if it is renamed or re-exported; default `::shmem_core` |
///
/// On a field: `name = "…"`, its stored name.
#[proc_macro_derive(Shared, attributes(shared))]
pub fn derive_shared(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let item = parse_macro_input!(input as DeriveInput);
    derive(&item).into()
}

fn derive(item: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let input = input::Input::read(item, &mut errors);
    check::check(&input, &mut errors);
    match errors.0 {
        None => expand::expand(&input),
        Some(error) => expand::refused(&input, &error),
    }
}

/// Every mistake found so far, so that one build reports them all.
#[derive(Default)]
struct Errors(Option<syn::Error>);

impl Errors {
    fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            None => self.0 = Some(error),
            Some(all) => all.combine(error),
        }
    }

    fn at(&mut self, span: proc_macro2::Span, message: impl std::fmt::Display) {
        self.add(syn::Error::new(span, message));
    }
}
