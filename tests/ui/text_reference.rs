use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: &'static str, //~ use `FixedStr<N>`: text of at most N bytes, stored in place
}

fn main() {}
