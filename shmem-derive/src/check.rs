//! What the tokens alone show to be wrong. What only types and layouts show is left to the compiler.

use crate::Errors;
use crate::input::{Body, Field, Input, Variant};
use syn::spanned::Spanned as _;
use syn::{GenericParam, LitStr, Type};

const INTEGERS: [&str; 8] = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];

pub(crate) fn check(input: &Input<'_>, errors: &mut Errors) {
    options(input, errors);
    generics(input, errors);
    match &input.body {
        Body::Struct(fields) => structure(input, fields, errors),
        Body::Enum(variants) => enumeration(input, variants, errors),
        Body::Union(span) => errors.at(
            *span,
            "a union does not record which field is stored: use a `#[repr(C)]` struct with a kind enum next to the fields",
        ),
    }
}

fn options(input: &Input<'_>, errors: &mut Errors) {
    let options = &input.options;
    stored_name(&options.name, errors);
    if let Some(version) = &options.version {
        if version.value == 0 || version.value > u64::from(u32::MAX) {
            errors.at(
                version.span,
                "`version` counts from 1, to at most 4294967295",
            );
        }
    }
    if let Some(buffers) = &options.buffers {
        match buffers.value {
            2..=8 => {}
            1 => errors.at(
                buffers.span,
                "one buffer means that the value is changed in place: write `in_place`",
            ),
            _ => errors.at(buffers.span, "an object has 2 to 8 buffers"),
        }
    }
    if let (Some(in_place), Some(_)) = (options.in_place, &options.buffers) {
        errors.at(
            in_place,
            "`in_place` is one buffer: leave `buffers` out, or `in_place`",
        );
    }
    if let Some(reserve) = &options.reserve {
        if !matches!(input.body, Body::Struct(_)) || input.repr.transparent {
            errors.at(
                reserve.span,
                "only a `#[repr(C)]` struct can grow: leave `reserve` out",
            );
        } else if reserve.value == 0 || u32::try_from(reserve.value).is_err() {
            errors.at(
                reserve.span,
                "`reserve` is the size in bytes that the type may grow to, at most 4294967295",
            );
        }
    }
    if let (Some(pin), false) = (options.pins.first(), input.generics.params.is_empty()) {
        errors.at(
            pin.number.span,
            format!(
                "`{}` pins the layout of one type, and `{}` has parameters: pin a type that uses it",
                pin.what, input.ident
            ),
        );
    }
}

fn stored_name(name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    if text.is_empty() {
        errors.at(name.span(), "a stored name is not empty");
    } else if text.chars().any(char::is_control) {
        errors.at(
            name.span(),
            "a stored name has no control characters, such as tabs and line ends",
        );
    }
}

fn generics(input: &Input<'_>, errors: &mut Errors) {
    for param in &input.generics.params {
        if let GenericParam::Lifetime(lifetime) = param {
            errors.at(
                lifetime.lifetime.span(),
                format!(
                    "`{}` borrows something, and an address means nothing in another process: store the value itself (`FixedStr<N>`, `FixedVec<T, N>`)",
                    input.ident
                ),
            );
        }
    }
}

fn structure(input: &Input<'_>, fields: &[Field<'_>], errors: &mut Errors) {
    let ident = input.ident;
    if let Some(span) = input.repr.packed {
        errors.at(
            span,
            "the fields of a packed struct cannot be borrowed: write `#[repr(C)]` alone, and add explicit padding fields (an error will say where)",
        );
    } else if !input.repr.c && !input.repr.transparent {
        errors.at(
            ident.span(),
            format!(
                "`{ident}` needs `#[repr(C)]`: without it each build may place the fields differently"
            ),
        );
    }
    for (i, field) in fields.iter().enumerate() {
        stored_name(&field.name, errors);
        let name = field.name.value();
        if fields[..i].iter().any(|other| other.name.value() == name) {
            errors.at(
                field.name.span(),
                format!("another field is stored as `{name}` already"),
            );
        }
        if let Some(replacement) = unsized_replacement(field.ty) {
            errors.at(
                field.ty.span(),
                format!("a shared type has a fixed size: {replacement}"),
            );
        }
    }
}

/// What to do instead of a type that is known by its spelling to have no size.
pub(crate) fn unsized_replacement(ty: &Type) -> Option<String> {
    match ty {
        Type::Slice(slice) => {
            let item = &slice.elem;
            let item = quote::quote!(#item);
            Some(format!("use `[{item}; N]` or `FixedVec<{item}, N>`"))
        }
        Type::TraitObject(_) => Some("store a number, or an enum that says what to call".into()),
        Type::Path(path) if path.path.is_ident("str") => Some("use `FixedStr<N>`".into()),
        _ => None,
    }
}

fn enumeration(input: &Input<'_>, variants: &[Variant<'_>], errors: &mut Errors) {
    let ident = input.ident;
    let mut has_data = false;
    for variant in variants.iter().filter(|variant| variant.has_data) {
        has_data = true;
        errors.at(
            variant.ident.span(),
            format!(
                "variant `{}` has fields, and a shared enum is only a number: put the fields into a `#[repr(C)]` struct, next to a field of type `{ident}`",
                variant.ident
            ),
        );
    }
    if has_data {
        // The enum will be another one; what else is wrong with this one does not matter.
        return;
    }
    let known = |repr: &syn::Ident| INTEGERS.iter().any(|name| repr == name);
    if variants.is_empty() {
        errors.at(
            ident.span(),
            format!("`{ident}` has no variants, so no bytes are a value of it"),
        );
    } else if !input.repr.integer.as_ref().is_some_and(known) {
        errors.at(
            ident.span(),
            format!(
                "`{ident}` needs `#[repr(u8)]`, or another of u16, u32, u64, i8, i16, i32 and i64: it fixes how the variants are stored"
            ),
        );
    }
    // One error for all: whoever forgot one number forgot them all.
    if let Some(i) = variants.iter().position(|variant| !variant.has_number) {
        let variant = variants[i].ident;
        let example = if variants.iter().any(|variant| variant.has_number) {
            String::new()
        } else {
            format!(", as in `{variant} = {i}`")
        };
        errors.at(
            variant.span(),
            format!("give each variant the number that is stored{example}: other programs read it"),
        );
    }
}
