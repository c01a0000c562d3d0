//! The memory of one isolate, filled.

use std::{collections::VecDeque, net::IpAddr, pin::pin};

use futures_util::FutureExt;
use latchkey::{
    base::{
        id::{KeyId, OrgId},
        time::Timestamp,
    },
    decision::facts::{Ask, RequestLine},
    limit::{
        guard::{Grant, Lease},
        holding::Holding,
        window::Quota,
    },
    policy::scope::{Permission, Requirement},
    ports::Ports,
    service::{
        memory::Memory,
        verify::{self, Decision},
    },
    token::format::Key,
    usage::tally::Tone,
};

use crate::{
    keys::{Keys, NOW_MS},
    nobody,
};

/// Tokens of each key's lease, and its life.
const TOKENS: u32 = 1_000_000;
const LEASE_MS: u32 = 30_000;

/// So many keys wait at once for their guards to hear of their requests: an edge tells them within three seconds, in which
/// it does not decide more requests than this.
const UNTOLD: usize = 60_000;

/// An isolate with hot keys.
pub struct Isolate {
    /// Its memory.
    pub memory: Memory,
    untold: VecDeque<KeyId>,
    org: OrgId,
    ports: Ports,
    keys: Keys,
}

impl Default for Isolate {
    /// One that knows the organization, but no key.
    fn default() -> Self {
        let (memory, ports, keys) = (Memory::default(), nobody::ports(), Keys::default());
        let org = memory.orgs.remember(keys.organization().into()).id.clone();
        memory.remember_imports(false, now());
        // The first message opens the book of the organization; nothing is counted before.
        let report = memory.orgs.report(&org, Tone::Opening, &ports).expect("dice do not fail");
        memory.orgs.told(&org, report.as_ref(), Tone::Opening, true);
        Self { memory, untold: VecDeque::with_capacity(UNTOLD + 1), org, ports, keys }
    }
}

impl Isolate {
    /// One with so many hot keys, and the credential of the last.
    #[must_use]
    pub fn with(count: usize) -> (Self, Key) {
        let mut isolate = Self::default();
        let mut last = isolate.add();
        for _ in 1..count {
            last = isolate.add();
        }
        (isolate, last)
    }

    /// One more hot key: its record, a lease with tokens, and one request that its guard has not heard of.
    pub fn add(&mut self) -> Key {
        let (credential, record) = self.keys.next();
        let id = record.id.clone();
        self.memory.remember_key(record);
        self.renew(&id);
        // The first message opens the book of the key; nothing is counted before.
        self.tell(&id, Tone::Opening);
        assert!(self.verify(credential.plaintext().expose(), &asking("leads:read")).outcome.is_ok(), "the key is good");
        self.untold.push_back(id);
        if self.untold.len() > UNTOLD
            && let Some(oldest) = self.untold.pop_front()
        {
            self.tell(&oldest, Tone::Closing);
        }
        credential
    }

    /// New leases of the key and of its organization: each is good for so many requests only.
    pub fn renew(&self, key: &KeyId) {
        let quota = Quota { limit: TOKENS, window_seconds: 60, remaining: 0, reset_at: now() };
        self.memory.keys.with(key, |holding| granted(holding, Some(TOKENS), Some(quota)));
        self.memory.orgs.with(&self.org, |holding| granted(holding, None, None));
    }

    /// The guard of the key hears what there is to hear.
    fn tell(&self, id: &KeyId, tone: Tone) {
        let report = self.memory.keys.report(id, tone, &self.ports).expect("dice do not fail");
        self.memory.keys.told(id, report.as_ref(), tone, true);
    }

    /// Decides a request out of memory.
    ///
    /// # Panics
    /// When anybody has to be asked.
    #[must_use]
    pub fn verify(&self, credential: &str, ask: &Ask) -> Decision {
        // Where it stands: as an argument it would be moved, which is no part of a decision.
        let deciding = pin!(verify::verify(&self.ports, &self.memory, credential, ask));
        let decided = deciding.now_or_never();
        decided.expect("nothing is waited for").unwrap_or_else(|_| unreachable!("nothing can fail"))
    }
}

/// A request as a gateway describes it, which needs that permission.
#[must_use]
pub fn asking(permission: &str) -> Ask {
    let line = RequestLine::of(Some("GET"), Some("/api/v2/leads/482913?expand=owner"));
    let permission = Permission::parse(permission).expect("a permission");
    Ask { requirement: Requirement::One(permission), ip: Some(IpAddr::from([203, 0, 113, 9])), line, ..Ask::plain() }
}

/// As when a guard is asked and answers.
fn granted(holding: &mut Holding, tokens: Option<u32>, quota: Option<Quota>) {
    let lease = Lease { id: 1_900_000_000_000, tokens, ttl_ms: LEASE_MS };
    let _ = holding.begin_asking(LEASE_MS, now());
    holding.granted(&Grant { granted_at: now(), lease: Some(lease) }, quota, now());
}

fn now() -> Timestamp {
    Timestamp::from_ms(NOW_MS)
}
