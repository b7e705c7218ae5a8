use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(buffers = 9)] //~ an object has 2 to 8 buffers
pub struct Order {
    pub id: u64,
}

fn main() {}
