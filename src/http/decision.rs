//! A decision as `POST /v1/verify` answers it.

use serde::Serialize;

use crate::{
    base::{
        actor::ActorType,
        id::{KeyId, OrgId, RequestId},
        time::Timestamp,
    },
    decision::{
        check::CheckReport,
        decide::explain,
        facts::Ask,
        verdict::{Denial, VALID},
    },
    key::{
        metadata::Metadata,
        record::{KeyRecord, Kind},
    },
    policy::scope::Permission,
    service::verify::{Decision, Freshness, Known},
};

/// The body of the contract. It is written without being built first: this is the hot path.
#[derive(Serialize)]
pub struct Document<'a> {
    valid: bool,
    code: &'static str,
    key: Option<Key<'a>>,
    actor: Option<Actor<'a>>,
    rate_limit: Option<RateLimit>,
    freshness: Age,
    request_id: &'a RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'a [Permission]>,
    /// The inner `None` is that waiting does not help.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(clippy::option_option, reason = "a member that is null, or not there")]
    retry_after_ms: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<CheckReport>>,
}

#[derive(Serialize)]
struct Key<'a> {
    id: &'a KeyId,
    org_id: &'a OrgId,
    name: &'a str,
    prefix: &'a str,
    kind: Kind,
    permissions: &'a [Permission],
    expires_at: Option<Timestamp>,
    metadata: &'a Metadata,
}

/// Who a request is made by: the key, or the user that it acts for, with the key behind.
#[derive(Serialize)]
pub(super) struct Actor<'a> {
    #[serde(rename = "type")]
    kind: ActorType,
    id: ActorId<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    via: Option<KeyActor<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ActorId<'a> {
    Key(&'a KeyId),
    User(&'a str),
}

#[derive(Serialize)]
struct KeyActor<'a> {
    #[serde(rename = "type")]
    kind: ActorType,
    id: &'a KeyId,
    name: &'a str,
}

#[derive(Serialize)]
struct RateLimit {
    limit: u32,
    window_seconds: u32,
    remaining: u32,
    reset_at: Timestamp,
    retry_after_ms: Option<u64>,
}

#[derive(Serialize)]
struct Age {
    mode: &'static str,
    bound_ms: Option<u32>,
}

impl<'a> Document<'a> {
    /// The decision in words. A known key is shown in refusals too.
    #[must_use]
    pub fn of(decision: &'a Decision, ask: &'a Ask, with_checks: bool, request_id: &'a RequestId) -> Self {
        let denial = decision.outcome.as_ref().err();
        let known = decision.known.as_ref();
        let missing = match denial {
            Some(Denial::InsufficientPermissions { missing }) => Some(missing.as_slice()),
            _ => None,
        };
        Self {
            valid: denial.is_none(),
            code: denial.map_or(VALID, Denial::code),
            key: known.map(Key::of),
            actor: known.filter(|_| denial.is_none()).map(|known| Actor::of(&known.key, ask.act_as.as_deref())),
            rate_limit: known.and_then(|known| RateLimit::of(known, denial)),
            freshness: Age::of(decision.freshness),
            request_id,
            detail: denial.map(ToString::to_string),
            missing,
            retry_after_ms: denial.filter(|denial| denial.is_limit()).map(Denial::retry_after_ms),
            checks: with_checks.then(|| explain(denial, ask)),
        }
    }
}

impl<'a> Key<'a> {
    fn of(known: &'a Known) -> Self {
        let KeyRecord { id, org_id, name, kind, expires_at, metadata, .. } = known.key.as_ref();
        let prefix = known.key.prefix();
        Self { id, org_id, name, prefix, kind: *kind, permissions: &known.granted, expires_at: *expires_at, metadata }
    }
}

impl<'a> Actor<'a> {
    /// Who a request of that key is made by.
    #[must_use]
    pub(super) fn of(key: &'a KeyRecord, act_as: Option<&'a str>) -> Self {
        let (id, name) = (&key.id, key.name.as_ref());
        let via = KeyActor { kind: ActorType::Key, id, name };
        match act_as {
            Some(user) => Self { kind: ActorType::User, id: ActorId::User(user), name: None, via: Some(via) },
            None => Self { kind: ActorType::Key, id: ActorId::Key(id), name: Some(name), via: None },
        }
    }
}

impl RateLimit {
    fn of(known: &Known, denial: Option<&Denial>) -> Option<Self> {
        let quota = known.quota?;
        Some(Self {
            limit: quota.limit,
            window_seconds: quota.window_seconds,
            remaining: quota.remaining,
            reset_at: quota.reset_at,
            retry_after_ms: denial.and_then(Denial::retry_after_ms),
        })
    }
}

impl Age {
    fn of(freshness: Freshness) -> Self {
        let bound_ms = match freshness {
            Freshness::Strict => Some(0),
            Freshness::Leased { bound_ms } => Some(bound_ms),
            Freshness::Unconfirmed => None,
        };
        Self { mode: mode(freshness), bound_ms }
    }
}

/// The word for it.
pub(super) fn mode(freshness: Freshness) -> &'static str {
    match freshness {
        Freshness::Strict => "strict",
        Freshness::Leased { .. } => "leased",
        Freshness::Unconfirmed => "unconfirmed",
    }
}
