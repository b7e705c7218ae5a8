//! A Python module: a class for each struct, of the standard library's `ctypes`.

use std::collections::HashSet;
use std::fmt::Write as _;

use shmem_core::{StoredKind, StoredSchema};

use super::Subject;
use super::names::{Definitions, fresh, literal, plain};

const WORDS: &[&str] = &[
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
    "match",
    "case",
    "ctypes",
    "enum",
    "Text",
    "OBJECT",
    "FINGERPRINT",
    "ITEMS",
    "Value",
    "parse",
    "property",
    "int",
    "bytes",
    "len",
    "bool",
    "list",
];

const HEAD: &str = r#"import ctypes
import enum

"#;

pub(crate) fn python(subject: &Subject<'_>) -> String {
    let schema = subject.value();
    let definitions = Definitions::of(schema, WORDS, ident);
    let writer = Writer {
        subject,
        definitions: &definitions,
    };
    writer.module()
}

fn ident(name: &str) -> String {
    let name = plain(name);
    // Two of them would be hidden in a class.
    match WORDS.contains(&name.as_str()) || name.starts_with("__") {
        true => format!("v{name}_"),
        false => name,
    }
}

struct Writer<'a> {
    subject: &'a Subject<'a>,
    definitions: &'a Definitions<'a>,
}

impl Writer<'_> {
    fn module(&self) -> String {
        let Subject { info, .. } = self.subject;
        let schema = self.subject.value();
        let escape = |letter: char| match u32::from(letter) {
            code @ 0..=0xFFFF => format!("\\u{code:04x}"),
            code => format!("\\U{code:08x}"),
        };
        let mut out = format!(
            "# The type of the shared object `{}`.\n#\n# Made by `shmem schema ... --as python`. Copy the value's bytes out of the object as docs/format.md says, compare\n# the fingerprint in its header, then `parse` the copy.\n\n{HEAD}OBJECT = {}\nFINGERPRINT = {:#018x}\n",
            self.subject.in_comment(),
            literal(self.subject.object, escape),
            info.fingerprint
        );
        if let Some(items) = info.items {
            let _ = writeln!(out, "ITEMS = {items}  # one after the other");
        }
        for definition in &self.definitions.all {
            out += "\n\n";
            match definition.kind() {
                StoredKind::Enum => self.enumeration(definition, &mut out),
                _ => self.structure(definition, &mut out),
            }
        }
        let _ = write!(
            out,
            "\n\nValue = {}\n\n\ndef parse(data):\n    \"\"\"The value whose bytes these are: {} of them.\"\"\"\n    return Value.from_buffer_copy(data)\n",
            self.ty(schema),
            schema.size()
        );
        out
    }

    fn enumeration(&self, schema: &StoredSchema, out: &mut String) {
        let _ = writeln!(
            out,
            "class {}(enum.IntEnum):",
            self.definitions.name(schema)
        );
        let mut taken = HashSet::from(["name".to_owned(), "value".to_owned(), "mro".to_owned()]);
        for variant in schema.variants() {
            let name = fresh(
                ident(variant.name()).trim_start_matches('_').to_owned(),
                &mut taken,
            );
            let _ = writeln!(out, "    {name} = {}", variant.value());
        }
    }

    fn structure(&self, schema: &StoredSchema, out: &mut String) {
        let name = self.definitions.name(schema);
        let _ = writeln!(
            out,
            "class {name}(ctypes.Structure):\n    _pack_ = 1\n    _fields_ = ["
        );
        let mut taken = HashSet::from(["_pack_".to_owned(), "_fields_".to_owned()]);
        let mut end = 0;
        for field in schema.fields() {
            gap(end, field.offset(), &mut taken, out);
            end = end.max(field.offset() + field.schema().size());
            let label = fresh(ident(field.name()), &mut taken);
            let ty = crate::print::harmless(&field.schema().type_text());
            let _ = writeln!(
                out,
                "        (\"{label}\", {}),  # {ty}",
                self.ty(field.schema())
            );
        }
        gap(end, schema.size(), &mut taken, out);
        let _ = writeln!(
            out,
            "    ]\n\n\nassert ctypes.sizeof({name}) == {}",
            schema.size()
        );
    }

    fn ty(&self, schema: &StoredSchema) -> String {
        let bits = schema.size() * 8;
        let item = || {
            schema
                .item()
                .map_or_else(|| "ctypes.c_uint8".to_owned(), |item| self.ty(item))
        };
        let len = schema.len().unwrap_or(0);
        match schema.kind() {
            StoredKind::Struct => self.definitions.name(schema).to_owned(),
            StoredKind::Array => format!("({} * {len})", item()),
            StoredKind::Float if bits == 32 => "ctypes.c_float".to_owned(),
            StoredKind::Float => "ctypes.c_double".to_owned(),
            StoredKind::Bool => "ctypes.c_bool".to_owned(),
            StoredKind::Str => record(
                "length",
                "ctypes.c_uint32",
                "text",
                &format!("(ctypes.c_uint8 * {len})"),
            ),
            StoredKind::Vec => record(
                "length",
                "ctypes.c_uint64",
                "items",
                &format!("({} * {len})", item()),
            ),
            StoredKind::Option => record("is_some", "ctypes.c_uint64", "value", &item()),
            StoredKind::Enum if schema.repr().is_some_and(|repr| repr.starts_with('i')) => {
                format!("ctypes.c_int{bits}")
            }
            _ if bits == 128 => "(ctypes.c_uint64 * 2)".to_owned(),
            StoredKind::Int
            | StoredKind::NonZeroInt
            | StoredKind::MaybeInt
            | StoredKind::AtomicInt => {
                format!("ctypes.c_int{bits}")
            }
            _ => format!("ctypes.c_uint{bits}"),
        }
    }
}

fn gap(end: usize, next: usize, taken: &mut HashSet<String>, out: &mut String) {
    if next > end {
        let label = fresh(format!("_pad{end}"), taken);
        let _ = writeln!(
            out,
            "        (\"{label}\", ctypes.c_uint8 * {}),",
            next - end
        );
    }
}

/// A class of two fields, without a name.
fn record(first: &str, first_type: &str, second: &str, second_type: &str) -> String {
    format!(
        "type(\"Fixed\", (ctypes.Structure,), {{\"_pack_\": 1, \"_fields_\": [(\"{first}\", {first_type}), (\"{second}\", {second_type})]}})"
    )
}
