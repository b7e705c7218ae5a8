//! `shmem show`.

use serde_json::json;
use shmem_core::{Info, Version};

use crate::args::{Global, Show};
use crate::commands::ls::{file_info, place};
use crate::failure::{Failure, Result};
use crate::json;
use crate::place::reader;
use crate::print::{self, BOLD, DIM, WARN, harmless, styled};
use crate::tree::{Source, Tree};

pub(crate) fn show(global: &Global, args: &Show) -> Result<()> {
    let reader = reader(global, &args.object)?;
    if global.json {
        let value = reader.load_part(&args.path)?;
        let document = json!({
            "object": args.object,
            "type": reader.info().type_name,
            "path": args.path,
            "version": value.version().0,
            "value": json::of_value(&value.get(&args.path)?),
        });
        return print::json(&document);
    }
    let source = Source::of(&reader)?;
    let tree = Tree::of(&source, &args.path, args.all)?;
    let version = match &source {
        Source::Copy(value) => value.version(),
        Source::Live(reader) => reader.version(),
    };
    let info = file_info(global, &args.object).unwrap_or_else(|_| reader.info());
    print::line(head(&info, version))?;
    if matches!(source, Source::Live(_)) {
        let text =
            "too large for one copy: each part is of the version that was current when it was read";
        print::line(styled(WARN, text))?;
    }
    print::table(&tree.rows())?;
    if tree.has_invalid() {
        let text = format!(
            "{} holds bytes that are no value of its type",
            info.location
        );
        return Err(Failure::Other(text));
    }
    Ok(())
}

fn head(info: &Info, version: Version) -> String {
    let mut facts = vec![
        harmless(&info.type_name),
        print::size(info.size),
        format!("version {version}"),
    ];
    if let Some(handles) = info.handles {
        facts.push(format!(
            "{handles} handle{}",
            if handles == 1 { "" } else { "s" }
        ));
    }
    if info.age != std::time::Duration::MAX {
        facts.push(format!("{} ago", print::time(info.age)));
    }
    let gone = match (info.publisher_alive, info.handles) {
        (Some(false), Some(1..)) => styled(WARN, "  its publisher is gone"),
        _ => String::new(),
    };
    let name = styled(BOLD, place(info));
    format!("{name}  {}{gone}", styled(DIM, facts.join("  ")))
}
