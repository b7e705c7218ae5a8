//! The fields of the selected object, what has changed in them, and changing one.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use shmem_core::{AnyObject, AnyReader, Info, Location, StoredKind};

use crate::commands::get::text;
use crate::failure::{Failure, Result};
use crate::text;
use crate::tree::{Node, Source, Tree, shown};

/// How long a change is marked.
const MARKED: Duration = Duration::from_millis(1500);
/// How long an edit waits for a program that is writing.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Fields {
    open: Option<Open>,
    pub(super) nodes: Vec<Node>,
    /// Why there are none.
    pub(super) error: Option<String>,
    pub(super) index: usize,
    /// The value of each path, and when it changed.
    last: HashMap<String, (Option<String>, Option<Instant>)>,
}

struct Open {
    location: Location,
    created: SystemTime,
    reader: AnyReader,
}

impl Fields {
    /// Looks at the object again, or at another one.
    pub(super) fn look(&mut self, selected: Option<&Info>) {
        let looked = self.try_look(selected);
        self.error = looked.err().and_then(|failure| failure.message());
        if self.error.is_some() {
            self.nodes.clear();
            self.open = None;
        }
        self.index = self.index.min(self.nodes.len().saturating_sub(1));
    }

    fn try_look(&mut self, selected: Option<&Info>) -> Result<()> {
        let Some(info) = selected else {
            *self = Fields::default();
            return Ok(());
        };
        let is_open = |open: &Open| open.location == info.location && open.created == info.created;
        if !self.open.as_ref().is_some_and(is_open) {
            *self = Fields::default();
            let reader = AnyObject::options()
                .mapped(false)
                .open_read_only(&info.location)?;
            self.open = Some(Open {
                location: info.location.clone(),
                created: info.created,
                reader,
            });
        }
        let Some(open) = &self.open else {
            return Ok(());
        };
        let source = Source::of(&open.reader)?;
        self.nodes = Tree::of(&source, "", false)?.nodes;
        let is_new = self.last.is_empty();
        for node in &self.nodes {
            let last = self.last.entry(key(node)).or_default();
            if last.0 != node.value {
                let changed = (!is_new).then(Instant::now);
                *last = (node.value.clone(), changed);
            }
        }
        Ok(())
    }

    pub(super) fn has_changed(&self, node: &Node) -> bool {
        let last = self.last.get(&key(node));
        let changed = last.and_then(|(_, changed)| *changed);
        changed.is_some_and(|changed| changed.elapsed() < MARKED)
    }

    pub(super) fn go(&mut self, by: isize) {
        let last = self.nodes.len().saturating_sub(1);
        self.index = self.index.saturating_add_signed(by).min(last);
    }

    /// The path and the value, as it is typed, of the selected field, if it can be typed on a line.
    pub(super) fn editable(&self) -> Option<(String, String)> {
        let reader = &self.open.as_ref()?.reader;
        let node = self.nodes.get(self.index)?;
        let schema = reader.schema().at(&node.path).ok()?;
        match (schema.kind(), node.is_invalid) {
            (StoredKind::Struct, _) => None,
            (_, true) => Some((node.path.clone(), String::new())),
            (StoredKind::Array | StoredKind::Vec, _)
                if node.value.is_none() || node.label == "…" =>
            {
                None
            }
            (StoredKind::Array | StoredKind::Vec, _) => {
                let value = reader.get(&node.path).ok()?;
                Some((node.path.clone(), crate::json::of_value(&value).to_string()))
            }
            _ => Some((node.path.clone(), text(&reader.get(&node.path).ok()?))),
        }
    }

    /// Publishes a new value, through an ordinary handle that is open only for that.
    pub(super) fn set(&self, path: &str, typed: &str) -> Result<String> {
        let Some(open) = &self.open else {
            return Err(Failure::Other("the object is gone".to_owned()));
        };
        let object = AnyObject::options()
            .timeout(PATIENCE)
            .open(&open.location)?;
        let value = text::value(object.schema().at(path)?, typed)?;
        let version = object.set(path, value)?;
        let now = object.get(path)?;
        let name = if path.is_empty() { "the value" } else { path };
        Ok(format!("{name} = {}, version {version}", shown(&now)))
    }
}

/// Two lines of a long list have one path.
fn key(node: &Node) -> String {
    format!("{}\0{}", node.path, node.label)
}
