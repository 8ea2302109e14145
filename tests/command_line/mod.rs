//! The command line as people see it: whole outputs, every configuration error among them. The
//! snapshots are meant to be read: each message must say what is wrong, where, and what to do, to
//! somebody who was woken up by it.

mod errors;
mod folder;
mod help;
mod outcomes;
mod plugins;

use std::process::Command;

use crate::support::Folder;

/// What a command printed and how it ended, as one text.
fn run(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(arguments)
        .current_dir(folder.path())
        .env_remove("TOLLGATE_LOG")
        // What a terminal would say of itself.
        .env_remove("COLUMNS")
        .env_remove("CLICOLOR_FORCE")
        .envs(variables.iter().copied())
        .output()
        .expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let code = output.status.code().map_or("none".to_owned(), |code| code.to_string());
    let whole = format!(
        "exit code: {code}\n----- stdout -----\n{}----- stderr -----\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    whole.replace(&folder.path().display().to_string(), "[FOLDER]")
}
