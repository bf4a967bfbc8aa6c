//! Who makes which plan: what is tried of each is a test of its own.

use fuselage_testing::traced::tracing_works;
use fuselage_testing::{root_may_mount, user_namespaces_work};

use crate::host::on_own_host;
use crate::plans::Kind;
use crate::scene::Caller;

/// Does `check` where `caller` can have runs, and their calls can be traced.
pub(crate) fn on_own_host_as(caller: Caller, kind: Kind, check: fn(Caller, Kind)) {
    let works = match caller {
        Caller::User => user_namespaces_work(),
        Caller::Root => root_may_mount(),
    };
    if works {
        on_own_host(|| {
            if tracing_works() {
                check(caller, kind);
            }
        });
    }
}

/// A test of `check` for each caller and kind of plan: they run beside each other. An ordinary user
/// mounts no images.
macro_rules! everywhere {
    ($check:ident) => {
        $crate::callers::everywhere! { $check
            a_user_without_trees: User Empty;
            a_user_who_asks: User Asked;
            a_user_with_a_made_mount_point: User Mirror;
            a_user_with_a_static_zip: User StaticZip;
            a_user_with_a_dynamic_zip: User DynamicZip;
            a_user_with_base64_text: User Base64;
            a_user_with_an_unpacked_image: User Squashfs;
            a_user_with_real_files: User Real;
            a_user_with_real_files_of_base64_text: User RealBase64;
            a_user_who_allows_real_files: User Allowed;
            root_with_real_files: Root Real;
            root_with_real_files_of_base64_text: Root RealBase64;
            root_who_allows_real_files: Root Allowed;
            root_without_trees: Root Empty;
            root_who_asks: Root Asked;
            root_with_a_made_mount_point: Root Mirror;
            root_with_a_static_zip: Root StaticZip;
            root_with_a_dynamic_zip: Root DynamicZip;
            root_with_base64_text: Root Base64;
            root_with_an_unpacked_image: Root Squashfs;
            root_with_a_mounted_image: Root Image;
            root_with_a_mounted_image_of_base64_text: Root Base64Image;
        }
    };
    ($check:ident $($name:ident: $caller:ident $kind:ident;)*) => {$(
        #[test]
        fn $name() {
            use $crate::{callers::on_own_host_as, plans::Kind, scene::Caller};
            on_own_host_as(Caller::$caller, Kind::$kind, $check);
        }
    )*};
}
pub(crate) use everywhere;
