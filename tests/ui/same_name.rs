use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    #[shared(name = "id")] //~ another field is stored as `id` already
    pub number: u64,
}

fn main() {}
