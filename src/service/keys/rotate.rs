//! Giving a key a new secret.

use serde_json::Value;

use super::{Change, Changed, change::Loaded, revoke::read_nothing};
use crate::{
    audit::entry::Action,
    base::{id::SecretId, secret::Plaintext, time::Timestamp},
    key::{
        record::{KeyRecord, Kind, SecretRecord},
        rotation,
    },
    service::{failure::Failure, publish},
    token::format::Key,
};

/// A rotated key and the only sight of its new secret.
pub struct Rotated {
    /// The key.
    pub key: KeyRecord,
    /// Its new secret.
    pub secret: Plaintext,
    /// From when on the new terms, with the older secret's end, hold everywhere, which may lie ahead; `None` while they are
    /// on their way to their guard.
    pub in_force_at: Option<Timestamp>,
}

/// Adds a secret; the one before it goes on working for the overlap.
///
/// # Errors
/// [`Failure::RotationInProgress`] in an open overlap, [`Failure::Illegal`] for a key that ended, lost races as in an edit.
pub async fn rotate(change: &Change<'_>, body: &Value) -> Result<Rotated, Failure> {
    let overlap_seconds = rotation::read_overlap(body).map_err(Failure::Invalid)?;
    let Loaded { organization, key: before, .. } = change.load().await?;
    if before.kind == Kind::Playground {
        return Err(Failure::PolicyForbids { operation: "rotating a temporary key" });
    }
    // Whoever rotates learns the secret: that is as much as being granted the key.
    change.author.may_grant(&before, None)?;
    let (ports, now) = (change.ports, change.ports.clock.now());
    let active = before.clone().into_active(now, "rotated")?;
    let entropy = ports.entropy.as_ref();
    let new = Key::generate(&organization.policy.key_prefix, entropy)?;
    let secret = SecretRecord::of(SecretId::new(now, entropy)?, &new, now);
    let rotated = active.rotate(secret, overlap_seconds, now)?;
    let key = rotated.key;
    change.won(&before, change.commit(&before, &key, Action::KeyRotated, now).await?)?;
    // The secret is in the truth and works; an answer without it would lose it. What cannot be published now, the cron
    // publishes.
    let coming = publish::publish_key(ports, &key, organization.policy.consistency.lease_ms).await.ok();
    let in_force_at = match coming {
        // The older secret is over now: nobody goes by it when this is answered.
        Some(coming) if overlap_seconds == 0 => Some(coming.awaited(ports).await),
        // It goes on working for a while in any case, and its end is known everywhere from then on.
        Some(coming) => Some(coming.at()),
        None => None,
    };
    let _ = ports.index.remove(&rotated.dropped).await;
    Ok(Rotated { key, secret: new.plaintext().clone(), in_force_at })
}

/// Ends the overlap now: from here on only the newest secret works.
///
/// # Errors
/// [`Failure::Illegal`] when no rotation is open, lost races as in an edit.
pub async fn complete_rotation(change: &Change<'_>, body: Option<&Value>) -> Result<Changed, Failure> {
    read_nothing(body).map_err(Failure::Invalid)?;
    let loaded = change.load().await?;
    let now = change.ports.clock.now();
    let completed = loaded.key.clone().into_active(now, "completed").and_then(|active| active.complete_rotation(now));
    let after = match completed {
        Ok(after) => after,
        // Whoever asks twice is told so no earlier than the first answer comes.
        Err(illegal) => return change.in_force(&loaded).await.and(Err(illegal.into())),
    };
    change.make(&loaded.organization, &loaded.key, after, Action::KeyRotationCompleted, now).await
}
