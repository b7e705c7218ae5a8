//! The fields that programs have added to the type of an object since it was created.
//!
//! The header and the schema never change, so two later programs that both fit the creator's layout could
//! still contradict each other, and take each other's bytes for their own. So who opens an object with fields
//! that nobody has brought before notes them in it first; all who come later are compared with them, too.
//! They stay noted: their bytes stay theirs.
//!
//! ```text
//! length of the text │ its FNV-1a │ text │ …8 │ length of the next text │ …
//! ```
//!
//! A text is a stored schema of the new fields alone. Records are written under `MEMBER`. One that does not
//! match its checksum ends the list, and the next is written over it: its writer was killed before it had
//! opened the object.

use std::fs::File;

use crate::growth::Known;
use crate::header::{Layout, MAX_SCHEMA};
use crate::schema::{FNV_OFFSET, fnv1a};
use crate::{Error, Location, Result, Schema, StoredField, StoredSchema, os};

/// The room of the list for a type with so long a schema and so many bytes: a field takes some 30 bytes in it.
pub(crate) fn room(schema_len: u64, reserve: u64) -> u64 {
    let fields = reserve.saturating_mul(16).min(256 << 10);
    (schema_len + fields).next_multiple_of(4096).min(MAX_SCHEMA)
}

/// What was added, and where the next record goes.
pub(crate) fn read(
    file: &File,
    layout: &Layout,
    location: &Location,
) -> Result<(Vec<StoredSchema>, u64)> {
    let io = |source| Error::from_io(location, "reading the object's layout", source);
    let mut bytes = vec![0; usize::try_from(layout.shape.additions_len).unwrap_or(0)];
    os::read_at(file, &mut bytes, layout.additions).map_err(io)?;
    let mut added = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((text, behind)) = record(rest) {
        let schema = StoredSchema::parse(text).map_err(|error| Error::Corrupt {
            location: location.clone(),
            what: "list of added fields",
            found: error.to_string(),
            expected: "text in the grammar of docs/format.md".into(),
        })?;
        added.push(schema);
        rest = behind;
    }
    let end = bytes.len() - rest.len();
    Ok((added, layout.additions + end as u64))
}

/// The text of the first record, and what follows it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, bytes) = bytes.split_first_chunk()?;
    let (sum, bytes) = bytes.split_first_chunk()?;
    let length = usize::try_from(u64::from_ne_bytes(*length)).ok()?;
    let (text, _) = bytes.split_at_checked(length)?;
    let is_whole = length > 0 && u64::from_ne_bytes(*sum) == checksum(text);
    let rest = bytes.get(length.next_multiple_of(8)..).unwrap_or_default();
    is_whole.then_some((text, rest))
}

fn checksum(text: &[u8]) -> u64 {
    text.iter()
        .fold(FNV_OFFSET, |hash, byte| fnv1a(hash, *byte))
}

/// A record that is to be written.
pub(crate) struct Claim {
    file: File,
    at: u64,
    bytes: Vec<u8>,
}

impl Claim {
    /// Of the fields of `program` that are not known yet, if there are any; `at` is where it goes.
    pub(crate) fn new(
        file: &File,
        layout: &Layout,
        location: &Location,
        known: &Known,
        program: &Schema,
        at: u64,
    ) -> Result<Option<Self>> {
        let Some(text) = new_fields(known, program) else {
            return Ok(None);
        };
        let mut bytes = (text.len() as u64).to_ne_bytes().to_vec();
        bytes.extend(checksum(text.as_bytes()).to_ne_bytes());
        bytes.extend(text.bytes());
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let (needed, limit) = (
            at - layout.additions + bytes.len() as u64,
            layout.shape.additions_len,
        );
        if needed > limit {
            return Err(Error::TooLarge {
                location: location.clone(),
                what: "length of its list of added fields",
                found: needed,
                limit,
            });
        }
        let file = file.try_clone();
        let file = file.map_err(|e| Error::from_io(location, "keeping the descriptor", e))?;
        Ok(Some(Claim { file, at, bytes }))
    }

    /// Writes it, under `MEMBER`.
    pub(crate) fn write(self, location: &Location) -> Result<()> {
        let mut written = os::write_at(&self.file, &self.bytes, self.at);
        if location.name().is_none() {
            // On the disk before the first value that has the fields.
            written = written.and_then(|()| self.file.sync_data());
        }
        written.map_err(|e| Error::from_io(location, "noting what the type has more", e))
    }
}

/// The stored schema of the fields that are not known.
fn new_fields(known: &Known, program: &Schema) -> Option<String> {
    let text = String::from_utf8(program.stored_form()).ok()?;
    let layout = StoredSchema::from(program);
    let is_new = |field: &StoredField| {
        let is_known = |old: &StoredField| !old.is_padding() && old.name == field.name;
        !field.is_padding() && !known.fields().any(is_known)
    };
    let mut fields = layout.fields().iter().map(is_new);
    let mut any = false;
    // The line of the struct, and those of the new fields with all below them.
    let mut keep = true;
    let lines = text.split_inclusive('\n').filter(|line| {
        if line.starts_with("1\t") {
            keep = fields.next().unwrap_or(false);
            any |= keep;
        }
        keep
    });
    let text = lines.collect();
    any.then_some(text)
}
