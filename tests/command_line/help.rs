//! What the program says about itself.

use super::*;

#[test]
fn every_command_explains_itself() {
    let folder = Folder::new();
    for command in
        ["", "run", "check", "demo", "sandbox", "selftest", "schema", "reference", "version"]
    {
        let arguments: &[&str] =
            if command.is_empty() { &["--help"] } else { &[command, "--help"] };
        let name = if command.is_empty() { "help" } else { command };
        insta::assert_snapshot!(format!("help_{name}"), run(&folder, arguments, &[]));
    }
}

#[test]
fn the_version_is_one_line() {
    let folder = Folder::new();
    let expected = format!(
        "exit code: 0\n----- stdout -----\ntollgate {}\n----- stderr -----\n",
        env!("CARGO_PKG_VERSION")
    );
    for arguments in [["version"], ["--version"]] {
        assert_eq!(run(&folder, &arguments, &[]), expected, "{arguments:?}");
    }
}

#[test]
fn a_command_that_does_not_exist_is_answered_with_the_one_that_does() {
    insta::assert_snapshot!(run(&Folder::new(), &["chekc", "tollgate.yaml"], &[]));
    insta::assert_snapshot!(run(&Folder::new(), &["run"], &[]));
}
