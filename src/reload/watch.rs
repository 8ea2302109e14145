//! Notices edits: watches the folders of every file that the configuration was read from, and asks
//! for a reload when the dust has settled. Folders, not files, so that an atomic rename or a
//! swapped symlink (as Kubernetes does it) is seen; a slow poll catches what the system's
//! notification misses. What counts as a change is decided by content, not by events.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::RecursiveMode;
use notify_debouncer_full::new_debouncer;
use tokio::sync::mpsc;

use super::{Actor, Reloader};

/// Watches for as long as the process runs. Reloads are cheap when nothing changed, because the
/// content's hash is compared before anything is compiled.
pub async fn watch(reloader: Arc<Reloader>) {
    let (notice, mut noticed) = mpsc::channel(1);
    let handler = move |_: notify_debouncer_full::DebounceEventResult| {
        // One pending notice is enough: whoever takes it looks at everything.
        let _ = notice.try_send(());
    };
    let mut debouncer = if let Ok(debouncer) = new_debouncer(SETTLE, None, handler) {
        Some(debouncer)
    } else {
        tracing::warn!("files cannot be watched by notification; they are polled instead");
        None
    };
    let mut watched = BTreeSet::new();
    loop {
        let wanted: BTreeSet<PathBuf> =
            reloader.watched().iter().flat_map(|path| folders(path)).collect();
        if let Some(debouncer) = &mut debouncer {
            for gone in watched.difference(&wanted) {
                let _: Result<(), _> = debouncer.unwatch(gone);
            }
            let mut kept = BTreeSet::new();
            for folder in wanted {
                if watched.contains(&folder)
                    || debouncer.watch(&folder, RecursiveMode::NonRecursive).is_ok()
                {
                    kept.insert(folder);
                }
            }
            watched = kept;
        }
        // An edit between the load and the watch would be missed otherwise.
        reloader.reload_if_changed(Actor::Watcher).await;
        tokio::select! {
            event = noticed.recv() => {
                if event.is_none() {
                    debouncer = None;
                    tokio::time::sleep(POLL).await;
                }
            }
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// The folders in which a change can change this file: its own, and those of every symlink on the
/// way to it.
fn folders(path: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let mut at = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let folder = if at.is_dir() {
            at.clone()
        } else {
            at.parent().map(Path::to_path_buf).unwrap_or_default()
        };
        if let Ok(folder) = std::path::absolute(&folder) {
            // A folder that is itself a link is swapped in its parent.
            for ancestor in folder.ancestors() {
                if ancestor.is_symlink()
                    && let Some(parent) = ancestor.parent()
                {
                    folders.push(parent.to_path_buf());
                }
            }
            folders.push(folder);
        }
        match std::fs::read_link(&at) {
            Ok(target) => at = at.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => break,
        }
    }
    folders
}

const SETTLE: Duration = Duration::from_millis(150);
const POLL: Duration = Duration::from_secs(5);
const MAX_LINKS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_to_every_folder_that_matters() {
        let root = std::env::temp_dir().join(format!("tollgate-watch-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(root.join("v1")).unwrap();
        std::fs::write(root.join("v1/key.pem"), "x").unwrap();
        std::os::unix::fs::symlink("v1", root.join("data")).unwrap();
        std::os::unix::fs::symlink("data/key.pem", root.join("key.pem")).unwrap();
        let found = folders(&root.join("key.pem"));
        assert!(
            found.contains(&root),
            "the folder of the link, in which `data` is swapped: {found:?}"
        );
        assert!(found.contains(&root.join("data")), "the folder it points into: {found:?}");
        std::fs::remove_dir_all(&root).unwrap();
    }
}
