//! The item that the derive stands on, as far as it matters here.

use crate::Errors;
use proc_macro2::{Span, TokenTree};
use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Data, DeriveInput, Fields, Generics, Ident, Index, LitInt, LitStr, Member, Path,
    Type, parse_quote,
};

pub(crate) struct Input<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    pub(crate) repr: Repr,
    pub(crate) options: Options,
    pub(crate) body: Body<'a>,
}

pub(crate) enum Body<'a> {
    Struct(Vec<Field<'a>>),
    Enum(Vec<Variant<'a>>),
    /// The place of the word `union`.
    Union(Span),
}

pub(crate) struct Field<'a> {
    pub(crate) member: Member,
    pub(crate) ty: &'a Type,
    /// What is stored as the field's name, and where it was written.
    pub(crate) name: LitStr,
}

pub(crate) struct Variant<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) name: String,
    pub(crate) has_data: bool,
    pub(crate) has_number: bool,
}

/// What `#[repr(..)]` says, wherever it was written.
#[derive(Default)]
pub(crate) struct Repr {
    pub(crate) c: bool,
    pub(crate) transparent: bool,
    pub(crate) packed: Option<Span>,
    /// `u8`, `i32`, … and what else is not known here.
    pub(crate) integer: Option<Ident>,
}

/// What `#[shared(..)]` on the type says.
pub(crate) struct Options {
    pub(crate) krate: Path,
    pub(crate) name: LitStr,
    pub(crate) version: Option<Number>,
    pub(crate) buffers: Option<Number>,
    /// The place of the word `in_place`.
    pub(crate) in_place: Option<Span>,
    pub(crate) reserve: Option<Number>,
    pub(crate) pins: Vec<Pin>,
}

pub(crate) struct Number {
    pub(crate) value: u64,
    pub(crate) span: Span,
}

pub(crate) struct Pin {
    /// `size`, `align` or `fingerprint`.
    pub(crate) what: &'static str,
    pub(crate) number: Number,
}

impl<'a> Input<'a> {
    pub(crate) fn read(item: &'a DeriveInput, errors: &mut Errors) -> Self {
        Input {
            ident: &item.ident,
            generics: &item.generics,
            repr: Repr::read(&item.attrs, errors),
            options: Options::read(item, errors),
            body: match &item.data {
                Data::Struct(data) => Body::Struct(read_fields(&data.fields, errors)),
                Data::Enum(data) => Body::Enum(read_variants(data, errors)),
                Data::Union(data) => Body::Union(data.union_token.span()),
            },
        }
    }
}

/// `name` or `r#name`: the compiler takes both.
fn is(path: &Path, name: &str) -> bool {
    path.get_ident().is_some_and(|ident| ident.unraw() == name)
}

impl Repr {
    fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut repr = Repr::default();
        for attr in attrs.iter().filter(|attr| is(attr.path(), "repr")) {
            let read = attr.parse_nested_meta(|meta| {
                let path = &meta.path;
                if is(path, "C") {
                    repr.c = true;
                } else if is(path, "transparent") {
                    repr.transparent = true;
                } else if is(path, "packed") {
                    repr.packed = Some(path.span());
                } else if !is(path, "align") && !is(path, "Rust") {
                    repr.integer = path.get_ident().map(|ident| ident.unraw());
                }
                skip_option(meta.input)
            });
            if let Err(error) = read {
                errors.add(error);
            }
        }
        repr
    }
}

impl Options {
    fn read(item: &DeriveInput, errors: &mut Errors) -> Self {
        let ident = &item.ident;
        let mut options = Options {
            krate: parse_quote!(::shmem_core),
            name: LitStr::new(&ident.unraw().to_string(), ident.span()),
            version: None,
            buffers: None,
            in_place: None,
            reserve: None,
            pins: Vec::new(),
        };
        let mut seen = Vec::new();
        each_option(&item.attrs, errors, |meta| {
            once(&mut seen, meta)?;
            options.read_one(meta)
        });
        options
    }

    fn read_one(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        const KNOWN: &str = "`#[shared(..)]` on a type takes `name = \"..\"`, `version = N`, `buffers = N`, `in_place`, `reserve = N`, `size = N`, `align = N`, `fingerprint = N` and `crate = path`";

        let path = &meta.path;
        let word = path.get_ident().map(ToString::to_string);
        match word.as_deref() {
            Some("crate") => self.krate = path_value(meta.value()?)?,
            Some("name") => self.name = meta.value()?.parse()?,
            Some("version") => self.version = Some(number(meta)?),
            Some("buffers") => self.buffers = Some(number(meta)?),
            Some("size") => self.pin("size", meta)?,
            Some("align") => self.pin("align", meta)?,
            Some("fingerprint") => self.pin("fingerprint", meta)?,
            Some("in_place") => self.in_place = Some(path.span()),
            Some("reserve") => self.reserve = Some(number(meta)?),
            _ => return Err(meta.error(format!("unknown option: {KNOWN}"))),
        }
        Ok(())
    }

    fn pin(&mut self, what: &'static str, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let number = number(meta)?;
        self.pins.push(Pin { what, number });
        Ok(())
    }
}

fn read_fields<'a>(fields: &'a Fields, errors: &mut Errors) -> Vec<Field<'a>> {
    let read = |(i, field): (usize, &'a syn::Field)| {
        let (member, mut name) = match &field.ident {
            Some(ident) => (
                Member::Named(ident.clone()),
                LitStr::new(&ident.unraw().to_string(), ident.span()),
            ),
            None => (
                Member::Unnamed(Index::from(i)),
                LitStr::new(&i.to_string(), field.ty.span()),
            ),
        };
        let mut seen = Vec::new();
        each_option(&field.attrs, errors, |meta| {
            once(&mut seen, meta)?;
            if !is(&meta.path, "name") {
                return Err(
                    meta.error("unknown option: `#[shared(..)]` on a field takes `name = \"..\"`")
                );
            }
            name = meta.value()?.parse()?;
            Ok(())
        });
        Field {
            member,
            ty: &field.ty,
            name,
        }
    };
    fields.iter().enumerate().map(read).collect()
}

fn read_variants<'a>(data: &'a syn::DataEnum, errors: &mut Errors) -> Vec<Variant<'a>> {
    let read = |variant: &'a syn::Variant| {
        let inside = variant.fields.iter().flat_map(|field| &field.attrs);
        for attr in variant.attrs.iter().chain(inside) {
            if is(attr.path(), "shared") {
                errors.at(
                    attr.span(),
                    "`#[shared(..)]` goes on a type or on a field of a struct",
                );
            }
        }
        Variant {
            ident: &variant.ident,
            name: variant.ident.unraw().to_string(),
            has_data: !matches!(variant.fields, Fields::Unit),
            has_number: variant.discriminant.is_some(),
        }
    };
    data.variants.iter().map(read).collect()
}

/// Calls `read` for each option of each `#[shared(..)]`; after a mistake goes on with the next option.
fn each_option(
    attrs: &[Attribute],
    errors: &mut Errors,
    mut read: impl FnMut(&ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| is(attr.path(), "shared")) {
        let result = attr.parse_nested_meta(|meta| {
            if let Err(error) = read(&meta) {
                errors.add(error);
                skip_option(meta.input)?;
            }
            Ok(())
        });
        if let Err(error) = result {
            errors.add(error);
        }
    }
}

fn once(seen: &mut Vec<Option<Ident>>, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    let word = meta.path.get_ident().cloned();
    if word.is_some() && seen.contains(&word) {
        return Err(meta.error("this option is given twice"));
    }
    seen.push(word);
    Ok(())
}

/// What is left before the next comma.
fn skip_option(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(syn::Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn number(meta: &ParseNestedMeta<'_>) -> syn::Result<Number> {
    let literal: LitInt = meta.value()?.parse()?;
    Ok(Number {
        value: literal.base10_parse()?,
        span: literal.span(),
    })
}

/// A path, bare or as a string.
fn path_value(input: ParseStream<'_>) -> syn::Result<Path> {
    if input.peek(LitStr) {
        return input.parse::<LitStr>()?.parse_with(Path::parse_mod_style);
    }
    Path::parse_mod_style(input)
}

/// Where a type's first and its last token are.
pub(crate) fn ends(ty: &Type) -> (Span, Span) {
    let mut spans = quote::quote!(#ty).into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    let last = spans.last().unwrap_or(first);
    (first, last)
}
