//! Portal sessions in memory: the same conditions and the same all-or-nothing as the batches of `storage::d1`.

use std::{cell::RefCell, rc::Rc};

use async_trait::async_trait;

use super::{
    ledger::MemoryLedger,
    wire::{Call, Wire},
};
use crate::{
    audit::entry::AuditEntry,
    authn::portal::PortalSession,
    base::{
        id::{OrgId, PortalSessionId},
        time::Timestamp,
    },
    ports::{Outage, SessionQuery, Sessions, Written},
    token::digest::Digest,
};

/// The sessions. Clones share them; audit entries go to the ledger's log.
#[derive(Clone)]
pub struct MemorySessions {
    wire: Wire,
    ledger: MemoryLedger,
    rows: Rc<RefCell<Vec<PortalSession>>>,
}

impl MemorySessions {
    pub fn new(wire: Wire, ledger: MemoryLedger) -> Self {
        Self { wire, ledger, rows: Rc::default() }
    }

    /// The sessions as they are stored, without a call.
    pub fn rows(&self) -> Vec<PortalSession> {
        self.rows.borrow().clone()
    }

    /// A change that somebody else makes.
    pub fn change(&self, id: &PortalSessionId, change: impl Fn(PortalSession) -> PortalSession) {
        let mut rows = self.rows.borrow_mut();
        rows.iter_mut().filter(|row| row.id == *id).for_each(|row| *row = change(row.clone()));
    }

    fn find_where(&self, which: impl Fn(&PortalSession) -> bool) -> Result<Option<PortalSession>, Outage> {
        self.wire.pass(Call::FindSession, || Ok(self.rows.borrow().iter().find(|row| which(row)).cloned()))
    }
}

#[async_trait(?Send)]
impl Sessions for MemorySessions {
    async fn create(&self, session: &PortalSession, audit: &AuditEntry) -> Result<(), Outage> {
        self.wire.pass(Call::CreateSession, || {
            self.ledger.note(audit)?;
            self.rows.borrow_mut().push(session.clone());
            Ok(())
        })
    }

    async fn find(&self, id: &PortalSessionId) -> Result<Option<PortalSession>, Outage> {
        self.find_where(|row| row.id == *id)
    }

    async fn find_by_link(&self, link: &Digest) -> Result<Option<PortalSession>, Outage> {
        self.find_where(|row| row.link == *link)
    }

    async fn find_by_cookie(&self, cookie: &Digest) -> Result<Option<PortalSession>, Outage> {
        self.find_where(|row| row.cookie == Some(*cookie))
    }

    async fn list(&self, org: &OrgId, query: &SessionQuery) -> Result<Vec<PortalSession>, Outage> {
        self.wire.pass(Call::ListSessions, || {
            let place = |row: &PortalSession| (row.created_at, row.id.to_string());
            let shown = |row: &&PortalSession| {
                row.org_id == *org
                    && query.user.as_ref().is_none_or(|user| row.user.id == *user)
                    && query.after.as_ref().is_none_or(|after| place(row) < *after)
            };
            let mut page: Vec<PortalSession> = self.rows.borrow().iter().filter(shown).cloned().collect();
            page.sort_by_key(|row| std::cmp::Reverse(place(row)));
            page.truncate(query.limit as usize);
            Ok(page)
        })
    }

    async fn update(&self, session: &PortalSession, read_version: u64, audit: &AuditEntry) -> Result<Written, Outage> {
        self.wire.pass(Call::UpdateSession, || {
            let mut rows = self.rows.borrow_mut();
            let Some(row) = rows.iter_mut().find(|row| row.id == session.id && row.version == read_version) else {
                return Ok(Written::LostRace);
            };
            self.ledger.note(audit)?;
            *row = session.clone();
            Ok(Written::Done)
        })
    }

    async fn purge(&self, moment: Timestamp, limit: u32) -> Result<(), Outage> {
        self.wire.pass(Call::PurgeSessions, || {
            let mut left = limit;
            self.rows.borrow_mut().retain(|row| {
                let goes = row.over_at() < moment && left > 0;
                left -= u32::from(goes);
                !goes
            });
            Ok(())
        })
    }
}
