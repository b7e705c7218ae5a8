use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: usize, //~ use a type of fixed size: `u64` for `usize`, `i64` for `isize`
}

fn main() {}
