use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: &'static [u8], //~ use `FixedVec<u8, N>`: at most N items, stored in place; or `[u8; N]`
}

fn main() {}
