//! What can happen, and what becomes of it.

use super::{
    Broken, Fault, Scenario,
    world::{self, Action, Admin, Call, Edge, Way, World, true_ms},
};
use crate::{
    base::time::Timestamp,
    limit::{
        guard::{Command, Guard, Lease, Reply, Terms},
        holding::Found,
        lease::Settlement,
        window::Quota,
    },
};

/// All that might happen; what changes nothing is sorted out by [`take`].
pub fn possible(scenario: &Scenario, world: &World, actions: &mut Vec<Action>) {
    if world.broken.is_some() {
        return;
    }
    let mishap = world.budget.mishaps > 0;
    let once_or_twice = if mishap { &[false, true][..] } else { &[false] };
    for (edge, at) in world.edges.iter().enumerate() {
        if world.budget.requests > 0 {
            actions.extend([Action::Request { edge, all: false }, Action::Renew { edge }]);
            actions.extend(scenario.limit.map(|_| Action::Request { edge, all: true }));
        }
        actions.push(Action::Settle { edge });
        if scenario.reads {
            actions.extend((1..=world.truth).map(|version| Action::Read { edge, version }));
        }
        for (call, asked) in at.calls.iter().enumerate() {
            match asked.way {
                Way::There(_) => actions.extend(once_or_twice.iter().map(|&again| Action::Reach { edge, call, again })),
                Way::Back(_) => {
                    actions.push(Action::Answer { edge, call, give_back: false });
                    if mishap && scenario.limit.is_some() && asked.want > 0 {
                        actions.push(Action::Answer { edge, call, give_back: true });
                    }
                }
            }
            if mishap {
                actions.extend([false, true].map(|late| Action::GiveUp { edge, call, late }));
            }
        }
        if mishap {
            actions.extend([false, true].map(|late| Action::Crash { edge, late }));
        }
    }
    for (stray, command) in world.strays.iter().enumerate() {
        // Nobody repeats a release, and a network that did would take tokens away from somebody else.
        let once_or_twice = if matches!(command, Command::Release { .. }) { &[false] } else { once_or_twice };
        actions.extend(once_or_twice.iter().map(|&again| Action::Stray { stray, again }));
    }
    if mishap {
        actions.push(Action::Restart);
        actions.extend(scenario.forgets.then_some(Action::Forget));
    }
    actions.push(Action::Change);
    actions.extend(once_or_twice.iter().map(|&again| Action::Adopt { again }));
    actions.push(Action::Tick);
}

/// Does it. `false` when there is nothing to do.
pub fn take(scenario: &Scenario, world: &mut World, action: Action) -> bool {
    match action {
        Action::Request { edge, all } => request(scenario, world, edge, all),
        Action::Renew { edge } => {
            let at = &world.edges[edge];
            let wanted = at.holding.wants_renewal(at.now(world.now_ms));
            world.budget.requests -= 1;
            wanted && ask(scenario, world, edge, 0)
        }
        Action::Read { edge, version } => {
            let before = world.edges[edge].record;
            remember(scenario, world, edge, version);
            world.edges[edge].record != before
        }
        Action::Reach { edge, call, again } => reach(scenario, world, edge, call, again),
        Action::Answer { edge, call, give_back } => answer(scenario, world, edge, call, give_back),
        Action::GiveUp { edge, call, late } => give_up(world, edge, call, late),
        Action::Settle { edge } => {
            let at = &mut world.edges[edge];
            let settle = at.holding.give_up();
            let any = !settle.is_empty();
            if any {
                world.strays.push(Command::Settle { settle });
            }
            any
        }
        Action::Stray { stray, again } => {
            let command = if again { world.strays[stray].clone() } else { world.strays.swap_remove(stray) };
            world.budget.mishaps -= u32::from(again);
            guard(scenario, world, command);
            true
        }
        Action::Crash { edge, late } => crash(world, edge, late),
        Action::Restart => restart(world),
        Action::Forget => {
            world.budget.mishaps -= 1;
            world.guard.take().is_some()
        }
        Action::Change => {
            let idle = world.admin == Admin::Idle && world.truth < scenario.versions;
            if idle {
                world.truth += 1;
                world.admin = Admin::Publishing;
            }
            idle
        }
        Action::Adopt { again } => adopt(scenario, world, again),
        Action::Tick => tick(scenario, world),
    }
}

fn request(scenario: &Scenario, world: &mut World, edge: usize, all: bool) -> bool {
    let want = if all { look(world.guard.as_ref(), world.guard_now()).1.map_or(0, |quota| quota.remaining) } else { 1 };
    if all && want < 2 {
        return false;
    }
    world.budget.requests -= 1;
    let at = &mut world.edges[edge];
    let now = at.now(world.now_ms);
    let found = if at.record > 0 { at.holding.find(want, now) } else { Found::Nothing };
    match found {
        Found::Held(_) => {
            at.holding.spend(want, now);
            world.seen.by_lease = true;
            let (at_least, now_ms) = (world.returned, world.now_ms);
            admit(scenario, world, edge, at_least, (now_ms, want));
            true
        }
        Found::Refused { .. } => false,
        Found::Nothing => ask(scenario, world, edge, want),
    }
}

fn ask(scenario: &Scenario, world: &mut World, edge: usize, want: u32) -> bool {
    let at = &mut world.edges[edge];
    if at.calls.len() >= scenario.calls {
        return false;
    }
    let (asked_at, version_known) = (at.now(world.now_ms), at.record);
    // What it does not know yet, it does not know the lease's life of.
    let ttl_ms = if scenario.forgets && version_known == 0 { 0 } else { scenario.ttl_ms };
    at.holding.note_demand(want, asked_at);
    let (ahead, settle) = at.holding.begin_asking(ttl_ms, asked_at);
    let command = Command::Acquire { version_known, want, ahead, ttl_ms, settle: settle.clone() };
    at.calls.push(Call { at_least: world.returned, asked_at, version_known, want, settle, way: Way::There(command) });
    true
}

fn reach(scenario: &Scenario, world: &mut World, edge: usize, call: usize, again: bool) -> bool {
    let Way::There(command) = world.edges[edge].calls[call].way.clone() else { return false };
    if again {
        world.budget.mishaps -= 1;
        world.strays.push(command.clone());
    }
    let reply = guard(scenario, world, command);
    world.edges[edge].calls[call].way = Way::Back(reply);
    true
}

fn answer(scenario: &Scenario, world: &mut World, edge: usize, call: usize, give_back: bool) -> bool {
    let Call { at_least, asked_at, version_known, want, settle, way } = world.edges[edge].calls.remove(call);
    let Way::Back(reply) = way else { return false };
    let newer = match &reply {
        Reply::Granted { newer, .. } | Reply::Limited { newer, .. } => newer.as_ref().map(|terms| terms.version),
        other => panic!("{other:?}"),
    };
    if newer.is_some_and(|newer| newer <= version_known) {
        // The guard has nothing to decide by; the caller has no decision.
        world.edges[edge].holding.unanswered(settle);
        return true;
    }
    remember(scenario, world, edge, newer.unwrap_or(version_known));
    let now_ms = world.now_ms;
    let at = &mut world.edges[edge];
    match reply {
        Reply::Granted { grant, quota, .. } => {
            let from = if scenario.fault == Some(Fault::CountedFromReceipt) { at.now(now_ms) } else { asked_at };
            at.holding.granted(&grant, quota, from);
            if let Some(Lease { ttl_ms, .. }) = grant.lease {
                at.last_good_ms = world::last_before(at.speed, from.plus_ms(ttl_ms.into())).max(at.last_good_ms);
            }
            if give_back {
                world.budget.mishaps -= 1;
                world.strays.push(Command::Release { tokens: want, granted_at: grant.granted_at });
            } else if want > 0 {
                admit(scenario, world, edge, at_least, (true_ms(grant.granted_at), want));
            }
            true
        }
        Reply::Limited { retry_at, quota, .. } if !give_back => {
            at.holding.refused(want, retry_at, quota, asked_at);
            true
        }
        _ => false,
    }
}

fn give_up(world: &mut World, edge: usize, call: usize, late: bool) -> bool {
    let at = &mut world.edges[edge];
    let Call { settle, way, .. } = at.calls.remove(call);
    at.holding.unanswered(settle);
    world.budget.mishaps -= 1;
    match (way, late) {
        (Way::There(command), true) => world.strays.push(command),
        (Way::There(_), false) | (Way::Back(_), true) => {}
        // An answer that is lost is lost.
        (Way::Back(_), false) => return false,
    }
    true
}

fn crash(world: &mut World, edge: usize, late: bool) -> bool {
    let Edge { name, speed, record, ref calls, .. } = world.edges[edge];
    let on_their_way = calls.iter().filter_map(|call| match &call.way {
        Way::There(command) => Some(command.clone()),
        Way::Back(_) => None,
    });
    let on_their_way: Vec<Command> = on_their_way.collect();
    if record == 0 && calls.is_empty() || late && on_their_way.is_empty() {
        return false;
    }
    if late {
        world.strays.extend(on_their_way);
    }
    world.budget.mishaps -= 1;
    world.edges[edge] = Edge::new(name, speed);
    true
}

/// The guard's object starts anew from what it stored. The questions that it had not answered are lost.
fn restart(world: &mut World) -> bool {
    let stored = serde_json::to_string(&world.guard).unwrap();
    let started: Option<Guard> = serde_json::from_str(&stored).unwrap();
    assert_eq!(started, world.guard, "what is stored is all that there is");
    world.budget.mishaps -= 1;
    let mut lost = false;
    for edge in &mut world.edges {
        let Edge { calls, holding, .. } = edge;
        calls.retain(|call| match call.way {
            Way::There(_) => {
                holding.unanswered(call.settle.clone());
                lost = true;
                false
            }
            Way::Back(_) => true,
        });
    }
    lost
}

fn adopt(scenario: &Scenario, world: &mut World, again: bool) -> bool {
    if world.admin != Admin::Publishing {
        return false;
    }
    let command = Command::Adopt { terms: scenario.terms(world.truth), lease_ms: scenario.ttl_ms };
    if again {
        world.budget.mishaps -= 1;
        world.strays.push(command.clone());
    }
    let Reply::InForce { in_force_at, wait_ms, .. } = guard(scenario, world, command) else { return false };
    let wait_ms = match scenario.fault {
        Some(Fault::NoWait) => 0,
        Some(Fault::NoMargin) => {
            let ttl_ms = i64::from(scenario.ttl_ms);
            (true_ms(in_force_at) - world.now_ms - ttl_ms / 20 - 50).max(0)
        }
        _ => i64::from(wait_ms),
    };
    let asked_at = true_ms(world::moment(scenario.admin, world.now_ms));
    let returns_ms = world::first_at(scenario.admin, asked_at + wait_ms).max(world.now_ms);
    world.admin = Admin::Waiting(returns_ms);
    come_back(world);
    true
}

/// An admin's call that waited long enough returns.
fn come_back(world: &mut World) {
    if let Admin::Waiting(returns_ms) = world.admin
        && returns_ms <= world.now_ms
    {
        world.admin = Admin::Idle;
        world.returned = world.truth;
    }
}

/// To the next moment at which something ends.
fn tick(scenario: &Scenario, world: &mut World) -> bool {
    let now_ms = world.now_ms;
    let mut moments = vec![(now_ms / scenario.step_ms + 1) * scenario.step_ms];
    moments.extend(world.edges.iter().map(|edge| edge.last_good_ms));
    if let Admin::Waiting(returns_ms) = world.admin {
        moments.push(returns_ms);
    }
    moments.extend(look(world.guard.as_ref(), world.guard_now()).1.map(|quota| true_ms(quota.reset_at)));
    world.now_ms = moments.into_iter().filter(|moment| *moment > now_ms).min().unwrap_or(i64::MAX);
    for edge in &mut world.edges {
        if edge.last_good_ms < world.now_ms {
            edge.last_good_ms = 0;
        }
    }
    come_back(world);
    world.now_ms <= scenario.horizon_ms
}

/// A command reaches the guard.
fn guard(scenario: &Scenario, world: &mut World, command: Command) -> Reply {
    let now = world.guard_now();
    let before = look(world.guard.as_ref(), now);
    let settled = match &command {
        Command::Acquire { settle, .. } | Command::Settle { settle } => settle.clone(),
        _ => Vec::new(),
    };
    let released = matches!(command, Command::Release { .. }).then(|| command.clone());
    let only_settles = matches!(command, Command::Settle { .. });
    let stored = match &command {
        Command::Adopt { terms, .. } if scenario.fault == Some(Fault::GuardGoesBack) && terms.version < before.0 => {
            Some(Guard::new(terms.clone(), 0, now))
        }
        _ => world.guard.clone(),
    };
    let asks_truth = stored.as_ref().is_none_or(|guard| guard.is_behind(&command));
    let truth = asks_truth.then(|| scenario.terms(world.truth));
    let (mut guard, reply) = Guard::step(stored, truth, command, now).unwrap();
    match (scenario.fault, &reply) {
        (Some(Fault::ReturnedTwice), _) => {
            let settle = settled.iter().map(|settled| Settlement { lease: settled.lease + 1, ..*settled }).collect();
            guard.apply(Command::Settle { settle }, now);
        }
        (Some(Fault::ReleasedTwice), _) => {
            released.map(|released| guard.apply(released, now));
        }
        (Some(Fault::DatedToGrant), Reply::Granted { grant, .. }) => {
            let lease = grant.lease.and_then(|lease| Some(Settlement { lease: lease.id, spent: lease.tokens? }));
            guard.apply(Command::Settle { settle: lease.into_iter().collect() }, now);
        }
        _ => {}
    }
    let after = look(Some(&guard), now);
    if after.0 < before.0 {
        world.broken = Some(Broken::Version);
    }
    world.seen.gave_back |= only_settles && after.1.map(|quota| quota.remaining) > before.1.map(|quota| quota.remaining);
    world.guard = Some(guard);
    reply
}

/// The guard's version, and what is left of its limit.
fn look(guard: Option<&Guard>, now: Timestamp) -> (u64, Option<Quota>) {
    let Some(guard) = guard else { return (0, None) };
    match guard.clone().apply(Command::Peek { version_known: 0, want: 0, lease_ms: 0 }, now) {
        Reply::Granted { newer: Some(Terms { version, .. }), quota, .. } => (version, quota),
        Reply::Limited { newer: Some(Terms { version, .. }), quota, .. } => (version, Some(quota)),
        other => panic!("{other:?}"),
    }
}

/// The edge saw a record; it goes by the newest.
fn remember(scenario: &Scenario, world: &mut World, edge: usize, version: u64) {
    let record = &mut world.edges[edge].record;
    if version < *record && scenario.fault == Some(Fault::EdgeGoesBack) {
        world.broken = Some(Broken::Version);
        *record = version;
    }
    *record = version.max(*record);
}

/// The edge lets a request pass that started when version `at_least` was the newest that an admin's call had returned for.
fn admit(scenario: &Scenario, world: &mut World, edge: usize, at_least: u64, (at_ms, tokens): (i64, u32)) {
    let record = world.edges[edge].record;
    world.seen.by_old_terms |= record < world.truth && matches!(world.admin, Admin::Waiting(_));
    if record < at_least {
        world.broken = Some(Broken::Revocation);
    }
    let Some(rate) = scenario.limit else { return };
    world.admitted.push((at_ms, tokens));
    world.admitted.sort_unstable();
    for (from_ms, _) in &world.admitted {
        let span = *from_ms..from_ms + rate.window_ms();
        let admitted: u32 = world.admitted.iter().filter(|(at_ms, _)| span.contains(at_ms)).map(|(_, tokens)| tokens).sum();
        world.seen.filled |= admitted == rate.limit;
        if admitted > rate.limit {
            world.broken = Some(Broken::Limit);
        }
    }
}
