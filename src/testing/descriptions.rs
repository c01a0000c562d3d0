//! Descriptions of APIs in memory: the same conditions as `storage::d1::descriptions`.

use async_trait::async_trait;

use super::{ledger::MemoryLedger, wire::Call};
use crate::{
    audit::entry::AuditEntry,
    base::id::OrgId,
    ports::{Outage, Written, docs::Descriptions},
    token::digest::Digest,
};

impl MemoryLedger {
    /// What that address answers with from now on.
    pub fn publish_description(&self, url: &str, text: &str) {
        self.state.borrow_mut().published.insert(url.to_owned(), text.to_owned());
    }

    fn upload_of(&self, org: &OrgId) -> Option<String> {
        self.state.borrow().uploads.get(org).cloned()
    }
}

#[async_trait(?Send)]
impl Descriptions for MemoryLedger {
    async fn fetch(&self, url: &str, max_bytes: usize) -> Result<String, Outage> {
        self.wire.pass(Call::FetchDescription, || {
            let text = self.state.borrow().published.get(url).cloned();
            text.filter(|text| text.len() <= max_bytes).ok_or_else(|| Outage::Description { cause: "it is not there".to_owned() })
        })
    }

    async fn find_digest(&self, org: &OrgId) -> Result<Option<Digest>, Outage> {
        self.wire.pass(Call::FindDescription, || Ok(self.upload_of(org).map(|text| Digest::of(&text))))
    }

    async fn find(&self, org: &OrgId) -> Result<Option<String>, Outage> {
        self.wire.pass(Call::FindDescription, || Ok(self.upload_of(org)))
    }

    async fn replace(&self, org: &OrgId, read: Option<&Digest>, text: Option<&str>, audit: &AuditEntry) -> Result<Written, Outage> {
        self.wire.pass(Call::ReplaceDescription, || {
            if self.upload_of(org).map(|text| Digest::of(&text)).as_ref() != read {
                return Ok(Written::LostRace);
            }
            self.note(audit)?;
            let mut state = self.state.borrow_mut();
            match text {
                Some(text) => state.uploads.insert(org.clone(), text.to_owned()),
                None => state.uploads.remove(org),
            };
            Ok(Written::Done)
        })
    }
}
