//! `shmem schema`.

use serde_json::{Value as Json, json};

use crate::args::{Global, Language, Schema};
use crate::failure::Result;
use crate::generate::{self, Subject};
use crate::json;
use crate::place::{location, reader};
use crate::print;

pub(crate) fn schema(global: &Global, args: &Schema) -> Result<()> {
    let at = location(global, &args.object)?;
    let info = reader(global, &args.object)?.info();
    let schema = shmem_core::schema(&at)?;
    let subject = Subject {
        object: &args.object,
        is_file: at.name().is_none(),
        info: &info,
        schema: &schema,
    };
    let text = match args.language {
        Language::Json => return document(&subject),
        Language::Text if global.json => return document(&subject),
        Language::Text => generate::harmless_lines(&schema.to_string()),
        Language::Rust => generate::rust(&subject),
        Language::C => generate::c(&subject),
        Language::Python => generate::python(&subject),
    };
    if global.json {
        return print::json(&json!({ "object": args.object, "text": text }));
    }
    print::line(text.trim_end())
}

fn document(subject: &Subject<'_>) -> Result<()> {
    let mut document = json!({
        "object": subject.object,
        "fingerprint": format!("{:#018x}", subject.info.fingerprint),
        "items": subject.info.items,
        "reserve": subject.info.reserve,
    });
    if let Json::Object(map) = &mut document {
        map.insert("schema".into(), json::of_schema(subject.schema));
    }
    print::json(&document)
}
