//! What most tests start from: an organization, a key, a question about it.

use std::time::SystemTime;

use latchkey::base::time::Timestamp;
use serde_json::{Value, json};

use crate::client::{Edge, Response};

/// An organization made for one test.
pub struct Org<'a> {
    pub edge: &'a Edge,
    pub id: String,
}

/// A key made for one test, with the only sight of its secret.
pub struct Key {
    pub id: String,
    pub secret: String,
    pub record: Value,
}

/// A policy with the resource `leads`, and `changes` laid over it.
pub fn policy(changes: Value) -> Value {
    let mut policy = json!({"resources": [
        {"name": "leads", "title": "Leads", "description": "Lead records", "actions": ["read", "create", "update", "delete"]}
    ]});
    for (name, value) in changes.as_object().expect("an object") {
        policy[name] = value.clone();
    }
    policy
}

/// An organization with the policy of [`policy`].
pub fn org(edge: &Edge, changes: Value) -> Org<'_> {
    org_with(edge, json!({"name": "Acme", "policy": policy(changes)}))
}

pub fn org_with(edge: &Edge, body: Value) -> Org<'_> {
    let made = edge.operator("POST", "/v1/orgs", Some(&body));
    assert_eq!(made.status, 201, "{}", made.text());
    Org { edge, id: made.value()["id"].as_str().expect("an id").to_owned() }
}

impl Org<'_> {
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/orgs/{}{rest}", self.id)
    }

    pub fn create(&self, body: &Value) -> Response {
        self.edge.operator("POST", &self.path("/keys"), Some(body))
    }

    /// A key with `leads:read` and a rate that no test uses up by accident, and `changes` laid over that.
    pub fn key(&self, changes: Value) -> Key {
        let mut body = json!({"name": "Zapier", "permissions": ["leads:read"], "rate_limit": {"limit": 1000, "window_seconds": 60}});
        for (name, value) in changes.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let made = self.create(&body);
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.value();
        Key { id: text(&made["key"]["id"]), secret: text(&made["secret"]), record: made["key"].clone() }
    }

    pub fn read(&self, key: &Key) -> Response {
        self.edge.operator("GET", &self.path(&format!("/keys/{}", key.id)), None)
    }

    pub fn revoke(&self, key: &Key) -> Response {
        self.edge.operator("POST", &self.path(&format!("/keys/{}/revoke", key.id)), None)
    }

    /// The entries of the audit log, newest first.
    pub fn audit(&self) -> Vec<Value> {
        self.audit_where("")
    }

    /// Those about the key of that id.
    pub fn audit_of(&self, key: &Value) -> Vec<Value> {
        self.audit_where(&format!("&key={}", text(key)))
    }

    fn audit_where(&self, filter: &str) -> Vec<Value> {
        let page = self.edge.operator("GET", &self.path(&format!("/audit?limit=100{filter}")), None);
        assert_eq!(page.status, 200, "{}", page.text());
        page.value()["items"].as_array().expect("items").clone()
    }
}

/// Asks about a key; `question` is laid over `{"key": …}`.
pub fn ask(edge: &Edge, secret: &str, question: Value) -> Value {
    let answer = ask_raw(edge, secret, question);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.value()
}

pub fn ask_raw(edge: &Edge, secret: &str, mut question: Value) -> Response {
    question["key"] = json!(secret);
    edge.operator("POST", "/v1/verify", Some(&question))
}

/// The code of the answer to a plain question.
pub fn code(edge: &Edge, secret: &str) -> String {
    text(&ask(edge, secret, json!({}))["code"])
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not text")).to_owned()
}

/// What time it is by the clock of this machine, which is also the runtime's.
#[expect(clippy::disallowed_methods, reason = "black-box tests live in real time")]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock past 1970");
    Timestamp::from_ms(i64::try_from(since_epoch.as_millis()).expect("a clock before the year 9999"))
}
