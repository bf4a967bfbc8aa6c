//! Tells the linker what a Node-API addon needs. The addon is built from `packages/fuselage` with
//!
//! ```text
//! npx napi build --platform --manifest-path ../../crates/fuselage-node/Cargo.toml \
//!   --package fuselage-node --target x86_64-unknown-linux-gnu --target-dir ../../target \
//!   --output-dir ../linux-x64 --no-js
//! ```
//!
//! which is the same as `cargo build -p fuselage-node --target x86_64-unknown-linux-gnu` and a copy
//! of `libfuselage_node.so` to `packages/linux-x64/fuselage.linux-x64-gnu.node`.

fn main() {
    napi_build::setup();
}
