//! The verify clients of `docs/verify/`, each as it stands, in the language that it is written in.

use std::{
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    given,
    runtime::{self, Fleet, Options},
    service_keys::service_key,
};
use serde_json::json;

/// Reads the question as lines from its input and prints the decision: `CODE true|false`.
const TYPESCRIPT: &str = "import { verify } from './latchkey.ts'; import { readFileSync } from 'node:fs'; \
    const [url, service, key, permission] = readFileSync(0, 'utf8').split('\\n'); \
    const { valid, code } = await verify(url, service, key, permission ? { permissions: permission } : {}); \
    console.log(`${code} ${valid}`);";
const PYTHON: &str = "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, '.'); from latchkey import verify; \
    url, service, key, permission = sys.stdin.read().split('\\n'); \
    decision = verify(url, service, key, {'permissions': permission} if permission else {}); \
    print(decision.code, str(decision.valid).lower())";
const GO: &str = "package main\nimport (\"bufio\"; \"context\"; \"fmt\"; \"os\"; \"latchkey.example/latchkey\")\nfunc main() {\n\
    in, lines := bufio.NewScanner(os.Stdin), []string{}\nfor in.Scan() { lines = append(lines, in.Text()) }\n\
    for len(lines) < 4 { lines = append(lines, \"\") }\nquestion := map[string]any{}\n\
    if lines[3] != \"\" { question[\"permissions\"] = lines[3] }\n\
    decision := latchkey.Verify(context.Background(), lines[0], lines[1], lines[2], question)\n\
    fmt.Println(decision.Code, decision.Valid)\n}\n";
const SHELL: &str = "read -r LATCHKEY_URL; read -r service; read -r key; read -r permission; export LATCHKEY_URL\n\
    file=$(mktemp); printf %s \"$service\" > \"$file\"\n\
    if code=$(printf %s \"$key\" | LATCHKEY_SERVICE_KEY_FILE=$file ./latchkey.sh ${permission:+\"$permission\"}); \
    then valid=true; else valid=false; fi\nrm \"$file\"; echo \"$code $valid\"";

struct Question<'a> {
    url: &'a str,
    service: &'a str,
    key: &'a str,
    permission: &'a str,
}

fn docs() -> PathBuf {
    runtime::root().join("docs/verify")
}

fn there(program: &str, version: &str) -> bool {
    let found = Command::new(program).arg(version).stdin(Stdio::null()).output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("SKIPPED: {program} is not installed on this machine; its client was not run");
    }
    found
}

/// What a client prints. Whatever it prints, the keys are not in it.
fn decision(client: &dyn Fn() -> Command, question: &Question<'_>) -> String {
    let mut child =
        client().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the language is installed");
    let Question { url, service, key, permission } = question;
    let lines = format!("{url}\n{service}\n{key}\n{permission}");
    child.stdin.take().expect("an input").write_all(lines.as_bytes()).expect("the client reads");
    let output = child.wait_with_output().expect("the client ends");
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for secret in [key, service] {
        assert!(!said.contains(*secret) && !told.contains(*secret), "a key is shown");
    }
    assert_eq!(told, "", "nothing is told beside the decision");
    said.trim().to_owned()
}

/// One client through everything that may come.
fn every_decision(client: &dyn Fn() -> Command) {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let service = service_key(edge, &["verify"], json!({})).secret;
    let powerless = service_key(edge, &["usage:read"], json!({})).secret;
    let [good, revoked] = [(); 2].map(|()| org.key(json!({})));
    let limited = org.key(json!({"rate_limit": {"limit": 1, "window_seconds": 3600}}));
    org.revoke(&revoked);
    assert_eq!(given::code(edge, &limited.secret), "VALID");
    let ask = |service: &str, key: &str, permission: &str| decision(client, &Question { url: &edge.base_url, service, key, permission });

    assert_eq!(ask(&service, &good.secret, ""), "VALID true");
    assert_eq!(ask(&service, &good.secret, "leads:read"), "VALID true");
    assert_eq!(ask(&service, &good.secret, "leads:delete"), "INSUFFICIENT_PERMISSIONS false");
    assert_eq!(ask(&service, &revoked.secret, ""), "REVOKED false");
    assert_eq!(ask(&service, &limited.secret, ""), "RATE_LIMITED false");
    assert_eq!(ask(&service, "sk_mistyped", ""), "MALFORMED false");
    assert_eq!(ask(&powerless, &good.secret, ""), "UNAVAILABLE false", "the service key may not ask");
    assert_eq!(ask("lks_of_nobody", &good.secret, ""), "UNAVAILABLE false");

    let strict = org.key(json!({"consistency": "strict"}));
    edge.faults(&json!({"guard": "fail"}));
    assert_eq!(ask(&service, &strict.secret, ""), "UNAVAILABLE false", "an outage that stays");
    assert!(edge.calls("guard.fetch") >= 2, "it was asked again");
    edge.faults(&json!({}));
    assert_eq!(ask(&service, &strict.secret, ""), "VALID true");

    for (url, what) in [("http://127.0.0.1:9", "nobody listens"), (&*silent(), "nobody answers")] {
        assert_eq!(
            decision(client, &Question { url, service: &service, key: &good.secret, permission: "" }),
            "UNAVAILABLE false",
            "{what}"
        );
    }
    let outage = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n";
    let body = r#"{"valid":true,"code":"VALID","key":{}}"#;
    let yes = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n".to_owned();
    for (answers, expected) in [
        (vec![(outage.to_owned(), ""), (yes.clone(), body)], "VALID true"),
        (vec![("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3600\r\n".to_owned(), ""), (yes.clone(), body)], "UNAVAILABLE false"),
        (vec![("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n".to_owned(), ""), (yes.clone(), body)], "UNAVAILABLE false"),
        (vec![(yes.clone(), "<html>a page</html>")], "UNAVAILABLE false"),
        (vec![(yes.clone(), r#"{"valid":true,"code":"REVOKED"}"#)], " false"),
        (vec![(yes.clone(), r#"{"valid":false,"code":"VALID"}"#)], "UNAVAILABLE false"),
    ] {
        let url = saying(answers.clone());
        let said = decision(client, &Question { url: &url, service: &service, key: &good.secret, permission: "" });
        assert!(said.ends_with(expected), "{answers:?}: {said}");
    }
}

/// A server that takes a request and says nothing.
fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    url
}

/// A server that gives these answers, head and body, one to each connection.
fn saying(answers: Vec<(String, &'static str)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for ((head, body), stream) in answers.into_iter().zip(listener.incoming()) {
            let mut stream = stream.expect("a connection");
            take_request(&mut stream);
            let _ = write!(stream, "{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    url
}

fn take_request(stream: &mut std::net::TcpStream) {
    use std::io::Read;
    let (mut read, mut part) = (Vec::new(), [0_u8; 4096]);
    while !read.ends_with(b"}") {
        match stream.read(&mut part) {
            Ok(count) if count > 0 => read.extend_from_slice(&part[..count]),
            _ => return,
        }
    }
}

fn command(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command
}

#[test]
fn the_typescript_client_decides_as_latchkey_does_and_fails_closed() {
    let arguments = ["--no-warnings", "--experimental-strip-types", "--input-type=module", "-e", TYPESCRIPT];
    every_decision(&|| command(runtime::node(), &arguments, &docs()));
}

#[test]
fn the_python_client_decides_as_latchkey_does_and_fails_closed() {
    if there("python3", "--version") {
        every_decision(&|| command("python3", &["-c", PYTHON], &docs()));
    }
}

#[test]
fn the_curl_client_decides_as_latchkey_does_and_fails_closed() {
    if there("curl", "--version") {
        every_decision(&|| command("sh", &["-c", SHELL], &docs()));
    }
}

#[test]
fn the_go_client_decides_as_latchkey_does_and_fails_closed() {
    if there("go", "version") {
        let folder = std::env::temp_dir().join(format!("latchkey-go-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("latchkey")).expect("a folder");
        std::fs::copy(docs().join("latchkey.go"), folder.join("latchkey/latchkey.go")).expect("the client");
        std::fs::write(folder.join("go.mod"), "module latchkey.example\n\ngo 1.18\n").expect("a file");
        std::fs::write(folder.join("main.go"), GO).expect("a file");
        let built = command("go", &["build", "-o", "ask", "."], &folder).status().expect("go runs");
        assert!(built.success(), "the client does not compile");
        every_decision(&|| command(folder.join("ask"), &[], &folder));
        let _ = std::fs::remove_dir_all(&folder);
    }
}
