//! The truth in memory: the same conditions and the same all-or-nothing as the batches of `storage::d1`.

use std::{cell::RefCell, rc::Rc};

use async_trait::async_trait;

use super::{
    page,
    wire::{Call, Wire},
};
use crate::{
    audit::{entry::AuditEntry, query::AuditQuery},
    base::id::{KeyId, OrgId},
    key::{query::KeyQuery, record::KeyRecord},
    policy::org::Organization,
    ports::{Ledger, Outage, Subject, Written},
    token::digest::Digest,
};

#[derive(Default)]
struct State {
    orgs: Vec<Organization>,
    keys: Vec<KeyRecord>,
    audit: Vec<AuditEntry>,
    outbox: Vec<(Subject, u64)>,
}

/// The truth. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryLedger {
    wire: Wire,
    state: Rc<RefCell<State>>,
}

impl MemoryLedger {
    pub fn new(wire: Wire) -> Self {
        Self { wire, ..Self::default() }
    }

    /// The organization, as if it had always been there and been published.
    pub fn set_org(&self, organization: Organization) {
        let mut state = self.state.borrow_mut();
        state.orgs.retain(|org| org.id != organization.id);
        state.orgs.push(organization);
    }

    /// The key, as if it had always been there and been published.
    pub fn set_key(&self, key: KeyRecord) {
        let mut state = self.state.borrow_mut();
        state.keys.retain(|known| known.id != key.id);
        state.keys.push(key);
    }

    /// A change that somebody else makes: the key's version moves on, nothing else does.
    pub fn touch(&self, id: &KeyId) {
        let mut state = self.state.borrow_mut();
        state.keys.iter_mut().filter(|key| key.id == *id).for_each(|key| key.version += 1);
    }

    /// The key is gone, its outbox rows are not.
    pub fn remove_key(&self, id: &KeyId) {
        self.state.borrow_mut().keys.retain(|key| key.id != *id);
    }

    /// The key as it is stored, without a call.
    pub fn key(&self, id: &KeyId) -> Option<KeyRecord> {
        self.state.borrow().keys.iter().find(|key| key.id == *id).cloned()
    }

    pub fn audit(&self) -> Vec<AuditEntry> {
        self.state.borrow().audit.clone()
    }

    pub fn outbox(&self) -> Vec<(Subject, u64)> {
        self.state.borrow().outbox.clone()
    }
}

/// A constraint of the schema: a batch that breaks one changes nothing.
fn unless(broken: bool, cause: &str) -> Result<(), Outage> {
    if broken { Err(Outage::Ledger { cause: cause.to_owned() }) } else { Ok(()) }
}

impl State {
    fn record(&mut self, subject: Subject, version: u64, audit: &AuditEntry) {
        self.audit.push(audit.clone());
        self.outbox.push((subject, version));
    }

    fn check_entry(&self, audit: &AuditEntry) -> Result<(), Outage> {
        unless(audit.org_id.is_none(), "an audit entry without an organization")?;
        unless(self.audit.iter().any(|entry| entry.id == audit.id), "UNIQUE constraint failed: audit.id")
    }
}

#[async_trait(?Send)]
impl Ledger for MemoryLedger {
    async fn find_org(&self, id: &OrgId) -> Result<Option<Organization>, Outage> {
        self.wire.pass(Call::FindOrg, || Ok(self.state.borrow().orgs.iter().find(|org| org.id == *id).cloned()))
    }

    async fn create_org(&self, organization: &Organization, audit: &AuditEntry) -> Result<(), Outage> {
        self.wire.pass(Call::CreateOrg, || {
            let mut state = self.state.borrow_mut();
            unless(state.orgs.iter().any(|org| org.id == organization.id), "UNIQUE constraint failed: organizations.id")?;
            state.check_entry(audit)?;
            state.orgs.push(organization.clone());
            state.record(Subject::Org(organization.id.clone()), organization.version, audit);
            Ok(())
        })
    }

    async fn find_key(&self, id: &KeyId) -> Result<Option<KeyRecord>, Outage> {
        self.wire.pass(Call::FindKey, || Ok(self.key(id)))
    }

    async fn find_key_by_digest(&self, digest: &Digest) -> Result<Option<KeyRecord>, Outage> {
        self.wire.pass(Call::FindKeyByDigest, || Ok(self.state.borrow().keys.iter().find(|key| key.secret(digest).is_some()).cloned()))
    }

    async fn list_keys(&self, org: &OrgId, query: &KeyQuery) -> Result<Vec<KeyRecord>, Outage> {
        self.wire.pass(Call::ListKeys, || Ok(page::of(&self.state.borrow().keys, org, query)))
    }

    async fn create_key(&self, key: &KeyRecord, audit: &AuditEntry) -> Result<(), Outage> {
        self.wire.pass(Call::CreateKey, || {
            let mut state = self.state.borrow_mut();
            unless(state.orgs.iter().all(|org| org.id != key.org_id), "FOREIGN KEY constraint failed: keys.org_id")?;
            unless(state.keys.iter().any(|known| known.id == key.id), "UNIQUE constraint failed: keys.id")?;
            let taken = key.secrets.iter().any(|secret| state.keys.iter().any(|known| known.secret(&secret.digest).is_some()));
            unless(taken, "UNIQUE constraint failed: secrets.sha256")?;
            state.check_entry(audit)?;
            state.keys.push(key.clone());
            state.record(Subject::Key(key.id.clone()), key.version, audit);
            Ok(())
        })
    }

    async fn update_key(&self, key: &KeyRecord, read_version: u64, audit: &AuditEntry) -> Result<Written, Outage> {
        self.wire.pass(Call::UpdateKey, || {
            let mut state = self.state.borrow_mut();
            state.check_entry(audit)?;
            let Some(stored) = state.keys.iter_mut().find(|known| known.id == key.id && known.version == read_version) else {
                return Ok(Written::LostRace);
            };
            *stored = key.clone();
            state.record(Subject::Key(key.id.clone()), key.version, audit);
            Ok(Written::Done)
        })
    }

    async fn list_audit(&self, org: &OrgId, query: &AuditQuery) -> Result<Vec<AuditEntry>, Outage> {
        self.wire.pass(Call::ListAudit, || Ok(page::of_audit(&self.state.borrow().audit, org, query)))
    }

    async fn list_unpublished(&self, limit: u32) -> Result<Vec<Subject>, Outage> {
        self.wire.pass(Call::ListUnpublished, || {
            let mut subjects: Vec<Subject> = Vec::new();
            for (subject, _) in &self.state.borrow().outbox {
                if !subjects.contains(subject) {
                    subjects.push(subject.clone());
                }
            }
            subjects.truncate(limit as usize);
            Ok(subjects)
        })
    }

    async fn is_unpublished(&self, subject: &Subject) -> Result<bool, Outage> {
        self.wire.pass(Call::IsUnpublished, || Ok(self.state.borrow().outbox.iter().any(|(row, _)| row == subject)))
    }

    async fn note_published(&self, subject: &Subject, version: u64) -> Result<(), Outage> {
        self.wire.pass(Call::NotePublished, || {
            self.state.borrow_mut().outbox.retain(|(row, of_version)| row != subject || *of_version > version);
            Ok(())
        })
    }

    async fn check(&self) -> Result<(), Outage> {
        self.wire.pass(Call::CheckLedger, || Ok(()))
    }
}
