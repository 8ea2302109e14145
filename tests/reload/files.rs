//! Which edits are noticed, however they are made.

use std::{fs, os::unix::fs::symlink, path::Path};

use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_replaced_by_rename_and_connections_stay() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider).tls(&authority).run().await;
    let mut early = Http1::connect_tls(program.address("tls"), &authority).await;
    let next = authority.pair(&["localhost", "pay.example"]);
    // One after the other: in between they do not belong together, which changes nothing.
    program.folder.write("tls/gateway.pem", &next.chain);
    ready_when(&program, "half of the change is refused", |found| {
        found["last_reload"]["outcome"] == "refused"
    })
    .await;
    assert_ne!(presented(&program, &authority).await, der(&next), "the old pair still serves");
    program.folder.write("tls/gateway.key", &next.key);
    generation(&program, 2).await;
    assert_eq!(presented(&program, &authority).await, der(&next), "new callers see the new one");
    let answer = early.call("GET", "/", &[], b"", None).await;
    assert_eq!(answer.status, 200, "a connection from before goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_referenced_key_is_replaced_in_place_and_the_old_one_is_refused() {
    let (old, new) = (Issuer::new("k1"), Issuer::new("k2"));
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider)
        .file("keys/jwks.json", old.jwks())
        .plugin(&Issuer::plugin().replace("jwks.json", "keys/jwks.json"))
        .run()
        .await;
    let mut caller = program.http1().await;
    let of = |issuer: &Issuer| format!("Bearer {}", issuer.token(&serde_json::json!({})));
    for (issuer, status) in [(&old, 200), (&new, 401)] {
        let answer = caller.call("GET", "/", &[("authorization", &of(issuer))], b"", None).await;
        assert_eq!(answer.status, status, "before: {}", answer.text());
    }
    // Written in place, as a careless operator does.
    fs::write(program.folder.join("keys/jwks.json"), new.jwks()).unwrap();
    generation(&program, 2).await;
    for (issuer, status) in [(&old, 401), (&new, 200)] {
        let answer = caller.call("GET", "/", &[("authorization", &of(issuer))], b"", None).await;
        assert_eq!(answer.status, status, "after: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_that_are_swapped_as_kubernetes_does_it_are_noticed() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider).tls(&authority).run().await;
    // From plain files to a mounted secret: `gateway.pem -> ..data/gateway.pem`, `..data -> ..1`.
    let tls = program.folder.join("tls");
    let mut known = 1;
    for turn in 1..=3 {
        let pair = authority.pair(&["localhost", "pay.example"]);
        let version = tls.join(format!("..{turn}"));
        fs::create_dir(&version).unwrap();
        fs::write(version.join("gateway.pem"), &pair.chain).unwrap();
        fs::write(version.join("gateway.key"), &pair.key).unwrap();
        link(&tls.join("..data"), &format!("..{turn}"));
        if turn == 1 {
            for name in ["gateway.pem", "gateway.key"] {
                link(&tls.join(name), &format!("..data/{name}"));
            }
        } else {
            fs::remove_dir_all(tls.join(format!("..{}", turn - 1))).unwrap();
        }
        known += 1;
        generation(&program, known).await;
        assert_eq!(presented(&program, &authority).await, der(&pair), "version {turn} serves");
    }
    // The configuration itself the same way.
    let yaml = program.folder.read("tollgate.yaml");
    for (turn, paths) in [(1, "/a"), (2, "/b")] {
        let version = program.folder.join(&format!("..c{turn}"));
        fs::create_dir(&version).unwrap();
        let route = format!("  pay:\n    match: {{ path: {paths} }}\n");
        fs::write(version.join("tollgate.yaml"), yaml.replace("  pay:\n", &route)).unwrap();
        link(&program.folder.join("..config"), &format!("..c{turn}"));
        if turn == 1 {
            link(&program.folder.join("tollgate.yaml"), "..config/tollgate.yaml");
        }
        known += 1;
        generation(&program, known).await;
        let answer = program.http1().await.call("GET", paths, &[], b"", None).await;
        assert_eq!(answer.status, 200, "configuration {turn} serves: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_right_after_the_start_is_not_missed() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    // `run` returns when the sockets are bound, which is before files are watched.
    let program = Recipe::to(&provider).run().await;
    edit(&program, "  pay:\n", "  pay:\n    match: { path: /edited }\n");
    generation(&program, 2).await;
    let answer = program.http1().await.call("GET", "/", &[], b"", None).await;
    assert_eq!(answer.status, 404, "the edit is in force");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_beside_the_configuration_that_nobody_names_reload_nothing() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider).run().await;
    for number in 0..20 {
        program.folder.write("notes.txt", number.to_string());
        program.folder.write("tollgate.yaml~", number.to_string());
    }
    edit(&program, "  pay:\n", "  pay:\n    match: { path: /edited }\n");
    generation(&program, 2).await;
    let metrics = program.metrics().await;
    let reloads = metrics.count("tollgate_reloads_total", &[]);
    assert_eq!(reloads, 2, "the start and the one edit: {}", metrics.0);
}

/// Puts a symbolic link in place, in one step.
fn link(path: &Path, target: &str) {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".link");
    symlink(target, &temporary).unwrap();
    fs::rename(&temporary, path).unwrap();
}

/// The certificate that a new caller is shown.
async fn presented(program: &Binary, authority: &Authority) -> Vec<u8> {
    let stream = TcpStream::connect(program.address("tls")).await.unwrap();
    let connector = TlsConnector::from(authority.client(&["http/1.1"], None));
    let name = ServerName::try_from("localhost").unwrap();
    let stream = within("a handshake", connector.connect(name, stream)).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn der(pair: &Pair) -> Vec<u8> {
    CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap().to_vec()
}
