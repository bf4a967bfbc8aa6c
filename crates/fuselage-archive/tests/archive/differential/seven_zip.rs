//! 7-Zip.

use crate::differential::random_names::Names;
use crate::differential::random_tree::Holds;
use crate::differential::unzip::Times;
use crate::differential::zipper::{Way, Zipper, way};

const SEVEN_ZIP: Zipper = Zipper {
    programs: &[("7z", "p7zip-full"), ("unzip", "unzip")],
    holds: Holds {
        names: Names::Utf8,
        seconds: (i32::MIN as i64, 4_354_700_000),
        // 7-Zip follows longer ones.
        longest_target: 1000,
    },
    command: "7z a -tzip -bso0 -bsp0 -snl OPTIONS $ARCHIVE .",
    ways: &[
        way("-mx=0", Times::Ntfs),
        way("-mx=1", Times::Ntfs),
        way("-mx=5", Times::Ntfs),
        way("-mx=9", Times::Ntfs),
        way("-mm=Deflate64", Times::Ntfs),
        way("-mm=Deflate64 -mx=9 -mcu=on", Times::Ntfs),
        way("-mm=BZip2", Times::Ntfs),
        way("-mm=BZip2 -mx=9 -mmt=off", Times::Ntfs),
        Way {
            for_unzip: Some("-mx=0"),
            ..way("-mm=LZMA", Times::Ntfs)
        },
        Way {
            for_unzip: Some("-mx=0"),
            ..way("-mm=LZMA -mx=9", Times::Ntfs)
        },
    ],
};

#[test]
fn trees_of_7z() {
    SEVEN_ZIP.compare("differential::seven_zip::trees_of_7z");
}
