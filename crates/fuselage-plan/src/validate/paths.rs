//! What the paths of a plan must be like.

use crate::path::PlanPath;
use crate::validate::InvalidPlan;

fn refuse(path: &PlanPath, field: &str, wanted: &'static str) -> Result<(), InvalidPlan> {
    Err(InvalidPlan::Path {
        path: path.clone(),
        field: field.to_owned(),
        wanted,
    })
}

pub(super) fn text(path: &PlanPath, field: &str) -> Result<(), InvalidPlan> {
    let bytes = path.as_bytes();
    if bytes.is_empty() || bytes.contains(&0) {
        return refuse(path, field, "a path");
    }
    Ok(())
}

pub(super) fn absolute(path: &PlanPath, field: &str) -> Result<(), InvalidPlan> {
    text(path, field)?;
    if path.as_bytes()[0] == b'/' {
        Ok(())
    } else {
        refuse(path, field, "absolute")
    }
}

pub(super) fn relative(path: &PlanPath, field: &str) -> Result<(), InvalidPlan> {
    text(path, field)?;
    let plain = |part: &[u8]| !part.is_empty() && part != b"." && part != b"..";
    if path.as_bytes().split(|byte| *byte == b'/').all(plain) {
        Ok(())
    } else {
        refuse(
            path,
            field,
            "relative, without empty, `.` and `..` components",
        )
    }
}

/// `path` is `ancestor` and at least one plain component more.
pub(super) fn below(path: &PlanPath, ancestor: &PlanPath, field: &str) -> Result<(), InvalidPlan> {
    let base = ancestor
        .as_bytes()
        .strip_suffix(b"/")
        .unwrap_or(ancestor.as_bytes());
    match path
        .as_bytes()
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix(b"/"))
    {
        Some(rest) => relative(&PlanPath::new(rest), field),
        None => refuse(path, field, "below its ancestor"),
    }
}
