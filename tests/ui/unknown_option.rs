use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(nme = "Order")] //~ unknown option: `#[shared(..)]` on a type takes `name = ".."`, `version = N`
pub struct Order {
    pub id: u64,
}

fn main() {}
