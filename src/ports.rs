//! What the services need from the outside.
//!
//! Each port has one adapter on the platform and one in memory for tests. Futures are not `Send`: an isolate has one
//! thread.

use async_trait::async_trait;

use crate::{
    audit::{entry::AuditEntry, query::AuditQuery},
    base::{
        chance::Entropy,
        id::{KeyId, OrgId},
        time::Timestamp,
    },
    key::{query::KeyQuery, record::KeyRecord},
    limit::guard::{Command, Reply},
    policy::org::Organization,
    token::digest::Digest,
};

/// Something outside did not do its part. The cause is for the log, never for an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentence of each variant names its fields")]
pub enum Outage {
    /// The truth could not be read or written.
    #[error("the ledger failed: {cause}")]
    Ledger { cause: String },
    /// The index near the edge could not be read or written.
    #[error("the index failed: {cause}")]
    Index { cause: String },
    /// A guard did not answer, or not what guards answer.
    #[error("the guard failed: {cause}")]
    Guard { cause: String },
    /// The platform's random generator failed.
    #[error(transparent)]
    Entropy(#[from] crate::base::chance::NoEntropy),
    /// A setting is missing or cannot be read.
    #[error("the deployment is not configured: {cause}")]
    Configuration { cause: String },
}

/// Something that has a guard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A key.
    Key(KeyId),
    /// An organization.
    Org(OrgId),
}

impl Subject {
    /// Its id, which is also the name of its guard.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Key(id) => id.as_str(),
            Self::Org(id) => id.as_str(),
        }
    }
}

/// Whether a change was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was, together with its audit entry and its outbox row.
    Done,
    /// The record had moved on from the version that the change was made on; nothing was written.
    LostRace,
}

/// The truth. Each change commits with its audit entry and its outbox row, or not at all.
#[async_trait(?Send)]
pub trait Ledger {
    /// The organization of that id.
    async fn find_org(&self, id: &OrgId) -> Result<Option<Organization>, Outage>;
    /// Adds an organization.
    async fn create_org(&self, organization: &Organization, audit: &AuditEntry) -> Result<(), Outage>;
    /// The key of that id.
    async fn find_key(&self, id: &KeyId) -> Result<Option<KeyRecord>, Outage>;
    /// The key that has a secret with that digest.
    async fn find_key_by_digest(&self, digest: &Digest) -> Result<Option<KeyRecord>, Outage>;
    /// The keys of a page.
    async fn list_keys(&self, org: &OrgId, query: &KeyQuery) -> Result<Vec<KeyRecord>, Outage>;
    /// Adds a key with its secret.
    async fn create_key(&self, key: &KeyRecord, audit: &AuditEntry) -> Result<(), Outage>;
    /// Replaces the key if it still has version `read_version`.
    async fn update_key(&self, key: &KeyRecord, read_version: u64, audit: &AuditEntry) -> Result<Written, Outage>;
    /// The audit entries of a page, newest first.
    async fn list_audit(&self, org: &OrgId, query: &AuditQuery) -> Result<Vec<AuditEntry>, Outage>;
    /// Up to `limit` subjects with changes that may not be published yet, oldest first.
    async fn list_unpublished(&self, limit: u32) -> Result<Vec<Subject>, Outage>;
    /// Whether the subject has such a change.
    async fn is_unpublished(&self, subject: &Subject) -> Result<bool, Outage>;
    /// Notes that the subject is published up to `version`.
    async fn note_published(&self, subject: &Subject, version: u64) -> Result<(), Outage>;
    /// Whether the truth can be reached and has its schema.
    async fn check(&self) -> Result<(), Outage>;
}

/// The index that brings records close to the edge. What it says may be stale.
#[async_trait(?Send)]
pub trait Index {
    /// The record filed under that digest.
    async fn find(&self, digest: &Digest) -> Result<Option<KeyRecord>, Outage>;
    /// Files the record under the digest of each of its secrets.
    async fn put(&self, key: &KeyRecord) -> Result<(), Outage>;
    /// Whether the index can be reached.
    async fn check(&self) -> Result<(), Outage>;
}

/// The guards of all subjects.
#[async_trait(?Send)]
pub trait Guards {
    /// Sends a command to the subject's guard.
    async fn send(&self, subject: &Subject, command: &Command) -> Result<Reply, Outage>;
    /// Whether guards can be reached.
    async fn check(&self) -> Result<(), Outage>;
}

/// The clock.
#[async_trait(?Send)]
pub trait Clock {
    /// What time it is. On the platform it stands still between I/O.
    fn now(&self) -> Timestamp;
    /// Waits.
    async fn pause(&self, ms: u32);
}

/// All ports of one request.
pub struct Ports {
    /// The truth.
    pub ledger: Box<dyn Ledger>,
    /// The index.
    pub index: Box<dyn Index>,
    /// The guards.
    pub guards: Box<dyn Guards>,
    /// The clock.
    pub clock: Box<dyn Clock>,
    /// The random generator.
    pub entropy: Box<dyn Entropy>,
}
