use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub name: str, //~ a shared type has a fixed size: use `FixedStr<N>`
}

fn main() {}
