//! The truth in memory: the same conditions and the same all-or-nothing as the batches of `storage::d1`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use async_trait::async_trait;

use super::{
    page,
    wire::{Call, Wire},
};
use crate::{
    audit::{entry::AuditEntry, query::AuditQuery},
    base::{
        id::{KeyId, OrgId},
        time::Timestamp,
    },
    key::{
        query::KeyQuery,
        record::{KeyRecord, Kind, SecretRecord},
        state::Status,
    },
    policy::org::Organization,
    ports::{Added, Admission, Ledger, OrgQuery, Outage, Subject, Unpublished, Written},
    token::digest::Digest,
    usage::recent::{Recent, Used},
};

#[derive(Default)]
pub(super) struct State {
    orgs: Vec<Organization>,
    pub(super) keys: Vec<KeyRecord>,
    pub(super) audit: Vec<AuditEntry>,
    outbox: Vec<Unpublished>,
    pub(super) recent: HashMap<KeyId, Recent>,
    pub(super) totals: HashMap<OrgId, BTreeMap<String, u64>>,
    pub(super) uploads: HashMap<OrgId, String>,
    pub(super) published: HashMap<String, String>,
}

/// The truth. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryLedger {
    pub(super) wire: Wire,
    pub(super) state: Rc<RefCell<State>>,
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

    /// An entry whose change another port makes in the same transaction.
    pub fn note(&self, audit: &AuditEntry) -> Result<(), Outage> {
        self.state.borrow().check_entry(audit)?;
        self.state.borrow_mut().audit.push(audit.clone());
        Ok(())
    }

    /// The key is gone, its outbox rows are not.
    pub fn remove_key(&self, id: &KeyId) {
        self.state.borrow_mut().keys.retain(|key| key.id != *id);
    }

    /// The key as it is stored, without a call.
    pub fn key(&self, id: &KeyId) -> Option<KeyRecord> {
        self.state.borrow().keys.iter().find(|key| key.id == *id).cloned()
    }

    /// The key with what is known of its use, without a call.
    pub fn used(&self, key: KeyRecord) -> Used {
        let recent = self.state.borrow().recent.get(&key.id).cloned();
        Used { key, recent }
    }

    pub fn audit(&self) -> Vec<AuditEntry> {
        self.state.borrow().audit.clone()
    }

    pub fn outbox(&self) -> Vec<(Subject, u64)> {
        self.state.borrow().outbox.iter().map(|row| (row.subject.clone(), row.version)).collect()
    }
}

/// A constraint of the schema: a batch that breaks one changes nothing.
fn unless(broken: bool, cause: &str) -> Result<(), Outage> {
    if broken { Err(Outage::Ledger { cause: cause.to_owned() }) } else { Ok(()) }
}

impl State {
    fn record(&mut self, subject: Subject, version: u64, digests: Vec<Digest>, audit: &AuditEntry) {
        self.audit.push(audit.clone());
        self.outbox.push(Unpublished { subject, version, digests });
    }

    /// Active temporary keys of the maker of `key`.
    fn count_temporary(&self, key: &KeyRecord, now: Timestamp) -> usize {
        let same = |known: &&KeyRecord| {
            known.org_id == key.org_id
                && known.kind == Kind::Playground
                && (known.created_by.kind, &known.created_by.id) == (key.created_by.kind, &key.created_by.id)
                && known.status(now) == Status::Active
        };
        self.keys.iter().filter(same).count()
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

    async fn list_orgs(&self, query: &OrgQuery) -> Result<Vec<Organization>, Outage> {
        self.wire.pass(Call::ListOrgs, || Ok(page::of_orgs(&self.state.borrow().orgs, query)))
    }

    async fn create_org(&self, organization: &Organization, audit: &AuditEntry) -> Result<(), Outage> {
        self.wire.pass(Call::CreateOrg, || {
            let mut state = self.state.borrow_mut();
            unless(state.orgs.iter().any(|org| org.id == organization.id), "UNIQUE constraint failed: organizations.id")?;
            state.check_entry(audit)?;
            state.orgs.push(organization.clone());
            state.record(Subject::Org(organization.id.clone()), organization.version, Vec::new(), audit);
            Ok(())
        })
    }

    async fn update_org(&self, organization: &Organization, read_version: u64, audit: &AuditEntry) -> Result<Written, Outage> {
        self.wire.pass(Call::UpdateOrg, || {
            let mut state = self.state.borrow_mut();
            state.check_entry(audit)?;
            let Some(stored) = state.orgs.iter_mut().find(|known| known.id == organization.id && known.version == read_version) else {
                return Ok(Written::LostRace);
            };
            *stored = organization.clone();
            state.record(Subject::Org(organization.id.clone()), organization.version, Vec::new(), audit);
            Ok(Written::Done)
        })
    }

    async fn find_key(&self, id: &KeyId) -> Result<Option<KeyRecord>, Outage> {
        self.wire.pass(Call::FindKey, || Ok(self.key(id)))
    }

    async fn find_key_by_digest(&self, digest: &Digest) -> Result<Option<KeyRecord>, Outage> {
        self.wire.pass(Call::FindKeyByDigest, || Ok(self.state.borrow().keys.iter().find(|key| key.secret(digest).is_some()).cloned()))
    }

    async fn find_used_key(&self, id: &KeyId) -> Result<Option<Used>, Outage> {
        self.wire.pass(Call::FindKey, || Ok(self.key(id).map(|key| self.used(key))))
    }

    async fn list_keys(&self, org: &OrgId, query: &KeyQuery) -> Result<Vec<Used>, Outage> {
        self.wire.pass(Call::ListKeys, || {
            let page = page::of(&self.state.borrow().keys, org, query);
            Ok(page.into_iter().map(|key| self.used(key)).collect())
        })
    }

    async fn create_key(&self, key: &KeyRecord, admission: Admission, audit: &AuditEntry) -> Result<Added, Outage> {
        self.wire.pass(Call::CreateKey, || {
            let mut state = self.state.borrow_mut();
            unless(state.orgs.iter().all(|org| org.id != key.org_id), "FOREIGN KEY constraint failed: keys.org_id")?;
            unless(state.keys.iter().any(|known| known.id == key.id), "UNIQUE constraint failed: keys.id")?;
            if key.secrets.iter().any(|secret| state.keys.iter().any(|known| known.secret(&secret.digest).is_some())) {
                return Ok(Added::DigestTaken);
            }
            if let Admission::FewerTemporary { max, now } = admission
                && state.count_temporary(key, now) >= max as usize
            {
                return Ok(Added::CapReached);
            }
            state.check_entry(audit)?;
            state.keys.push(key.clone());
            state.record(Subject::Key(key.id.clone()), key.version, Vec::new(), audit);
            Ok(Added::Done)
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
            state.record(Subject::Key(key.id.clone()), key.version, Vec::new(), audit);
            Ok(Written::Done)
        })
    }

    async fn delete_key(&self, key: &KeyRecord, audit: &AuditEntry) -> Result<Written, Outage> {
        self.wire.pass(Call::DeleteKey, || {
            let mut state = self.state.borrow_mut();
            state.check_entry(audit)?;
            let Some(at) = state.keys.iter().position(|known| known.id == key.id && known.version == key.version) else {
                return Ok(Written::LostRace);
            };
            let gone = state.keys.remove(at);
            state.recent.remove(&gone.id);
            let digests = gone.secrets.iter().map(|secret| secret.digest).collect();
            state.record(Subject::Key(gone.id.clone()), gone.version + 1, digests, audit);
            Ok(Written::Done)
        })
    }

    async fn list_stale_temporary(&self, moment: Timestamp, limit: u32) -> Result<Vec<KeyRecord>, Outage> {
        self.wire.pass(Call::ListStaleTemporary, || {
            let state = self.state.borrow();
            let stale = state.keys.iter().filter(|key| key.kind == Kind::Playground && key.expires_at.is_some_and(|end| end < moment));
            Ok(stale.take(limit as usize).cloned().collect())
        })
    }

    async fn has_imports(&self, before: Option<Timestamp>) -> Result<bool, Outage> {
        let counts = |secret: &SecretRecord| secret.imported && before.is_none_or(|moment| secret.created_at < moment);
        self.wire.pass(Call::HasImports, || Ok(self.state.borrow().keys.iter().any(|key| key.secrets.iter().any(counts))))
    }

    async fn list_audit(&self, org: &OrgId, query: &AuditQuery) -> Result<Vec<AuditEntry>, Outage> {
        self.wire.pass(Call::ListAudit, || Ok(page::of_audit(&self.state.borrow().audit, org, query)))
    }

    async fn list_unpublished(&self, limit: u32) -> Result<Vec<Unpublished>, Outage> {
        self.wire.pass(Call::ListUnpublished, || {
            let state = self.state.borrow();
            let newest = state
                .outbox
                .iter()
                .filter(|row| !state.outbox.iter().any(|other| other.subject == row.subject && other.version > row.version));
            Ok(newest.take(limit as usize).cloned().collect())
        })
    }

    async fn find_unpublished(&self, subject: &Subject) -> Result<Option<Unpublished>, Outage> {
        self.wire.pass(Call::FindUnpublished, || {
            let state = self.state.borrow();
            Ok(state.outbox.iter().filter(|row| row.subject == *subject).max_by_key(|row| row.version).cloned())
        })
    }

    async fn note_published(&self, subject: &Subject, version: u64) -> Result<(), Outage> {
        self.wire.pass(Call::NotePublished, || {
            self.state.borrow_mut().outbox.retain(|row| row.subject != *subject || row.version > version);
            Ok(())
        })
    }

    async fn check(&self) -> Result<(), Outage> {
        self.wire.pass(Call::CheckLedger, || Ok(()))
    }
}
