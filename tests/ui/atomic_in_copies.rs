use std::sync::atomic::AtomicU64;

use shmem_core::{Schema, Shared};

/// As a field of an in-place type it would do.
#[derive(Shared)]
#[repr(C)]
pub struct Hits {
    pub count: AtomicU64,
}

pub const SCHEMA: &Schema = Hits::SCHEMA; //~? `Hits` has atomics, which change without a copy: put `#[shared(in_place)]` on it

fn main() {}
