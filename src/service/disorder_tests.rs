//! Whatever fails, in whatever order: the promises that hold for every history of one key.

use pollster::block_on;
use proptest::prelude::*;
use serde_json::json;

use super::{chores, failure::Failure, keys, memory::Memory, publish, verify::verify};
use crate::{
    decision::facts::Ask,
    ports::Subject,
    testing::{
        fixtures,
        wire::{Call, Times},
        world::World,
    },
    usage::count::Counts,
};

const LIMIT: u32 = 12;
const WINDOW_MS: i64 = 60_000;

#[derive(Clone, Debug)]
enum Event {
    Verify {
        edge: usize,
        cost: u32,
        peek: bool,
    },
    Revoke {
        if_version: Option<u64>,
    },
    /// Somebody else changes the key just before the next write.
    Race,
    Sweep,
    Fail {
        call: Call,
        times: u32,
    },
    LoseAnswer {
        call: Call,
        times: u32,
    },
    Mend,
    Advance {
        ms: i64,
    },
    /// The index goes back to the first record.
    StaleIndex,
    EmptyIndex,
    OrgGuardLosesItsStorage,
    /// What requests left to do is done, at one of the edges.
    Chores {
        edge: usize,
    },
    Dies {
        edge: usize,
    },
}

fn event() -> impl Strategy<Value = Event> {
    use Call::*;
    let call = prop::sample::select(vec![
        FindKey,
        FindOrg,
        FindKeyByDigest,
        UpdateKey,
        FindUnpublished,
        ListUnpublished,
        NotePublished,
        IndexFind,
        IndexPut,
        KeyAcquire,
        KeyRelease,
        KeyAdopt,
        Settle,
        OrgAcquire,
        OrgRelease,
    ]);
    prop_oneof![
        12 => (0..2usize, 1..3u32, prop::bool::weighted(0.2)).prop_map(|(edge, cost, peek)| Event::Verify { edge, cost, peek }),
        2 => prop::option::weighted(0.2, 1..4u64).prop_map(|if_version| Event::Revoke { if_version }),
        1 => Just(Event::Race),
        1 => Just(Event::Sweep),
        2 => (call.clone(), 1..5u32).prop_map(|(call, times)| Event::Fail { call, times }),
        1 => (3..5u32).prop_map(|times| Event::Fail { call: KeyAdopt, times }),
        2 => (call, 1..5u32).prop_map(|(call, times)| Event::LoseAnswer { call, times }),
        2 => Just(Event::Mend),
        4 => (-500..12_000i64).prop_map(|ms| Event::Advance { ms }),
        2 => Just(Event::StaleIndex),
        1 => Just(Event::EmptyIndex),
        1 => Just(Event::OrgGuardLosesItsStorage),
        3 => (0..2usize).prop_map(|edge| Event::Chores { edge }),
        1 => (0..2usize).prop_map(|edge| Event::Dies { edge }),
    ]
}

/// One key under a limit, two edges, and what was promised so far.
struct History {
    world: World,
    edges: [Memory; 2],
    /// When how many tokens were admitted, by the clock that guards go by: it never goes back.
    admitted: Vec<(i64, u32)>,
    latest_ms: i64,
    revoked: bool,
    leased: bool,
    /// How many requests of the key were decided, and whether an edge died meanwhile.
    decided: u64,
    died: bool,
}

impl History {
    fn new(lease_ms: u32) -> Self {
        let consistency = json!({"lease_ms": lease_ms});
        let policy = json!({"org_rate_limit": {"limit": 9, "window_seconds": 5}, "consistency": consistency});
        let organization = fixtures::organization(policy);
        let key = fixtures::key_of(&organization, json!({"name": "K", "rate_limit": {"limit": LIMIT, "window_seconds": WINDOW_MS / 1000}}));
        let world = World::with(organization, &key);
        Self {
            world,
            edges: Default::default(),
            admitted: Vec::new(),
            latest_ms: 0,
            revoked: false,
            leased: lease_ms > 0,
            decided: 0,
            died: false,
        }
    }

    fn happens(&mut self, event: &Event) {
        let world = &self.world;
        match event {
            Event::Verify { edge, cost, peek } => self.verify(*edge, *cost, *peek),
            Event::Revoke { if_version } => self.revoke(*if_version),
            Event::Race => {
                let ledger = world.ledger.clone();
                world.wire.before(Call::UpdateKey, move || ledger.touch(&fixtures::key_id()));
            }
            Event::Sweep => drop(block_on(publish::sweep(&world.ports()))),
            Event::Fail { call, times } => world.wire.fail(*call, Times::Exactly(*times)),
            Event::LoseAnswer { call, times } => world.wire.lose_answer(*call, Times::Exactly(*times)),
            Event::Mend => world.wire.mend(),
            // What a lease is worth is told by a clock: one that goes back prolongs it.
            Event::Advance { ms } => world.clock.advance(if self.leased { (*ms).max(0) } else { *ms }),
            Event::Chores { edge } => {
                for chore in world.background.take() {
                    block_on(chores::run(&world.ports(), &self.edges[*edge], &chore));
                }
            }
            Event::Dies { edge } => {
                self.edges[*edge] = Memory::default();
                self.died = true;
            }
            Event::StaleIndex => world.index.serve(&fixtures::key()),
            Event::EmptyIndex => world.index.forget_everything(),
            Event::OrgGuardLosesItsStorage => world.guards.forget(&world.org_subject()),
        }
    }

    fn verify(&mut self, edge: usize, cost: u32, peek: bool) {
        let ask = Ask { cost, peek, ..Ask::plain() };
        let decision = match block_on(verify(&self.world.ports(), &self.edges[edge], &fixtures::credential(), &ask)) {
            Ok(decision) => decision,
            Err(Failure::Unavailable(_)) => return,
            Err(other) => panic!("{other}"),
        };
        assert!(!self.revoked || decision.outcome.is_err(), "admitted after its revocation was in force");
        assert_ne!(decision.outcome, Err(crate::decision::verdict::Denial::NotFound));
        self.latest_ms = self.latest_ms.max(decision.at.ms());
        self.decided += u64::from(!peek);
        if decision.outcome.is_ok() && !peek {
            self.admitted.push((self.latest_ms, cost));
            let within = self.admitted.iter().filter(|(at, _)| *at > self.latest_ms - WINDOW_MS);
            let tokens: u32 = within.map(|(_, cost)| cost).sum();
            assert!(tokens <= LIMIT, "{tokens} tokens in one window");
        }
    }

    fn revoke(&mut self, if_version: Option<u64>) {
        let (ports, key) = (self.world.ports(), fixtures::key_id());
        let versions = if_version.map(|version| vec![version]);
        match block_on(keys::revoke(&fixtures::change(&ports, versions.as_deref()), None)) {
            Ok(narrowed) => {
                assert!(narrowed.in_force_at.unwrap() <= crate::ports::Clock::now(&self.world.clock).plus_ms(30_000));
                self.revoked = true;
            }
            Err(Failure::PreconditionFailed { .. }) => assert!(if_version.is_some()),
            Err(Failure::NotYetInForce { .. } | Failure::Unavailable(_) | Failure::Conflict) => {}
            Err(other) => panic!("{other}"),
        }
        let revoked = self.world.ledger.key(&key).unwrap().revocation.is_some();
        assert_eq!(self.world.ledger.audit().len(), usize::from(revoked), "one entry for the change, and none without it");
    }

    /// Everything works again and the cron has run: what the truth says is in force everywhere.
    fn calms_down(self) {
        self.world.wire.mend();
        block_on(publish::sweep(&self.world.ports())).unwrap();
        assert_eq!(self.world.ledger.outbox(), []);
        self.world.clock.advance(10 * WINDOW_MS);
        let revoked = self.world.ledger.key(&fixtures::key_id()).unwrap().revocation.is_some();
        for memory in &self.edges {
            let decision = block_on(verify(&self.world.ports(), memory, &fixtures::credential(), &Ask::plain())).unwrap();
            assert_eq!(decision.outcome.is_err(), revoked);
            for chore in self.world.background.take() {
                block_on(chores::run(&self.world.ports(), memory, &chore));
            }
        }
        self.world.clock.advance(100_000);
        let contents = block_on(self.world.ports().guards.read_usage(&Subject::Key(fixtures::key_id()))).unwrap();
        let counted: u64 = contents.hours.values().map(Counts::requests).sum();
        let decided = self.decided + self.edges.len() as u64;
        if self.died {
            assert!(counted <= decided && (counted == decided || !contents.gaps.is_empty()), "{counted} of {decided}: {contents:?}");
        } else {
            assert_eq!((counted, contents.gaps), (decided, Vec::new()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_history_breaks_a_promise(frozen: bool, lease_ms in prop::sample::select(vec![0, 300, 2000, 30_000]), events in prop::collection::vec(event(), 1..80)) {
        let mut history = History::new(lease_ms);
        if frozen {
            // The index serves the first record for ever.
            history.world.index.freeze();
        }
        for event in &events {
            history.happens(event);
        }
        history.calms_down();
    }
}
