//! Ports of an isolate that asks nobody: whoever calls one of them ends the program, and so the measurement.

use std::{cell::Cell, net::IpAddr, rc::Rc};

use async_trait::async_trait;
use latchkey::{
    audit::{entry::AuditEntry, query::AuditQuery},
    authn::{jwks::VerifyingKey, portal::PortalSession},
    base::{
        chance::{Entropy, NoEntropy},
        id::{KeyId, OrgId, PortalSessionId},
        time::Timestamp,
    },
    key::{query::KeyQuery, record::KeyRecord},
    limit::guard::{Command, Reply},
    policy::org::Organization,
    ports::{
        Added, Admission, Background, BusiestQuery, Chore, Clock, Flood, Guards, Index, Kept, KeySets, Ledger, OrgQuery, Outage, Ports,
        Rolls, SessionQuery, Sessions, Signatures, Subject, Throttle, Unpublished, Written,
        docs::Descriptions,
        watch::{Analytics, Gauges, Point, Reading},
    },
    token::digest::Digest,
    usage::{
        book::{Contents, Uses},
        count::Counts,
        recent::{Recent, Used},
        report::Report,
    },
};

use crate::keys::NOW_MS;

/// All ports, with a clock that stands still at [`NOW_MS`].
pub fn ports() -> Ports {
    Ports {
        ledger: Rc::new(Nobody),
        sessions: Rc::new(Nobody),
        rolls: Rc::new(Nobody),
        index: Rc::new(Nobody),
        guards: Rc::new(Nobody),
        throttle: Rc::new(Nobody),
        analytics: Rc::new(Nobody),
        gauges: Rc::new(Nobody),
        descriptions: Rc::new(Nobody),
        key_sets: Rc::new(Nobody),
        signatures: Rc::new(Nobody),
        background: Rc::new(Nobody),
        clock: Rc::new(Nobody),
        entropy: Rc::new(Dice::default()),
    }
}

/// Different bytes on each call, the same in each run (a 64-bit LCG; Knuth, TAOCP volume 2, 3.3.4).
#[derive(Default)]
pub struct Dice(Cell<u64>);

impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            let next = self.0.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            self.0.set(next);
            [*byte, ..] = next.to_be_bytes();
        }
        Ok(())
    }
}

struct Nobody;

/// Chores are left undone: they come after the answer.
impl Background for Nobody {
    fn later(&self, _: Chore) {}

    fn log(&self, line: &str) {
        unreachable!("the hot path has nothing to log, and logged: {line}");
    }
}

#[async_trait(?Send)]
impl Clock for Nobody {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(NOW_MS)
    }

    async fn pause(&self, _: u32) {
        unreachable!("the hot path waits for nothing");
    }
}

/// A deployment without a data set.
impl Analytics for Nobody {
    fn is_kept(&self) -> bool {
        false
    }

    fn write(&self, _: &Point) {
        unreachable!("there is no data set");
    }
}

/// The port, every method of which ends the program.
macro_rules! nobody_is {
    ($port:ident { $($method:ident($($argument:ty),*) -> $answer:ty;)* }) => {
        #[async_trait(?Send)]
        impl $port for Nobody {
            $(async fn $method(&self, $(_: $argument),*) -> $answer {
                unreachable!(concat!("the hot path asks nobody, and asked ", stringify!($port), "::", stringify!($method)));
            })*
        }
    };
}

nobody_is!(Ledger {
    find_org(&OrgId) -> Result<Option<Organization>, Outage>;
    list_orgs(&OrgQuery) -> Result<Vec<Organization>, Outage>;
    create_org(&Organization, &AuditEntry) -> Result<(), Outage>;
    update_org(&Organization, u64, &AuditEntry) -> Result<Written, Outage>;
    find_key(&KeyId) -> Result<Option<KeyRecord>, Outage>;
    find_key_by_digest(&Digest) -> Result<Option<KeyRecord>, Outage>;
    find_used_key(&KeyId) -> Result<Option<Used>, Outage>;
    list_keys(&OrgId, &KeyQuery) -> Result<Vec<Used>, Outage>;
    create_key(&KeyRecord, Admission, &AuditEntry) -> Result<Added, Outage>;
    update_key(&KeyRecord, u64, &AuditEntry) -> Result<Written, Outage>;
    delete_key(&KeyRecord, &AuditEntry) -> Result<Written, Outage>;
    list_stale_temporary(Timestamp, u32) -> Result<Vec<KeyRecord>, Outage>;
    has_imports(Option<Timestamp>) -> Result<bool, Outage>;
    list_audit(&OrgId, &AuditQuery) -> Result<Vec<AuditEntry>, Outage>;
    list_unpublished(u32) -> Result<Vec<Unpublished>, Outage>;
    find_unpublished(&Subject) -> Result<Option<Unpublished>, Outage>;
    note_published(&Subject, u64) -> Result<(), Outage>;
    check() -> Result<(), Outage>;
});

nobody_is!(Rolls {
    note_key(&KeyId, &OrgId, &Uses, &Recent, &[AuditEntry]) -> Result<(), Outage>;
    note_org(&OrgId, &Counts) -> Result<(), Outage>;
    list_busiest(&OrgId, &BusiestQuery) -> Result<Vec<(Used, u64)>, Outage>;
    purge(Timestamp, u32) -> Result<(), Outage>;
});

nobody_is!(Sessions {
    create(&PortalSession, &AuditEntry) -> Result<(), Outage>;
    find(&PortalSessionId) -> Result<Option<PortalSession>, Outage>;
    find_by_link(&Digest) -> Result<Option<PortalSession>, Outage>;
    find_by_cookie(&Digest) -> Result<Option<PortalSession>, Outage>;
    list(&OrgId, &SessionQuery) -> Result<Vec<PortalSession>, Outage>;
    update(&PortalSession, u64, &AuditEntry) -> Result<Written, Outage>;
    purge(Timestamp, u32) -> Result<(), Outage>;
});

nobody_is!(Index {
    find(&Digest) -> Result<Option<KeyRecord>, Outage>;
    put(&KeyRecord) -> Result<(), Outage>;
    remove(&[Digest]) -> Result<(), Outage>;
    check() -> Result<(), Outage>;
});

nobody_is!(Guards {
    send(&Subject, &Command, Option<&Report>) -> Result<Reply, Outage>;
    read_usage(&Subject) -> Result<Contents, Outage>;
    check() -> Result<(), Outage>;
});

nobody_is!(Throttle {
    admits(Flood, IpAddr) -> bool;
});

nobody_is!(Gauges {
    read(Timestamp) -> Result<Reading, Outage>;
});

nobody_is!(Descriptions {
    fetch(&str, usize) -> Result<String, Outage>;
    find_digest(&OrgId) -> Result<Option<Digest>, Outage>;
    find(&OrgId) -> Result<Option<String>, Outage>;
    replace(&OrgId, Option<&Digest>, Option<&str>, &AuditEntry) -> Result<Written, Outage>;
});

nobody_is!(KeySets {
    fetch(&str, usize) -> Result<String, Outage>;
    kept(&str) -> Result<Option<Kept>, Outage>;
    keep(&str, &Kept) -> Result<(), Outage>;
});

nobody_is!(Signatures {
    is_good(&VerifyingKey, &[u8], &[u8]) -> Result<bool, Outage>;
});
