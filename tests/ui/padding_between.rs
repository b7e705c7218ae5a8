use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub side: u8,
    pub qty: u32, //~ 3 bytes of padding between field `side` and field `qty` (bytes 1..4): add `_pad: [u8; 3]`
}

fn main() {}
