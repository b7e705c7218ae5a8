//! What a forked child does that neither ends at once nor just lives on.

use shmem_core::{Error, SharedObject};

use super::track::Track;
use super::{Flow, Peer, writer};
use crate::value::Value;

/// With a handle that it has inherited; guards of it are dropped.
pub(super) fn go_on<const WORDS: usize>(peer: &mut Peer, inherited: &SharedObject<Value<WORDS>>) {
    for (how, error) in [
        ("read", inherited.read().err()),
        ("write", inherited.write().err()),
        ("load", inherited.load_boxed().err()),
    ] {
        if !matches!(error, Some(Error::Forked { .. })) {
            let text = format!("{how} through a handle of the parent's: {error:?}");
            peer.violation("other", text);
        }
    }
    if peer.chance(300) {
        return;
    }
    let removals = peer.removals();
    let own = match inherited.reopen() {
        Ok(own) => own,
        Err(Error::NotFound { .. } | Error::TooManyHandles { .. }) => return,
        Err(error @ Error::Busy { .. }) => return peer.busy("reopening in a child", &error),
        Err(error) => return peer.unexpected("reopening in a child", &error),
    };
    let mut track = Track::new(removals);
    match own.read().map(|guard| guard.mark()) {
        Ok(Ok(_)) => {}
        Ok(Err(wrong)) => peer.violation("torn", format!("a child's guard: {wrong}")),
        Err(error) if peer.is_poisoned(&error) => {}
        Err(error) => peer.unexpected("reading in a child", &error),
    }
    for _ in 0..peer.random.below(4) {
        if writer::step(peer, &own, &mut track) == Flow::Leave {
            break;
        }
        peer.may_die();
    }
}
