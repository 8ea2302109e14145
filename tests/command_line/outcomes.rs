//! How `check` and `run` end.

use super::{folder::*, *};

#[test]
fn a_good_configuration_is_summed_up() {
    let folder = folder();
    folder.write("tollgate.yaml", GOOD);
    let output = run(&folder, &["check", "tollgate.yaml"], &[]);
    insta::assert_snapshot!("check_good", without_hash(&output));
}

#[test]
fn warnings_do_not_make_it_bad() {
    let folder = folder();
    folder.write("tollgate.yaml", GOOD.replace("unauthenticated: true, ", ""));
    let output = run(&folder, &["check", "tollgate.yaml"], &[]);
    insta::assert_snapshot!("check_warning", without_hash(&output));
}

#[test]
fn a_strict_check_refuses_warnings_and_tests_the_binary_first() {
    let folder = folder();
    folder.write("tollgate.yaml", GOOD);
    folder.write("warned.yaml", GOOD.replace("unauthenticated: true, ", ""));
    let output = run(&folder, &["check", "--strict", "tollgate.yaml"], &[]);
    insta::assert_snapshot!("check_strict_good", without_hash(&output));
    let output = run(&folder, &["check", "--strict", "warned.yaml"], &[]);
    insta::assert_snapshot!("check_strict_warning", output);
    let output = run(&folder, &["check", "--strict", "--json", "warned.yaml"], &[]);
    assert!(output.starts_with("exit code: 78\n"), "for machines too: {output}");
    let json = output.split("----- stdout -----\n").nth(1).unwrap();
    let json: serde_json::Value =
        serde_json::from_str(json.split("----- stderr").next().unwrap()).unwrap();
    assert_eq!(json["valid"], false, "{json}");
    assert_eq!(json["selftest"]["passed"], true, "it was not the binary: {json}");
    assert_eq!(json["findings"].as_array().unwrap().len(), 1, "but the warning: {json}");
}

#[test]
fn a_plugin_that_changes_what_is_signed_deserves_a_warning() {
    let folder = folder();
    folder.write("stripe.key", "sk_test_of_nobody");
    folder.write("stripe.hook", "whsec_of_nobody");
    let yaml = r"
listeners: { callers: { address: 127.0.0.1:8080 } }
routes:
  hooks:
    plugins:
      - headers: { request: { remove: [X-Odd] } }
      - stripe: { webhook_secrets: [{ file: stripe.hook }] }
      - headers: { request: { remove: [X-Even] } }
        name: second
    send_to: [{ upstream: stripe }]
upstreams:
  stripe:
    endpoints: [http://127.0.0.1:1]
    plugins:
      - headers: { request: { remove: [X-Odd] } }
      - stripe: { secret_key: { file: stripe.key } }
      - headers: { request: { remove: [Authorization] } }
        name: second
";
    folder.write("tollgate.yaml", yaml);
    let output = run(&folder, &["check", "tollgate.yaml"], &[]);
    insta::assert_snapshot!("check_order", without_hash(&output));
}

#[test]
fn the_binary_gives_every_known_answer_and_shows_them() {
    let folder = Folder::new();
    insta::assert_snapshot!("selftest", run(&folder, &["selftest"], &[]));
    let output = run(&folder, &["selftest", "--json"], &[]);
    assert!(output.starts_with("exit code: 0\n"), "{output}");
    assert!(output.contains("\"passed\": true"), "for machines: {output}");
    assert!(!output.contains("\"given\": false"), "every one: {output}");
}

#[test]
fn a_key_that_everybody_can_read_deserves_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let yaml = GOOD.replace(
        "127.0.0.1:8080 }",
        "127.0.0.1:8080, tls: { certificates: [{ chain: tls/one.pem, key: { file: tls/one.key } }] } }",
    );
    folder.write("tollgate.yaml", yaml);
    let public = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(folder.join("tls/one.key"), public).unwrap();
    let output = run(&folder, &["check", "tollgate.yaml"], &[]);
    insta::assert_snapshot!("check_public_key", without_hash(&output));
}

#[test]
fn machines_get_json() {
    let folder = folder();
    folder.write("good.yaml", GOOD);
    folder.write("bad.yaml", GOOD.replace("upstream: provider", "upstream: provder"));
    insta::assert_snapshot!(
        "check_json_good",
        run(&folder, &["check", "--json", "good.yaml"], &[])
    );
    insta::assert_snapshot!("check_json_bad", run(&folder, &["check", "--json", "bad.yaml"], &[]));
}

#[test]
fn run_and_check_say_the_same_of_a_bad_configuration() {
    let folder = folder();
    folder.write("tollgate.yaml", GOOD.replace("upstream: provider", "upstream: provder"));
    let check = run(&folder, &["check", "tollgate.yaml"], &[]);
    let start = run(&folder, &["run", "--config", "tollgate.yaml"], &[]);
    assert!(start.starts_with("exit code: 78\n"), "as sysexits has it: {start}");
    insta::assert_snapshot!("run_bad", start);
    insta::assert_snapshot!("check_bad", check);
}

#[test]
fn a_path_that_leads_nowhere_is_said_to() {
    let folder = folder();
    std::fs::create_dir(folder.join("nothing")).unwrap();
    for (name, path) in [("absent", "absent.yaml"), ("no_files", "nothing"), ("not_yaml", "text")] {
        insta::assert_snapshot!(format!("check_{name}"), run(&folder, &["check", path], &[]));
    }
}

#[test]
fn an_address_that_is_taken_ends_the_start_before_anything_is_served() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let yaml = GOOD.replace("127.0.0.1:8080", &address);
    folder.write("tollgate.yaml", format!("admin: {{ address: 127.0.0.1:0 }}\n{yaml}"));
    let output = run(&folder, &["run", "--config", "tollgate.yaml"], &[]);
    insta::assert_snapshot!("run_taken", without_warnings(&output).replace(&address, "[ADDRESS]"));
}

#[test]
fn an_audit_file_that_cannot_be_opened_ends_the_start() {
    let folder = folder();
    let audit = "audit: { file: absent/audit.jsonl }\n";
    folder.write("tollgate.yaml", format!("admin: {{ address: 127.0.0.1:0 }}\n{audit}{GOOD}"));
    let output = run(&folder, &["run", "--config", "tollgate.yaml"], &[]);
    insta::assert_snapshot!("run_audit", without_warnings(&output));
}

/// What the process logs about the machine differs between machines.
fn without_warnings(output: &str) -> String {
    output
        .lines()
        .filter(|line| !line.contains(" WARN "))
        .fold(String::new(), |all, line| all + line + "\n")
}

fn without_hash(output: &str) -> String {
    let hash = regex::Regex::new("[0-9a-f]{64}").unwrap();
    hash.replace(output, "[HASH]").into_owned()
}
