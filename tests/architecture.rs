//! Who may know whom: the rooms of the program and the crates of plugins, read from their own text.
//! An edge that is not in the table is a decision to be made here, not a line to be slipped in.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

/// Each room of `src/` and the rooms it may name.
const ROOMS: &[(&str, &[&str])] = &[
    ("lib", &[]),
    ("main", &[]),
    ("cli", &["config", "pipeline", "process", "reload", "sandbox", "snapshot", "telemetry"]),
    ("process", &["admin", "config", "listener", "proxy", "reload", "snapshot", "telemetry"]),
    // Compiling is the one way to a snapshot, so it knows the makers of every part.
    (
        "config",
        &["fetch", "listener", "pipeline", "routing", "snapshot", "state", "telemetry", "upstream"],
    ),
    ("reload", &["admin", "config", "listener", "proxy", "snapshot", "telemetry"]),
    ("admin", &["listener", "proxy", "reload", "routing", "snapshot", "telemetry"]),
    ("proxy", &["listener", "pipeline", "routing", "snapshot", "telemetry", "upstream"]),
    // Of the configuration only what it was read from, to be watched.
    ("snapshot", &["config", "listener", "pipeline", "routing", "telemetry", "upstream"]),
    ("pipeline", &["telemetry"]),
    // The words for what was sent of an attempt.
    ("telemetry", &["upstream"]),
    // What stands on the other side is built on the same sockets, and on nothing else of ours.
    ("sandbox", &["listener"]),
    ("fetch", &[]),
    ("listener", &[]),
    ("routing", &[]),
    ("state", &[]),
    ("upstream", &[]),
];

/// Where Pingora's types may be named: the loop and both of its ends. Whoever implements
/// `listener::Handler` is handed a `ServerSession`; each such room names it in one file.
const PINGORA: &[&str] = &[
    "src/listener/",
    "src/proxy/",
    "src/upstream/",
    "src/admin/handler.rs",
    "src/sandbox/server.rs",
];

/// Where TLS libraries may be named.
const TLS: &[&str] =
    &["src/listener/", "src/upstream/", "src/main.rs", "src/sandbox/", "src/fetch.rs"];

/// Where cryptographic libraries may be named: the sandbox must not check us with our own code.
const CRYPTOGRAPHY: &[&str] = &["src/sandbox/"];

#[test]
fn a_room_names_only_the_rooms_it_may_know() {
    let single = Regex::new(r"\bcrate::(\w+)").unwrap();
    let group = Regex::new(r"\bcrate::\{").unwrap();
    let mut forbidden = BTreeSet::new();
    for (path, text) in sources("src") {
        let room = room_of(&path);
        let (_, allowed) = ROOMS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| {
            panic!("`{room}` is a new room: say in tests/architecture.rs whom it may know")
        });
        let mut named: Vec<String> =
            single.captures_iter(&text).map(|found| found[1].to_owned()).collect();
        for found in group.find_iter(&text) {
            named.extend(first_names(&text[found.end()..]));
        }
        for other in named {
            let is_room = ROOMS.iter().any(|(name, _)| *name == other);
            if is_room && other != room && !allowed.contains(&other.as_str()) {
                forbidden.insert(format!("{path} names `{other}`"));
            }
        }
    }
    assert!(forbidden.is_empty(), "edges that are not in the table: {forbidden:#?}");
}

#[test]
fn the_table_has_no_edge_that_nobody_needs() {
    let mut unused = BTreeSet::new();
    let sources: Vec<(String, String)> = sources("src").collect();
    for (room, allowed) in ROOMS {
        let texts: Vec<&String> = sources
            .iter()
            .filter(|(path, _)| room_of(path) == *room)
            .map(|(_, text)| text)
            .collect();
        for other in *allowed {
            let name = Regex::new(&format!(r"\b{other}::")).unwrap();
            if !texts.iter().any(|text| name.is_match(text)) {
                unused.insert(format!("`{room}` does not name `{other}`"));
            }
        }
    }
    assert!(unused.is_empty(), "{unused:#?}");
}

#[test]
fn settings_as_written_are_known_to_the_configuration_alone() {
    let schema = Regex::new(r"\bconfig::schema\b|\bconfig::\{[^}]*\bschema\b").unwrap();
    for (path, text) in sources("src").filter(|(path, _)| room_of(path) != "config") {
        assert!(!schema.is_match(&text), "{path} takes settings instead of typed values");
    }
}

#[test]
fn pingora_is_named_where_sessions_are_and_nowhere_else() {
    let pingora = Regex::new(r"\bpingora(_\w+)?::|\buse pingora\b").unwrap();
    only_in(PINGORA, &pingora, "Pingora");
}

#[test]
fn cryptographic_libraries_are_named_by_the_crypto_crate_and_tls_by_both_ends() {
    let tls = Regex::new(r"\b(rustls|tokio_rustls|rustls_pki_types|webpki|x509_parser)::").unwrap();
    only_in(TLS, &tls, "a TLS library");
    let cryptography = Regex::new(
        r"(^|[^:])\b(aws_lc_rs|cbc|jsonwebtoken|md5|rcgen|ring|sha2|sm[234]|hmac|rsa|p256|ed25519_dalek)::",
    );
    only_in(CRYPTOGRAPHY, &cryptography.unwrap(), "a cryptographic library");
}

#[test]
fn plugin_crates_know_the_contract_and_never_the_program_or_its_libraries() {
    let banned = [
        "tollgate",
        "pingora",
        "rustls",
        "tokio-rustls",
        "aws-lc-rs",
        "aes-gcm",
        "cbc",
        "md-5",
        "sm2",
        "sm3",
        "sm4",
        "jsonwebtoken",
        "ring",
        "webpki",
        "x509-parser",
        "rcgen",
        "reqwest",
        "hyper",
    ];
    let mut families = 0;
    for entry in fs::read_dir(root().join("plugins")).unwrap() {
        let folder = entry.unwrap().path();
        let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else { continue };
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let dependencies = manifest.split_once("[dependencies]").map_or("", |(_, rest)| rest);
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        let names: Vec<&str> = dependencies
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .filter(|name| !name.is_empty())
            .collect();
        let ours: Vec<&str> =
            names.iter().filter(|name| name.starts_with("tollgate")).copied().collect();
        match name.as_str() {
            "crypto" => assert_eq!(ours, [""; 0], "`crypto` is at the bottom"),
            "api" => assert_eq!(ours, ["tollgate-crypto"], "`api` knows `crypto`"),
            _ => {
                families += 1;
                let known = ["tollgate-api", "tollgate-crypto"];
                assert!(
                    ours.iter().all(|name| known.contains(name)),
                    "`{name}` knows the contract alone: {ours:?}"
                );
            }
        }
        if name != "crypto" {
            let found: Vec<&&str> = names.iter().filter(|name| banned.contains(name)).collect();
            assert!(found.is_empty(), "`{name}` depends on {found:?}");
        }
    }
    assert!(families >= 4, "the families were found: {families}");
}

fn only_in(allowed: &[&str], pattern: &Regex, what: &str) {
    for (path, text) in sources("src") {
        if let Some(found) = pattern.find(&text) {
            let may = allowed.iter().any(|start| path.starts_with(start));
            assert!(may, "{path} names {what}: `{}`", found.as_str());
        }
    }
}

/// Every source file of a folder with its path from the root, without comments and texts; tests of
/// a room's own are passed over.
fn sources(folder: &str) -> impl Iterator<Item = (String, String)> {
    let mut files = Vec::new();
    collect(&root().join(folder), &mut files);
    assert!(!files.is_empty(), "`{folder}` has files");
    let noise = Regex::new(r#"(?m)//.*$|"(?:[^"\\]|\\.)*""#).unwrap();
    let names = files
        .into_iter()
        .map(|path| (path.strip_prefix(root()).unwrap().to_string_lossy().into_owned(), path));
    names.filter(|(name, _)| !name.contains("/tests/")).map(move |(name, path)| {
        let text = fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        (name, noise.replace_all(text, "").into_owned())
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// `src/proxy/head.rs` and `src/proxy.rs` are in the room `proxy`.
fn room_of(path: &str) -> String {
    let room = path.trim_start_matches("src/").split('/').next().unwrap_or_default();
    room.trim_end_matches(".rs").to_owned()
}

/// The first name of each path in a braced list: `{config::{a, b}, proxy}` has `config`, `proxy`.
fn first_names(list: &str) -> Vec<String> {
    let (mut names, mut depth, mut name, mut fresh) = (Vec::new(), 0, String::new(), true);
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(std::mem::take(&mut name));
                fresh = true;
            }
            ':' if depth == 0 => fresh = false,
            letter if depth == 0 && fresh && (letter.is_alphanumeric() || letter == '_') => {
                name.push(letter);
            }
            _ => {}
        }
    }
    names.push(name);
    names
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
