//! A C header: a plain struct for each struct, with its layout asserted.

use std::collections::HashSet;
use std::fmt::Write as _;

use shmem_core::{StoredKind, StoredSchema};

use super::Subject;
use super::names::{Definitions, fresh, in_comment, literal, plain};

const WORDS: &[&str] = &[
    "alignas",
    "alignof",
    "auto",
    "bool",
    "break",
    "case",
    "char",
    "class",
    "const",
    "constexpr",
    "continue",
    "default",
    "delete",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "false",
    "float",
    "for",
    "friend",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "namespace",
    "new",
    "nullptr",
    "operator",
    "private",
    "protected",
    "public",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "template",
    "this",
    "throw",
    "true",
    "try",
    "typedef",
    "typename",
    "typeof",
    "union",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "while",
    "asm",
    "linux",
    "unix",
    "errno",
    "NULL",
    "INFINITY",
];

pub(crate) fn c(subject: &Subject<'_>) -> String {
    let schema = subject.value();
    let definitions = Definitions::of(schema, WORDS, ident);
    let writer = Writer {
        subject,
        definitions: &definitions,
    };
    writer.header()
}

fn ident(name: &str) -> String {
    let name = plain(name);
    // Reserved for the compiler.
    let reserved = name.starts_with("__")
        || name
            .strip_prefix('_')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
    match WORDS.contains(&name.as_str()) || reserved {
        true => format!("v{name}_"),
        false => name,
    }
}

struct Writer<'a> {
    subject: &'a Subject<'a>,
    definitions: &'a Definitions<'a>,
}

impl Writer<'_> {
    fn header(&self) -> String {
        let Subject { info, .. } = self.subject;
        let schema = self.subject.value();
        let whole = match schema.kind() {
            StoredKind::Struct | StoredKind::Enum => self.definitions.name(schema).to_owned(),
            _ => "Value".to_owned(),
        };
        let upper = whole.to_uppercase();
        let guard = format!("SHMEM_{upper}_H");
        let mut out = format!(
            "/* The type of the shared object `{}`.\n *\n * Made by `shmem schema ... --as c`. Copy the value out of the object as docs/format.md says, then look at\n * the copy: what is in the object changes meanwhile. Compare the fingerprint in its header first.\n */\n#ifndef {guard}\n#define {guard}\n\n#include <stddef.h>\n#include <stdint.h>\n#include <assert.h>\n\n",
            self.subject.in_comment()
        );
        let octal = |letter: char| {
            let mut bytes = [0; 4];
            let bytes = letter.encode_utf8(&mut bytes).bytes();
            bytes.map(|byte| format!("\\{byte:03o}")).collect()
        };
        let _ = writeln!(
            out,
            "#define {upper}_OBJECT {}",
            literal(self.subject.object, octal)
        );
        let _ = writeln!(
            out,
            "#define {upper}_FINGERPRINT UINT64_C({:#018x})",
            info.fingerprint
        );
        if let Some(items) = info.items {
            let _ = writeln!(
                out,
                "#define {upper}_ITEMS UINT64_C({items}) /* one after the other */"
            );
        }
        for definition in &self.definitions.all {
            out += "\n";
            match definition.kind() {
                StoredKind::Enum => self.enumeration(definition, &mut out),
                _ => self.structure(definition, &mut out),
            }
        }
        if whole == "Value"
            && !matches!(schema.kind(), StoredKind::Struct | StoredKind::Enum)
            && schema.size() > 0
        {
            let _ = writeln!(out, "\ntypedef {};", self.declare(schema, "Value"));
        }
        let _ = writeln!(out, "\n#endif");
        out
    }

    fn enumeration(&self, schema: &StoredSchema, out: &mut String) {
        let name = self.definitions.name(schema);
        let repr = schema.repr().unwrap_or("u8");
        let signed = repr.starts_with('i');
        let _ = writeln!(
            out,
            "typedef {}int{}_t {name};",
            if signed { "" } else { "u" },
            schema.size() * 8
        );
        let mut taken = HashSet::new();
        for variant in schema.variants() {
            let label = fresh(format!("{name}_{}", plain(variant.name())), &mut taken);
            let number = match variant.value() {
                least if least == i128::from(i64::MIN) => {
                    "(-INT64_C(9223372036854775807) - 1)".to_owned()
                }
                value if signed => format!("INT64_C({value})"),
                value => format!("UINT64_C({value})"),
            };
            let _ = writeln!(out, "#define {label} (({name})({number}))");
        }
    }

    fn structure(&self, schema: &StoredSchema, out: &mut String) {
        let name = self.definitions.name(schema);
        if schema.size() == 0 {
            let _ = writeln!(out, "/* {name} has no bytes. */");
            return;
        }
        let _ = writeln!(out, "typedef struct {name} {{");
        let mut asserts = String::new();
        let mut taken = WORDS.iter().map(|word| (*word).to_owned()).collect();
        let mut end = 0;
        for field in schema.fields() {
            // Where fields were added to a type that grows, some of the padding before may be left.
            self.gap(end, field.offset(), &mut taken, out);
            end = end.max(field.offset() + field.schema().size());
            let ty = in_comment(&field.schema().type_text());
            if field.schema().size() == 0 {
                let _ = writeln!(
                    out,
                    "    /* {}: {ty}, which has no bytes */",
                    in_comment(field.name())
                );
                continue;
            }
            let label = fresh(ident(field.name()), &mut taken);
            let _ = writeln!(
                out,
                "    {}; /* {ty} */",
                self.declare(field.schema(), &label)
            );
            let _ = writeln!(
                asserts,
                "static_assert(offsetof({name}, {label}) == {}, \"{name}.{label}\");",
                field.offset()
            );
        }
        self.gap(end, schema.size(), &mut taken, out);
        let _ = writeln!(out, "}} {name};");
        *out += &asserts;
        let _ = writeln!(
            out,
            "static_assert(sizeof({name}) == {}, \"{name}\");",
            schema.size()
        );
    }

    fn gap(&self, end: usize, next: usize, taken: &mut HashSet<String>, out: &mut String) {
        if next > end {
            let label = fresh(format!("_pad{end}"), taken);
            let _ = writeln!(out, "    uint8_t {label}[{}];", next - end);
        }
    }

    /// A declaration of `name` with this type.
    fn declare(&self, schema: &StoredSchema, name: &str) -> String {
        let bits = schema.size() * 8;
        let item = |name: &str| {
            schema
                .item()
                .map_or_else(String::new, |item| self.declare(item, name))
        };
        let len = schema.len().unwrap_or(0);
        let has_items = len > 0 && schema.item().is_some_and(|item| item.size() > 0);
        match schema.kind() {
            // As two words, or in this order of bytes.
            _ if bits == 128 && is_number(schema) => format!("uint64_t {name}[2]"),
            StoredKind::Uint
            | StoredKind::NonZeroUint
            | StoredKind::MaybeUint
            | StoredKind::AtomicUint => {
                format!("uint{bits}_t {name}")
            }
            StoredKind::Int
            | StoredKind::NonZeroInt
            | StoredKind::MaybeInt
            | StoredKind::AtomicInt => {
                format!("int{bits}_t {name}")
            }
            StoredKind::Float => format!("{} {name}", if bits == 32 { "float" } else { "double" }),
            StoredKind::Bool => format!("uint8_t {name}"),
            StoredKind::Char => format!("uint32_t {name}"),
            StoredKind::Array => item(&format!("{name}[{len}]")),
            StoredKind::Str if len == 0 => format!("struct {{ uint8_t length[4]; }} {name}"),
            // Lengths and tags are aligned to a byte: copy them out with `memcpy`.
            StoredKind::Str => format!("struct {{ uint8_t length[4]; char text[{len}]; }} {name}"),
            StoredKind::Vec if has_items => {
                format!(
                    "struct {{ uint8_t length[8]; {}; }} {name}",
                    item(&format!("items[{len}]"))
                )
            }
            StoredKind::Option if schema.size() > 8 => {
                format!("struct {{ uint8_t is_some[8]; {}; }} {name}", item("value"))
            }
            StoredKind::Vec => format!("struct {{ uint8_t length[8]; }} {name}"),
            StoredKind::Option => format!("struct {{ uint8_t is_some[8]; }} {name}"),
            _ => format!("{} {name}", self.definitions.name(schema)),
        }
    }
}

fn is_number(schema: &StoredSchema) -> bool {
    schema.item().is_none() && schema.fields().is_empty() && schema.kind() != StoredKind::Str
}
