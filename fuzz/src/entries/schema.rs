//! Bytes as the text of a schema.

use std::collections::HashSet;

use shmem_core::{Difference, StoredSchema};

/// Parses `data`, or what stands before and behind a byte 0xFF in it, which no UTF-8 has; walks what it finds,
/// and compares the two.
pub(crate) fn schema(data: &[u8]) {
    let mut texts = data.splitn(2, |byte| *byte == 0xFF);
    let first = texts.next().and_then(parse);
    let Some(second) = texts.next().and_then(parse) else {
        return;
    };
    let Some(first) = first else { return };
    compare(&first, &second);
    compare(&second, &first);
}

fn parse(text: &[u8]) -> Option<StoredSchema> {
    match StoredSchema::parse(text) {
        Err(error) => {
            assert!(error.to_string().starts_with("line "));
            None
        }
        Ok(schema) => {
            walk(&schema);
            // Two layouts are the same if and only if their texts are.
            assert_eq!(schema.stored_form(), text, "one layout in two texts");
            assert!(Difference::between(&schema, &schema.clone()).is_none());
            Some(schema)
        }
    }
}

fn compare(object: &StoredSchema, program: &StoredSchema) {
    let difference = Difference::between(object, program);
    assert_eq!(difference.is_none(), object == program);
    let Some(found) = difference else { return };
    assert_eq!(found.type_name(), program.type_text());
    assert_ne!(found.object(), found.program(), "{found}");
    assert!(found.to_string().contains(found.field()));
}

/// Asks a schema everything, down to its leaves.
pub(crate) fn walk(schema: &StoredSchema) {
    assert!(!schema.to_string().is_empty());
    visit(schema);
    let seen = HashSet::from([schema.clone()]);
    assert!(seen.contains(schema));
}

fn visit(schema: &StoredSchema) {
    assert!(!schema.type_text().is_empty());
    let count = schema.len().unwrap_or(1);
    if let (Some(item), Some(offset)) = (schema.item(), schema.item_offset()) {
        assert_eq!(offset + count * item.size(), schema.size());
        visit(item);
    }
    let mut end = 0;
    for field in schema.fields() {
        let size = field.schema().size();
        if size > 0 {
            assert!(field.offset() >= end);
            end = field.offset() + size;
        }
        assert!(field.offset() <= schema.size() && end <= schema.size());
        visit(field.schema());
    }
    let numbers: HashSet<_> = schema.variants().iter().map(|v| v.value()).collect();
    assert_eq!(numbers.len(), schema.variants().len());
}
