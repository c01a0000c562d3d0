//! What an edge does after its answers: renew leases before they run out, settle those that nobody renewed.

use super::{
    inquiry::{self, Question},
    memory::Memory,
    shelf::{Guarded, Shelf},
};
use crate::{
    limit::guard::Command,
    ports::{Chore, Ports, Subject},
};

/// Does a chore. Whatever fails is done by a later request, or counts as spent.
pub async fn run(ports: &Ports, memory: &Memory, chore: &Chore) {
    match chore {
        Chore::Renew { subject: Subject::Key(id), ttl_ms } => renew(ports, &memory.keys, id, *ttl_ms).await,
        Chore::Renew { subject: Subject::Org(id), ttl_ms } => renew(ports, &memory.orgs, id, *ttl_ms).await,
        Chore::Settle { subject: Subject::Key(id), after_ms } => settle(ports, &memory.keys, id, *after_ms).await,
        Chore::Settle { subject: Subject::Org(id), after_ms } => settle(ports, &memory.orgs, id, *after_ms).await,
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
    let after_ms = shelf.with(id, |holding| holding.plan_settlement(ports.clock.now())).flatten();
    if let Some(after_ms) = after_ms {
        settle(ports, shelf, id, after_ms).await;
    }
}

async fn settle<R: Guarded>(ports: &Ports, shelf: &Shelf<R>, id: &R::Id, after_ms: u32) {
    ports.clock.pause(after_ms).await;
    let unsettled = shelf.with(id, |holding| holding.take_unsettled(ports.clock.now())).unwrap_or_default();
    if unsettled.is_empty() {
        return;
    }
    if ports.guards.send(&R::subject(id), &Command::Settle { settle: unsettled.clone() }).await.is_err() {
        shelf.with(id, |holding| holding.unanswered(unsettled));
    }
}
