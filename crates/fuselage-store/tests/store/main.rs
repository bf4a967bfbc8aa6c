//! Homes on real file systems, for real users, in real namespaces.

mod home;
mod namespaces;
mod support;
