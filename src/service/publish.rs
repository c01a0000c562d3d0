//! Bringing a change from the truth into force: to the guard, then to the index, then off the outbox.
//!
//! What is published is the newest record of the truth, whatever change asked for it: publishing twice, late or out of
//! order does no harm, because guards never go back to a lower version.

use crate::{
    base::{id::OrgId, time::Timestamp},
    key::record::KeyRecord,
    limit::{
        guard::{Command, Reply, Terms},
        lease::{MAX_TTL_MS, longest_wait_ms},
    },
    policy::org::Organization,
    ports::{Outage, Ports, Subject, Unpublished},
    service::failure::Failure,
};

/// How long to wait before trying a guard or the index again.
const PAUSES_MS: [u32; 2] = [50, 200];

/// How many outbox rows one run of the cron takes on.
const SWEEP: u32 = 100;

/// The version of what was made and never changed.
const FIRST: u64 = 1;

/// A change that every edge goes by from some moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what was allowed before is so until then"]
pub struct Coming {
    at: Timestamp,
    wait_ms: u32,
}

impl Coming {
    /// From when on.
    #[must_use]
    pub fn at(self) -> Timestamp {
        self.at
    }

    /// Waits until it is in force, and says since when it is. Only a change that takes something away has to be waited for.
    pub async fn awaited(self, ports: &Ports) -> Timestamp {
        if self.wait_ms > 0 {
            ports.clock.pause(self.wait_ms).await;
        }
        self.at
    }
}

/// Publishes a key and says from when on its terms are in force; edges hold leases of up to `lease_ms`.
///
/// # Errors
/// [`Failure::NotYetInForce`] when guard or index cannot be reached; the outbox row stays, and the cron goes on with it.
pub async fn publish_key(ports: &Ports, key: &KeyRecord, lease_ms: u32) -> Result<Coming, Failure> {
    let subject = Subject::Key(key.id.clone());
    let adopted = adopt(ports, &subject, key.terms()?, lease_ms).await;
    let (version, coming) = adopted.map_err(|cause| Failure::NotYetInForce { cause })?;
    if version > key.version {
        // Somebody published a newer record meanwhile, and files that one.
        let _ = ports.ledger.note_published(&subject, key.version).await;
        return Ok(coming);
    }
    let put = retry(ports, async || ports.index.put(key).await).await;
    put.map_err(|cause| Failure::NotYetInForce { cause })?;
    // A row that cannot be taken off now is taken off by the cron; the change is in force.
    let _ = ports.ledger.note_published(&subject, key.version).await;
    Ok(coming)
}

/// Files a new key in the index. Its guard is left alone: it starts by itself, from the truth, near the first caller.
pub async fn announce_key(ports: &Ports, key: &KeyRecord) {
    // The truth has the key and every miss of the index falls through to it: a failure here delays nothing but a read.
    if ports.index.put(key).await.is_ok() {
        let _ = ports.ledger.note_published(&Subject::Key(key.id.clone()), key.version).await;
    }
}

/// Publishes an organization and says from when on its terms are in force.
///
/// # Errors
/// As [`publish_key`].
pub async fn publish_org(ports: &Ports, organization: &Organization, lease_ms: u32) -> Result<Coming, Failure> {
    let subject = Subject::Org(organization.id.clone());
    let terms = organization.terms().map_err(crate::key::record::StoredRecordError::from)?;
    let (_, coming) = adopt(ports, &subject, terms, lease_ms).await.map_err(|cause| Failure::NotYetInForce { cause })?;
    let _ = ports.ledger.note_published(&subject, organization.version).await;
    Ok(coming)
}

/// Publishes that a key is gone, and says from when on it is at every edge.
///
/// # Errors
/// As [`publish_key`].
pub async fn publish_deletion(ports: &Ports, deleted: &Unpublished, lease_ms: u32) -> Result<Coming, Failure> {
    let tombstone = Terms { version: deleted.version, limit: None, record: None };
    let adopted = adopt(ports, &deleted.subject, tombstone, lease_ms).await;
    let (_, coming) = adopted.map_err(|cause| Failure::NotYetInForce { cause })?;
    let removed = retry(ports, async || ports.index.remove(&deleted.digests).await).await;
    removed.map_err(|cause| Failure::NotYetInForce { cause })?;
    let _ = ports.ledger.note_published(&deleted.subject, deleted.version).await;
    Ok(coming)
}

/// Publishes whatever the outbox still holds. Runs each minute; running it at any time is safe.
///
/// # Errors
/// The outage that ended the run. Subjects that could not be published stay in the outbox for the next run.
pub async fn sweep(ports: &Ports) -> Result<(), Failure> {
    let mut unfinished = None;
    for change in ports.ledger.list_unpublished(SWEEP).await? {
        if let Err(failure) = publish(ports, &change, MAX_TTL_MS).await {
            unfinished = Some(failure);
        }
    }
    unfinished.map_or(Ok(()), Err)
}

/// Publishes the subject if an earlier attempt did not come through, and says since when it is in force then.
///
/// # Errors
/// [`Failure::NotYetInForce`] when it still does not come through.
pub async fn finish(ports: &Ports, subject: &Subject, lease_ms: u32) -> Result<Option<Timestamp>, Failure> {
    match ports.ledger.find_unpublished(subject).await? {
        Some(change) => match publish(ports, &change, lease_ms).await? {
            Some(coming) => Ok(Some(coming.awaited(ports).await)),
            None => Ok(None),
        },
        None => Ok(None),
    }
}

/// Since when the key, which a call found as it should be, is in force so: whoever made it so may still be waiting for
/// that. `None` for a key that never changed.
///
/// # Errors
/// [`Failure::NotYetInForce`] when its guard cannot be reached.
pub async fn confirm_key(ports: &Ports, key: &KeyRecord, lease_ms: u32) -> Result<Option<Timestamp>, Failure> {
    if key.version == FIRST {
        return Ok(None);
    }
    confirm(ports, &Subject::Key(key.id.clone()), key.terms()?, lease_ms).await
}

/// The same for a key that is gone. Of its guard nothing is wanted but the end of the wait: no guard is at a lower version.
///
/// # Errors
/// As [`confirm_key`].
pub async fn confirm_deletion(ports: &Ports, subject: &Subject, lease_ms: u32) -> Result<(), Failure> {
    confirm(ports, subject, Terms { version: 0, limit: None, record: None }, lease_ms).await.map(drop)
}

/// The same for an organization.
///
/// # Errors
/// As [`confirm_key`].
pub async fn confirm_org(ports: &Ports, organization: &Organization) -> Result<Option<Timestamp>, Failure> {
    if organization.version == FIRST {
        return Ok(None);
    }
    let terms = organization.terms().map_err(crate::key::record::StoredRecordError::from)?;
    confirm(ports, &Subject::Org(organization.id.clone()), terms, organization.policy.consistency.lease_ms).await
}

async fn confirm(ports: &Ports, subject: &Subject, terms: Terms, lease_ms: u32) -> Result<Option<Timestamp>, Failure> {
    let (_, coming) = adopt(ports, subject, terms, lease_ms).await.map_err(|cause| Failure::NotYetInForce { cause })?;
    Ok(Some(coming.awaited(ports).await))
}

/// [`finish`] for who only reads: a touch mends what it can, and waits for nothing.
pub async fn catch_up(ports: &Ports, subject: &Subject) {
    if let Ok(Some(change)) = ports.ledger.find_unpublished(subject).await {
        let _ = publish(ports, &change, MAX_TTL_MS).await;
    }
}

/// What the truth holds now is what is published; what it no longer holds was deleted. Guards of what never changed are
/// left to start by themselves.
/// Of a key that is gone nobody knows any more whose it was: leases of it live up to `lease_ms`.
async fn publish(ports: &Ports, change: &Unpublished, lease_ms: u32) -> Result<Option<Coming>, Failure> {
    match &change.subject {
        Subject::Key(id) => match ports.ledger.find_key(id).await? {
            Some(key) if key.version == FIRST => {
                announce_key(ports, &key).await;
                Ok(None)
            }
            Some(key) => {
                let lease_ms = self::lease_ms(ports, &key.org_id).await?;
                publish_key(ports, &key, lease_ms).await.map(Some)
            }
            None => publish_deletion(ports, change, lease_ms).await.map(Some),
        },
        Subject::Org(id) => match ports.ledger.find_org(id).await? {
            Some(organization) if organization.version > FIRST => {
                let lease_ms = organization.policy.consistency.lease_ms;
                publish_org(ports, &organization, lease_ms).await.map(Some)
            }
            Some(_) | None => {
                ports.ledger.note_published(&change.subject, change.version).await?;
                Ok(None)
            }
        },
    }
}

/// How long leases of the organization's keys live.
///
/// # Errors
/// When the truth cannot be read.
pub async fn lease_ms(ports: &Ports, org: &OrgId) -> Result<u32, Outage> {
    let organization = ports.ledger.find_org(org).await?;
    Ok(organization.map_or(MAX_TTL_MS, |organization| organization.policy.consistency.lease_ms))
}

/// Has the guard adopt the terms; the answer is the version that is in force, and from when on. No lease lives longer than
/// the longest may, whatever a guard says whose clock stepped back; and what it says of older terms is not about these.
async fn adopt(ports: &Ports, subject: &Subject, terms: Terms, lease_ms: u32) -> Result<(u64, Coming), Outage> {
    let adopted = terms.version;
    let command = Command::Adopt { terms, lease_ms };
    match retry(ports, async || ports.guards.send(subject, &command, None).await).await? {
        Reply::InForce { version, in_force_at, wait_ms } if version >= adopted => {
            Ok((version, Coming { at: in_force_at, wait_ms: wait_ms.min(longest_wait_ms()) }))
        }
        other => Err(Outage::Guard { cause: format!("answered an adoption with {other:?}") }),
    }
}

async fn retry<T>(ports: &Ports, attempt: impl AsyncFn() -> Result<T, Outage>) -> Result<T, Outage> {
    for pause_ms in PAUSES_MS {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(_) => ports.clock.pause(pause_ms).await,
        }
    }
    attempt().await
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
