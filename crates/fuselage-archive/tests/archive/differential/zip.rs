//! Info-ZIP's zip.

use crate::differential::random_names::Names;
use crate::differential::random_tree::Holds;
use crate::differential::unzip::Times;
use crate::differential::zipper::{Way, Zipper, way};

const DOS: Times = Times::Dos { up: true };

const ZIP: Zipper = Zipper {
    programs: &[("zip", "zip"), ("unzip", "unzip")],
    holds: Holds {
        names: Names::Bytes,
        // All that 32 bits say, with the date of MS-DOS beside it.
        seconds: (i32::MIN as i64, u32::MAX as i64),
        longest_target: 4000,
    },
    command: "zip -qry OPTIONS $ARCHIVE .",
    ways: &[
        way("", Times::Unix),
        way("-0", Times::Unix),
        way("-1", Times::Unix),
        way("-9", Times::Unix),
        way("-Z bzip2", Times::Unix),
        way("-X", DOS),
        Way {
            directories: false,
            ..way("-D", Times::Unix)
        },
        Way {
            directories: false,
            ..way("-D -X -Z bzip2 -1", DOS)
        },
        // Fields of zip64; sizes behind the data.
        way("-fz", Times::Unix),
        way("- >", Times::Unix),
        // Names that are marked as UTF-8, and names without that.
        way("-UN=UTF8", Times::Unix),
        way("-UN=No", Times::Unix),
    ],
};

#[test]
fn trees_of_zip() {
    ZIP.compare("differential::zip::trees_of_zip");
}
