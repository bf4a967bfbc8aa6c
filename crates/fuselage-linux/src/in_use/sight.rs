//! How much of a host a process sees by its /proc.

use std::fs;
use std::path::Path;

use crate::mount_table;

/// The initial pid namespace as nsfs shows it: `PROC_PID_INIT_INO` of linux/proc_ns.h, 0xEFFFFFFC.
const INITIAL: &str = "pid:[4026531836]";
/// Gaps that are told one by one.
const TOLD: usize = 3;

/// Whether everybody was seen who may have something mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// All processes of this host.
    Whole,
    /// Not all of them; why, in words.
    Partial(String),
}

impl Sight {
    /// What is left with these gaps.
    pub(super) fn of(gaps: Vec<String>) -> Self {
        if gaps.is_empty() {
            return Self::Whole;
        }
        let more = gaps.len().saturating_sub(TOLD);
        let mut told = gaps;
        told.truncate(TOLD);
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        Self::Partial(told.join("; "))
    }

    /// The same with one more gap.
    #[must_use]
    pub fn without(self, gap: String) -> Self {
        match self {
            Self::Whole => Self::Partial(gap),
            Self::Partial(why) => Self::Partial(format!("{gap}; {why}")),
        }
    }
}

/// Why this process cannot see all processes of the host.
pub(super) fn gaps() -> Vec<String> {
    let mut gaps = Vec::new();
    match fs::read_link("/proc/self/ns/pid") {
        Ok(namespace) if namespace == Path::new(INITIAL) => {}
        Ok(_) => gaps.push(
            "this is a pid namespace of its own, as in a container, and shows its own processes \
             alone"
                .to_owned(),
        ),
        Err(error) => gaps.push(format!("/proc does not show this process: {error}")),
    }
    if let Some(option) = hides() {
        gaps.push(format!("/proc hides processes of other users ({option})"));
    }
    gaps
}

/// The mount option by which /proc hides processes from this one.
fn hides() -> Option<String> {
    let table = mount_table::read().ok()?;
    let proc = table
        .iter()
        .rfind(|line| line.mount_point == Path::new("/proc") && line.file_system == "proc")?;
    let mut options = proc.super_options.split(',');
    let option = options.find(|option| option.starts_with("hidepid="))?;
    // Who may trace the first process may see all of them.
    let is_hidden = option != "hidepid=0" && fs::read_link("/proc/1/ns/mnt").is_err();
    is_hidden.then(|| option.to_owned())
}

/// Whose a process is, and whose child.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The real uid.
    pub(super) uid: u32,
    pub(super) parent: u32,
}

/// `None`: it has ended.
pub(super) fn origin(process: u32) -> Option<Origin> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let first = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Origin {
        uid: first("Uid:")?,
        parent: first("PPid:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_told_up_to_a_few() {
        let gaps = |count: usize| (0..count).map(|gap| gap.to_string()).collect();
        assert_eq!(Sight::of(gaps(0)), Sight::Whole);
        assert_eq!(Sight::of(gaps(2)), Sight::Partial("0; 1".to_owned()));
        let many = Sight::Partial("0; 1; 2; and 2 more".to_owned());
        assert_eq!(Sight::of(gaps(5)), many);
        let one = Sight::Whole.without("a".to_owned());
        assert_eq!(
            one.without("b".to_owned()),
            Sight::Partial("b; a".to_owned())
        );
    }

    #[test]
    fn the_origin_of_this_process_is_known() {
        use crate::process::{ids, own_parent, own_pid};
        let number = |process: crate::process::Pid| u32::try_from(process.as_raw()).unwrap();
        let expected = Origin {
            uid: ids()[0],
            parent: number(own_parent()),
        };
        assert_eq!(origin(number(own_pid())), Some(expected));
    }
}
