use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: extern "C" fn(u32), //~ store a number, or an enum that says what to call
}

fn main() {}
