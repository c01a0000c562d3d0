//! The steps of a hot decision, each by itself: what is timed, and what is counted in instructions.

use std::{hint::black_box, rc::Rc};

use latchkey::{
    base::time::Timestamp,
    decision::{
        decide::decide,
        facts::{Ask, Facts},
        verdict::VALID,
    },
    key::record::KeyRecord,
    limit::holding::Found,
    policy::org::Organization,
    token::{digest::Digest, format::Key},
};

use crate::{Isolate, NOW_MS, asking};

/// How many keys are hot meanwhile.
const KEYS: usize = 1_000;

/// Does a step once.
pub type Step = fn(&Stage);

/// The steps in the order of a decision, then whole decisions. Each ends the program when it does not come out as its
/// name says: what is measured is what it is called.
pub const STEPS: [(&str, Step); 8] = [
    ("parse", parse),
    ("hash", hash),
    ("look up", look_up),
    ("decide", decide_free),
    ("find the lease", find_lease),
    ("hot verify", verify),
    ("hot verify, refused", verify_refused),
    ("bad checksum", verify_mistyped),
];

/// What the steps work on.
pub struct Stage {
    isolate: Isolate,
    credential: String,
    mistyped: String,
    digest: Digest,
    key: Rc<KeyRecord>,
    organization: Rc<Organization>,
    ask: Ask,
    refused: Ask,
}

impl Default for Stage {
    fn default() -> Self {
        let (isolate, credential) = Isolate::with(KEYS);
        let digest = credential.digest();
        let key = isolate.memory.key_of(&digest).expect("a known key");
        let organization = isolate.memory.orgs.record(&key.org_id).expect("a known organization");
        let credential = credential.plaintext().expose().to_owned();
        let (rest, last) = credential.split_at(credential.len() - 1);
        let mistyped = format!("{rest}{}", if last == "0" { "1" } else { "0" });
        let (ask, refused) = (asking("leads:read"), asking("leads:delete"));
        Self { isolate, credential, mistyped, digest, key, organization, ask, refused }
    }
}

impl Stage {
    /// Makes the stage as good as new; a lease is good for so many requests only.
    pub fn renew(&self) {
        self.isolate.renew(&self.key.id);
    }
}

fn parse(stage: &Stage) {
    assert!(black_box(Key::parse(black_box(&stage.credential))).is_ok());
}

fn hash(stage: &Stage) {
    black_box(Digest::of(black_box(&stage.credential)));
}

fn look_up(stage: &Stage) {
    assert!(black_box(stage.isolate.memory.key_of(black_box(&stage.digest))).is_some());
}

fn decide_free(stage: &Stage) {
    let secret = stage.key.secret(&stage.digest).expect("its secret");
    let facts = Facts { key: &stage.key, secret, organization: &stage.organization };
    assert!(black_box(decide(black_box(&facts), black_box(&stage.ask), Timestamp::from_ms(NOW_MS))).is_ok());
}

fn find_lease(stage: &Stage) {
    let found = stage.isolate.memory.keys.find(black_box(&stage.key.id), 1, Timestamp::from_ms(NOW_MS));
    assert!(matches!(black_box(found), Found::Held(_)));
}

fn verify(stage: &Stage) {
    ends_with(stage, &stage.credential, &stage.ask, VALID);
}

fn verify_refused(stage: &Stage) {
    ends_with(stage, &stage.credential, &stage.refused, "INSUFFICIENT_PERMISSIONS");
}

fn verify_mistyped(stage: &Stage) {
    ends_with(stage, &stage.mistyped, &stage.ask, "MALFORMED");
}

fn ends_with(stage: &Stage, credential: &str, ask: &Ask, code: &str) {
    let decision = black_box(stage.isolate.verify(black_box(credential), black_box(ask)));
    assert_eq!(decision.outcome.as_ref().err().map_or(VALID, |denial| denial.code()), code);
}
