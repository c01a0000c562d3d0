//! Ending a key, and bringing it back where the policy lets it.

use serde_json::Value;

use super::{Change, Changed, change::Loaded, manageable};
use crate::{
    audit::entry::Action,
    base::document::{Fault, Faults, Field},
    key::{record::Kind, state::Revoking},
    ports::Written,
    service::{failure::Failure, publish},
    token::format::contains_key,
};

/// How often a revocation is tried again when others change the same key at the same time. It is never refused for that:
/// whoever revokes means the key, not a version of it.
pub(super) const MAX_RACES: u32 = 5;

const MAX_REASON_CHARS: usize = 500;

/// Revokes a key. When this returns, no request that starts afterwards is admitted, at any edge.
///
/// # Errors
/// [`Failure::NotYetInForce`] when the revocation is stored but not yet everywhere: repeating it is safe.
/// [`Failure::PreconditionFailed`] when `if_version` names another version than the key has.
pub async fn revoke(change: &Change<'_>, body: Option<&Value>) -> Result<Changed, Failure> {
    let organization = manageable(change.ports, change.org).await?;
    let reason = read_reason(body).map_err(Failure::Invalid)?;
    for _ in 0..MAX_RACES {
        let before = change.load_key(&organization).await?;
        // A key that is revoked already meets every condition (RFC 9110, section 13.1.1): repeating a call is safe.
        if before.revocation.is_none() {
            change.expect_version(&before)?;
        }
        let now = change.ports.clock.now();
        let key = match before.clone().revoke(change.author.origin.actor.clone(), reason.clone(), now) {
            Revoking::Before(key) => key,
            Revoking::Now(key) => match change.commit(&before, &key, Action::KeyRevoked, now).await? {
                Written::Done => key,
                Written::LostRace => continue,
            },
        };
        let coming = publish::publish_key(change.ports, &key, organization.policy.consistency.lease_ms).await?;
        return Ok(Changed { key, in_force_at: Some(coming.awaited(change.ports).await) });
    }
    Err(Failure::Conflict)
}

/// Brings a revoked key back.
///
/// # Errors
/// [`Failure::Illegal`] where revocations are permanent or the key is not revoked; lost races as in an edit.
pub async fn reactivate(change: &Change<'_>, body: Option<&Value>) -> Result<Changed, Failure> {
    read_nothing(body).map_err(Failure::Invalid)?;
    let Loaded { organization, key: before, .. } = change.load().await?;
    // It would get around the cap of its maker; a new one is as good.
    if before.kind == Kind::Playground {
        return Err(Failure::PolicyForbids { operation: "reactivating a temporary key" });
    }
    change.author.may_grant(&before, None)?;
    let now = change.ports.clock.now();
    let after = before.clone().into_revoked(now)?.reactivate(&organization.policy, now)?;
    change.make(&organization, &before, after, Action::KeyReactivated, now).await
}

fn read_reason(body: Option<&Value>) -> Result<Option<String>, Vec<Fault>> {
    let Some(body) = body else { return Ok(None) };
    let mut faults = Faults::default();
    let reason = Field::new(body, "").object(&mut faults).map(|mut members| {
        let field = members.optional("reason").filter(|field| !field.value.is_null());
        let reason = field.and_then(|field| {
            let text = field.text(&mut faults)?.trim();
            if text.chars().count() > MAX_REASON_CHARS || text.chars().any(char::is_control) {
                faults.value(&field.pointer, format!("must be at most {MAX_REASON_CHARS} characters, none of them a control character"));
            }
            if contains_key(text) {
                faults.value(&field.pointer, "must not contain the key itself: reasons are shown and logged; its prefix will do");
            }
            (!text.is_empty()).then(|| text.to_owned())
        });
        members.close(&mut faults);
        reason
    });
    faults.conclude(reason)
}

/// A body that says nothing: absent, or an object without members.
pub(super) fn read_nothing(body: Option<&Value>) -> Result<(), Vec<Fault>> {
    let Some(body) = body else { return Ok(()) };
    let mut faults = Faults::default();
    let read = Field::new(body, "").object(&mut faults).map(|members| members.close(&mut faults));
    faults.conclude(read)
}
