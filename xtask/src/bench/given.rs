//! What measurements start from: an organization, its keys, a service key.

use std::{collections::VecDeque, sync::Mutex, thread};

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use super::client::Edge;

/// Keys are created over so many connections: a single one would wait most of the time.
const MAKERS: usize = 8;

pub struct Org<'a> {
    edge: &'a Edge,
    pub id: String,
}

pub struct Key {
    pub id: String,
    pub secret: String,
}

/// An organization with the resource `leads`; `changes` are laid over the default policy.
///
/// # Errors
/// When the API refuses.
pub fn org<'a>(edge: &'a Edge, changes: &Value) -> Result<Org<'a>> {
    let mut policy = json!({"resources": [
        {"name": "leads", "title": "Leads", "description": "Lead records", "actions": ["read", "create", "update", "delete"]}
    ]});
    for (name, value) in changes.as_object().into_iter().flatten() {
        policy[name] = value.clone();
    }
    let made = edge.operator("/v1/orgs", &json!({"name": "Bench", "policy": policy}))?;
    Ok(Org { edge, id: text(&made["id"])? })
}

impl Org<'_> {
    /// A key with this rate limit, or with `null` none.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn key(&self, rate_limit: &Value) -> Result<Key> {
        key(self.edge, &self.id, rate_limit)
    }

    /// The secrets of so many keys without limit.
    ///
    /// # Errors
    /// When the API refuses one.
    pub fn secrets(&self, count: usize) -> Result<Vec<String>> {
        let waiting: Mutex<VecDeque<usize>> = Mutex::new((0..count).collect());
        let make = || -> Result<Vec<String>> {
            let edge = self.edge.apart();
            let mut made = Vec::new();
            while waiting.lock().map_err(|_| anyhow!("a maker of keys failed"))?.pop_front().is_some() {
                made.push(key(&edge, &self.id, &Value::Null)?.secret);
            }
            Ok(made)
        };
        let made: Result<Vec<Vec<String>>> = thread::scope(|scope| {
            let makers: Vec<_> = (0..MAKERS).map(|_| scope.spawn(make)).collect();
            makers.into_iter().map(|maker| maker.join().map_err(|_| anyhow!("a maker of keys failed"))?).collect()
        });
        Ok(made?.concat())
    }

    /// Revokes a key over another edge, if need be.
    ///
    /// # Errors
    /// When the API refuses.
    pub fn revoke(&self, from: &Edge, key: &Key) -> Result<Value> {
        from.operator(&format!("/v1/orgs/{}/keys/{}/revoke", self.id, key.id), &json!({}))
    }
}

fn key(edge: &Edge, org: &str, rate_limit: &Value) -> Result<Key> {
    let draft = json!({"name": "Bench key", "permissions": ["leads:read"], "rate_limit": rate_limit});
    let made = edge.operator(&format!("/v1/orgs/{org}/keys"), &draft)?;
    Ok(Key { id: text(&made["key"]["id"])?, secret: text(&made["secret"])? })
}

/// The secret of a service key that may verify.
///
/// # Errors
/// When the API refuses.
pub fn service_key(edge: &Edge) -> Result<String> {
    let made = edge.operator("/v1/service-keys", &json!({"name": "Bench backend", "permissions": ["verify"]}))?;
    text(&made["secret"])
}

/// The same key with another last character: well-shaped, and its checksum does not fit.
pub fn mistyped(secret: &str) -> String {
    let last = if secret.ends_with('0') { '1' } else { '0' };
    secret.chars().take(secret.chars().count().saturating_sub(1)).chain([last]).collect()
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).context("an answer lacks an id or a secret")
}
