//! What guards roll up, in memory: the same conditions as `storage::d1::rolls`.

use async_trait::async_trait;

use super::{ledger::MemoryLedger, wire::Call};
use crate::{
    audit::entry::AuditEntry,
    base::{
        id::{KeyId, OrgId},
        time::Timestamp,
    },
    ports::{BusiestQuery, Outage, Rolls},
    usage::{
        book::Uses,
        count::Counts,
        recent::{Recent, Used},
    },
};

#[async_trait(?Send)]
impl Rolls for MemoryLedger {
    async fn note_key(&self, key: &KeyId, _org: &OrgId, uses: &Uses, recent: &Recent, entries: &[AuditEntry]) -> Result<(), Outage> {
        self.wire.enter(Call::NoteKeyUse)?;
        let mut state = self.state.borrow_mut();
        for entry in entries {
            if !state.audit.iter().any(|known| known.id == entry.id) {
                state.audit.push(entry.clone());
            }
        }
        let state = &mut *state;
        if let Some(known) = state.keys.iter_mut().find(|known| known.id == *key) {
            known.last_used_at = known.last_used_at.max(uses.last_used_at);
            for secret in &mut known.secrets {
                secret.last_used_at = secret.last_used_at.max(uses.secrets.get(&*secret.id.text()).copied());
            }
            let kept = state.recent.entry(key.clone()).or_insert_with(|| recent.clone());
            if recent.as_of >= kept.as_of {
                *kept = recent.clone();
            }
        }
        self.wire.leave(Call::NoteKeyUse)
    }

    async fn note_org(&self, org: &OrgId, totals: &Counts) -> Result<(), Outage> {
        self.wire.pass(Call::NoteOrgUse, || {
            let mut state = self.state.borrow_mut();
            let kept = state.totals.entry(org.clone()).or_default();
            for (code, count) in totals.codes() {
                let known = kept.entry(code.to_owned()).or_default();
                *known = (*known).max(count);
            }
            Ok(())
        })
    }

    async fn list_busiest(&self, org: &OrgId, query: &BusiestQuery) -> Result<Vec<(Used, u64)>, Outage> {
        self.wire.pass(Call::ListBusiest, || {
            let keys: Vec<_> = self.state.borrow().keys.iter().filter(|key| key.org_id == *org).cloned().collect();
            let bound = |used: Used| {
                let recent = used.recent.as_ref().filter(|recent| recent.as_of > query.since)?;
                let bound = recent.total(query.range, recent.as_of).requests;
                (bound > 0).then_some((used, bound))
            };
            let mut all: Vec<(Used, u64)> = keys.into_iter().filter_map(|key| bound(self.used(key))).collect();
            all.sort_by_key(|(used, bound)| (std::cmp::Reverse(*bound), used.key.id.to_string()));
            Ok(all.into_iter().skip(query.skip as usize).take(query.limit as usize).collect())
        })
    }

    async fn purge(&self, moment: Timestamp, _limit: u32) -> Result<(), Outage> {
        self.wire.pass(Call::PurgeUse, || {
            self.state.borrow_mut().recent.retain(|_, recent| recent.as_of >= moment);
            Ok(())
        })
    }
}
