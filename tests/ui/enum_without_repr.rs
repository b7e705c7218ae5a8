use shmem_core::Shared;

#[derive(Shared)]
pub enum Side { //~ `Side` needs `#[repr(u8)]`, or another of u16, u32, u64, i8, i16, i32 and i64
    Buy = 1,
    Sell = 2,
}

fn main() {}
