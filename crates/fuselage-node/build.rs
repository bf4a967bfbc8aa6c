//! Tells the linker what a Node-API addon needs. `scripts/build/native.mjs` builds the addon by
//! `napi build`.

fn main() {
    napi_build::setup();
}
