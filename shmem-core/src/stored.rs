//! The description of a type that an object stores beside its value, as any program can read it.

use crate::Schema;
use crate::schema::Kind;
use core::fmt;
use std::collections::HashSet;

/// How the value in an object is laid out, as its creator stored it.
///
/// It is read from the object, so it may describe a type that this program never saw; `Display` prints it as
/// Rust definitions. Whatever it says is consistent: parts lie within the whole and do not overlap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoredSchema {
    pub(crate) type_name: String,
    pub(crate) version: u32,
    pub(crate) size: usize,
    pub(crate) shape: Shape,
}

/// One field of a stored struct.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoredField {
    pub(crate) name: String,
    pub(crate) offset: usize,
    pub(crate) schema: StoredSchema,
}

/// One variant of a stored enum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoredVariant {
    pub(crate) name: String,
    pub(crate) value: i128,
}

/// What kind of value the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoredKind {
    /// An unsigned integer.
    Uint,
    /// A signed integer.
    Int,
    /// A float.
    Float,
    /// 0 or 1.
    Bool,
    /// A Unicode scalar value in 4 bytes.
    Char,
    /// An unsigned integer other than zero.
    NonZeroUint,
    /// A signed integer other than zero.
    NonZeroInt,
    /// An unsigned integer, where zero is `None`.
    MaybeUint,
    /// A signed integer, where zero is `None`.
    MaybeInt,
    /// `AtomicU32` and the like: an unsigned integer, changed without the writer lock.
    AtomicUint,
    /// `AtomicI32` and the like: a signed integer, likewise.
    AtomicInt,
    /// One of the numbers in [`StoredSchema::variants`].
    Enum,
    /// [`StoredSchema::len`] items, one after the other.
    Array,
    /// [`StoredSchema::fields`] at their offsets.
    Struct,
    /// A length of 4 bytes, then room for [`StoredSchema::len`] bytes of UTF-8.
    Str,
    /// A length of 8 bytes, then room for [`StoredSchema::len`] items.
    Vec,
    /// A tag of 8 bytes, 0 or 1, then an item.
    Option,
}

/// What a kind has beside its size.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// A kind that has nothing else.
    Plain(StoredKind),
    Enum {
        repr: String,
        variants: Vec<StoredVariant>,
    },
    Array {
        item: Box<StoredSchema>,
        len: usize,
    },
    Struct(Vec<StoredField>),
    Str {
        capacity: usize,
    },
    Vec {
        item: Box<StoredSchema>,
        capacity: usize,
    },
    Option {
        item: Box<StoredSchema>,
    },
}

/// Walking it.
impl StoredSchema {
    /// The name of the type: `u32`, `Telemetry`, `FixedStr`; empty for arrays.
    pub fn name(&self) -> &str {
        &self.type_name
    }

    /// The type as Rust writes it: `[Level; 8]`, `FixedStr<32>`.
    pub fn type_text(&self) -> String {
        let name = &self.type_name;
        match &self.shape {
            Shape::Array { item, len } => format!("[{}; {len}]", item.type_text()),
            Shape::Str { capacity } => format!("{name}<{capacity}>"),
            Shape::Vec { item, capacity } => format!("{name}<{}, {capacity}>", item.type_text()),
            Shape::Option { item } => format!("{name}<{}>", item.type_text()),
            _ => name.clone(),
        }
    }

    /// What `#[shared(version = N)]` says; 0 without it.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The size of a value, in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// What kind of value the bytes are.
    pub fn kind(&self) -> StoredKind {
        match self.shape {
            Shape::Plain(kind) => kind,
            Shape::Enum { .. } => StoredKind::Enum,
            Shape::Array { .. } => StoredKind::Array,
            Shape::Struct(_) => StoredKind::Struct,
            Shape::Str { .. } => StoredKind::Str,
            Shape::Vec { .. } => StoredKind::Vec,
            Shape::Option { .. } => StoredKind::Option,
        }
    }

    /// The fields of a struct, in order; none for other kinds.
    pub fn fields(&self) -> &[StoredField] {
        match &self.shape {
            Shape::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// The variants of an enum; none for other kinds.
    pub fn variants(&self) -> &[StoredVariant] {
        match &self.shape {
            Shape::Enum { variants, .. } => variants,
            _ => &[],
        }
    }

    /// The integer type that an enum is stored as: `u8` to `i64`.
    pub fn repr(&self) -> Option<&str> {
        match &self.shape {
            Shape::Enum { repr, .. } => Some(repr),
            _ => None,
        }
    }

    /// What an array, a list or an option consists of.
    pub fn item(&self) -> Option<&StoredSchema> {
        match &self.shape {
            Shape::Array { item, .. } | Shape::Vec { item, .. } | Shape::Option { item } => {
                Some(item)
            }
            _ => None,
        }
    }

    /// Whether all-zero bytes are a value, as [`Schema::zero_is_valid`].
    pub(crate) fn zero_is_valid(&self) -> bool {
        match &self.shape {
            Shape::Plain(kind) => !matches!(kind, StoredKind::NonZeroUint | StoredKind::NonZeroInt),
            Shape::Enum { variants, .. } => variants.iter().any(|variant| variant.value == 0),
            Shape::Array { item, len } => *len == 0 || item.zero_is_valid(),
            Shape::Struct(fields) => fields.iter().all(|field| field.schema.zero_is_valid()),
            Shape::Str { .. } | Shape::Vec { .. } | Shape::Option { .. } => true,
        }
    }

    /// Whether there are atomics in it, as [`Schema::has_atomics`].
    pub(crate) fn has_atomics(&self) -> bool {
        match &self.shape {
            Shape::Plain(kind) => matches!(kind, StoredKind::AtomicUint | StoredKind::AtomicInt),
            Shape::Enum { .. } | Shape::Str { .. } => false,
            Shape::Struct(fields) => fields.iter().any(|field| field.schema.has_atomics()),
            Shape::Array { item, .. } | Shape::Vec { item, .. } | Shape::Option { item } => {
                item.has_atomics()
            }
        }
    }

    /// The length of an array in items, the capacity of a list in items or of a text in bytes.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a number of the type, not of a collection"
    )]
    pub fn len(&self) -> Option<usize> {
        match self.shape {
            Shape::Array { len, .. } => Some(len),
            Shape::Str { capacity } | Shape::Vec { capacity, .. } => Some(capacity),
            _ => None,
        }
    }

    /// Where the first item of an array, a list or an option begins, in bytes from the value's start.
    pub fn item_offset(&self) -> Option<usize> {
        match self.shape {
            Shape::Array { .. } => Some(0),
            Shape::Vec { .. } | Shape::Option { .. } => Some(8),
            _ => None,
        }
    }
}

impl StoredField {
    /// The stored name; `0`, `1`, … in a tuple struct.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the field begins, in bytes from the start of the struct.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The field's type.
    pub fn schema(&self) -> &StoredSchema {
        &self.schema
    }
}

impl StoredVariant {
    /// The stored name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number that is stored.
    pub fn value(&self) -> i128 {
        self.value
    }
}

/// Writing it.
impl StoredSchema {
    /// The stored form, which [`parse`](Self::parse) reads: text in the grammar of `docs/format.md`.
    pub fn stored_form(&self) -> Vec<u8> {
        let mut text = String::new();
        self.write(&mut text, 0, 0, "");
        text.into_bytes()
    }

    /// As `Writer::schema` writes a type of this program, to the byte.
    fn write(&self, text: &mut String, depth: usize, offset: usize, name: &str) {
        let StoredSchema {
            type_name,
            version,
            size,
            shape,
        } = self;
        let version = match version {
            0 => String::new(),
            version => version.to_string(),
        };
        let extra = match shape {
            Shape::Enum { repr, .. } => repr.clone(),
            _ => self.len().map_or(String::new(), |len| len.to_string()),
        };
        let kind = self.kind().stored_name();
        *text += &format!(
            "{depth}\t{kind}\t{offset}\t{size}\t{name}\t{type_name}\t{version}\t{extra}\n"
        );
        for StoredVariant { name, value } in self.variants() {
            *text += &format!("{}\tvariant\t0\t{size}\t{name}\t\t\t{value}\n", depth + 1);
        }
        for StoredField {
            name,
            offset,
            schema,
        } in self.fields()
        {
            schema.write(text, depth + 1, *offset, name);
        }
        if let (Some(item), Some(offset)) = (self.item(), self.item_offset()) {
            item.write(text, depth + 1, offset, "");
        }
    }
}

impl StoredKind {
    fn stored_name(self) -> &'static str {
        match self {
            StoredKind::Uint => "uint",
            StoredKind::Int => "int",
            StoredKind::Float => "float",
            StoredKind::Bool => "bool",
            StoredKind::Char => "char",
            StoredKind::NonZeroUint => "nonzero-uint",
            StoredKind::NonZeroInt => "nonzero-int",
            StoredKind::MaybeUint => "maybe-uint",
            StoredKind::MaybeInt => "maybe-int",
            StoredKind::AtomicUint => "atomic-uint",
            StoredKind::AtomicInt => "atomic-int",
            StoredKind::Enum => "enum",
            StoredKind::Array => "array",
            StoredKind::Struct => "struct",
            StoredKind::Str => "str",
            StoredKind::Vec => "vec",
            StoredKind::Option => "option",
        }
    }
}

/// A type of this program, as an object would store it.
impl From<&Schema> for StoredSchema {
    fn from(schema: &Schema) -> Self {
        let boxed = |item: &Schema| Box::new(StoredSchema::from(item));
        let shape = match schema.kind {
            Kind::Uint => Shape::Plain(StoredKind::Uint),
            Kind::Int => Shape::Plain(StoredKind::Int),
            Kind::Float => Shape::Plain(StoredKind::Float),
            Kind::Bool => Shape::Plain(StoredKind::Bool),
            Kind::Char => Shape::Plain(StoredKind::Char),
            Kind::NonZeroUint => Shape::Plain(StoredKind::NonZeroUint),
            Kind::NonZeroInt => Shape::Plain(StoredKind::NonZeroInt),
            Kind::MaybeUint => Shape::Plain(StoredKind::MaybeUint),
            Kind::MaybeInt => Shape::Plain(StoredKind::MaybeInt),
            Kind::AtomicUint => Shape::Plain(StoredKind::AtomicUint),
            Kind::AtomicInt => Shape::Plain(StoredKind::AtomicInt),
            Kind::Enum { repr, variants } => Shape::Enum {
                repr: repr.to_owned(),
                variants: variants
                    .iter()
                    .map(|variant| StoredVariant {
                        name: variant.name.to_owned(),
                        value: variant.value,
                    })
                    .collect(),
            },
            Kind::Array { item, len } => Shape::Array {
                item: boxed(item),
                len,
            },
            Kind::Struct(fields) => Shape::Struct(
                fields
                    .iter()
                    .map(|field| StoredField {
                        name: field.name.to_owned(),
                        offset: field.offset,
                        schema: field.schema.into(),
                    })
                    .collect(),
            ),
            Kind::Str { capacity } => Shape::Str { capacity },
            Kind::Vec { item, capacity } => Shape::Vec {
                item: boxed(item),
                capacity,
            },
            Kind::Option { item } => Shape::Option { item: boxed(item) },
        };
        StoredSchema {
            type_name: schema.name.to_owned(),
            version: schema.version,
            size: schema.size,
            shape,
        }
    }
}

/// The definitions of the type and of all types in it, each once, the outermost first.
impl fmt::Display for StoredSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut definitions = Vec::new();
        collect(self, &mut definitions, &mut HashSet::new());
        if definitions.is_empty() {
            return f.write_str(&self.type_text());
        }
        if !matches!(self.shape, Shape::Struct(_) | Shape::Enum { .. }) {
            writeln!(f, "{}\n", self.type_text())?;
        }
        for (i, definition) in definitions.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            define(definition, f)?;
        }
        Ok(())
    }
}

fn collect<'a>(
    schema: &'a StoredSchema,
    found: &mut Vec<&'a StoredSchema>,
    seen: &mut HashSet<&'a StoredSchema>,
) {
    let fields = schema.fields();
    let defined = !fields.is_empty() || !schema.variants().is_empty();
    if defined && !seen.insert(schema) {
        return;
    }
    if defined {
        found.push(schema);
    }
    for field in fields {
        collect(&field.schema, found, seen);
    }
    if let Some(item) = schema.item() {
        collect(item, found, seen);
    }
}

fn define(schema: &StoredSchema, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name = &schema.type_name;
    if schema.version != 0 {
        writeln!(f, "#[shared(version = {})]", schema.version)?;
    }
    match &schema.shape {
        Shape::Enum { repr, variants } => {
            writeln!(f, "#[repr({repr})]\nenum {name} {{")?;
            for variant in variants {
                writeln!(f, "    {} = {},", variant.name, variant.value)?;
            }
        }
        _ => {
            writeln!(f, "#[repr(C)]\nstruct {name} {{ // {} bytes", schema.size)?;
            for field in schema.fields() {
                let ty = field.schema.type_text();
                writeln!(f, "    {}: {ty}, // offset {}", field.name, field.offset)?;
            }
        }
    }
    f.write_str("}")
}
