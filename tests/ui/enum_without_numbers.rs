use shmem_core::Shared;

#[derive(Shared)]
#[repr(u8)]
pub enum Side {
    Buy, //~ give each variant the number that is stored, as in `Buy = 0`: other programs read it
    Sell,
}

fn main() {}
