//! Bytes as the value in an object of a type with every kind of part: a value, or `InvalidValue`.
//!
//!     cargo +nightly fuzz run values -- -max_total_time=600
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: shmem_fuzz::in_a_directory_of_its_own(),
    |data: &[u8]| shmem_fuzz::values(data)
);
