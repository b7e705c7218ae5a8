//! Which models are searched, in which variants, and what has to come of it.

use crate::Case;

mod snapshot;
mod weak;
mod wait;
mod life;
mod fork;
mod in_place;

pub(crate) fn all() -> Vec<Case> {
    let mut all = Vec::new();
    snapshot::add(&mut all);
    weak::add(&mut all);
    wait::add(&mut all);
    life::add(&mut all);
    fork::add(&mut all);
    in_place::add(&mut all);
    all.sort_by_key(|case| case.full);
    all
}
