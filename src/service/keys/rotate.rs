//! Giving a key a new secret.

use serde_json::Value;

use super::{Changed, change, find_for_change, manageable, revoke::read_nothing};
use crate::{
    audit::entry::{Action, Origin},
    base::{id::SecretId, secret::Plaintext, time::Timestamp},
    key::{
        record::{KeyRecord, Kind, SecretRecord},
        rotation,
    },
    ports::{Ports, Written},
    service::{failure::Failure, publish},
    token::format::Key,
};

/// A rotated key and the only sight of its new secret.
pub struct Rotated {
    /// The key.
    pub key: KeyRecord,
    /// Its new secret.
    pub secret: Plaintext,
    /// Without an overlap: since when the older secret is refused everywhere; `None` while that is still on its way.
    pub in_force_at: Option<Timestamp>,
}

/// Adds a secret; the one before it goes on working for the overlap.
///
/// # Errors
/// [`Failure::RotationInProgress`] in an open overlap, [`Failure::Illegal`] for a key that ended, lost races as in an edit.
pub async fn rotate(
    ports: &Ports,
    org: &str,
    key: &str,
    body: &Value,
    if_version: Option<&[u64]>,
    origin: Origin,
) -> Result<Rotated, Failure> {
    let organization = manageable(ports, org).await?;
    let overlap_seconds = rotation::read_overlap(body).map_err(Failure::Invalid)?;
    let before = find_for_change(ports, &organization.id, key, if_version).await?;
    if before.kind == Kind::Playground {
        return Err(Failure::PolicyForbids { operation: "rotating a temporary key" });
    }
    let now = ports.clock.now();
    let active = before.clone().into_active(now, "rotated")?;
    let entropy = ports.entropy.as_ref();
    let new = Key::generate(&organization.policy.key_prefix, entropy)?;
    let secret = SecretRecord::of(SecretId::new(now, entropy)?, &new, now);
    let rotated = active.rotate(secret, overlap_seconds, now)?;
    let key = rotated.key;
    match change::commit(ports, &before, &key, Action::KeyRotated, origin, now).await? {
        Written::LostRace if if_version.is_some() => return Err(Failure::PreconditionFailed { version: before.version + 1 }),
        Written::LostRace => return Err(Failure::Conflict),
        Written::Done => {}
    }
    // The secret is in the truth and works; an answer without it would lose it. What cannot be published now, the cron
    // publishes.
    let in_force_at = publish::publish_key(ports, &key).await.ok();
    let _ = ports.index.remove(&rotated.dropped).await;
    Ok(Rotated { key, secret: new.plaintext().clone(), in_force_at })
}

/// Ends the overlap now: from here on only the newest secret works.
///
/// # Errors
/// [`Failure::Illegal`] when no rotation is open, lost races as in an edit.
pub async fn complete_rotation(
    ports: &Ports,
    org: &str,
    key: &str,
    body: Option<&Value>,
    if_version: Option<&[u64]>,
    origin: Origin,
) -> Result<Changed, Failure> {
    let organization = manageable(ports, org).await?;
    read_nothing(body).map_err(Failure::Invalid)?;
    let before = find_for_change(ports, &organization.id, key, if_version).await?;
    let now = ports.clock.now();
    let after = before.clone().into_active(now, "completed")?.complete_rotation(now)?;
    let conditional = if_version.is_some();
    let changed = change::commit_and_publish(ports, &before, after.clone(), Action::KeyRotationCompleted, conditional, origin, now).await?;
    Ok(changed)
}
