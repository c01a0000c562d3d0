//! The states of a key and the steps between them.

use serde::{Deserialize, Serialize};

use super::record::{KeyRecord, RevocationNote};
use crate::base::{actor::Actor, time::Timestamp};

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

/// What a revocation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
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

    /// Revokes the key. An expired key can be revoked too: its expiry might be edited later.
    #[must_use]
    pub fn revoke(self, by: Actor, reason: Option<String>, now: Timestamp) -> Revoked {
        if self.revocation.is_some() {
            return Revoked::Before(self);
        }
        let revocation = Some(RevocationNote { at: now, by, reason });
        Revoked::Now(Self { revocation, version: self.version + 1, updated_at: now, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures;

    #[test]
    fn validity_is_half_open() {
        let end = Timestamp::from_ms(1_900_000_000_000);
        let key = KeyRecord { expires_at: Some(end), ..fixtures::key() };
        assert_eq!(key.status(end.plus_ms(-1)), Status::Active);
        assert_eq!(key.status(end), Status::Expired);
    }

    #[test]
    fn revoking_twice_changes_nothing_the_second_time() {
        let now = Timestamp::from_ms(1_900_000_000_000);
        let Revoked::Now(revoked) = fixtures::key().revoke(Actor::operator(), Some("leaked".into()), now) else { panic!() };
        assert_eq!((revoked.version, revoked.status(now)), (2, Status::Revoked));
        let again = revoked.clone().revoke(Actor::operator(), None, now.plus_ms(5));
        assert_eq!(again, Revoked::Before(revoked));
    }

    #[test]
    fn a_revoked_key_that_expires_stays_revoked() {
        let now = Timestamp::from_ms(1_900_000_000_000);
        let key = KeyRecord { expires_at: Some(now), ..fixtures::key() };
        let Revoked::Now(key) = key.revoke(Actor::operator(), None, now) else { panic!() };
        assert_eq!(key.status(now.plus_ms(1)), Status::Revoked);
    }
}
