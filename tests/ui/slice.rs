use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub items: [u8], //~ a shared type has a fixed size: use `[u8; N]` or `FixedVec<u8, N>`
}

fn main() {}
