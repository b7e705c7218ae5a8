use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order { //~ 7 bytes of padding at its end, after field `side` (bytes 9..16): add `_pad: [u8; 7]`
    pub id: u64,
    pub side: u8,
}

fn main() {}
