//! A value as a tree of lines.

use shmem_core::{
    AnyReader, AnyValue, Error, FieldError, StoredField, StoredKind, StoredSchema, Value,
};

use crate::failure::{Failure, Result};
use crate::print::{BAD, Cell, DIM, NAME, harmless};

/// Up to this size a value is copied as a whole, so that all that is shown is of one version.
pub(crate) const COPIED: u64 = 256 << 20;

/// Where the parts of a value come from.
pub(crate) enum Source<'a> {
    Copy(AnyValue),
    /// Too large for a copy: each part as it is when it is asked for.
    Live(&'a AnyReader),
}

impl<'a> Source<'a> {
    pub(crate) fn of(reader: &'a AnyReader) -> Result<Self> {
        if reader.info().size > COPIED {
            return Ok(Source::Live(reader));
        }
        Ok(Source::Copy(reader.load()?))
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        match self {
            Source::Copy(value) => Ok(value.get(path)?),
            Source::Live(reader) => Ok(reader.get(path)?),
        }
    }

    pub(crate) fn schema(&self) -> &StoredSchema {
        match self {
            Source::Copy(value) => value.schema(),
            Source::Live(reader) => reader.schema(),
        }
    }
}

/// A line of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) depth: usize,
    pub(crate) path: String,
    pub(crate) label: String,
    /// The value, if it fits the line; else its parts follow.
    pub(crate) value: Option<String>,
    pub(crate) type_text: String,
    pub(crate) is_invalid: bool,
}

/// How many items of a list of numbers and of structs are shown.
const NUMBERS: usize = 16;
const STRUCTS: usize = 8;
/// The most lines, whatever a schema asks for: one that nobody meant well may have parts without bytes.
const LINES: usize = 1 << 16;
/// How many numbers an item may be made of to stand on a line with others.
const SHORT: usize = 256;
/// And with `--all`.
const EVERYTHING: usize = 1 << 20;

pub(crate) struct Tree<'a> {
    source: &'a Source<'a>,
    all: bool,
    pub(crate) nodes: Vec<Node>,
}

impl<'a> Tree<'a> {
    /// The part at `path` and what is in it.
    pub(crate) fn of(source: &'a Source<'a>, path: &str, all: bool) -> Result<Self> {
        let mut tree = Tree {
            source,
            all,
            nodes: Vec::new(),
        };
        let schema = source.schema().at(path)?;
        let last = path.rsplit('[').next().unwrap_or("");
        if path.ends_with(']') && last.contains("..") {
            tree.range(schema, path)?;
        } else {
            tree.part(schema, path, path, 0)?;
        }
        Ok(tree)
    }

    pub(crate) fn has_invalid(&self) -> bool {
        self.nodes.iter().any(|node| node.is_invalid)
    }

    fn push(
        &mut self,
        schema: &StoredSchema,
        path: &str,
        label: &str,
        depth: usize,
        value: Option<String>,
    ) {
        self.nodes.push(Node {
            depth,
            path: path.to_owned(),
            label: harmless(label),
            value,
            type_text: harmless(&schema.type_text()),
            is_invalid: false,
        });
    }

    /// What is no value is shown as that.
    fn or_invalid(&mut self, error: Failure) -> Result<()> {
        let text = match &error {
            Failure::Field(FieldError::InvalidBytes {
                found, expected, ..
            })
            | Failure::Object(Error::InvalidValue {
                found, expected, ..
            }) => {
                format!("invalid: {found}, expected {expected}")
            }
            _ => return Err(error),
        };
        if let Some(node) = self.nodes.last_mut() {
            node.value = Some(harmless(&text));
            node.is_invalid = true;
        }
        Ok(())
    }

    fn part(&mut self, schema: &StoredSchema, path: &str, label: &str, depth: usize) -> Result<()> {
        if self.nodes.len() >= LINES {
            let text = format!("more than {LINES} lines: name a part, such as `{path}`");
            return Err(Failure::Usage(text));
        }
        self.push(schema, path, label, depth, None);
        match schema.kind() {
            StoredKind::Struct => self.fields(schema, path, depth),
            StoredKind::Array | StoredKind::Vec => self.list(schema, path, depth),
            StoredKind::Option if has_fields(schema) => match self.source.get(path) {
                Ok(Value::Option(None)) => self.end("none"),
                Ok(_) => {
                    let item = schema.item().unwrap_or(schema);
                    self.fields(item, &format!("{path}.value"), depth)
                }
                Err(error) => self.or_invalid(error),
            },
            _ => match self.source.get(path) {
                Ok(value) => self.end(&shown(&value)),
                Err(error) => self.or_invalid(error),
            },
        }
    }

    /// The value of the last line.
    fn end(&mut self, text: &str) -> Result<()> {
        if let Some(node) = self.nodes.last_mut() {
            node.value = Some(text.to_owned());
        }
        Ok(())
    }

    fn fields(&mut self, schema: &StoredSchema, path: &str, depth: usize) -> Result<()> {
        // What is at the top needs no indentation.
        let inner = if path.is_empty() { 0 } else { depth + 1 };
        if path.is_empty() {
            self.nodes.pop();
        }
        for field in schema.fields().iter().filter(|field| !is_padding(field)) {
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{}", field.name());
            self.part(field.schema(), &path, field.name(), inner)?;
        }
        Ok(())
    }

    /// How many items there are now.
    fn length(&self, schema: &StoredSchema, path: &str) -> Result<usize> {
        match (schema.kind(), schema.len(), self.source) {
            (StoredKind::Array, Some(len), _) => Ok(len),
            (_, _, Source::Copy(value)) => Ok(value.len(path)?),
            (_, _, Source::Live(reader)) => Ok(reader.load_part(path)?.len(path)?),
        }
    }

    fn list(&mut self, schema: &StoredSchema, path: &str, depth: usize) -> Result<()> {
        let len = match self.length(schema, path) {
            Ok(len) => len,
            Err(error) => return self.or_invalid(error),
        };
        let item = schema.item().unwrap_or(schema);
        let in_line = !has_fields(schema) && weight(item) <= SHORT;
        let most = match (self.all, in_line) {
            (true, _) => EVERYTHING,
            (false, true) => NUMBERS,
            (false, false) => STRUCTS,
        };
        let shown_items = len.min(most);
        let more = len - shown_items;
        if in_line {
            return match self.source.get(&format!("{path}[0..{shown_items}]")) {
                Ok(value) => {
                    let mut text = shown(&value);
                    if more > 0 {
                        text.truncate(text.len() - 1);
                        text += &format!(", … {more} more]");
                    }
                    self.end(&text)
                }
                Err(error) => self.or_invalid(error),
            };
        }
        for index in 0..shown_items {
            self.part(
                item,
                &format!("{path}[{index}]"),
                &format!("[{index}]"),
                depth + 1,
            )?;
        }
        if more > 0 {
            self.push(item, path, "…", depth + 1, Some(format!("{more} more")));
        }
        if len == 0 {
            self.end("[]")?;
        }
        Ok(())
    }

    fn range(&mut self, schema: &StoredSchema, path: &str) -> Result<()> {
        let value = self.source.get(path)?;
        let Some((list, range)) = path.rsplit_once('[') else {
            return Ok(());
        };
        let first = range
            .split("..")
            .next()
            .and_then(|first| first.parse::<usize>().ok());
        let item = schema.item().unwrap_or(schema);
        for index in 0..value.items().len() {
            let index = first.unwrap_or(0) + index;
            self.part(item, &format!("{list}[{index}]"), &format!("[{index}]"), 0)?;
        }
        Ok(())
    }

    /// Rows of a table: name, value, type.
    pub(crate) fn rows(&self) -> Vec<Vec<Cell>> {
        let row = |node: &Node| {
            let label = format!("{}{}", "  ".repeat(node.depth), node.label);
            let value = node.value.clone().unwrap_or_default();
            let style = if node.is_invalid {
                BAD
            } else {
                anstyle::Style::new()
            };
            let value =
                Cell::new(shortened(&value, if self.all { usize::MAX } else { 100 })).style(style);
            vec![
                Cell::new(label).style(NAME),
                value,
                Cell::new(&node.type_text).style(DIM),
            ]
        };
        self.nodes.iter().map(row).collect()
    }
}

/// Cut to so many letters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept + "…"
}

/// As a person reads it, without what would move the cursor.
pub(crate) fn shown(value: &Value) -> String {
    harmless(&value.to_string())
}

/// Of how many values it is made, at most.
fn weight(schema: &StoredSchema) -> usize {
    let inside = schema.item().map_or(1, weight);
    match schema.kind() {
        StoredKind::Array | StoredKind::Vec => schema.len().unwrap_or(1).saturating_mul(inside),
        _ => inside,
    }
}

/// Whether there is a struct in it.
fn has_fields(schema: &StoredSchema) -> bool {
    schema.kind() == StoredKind::Struct || schema.item().is_some_and(has_fields)
}

/// `_name: [u8; N]`: no part of the value.
pub(crate) fn is_padding(field: &StoredField) -> bool {
    let schema = field.schema();
    field.name().starts_with('_')
        && schema.kind() == StoredKind::Array
        && schema
            .item()
            .is_some_and(|item| (item.kind(), item.size()) == (StoredKind::Uint, 1))
}
