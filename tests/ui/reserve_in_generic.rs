use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(reserve = 16)]
pub struct Pair<T> {
    pub first: T,
    pub second: T,
}

// A type with parameters has a size only where it is used.
pub const FINGERPRINT: u64 = <Pair<[u64; 2]>>::FINGERPRINT; //~? `Pair` has 32 bytes, and reserves 16

fn main() {}
