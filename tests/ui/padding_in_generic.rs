use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Slot<T> {
    pub seq: u64,
    pub value: T,
}

#[derive(Shared)]
#[repr(C)]
pub struct Table {
    pub good: [Slot<u64>; 4],
    pub bad: [Slot<u32>; 4], //~ `Slot` has 4 bytes of padding at its end, after field `value` (bytes 12..16)
}

fn main() {}
