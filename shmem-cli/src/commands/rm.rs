//! `shmem rm` and `shmem prune`.

use serde_json::json;
use shmem_core::{participants, prune as prune_all, remove};

use crate::args::{Global, Rm};
use crate::failure::{Failure, Result};
use crate::place::location;
use crate::print;

pub(crate) fn rm(global: &Global, args: &Rm) -> Result<()> {
    let mut removed = Vec::new();
    for object in &args.objects {
        let at = location(global, object)?;
        if !args.force {
            // Whether anybody has it open, if that can be told.
            let open = participants(&at).map_or(0, |all| all.len());
            if open > 0 {
                let s = if open == 1 { "" } else { "s" };
                let text = format!(
                    "{at} has {open} handle{s} open, which would lose it: `--force` removes it all the same"
                );
                return Err(Failure::Late(text));
            }
        }
        remove(&at)?;
        removed.push(object);
    }
    if global.json {
        return print::json(&json!({ "removed": removed }));
    }
    Ok(())
}

pub(crate) fn prune(global: &Global) -> Result<()> {
    let count = prune_all()?;
    if global.json {
        return print::json(&json!({ "removed": count }));
    }
    print::line(match count {
        0 => "nothing was left".to_owned(),
        1 => "removed 1 leftover".to_owned(),
        count => format!("removed {count} leftovers"),
    })
}
