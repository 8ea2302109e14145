//! The real door is tested on a folder of its own, the fake one beside it.

use std::fs;

use super::*;

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tollgate-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_file_is_read_once_and_keeps_its_content_for_the_whole_load() {
    let folder = Folder::new("once");
    let key = folder.write("key.pem", "first");
    let sources = Sources::real(&folder.0);
    assert_eq!(sources.read("key.pem").unwrap(), "first", "by a relative name");
    fs::write(&key, "second").unwrap();
    assert_eq!(sources.read(&key).unwrap(), "first", "the same file by its full name");
    let fresh = Sources::real(&folder.0);
    assert_eq!(fresh.read("./x/../key.pem").unwrap(), "second", "the next load sees the edit");
    assert_ne!(sources.content_hash(), fresh.content_hash(), "and its hash tells");
}

#[test]
fn what_is_not_a_bounded_regular_file_is_refused() {
    let folder = Folder::new("refused");
    let large = fs::File::create(folder.0.join("large")).unwrap();
    large.set_len(LARGEST_FILE + 1).unwrap();
    let sources = Sources::real(&folder.0);
    assert!(matches!(sources.read("absent"), Err(SourceError::NotFound(_))), "absent");
    assert!(matches!(sources.read("."), Err(SourceError::NotAFile(_))), "a folder");
    assert!(matches!(sources.read("large"), Err(SourceError::TooLarge(_))), "too large");
    assert!(matches!(sources.read("large/x"), Err(SourceError::NotFound(_))), "below a file");
    #[cfg(unix)]
    assert!(matches!(sources.read("/dev/null"), Err(SourceError::NotAFile(_))), "a device");
}

#[test]
#[cfg(unix)]
fn a_key_that_everybody_can_read_is_told_apart() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("public");
    for (mode, public) in [(0o644, true), (0o640, false), (0o600, false)] {
        let path = folder.write(&format!("key-{mode:o}"), "k");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let content = Sources::real(&folder.0).read_file(&path).unwrap();
        assert_eq!(content.public, public, "mode {mode:o}");
    }
}

#[test]
fn a_folder_lists_its_configuration_files_in_order_and_nothing_else() {
    let folder = Folder::new("list");
    for name in [
        "b.yaml",
        "a.yml",
        ".hidden.yaml",
        "c.yaml~",
        "#d.yaml#",
        ".#e.yaml",
        "notes.txt",
        "f.yaml.swp",
    ] {
        folder.write(name, "");
    }
    fs::create_dir(folder.0.join("g.yaml")).unwrap();
    let sources = Sources::real(&folder.0);
    let names: Vec<_> = sources
        .list(".")
        .unwrap()
        .iter()
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["a.yml", "b.yaml"], "only what an operator meant");
}

#[test]
fn everything_asked_for_is_watched_even_what_is_missing() {
    let sources = Sources::fake([("conf/a.yaml", "x: 1"), ("tls/key.pem", "k")], []);
    sources.list("conf").unwrap();
    sources.read("conf/a.yaml").unwrap();
    sources.read("tls/absent.pem").unwrap_err();
    let watched: Vec<_> = sources
        .watched()
        .into_iter()
        .map(|watched| (watched.path.display().to_string(), watched.hash.is_some()))
        .collect();
    let expected = [
        ("/etc/tollgate/conf".to_owned(), true),
        ("/etc/tollgate/conf/a.yaml".to_owned(), true),
        ("/etc/tollgate/tls/absent.pem".to_owned(), false),
    ];
    assert_eq!(watched, expected, "by path; the key was never asked for");
}

#[test]
fn the_hash_covers_configuration_files_folders_and_variables() {
    let load = |key: &str, variable: &str, other: &str| {
        let sources = Sources::fake(
            [("conf/a.yaml", "x: 1"), (other, ""), ("key.pem", key)],
            [("PIN", variable)],
        );
        sources.list("conf").unwrap();
        sources.read("key.pem").unwrap();
        sources.env("PIN").unwrap();
        sources.content_hash()
    };
    let base = load("k", "1", "conf/b.yaml");
    assert_eq!(base, load("k", "1", "conf/b.yaml"), "the same content, the same hash");
    assert_ne!(base, load("l", "1", "conf/b.yaml"), "a key changed");
    assert_ne!(base, load("k", "2", "conf/b.yaml"), "a variable changed");
    assert_ne!(base, load("k", "1", "conf/c.yaml"), "a file appeared in the folder");
}

#[test]
fn variables_that_are_unset_or_empty_are_errors() {
    let sources = Sources::fake([], [("EMPTY", ""), ("SET", "value")]);
    assert_eq!(sources.env("SET").unwrap(), "value", "set");
    assert_eq!(sources.env("EMPTY"), Err(SourceError::EmptyVariable("EMPTY".into())), "empty");
    assert_eq!(sources.env("UNSET"), Err(SourceError::NoVariable("UNSET".into())), "unset");
    let real = Sources::real(".");
    for name in ["", "A=B", "A\0B"] {
        assert_eq!(real.env(name), Err(SourceError::NoVariable(name.into())), "for {name:?}");
    }
}

#[test]
fn a_path_is_relative_to_the_file_that_names_it() {
    let sources = Sources::fake([], []);
    let cases = [
        ("/etc/tollgate/conf/a.yaml", "tls/key.pem", "/etc/tollgate/conf/tls/key.pem"),
        ("conf/a.yaml", "../key.pem", "/etc/tollgate/key.pem"),
        ("a.yaml", "/run/secrets/key", "/run/secrets/key"),
    ];
    for (named_in, path, expected) in cases {
        assert_eq!(
            sources.resolve(Path::new(named_in), path),
            Path::new(expected),
            "{path} in {named_in}"
        );
    }
}

#[test]
fn nothing_that_was_read_shows_in_debug_output() {
    let sources = Sources::fake([("key", "hunter2")], [("PIN", "hunter2")]);
    let file = sources.read_file("key").unwrap();
    sources.env("PIN").unwrap();
    let shown = format!("{sources:?} {file:?}");
    assert!(!shown.contains("hunter2"), "found in {shown}");
}
