//! Reads a stored schema. Its bytes come from an object, so nothing in them is believed.

use crate::layout::{MAX_DEPTH, MAX_LINES, integer_size};
use crate::stored::{Shape, StoredField, StoredKind, StoredSchema, StoredVariant};
use std::collections::HashSet;
use std::str::SplitTerminator;

/// The bytes are not a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the stored schema: {reason}")]
pub struct InvalidSchema {
    line: usize,
    reason: &'static str,
}

impl StoredSchema {
    /// Reads the stored form of a schema, which is text in the grammar of `docs/format.md`.
    ///
    /// It may be any bytes. At most 65,536 lines and 64 levels are read.
    ///
    /// # Errors
    ///
    /// [`InvalidSchema`] names the first line that is not in the grammar, or that contradicts another: a part
    /// beyond the end of the whole, parts that overlap, a size that does not follow from the parts.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidSchema> {
        let mut parser = Parser {
            lines: "".split_terminator('\n'),
            next: None,
            line: 0,
        };
        let Ok(text) = core::str::from_utf8(bytes) else {
            return parser.refuse("not UTF-8");
        };
        if !text.ends_with('\n') {
            return parser.refuse("the last line has no end");
        }
        parser.lines = text.split_terminator('\n');
        parser.advance()?;
        let (head, schema) = parser.node(0)?;
        if head.offset != 0 || !head.name.is_empty() {
            return parser.refuse("the outermost type has a name or an offset");
        }
        if parser.next.is_some() {
            return parser.refuse("more than one outermost type");
        }
        Ok(schema)
    }
}

struct Parser<'a> {
    /// Not `str::lines`, which takes a carriage return for a part of the line's end.
    lines: SplitTerminator<'a, char>,
    /// The line that is read next.
    next: Option<Line<'a>>,
    /// The number of `next`, from 1.
    line: usize,
}

struct Line<'a> {
    depth: usize,
    kind: &'a str,
    offset: usize,
    size: usize,
    name: &'a str,
    type_name: &'a str,
    version: &'a str,
    extra: &'a str,
}

/// What a line says about the place of its type in the type around it.
struct Head<'a> {
    name: &'a str,
    offset: usize,
}

impl<'a> Parser<'a> {
    fn refuse<T>(&self, reason: &'static str) -> Result<T, InvalidSchema> {
        let line = self.line;
        Err(InvalidSchema { line, reason })
    }

    fn require(&self, holds: bool, reason: &'static str) -> Result<(), InvalidSchema> {
        if holds { Ok(()) } else { self.refuse(reason) }
    }

    fn advance(&mut self) -> Result<(), InvalidSchema> {
        self.line += 1;
        self.next = match self.lines.next() {
            None => None,
            Some(_) if self.line > MAX_LINES => return self.refuse("too many lines"),
            Some(text) => Some(self.split(text)?),
        };
        Ok(())
    }

    fn split(&self, text: &'a str) -> Result<Line<'a>, InvalidSchema> {
        let mut columns = text.split('\t');
        let mut column = || match columns.next() {
            Some(text) if text.chars().any(char::is_control) => self.refuse("a control character"),
            Some(text) => Ok(text),
            None => self.refuse("fewer than 8 columns"),
        };
        let (depth, kind, offset, size) = (column()?, column()?, column()?, column()?);
        let (name, type_name, version, extra) = (column()?, column()?, column()?, column()?);
        self.require(columns.next().is_none(), "more than 8 columns")?;
        Ok(Line {
            depth: self.number(depth)?,
            kind,
            offset: self.number(offset)?,
            size: self.number(size)?,
            name,
            type_name,
            version,
            extra,
        })
    }

    /// A decimal number as the writer writes it, and not otherwise: no sign, no leading zero.
    fn number(&self, text: &str) -> Result<usize, InvalidSchema> {
        match text.parse::<usize>() {
            Ok(number) if is_plain(text) => Ok(number),
            _ => self.refuse("a column is not a number"),
        }
    }

    /// The next line and those below it.
    fn node(&mut self, depth: usize) -> Result<(Head<'a>, StoredSchema), InvalidSchema> {
        let Some(line) = self.next.take() else {
            return self.refuse("a type is missing");
        };
        self.require(line.depth == depth, "not at the depth that it should be")?;
        self.require(depth < MAX_DEPTH, "too many levels")?;
        let version = match (line.version, line.kind) {
            ("", _) => 0,
            (text, "struct" | "enum") if is_plain(text) && text != "0" => text
                .parse()
                .or_else(|_| self.refuse("a version is not a number"))?,
            _ => return self.refuse("a version where there is none"),
        };
        let is_array = line.kind == "array";
        self.require(line.type_name.is_empty() == is_array, "a type has no name")?;

        let plain = plain_kind(line.kind, line.size);
        let needs_extra = matches!(line.kind, "enum" | "array" | "str" | "vec");
        self.require(
            needs_extra != line.extra.is_empty(),
            "the last column is wrong",
        )?;
        let shape = match (line.kind, plain) {
            (_, Some(kind)) => {
                self.advance()?;
                Shape::Plain(kind)
            }
            ("enum", _) => self.enumeration(&line)?,
            ("struct", _) => self.structure(&line)?,
            ("str", _) => {
                let capacity = self.number(line.extra)?;
                let fits = capacity.checked_add(4) == Some(line.size);
                self.require(fits, "the size does not follow from the capacity")?;
                self.advance()?;
                Shape::Str { capacity }
            }
            ("array", _) => {
                let len = self.number(line.extra)?;
                let item = self.item(&line, 0, len)?;
                Shape::Array { item, len }
            }
            ("vec", _) => {
                let capacity = self.number(line.extra)?;
                let item = self.item(&line, 8, capacity)?;
                Shape::Vec { item, capacity }
            }
            ("option", _) => Shape::Option {
                item: self.item(&line, 8, 1)?,
            },
            _ => return self.refuse("a kind and size that do not exist"),
        };
        let schema = StoredSchema {
            type_name: line.type_name.to_owned(),
            version,
            size: line.size,
            shape,
        };
        let head = Head {
            name: line.name,
            offset: line.offset,
        };
        Ok((head, schema))
    }

    /// The one type below `line`, of which `count` follow `offset`.
    fn item(
        &mut self,
        line: &Line<'a>,
        offset: usize,
        count: usize,
    ) -> Result<Box<StoredSchema>, InvalidSchema> {
        self.advance()?;
        let at = self.line;
        let (head, item) = self.node(line.depth + 1)?;
        let whole = item
            .size
            .checked_mul(count)
            .and_then(|items| items.checked_add(offset));
        let reason = if head.offset != offset || !head.name.is_empty() {
            "an item has a name or another offset"
        } else if whole != Some(line.size) {
            "the size of the items is not that of the whole"
        } else {
            return Ok(Box::new(item));
        };
        Err(InvalidSchema { line: at, reason })
    }

    fn structure(&mut self, line: &Line<'a>) -> Result<Shape, InvalidSchema> {
        self.advance()?;
        let mut fields: Vec<StoredField> = Vec::new();
        let mut names = HashSet::new();
        let mut end = 0;
        while self
            .next
            .as_ref()
            .is_some_and(|next| next.depth > line.depth)
        {
            let at = self.line;
            let (head, schema) = self.node(line.depth + 1)?;
            let field_end = head.offset.checked_add(schema.size);
            let reason = if head.name.is_empty() {
                "a field has no name"
            } else if !names.insert(head.name) {
                "two fields of one name"
            } else if field_end.is_none_or(|field_end| field_end > line.size) {
                "a field reaches beyond the end of its struct"
            } else if schema.size > 0 && head.offset < end {
                "a field overlaps the one before"
            } else {
                if schema.size > 0 {
                    end = head.offset + schema.size;
                }
                fields.push(StoredField {
                    name: head.name.to_owned(),
                    offset: head.offset,
                    schema,
                });
                continue;
            };
            return Err(InvalidSchema { line: at, reason });
        }
        Ok(Shape::Struct(fields))
    }

    fn enumeration(&mut self, line: &Line<'a>) -> Result<Shape, InvalidSchema> {
        let size = integer_size(line.extra);
        self.require(size != 0 && size == line.size, "an enum of another size")?;
        self.advance()?;
        let mut variants = Vec::new();
        let (mut names, mut values) = (HashSet::new(), HashSet::new());
        while let Some(next) = self.next.take_if(|next| next.depth > line.depth) {
            let place = (next.depth, next.kind, next.offset, next.size);
            let is_variant = place == (line.depth + 1, "variant", 0, size)
                && (next.type_name, next.version) == ("", "");
            self.require(is_variant, "not a variant")?;
            self.require(!next.name.is_empty(), "a variant has no name")?;
            let digits = next.extra.strip_prefix('-');
            let value = match next.extra.parse::<i128>() {
                Ok(value) if is_plain(digits.unwrap_or(next.extra)) && digits != Some("0") => value,
                _ => return self.refuse("a variant has no number"),
            };
            self.require(
                in_range(value, line.extra),
                "a variant's number does not fit",
            )?;
            let is_new = names.insert(next.name) && values.insert(value);
            self.require(is_new, "two variants of one name or number")?;
            variants.push(StoredVariant {
                name: next.name.to_owned(),
                value,
            });
            self.advance()?;
        }
        self.require(!variants.is_empty(), "an enum without variants")?;
        Ok(Shape::Enum {
            repr: line.extra.to_owned(),
            variants,
        })
    }
}

/// The kinds that have nothing but a size, and the sizes that they have.
fn plain_kind(kind: &str, size: usize) -> Option<StoredKind> {
    let integer = matches!(size, 1 | 2 | 4 | 8 | 16);
    let atomic = integer && size != 16;
    match kind {
        "uint" if integer => Some(StoredKind::Uint),
        "int" if integer => Some(StoredKind::Int),
        "nonzero-uint" if integer => Some(StoredKind::NonZeroUint),
        "nonzero-int" if integer => Some(StoredKind::NonZeroInt),
        "maybe-uint" if integer => Some(StoredKind::MaybeUint),
        "maybe-int" if integer => Some(StoredKind::MaybeInt),
        "atomic-uint" if atomic => Some(StoredKind::AtomicUint),
        "atomic-int" if atomic => Some(StoredKind::AtomicInt),
        "float" if size == 4 || size == 8 => Some(StoredKind::Float),
        "bool" if size == 1 => Some(StoredKind::Bool),
        "char" if size == 4 => Some(StoredKind::Char),
        _ => None,
    }
}

/// Digits without a leading zero.
fn is_plain(text: &str) -> bool {
    text == "0" || (text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0'))
}

/// Whether `value` is one of the integer type `repr`.
fn in_range(value: i128, repr: &str) -> bool {
    let bits = 8 * integer_size(repr);
    if repr.starts_with('u') {
        (0..1 << bits).contains(&value)
    } else {
        (-(1 << (bits - 1))..1 << (bits - 1)).contains(&value)
    }
}
