use shmem_core::Shared;

#[derive(Shared)]
pub struct Order { //~ `Order` needs `#[repr(C)]`: without it each build may place the fields differently
    pub id: u64,
}

// What uses the type does not repeat the error.
#[derive(Shared)]
#[repr(C)]
pub struct Book {
    pub order: Order,
}
pub const SIZE: usize = Book::SCHEMA.size() + Order::SCHEMA.size();

fn main() {}
