use shmem_core::Shared;

#[derive(Shared)]
#[repr(C, align(256))]
#[shared(reserve = 1024)] //~ `Page` is aligned to 256 bytes, and a type with `reserve` to at most 128
pub struct Page {
    pub bytes: [u8; 256],
}

fn main() {}
