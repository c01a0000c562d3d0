//! Latchkey in an API's own code: Express on Node, Hono and a plain Worker in workerd over a service binding, each run from
//! the file that `docs/integrations/` ships.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};

use crate::{
    client::{Edge, Response},
    given::{self, Key},
    runtime,
    stand::{edge, org, service_key},
    tap::{End, Tap},
};

const FILES: [&str; 3] = ["express.mjs", "hono.mjs", "worker.mjs"];

/// An API that runs until this is dropped, or the test process ends.
struct Api {
    client: Edge,
    child: Child,
}

impl Api {
    fn start(file: &str, latchkey: &str, service_key: &str) -> Self {
        let path = runtime::root().join("docs/integrations").join(file);
        let mut command = Command::new(runtime::node());
        if file == "express.mjs" {
            // It ends with its input, as the other does.
            let ending = "data:text/javascript,process.stdin.on('end', () => process.exit()).resume()";
            command.args(["--import", ending]).arg(path).env("PORT", "0");
            command.env("LATCHKEY_URL", format!("http://{latchkey}")).env("LATCHKEY_SERVICE_KEY", service_key);
        } else {
            command.arg(runtime::root().join("tests/proxies/worker.mjs")).arg(path).args([latchkey, service_key]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Node starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines().map_while(Result::ok);
        let url = lines.find(|line| line.starts_with("http://")).unwrap_or_else(|| panic!("{file} did not start"));
        Self { client: Edge::new(&url), child }
    }

    fn call(&self, key: &Key, method: &str, headers: &[(&str, &str)]) -> Response {
        let bearer = format!("Bearer {}", key.secret);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        self.client.send(method, "/leads?page=2", &all, None)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// One of each file, before a Latchkey that works, and the wire between.
fn apis() -> &'static (Tap, Vec<(&'static str, Api)>) {
    static APIS: OnceLock<(Tap, Vec<(&str, Api)>)> = OnceLock::new();
    APIS.get_or_init(|| {
        let tap = Tap::start(End::Latchkey(edge().base_url.trim_start_matches("http://").to_owned()));
        let service_key = service_key();
        let apis = FILES.iter().map(|file| (*file, Api::start(file, &tap.address, &service_key))).collect();
        (tap, apis)
    })
}

fn code(answer: &Response) -> (u16, String) {
    (answer.status, given::text(&answer.value()["code"]))
}

#[test]
fn an_api_asks_before_its_handlers() {
    let (tap, apis) = apis();
    for (file, api) in apis {
        let org = org();
        let key = org.key(json!({"name": "Zäpier", "rate_limit": {"limit": 60, "window_seconds": 60}}));
        let good = api.call(&key, "GET", &[("latchkey-key-id", "spoofed"), ("x-original-uri", "/elsewhere")]);
        let caller = json!({
            "keyId": key.id, "keyName": "Zäpier", "orgId": org.id, "actorType": "key", "actorId": key.id, "permissions": ["leads:read"]
        });
        assert_eq!((good.status, &good.value()["caller"]), (200, &caller), "{file}");
        assert_eq!((good.header("ratelimit"), good.header("ratelimit-policy")), (Some("\"key\";r=59;t=60"), Some("\"key\";q=60;w=60")));
        let question = tap.asked_of(&key.secret).pop().expect("a question");
        assert_eq!((question.only("x-original-method"), question.only("x-original-uri")), (Some("GET"), Some("/leads?page=2")));

        let none = api.client.get("/leads");
        assert_eq!(code(&none), (401, "UNAUTHENTICATED".into()), "{file}");
        assert_eq!(none.header("www-authenticate"), Some("Bearer realm=\"latchkey\""));
        let lacking = api.call(&key, "DELETE", &[]);
        assert_eq!(code(&lacking), (403, "INSUFFICIENT_PERMISSIONS".into()), "{file}");
        assert_eq!(lacking.value()["missing"], json!(["leads:delete"]));
        assert_eq!(code(&api.call(&key, "GET", &[("latchkey-act-as", "user_42")])), (403, "IMPERSONATION_NOT_ALLOWED".into()), "{file}");

        let limited = org.key(json!({"rate_limit": {"limit": 1, "window_seconds": 60}}));
        assert_eq!(api.call(&limited, "GET", &[]).status, 200, "{file}");
        let refused = api.call(&limited, "GET", &[]);
        assert_eq!((code(&refused), refused.header("retry-after").is_some()), ((429, "RATE_LIMITED".into()), true), "{file}");
    }
}

#[test]
fn an_api_tells_where_its_client_is() {
    for (file, api) in &apis().1 {
        let key = org().key(json!({"ip_allowlist": ["127.0.0.0/8", "192.0.2.0/24"]}));
        let far = org().key(json!({"ip_allowlist": ["203.0.113.0/24"]}));
        // On the platform this field is the platform's: here the test is the platform.
        let here = if *file == "express.mjs" { vec![] } else { vec![("cf-connecting-ip", "192.0.2.1")] };
        assert_eq!(api.call(&key, "GET", &here).status, 200, "{file}");
        let lies = [here, vec![("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "203.0.113.9"), ("latchkey-client-ip", "203.0.113.9")]];
        assert_eq!(code(&api.call(&far, "GET", &lies.concat())), (403, "IP_NOT_ALLOWED".into()), "{file}");
    }
}

#[test]
fn an_api_without_latchkey_admits_nobody() {
    let key = org().key(json!({}));
    for file in FILES {
        let tap = Tap::start(End::Answering(""));
        let api = Api::start(file, &tap.address, "lks_any");
        for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"]
        {
            tap.turn_into(End::Answering(answer));
            let refused = api.call(&key, "GET", &[]);
            assert_eq!(code(&refused), (503, "UNAVAILABLE".into()), "{file} {answer:?}");
            assert_eq!(refused.value()["caller"], Value::Null);
        }
    }
}
