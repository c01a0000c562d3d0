//! The tables of `docs/integrations/README.md`: made from what a run saw, and compared with what is written there.

use std::{env, fmt::Write as _, fs};

use serde_json::json;

use crate::{
    client::Response,
    outages::status_when_down,
    paths,
    proxy::Kind,
    runtime,
    spoofing::{is_genuine, spoofed},
    stand::{Passage, before, org, stand},
    tap::End,
};

/// With this in the environment the tables are written instead.
const REWRITE: &str = "LATCHKEY_REWRITE_TABLES";

#[test]
fn the_table_of_answers_is_what_was_seen() {
    let down = before(End::Nobody);
    let mut table = "| | allow | 401 | 403 | 429 | Latchkey down | spoof |\n| --- | --- | --- | --- | --- | --- | --- |\n".to_owned();
    for (proxy, cut_off) in stand().proxies.iter().zip(&down.proxies) {
        let org = org();
        let key = org.key(json!({"name": "Zäpier", "rate_limit": {"limit": 60, "window_seconds": 60}}));
        let far = org.key(json!({"ip_allowlist": ["203.0.113.0/24"]}));
        let slow = org.key(json!({"rate_limit": {"limit": 1, "window_seconds": 60}}));
        let call = |secret: &str| stand().call(proxy, secret, "GET", "/leads", &[]);
        let allowed = call(&key.secret);
        let spoof = stand().raw(
            proxy,
            "GET /leads",
            &[spoofed(), vec![format!("Authorization: Bearer {}", key.secret), "Connection: close".to_owned()]].concat(),
        );
        call(&slow.secret);
        let cells = [
            allow(&allowed, is_genuine(&allowed, &org, &key)),
            refusal(&stand().send(proxy, "GET", "/leads", &[], None)),
            refusal(&call(&far.secret)),
            refusal(&call(&slow.secret)),
            refusal(&down.call(cut_off, &key.secret, "GET", "/leads", &[])),
            if is_genuine(&spoof, &org, &key) { "overwritten".to_owned() } else { "**passes**".to_owned() },
        ];
        assert_eq!(cells[4].get(..3), Some(status_when_down(proxy.kind).to_string().as_str()));
        writeln!(table, "| {} | {} |", name(proxy.kind), cells.join(" | ")).expect("text");
    }
    compare("answers", &table);
}

#[test]
fn the_table_of_paths_is_what_was_seen() {
    let mut table = "| asked for | nginx | Caddy | Traefik | Envoy |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for (target, fates) in paths::fates() {
        let cells: Vec<String> = fates
            .iter()
            .map(|fate| match fate {
                Ok(path) if path == target => "as it is".to_owned(),
                Ok(path) => format!("`{path}`"),
                Err(status) => status.to_string(),
            })
            .collect();
        writeln!(table, "| `{target}` | {} |", cells.join(" | ")).expect("text");
    }
    compare("paths", &table);
}

fn name(kind: Kind) -> String {
    match kind {
        Kind::Nginx => "nginx".to_owned(),
        _ => format!("{kind:?}"),
    }
}

fn allow(passage: &Passage, genuine: bool) -> String {
    let limits = |name: &str| passage.answer.header(name).is_some();
    let told = if limits("ratelimit") && limits("ratelimit-policy") { "client" } else { "origin" };
    let identity = if genuine { "identity" } else { "**no identity**" };
    format!("{}, {identity}, limits to the {told}", passage.answer.status)
}

fn refusal(passage: &Passage) -> String {
    let answer: &Response = &passage.answer;
    let mut parts = vec![passage.refused().to_string()];
    let document = answer.header("content-type") == Some("application/problem+json");
    if document {
        let ours = answer.value()["type"].as_str().is_some_and(|kind| kind.contains("/problems/"));
        parts.push(if ours { "problem".to_owned() } else { "short problem".to_owned() });
    }
    for (field, word) in [("latchkey-code", "code"), ("www-authenticate", "challenge"), ("retry-after", "`Retry-After`")] {
        if answer.header(field).is_some() {
            parts.push(word.to_owned());
        }
    }
    parts.join(", ")
}

/// Compares with the table of that name in the page, or writes it there.
fn compare(name: &str, seen: &str) {
    let path = runtime::root().join("docs/integrations/README.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (start, end) = (format!("<!-- {name}: seen by the tests -->\n\n"), format!("\n<!-- end of {name} -->"));
    let from = page.find(&start).expect("the table's beginning") + start.len();
    let to = from + page[from..].find(&end).expect("the table's end");
    if env::var_os(REWRITE).is_some() {
        fs::write(&path, format!("{}{seen}{}", &page[..from], &page[to..])).expect("the page is written");
        return;
    }
    assert_eq!(&page[from..to], seen, "`{REWRITE}=1 cargo xtask test --test proxies table -- --test-threads=1` writes what was seen");
}
