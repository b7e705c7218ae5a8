use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: std::collections::HashMap<u64, u64>, //~ use `FixedVec<Entry, N>`, with your own `#[derive(Shared)] struct Entry`
}

fn main() {}
