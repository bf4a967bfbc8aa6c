//! Names as nobody should give them, and as somebody has.

use crate::mutations::Random;

/// Which names a tool keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// All that the kernel allows.
    Bytes,
    /// UTF-8 alone.
    Utf8,
}

/// One component; two of them are hardly ever equal.
pub(crate) fn random_name(random: &mut Random, names: Names) -> Vec<u8> {
    let number = random.below(100_000);
    let name = match random.below(22) {
        0 => format!(" with {number} blanks "),
        1 => format!("{number}\na line"),
        2 => format!("b\\{number}"),
        3 => format!("..\\..\\{number}"),
        4 => format!("äöü€日本😀{number}"),
        // Twins: what some file systems and languages take for one.
        5 => format!("é{}", number % 20),
        6 => format!("e\u{301}{}", number % 20),
        7 => format!("twin{}", number % 20),
        8 => format!("TWIN{}", number % 20),
        9 => format!("-{number}"),
        10 => format!(".{number}"),
        11 => format!("...{number}"),
        12 => format!("{number}."),
        13 => format!("*?[{number}]"),
        14 => format!("'\"`$({number})"),
        15 => format!("#U00e4{number}"),
        16 => format!("\u{1}\u{1b}\t\r{number}"),
        17 => format!("{number:x>255}"),
        18 => format!("C:{number}"),
        19 if names == Names::Bytes => {
            return [b"\xff\xfe\xc3", &number.to_string().into_bytes()[..]].concat();
        }
        _ => format!("f{number}"),
    };
    name.into_bytes()
}
