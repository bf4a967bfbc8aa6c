//! Tells the linker what a Node-API addon needs. The addon is built from `packages/fuselage` with
//!
//! ```text
//! npx napi build --platform --manifest-path ../../crates/fuselage-node/Cargo.toml \
//!   --package fuselage-node --target x86_64-unknown-linux-gnu --target-dir ../../target \
//!   --output-dir ../linux-x64 --no-js --dts …
//! ```

fn main() {
    napi_build::setup();
}
