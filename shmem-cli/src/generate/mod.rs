//! Definitions of a type in other languages, from its schema.
//!
//! Names in a schema are anybody's: they become names of the language, and comments hold nothing that ends them.

mod c;
mod names;
mod python;
mod rust;

use shmem_core::{Info, StoredSchema};

pub(crate) use c::c;
pub(crate) use python::python;
pub(crate) use rust::rust;

/// What a definition is made of.
pub(crate) struct Subject<'a> {
    /// As it was named on the command line.
    pub(crate) object: &'a str,
    pub(crate) is_file: bool,
    pub(crate) info: &'a Info,
    pub(crate) schema: &'a StoredSchema,
}

impl Subject<'_> {
    /// The type of an item, if it is an array whose length was chosen at run time; else that of the value.
    fn value(&self) -> &StoredSchema {
        match (self.info.items, self.schema.item()) {
            (Some(_), Some(item)) => item,
            _ => self.schema,
        }
    }

    /// The object's name, in a comment.
    fn in_comment(&self) -> String {
        names::in_comment(self.object)
    }
}

/// As [`harmless`](crate::print::harmless), line by line.
pub(crate) fn harmless_lines(text: &str) -> String {
    let lines = text.lines().map(crate::print::harmless);
    lines.collect::<Vec<_>>().join("\n")
}
