//! Every kernel call of fuselage, over `nix`, `rustix` and `loopdev`: namespaces, id maps, mounts,
//! mount points, loop devices, file descriptors, signals, processes, and probes of what this host
//! allows.
//!
//! All `unsafe` of the project is in here, each block with the precondition that makes it sound. The
//! crate knows no archives, no store, no JSON and no policy. Where a call is newer than Linux 4.18,
//! its fall-back stands beside it in the same file and callers never ask for versions.

