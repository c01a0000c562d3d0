//! A key as it is stored: in the index near the edge, in its guard, and as rows in the truth.
//!
//! Stored copies carry their format, so that a later release can read what an earlier one wrote.

use std::rc::Rc;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};

use super::metadata::Metadata;
use crate::{
    base::{
        actor::Actor,
        heap,
        id::{KeyId, OrgId, SecretId},
        json,
        time::Timestamp,
    },
    limit::{guard::Terms, rate::RateLimit},
    network::cidr::AddressRange,
    policy::{rules::Consistency, scope::Permission},
    token::{digest::Digest, format::Key},
};

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Made by an admin, for good.
    Standard,
    /// Made for a docs reader, for an hour.
    Playground,
}

impl Kind {
    /// The word for it in the API and in the truth.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Playground => "playground",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Standard, Self::Playground].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One secret of a key; a second one exists only while a rotation overlaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRecord {
    /// Its id.
    pub id: SecretId,
    /// The SHA-256 of the whole credential.
    pub digest: Digest,
    /// What people recognize it by.
    pub prefix: Box<str>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working, if before the key does.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, as far as is known.
    pub last_used_at: Option<Timestamp>,
    /// Whether it was issued elsewhere; then it may have any shape.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub imported: bool,
}

/// When, by whom and why a key was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationNote {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// Why, in the revoker's words.
    pub reason: Option<String>,
}

impl SecretRecord {
    /// What is kept of a newly made credential.
    #[must_use]
    pub fn of(id: SecretId, key: &Key, now: Timestamp) -> Self {
        Self {
            id,
            digest: key.digest(),
            prefix: key.display_prefix().into(),
            created_at: now,
            expires_at: None,
            last_used_at: None,
            imported: false,
        }
    }
}

/// A key. Isolates hold many: its members have no room to grow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KeyRecord {
    /// Its id.
    pub id: KeyId,
    /// Whose it is.
    pub org_id: OrgId,
    /// What people call it.
    pub name: Box<str>,
    /// What it is for.
    pub kind: Kind,
    /// What it was granted; counts only as far as the organization's catalog still offers it.
    pub permissions: Rc<Vec<Permission>>,
    /// Whether it may act for a named user.
    pub can_impersonate: bool,
    /// Its rate; `None` is no limit.
    pub rate_limit: Option<RateLimit>,
    /// Where it may be used from; empty is anywhere.
    pub ip_allowlist: Box<[AddressRange]>,
    /// The instant at which it is no longer valid.
    pub expires_at: Option<Timestamp>,
    /// The organization's own notes, an object of at most 4 KiB.
    pub metadata: Metadata,
    /// Whether edges may decide alone.
    pub consistency: Consistency,
    /// Grows by one with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Rc<Actor>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Set while it is revoked.
    pub revocation: Option<Box<RevocationNote>>,
    /// When it was last used, as far as is known.
    pub last_used_at: Option<Timestamp>,
    /// Its secrets, newest first; at least one.
    pub secrets: Box<[SecretRecord]>,
}

/// The format that [`KeyRecord::to_stored`] writes.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    format: u32,
    key: T,
}

/// What every release can read of a stored record.
#[derive(Deserialize)]
struct Labeled {
    format: u32,
}

/// A stored record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredRecordError {
    /// Written by a release that this one does not know.
    #[error("the stored key record has format {0}, this release reads up to {FORMAT}")]
    Format(u32),
    /// Not a record at all.
    #[error("the stored key record is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
}

impl Serialize for KeyRecord {
    /// As it is stored: the prefix of the newest secret is the key's, too.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut stored = serializer.serialize_struct("KeyRecord", 19)?;
        stored.serialize_field("id", &self.id)?;
        stored.serialize_field("org_id", &self.org_id)?;
        stored.serialize_field("name", &self.name)?;
        stored.serialize_field("prefix", self.prefix())?;
        stored.serialize_field("kind", &self.kind)?;
        stored.serialize_field("permissions", &self.permissions)?;
        stored.serialize_field("can_impersonate", &self.can_impersonate)?;
        stored.serialize_field("rate_limit", &self.rate_limit)?;
        stored.serialize_field("ip_allowlist", &self.ip_allowlist)?;
        stored.serialize_field("expires_at", &self.expires_at)?;
        stored.serialize_field("metadata", &self.metadata)?;
        stored.serialize_field("consistency", &self.consistency)?;
        stored.serialize_field("version", &self.version)?;
        stored.serialize_field("created_at", &self.created_at)?;
        stored.serialize_field("created_by", &self.created_by)?;
        stored.serialize_field("updated_at", &self.updated_at)?;
        stored.serialize_field("revocation", &self.revocation)?;
        stored.serialize_field("last_used_at", &self.last_used_at)?;
        stored.serialize_field("secrets", &self.secrets)?;
        stored.end()
    }
}

impl KeyRecord {
    /// The record as text for index and guard.
    ///
    /// # Errors
    /// When the record cannot be written as JSON, which its type rules out.
    pub fn to_stored(&self) -> Result<String, StoredRecordError> {
        Ok(serde_json::to_string(&Stored { format: FORMAT, key: self })?)
    }

    /// Reads what [`KeyRecord::to_stored`] wrote.
    ///
    /// # Errors
    /// [`StoredRecordError`] when the text is damaged or newer than this release.
    pub fn from_stored(text: &str) -> Result<Self, StoredRecordError> {
        // A record of another format need not be readable as one of this.
        let Labeled { format } = json::read(text)?;
        if format != FORMAT {
            return Err(StoredRecordError::Format(format));
        }
        Ok(json::read::<Stored<Self>>(text)?.key)
    }

    /// What people recognize its newest secret by.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.secrets.first().map_or("", |newest| &newest.prefix)
    }

    /// The secret whose digest this is.
    #[must_use]
    pub fn secret(&self, digest: &Digest) -> Option<&SecretRecord> {
        self.secrets.iter().find(|secret| secret.digest == *digest)
    }

    /// How many bytes of memory it takes by itself. What it shares with other records is not its own.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let prefixes: usize = self.secrets.iter().map(|secret| heap::block(secret.prefix.len())).sum();
        let secrets = heap::block(size_of_val(self.secrets.as_ref())) + prefixes;
        let revocation = self.revocation.as_ref().map_or(0, |note| {
            let by = heap::block(note.by.id.len()) + heap::block(note.by.name.len());
            heap::block(size_of::<RevocationNote>()) + by + note.reason.as_ref().map_or(0, |reason| heap::block(reason.len()))
        });
        let texts = heap::block(self.name.len()) + heap::block(self.metadata.bytes());
        heap::shared::<Self>() + texts + heap::block(size_of_val(self.ip_allowlist.as_ref())) + secrets + revocation
    }

    /// What the key's guard holds.
    ///
    /// # Errors
    /// As [`KeyRecord::to_stored`].
    pub fn terms(&self) -> Result<Terms, StoredRecordError> {
        Ok(Terms { version: self.version, limit: self.rate_limit, record: Some(self.to_stored()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures;

    #[test]
    fn stored_bytes_are_these() {
        let record = fixtures::key();
        let stored = include_str!("../../tests/vectors/key_record.json").trim_end();
        assert_eq!(record.to_stored().unwrap(), stored);
        assert_eq!(KeyRecord::from_stored(stored).unwrap(), record);
    }

    #[test]
    fn a_newer_format_is_refused_by_name() {
        let stored = fixtures::key().to_stored().unwrap().replacen("\"format\":1", "\"format\":2", 1);
        assert!(matches!(KeyRecord::from_stored(&stored), Err(StoredRecordError::Format(2))));
        assert!(matches!(KeyRecord::from_stored(r#"{"format":2,"key":[]}"#), Err(StoredRecordError::Format(2))), "whatever it looks like");
        assert!(matches!(KeyRecord::from_stored("{}"), Err(StoredRecordError::Damaged(_))));
    }
}
