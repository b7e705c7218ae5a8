use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(reserve = 16)] //~ `Order` has 24 bytes, and reserves 16
pub struct Order {
    pub id: u64,
    pub price: f64,
    pub qty: u64,
}

fn main() {}
