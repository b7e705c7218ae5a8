//! What the compiler proves about a layout: no padding, no destructor, no drift from what was pinned.
//!
//! Each check is a constant function that panics with the reason, at the place of its caller. The derive
//! calls them for each field of a type without parameters, so that the reason stands at the field; a type
//! with parameters has no layout of its own, and is checked where it is used ([`check`]).

use crate::Shared;
use crate::header::LINE as ANY_ALIGN;
use crate::schema::{Field, Kind, Schema};
use crate::text::Text;
use core::mem::needs_drop;

/// The largest alignment, in bytes: that of a page, which is all that a mapping promises.
pub(crate) const MAX_ALIGN: usize = 4096;

/// How deep types may be nested, the outermost included. A stored form that is deeper is not read.
pub(crate) const MAX_DEPTH: usize = 64;

/// How many lines a stored form may have: one for each type, field and variant in it.
pub(crate) const MAX_LINES: usize = 65_536;

/// Everything that can be asked of `T` at once. [`Shared::SCHEMA`] cannot be had without it.
#[track_caller]
pub(crate) const fn check<T: Shared>() {
    let schema = T::DESCRIPTION;
    own::<T>(schema);
    deep(schema);
    if schema.has_atomics() && T::BUFFERS != 1 {
        let mut text = Text::new();
        text.quoted(schema.name);
        text.str(" has atomics, which change without a copy: put `#[shared(in_place)]` on it");
        panic!("{}", text.as_str());
    }
    if T::RESERVE != 0 {
        reserved(schema, T::RESERVE as u64);
    }
}

/// What concerns the type as a whole.
#[track_caller]
pub const fn own<T>(schema: &Schema) {
    if needs_drop::<T>() {
        let mut text = Text::new();
        text.quoted(schema.name);
        text.str(" has a destructor, which no process would run when the object goes away: remove the `Drop` impl, and keep what must be released outside the shared type");
        panic!("{}", text.as_str());
    }
    if schema.size != size_of::<T>() || schema.align != align_of::<T>() {
        let mut text = Text::new();
        text.quoted(schema.name);
        text.str(" is not laid out as its description says: another attribute changed its `repr`");
        panic!("{}", text.as_str());
    }
    if schema.align > MAX_ALIGN {
        let mut text = Text::new();
        text.quoted(schema.name);
        text.str(" is aligned to ");
        text.number(schema.align);
        text.str(" bytes, and an object to at most ");
        text.number(MAX_ALIGN);
        text.str(": use a smaller `align`");
        panic!("{}", text.as_str());
    }
    if let Kind::Struct(fields) = schema.kind {
        let mut i = 0;
        while i < fields.len() {
            // Fields that are not aligned cannot be borrowed.
            assert!(
                fields[i].schema.align <= schema.align,
                "another attribute made the type packed"
            );
            i += 1;
        }
    }
    if let Kind::Enum { repr, .. } = schema.kind {
        if schema.size != integer_size(repr) {
            let mut text = Text::new();
            text.quoted(schema.name);
            text.str(" is not stored as `");
            text.str(repr);
            text.str("`: another attribute changed its `repr`");
            panic!("{}", text.as_str());
        }
    }
    if depth(schema) > MAX_DEPTH {
        let mut text = Text::new();
        text.quoted(schema.name);
        text.str(" nests types deeper than ");
        text.number(MAX_DEPTH);
        text.str(" levels: put fields of inner types into outer ones");
        panic!("{}", text.as_str());
    }
    if lines(schema) > MAX_LINES {
        let mut text = Text::new();
        text.quoted(schema.name);
        text.str(" consists of more than ");
        text.number(MAX_LINES);
        text.str(" fields: use arrays");
        panic!("{}", text.as_str());
    }
}

/// The hole before field `i`, and the field itself if the place where its type was declared could not.
#[track_caller]
pub const fn field(schema: &Schema, i: usize) {
    gap(schema, i);
    if let Kind::Struct(fields) = schema.kind {
        deep(fields[i].schema);
    }
}

/// The hole before field `i`, or, if that is the number of fields, at the end of the type.
#[track_caller]
pub const fn gap(schema: &Schema, i: usize) {
    let Kind::Struct(fields) = schema.kind else {
        return;
    };
    // Fields without bytes fill no hole, and a `repr(transparent)` type may have them anywhere.
    if i < fields.len() && fields[i].schema.size == 0 {
        return;
    }
    let mut before = i;
    while before > 0 && fields[before - 1].schema.size == 0 {
        before -= 1;
    }
    let start = match before {
        0 => 0,
        _ => fields[before - 1].offset + fields[before - 1].schema.size,
    };
    let end = if i < fields.len() {
        fields[i].offset
    } else {
        schema.size
    };
    if start != end {
        padding(schema, fields, before, i, start, end);
    }
}

#[track_caller]
const fn padding(
    schema: &Schema,
    fields: &[Field],
    before: usize,
    i: usize,
    start: usize,
    end: usize,
) -> ! {
    let mut text = Text::new();
    text.quoted(schema.name);
    if end < start {
        text.str(" does not hold its fields in the order they are declared in: another attribute changed its `repr`");
        panic!("{}", text.as_str());
    }
    text.str(" has ");
    text.number(end - start);
    text.str(if end - start == 1 { " byte" } else { " bytes" });
    text.str(" of padding");
    let at_end = i == fields.len();
    if at_end {
        text.str(" at its end");
    }
    if before > 0 {
        text.str(if at_end {
            ", after field "
        } else {
            " between field "
        });
        text.quoted(fields[before - 1].name);
    }
    if !at_end {
        text.str(if before > 0 {
            " and field "
        } else {
            " before field "
        });
        text.quoted(fields[i].name);
    }
    text.str(" (bytes ");
    text.number(start);
    text.str("..");
    text.number(end);
    text.str("): add `");
    text.pad_name(fields, i);
    text.str("[u8; ");
    text.number(end - start);
    text.str("]` there, or order the fields from the largest alignment to the smallest");
    panic!("{}", text.as_str());
}

#[track_caller]
const fn deep(schema: &Schema) {
    if schema.checked {
        return;
    }
    match schema.kind {
        Kind::Struct(fields) => {
            let mut i = 0;
            while i <= fields.len() {
                gap(schema, i);
                if i < fields.len() {
                    deep(fields[i].schema);
                }
                i += 1;
            }
        }
        Kind::Array { item, .. } | Kind::Vec { item, .. } | Kind::Option { item } => deep(item),
        _ => {}
    }
    let full = match schema.kind {
        Kind::Vec { item, capacity } => 8 + item.size * capacity,
        Kind::Option { item } => 8 + item.size,
        _ => schema.size,
    };
    if schema.size != full {
        let mut text = Text::new();
        text.quoted(schema.name);
        text.str(" has ");
        text.number(schema.size - full);
        text.str(" bytes of padding: use an item that is aligned to at most 8 bytes");
        panic!("{}", text.as_str());
    }
}

/// The bytes of `u8` to `i64`; 0 for any other name.
pub(crate) const fn integer_size(name: &str) -> usize {
    match name.as_bytes() {
        b"u8" | b"i8" => 1,
        b"u16" | b"i16" => 2,
        b"u32" | b"i32" => 4,
        b"u64" | b"i64" => 8,
        _ => 0,
    }
}

const fn depth(schema: &Schema) -> usize {
    match schema.kind {
        Kind::Array { item, .. } | Kind::Vec { item, .. } | Kind::Option { item } => {
            1 + depth(item)
        }
        Kind::Struct(fields) => {
            let mut deepest = 0;
            let mut i = 0;
            while i < fields.len() {
                let inner = depth(fields[i].schema);
                if inner > deepest {
                    deepest = inner;
                }
                i += 1;
            }
            1 + deepest
        }
        Kind::Enum { .. } => 2,
        _ => 1,
    }
}

/// The lines of the stored form.
const fn lines(schema: &Schema) -> usize {
    match schema.kind {
        Kind::Array { item, .. } | Kind::Vec { item, .. } | Kind::Option { item } => {
            1 + lines(item)
        }
        Kind::Struct(fields) => {
            let mut sum = 1;
            let mut i = 0;
            while i < fields.len() {
                sum += lines(fields[i].schema);
                i += 1;
            }
            sum
        }
        Kind::Enum { variants, .. } => 1 + variants.len(),
        _ => 1,
    }
}

/// `#[shared(reserve = …)]`.
#[track_caller]
pub const fn reserved(schema: &Schema, reserve: u64) {
    let mut text = Text::new();
    text.quoted(schema.name);
    if schema.size as u64 > reserve {
        text.str(" has ");
        text.number(schema.size);
        text.str(" bytes, and reserves ");
        text.value(reserve, false);
        text.str(
            ": `reserve` is the size that it may grow to, the same in every program that shares it",
        );
        panic!("{}", text.as_str());
    }
    // Every object of such a type has room for it, whoever made it and before the type was aligned so.
    if schema.align as u64 > ANY_ALIGN {
        text.str(" is aligned to ");
        text.number(schema.align);
        text.str(" bytes, and a type with `reserve` to at most ");
        text.value(ANY_ALIGN, false);
        text.str(": use a smaller `align`");
        panic!("{}", text.as_str());
    }
}

/// `#[shared(size = …)]`.
#[track_caller]
pub const fn pinned_size(schema: &Schema, pinned: u64) {
    if schema.size as u64 != pinned {
        drifted(schema, "size", schema.size as u64, pinned, false);
    }
}

/// `#[shared(align = …)]`.
#[track_caller]
pub const fn pinned_align(schema: &Schema, pinned: u64) {
    if schema.align as u64 != pinned {
        drifted(schema, "align", schema.align as u64, pinned, false);
    }
}

/// `#[shared(fingerprint = …)]`.
#[track_caller]
pub const fn pinned_fingerprint(schema: &Schema, pinned: u64) {
    let found = schema.fingerprint();
    if found != pinned {
        drifted(schema, "fingerprint", found, pinned, true);
    }
}

#[track_caller]
const fn drifted(schema: &Schema, what: &str, found: u64, pinned: u64, hex: bool) -> ! {
    let mut text = Text::new();
    text.str("the layout of ");
    text.quoted(schema.name);
    text.str(" has drifted from its pin: `");
    text.str(what);
    text.str(" = ");
    text.value(found, hex);
    text.str("` now, ");
    text.value(pinned, hex);
    text.str(" pinned");
    panic!("{}", text.as_str());
}
