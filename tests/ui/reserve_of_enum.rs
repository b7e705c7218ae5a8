use shmem_core::Shared;

#[derive(Shared)]
#[repr(u8)]
#[shared(reserve = 16)] //~ only a `#[repr(C)]` struct can grow: leave `reserve` out
pub enum Gear {
    Neutral = 0,
}

#[derive(Shared)]
#[repr(C)]
#[shared(reserve = 0)] //~ `reserve` is the size in bytes that the type may grow to
pub struct Order {
    pub id: u64,
}

fn main() {}
