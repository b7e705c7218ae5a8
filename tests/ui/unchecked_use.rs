use shmem_core::{Schema, Shared};

#[derive(Shared)]
#[repr(C)]
pub struct Slot<T> {
    pub seq: u64,
    pub value: T,
}

pub const SCHEMA: &Schema = Slot::<u32>::SCHEMA; //~? `Slot` has 4 bytes of padding at its end

fn main() {}
