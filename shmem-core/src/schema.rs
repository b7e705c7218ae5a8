//! The description of a type: what the derive emits, and what an object stores beside its value.
//!
//! A [`Schema`] is data. Its stored form is text, one line for each part of the type, so that a person can
//! read it with `strings` and a program in another language can parse it from `docs/format.md` alone. The
//! fingerprint is a hash of that text: equal fingerprint means equal layout.

/// How one type is laid out, as the derive found it.
///
/// Reach it as [`Shared::SCHEMA`](crate::Shared::SCHEMA). It leaves the alignment and the pointer width out
/// of the stored form: without padding, offsets and sizes say everything, and programs of different word
/// size then agree.
#[derive(Debug)]
pub struct Schema {
    pub(crate) name: &'static str,
    pub(crate) size: usize,
    pub(crate) align: usize,
    pub(crate) version: u32,
    pub(crate) kind: Kind,
    /// Every bit pattern is a value.
    pub(crate) any_bits: bool,
    /// The derive has checked it where it was declared; a generic type is checked at each use instead.
    pub(crate) checked: bool,
}

/// What kind of value the bytes are, and so which bit patterns are one.
#[derive(Debug)]
pub(crate) enum Kind {
    /// An unsigned integer: every pattern.
    Uint,
    /// A signed integer: every pattern.
    Int,
    /// A float: every pattern.
    Float,
    /// 0 or 1.
    Bool,
    /// A Unicode scalar value.
    Char,
    /// `NonZeroU32` and the like: every pattern but zero.
    NonZeroUint,
    /// `NonZeroI32` and the like: every pattern but zero.
    NonZeroInt,
    /// `Option<NonZeroU32>` and the like: zero is `None`.
    MaybeUint,
    /// `Option<NonZeroI32>` and the like: zero is `None`.
    MaybeInt,
    /// `AtomicU32` and the like: an unsigned integer that changes under a shared reference.
    AtomicUint,
    /// `AtomicI32` and the like, signed.
    AtomicInt,
    /// One of the listed numbers, stored as the integer type `repr`.
    Enum {
        repr: &'static str,
        variants: &'static [Variant],
    },
    /// `len` items, one after the other.
    Array { item: &'static Schema, len: usize },
    /// Fields at their offsets, without holes.
    Struct(&'static [Field]),
    /// `FixedStr<N>`: a length of 4 bytes, then `capacity` bytes whose first `length` are UTF-8.
    Str { capacity: usize },
    /// `FixedVec<T, N>`: a length of 8 bytes, then `capacity` items whose first `length` are valid.
    Vec {
        item: &'static Schema,
        capacity: usize,
    },
    /// `FixedOption<T>`: a tag of 8 bytes, 0 or 1, then an item that is valid if the tag is 1.
    Option { item: &'static Schema },
}

/// One field of a struct.
#[derive(Debug)]
pub struct Field {
    pub(crate) name: &'static str,
    pub(crate) offset: usize,
    pub(crate) schema: &'static Schema,
}

/// One variant of an enum.
#[derive(Debug)]
pub struct Variant {
    pub(crate) name: &'static str,
    pub(crate) value: i128,
}

impl Field {
    #[doc(hidden)]
    pub const fn new(name: &'static str, offset: usize, schema: &'static Schema) -> Self {
        Field {
            name,
            offset,
            schema,
        }
    }
}

impl Variant {
    #[doc(hidden)]
    pub const fn new(name: &'static str, value: i128) -> Self {
        Variant { name, value }
    }
}

/// What the derive and the leaf types build schemas with.
impl Schema {
    #[doc(hidden)]
    pub const fn structure<T>(
        name: &'static str,
        version: u32,
        fields: &'static [Field],
        checked: bool,
    ) -> Self {
        let mut schema = Schema::of::<T>(name, Kind::Struct(fields));
        schema.version = version;
        schema.checked = checked;
        schema
    }

    #[doc(hidden)]
    pub const fn enumeration<T>(
        name: &'static str,
        version: u32,
        repr: &'static str,
        variants: &'static [Variant],
    ) -> Self {
        let mut schema = Schema::of::<T>(name, Kind::Enum { repr, variants });
        schema.version = version;
        schema
    }

    #[doc(hidden)]
    pub const fn array(item: &'static Schema, len: usize) -> Self {
        let kind = Kind::Array { item, len };
        Schema {
            name: "",
            size: item.size * len,
            align: item.align,
            version: 0,
            any_bits: any_bits(&kind),
            checked: item.checked,
            kind,
        }
    }

    /// A type whose layout needs no more checks than the items in it.
    pub(crate) const fn of<T>(name: &'static str, kind: Kind) -> Self {
        Schema {
            name,
            size: size_of::<T>(),
            align: align_of::<T>(),
            version: 0,
            any_bits: any_bits(&kind),
            // The padding of a list or an option depends on its item.
            checked: !matches!(kind, Kind::Vec { .. } | Kind::Option { .. }),
            kind,
        }
    }
}

const fn any_bits(kind: &Kind) -> bool {
    match *kind {
        Kind::Uint
        | Kind::Int
        | Kind::Float
        | Kind::MaybeUint
        | Kind::MaybeInt
        | Kind::AtomicUint
        | Kind::AtomicInt => true,
        Kind::Array { item, len } => len == 0 || item.any_bits,
        Kind::Struct(fields) => {
            let mut i = 0;
            while i < fields.len() {
                if !fields[i].schema.any_bits {
                    return false;
                }
                i += 1;
            }
            true
        }
        _ => false,
    }
}

impl Schema {
    /// The name that is stored: the bare identifier of the type, or what `#[shared(name = "…")]` says.
    /// Empty for arrays.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The size of a value, in bytes.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Whether every bit pattern is a value, so that bytes need no check to become one.
    pub const fn any_bits(&self) -> bool {
        self.any_bits
    }

    /// Whether there are atomics in it, which change under a shared reference.
    pub const fn has_atomics(&self) -> bool {
        match self.kind {
            Kind::AtomicUint | Kind::AtomicInt => true,
            Kind::Array { item, .. } | Kind::Vec { item, .. } | Kind::Option { item } => {
                item.has_atomics()
            }
            Kind::Struct(fields) => {
                let mut i = 0;
                while i < fields.len() {
                    if fields[i].schema.has_atomics() {
                        return true;
                    }
                    i += 1;
                }
                false
            }
            _ => false,
        }
    }

    /// Whether all-zero bytes are a value, so that one can be built in place from zeros.
    pub const fn zero_is_valid(&self) -> bool {
        match self.kind {
            Kind::NonZeroUint | Kind::NonZeroInt => false,
            Kind::Enum { variants, .. } => {
                let mut i = 0;
                while i < variants.len() {
                    if variants[i].value == 0 {
                        return true;
                    }
                    i += 1;
                }
                false
            }
            Kind::Array { item, len } => len == 0 || item.zero_is_valid(),
            Kind::Struct(fields) => {
                let mut i = 0;
                while i < fields.len() {
                    if !fields[i].schema.zero_is_valid() {
                        return false;
                    }
                    i += 1;
                }
                true
            }
            // Zero is 0, `false`, `'\0'`, an empty text or list, or `None`.
            _ => true,
        }
    }

    /// The 64-bit FNV-1a hash of the stored form.
    ///
    /// It differs when a name, type, offset, size, variant or `#[shared(version)]` differs.
    ///
    /// # References
    ///
    /// Fowler, Noll, Vo, Eastlake: "The FNV Non-Cryptographic Hash Algorithm", RFC 9923.
    pub const fn fingerprint(&self) -> u64 {
        let mut writer = Writer::new(&mut []);
        writer.schema(self, 0, 0, "");
        writer.hash
    }

    /// The stored form: text in the grammar of `docs/format.md`.
    pub fn stored_form(&self) -> Vec<u8> {
        let mut measure = Writer::new(&mut []);
        measure.schema(self, 0, 0, "");
        let mut text = vec![0; measure.len];
        Writer::new(&mut text).schema(self, 0, 0, "");
        text
    }
}

/// Writes the stored form into `out` as far as that reaches, and hashes and measures all of it.
///
/// One function makes both the text and its hash, at compile time and at run time, so they cannot differ.
struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
    hash: u64,
}

pub(crate) const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// One step of 64-bit FNV-1a.
pub(crate) const fn fnv1a(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(FNV_PRIME)
}

impl<'a> Writer<'a> {
    const fn new(out: &'a mut [u8]) -> Self {
        Writer {
            out,
            len: 0,
            hash: FNV_OFFSET,
        }
    }

    const fn byte(&mut self, byte: u8) {
        if self.len < self.out.len() {
            self.out[self.len] = byte;
        }
        self.len += 1;
        self.hash = fnv1a(self.hash, byte);
    }

    const fn str(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            self.byte(bytes[i]);
            i += 1;
        }
    }

    const fn number(&mut self, value: i128) {
        if value < 0 {
            self.byte(b'-');
        }
        self.digits(value.unsigned_abs());
    }

    const fn digits(&mut self, value: u128) {
        if value >= 10 {
            self.digits(value / 10);
        }
        self.str(DIGITS[(value % 10) as usize]);
    }

    /// `depth TAB kind TAB offset TAB size TAB name TAB type TAB version TAB extra NEWLINE`.
    const fn line(&mut self, line: &Line<'_>) {
        self.number(line.depth as i128);
        self.byte(b'\t');
        self.str(line.kind);
        self.byte(b'\t');
        self.number(line.offset as i128);
        self.byte(b'\t');
        self.number(line.size as i128);
        self.byte(b'\t');
        self.str(line.name);
        self.byte(b'\t');
        self.str(line.type_name);
        self.byte(b'\t');
        if line.version != 0 {
            self.number(line.version as i128);
        }
        self.byte(b'\t');
        match line.extra {
            Extra::Nothing => {}
            Extra::Number(value) => self.number(value),
            Extra::Text(text) => self.str(text),
        }
        self.byte(b'\n');
    }

    const fn schema(&mut self, schema: &Schema, depth: usize, offset: usize, name: &str) {
        let (kind, extra) = match schema.kind {
            Kind::Uint => ("uint", Extra::Nothing),
            Kind::Int => ("int", Extra::Nothing),
            Kind::Float => ("float", Extra::Nothing),
            Kind::Bool => ("bool", Extra::Nothing),
            Kind::Char => ("char", Extra::Nothing),
            Kind::NonZeroUint => ("nonzero-uint", Extra::Nothing),
            Kind::NonZeroInt => ("nonzero-int", Extra::Nothing),
            Kind::MaybeUint => ("maybe-uint", Extra::Nothing),
            Kind::MaybeInt => ("maybe-int", Extra::Nothing),
            Kind::AtomicUint => ("atomic-uint", Extra::Nothing),
            Kind::AtomicInt => ("atomic-int", Extra::Nothing),
            Kind::Enum { repr, .. } => ("enum", Extra::Text(repr)),
            Kind::Array { len, .. } => ("array", Extra::Number(len as i128)),
            Kind::Struct(_) => ("struct", Extra::Nothing),
            Kind::Str { capacity } => ("str", Extra::Number(capacity as i128)),
            Kind::Vec { capacity, .. } => ("vec", Extra::Number(capacity as i128)),
            Kind::Option { .. } => ("option", Extra::Nothing),
        };
        self.line(&Line {
            depth,
            kind,
            offset,
            size: schema.size,
            name,
            type_name: schema.name,
            version: schema.version,
            extra,
        });
        match schema.kind {
            Kind::Enum { variants, .. } => {
                let mut i = 0;
                while i < variants.len() {
                    self.line(&Line {
                        depth: depth + 1,
                        kind: "variant",
                        offset: 0,
                        size: schema.size,
                        name: variants[i].name,
                        type_name: "",
                        version: 0,
                        extra: Extra::Number(variants[i].value),
                    });
                    i += 1;
                }
            }
            Kind::Struct(fields) => {
                let mut i = 0;
                while i < fields.len() {
                    let field = &fields[i];
                    self.schema(field.schema, depth + 1, field.offset, field.name);
                    i += 1;
                }
            }
            Kind::Array { item, .. } => self.schema(item, depth + 1, 0, ""),
            Kind::Vec { item, .. } | Kind::Option { item } => {
                self.schema(item, depth + 1, 8, "");
            }
            _ => {}
        }
    }
}

/// The columns of a line, in order.
struct Line<'a> {
    depth: usize,
    kind: &'a str,
    offset: usize,
    size: usize,
    name: &'a str,
    type_name: &'a str,
    version: u32,
    extra: Extra,
}

/// The last column of a line.
enum Extra {
    Nothing,
    Number(i128),
    Text(&'static str),
}

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
