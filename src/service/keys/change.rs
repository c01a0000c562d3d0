//! What all changes of keys share: the audit entry, the commit, the publication.

use serde_json::Value;

use super::Changed;
use crate::{
    audit::{
        changes,
        entry::{Action, AuditEntry, Origin, Target},
    },
    base::{id::AuditId, time::Timestamp},
    key::record::KeyRecord,
    ports::{Ports, Written},
    service::{failure::Failure, publish},
};

/// The entry that tells of a change from one record to the next; `None` is a key that is not there.
pub(super) fn entry(
    ports: &Ports,
    action: Action,
    before: Option<&KeyRecord>,
    after: Option<&KeyRecord>,
    origin: Origin,
    now: Timestamp,
) -> Result<AuditEntry, Failure> {
    let key = after.or(before).ok_or(Failure::NotFound)?;
    let (from, to) = (before.map(|key| key.view(now)), after.map(|key| key.view(now)));
    // A deletion is told by its action; repeating every field that went would only keep what was to go.
    let changes = if after.is_none() { serde_json::Map::<String, Value>::new() } else { changes::of_key(from.as_ref(), to.as_ref()) };
    Ok(AuditEntry {
        id: AuditId::new(now, ports.entropy.as_ref())?,
        org_id: Some(key.org_id.clone()),
        at: now,
        actor: origin.actor,
        action,
        target: Target::key(key),
        changes,
        ip: origin.ip,
        user_agent: origin.user_agent,
        request_id: origin.request_id,
    })
}

/// Commits the next record of a key.
pub(super) async fn commit(
    ports: &Ports,
    before: &KeyRecord,
    after: &KeyRecord,
    action: Action,
    origin: Origin,
    now: Timestamp,
) -> Result<Written, Failure> {
    let audit = entry(ports, action, Some(before), Some(after), origin, now)?;
    Ok(ports.ledger.update_key(after, before.version, &audit).await?)
}

/// Commits and publishes; whoever loses a race changes nothing and is told so, as the caller's condition would have
/// told them: with `If-Match` the version has moved on, without it somebody else was first.
pub(super) async fn commit_and_publish(
    ports: &Ports,
    before: &KeyRecord,
    after: KeyRecord,
    action: Action,
    conditional: bool,
    origin: Origin,
    now: Timestamp,
) -> Result<Changed, Failure> {
    match commit(ports, before, &after, action, origin, now).await? {
        Written::LostRace if conditional => Err(Failure::PreconditionFailed { version: before.version + 1 }),
        Written::LostRace => Err(Failure::Conflict),
        Written::Done => {
            let in_force_at = publish::publish_key(ports, &after).await?;
            let narrowed = before.is_narrowed_by(&after);
            Ok(Changed { key: after, in_force_at: narrowed.then_some(in_force_at) })
        }
    }
}
