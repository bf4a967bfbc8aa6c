//! A file that is taken for a zip.
#![no_main]

use fuselage_fuzz::extraction::extract_as;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| extract_as("zip", bytes));
