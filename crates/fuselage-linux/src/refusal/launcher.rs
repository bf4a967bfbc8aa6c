//! The program that needs the right to namespaces.

use super::facts::NamespaceFacts;

/// The path of the launcher, also when a probe asks from somewhere else.
pub(super) fn path(facts: &NamespaceFacts) -> String {
    let launcher = facts.program.as_ref().filter(|path| {
        path.file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"fuselage-launch"))
    });
    launcher.map_or("/PATH/TO/fuselage-launch-linux-x64".into(), |path| {
        path.display().to_string()
    })
}
