//! The memory of one isolate, filled.

use std::net::IpAddr;

use futures_util::FutureExt;
use latchkey::{
    base::time::Timestamp,
    decision::facts::{Ask, RequestLine},
    limit::{
        guard::{Grant, Lease},
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

/// Tokens of each key's lease.
const TOKENS: u32 = 1_000_000;

/// An isolate with hot keys.
pub struct Isolate {
    /// Its memory.
    pub memory: Memory,
    ports: Ports,
    keys: Keys,
}

impl Default for Isolate {
    /// One that knows the organization and has a lease of it, but no key.
    fn default() -> Self {
        let (memory, ports, keys) = (Memory::default(), nobody::ports(), Keys::default());
        let organization = keys.organization();
        let id = organization.id.clone();
        memory.orgs.remember(organization.into());
        memory.orgs.with(&id, |holding| holding.granted(&grant(None), None, now()));
        memory.remember_imports(false, now());
        Self { memory, ports, keys }
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
        self.memory.remember_key(credential.digest(), record);
        let quota = Quota { limit: TOKENS, window_seconds: 60, remaining: 0, reset_at: now() };
        self.memory.keys.with(&id, |holding| holding.granted(&grant(Some(TOKENS)), Some(quota), now()));
        // The first message opens the book of the key; nothing is counted before.
        let opening = self.memory.keys.report(&id, Tone::Opening, &self.ports).expect("dice do not fail");
        self.memory.keys.told(&id, opening.as_ref(), Tone::Opening, true);
        assert!(self.verify(credential.plaintext().expose(), &asking("leads:read")).outcome.is_ok(), "the key is good");
        credential
    }

    /// Decides a request out of memory.
    ///
    /// # Panics
    /// When anybody has to be asked.
    #[must_use]
    pub fn verify(&self, credential: &str, ask: &Ask) -> Decision {
        let decided = verify::verify(&self.ports, &self.memory, credential, ask).now_or_never();
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

fn grant(tokens: Option<u32>) -> Grant {
    Grant { granted_at: now(), lease: Some(Lease { id: 1_900_000_000_000, tokens, ttl_ms: 30_000 }) }
}

fn now() -> Timestamp {
    Timestamp::from_ms(NOW_MS)
}
