//! Giving a key a new secret: id, name, permissions, limit and history stay, and for a while both secrets work.

use super::{
    record::{KeyRecord, SecretRecord},
    state::{Active, IllegalTransition},
};
use crate::{
    base::{
        document::{Fault, Faults, Field},
        time::Timestamp,
    },
    token::digest::Digest,
};

const MAX_OVERLAP_SECONDS: u64 = 2_592_000;

/// A second rotation while both secrets of the first one work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rotation is open until {until}; complete it first")]
pub struct RotationInProgress {
    /// When the older secret ends by itself.
    pub until: Timestamp,
}

/// A key with its new secret, and what it no longer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The key's next version.
    pub key: KeyRecord,
    /// Secrets of earlier rotations, over long ago, that left the record.
    pub dropped: Vec<Digest>,
}

/// Reads `{"overlap_seconds": 0..2592000}`. It is required: whether a leaked secret dies now or a deployment gets a
/// month to change over is nothing to assume.
///
/// # Errors
/// Every bad field.
pub fn read_overlap(body: &serde_json::Value) -> Result<u64, Vec<Fault>> {
    let mut faults = Faults::default();
    let overlap = Field::new(body, "").object(&mut faults).and_then(|mut members| {
        let overlap = members.required("overlap_seconds", &mut faults);
        let overlap = overlap.and_then(|field| field.integer(0..=MAX_OVERLAP_SECONDS, &mut faults));
        members.close(&mut faults);
        overlap
    });
    faults.conclude(overlap)
}

impl KeyRecord {
    /// Until when an older secret still works; `None` when no rotation is open.
    #[must_use]
    pub fn overlap_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.secrets.iter().skip(1).filter_map(|secret| secret.expires_at).filter(|end| *end > now).max()
    }
}

impl Active {
    /// Adds `secret`; the one before it works for `overlap_seconds` more, but never beyond the key's own end. It stays in
    /// the record until the next rotation, so that whoever still sends it is told that it has expired.
    ///
    /// # Errors
    /// [`RotationInProgress`] while an overlap is open.
    pub fn rotate(self, secret: SecretRecord, overlap_seconds: u64, now: Timestamp) -> Result<Rotated, RotationInProgress> {
        let Self(key) = self;
        if let Some(until) = key.overlap_until(now) {
            return Err(RotationInProgress { until });
        }
        let overlap_ms = i64::try_from(overlap_seconds).unwrap_or(i64::MAX).saturating_mul(1000);
        let end = now.plus_ms(overlap_ms);
        let end = key.expires_at.map_or(end, |own_end| own_end.min(end));
        let mut before = key.secrets.into_iter();
        let older = before.next().map(|newest| SecretRecord { expires_at: Some(end), ..newest });
        let dropped = before.map(|gone| gone.digest).collect();
        let secrets = std::iter::once(secret).chain(older).collect();
        Ok(Rotated { key: KeyRecord { secrets, ..key }.changed(now), dropped })
    }

    /// Ends the overlap now.
    ///
    /// # Errors
    /// [`IllegalTransition::NoRotation`] when none is open.
    pub fn complete_rotation(self, now: Timestamp) -> Result<KeyRecord, IllegalTransition> {
        let Self(mut key) = self;
        key.overlap_until(now).ok_or(IllegalTransition::NoRotation)?;
        for older in key.secrets.iter_mut().skip(1) {
            older.expires_at = older.expires_at.map(|end| end.min(now));
        }
        Ok(key.changed(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::SecretId;
    use crate::testing::fixtures::{self, NOW};
    use crate::token::format::{Key, KeyPrefix};

    fn secret(seed: u64) -> SecretRecord {
        let prefix = KeyPrefix::parse("rak_live").unwrap();
        let key = Key::generate(&prefix, &crate::testing::chance::Sequence::new(seed)).unwrap();
        let id = SecretId::new(NOW, &crate::testing::chance::Sequence::new(seed)).unwrap();
        SecretRecord::of(id, &key, NOW)
    }

    fn rotate(key: KeyRecord, seed: u64, overlap_seconds: u64, now: Timestamp) -> Result<Rotated, RotationInProgress> {
        key.into_active(now, "rotated").unwrap().rotate(secret(seed), overlap_seconds, now)
    }

    #[test]
    fn the_key_keeps_everything_but_its_newest_secret() {
        let key = fixtures::key();
        let rotated = rotate(key.clone(), 1, 60, NOW).unwrap().key;
        assert_eq!(rotated.prefix(), &*secret(1).prefix, "cut at the right place whatever the prefix");
        assert_eq!(rotated.secrets[1], SecretRecord { expires_at: Some(NOW.plus_ms(60_000)), ..key.secrets[0].clone() });
        let untouched = KeyRecord { secrets: key.secrets.clone(), version: 1, updated_at: key.updated_at, ..rotated };
        assert_eq!(untouched, key);
    }

    #[test]
    fn an_overlap_never_outlives_the_key() {
        let key = KeyRecord { expires_at: Some(NOW.plus_ms(5_000)), ..fixtures::key() };
        assert_eq!(rotate(key, 1, 60, NOW).unwrap().key.secrets[1].expires_at, Some(NOW.plus_ms(5_000)));
    }

    #[test]
    fn no_second_rotation_while_both_secrets_work() {
        let open = rotate(fixtures::key(), 1, 60, NOW).unwrap().key;
        let until = NOW.plus_ms(60_000);
        assert_eq!(rotate(open.clone(), 2, 0, until.plus_ms(-1)), Err(RotationInProgress { until }));
        let again = rotate(open.clone(), 2, 0, until).unwrap();
        assert_eq!(again.key.secrets.len(), 2);
        assert_eq!(again.dropped, [fixtures::key().secrets[0].digest]);
    }

    #[test]
    fn without_an_overlap_the_older_secret_ends_at_once() {
        let key = rotate(fixtures::key(), 1, 0, NOW).unwrap().key;
        assert_eq!((key.secrets[1].expires_at, key.overlap_until(NOW)), (Some(NOW), None));
    }

    fn open_again() -> KeyRecord {
        rotate(fixtures::key(), 1, 60, NOW).unwrap().key
    }

    #[test]
    fn an_overlap_can_be_ended_once() {
        let open = open_again();
        let later = NOW.plus_ms(7);
        let done = open.into_active(later, "completed").unwrap().complete_rotation(later).unwrap();
        assert_eq!(done.secrets[1].expires_at, Some(later));
        assert!(open_again().is_narrowed_by(&done), "an ended overlap takes something away");
        assert_eq!(done.into_active(later, "completed").unwrap().complete_rotation(later), Err(IllegalTransition::NoRotation));
    }
}
