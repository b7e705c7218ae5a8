//! A Rust module: a struct that derives `Shared`, and a function that opens the object.

use std::collections::HashSet;
use std::fmt::Write as _;

use shmem_core::{StoredField, StoredKind, StoredSchema};

use super::Subject;
use super::names::{Definitions, fresh, literal, plain};

/// Names that are words of Rust, or that the module uses itself.
const WORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];
const NO_RAW: &[&str] = &["self", "Self", "super", "crate", "_"];
const TAKEN: &[&str] = &[
    "Shared",
    "FixedStr",
    "FixedVec",
    "FixedOption",
    "Option",
    "Clone",
    "Copy",
    "Debug",
    "Result",
    "NAME",
    "Value",
    "bool",
    "char",
    "f32",
    "f64",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
];

pub(crate) fn rust(subject: &Subject<'_>) -> String {
    let schema = subject.value();
    let definitions = Definitions::of(schema, TAKEN, ident);
    let writer = Writer {
        subject,
        definitions: &definitions,
    };
    writer.module()
}

struct Writer<'a> {
    subject: &'a Subject<'a>,
    definitions: &'a Definitions<'a>,
}

impl Writer<'_> {
    fn module(&self) -> String {
        let Subject { info, .. } = self.subject;
        let schema = self.subject.value();
        let mut out = format!(
            "//! The type of the shared object `{}`.\n//!\n//! Made by `shmem schema … --as rust`. If the object's layout changes, opening it says which field.\n",
            self.subject.in_comment()
        );
        out += "\n#[allow(unused_imports)]\nuse shmem_core::{FixedOption, FixedStr, FixedVec, Shared, SharedObject};\n";
        for definition in &self.definitions.all {
            out += "\n";
            match definition.kind() {
                StoredKind::Enum => self.enumeration(definition, &mut out),
                _ => self.structure(definition, *definition == schema, &mut out),
            }
        }
        let value = match schema.kind() {
            StoredKind::Struct | StoredKind::Enum => self.definitions.name(schema).to_owned(),
            _ => {
                let _ = writeln!(
                    out,
                    "\n/// What the object holds.\npub type Value = {};",
                    self.ty(schema)
                );
                "Value".to_owned()
            }
        };
        let escape = |letter: char| format!("\\u{{{:x}}}", u32::from(letter));
        let name = literal(self.subject.object, escape);
        let of = if info.items.is_some() {
            format!("[{value}]")
        } else {
            value.clone()
        };
        let (open, at) = match (info.items.is_some(), self.subject.is_file) {
            (true, true) => ("open_array", "std::path::Path::new(NAME)"),
            (false, true) => ("open", "std::path::Path::new(NAME)"),
            (true, false) => ("open_array", "NAME"),
            (false, false) => ("open", "NAME"),
        };
        let _ = write!(
            out,
            "\n/// Where the object is.\npub const NAME: &str = {name};\n\n/// Opens it.\n///\n/// # Errors\n///\n/// As [`Shared::open`].\npub fn open() -> shmem_core::Result<SharedObject<{of}>> {{\n    <{value} as Shared>::{open}({at})\n}}\n"
        );
        out
    }

    fn derives(schema: &StoredSchema) -> &'static str {
        if has_atomics(schema) {
            "#[derive(Shared, Debug)]"
        } else {
            "#[derive(Shared, Clone, Copy, Debug)]"
        }
    }

    /// The options of the derive.
    fn options(&self, schema: &StoredSchema, is_whole: bool) -> String {
        let mut options = Vec::new();
        let name = self.definitions.name(schema);
        if name.trim_start_matches("r#") != schema.name() {
            let escape = |letter: char| format!("\\u{{{:x}}}", u32::from(letter));
            options.push(format!("name = {}", literal(schema.name(), escape)));
        }
        if schema.version() != 0 {
            options.push(format!("version = {}", schema.version()));
        }
        if has_atomics(schema) {
            options.push("in_place".to_owned());
        }
        let info = self.subject.info;
        if is_whole && info.reserve != 0 {
            options.push(format!("reserve = {}", info.reserve));
        } else if is_whole && info.items.is_none() {
            options.push(format!("fingerprint = {:#018x}", info.fingerprint));
        }
        match options.is_empty() {
            true => String::new(),
            false => format!("#[shared({})]\n", options.join(", ")),
        }
    }

    fn enumeration(&self, schema: &StoredSchema, out: &mut String) {
        let repr = schema.repr().unwrap_or("u8");
        *out += Self::derives(schema);
        let options = self.options(schema, schema == self.subject.schema);
        let _ = writeln!(out, "\n#[repr({repr})]\n{options}#[allow(missing_docs)]");
        let _ = writeln!(out, "pub enum {} {{", self.definitions.name(schema));
        let mut taken = HashSet::new();
        for variant in schema.variants() {
            let name = fresh(ident(variant.name()), &mut taken);
            self.renamed(&name, variant.name(), out);
            let _ = writeln!(out, "    {name} = {},", variant.value());
        }
        *out += "}\n";
    }

    /// Says the stored name, if it is no name in Rust.
    fn renamed(&self, name: &str, stored: &str, out: &mut String) {
        if name.trim_start_matches("r#") != stored {
            let escape = |letter: char| format!("\\u{{{:x}}}", u32::from(letter));
            let _ = writeln!(out, "    #[shared(name = {})]", literal(stored, escape));
        }
    }

    fn structure(&self, schema: &StoredSchema, is_whole: bool, out: &mut String) {
        *out += Self::derives(schema);
        let options = self.options(schema, is_whole);
        let _ = writeln!(out, "\n#[repr(C)]\n{options}#[allow(missing_docs)]");
        let name = self.definitions.name(schema);
        let fields = filled(schema, is_whole && self.subject.info.reserve != 0);
        let is_tuple = !schema.fields().is_empty()
            && schema
                .fields()
                .iter()
                .enumerate()
                .all(|(i, field)| field.name() == i.to_string());
        if is_tuple {
            let types = fields
                .iter()
                .map(|field| format!("pub {}", self.field_type(field)));
            let _ = writeln!(
                out,
                "pub struct {name}({});",
                types.collect::<Vec<_>>().join(", ")
            );
            return;
        }
        let _ = writeln!(out, "pub struct {name} {{");
        let mut taken = HashSet::new();
        for field in &fields {
            let name = match field {
                Part::Field(field) => {
                    let name = fresh(ident(field.name()), &mut taken);
                    self.renamed(&name, field.name(), out);
                    name
                }
                Part::Gap(at, _) => fresh(format!("_pad{at}"), &mut taken),
            };
            let _ = writeln!(out, "    pub {name}: {},", self.field_type(field));
        }
        *out += "}\n";
    }

    fn field_type(&self, part: &Part<'_>) -> String {
        match part {
            Part::Field(field) => self.ty(field.schema()),
            Part::Gap(_, size) => format!("[u8; {size}]"),
        }
    }

    fn ty(&self, schema: &StoredSchema) -> String {
        let bits = schema.size() * 8;
        let item = || schema.item().map_or_else(String::new, |item| self.ty(item));
        let len = schema.len().unwrap_or(0);
        match schema.kind() {
            StoredKind::Uint => format!("u{bits}"),
            StoredKind::Int => format!("i{bits}"),
            StoredKind::Float => format!("f{bits}"),
            StoredKind::Bool => "bool".to_owned(),
            StoredKind::Char => "char".to_owned(),
            StoredKind::NonZeroUint => format!("core::num::NonZeroU{bits}"),
            StoredKind::NonZeroInt => format!("core::num::NonZeroI{bits}"),
            StoredKind::MaybeUint => format!("Option<core::num::NonZeroU{bits}>"),
            StoredKind::MaybeInt => format!("Option<core::num::NonZeroI{bits}>"),
            StoredKind::AtomicUint => format!("core::sync::atomic::AtomicU{bits}"),
            StoredKind::AtomicInt => format!("core::sync::atomic::AtomicI{bits}"),
            StoredKind::Array => format!("[{}; {len}]", item()),
            StoredKind::Str => format!("FixedStr<{len}>"),
            StoredKind::Vec => format!("FixedVec<{}, {len}>", item()),
            StoredKind::Option => format!("FixedOption<{}>", item()),
            _ => self.definitions.name(schema).to_owned(),
        }
    }
}

/// A field, or bytes that were padding before somebody used some of them: where, and how many.
enum Part<'a> {
    Field(&'a StoredField),
    Gap(usize, usize),
}

fn filled(schema: &StoredSchema, has_gaps: bool) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut end = 0;
    for field in schema.fields() {
        if has_gaps && field.offset() > end {
            parts.push(Part::Gap(end, field.offset() - end));
        }
        end = end.max(field.offset() + field.schema().size());
        parts.push(Part::Field(field));
    }
    let whole = end.next_multiple_of(align(schema));
    if has_gaps && whole > end {
        parts.push(Part::Gap(end, whole - end));
    }
    parts
}

/// As Rust aligns it, without `align(N)`.
fn align(schema: &StoredSchema) -> usize {
    let inside = || schema.item().map_or(1, align);
    match schema.kind() {
        StoredKind::Struct => {
            let fields = schema.fields().iter().map(|field| align(field.schema()));
            fields.max().unwrap_or(1)
        }
        StoredKind::Array | StoredKind::Vec | StoredKind::Option => inside(),
        StoredKind::Str => 1,
        _ => schema.size().max(1),
    }
}

fn has_atomics(schema: &StoredSchema) -> bool {
    matches!(
        schema.kind(),
        StoredKind::AtomicUint | StoredKind::AtomicInt
    ) || schema.item().is_some_and(has_atomics)
        || schema
            .fields()
            .iter()
            .any(|field| has_atomics(field.schema()))
}

fn ident(name: &str) -> String {
    let name = plain(name);
    match name.as_str() {
        word if WORDS.contains(&word) => format!("r#{name}"),
        word if NO_RAW.contains(&word) => format!("{name}_"),
        _ => name,
    }
}
