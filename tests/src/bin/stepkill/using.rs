//! Everything else that one does with an object: nothing of the dead process may be in the way.

use shmem_core::{Error, Version};
use tests::once_asleep;

use crate::object::{Kind, Maker, Object};
use crate::operations::Operation;
use crate::verifier::{NEXT, PATIENCE, Step, text};

/// `version` is `NEXT`'s, and current; `object` has it open, and so has the peer, if there is one.
pub(crate) fn all_of_it(
    step: &Step,
    operation: &Operation,
    maker: &Maker,
    object: Object,
    peer: Option<&Object>,
    version: Version,
) -> Result<(), String> {
    let other = peer.unwrap_or(&object);
    step.is("reading what was written");
    has(other, NEXT)?;
    step.is("waiting and being woken");
    let woken = once_asleep(
        || object.wait(version, PATIENCE),
        || drop(other.replace(PATIENCE, NEXT + 1)),
    );
    let woken = woken.map_err(text)?;
    if woken != Version(version.0 + 1) {
        return Err(format!("woken by version {woken} after {version}"));
    }
    has(&object, NEXT + 1)?;
    step.is("storing");
    other.store(NEXT + 2).map_err(text)?;
    has(&object, NEXT + 2)?;
    match operation.kind {
        Kind::Copies => {
            step.is("holding every buffer");
            every_buffer(operation, &object, other)?;
        }
        _ => {
            step.is("reading while another wants to write");
            if !object.while_read(|| other.is_busy())? {
                return Err("a writer changed what a guard reads".into());
            }
            other.replace(PATIENCE, NEXT).map_err(text)?;
            has(&object, NEXT)?;
        }
    }
    step.is("taking every row");
    let live = 1 + u32::from(peer.is_some());
    let info = object.info();
    if info.handles != Some(live) {
        return Err(format!("{:?} handles are open, not {live}", info.handles));
    }
    let rows: Result<Vec<_>, _> = (live..info.max_handles).map(|_| maker.open()).collect();
    let rows = rows.map_err(text)?;
    match maker.open() {
        Err(Error::TooManyHandles { .. }) => {}
        other => return Err(format!("one row too many: {other:?}")),
    }
    drop(rows);
    step.is("closing");
    drop(object);
    match peer {
        Some(peer) if !peer.is_current() => Err("the peer's object lost its name".into()),
        Some(peer) => peer.store(NEXT).map(drop).map_err(text),
        None => Ok(()),
    }
}

/// All values have that counter, by a guard and copied out.
fn has(object: &Object, counter: u64) -> Result<(), String> {
    for looked in [object.look()?, object.copy()?] {
        let (counters, _) = looked.map_err(text)?;
        let values = match object {
            Object::Counted(_) => &counters[..1],
            _ => &counters,
        };
        if values.iter().any(|found| *found != counter) {
            return Err(format!("{counters:?} instead of {counter}"));
        }
    }
    Ok(())
}

/// Of a file, the buffer that was flushed is nobody's.
fn every_buffer(operation: &Operation, object: &Object, other: &Object) -> Result<(), String> {
    let (Object::Value(object), Object::Value(other)) = (object, other) else {
        return Err("not a value in copies".into());
    };
    let buffers = u64::from(object.info().buffers);
    let mut guards = Vec::new();
    for counter in 1..buffers - u64::from(operation.file) {
        guards.push(object.read().map_err(text)?);
        let written = other.write_timeout(PATIENCE).map_err(text);
        written?.set(NEXT + 1 + counter);
    }
    if guards.iter().any(|guard| !guard.is_whole()) {
        return Err("a version changed while a guard held it".into());
    }
    if !matches!(other.try_write(), Err(Error::Busy { .. })) {
        return Err("a buffer was found where all are held".into());
    }
    Ok(())
}
