use shmem_core::Shared;

#[derive(Shared)]
#[shared(vers = 2, buffers = 0)] //~ unknown option
//~^ an object has 2 to 8 buffers
pub struct Order { //~ `Order` needs `#[repr(C)]`
    pub id: u64,
}

fn main() {}
