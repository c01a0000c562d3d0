//! How the bench talks to an edge one request at a time: to prepare, to count, and to ask at a pace.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::{Agent, Body, http::Response};

/// The operator token that every measured fleet accepts.
pub const OPERATOR_TOKEN: &str = "lko_bench0operator0token0for0measuring0only0000";

/// One edge, with connections of its own that stay open. A clone shares them; [`Edge::apart`] does not.
#[derive(Clone)]
pub struct Edge {
    pub url: String,
    agent: Agent,
}

impl Edge {
    pub fn new(url: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
        Self { url: url.to_owned(), agent: config.build().into() }
    }

    /// The same edge over a connection that nobody else uses.
    pub fn apart(&self) -> Self {
        Self::new(&self.url)
    }

    /// The status of `GET /v1/auth` with this key.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn auth(&self, secret: &str) -> Result<u16> {
        let request = self.agent.get(format!("{}/v1/auth", self.url)).header("Authorization", format!("Bearer {secret}"));
        let mut answer = request.call().context("GET /v1/auth")?;
        answer.body_mut().read_to_vec().context("GET /v1/auth")?;
        Ok(answer.status().as_u16())
    }

    /// The code of `POST /v1/verify` about this key, asked by this caller.
    ///
    /// # Errors
    /// When there is no decision.
    pub fn verify(&self, caller: &str, secret: &str) -> Result<String> {
        let answer = self.post("/v1/verify", caller, &json!({"key": secret}))?;
        answer["code"].as_str().map(str::to_owned).context("a verdict has a code")
    }

    /// The operator's `POST`, which must succeed.
    ///
    /// # Errors
    /// When it does not.
    pub fn operator(&self, path: &str, body: &Value) -> Result<Value> {
        self.post(path, OPERATOR_TOKEN, body)
    }

    /// The operator's `GET`, which must succeed.
    ///
    /// # Errors
    /// When it does not.
    pub fn read(&self, path: &str) -> Result<Value> {
        let request = self.agent.get(format!("{}{path}", self.url)).header("Authorization", format!("Bearer {OPERATOR_TOKEN}"));
        document(path, request.call().with_context(|| format!("GET {path}"))?)
    }

    /// Starts the counts of this edge's bindings anew; its fleet was started with `--faults`.
    ///
    /// # Errors
    /// When it was not.
    pub fn count_anew(&self) -> Result<()> {
        self.operator("/__faults", &json!({})).map(drop)
    }

    /// How often each method of a binding was called since then.
    ///
    /// # Errors
    /// When the fleet does not count.
    pub fn calls(&self) -> Result<Calls> {
        let answer = self.read("/__faults")?;
        let calls = answer["calls"].as_object().context("the fleet does not count")?;
        Ok(Calls(calls.iter().filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect()))
    }

    fn post(&self, path: &str, bearer: &str, body: &Value) -> Result<Value> {
        let request = self.agent.post(format!("{}{path}", self.url)).header("Authorization", format!("Bearer {bearer}"));
        document(path, request.send_json(body).with_context(|| format!("POST {path}"))?)
    }
}

fn document(path: &str, mut answer: Response<Body>) -> Result<Value> {
    let text = answer.body_mut().read_to_string().with_context(|| path.to_owned())?;
    if !answer.status().is_success() {
        bail!("{path} answered {}: {text}", answer.status());
    }
    serde_json::from_str(&text).with_context(|| format!("{path} answered no JSON"))
}

/// Counted calls by binding and method, such as `kv.get`, as `xtask/runtime/faults.mjs` names them.
pub struct Calls(BTreeMap<String, u64>);

impl Calls {
    /// Calls of all methods of a binding; those that objects make are not among them.
    pub fn of(&self, binding: &str) -> u64 {
        let calls = |name: &str| name.split_once('.').is_some_and(|(of, method)| of == binding && method != "rows_read");
        self.0.iter().filter(|(name, _)| calls(name)).map(|(_, count)| count).sum()
    }

    /// Rows that D1 read.
    pub fn rows_read(&self) -> u64 {
        self.0.get("db.rows_read").copied().unwrap_or(0)
    }

    /// Calls of everything that stores.
    pub fn storage(&self) -> u64 {
        ["kv", "db", "guard", "org_guard"].iter().map(|binding| self.of(binding)).sum()
    }
}
