//! The descriptions that organizations have of their own APIs.

use async_trait::async_trait;

use super::{Outage, Written};
use crate::{audit::entry::AuditEntry, base::id::OrgId, token::digest::Digest};

/// Descriptions: those that were uploaded, and those that are published elsewhere. They are text and nothing more.
#[async_trait(?Send)]
pub trait Descriptions {
    /// What that address answers with, or answered less than a minute ago: at most so many bytes.
    async fn fetch(&self, url: &str, max_bytes: usize) -> Result<String, Outage>;
    /// The digest of what the organization uploaded.
    async fn find_digest(&self, org: &OrgId) -> Result<Option<Digest>, Outage>;
    /// What the organization uploaded.
    async fn find(&self, org: &OrgId) -> Result<Option<String>, Outage>;
    /// Puts another text, or none, in the place of that with this digest, with the audit entry of the change.
    async fn replace(&self, org: &OrgId, read: Option<&Digest>, text: Option<&str>, audit: &AuditEntry) -> Result<Written, Outage>;
}
