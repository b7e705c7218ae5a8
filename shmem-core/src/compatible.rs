//! The rule of `growth.rs` as a check at compile time.

use crate::Shared;
use crate::growth::{ATOMICS, CHANGED, Clash, OVERLAP, Part, RESERVE, ZERO, clash, is_same};
use crate::schema::{Field, Kind, Schema};
use crate::text::Text;

/// Fails the build unless programs with either definition of a type may use one object at the same time.
///
/// For teams that keep the old definition. Both declare the same `#[shared(reserve = N)]`, and the rule is that
/// of [types that grow](derive@crate::Shared#types-that-grow), which also decides when an object is opened. The
/// error names the first field that contradicts it. Of three generations, compare each two.
///
/// ```
/// use shmem_core::{Shared, assert_compatible};
///
/// mod v1 {
///     #[derive(shmem_core::Shared)]
///     #[repr(C)]
///     #[shared(reserve = 64)]
///     pub struct Telemetry {
///         pub tick: u64,
///         pub rpm: f32,
///         pub _pad: [u8; 4],
///     }
/// }
///
/// #[derive(Shared)]
/// #[repr(C)]
/// #[shared(reserve = 64)]
/// struct Telemetry {
///     tick: u64,
///     rpm: f32,
///     gear: u8,       // was padding
///     _pad: [u8; 3],
///     fuel: f64,      // appended
/// }
///
/// assert_compatible!(v1::Telemetry, Telemetry);
/// ```
#[macro_export]
macro_rules! assert_compatible {
    ($old:ty, $new:ty $(,)?) => {
        const _: () = $crate::__private::compatible::<
            $old,
            $new,
            { $crate::__private::fields::<$old>() },
            { $crate::__private::fields::<$new>() },
        >();
    };
}

/// How many fields the type has.
pub const fn fields<T: Shared>() -> usize {
    match T::SCHEMA.kind {
        Kind::Struct(fields) => fields.len(),
        _ => 0,
    }
}

/// What [`assert_compatible!`](crate::assert_compatible) asks, of types with so many fields.
#[track_caller]
pub const fn compatible<Old: Shared, New: Shared, const OLD: usize, const NEW: usize>() {
    let (old, new) = (Old::SCHEMA, New::SCHEMA);
    let mut text = Text::new();
    text.quoted(new.name);
    text.str(" is not compatible with the old definition: ");
    if !is_same(old.name, new.name) {
        text.str("that is of `");
        text.str(old.name);
        text.str("`: give both the same `#[shared(name = \"..\")]`");
        panic!("{}", text.as_str());
    }
    if old.version != new.version {
        text.str("the old has `version = ");
        text.number(old.version as usize);
        text.str("`, the new has ");
        text.number(new.version as usize);
        text.str(", which means something else");
        panic!("{}", text.as_str());
    }
    if old.fingerprint() == new.fingerprint() && Old::RESERVE == New::RESERVE {
        return;
    }
    if Old::RESERVE == 0 && New::RESERVE == 0 {
        text.str("it differs, and neither has room to grow: ");
        text.str(RESERVE);
        panic!("{}", text.as_str());
    }
    if Old::RESERVE != New::RESERVE {
        text.str("the old reserves ");
        text.number(Old::RESERVE);
        text.str(" bytes, the new ");
        text.number(New::RESERVE);
        text.str(": ");
        text.str(RESERVE);
        panic!("{}", text.as_str());
    }
    let (Kind::Struct(old_fields), Kind::Struct(new_fields)) = (&old.kind, &new.kind) else {
        panic!("only structs have `reserve`");
    };
    let parts = (parts::<OLD>(old_fields), parts::<NEW>(new_fields));
    let Some(clash) = clash(&parts.0, &parts.1) else {
        return;
    };
    let (old, new, advice) = match clash {
        Clash::Changed([old, new]) => (Some(old), Some(new), CHANGED),
        Clash::Overlap([old, new]) => (Some(old), Some(new), OVERLAP),
        Clash::OldMustBeKnown(old) => (Some(old), None, why_known(old_fields[old].schema)),
        Clash::NewMustBeKnown(new) => (None, Some(new), why_known(new_fields[new].schema)),
    };
    text.str("field ");
    text.quoted(match (old, new) {
        (Some(old), _) => old_fields[old].name,
        (None, Some(new)) => new_fields[new].name,
        (None, None) => "",
    });
    text.str(" is ");
    field(&mut text, old_fields, old);
    text.str(" in the old, ");
    if let (Clash::Overlap(_), Some(new)) = (clash, new) {
        text.quoted(new_fields[new].name);
        text.str(" is ");
    }
    field(&mut text, new_fields, new);
    text.str(" in the new: ");
    text.str(advice);
    panic!("{}", text.as_str());
}

const fn why_known(schema: &Schema) -> &'static str {
    if schema.has_atomics() { ATOMICS } else { ZERO }
}

/// `f32 at offset 8`.
const fn field(text: &mut Text, fields: &[Field], i: Option<usize>) {
    let Some(i) = i else {
        text.str("absent");
        return;
    };
    text.type_text(fields[i].schema);
    text.str(" at offset ");
    text.number(fields[i].offset);
}

const fn parts<const N: usize>(fields: &'static [Field]) -> [Part<'static>; N] {
    let nothing = Part {
        name: "",
        start: 0,
        end: 0,
        ty: 0,
        is_padding: true,
        may_be_unknown: true,
    };
    let mut parts = [nothing; N];
    let mut i = 0;
    while i < N {
        let Field {
            name,
            offset,
            schema,
        } = &fields[i];
        parts[i] = Part {
            name,
            start: *offset,
            end: *offset + schema.size,
            ty: schema.fingerprint(),
            is_padding: fields[i].is_padding(),
            may_be_unknown: schema.zero_is_valid() && !schema.has_atomics(),
        };
        i += 1;
    }
    parts
}
