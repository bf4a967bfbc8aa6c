//! Python's zipfile.

use crate::differential::random_names::Names;
use crate::differential::random_tree::Holds;
use crate::differential::unzip::Times;
use crate::differential::zipper::{Way, Zipper, way};

const DOS: Times = Times::Dos { up: false };

const ZIPFILE: Zipper = Zipper {
    programs: &[("python3", "python3"), ("unzip", "unzip")],
    holds: Holds {
        names: Names::Utf8,
        // What lies before 1980 becomes that.
        seconds: (-1_000_000_000, 4_354_700_000),
        longest_target: 4000,
    },
    command: "python3 -m zipfile_pack OPTIONS $ARCHIVE",
    ways: &[
        way("STORED file", DOS),
        way("DEFLATED file", DOS),
        way("BZIP2 file", DOS),
        Way {
            for_unzip: Some("STORED file"),
            ..way("LZMA file", DOS)
        },
        way("STORED pipe", DOS),
        way("DEFLATED pipe", DOS),
        way("BZIP2 pipe", DOS),
        Way {
            for_unzip: Some("STORED file"),
            ..way("LZMA pipe", DOS)
        },
    ],
};

#[test]
fn trees_of_zipfile() {
    ZIPFILE.compare("differential::zipfile::trees_of_zipfile");
}
