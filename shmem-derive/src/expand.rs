//! The code that is emitted: data, and calls of the checks in shmem-core.
//!
//! A mention of a field's type in tokens may not be the type that the field has (rust-lang/rust#148793), so
//! everything that soundness rests on is asked of the field itself: its description and its offset by
//! access, and that there is no other field by a pattern without `..`.

use crate::check::unsized_replacement;
use crate::input::{Body, Field, Input, Number, Pin, Variant, ends};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Type, parse_quote};

pub(crate) fn expand(input: &Input<'_>) -> TokenStream {
    let p = &private(input);
    let description = match &input.body {
        Body::Struct(fields) => structure(input, fields, p),
        Body::Enum(variants) => enumeration(input, variants, p),
        Body::Union(_) => return TokenStream::new(), // refused before
    };
    // A type with parameters has no layout of its own; `Shared::LAYOUT_OK` checks each use of it.
    let checks = if input.generics.params.is_empty() {
        checks(input, p)
    } else {
        TokenStream::new()
    };
    implement(input, &description, &options(input, p), &checks)
}

/// The constants of `Shared` that options set.
fn options(input: &Input<'_>, p: &TokenStream) -> TokenStream {
    let options = &input.options;
    let buffers = match (&options.buffers, options.in_place) {
        (Some(number), _) => Some(number.value),
        (None, Some(_)) => Some(1),
        (None, None) => None,
    };
    let buffers = buffers.map(|buffers| {
        let buffers = u32_literal(buffers);
        quote!(const BUFFERS: #p::core::primitive::u32 = #buffers;)
    });
    let reserve = options.reserve.as_ref().map(|number| {
        let reserve = usize_literal(number.value);
        quote!(const RESERVE: #p::core::primitive::usize = #reserve;)
    });
    quote!(#buffers #reserve)
}

/// What stands in for a type that was refused, so that its mistakes are reported once and not again by
/// everything that uses it. The errors are in the constant: the compiler does not evaluate it then.
pub(crate) fn refused(input: &Input<'_>, errors: &syn::Error) -> TokenStream {
    let errors = errors.to_compile_error();
    let has_lifetime = input.generics.lifetimes().next().is_some();
    let is_unsized = match &input.body {
        Body::Struct(fields) => fields
            .iter()
            .any(|field| unsized_replacement(field.ty).is_some()),
        _ => false,
    };
    if has_lifetime || is_unsized {
        return errors; // the traits ask for `Sized + 'static`
    }
    let p = &private(input);
    let description = quote!(#errors #p::core::unreachable!());
    implement(
        input,
        &description,
        &TokenStream::new(),
        &TokenStream::new(),
    )
}

fn private(input: &Input<'_>) -> TokenStream {
    let krate = &input.options.krate;
    quote!(#krate::__private)
}

fn implement(
    input: &Input<'_>,
    description: &TokenStream,
    options: &TokenStream,
    checks: &TokenStream,
) -> TokenStream {
    let ident = input.ident;
    let p = &private(input);
    let mut generics = input.generics.clone();
    for param in generics.type_params_mut() {
        param.bounds.push(parse_quote!(#p::Shared));
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    // `Described` is exact: the description is asked of each field that the type has, and of no other;
    // size, alignment and offsets are the compiler's; `checks`, or `LAYOUT_OK` at each use, refuse holes,
    // destructors and fields out of order. (No `#[diagnostic::do_not_recommend]` here, though it would make an
    // error shorter: the path is not found under `#![no_implicit_prelude]`.)
    quote! {
        #[allow(
            clippy::all, clippy::nursery, clippy::pedantic, clippy::restriction, deprecated,
            non_upper_case_globals, unused_braces, unused_parens, unused_qualifications
        )]
        const _: () = {
            #[allow(unused_imports)]
            use #p::NoHint as _;

            // SAFETY: what the description says of each field comes from the compiler, by access, and `checks` fails
            // the build unless the fields are all that the type consists of.
            #[automatically_derived]
            unsafe impl #impl_generics #p::Described for #ident #type_generics #where_clause {
                const DESCRIPTION: &'static #p::Schema = { #description };
            }

            // SAFETY: described exactly; every field's type is `Shared`, so the rest of the contract holds as it does
            // for each of them, and a destructor or padding fails the build (`LAYOUT_OK`).
            #[automatically_derived]
            unsafe impl #impl_generics #p::Shared for #ident #type_generics #where_clause {
                #options
            }

            #checks
        };
    }
}

fn structure(input: &Input<'_>, fields: &[Field<'_>], p: &TokenStream) -> TokenStream {
    let name = &input.options.name;
    let version = version(input);
    let members = fields.iter().map(|field| &field.member);
    let rows = fields.iter().map(|field| row(field, p));
    let checked = input.generics.params.is_empty();
    quote! {
        let _: fn(&Self) = |Self { #(#members: _,)* }| ();
        &#p::Schema::structure::<Self>(#name, #version, &[#(#rows,)*], #checked)
    }
}

/// Name, offset and description of one field.
///
/// The type's tokens stand in the call for the sake of the error: an unmet bound is shown at them. What the
/// type is says the closure, which is never run: it must lead to that very type, and no coercion of a raw
/// pointer leads to another sized one. Its first line is for the advice about a refused type.
fn row(field: &Field<'_>, p: &TokenStream) -> TokenStream {
    let Field { member, ty, name } = field;
    let hint = hint(ty, p);
    let value = value();
    quote! {
        #p::Field::new(
            #name,
            #p::core::mem::offset_of!(Self, #member),
            #p::described::<Self, #ty, _>(&|#value: &Self| { #hint &raw const #value.#member }),
        )
    }
}

/// `Probe::<Type>::hint();` whose first and last tokens lie where the type's do.
fn hint(ty: &Type, p: &TokenStream) -> TokenStream {
    match ty {
        Type::Array(array) => return hint(&array.elem, p),
        Type::Paren(inner) => return hint(&inner.elem, p),
        Type::Group(inner) => return hint(&inner.elem, p),
        _ => {}
    }
    let (first, last) = ends(ty);
    let probe = respan(quote!(#p::Probe), first);
    let call = respan(quote!(::hint), last);
    let nothing = quote_spanned!(last=> ());
    quote!(#probe::<#ty>#call #nothing;)
}

fn enumeration(input: &Input<'_>, variants: &[Variant<'_>], p: &TokenStream) -> TokenStream {
    let name = &input.options.name;
    let version = version(input);
    let value = value();
    let repr = input.repr.integer.as_ref().map(ToString::to_string);
    let idents = variants.iter().map(|variant| variant.ident);
    let rows = variants.iter().map(|Variant { ident, name, .. }| {
        quote!(#p::Variant::new(#name, Self::#ident as #p::core::primitive::i128))
    });
    quote! {
        let _: fn(&Self) = |#value| match *#value { #(Self::#idents)|* => () };
        &#p::Schema::enumeration::<Self>(#name, #version, #repr, &[#(#rows,)*])
    }
}

/// One constant for each thing that can be wrong, at the place where it is.
fn checks(input: &Input<'_>, p: &TokenStream) -> TokenStream {
    let ident = input.ident;
    let check = |first: Span, last: Span, call: TokenStream, arguments: TokenStream| {
        let call = respan(quote!(#p::#call), first);
        let arguments = quote_spanned!(last=> (<#ident as #p::Described>::DESCRIPTION, #arguments));
        quote!(const _: () = #call #arguments;)
    };
    let whole = ident.span();
    let mut checks = check(whole, whole, quote!(own::<#ident>), quote!());
    if let Body::Struct(fields) = &input.body {
        for (i, field) in fields.iter().enumerate() {
            let (first, last) = ends(field.ty);
            checks.extend(check(first, last, quote!(field), quote!(#i)));
        }
        let end = fields.len();
        checks.extend(check(whole, whole, quote!(gap), quote!(#end)));
    }
    if let Some(Number { value, span }) = &input.options.reserve {
        checks.extend(check(*span, *span, quote!(reserved), quote!(#value)));
    }
    for Pin { what, number } in &input.options.pins {
        let (span, value) = (number.span, number.value);
        let function = Ident::new(&format!("pinned_{what}"), Span::call_site());
        checks.extend(check(span, span, quote!(#function), quote!(#value)));
    }
    checks
}

/// A local variable. A constant of the user's that has its name would be taken for the pattern.
fn value() -> Ident {
    Ident::new("__shmem_value", Span::mixed_site())
}

fn version(input: &Input<'_>) -> TokenStream {
    u32_literal(
        input
            .options
            .version
            .as_ref()
            .map_or(0, |number| number.value),
    )
}

/// The value was checked to fit.
fn u32_literal(value: u64) -> TokenStream {
    let value = u32::try_from(value).unwrap_or(u32::MAX);
    quote!(#value)
}

/// The value was checked to fit.
fn usize_literal(value: u64) -> TokenStream {
    let value = usize::try_from(value).unwrap_or(usize::MAX);
    quote!(#value)
}

/// The same tokens, all at one place, so that what is wrong with them is shown there.
fn respan(tokens: TokenStream, at: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(at);
            token
        })
        .collect()
}
