//! What all changes of keys share: whom they are for, the audit entry, the commit, the publication.

use serde_json::Value;

use super::{Changed, find, manageable};
use crate::{
    audit::{
        changes,
        entry::{Action, AuditEntry, Origin, Target},
    },
    base::{id::AuditId, time::Timestamp},
    key::record::KeyRecord,
    policy::org::Organization,
    ports::{Ports, Subject, Written},
    service::{author::Author, failure::Failure, publish},
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
    let id = AuditId::new(now, ports.entropy.as_ref())?;
    Ok(origin.entry(id, key.org_id.clone(), now, action, Target::key(key), changes))
}

/// A change of one key, as a caller asks for it.
pub struct Change<'a> {
    /// The outside.
    pub ports: &'a Ports,
    /// The organization, as its id was written.
    pub org: &'a str,
    /// The key, as its id was written.
    pub key: &'a str,
    /// The versions that the change is meant for; `None` is any.
    pub if_version: Option<&'a [u64]>,
    /// Who asks.
    pub author: Author,
}

/// What a change is made on.
pub(super) struct Loaded {
    pub organization: Organization,
    /// The key, in a version that the caller meant.
    pub key: KeyRecord,
    /// Since when an earlier change is in force that was not, until this call brought it there.
    pub finished_at: Option<Timestamp>,
}

impl Change<'_> {
    /// The organization and the key. A change that is stored but not yet in force is brought into force first: a call
    /// that is repeated after 503 fails until it is.
    pub(super) async fn load(&self) -> Result<Loaded, Failure> {
        let organization = manageable(self.ports, self.org).await?;
        let key = self.load_key(&organization).await?;
        // Whoever acts by this very key was let in by what it was: what others made of it meanwhile is not theirs to undo.
        if self.author.bounds.as_ref().is_some_and(|own| own.key.id == key.id && own.key.version != key.version) {
            return Err(Failure::Conflict);
        }
        let finished_at = publish::finish(self.ports, &Subject::Key(key.id.clone()), organization.policy.consistency.lease_ms).await?;
        let loaded = Loaded { organization, key, finished_at };
        match self.expect_version(&loaded.key) {
            Ok(()) => Ok(loaded),
            // What moved the version on may be this very call, which somebody else still waits for.
            Err(moved_on) => self.in_force(&loaded).await.and(Err(moved_on)),
        }
    }

    /// Waits until the key is in force as it was found, and says since when it is.
    pub(super) async fn in_force(&self, loaded: &Loaded) -> Result<Option<Timestamp>, Failure> {
        match loaded.finished_at {
            Some(at) => Ok(Some(at)),
            None => publish::confirm_key(self.ports, &loaded.key, loaded.organization.policy.consistency.lease_ms).await,
        }
    }

    /// The key, in whatever version it has.
    pub(super) async fn load_key(&self, organization: &Organization) -> Result<KeyRecord, Failure> {
        find(self.ports, &organization.id, self.key).await
    }

    pub(super) fn expect_version(&self, key: &KeyRecord) -> Result<(), Failure> {
        match self.if_version {
            Some(versions) if !versions.contains(&key.version) => Err(Failure::PreconditionFailed { version: key.version }),
            _ => Ok(()),
        }
    }

    /// Commits the key's next record.
    pub(super) async fn commit(&self, before: &KeyRecord, after: &KeyRecord, action: Action, now: Timestamp) -> Result<Written, Failure> {
        let audit = entry(self.ports, action, Some(before), Some(after), self.author.origin.clone(), now)?;
        Ok(self.ports.ledger.update_key(after, before.version, &audit).await?)
    }

    /// Commits and publishes the key's next record.
    pub(super) async fn make(
        &self,
        organization: &Organization,
        before: &KeyRecord,
        after: KeyRecord,
        action: Action,
        now: Timestamp,
    ) -> Result<Changed, Failure> {
        self.won(before, self.commit(before, &after, action, now).await?)?;
        let coming = publish::publish_key(self.ports, &after, organization.policy.consistency.lease_ms).await?;
        let in_force_at = if before.is_narrowed_by(&after) { Some(coming.awaited(self.ports).await) } else { None };
        Ok(Changed { key: after, in_force_at })
    }

    /// Whoever loses a race changed nothing, and is told so.
    pub(super) fn won(&self, before: &KeyRecord, written: Written) -> Result<(), Failure> {
        match written {
            Written::Done => Ok(()),
            Written::LostRace => Err(Failure::lost_race(self.if_version, before.version)),
        }
    }
}
