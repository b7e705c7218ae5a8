//! Bytes in the place of an object: opened, read, written, listed and removed.
//!
//!     cargo +nightly fuzz run open -- -max_total_time=600
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: shmem_fuzz::in_a_directory_of_its_own(),
    |data: &[u8]| shmem_fuzz::open(data)
);
