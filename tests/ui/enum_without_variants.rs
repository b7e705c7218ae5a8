use shmem_core::Shared;

#[derive(Shared)]
pub enum Side {} //~ `Side` has no variants, so no bytes are a value of it

fn main() {}
