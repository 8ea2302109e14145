//! `tollgate reference`: the reference that belongs to this binary, readable without a network.
//!
//! Its pages are generated from what the binary does: settings from their types, faults from their
//! declarations, metrics from the registry. `docs/reference` holds the same pages; a test fails
//! when they differ.

mod faults;
mod page;
mod settings;
#[cfg(test)]
mod tests;
mod words;

use std::{fmt::Write, fs, io, path::Path, process::ExitCode};

pub(super) use page::names;

use super::{CANNOT_START, print, say};

/// Prints one page, or the list of pages; with a folder, writes them all there.
pub(super) fn run(name: Option<&str>, out: Option<&Path>) -> ExitCode {
    let pages = page::all();
    if let Some(folder) = out {
        return match write(folder, &pages) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                say(&format!(
                    "error: the pages cannot be written to `{}`: {error}",
                    folder.display()
                ));
                ExitCode::from(CANNOT_START)
            }
        };
    }
    if let Some(page) = name.and_then(|name| pages.iter().find(|page| page.name == name)) {
        return print(&page.text);
    }
    let mut list = String::from("Pages; `tollgate reference PAGE` prints one:\n");
    for page in pages.iter().filter(|page| page.name != page::INDEX) {
        let _ = writeln!(list, "  {:<14} {}", page.name, page.summary);
    }
    print(&list)
}

fn write(folder: &Path, pages: &[page::Page]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for page in pages {
        fs::write(folder.join(page.file()), &page.text)?;
    }
    Ok(())
}
