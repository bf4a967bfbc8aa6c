//! An AppArmor profile that confines nothing and allows user namespaces, as Ubuntu ships them for
//! browsers and the like.

/// One line for a shell that writes the profile for `program` and loads it.
///
/// The rule `userns` is of version 4.0 of the policy, which Ubuntu has had since 23.10; profiles of
/// Ubuntu itself begin with the same lines.
pub(super) fn load_profile(program: &str) -> String {
    const FILE: &str = "/etc/apparmor.d/fuselage";
    let lines = [
        "abi <abi/4.0>,".to_owned(),
        "include <tunables/global>".to_owned(),
        format!("profile fuselage {} flags=(unconfined) {{", quoted(program)),
        "  userns,".to_owned(),
        "}".to_owned(),
    ];
    let words: Vec<String> = lines.iter().map(|line| for_shell(line)).collect();
    format!(
        "printf '%s\\n' {} | sudo tee {FILE} && sudo apparmor_parser -r {FILE}",
        words.join(" ")
    )
}

/// As a pattern that matches nothing else (apparmor.d(5)).
fn quoted(path: &str) -> String {
    let mut text = String::from("\"");
    for letter in path.chars() {
        if r#"\"*?[]{}^"#.contains(letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('"');
    text
}

fn for_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What the shell writes, without the rights that the rest needs.
    fn written(program: &str) -> String {
        let line = load_profile(program);
        let (print, _) = line.rsplit_once(" | sudo tee ").unwrap();
        let output = Command::new("sh").args(["-c", print]).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_shell_writes_the_profile() {
        assert_eq!(
            written("/n/@fuselage/linux-x64/fuselage-launch-linux-x64"),
            "abi <abi/4.0>,\n\
             include <tunables/global>\n\
             profile fuselage \"/n/@fuselage/linux-x64/fuselage-launch-linux-x64\" \
             flags=(unconfined) {\n  userns,\n}\n"
        );
    }

    #[test]
    fn no_path_is_a_pattern_or_ends_a_word() {
        assert!(written(r#"/it's a "{b}*"#).contains(r#""/it's a \"\{b\}\*" flags"#));
    }
}
