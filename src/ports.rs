//! What the services need from the outside.
//!
//! Each port has one adapter on the platform and one in memory for tests. Futures are not `Send`: an isolate has one
//! thread.

pub mod docs;
pub mod watch;

use std::{net::IpAddr, rc::Rc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::{entry::AuditEntry, query::AuditQuery},
    authn::{jwks::VerifyingKey, portal::PortalSession},
    base::{
        chance::Entropy,
        id::{IdText, KeyId, OrgId, PortalSessionId},
        time::Timestamp,
    },
    key::{query::KeyQuery, record::KeyRecord},
    limit::guard::{Command, Reply},
    policy::org::Organization,
    token::digest::Digest,
    usage::{
        book::{Contents, Uses},
        count::Counts,
        recent::{Recent, Used},
        report::Report,
        summary::Range,
    },
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
    /// The keys of the identity provider could not be had.
    #[error("the identity provider failed: {cause}")]
    IdentityProvider { cause: String },
    /// The description that an organization publishes of its own API could not be had.
    #[error("a description of an API cannot be had: {cause}")]
    Description { cause: String },
    /// The platform could not check a signature.
    #[error("signatures cannot be checked: {cause}")]
    Signatures { cause: String },
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
    pub fn id(&self) -> IdText {
        match self {
            Self::Key(id) => id.text(),
            Self::Org(id) => id.text(),
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

/// Whether a key was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was, together with its audit entry and its outbox row.
    Done,
    /// A key with that credential is there already.
    DigestTaken,
    /// Its maker has as many temporary keys as are allowed.
    CapReached,
}

/// What must hold when a key is added, checked in the same transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Nothing but that the credential is new.
    Open,
    /// That the maker of the key has fewer active temporary keys than this, at this time.
    FewerTemporary {
        /// How many are allowed.
        max: u32,
        /// At which time.
        now: Timestamp,
    },
}

/// A change that may not be published yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpublished {
    /// Whose.
    pub subject: Subject,
    /// Its version.
    pub version: u64,
    /// Of a deleted key: what has to leave the index.
    pub digests: Vec<Digest>,
}

/// A page of organizations, newest first: at most `limit`, after the one with that time and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgQuery {
    /// Where the page before ended.
    pub after: Option<(Timestamp, String)>,
    /// How many at most.
    pub limit: u32,
}

/// A page of an organization's portal sessions, newest first: at most `limit`, after the one with that time and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionQuery {
    /// Only those of the user with this id.
    pub user: Option<String>,
    /// Where the page before ended.
    pub after: Option<(Timestamp, String)>,
    /// How many at most.
    pub limit: u32,
}

/// The truth. Each change commits with its audit entry and its outbox row, or not at all.
#[async_trait(?Send)]
pub trait Ledger {
    /// The organization of that id.
    async fn find_org(&self, id: &OrgId) -> Result<Option<Organization>, Outage>;
    /// The organizations of a page.
    async fn list_orgs(&self, query: &OrgQuery) -> Result<Vec<Organization>, Outage>;
    /// Adds an organization.
    async fn create_org(&self, organization: &Organization, audit: &AuditEntry) -> Result<(), Outage>;
    /// Replaces the organization if it still has version `read_version`.
    async fn update_org(&self, organization: &Organization, read_version: u64, audit: &AuditEntry) -> Result<Written, Outage>;
    /// The key of that id.
    async fn find_key(&self, id: &KeyId) -> Result<Option<KeyRecord>, Outage>;
    /// The key that has a secret with that digest.
    async fn find_key_by_digest(&self, digest: &Digest) -> Result<Option<KeyRecord>, Outage>;
    /// The key of that id, with what is known of its use.
    async fn find_used_key(&self, id: &KeyId) -> Result<Option<Used>, Outage>;
    /// The keys of a page.
    async fn list_keys(&self, org: &OrgId, query: &KeyQuery) -> Result<Vec<Used>, Outage>;
    /// Adds a key with its secret, if it is admitted.
    async fn create_key(&self, key: &KeyRecord, admission: Admission, audit: &AuditEntry) -> Result<Added, Outage>;
    /// Replaces the key and its secrets if it still has version `read_version`.
    async fn update_key(&self, key: &KeyRecord, read_version: u64, audit: &AuditEntry) -> Result<Written, Outage>;
    /// Removes the key and its secrets if it still has the record's version.
    async fn delete_key(&self, key: &KeyRecord, audit: &AuditEntry) -> Result<Written, Outage>;
    /// Up to `limit` temporary keys that expired before `moment`.
    async fn list_stale_temporary(&self, moment: Timestamp, limit: u32) -> Result<Vec<KeyRecord>, Outage>;
    /// Whether any key has a credential that was issued elsewhere; with a time, whether any that was imported before it.
    async fn has_imports(&self, before: Option<Timestamp>) -> Result<bool, Outage>;
    /// The audit entries of a page, newest first.
    async fn list_audit(&self, org: &OrgId, query: &AuditQuery) -> Result<Vec<AuditEntry>, Outage>;
    /// Up to `limit` subjects with changes that may not be published yet, in any order, each once with its newest.
    async fn list_unpublished(&self, limit: u32) -> Result<Vec<Unpublished>, Outage>;
    /// The newest such change of the subject.
    async fn find_unpublished(&self, subject: &Subject) -> Result<Option<Unpublished>, Outage>;
    /// Notes that the subject is published up to `version`.
    async fn note_published(&self, subject: &Subject, version: u64) -> Result<(), Outage>;
    /// Whether the truth can be reached and has its schema.
    async fn check(&self) -> Result<(), Outage>;
}

/// Some of an organization's keys in the order of what each was asked in a span when it was rolled up, which is no less than
/// what is left of it now: at most `limit`, after the first `skip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusiestQuery {
    /// The span.
    pub range: Range,
    /// Only keys that were rolled up after it.
    pub since: Timestamp,
    /// Where the part before ended.
    pub skip: u32,
    /// How many at most.
    pub limit: u32,
}

/// What guards roll up, in the truth. It is told again until it is kept, so each call may be a repetition.
#[async_trait(?Send)]
pub trait Rolls {
    /// Keeps what is known of the key's use, unless something newer is kept; adds the entries that are not there yet. Of a
    /// key that is gone only the entries are kept.
    async fn note_key(&self, key: &KeyId, org: &OrgId, uses: &Uses, recent: &Recent, entries: &[AuditEntry]) -> Result<(), Outage>;
    /// Keeps all that was ever counted of the organization's keys. Counts only grow.
    async fn note_org(&self, org: &OrgId, totals: &Counts) -> Result<(), Outage>;
    /// Keys by what was asked of them, most first, each with the bound that it is ordered by.
    async fn list_busiest(&self, org: &OrgId, query: &BusiestQuery) -> Result<Vec<(Used, u64)>, Outage>;
    /// Looks at up to `limit` further keys' use, and removes what was rolled up before `moment`.
    async fn purge(&self, moment: Timestamp, limit: u32) -> Result<(), Outage>;
}

/// Portal sessions, in the truth. They are read there on each request and published nowhere, so a change holds at once.
#[async_trait(?Send)]
pub trait Sessions {
    /// Adds a session, with its audit entry.
    async fn create(&self, session: &PortalSession, audit: &AuditEntry) -> Result<(), Outage>;
    /// The session of that id.
    async fn find(&self, id: &PortalSessionId) -> Result<Option<PortalSession>, Outage>;
    /// The session whose link has that digest.
    async fn find_by_link(&self, link: &Digest) -> Result<Option<PortalSession>, Outage>;
    /// The session whose cookie has that digest.
    async fn find_by_cookie(&self, cookie: &Digest) -> Result<Option<PortalSession>, Outage>;
    /// The sessions of a page.
    async fn list(&self, org: &OrgId, query: &SessionQuery) -> Result<Vec<PortalSession>, Outage>;
    /// Replaces the session, with the audit entry of the change, if it still has version `read_version`.
    async fn update(&self, session: &PortalSession, read_version: u64, audit: &AuditEntry) -> Result<Written, Outage>;
    /// Removes up to `limit` sessions that were over before `moment`. Their audit entries stay.
    async fn purge(&self, moment: Timestamp, limit: u32) -> Result<(), Outage>;
}

/// The index that brings records close to the edge. What it says may be stale.
#[async_trait(?Send)]
pub trait Index {
    /// The record filed under that digest.
    async fn find(&self, digest: &Digest) -> Result<Option<KeyRecord>, Outage>;
    /// Files the record under the digest of each of its secrets.
    async fn put(&self, key: &KeyRecord) -> Result<(), Outage>;
    /// Takes whatever is filed under those digests off.
    async fn remove(&self, digests: &[Digest]) -> Result<(), Outage>;
    /// Whether the index can be reached.
    async fn check(&self) -> Result<(), Outage>;
}

/// The guards of all subjects.
#[async_trait(?Send)]
pub trait Guards {
    /// Sends a command to the subject's guard, and what was counted along with it. An answer means that both are kept.
    async fn send(&self, subject: &Subject, command: &Command, report: Option<&Report>) -> Result<Reply, Outage>;
    /// What the subject's guard has in its book.
    async fn read_usage(&self, subject: &Subject) -> Result<Contents, Outage>;
    /// Whether guards can be reached.
    async fn check(&self) -> Result<(), Outage>;
}

/// Something that one address may do only so often, because each time costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flood {
    /// Credentials that are looked up in the truth, because the index does not have them.
    UnknownKeys,
    /// Credentials of the control plane that are not good.
    FailedCredentials,
    /// What the docs of an organization ask for, test tokens among it.
    Docs,
}

/// After how long every count starts anew, in milliseconds: the `period` of `[[ratelimits]]` in `wrangler.toml`.
pub const FLOOD_PERIOD_MS: u64 = 60_000;

/// The counts of floods, per address; of IPv6, per network of a subscriber. They are rough: each place counts for itself.
#[async_trait(?Send)]
pub trait Throttle {
    /// Counts one occurrence, and says whether the address may go on.
    ///
    /// It bounds costs and decides nothing about a key, so there is no failure: what cannot be counted is admitted.
    async fn admits(&self, flood: Flood, address: IpAddr) -> bool;
}

/// A document with the identity provider's keys, kept for when the provider is down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The document, as the provider gave it.
    pub document: String,
    /// The time just before it was asked for.
    pub fetched_at: Timestamp,
}

/// The identity provider's published keys.
#[async_trait(?Send)]
pub trait KeySets {
    /// The document that the provider answers with now. It is text of at most so many bytes and nothing more.
    async fn fetch(&self, url: &str, max_bytes: usize) -> Result<String, Outage>;
    /// The document that was kept last. It may be stale.
    async fn kept(&self, url: &str) -> Result<Option<Kept>, Outage>;
    /// Keeps a document in place of the one before.
    async fn keep(&self, url: &str, kept: &Kept) -> Result<(), Outage>;
}

/// The platform's cryptography.
#[async_trait(?Send)]
pub trait Signatures {
    /// Whether the key's holder made this signature over these bytes. Whatever the platform finds wrong with key or
    /// signature makes it no good; an error means that nothing could be checked.
    async fn is_good(&self, key: &VerifyingKey, signed: &[u8], signature: &[u8]) -> Result<bool, Outage>;
}

/// What is done after the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Ask the subject's guard for another lease, of that life.
    Renew {
        /// Whose.
        subject: Subject,
        /// In milliseconds.
        ttl_ms: u32,
    },
    /// Tell the subject's guard what was spent and counted, once the edge has gone quiet.
    Settle {
        /// Whose.
        subject: Subject,
    },
}

/// What goes on in the background of a request.
pub trait Background {
    /// Does the chore after the answer. It may be lost with the isolate.
    fn later(&self, chore: Chore);
    /// Tells whoever watches over the deployment of something that the answer does not tell.
    fn log(&self, line: &str);
}

/// The clock.
#[async_trait(?Send)]
pub trait Clock {
    /// What time it is. On the platform it stands still between I/O.
    fn now(&self) -> Timestamp;
    /// Waits.
    async fn pause(&self, ms: u32);
}

/// All ports of one request. Clones share them.
#[derive(Clone)]
pub struct Ports {
    /// The truth.
    pub ledger: Rc<dyn Ledger>,
    /// Portal sessions.
    pub sessions: Rc<dyn Sessions>,
    /// What guards roll up.
    pub rolls: Rc<dyn Rolls>,
    /// The index.
    pub index: Rc<dyn Index>,
    /// The guards.
    pub guards: Rc<dyn Guards>,
    /// The counts of floods.
    pub throttle: Rc<dyn Throttle>,
    /// Where points about decisions go.
    pub analytics: Rc<dyn watch::Analytics>,
    /// Counts over all organizations.
    pub gauges: Rc<dyn watch::Gauges>,
    /// Descriptions of organizations' own APIs.
    pub descriptions: Rc<dyn docs::Descriptions>,
    /// The identity provider's keys.
    pub key_sets: Rc<dyn KeySets>,
    /// The platform's cryptography.
    pub signatures: Rc<dyn Signatures>,
    /// What goes on in the background.
    pub background: Rc<dyn Background>,
    /// The clock.
    pub clock: Rc<dyn Clock>,
    /// The random generator.
    pub entropy: Rc<dyn Entropy>,
}
