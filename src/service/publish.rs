//! Bringing a change from the truth into force: to the guard, then to the index, then off the outbox.
//!
//! What is published is the newest record of the truth, whatever change asked for it: publishing twice, late or out of
//! order does no harm, because guards never go back to a lower version.

use crate::{
    base::time::Timestamp,
    key::record::KeyRecord,
    limit::guard::{Command, Reply, Terms},
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

/// Publishes a key and says since when its terms are in force.
///
/// # Errors
/// [`Failure::NotYetInForce`] when guard or index cannot be reached; the outbox row stays, and the cron goes on with it.
pub async fn publish_key(ports: &Ports, key: &KeyRecord) -> Result<Timestamp, Failure> {
    let subject = Subject::Key(key.id.clone());
    let (version, in_force_at) = adopt(ports, &subject, key.terms()?).await.map_err(|cause| Failure::NotYetInForce { cause })?;
    if version > key.version {
        // Somebody published a newer record meanwhile, and files that one.
        let _ = ports.ledger.note_published(&subject, key.version).await;
        return Ok(in_force_at);
    }
    let put = retry(ports, async || ports.index.put(key).await).await;
    put.map_err(|cause| Failure::NotYetInForce { cause })?;
    // A row that cannot be taken off now is taken off by the cron; the change is in force.
    let _ = ports.ledger.note_published(&subject, key.version).await;
    Ok(in_force_at)
}

/// Files a new key in the index. Its guard is left alone: it starts by itself, from the truth, near the first caller.
pub async fn announce_key(ports: &Ports, key: &KeyRecord) {
    // The truth has the key and every miss of the index falls through to it: a failure here delays nothing but a read.
    if ports.index.put(key).await.is_ok() {
        let _ = ports.ledger.note_published(&Subject::Key(key.id.clone()), key.version).await;
    }
}

/// Publishes an organization and says since when its terms are in force.
///
/// # Errors
/// As [`publish_key`].
pub async fn publish_org(ports: &Ports, organization: &Organization) -> Result<Timestamp, Failure> {
    let subject = Subject::Org(organization.id.clone());
    let terms = organization.terms().map_err(crate::key::record::StoredRecordError::from)?;
    let (_, in_force_at) = adopt(ports, &subject, terms).await.map_err(|cause| Failure::NotYetInForce { cause })?;
    let _ = ports.ledger.note_published(&subject, organization.version).await;
    Ok(in_force_at)
}

/// Publishes that a key is gone.
///
/// # Errors
/// As [`publish_key`].
pub async fn publish_deletion(ports: &Ports, deleted: &Unpublished) -> Result<(), Failure> {
    let tombstone = Terms { version: deleted.version, limit: None, record: None };
    adopt(ports, &deleted.subject, tombstone).await.map_err(|cause| Failure::NotYetInForce { cause })?;
    let removed = retry(ports, async || ports.index.remove(&deleted.digests).await).await;
    removed.map_err(|cause| Failure::NotYetInForce { cause })?;
    let _ = ports.ledger.note_published(&deleted.subject, deleted.version).await;
    Ok(())
}

/// Publishes whatever the outbox still holds. Runs each minute; running it at any time is safe.
///
/// # Errors
/// The outage that ended the run. Subjects that could not be published stay in the outbox for the next run.
pub async fn sweep(ports: &Ports) -> Result<(), Failure> {
    let mut unfinished = None;
    for change in ports.ledger.list_unpublished(SWEEP).await? {
        if let Err(failure) = publish(ports, &change).await {
            unfinished = Some(failure);
        }
    }
    unfinished.map_or(Ok(()), Err)
}

/// Publishes the subject if an earlier attempt did not come through, and says since when it is in force then.
///
/// # Errors
/// [`Failure::NotYetInForce`] when it still does not come through.
pub async fn finish(ports: &Ports, subject: &Subject) -> Result<Option<Timestamp>, Failure> {
    match ports.ledger.find_unpublished(subject).await? {
        Some(change) => publish(ports, &change).await,
        None => Ok(None),
    }
}

/// The same for who only reads: a touch mends what it can.
pub async fn catch_up(ports: &Ports, subject: &Subject) {
    let _ = finish(ports, subject).await;
}

/// What the truth holds now is what is published; what it no longer holds was deleted. Guards of what never changed are
/// left to start by themselves.
async fn publish(ports: &Ports, change: &Unpublished) -> Result<Option<Timestamp>, Failure> {
    match &change.subject {
        Subject::Key(id) => match ports.ledger.find_key(id).await? {
            Some(key) if key.version == FIRST => {
                announce_key(ports, &key).await;
                Ok(None)
            }
            Some(key) => publish_key(ports, &key).await.map(Some),
            None => publish_deletion(ports, change).await.map(|()| None),
        },
        Subject::Org(id) => match ports.ledger.find_org(id).await? {
            Some(organization) if organization.version > FIRST => publish_org(ports, &organization).await.map(Some),
            Some(_) | None => {
                ports.ledger.note_published(&change.subject, change.version).await?;
                Ok(None)
            }
        },
    }
}

/// Has the guard adopt the terms; the answer is the version that is in force, and since when.
async fn adopt(ports: &Ports, subject: &Subject, terms: Terms) -> Result<(u64, Timestamp), Outage> {
    let command = Command::Adopt { terms };
    match retry(ports, async || ports.guards.send(subject, &command).await).await? {
        Reply::InForce { version, in_force_at } => Ok((version, in_force_at)),
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
