use shmem_core::Shared;

#[derive(Shared)]
#[repr(u8)]
pub enum Side {
    Buy(u64) = 1, //~ variant `Buy` has fields, and a shared enum is only a number
    Sell = 2,
}

fn main() {}
