//! What a bad clock at an edge does, while its guards and whoever changes keys have good ones.

use super::*;
use crate::testing::{clock::MemoryClock, fixtures::NOW};

const HOUR_MS: i64 = 3_600_000;

/// An edge with a clock of its own, and what it remembers.
struct Edge<'a> {
    world: &'a World,
    clock: MemoryClock,
    memory: Memory,
}

impl<'a> Edge<'a> {
    /// It has seen the records, and its clock shows another time.
    fn off_by(world: &'a World, ms: i64) -> Self {
        let edge = Self { world, clock: MemoryClock::at(world.clock.now().plus_ms(ms)), memory: Memory::default() };
        edge.decides(&peek());
        world.wire.forget_calls();
        edge
    }

    fn ports(&self) -> Ports {
        Ports { clock: Rc::new(self.clock.clone()), ..self.world.ports() }
    }

    fn decides(&self, ask: &Ask) -> Decision {
        decide_by(&self.ports(), &self.memory, ask)
    }

    fn admits(&self) -> bool {
        self.decides(&Ask::plain()).outcome.is_ok()
    }

    fn does_its_chores(&self) {
        run_chores_by(&self.ports(), self.world, &self.memory);
    }

    /// Time goes on, and so much of it by the edge's clock.
    fn lives(&self, ms: i64, by_its_clock: i64) {
        self.world.clock.advance(ms);
        self.clock.advance(by_its_clock);
    }

    fn calls(&self) -> usize {
        let calls = self.world.wire.count_where(Call::is_guard);
        self.world.wire.forget_calls();
        calls
    }
}

/// Revokes the key by a good clock, as nobody's lease is older than the world: how long it waited.
fn revoke(world: &World) -> i64 {
    let before = world.clock.now();
    let ports = world.ports();
    block_on(keys::revoke(&fixtures::change(&ports, None), None)).unwrap();
    world.clock.now().ms() - before.ms()
}

#[test]
fn clock_that_stands_still_makes_a_lease_good_for_so_many_requests_and_no_more() {
    let world = world(Value::Null, json!({}));
    let edge = Edge::off_by(&world, 0);
    assert!(edge.admits());
    edge.lives(HOUR_MS, 0);
    revoke(&world);
    edge.calls();
    let admitted = (0..=100_000).take_while(|_| edge.admits()).count();
    assert_eq!((admitted, edge.calls()), (100_000, 2), "then both guards were asked");
}

#[test]
fn clock_that_is_wrong_by_hours_or_years_does_no_harm_to_leases() {
    let asked = [0, -400 * 24 * HOUR_MS, -HOUR_MS, HOUR_MS, 400 * 24 * HOUR_MS].map(|off_ms| {
        let world = world(rate(60), json!({}));
        let edge = Edge::off_by(&world, off_ms);
        assert_eq!((0..200).filter(|_| edge.admits()).count(), 60, "off by {off_ms}");
        assert_eq!(edge.decides(&Ask::plain()).outcome.unwrap_err().code(), "RATE_LIMITED");
        edge.lives(LEASE_MS, LEASE_MS);
        edge.does_its_chores();
        edge.lives(62_000, 62_000);
        assert!(edge.admits() && edge.admits(), "off by {off_ms}");
        let waited = revoke(&world);
        edge.clock.advance(waited);
        assert!(!edge.admits(), "off by {off_ms}");
        edge.calls()
    });
    assert!(asked.iter().all(|calls| *calls == asked[0]), "no question more or less than with a good clock: {asked:?}");
}

#[test]
fn expiry_is_judged_and_a_wait_is_told_by_the_edge_s_own_clock() {
    let organization = fixtures::organization(json!({"consistency": {"lease_ms": LEASE_MS}}));
    let end = NOW.plus_ms(HOUR_MS).to_string();
    let key = fixtures::key_of(&organization, json!({"name": "K", "expires_at": end, "rate_limit": {"limit": 1, "window_seconds": 60}}));
    let world = World::with(organization, &key);
    let codes = [-2 * HOUR_MS, 2 * HOUR_MS].map(|off_ms| {
        let decision = Edge::off_by(&world, off_ms).decides(&peek());
        decision.outcome.map_or_else(|denial| denial.code(), |()| "VALID")
    });
    assert_eq!(codes, ["VALID", "EXPIRED"]);
    let late = Edge::off_by(&world, -HOUR_MS);
    assert!(late.admits());
    let Err(Denial::RateLimited { retry_after_ms: Some(wait) }) = late.decides(&Ask::plain()).outcome else { panic!("one is the limit") };
    assert!((HOUR_MS + 60_000..HOUR_MS + 70_000).contains(&i64::try_from(wait).unwrap()), "{wait}");
}

/// The last row is beyond what is promised: the lease is gone by for as much longer as the clock is slower.
#[test]
fn clock_that_is_slow_does_no_harm_by_less_than_a_twentieth_and_as_much_as_it_is_slower_beyond() {
    for (percent, admits) in [(100, false), (95, false), (75, true)] {
        let world = world(Value::Null, json!({}));
        let edge = Edge::off_by(&world, 0);
        assert!(edge.admits());
        let waited = revoke(&world);
        edge.clock.advance(waited * percent / 100);
        assert_eq!(edge.admits(), admits, "after {waited} ms by a clock at {percent} percent");
        edge.clock.advance(LEASE_MS - waited * percent / 100);
        assert!(!edge.admits(), "no longer than the lease by its own clock");
    }
}

#[test]
fn clock_that_is_fast_only_asks_more_often() {
    let asked = |percent: i64| {
        let world = world(rate(60), json!({}));
        let edge = Edge::off_by(&world, 0);
        let admitted = (0..60).filter(|_| {
            edge.lives(100, percent);
            edge.admits()
        });
        assert_eq!(admitted.count(), 60);
        assert!(!edge.admits(), "the limit is the limit");
        edge.calls()
    };
    let (good, fast) = (asked(100), asked(300));
    assert!(fast > good, "{fast} calls, and {good} by a good clock");
}

#[test]
fn clock_that_steps_back_within_a_lease_prolongs_it_by_the_step() {
    let world = world(Value::Null, json!({}));
    let edge = Edge::off_by(&world, 0);
    assert!(edge.admits());
    edge.lives(1500, 1500);
    edge.clock.advance(-1000);
    revoke(&world);
    edge.calls();
    edge.lives(1499, 1499);
    assert_eq!((edge.admits(), edge.calls()), (true, 0), "it has lived for 2.999 seconds");
    edge.lives(1, 1);
    assert_eq!((edge.admits(), edge.calls()), (false, 2));
}

#[test]
fn clock_that_steps_forward_ends_a_lease_early_and_what_it_held_is_settled() {
    let world = world(rate(60), json!({}));
    let (edge, elsewhere) = (Edge::off_by(&world, 0), Edge::off_by(&world, 0));
    let first = (0..10).filter(|_| edge.admits()).count();
    edge.clock.advance(HOUR_MS);
    edge.calls();
    assert!(edge.admits());
    assert_eq!(edge.calls(), 2, "it has asked, and settled by the same message");
    let second = (0..200).filter(|_| elsewhere.admits()).count();
    edge.clock.advance(HOUR_MS);
    edge.does_its_chores();
    elsewhere.clock.advance(LEASE_MS);
    let third = (0..200).filter(|_| elsewhere.admits()).count();
    assert_eq!((first + 1 + second + third, edge.admits()), (60, false), "{first} and 1 here, {second} and {third} there");
}
