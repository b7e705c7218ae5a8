use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(name = "Order\t2")] //~ a stored name has no control characters
pub struct Order {
    pub id: u64,
}

fn main() {}
