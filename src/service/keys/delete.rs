//! Removing keys for good. The audit log keeps what was done with them.

use super::{
    Change,
    change::{self, Loaded},
};
use crate::{
    audit::{
        entry::{Action, Origin},
        query::AuditQuery,
    },
    base::{
        actor::Actor,
        id::{KeyId, OrgId, RequestId},
    },
    key::record::{KeyRecord, Kind},
    limit::lease::MAX_TTL_MS,
    ports::{Ports, Subject, Unpublished, Written},
    service::{
        failure::Failure,
        publish::{self, Coming},
    },
};

/// How long a temporary key stays in the list after it expired: 30 days.
const TEMPORARY_SHOWN_MS: i64 = 30 * 86_400_000;

/// How many temporary keys one run of the cron removes.
const PURGED_AT_ONCE: u32 = 50;

/// Removes a key. When this returns, it is unknown at every edge.
///
/// # Errors
/// [`Failure::PolicyForbids`] where keys are kept, lost races as in an edit.
pub async fn delete(change: &Change<'_>) -> Result<(), Failure> {
    let Loaded { organization, key, .. } = match change.load().await {
        Err(Failure::NotFound) => return finish_deletion(change).await,
        other => other?,
    };
    // Temporary keys leave the list by themselves; where keys are kept, so are they until then.
    if !organization.policy.deletion {
        return Err(Failure::PolicyForbids { operation: "deleting" });
    }
    match remove(change.ports, &key, change.author.origin.clone()).await? {
        Some(coming) => {
            coming.awaited(change.ports).await;
            Ok(())
        }
        None => Err(Failure::lost_race(change.if_version, key.version)),
    }
}

/// A deletion that is repeated because the first call could not bring it into force is done when it is; one whose first call
/// did, or still waits for that, finds nothing then. Whose key it was, the audit log knows; to everybody else it was never
/// there.
async fn finish_deletion(change: &Change<'_>) -> Result<(), Failure> {
    let ports = change.ports;
    let subject = KeyId::parse(change.key).map(Subject::Key).map_err(|_| Failure::NotFound)?;
    let organization = OrgId::parse(change.org).map_err(|_| Failure::NotFound)?;
    let query = AuditQuery {
        action: Some(Action::KeyDeleted.as_str().to_owned()),
        target: Some(change.key.to_owned()),
        actor: None,
        from: None,
        to: None,
        after: None,
        limit: 1,
    };
    if ports.ledger.list_audit(&organization, &query).await?.is_empty() {
        return Err(Failure::NotFound);
    }
    let lease_ms = publish::lease_ms(ports, &organization).await?;
    if publish::finish(ports, &subject, lease_ms).await?.is_some() {
        return Ok(());
    }
    publish::confirm_deletion(ports, &subject, lease_ms).await.and(Err(Failure::NotFound))
}

/// Removes temporary keys that expired 30 days ago. Runs with the cron; running it at any time is safe.
///
/// # Errors
/// The outage that ended the run.
pub async fn purge(ports: &Ports) -> Result<(), Failure> {
    let now = ports.clock.now();
    let stale = ports.ledger.list_stale_temporary(now.plus_ms(-TEMPORARY_SHOWN_MS), PURGED_AT_ONCE).await?;
    for key in stale.iter().filter(|key| key.kind == Kind::Playground) {
        let request_id = RequestId::new(now, ports.entropy.as_ref())?;
        let origin = Origin { actor: Actor::system(), ip: None, user_agent: None, request_id };
        // Nobody is told when it is gone, so nobody has to wait for it.
        let _ = remove(ports, key, origin).await?;
    }
    Ok(())
}

/// Removes a key; `None` when it had moved on.
async fn remove(ports: &Ports, key: &KeyRecord, origin: Origin) -> Result<Option<Coming>, Failure> {
    let audit = change::entry(ports, Action::KeyDeleted, Some(key), None, origin, ports.clock.now())?;
    if ports.ledger.delete_key(key, &audit).await? == Written::LostRace {
        return Ok(None);
    }
    let digests = key.secrets.iter().map(|secret| secret.digest).collect();
    let tombstone = Unpublished { subject: Subject::Key(key.id.clone()), version: key.version + 1, digests };
    let lease_ms = publish::lease_ms(ports, &key.org_id).await.unwrap_or(MAX_TTL_MS);
    publish::publish_deletion(ports, &tombstone, lease_ms).await.map(Some)
}
