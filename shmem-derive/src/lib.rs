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
///
/// # Types that grow
///
/// Services are upgraded one at a time, so programs with two definitions of one type have to share an object.
/// With `#[shared(reserve = N)]`, the same `N` in all of them, an object has `N` bytes for the value, and the
/// definitions may differ by this rule:
///
/// - a field that both have has the same name, type and place;
/// - a field that only one has lies beyond the other's end, or in bytes that the other declares as padding
///   (`_name: [u8; K]`, directly in the type), zero is a value of it (no `NonZeroU32`, no enum without a 0), and
///   it has no atomics.
///
/// So fields are appended, or padding becomes fields; and a field is given up by making padding of it. It does not
/// matter who creates the object. A new program finds zero in fields that nobody has written. An old one
/// leaves alone what it does not know, whichever way it writes: bytes beyond its end, and its padding, which
/// therefore is no place for data (what it puts there is not published, and what it reads there may be others').
///
/// Everything else is an error that names the field when an object is opened: another type, place or name of a
/// field, a new enum variant, a change in a type that is a field (only the outermost type grows), `reserve` on
/// one side only. So is a field in bytes that another program has used since the object was created, though its
/// creator did not know of it, and whether or not that program still runs.
///
/// `assert_compatible!(v1::Telemetry, Telemetry)` asks the same when it is compiled, for teams that keep the old
/// definition.
///
/// Three limits. A program that opened an object for reading only is compared with those that came before it, not
/// with those that come later. In an object that is changed in place, a writer that is killed in the middle of a
/// change may take with it what others have in its padding (not what lies beyond its end), so there it is better
/// to append. And lists of values (`[T]`) do not grow by this: in them `T` is not the outermost type.
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
