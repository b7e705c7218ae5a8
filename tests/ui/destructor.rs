use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order { //~ `Order` has a destructor, which no process would run when the object goes away
    pub id: u64,
}

impl Drop for Order {
    fn drop(&mut self) {}
}

fn main() {}
