//! Names that a language accepts.

use std::collections::{HashMap, HashSet};

use shmem_core::{StoredKind, StoredSchema};

/// Letters, digits and `_`, not beginning with a digit.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars();
    let mut plain: String = letters
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        })
        .take(100)
        .collect();
    if plain.is_empty() || plain.starts_with(|first: char| first.is_ascii_digit()) {
        plain.insert(0, '_');
    }
    plain
}

/// A name that none of `taken` is; that is then taken.
pub(super) fn fresh(wanted: String, taken: &mut HashSet<String>) -> String {
    let mut name = wanted.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{wanted}{number}");
        number += 1;
    }
    name
}

/// Ends no comment.
pub(super) fn in_comment(text: &str) -> String {
    crate::print::harmless(text)
        .replace("*/", "* /")
        .replace('\\', "/")
}

/// A string literal of Rust, C or Python: ASCII, with what others would take for the end of it escaped.
pub(super) fn literal(text: &str, escape: impl Fn(char) -> String) -> String {
    let mut literal = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => literal.extend(['\\', letter]),
            ' '..='~' => literal.push(letter),
            other => literal.push_str(&escape(other)),
        }
    }
    literal.push('"');
    literal
}

/// The structs and enums in a schema, each once, those that others are made of first; and their names.
pub(super) struct Definitions<'a> {
    pub(super) all: Vec<&'a StoredSchema>,
    names: HashMap<&'a StoredSchema, String>,
}

impl<'a> Definitions<'a> {
    /// `name` makes a name of the language.
    pub(super) fn of(
        schema: &'a StoredSchema,
        taken: &[&str],
        name: impl Fn(&str) -> String,
    ) -> Self {
        let mut taken = taken.iter().map(|name| (*name).to_owned()).collect();
        let mut definitions = Definitions {
            all: Vec::new(),
            names: HashMap::new(),
        };
        definitions.collect(schema, &mut taken, &name);
        definitions
    }

    fn collect(
        &mut self,
        schema: &'a StoredSchema,
        taken: &mut HashSet<String>,
        name: &impl Fn(&str) -> String,
    ) {
        if self.names.contains_key(schema) {
            return;
        }
        for field in schema.fields() {
            self.collect(field.schema(), taken, name);
        }
        if let Some(item) = schema.item() {
            self.collect(item, taken, name);
        }
        if matches!(schema.kind(), StoredKind::Struct | StoredKind::Enum) {
            let name = fresh(name(schema.name()), taken);
            self.names.insert(schema, name);
            self.all.push(schema);
        }
    }

    pub(super) fn name(&self, schema: &StoredSchema) -> &str {
        self.names.get(schema).map_or("Value", String::as_str)
    }
}
