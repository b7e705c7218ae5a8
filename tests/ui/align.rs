use shmem_core::Shared;

#[derive(Shared)]
#[repr(C, align(8192))]
pub struct Order { //~ `Order` is aligned to 8192 bytes, and an object to at most 4096: use a smaller `align`
    pub bytes: [u8; 8192],
}

fn main() {}
