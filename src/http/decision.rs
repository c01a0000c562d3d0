//! A decision as `POST /v1/verify` answers it.

use serde_json::{Value, json};

use crate::{
    base::{actor::ActorType, id::RequestId},
    decision::{
        decide::explain,
        facts::Ask,
        verdict::{Denial, VALID},
    },
    key::record::KeyRecord,
    service::verify::{Decision, Freshness, Known},
};

/// The body of the contract. A known key is shown in refusals too.
#[must_use]
pub fn document(decision: &Decision, ask: &Ask, with_checks: bool, request_id: &RequestId) -> Value {
    let denial = decision.outcome.as_ref().err();
    let known = decision.known.as_ref();
    let mut document = json!({
        "valid": denial.is_none(),
        "code": denial.map_or(VALID, Denial::code),
        "key": known.map(key),
        "actor": known.filter(|_| denial.is_none()).map(|known| actor(&known.key, ask.act_as.as_deref())),
        "rate_limit": known.and_then(|known| rate_limit(known, denial)),
        "freshness": freshness(decision.freshness),
        "request_id": request_id,
    });
    let Some(members) = document.as_object_mut() else { return document };
    if let Some(denial) = denial {
        members.insert("detail".to_owned(), json!(denial.to_string()));
    }
    if let Some(Denial::InsufficientPermissions { missing }) = denial {
        members.insert("missing".to_owned(), json!(missing));
    }
    if let Some(limit) = denial.filter(|denial| denial.is_limit()) {
        members.insert("retry_after_ms".to_owned(), json!(limit.retry_after_ms()));
    }
    if with_checks {
        members.insert("checks".to_owned(), json!(explain(denial, ask)));
    }
    document
}

fn freshness(freshness: Freshness) -> Value {
    match freshness {
        Freshness::Strict => json!({ "mode": "strict", "bound_ms": 0 }),
        Freshness::Leased { bound_ms } => json!({ "mode": "leased", "bound_ms": bound_ms }),
        Freshness::Unconfirmed => json!({ "mode": "unconfirmed", "bound_ms": null }),
    }
}

fn key(known: &Known) -> Value {
    let key = &known.key;
    json!({
        "id": key.id, "org_id": key.org_id, "name": key.name, "prefix": key.prefix, "kind": key.kind,
        "permissions": known.granted, "expires_at": key.expires_at, "metadata": key.metadata,
    })
}

/// Who a request is made by: the key, or the user that it acts for, with the key behind.
pub(super) fn actor(key: &KeyRecord, act_as: Option<&str>) -> Value {
    let of_key = json!({ "type": ActorType::Key, "id": key.id, "name": key.name });
    match act_as {
        Some(user) => json!({ "type": ActorType::User, "id": user, "via": of_key }),
        None => json!({ "type": ActorType::Key, "id": key.id, "name": key.name, "via": null }),
    }
}

fn rate_limit(known: &Known, denial: Option<&Denial>) -> Option<Value> {
    let quota = known.quota?;
    Some(json!({
        "limit": quota.limit, "window_seconds": quota.window_seconds, "remaining": quota.remaining,
        "reset_at": quota.reset_at, "retry_after_ms": denial.and_then(Denial::retry_after_ms),
    }))
}
