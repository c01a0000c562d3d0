//! The states of a key as types: each has the steps that lead out of it, and no others. A step consumes the key.

use serde::{Deserialize, Serialize};

use super::record::{KeyRecord, RevocationNote};
use crate::{
    base::{actor::Actor, time::Timestamp},
    policy::rules::{Policy, Revocation},
};

/// Where a key stands at one instant. A revoked key stays revoked when it also expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It may be used.
    Active,
    /// Somebody ended it.
    Revoked,
    /// Its time is over.
    Expired,
}

impl Status {
    /// Every state, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::Active, Self::Revoked, Self::Expired];

    /// The word for it in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// A step that the key's state does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IllegalTransition {
    /// Only a key that may be used can take this step.
    #[error("the key is {}, only an active one can be {step}", status.as_str())]
    NotActive {
        /// Where it stands.
        status: Status,
        /// What was asked for: edited, rotated …
        step: &'static str,
    },
    /// Only a revoked key can be reactivated.
    #[error("the key is {}, only a revoked one can be reactivated", status.as_str())]
    NotRevoked {
        /// Where it stands.
        status: Status,
    },
    /// The policy makes revocations final.
    #[error("the key is revoked, and the organization's policy makes revocations permanent")]
    Permanent,
    /// Its time ended while it was revoked.
    #[error("the key is revoked and has expired meanwhile; create a new one")]
    ExpiredMeanwhile,
    /// There is no overlap to end.
    #[error("the key is active and no rotation of it is open")]
    NoRotation,
}

/// A key that may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active(pub(super) KeyRecord);

/// A key that somebody ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked(KeyRecord);

/// What a revocation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoking {
    /// The key was not revoked before; this is its next version.
    Now(KeyRecord),
    /// It was; nothing changes.
    Before(KeyRecord),
}

impl KeyRecord {
    /// Where the key stands at `now`. Validity is half-open: at `expires_at` itself it is over.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        match self {
            Self { revocation: Some(_), .. } => Status::Revoked,
            Self { expires_at: Some(end), .. } if now >= *end => Status::Expired,
            _ => Status::Active,
        }
    }

    /// The key as one that may be used, to be `step` (edited, rotated …).
    ///
    /// # Errors
    /// [`IllegalTransition::NotActive`] when it is revoked or expired.
    pub fn into_active(self, now: Timestamp, step: &'static str) -> Result<Active, IllegalTransition> {
        match self.status(now) {
            Status::Active => Ok(Active(self)),
            status => Err(IllegalTransition::NotActive { status, step }),
        }
    }

    /// The key as one that somebody ended.
    ///
    /// # Errors
    /// [`IllegalTransition::NotRevoked`] when nobody did.
    pub fn into_revoked(self, now: Timestamp) -> Result<Revoked, IllegalTransition> {
        match self.status(now) {
            Status::Revoked => Ok(Revoked(self)),
            status => Err(IllegalTransition::NotRevoked { status }),
        }
    }

    /// Revokes the key, whatever its state: revoking is never refused, and once is enough. An expired key can be
    /// revoked too: its expiry might be edited later.
    #[must_use]
    pub fn revoke(self, by: Actor, reason: Option<String>, now: Timestamp) -> Revoking {
        if self.revocation.is_some() {
            return Revoking::Before(self);
        }
        let revocation = Some(Box::new(RevocationNote { at: now, by, reason }));
        Revoking::Now(Self { revocation, ..self }.changed(now))
    }
}

impl Active {
    /// The record, for a step that only reads it.
    #[must_use]
    pub fn record(&self) -> &KeyRecord {
        &self.0
    }
}

impl Revoked {
    /// Brings the key back, where the policy lets it.
    ///
    /// # Errors
    /// [`IllegalTransition::Permanent`], or [`IllegalTransition::ExpiredMeanwhile`].
    pub fn reactivate(self, policy: &Policy, now: Timestamp) -> Result<KeyRecord, IllegalTransition> {
        let Self(key) = self;
        match policy.revocation {
            Revocation::Permanent => Err(IllegalTransition::Permanent),
            Revocation::Reversible if key.expires_at.is_some_and(|end| now >= end) => Err(IllegalTransition::ExpiredMeanwhile),
            Revocation::Reversible => Ok(KeyRecord { revocation: None, ..key }.changed(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures::{self, NOW};
    use serde_json::json;

    fn revoked(key: KeyRecord) -> KeyRecord {
        match key.revoke(Actor::operator(), Some("leaked".into()), NOW) {
            Revoking::Now(key) => key,
            Revoking::Before(_) => panic!("it was revoked before"),
        }
    }

    #[test]
    fn validity_is_half_open() {
        let key = KeyRecord { expires_at: Some(NOW), ..fixtures::key() };
        assert_eq!(key.status(NOW.plus_ms(-1)), Status::Active);
        assert_eq!(key.status(NOW), Status::Expired);
    }

    #[test]
    fn revoking_twice_changes_nothing_the_second_time() {
        let once = revoked(fixtures::key());
        assert_eq!((once.version, once.status(NOW)), (2, Status::Revoked));
        assert_eq!(once.clone().revoke(Actor::operator(), None, NOW.plus_ms(5)), Revoking::Before(once));
    }

    #[test]
    fn a_revoked_key_that_expires_stays_revoked() {
        let key = revoked(KeyRecord { expires_at: Some(NOW), ..fixtures::key() });
        assert_eq!(key.status(NOW.plus_ms(1)), Status::Revoked);
    }

    #[test]
    fn only_reversible_policies_bring_a_key_back_and_only_before_its_end() {
        let reversible = fixtures::policy(json!({"revocation": "reversible"}));
        let back = |key: KeyRecord, policy: &Policy, now| key.into_revoked(now).and_then(|key| key.reactivate(policy, now));
        let key = revoked(fixtures::key());
        let again = back(key.clone(), &reversible, NOW).unwrap();
        assert_eq!((again.version, again.status(NOW), again.revocation), (3, Status::Active, None));
        assert_eq!(back(key, &fixtures::policy(json!({})), NOW), Err(IllegalTransition::Permanent));
        let ended = revoked(KeyRecord { expires_at: Some(NOW.plus_ms(5)), ..fixtures::key() });
        assert_eq!(back(ended, &reversible, NOW.plus_ms(5)), Err(IllegalTransition::ExpiredMeanwhile));
        assert_eq!(back(fixtures::key(), &reversible, NOW), Err(IllegalTransition::NotRevoked { status: Status::Active }));
    }

    #[test]
    fn an_ended_key_takes_no_step_of_an_active_one() {
        assert!(fixtures::key().into_active(NOW, "edited").is_ok());
        let refused = revoked(fixtures::key()).into_active(NOW, "edited").unwrap_err();
        assert_eq!(refused.to_string(), "the key is revoked, only an active one can be edited");
        let expired = KeyRecord { expires_at: Some(NOW), ..fixtures::key() };
        assert!(expired.into_active(NOW, "rotated").unwrap_err().to_string().contains("is expired"));
    }
}
