use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    #[shared(name = "")] //~ a stored name is not empty
    pub id: u64,
}

fn main() {}
