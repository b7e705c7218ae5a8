use shmem_core::Shared;

#[repr(C)]
pub struct Price {
    pub ticks: u64,
}

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub price: Price, //~ `Price` cannot live in shared memory: it does not implement `Shared`
}

fn main() {}
