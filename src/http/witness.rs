//! What is told of a decision besides its answer: a line in the log, and a data point. Neither has a secret in it.
//!
//! In scope: the decisions that somebody asks for, on the five surfaces. Out of scope: whether a caller may enter the control
//! plane, which is on the way to such a decision; requests that no decision was reached about.

use serde::Serialize;

use super::{call::Call, decision, router::KNOWN_METHODS};
use crate::{
    base::{
        actor::ActorType,
        id::{KeyId, OrgId, RequestId},
        time::Timestamp,
    },
    config::decision_log::{Addresses, DecisionLog},
    decision::{
        facts::{Ask, MAX_PATH_CHARS},
        verdict::{Denial, VALID},
    },
    network::place,
    policy::scope::Permission,
    ports::watch::Point,
    service::verify::Decision,
    token::redact::{redacted, redacted_path},
};

/// Where a decision is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// `POST /v1/verify`
    Verify,
    /// `POST /v1/verify/batch`
    VerifyBatch,
    /// `ANY /v1/auth`
    ForwardAuth,
    /// The gateway.
    Gateway,
    /// `GET /v1/whoami`
    Whoami,
}

impl Surface {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::VerifyBatch => "verify_batch",
            Self::ForwardAuth => "forward_auth",
            Self::Gateway => "gateway",
            Self::Whoami => "whoami",
        }
    }
}

/// A decision and what it was about.
pub struct Sighting<'a> {
    /// Where it was asked for.
    pub surface: Surface,
    /// Of a batch: its place there, from 0.
    pub index: Option<usize>,
    /// What was presented, so that it can be taken out of all that is told.
    pub credential: &'a str,
    /// What was asked.
    pub ask: &'a Ask,
    /// What came of it.
    pub decision: &'a Decision,
}

/// Tells of a decision whoever wants to know. Where nobody does this is two comparisons: it is on the hot path.
pub fn tell(call: &Call<'_>, sighting: &Sighting<'_>) {
    if let Ok(log) = &call.config.decision_log
        && log.keeps(sighting.decision.outcome.is_err(), call.request_id)
    {
        worker::console_log!("{}", line(sighting, log, call.request_id));
    }
    // A look is no use of the key: it is counted nowhere.
    if call.ports.analytics.is_kept() && !sighting.ask.peek {
        call.ports.analytics.write(&point(sighting));
    }
}

/// Its names and their order are what queries of logs rely on.
#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    time: Timestamp,
    request_id: &'a RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    surface: &'static str,
    outcome: &'static str,
    code: &'static str,
    org_id: Option<&'a OrgId>,
    key_id: Option<&'a KeyId>,
    key_prefix: Option<&'a str>,
    actor: Option<Actor<'a>>,
    method: Option<&'a str>,
    path: Option<String>,
    ip: Option<String>,
    freshness: &'static str,
    peek: bool,
    cost: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

/// Who the request was made for, as it says.
#[derive(Serialize)]
struct Actor<'a> {
    #[serde(rename = "type")]
    kind: ActorType,
    id: std::borrow::Cow<'a, str>,
}

/// The decision as one line of JSON.
#[must_use]
fn line(sighting: &Sighting<'_>, log: &DecisionLog, request_id: &RequestId) -> String {
    let Sighting { surface, index, credential, ask, decision } = sighting;
    let denial = decision.outcome.as_ref().err();
    let key = decision.known.as_ref().map(|known| known.key.as_ref());
    let clean = |text: &str| redacted(text, credential);
    let actor = key.map(|key| match &ask.act_as {
        Some(user) => Actor { kind: ActorType::User, id: clean(user).into() },
        None => Actor { kind: ActorType::Key, id: key.id.to_string().into() },
    });
    let missing = match denial {
        Some(Denial::InsufficientPermissions { missing }) => missing.iter().map(Permission::as_str).map(clean).collect(),
        _ => Vec::new(),
    };
    let line = Line {
        event: "decision",
        time: decision.at,
        request_id,
        index: *index,
        surface: surface.as_str(),
        outcome: if denial.is_none() { "admitted" } else { "refused" },
        code: denial.map_or(VALID, Denial::code),
        org_id: key.map(|key| &key.org_id),
        key_id: key.map(|key| &key.id),
        key_prefix: key.map(|key| key.prefix()),
        actor,
        method: method(ask),
        path: ask.line.path.as_ref().map(|path| redacted_path(path, MAX_PATH_CHARS, credential)),
        ip: ask.ip.and_then(|ip| match log.addresses {
            Addresses::Off => None,
            Addresses::Network => Some(place::network(ip)),
            Addresses::Full => Some(ip.to_string()),
        }),
        freshness: decision::mode(decision.freshness),
        peek: ask.peek,
        cost: ask.cost,
        missing,
    };
    serde_json::to_string(&line).unwrap_or_default()
}

/// The request's method. What is none may be anything, a secret too.
fn method(ask: &Ask) -> Option<&'static str> {
    let told = ask.line.method.as_deref()?;
    Some(KNOWN_METHODS.iter().copied().find(|method| *method == told).unwrap_or("_OTHER"))
}

/// The decision as a data point.
#[must_use]
fn point(sighting: &Sighting<'_>) -> Point {
    let Sighting { surface, ask, decision, .. } = sighting;
    let key = decision.known.as_ref().map(|known| known.key.as_ref());
    let code = decision.outcome.as_ref().err().map_or(VALID, Denial::code);
    Point {
        indexes: [key.map_or_else(|| "unknown".to_owned(), |key| key.org_id.to_string())],
        blobs: [
            code.to_owned(),
            key.map(|key| key.id.to_string()).unwrap_or_default(),
            surface.as_str().to_owned(),
            key.map_or("", |key| key.kind.as_str()).to_owned(),
            decision::mode(decision.freshness).to_owned(),
            method(ask).unwrap_or_default().to_owned(),
        ],
        doubles: [1, if decision.outcome.is_ok() { ask.cost } else { 0 }],
    }
}

#[cfg(test)]
#[path = "witness_tests.rs"]
mod tests;
