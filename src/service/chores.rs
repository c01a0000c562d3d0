//! What an edge does after its answers: renew leases before they run out, settle and report once it went quiet.

use super::{
    inquiry::{self, Question},
    memory::Memory,
    shelf::{Guarded, Shelf},
};
use crate::{
    limit::{guard::Command, holding::Holding},
    ports::{Chore, Ports, Subject},
    usage::tally::Tone,
};

/// How often somebody who settles looks whether it is time, or tries again, before a later request has to begin anew: each
/// look may take three seconds, and the platform ends what goes on after an answer at 30 s.
const MAX_LOOKS: u32 = 8;

/// How long after a guard has not answered it is tried again.
const AGAIN_MS: u32 = 2_000;

/// Whoever was heard tells for so many others that were not.
const MAX_STRANDED: usize = 20;

/// Does a chore. Whatever fails is done by a later request, or counts as spent.
pub async fn run(ports: &Ports, memory: &Memory, chore: &Chore) {
    match chore {
        Chore::Renew { subject: Subject::Key(id), ttl_ms } => renew(ports, &memory.keys, id, *ttl_ms).await,
        Chore::Renew { subject: Subject::Org(id), ttl_ms } => renew(ports, &memory.orgs, id, *ttl_ms).await,
        Chore::Settle { subject: Subject::Key(id) } => settle(ports, &memory.keys, id).await,
        Chore::Settle { subject: Subject::Org(id) } => settle(ports, &memory.orgs, id).await,
    }
}

async fn renew<R: Guarded>(ports: &Ports, shelf: &Shelf<R>, id: &R::Id, ttl_ms: u32) {
    let now = ports.clock.now();
    // Another request may have been quicker.
    if !shelf.with(id, |holding| holding.wants_renewal(now)).unwrap_or(false) {
        return;
    }
    let known = shelf.record(id);
    let question = Question { want: 0, ttl_ms, peek: false };
    let _ = inquiry::ask(ports, shelf, id, known, question).await;
}

/// Waits until the edge has gone quiet, or a lease with tokens is over, and tells the guard all that it has to hear. Where
/// it hears again, so may others.
async fn settle<R: Guarded>(ports: &Ports, shelf: &Shelf<R>, id: &R::Id) {
    let is_heard = tell_in_time(ports, shelf, id).await;
    shelf.with(id, Holding::settled);
    if !is_heard {
        return;
    }
    for _ in 0..MAX_STRANDED {
        match shelf.take_stranded() {
            // Whoever is at work with it sees to it.
            Some(other) if wait_ms(ports, shelf, &other) > 0 || tell(ports, shelf, &other).await => {}
            Some(other) => return shelf.strand(&other),
            None => return,
        }
    }
}

/// `false` when it was not heard, or when the edge is still busy: then others see to it.
async fn tell_in_time<R: Guarded>(ports: &Ports, shelf: &Shelf<R>, id: &R::Id) -> bool {
    for look in 1..=MAX_LOOKS {
        let wait_ms = wait_ms(ports, shelf, id);
        if wait_ms == 0 {
            if tell(ports, shelf, id).await {
                return true;
            }
            // At once: where a guard takes long not to answer, the platform ends this before the last try.
            shelf.strand(id);
        }
        if look == MAX_LOOKS {
            // Who asks during the last pause cannot be waited for, and has somebody of its own.
            shelf.with(id, Holding::settled);
        }
        ports.clock.pause(if wait_ms == 0 { AGAIN_MS } else { wait_ms }).await;
    }
    let now = ports.clock.now();
    shelf.with(id, |holding| holding.rests(now)).unwrap_or(true) && tell(ports, shelf, id).await
}

/// In how many milliseconds it is time to tell.
fn wait_ms<R: Guarded>(ports: &Ports, shelf: &Shelf<R>, id: &R::Id) -> u32 {
    let now = ports.clock.now();
    shelf.with(id, |holding| holding.settles_in(now)).unwrap_or(0)
}

/// Tells the guard that the edge holds nothing any more. `false` when that was not heard.
async fn tell<R: Guarded>(ports: &Ports, shelf: &Shelf<R>, id: &R::Id) -> bool {
    let settle = shelf.with(id, Holding::give_up).unwrap_or_default();
    if settle.is_empty() && !shelf.owes(id) {
        return true;
    }
    let report = shelf.report(id, Tone::Closing, ports).ok().flatten();
    let command = Command::Settle { settle: settle.clone() };
    let is_heard = ports.guards.send(&R::subject(id), &command, report.as_ref()).await.is_ok();
    shelf.told(id, report.as_ref(), Tone::Closing, is_heard);
    if !is_heard {
        shelf.with(id, |holding| holding.unanswered(settle));
    }
    is_heard && !shelf.owes(id)
}
