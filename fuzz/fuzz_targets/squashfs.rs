//! A file that is taken for a squashfs image.
#![no_main]

use fuselage_fuzz::extraction::extract_as;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| extract_as("squashfs", bytes));
