//! Asking a guard, and keeping what it answered: the record in force, a lease, a refusal.

use std::rc::Rc;

use super::{
    failure::Failure,
    shelf::{Guarded, Shelf},
};
use crate::{
    base::time::Timestamp,
    limit::{
        guard::{Command, Grant, Lease, Reply, Terms},
        lease::Settlement,
        window::Quota,
    },
    ports::{Outage, Ports},
    usage::tally::Tone,
};

/// What is asked of a subject's guard.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Tokens for the request itself.
    pub want: u32,
    /// How long a lease may live; without time there is none.
    pub ttl_ms: u32,
    /// Whether it only looks.
    pub peek: bool,
}

/// What came of it.
pub struct Answer<R> {
    /// The record in force; `None` for a subject that is gone.
    pub record: Option<Rc<R>>,
    /// The tokens, or why not.
    pub outcome: Outcome,
    /// What is left of the limit; `None` without one.
    pub quota: Option<Quota>,
}

/// Whether the tokens are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They were granted at that moment of the guard's clock.
    Granted(Timestamp),
    /// They were not; when to come back, if ever.
    Limited(Option<Timestamp>),
    /// The subject was never there.
    Unknown,
}

/// Asks the guard of the subject, of which the record `known` was seen.
///
/// INVARIANT: what the answer is about and the record that it names go onto the shelf together, and never below the
/// version that was asked with: a lease is of the terms that were in force when it was granted, or of newer ones.
///
/// # Errors
/// When the guard does not answer, or is behind what is known even after it read the truth.
pub async fn ask<R: Guarded>(
    ports: &Ports,
    shelf: &Shelf<R>,
    id: &R::Id,
    known: Option<Rc<R>>,
    question: Question,
) -> Result<Answer<R>, Failure> {
    let asked_at = ports.clock.now();
    let version_known = known.as_ref().map_or(0, |record| record.version());
    let (command, settle) = command(shelf, id, version_known, question, asked_at);
    // A look leaves nothing behind, at the guard either.
    let report = if question.peek { None } else { shelf.report(id, Tone::Opening, ports).map_err(Outage::from)? };
    let heard = match ports.guards.send(&R::subject(id), &command, report.as_ref()).await {
        Ok(Reply::Granted { newer, grant, quota }) => {
            in_force(id, known, newer, version_known).map(|record| Some((record, Ok(credible(grant, quota, &command)), quota)))
        }
        Ok(Reply::Limited { newer, retry_at, quota }) => {
            in_force(id, known, newer, version_known).map(|record| Some((record, Err(retry_at), Some(quota))))
        }
        Ok(Reply::Unknown) => Ok(None),
        Ok(other) => Err(Outage::Guard { cause: format!("answered an inquiry with {other:?}") }.into()),
        Err(outage) => Err(outage.into()),
    };
    // With a subject that is gone nobody is at work, and its guard keeps nothing of it.
    let is_gone = matches!(heard, Ok(None | Some((None, ..))));
    shelf.told(id, report.as_ref(), if is_gone { Tone::Closing } else { Tone::Opening }, heard.is_ok());
    let (record, outcome, quota) = match heard {
        Ok(Some((record, outcome, quota))) => (record.map(|record| shelf.remember(record)), outcome, quota),
        Ok(None) => return Ok(Answer { record: None, outcome: Outcome::Unknown, quota: None }),
        Err(failure) => {
            shelf.with(id, |holding| holding.unanswered(settle));
            return Err(failure);
        }
    };
    // What a lease has ahead can be spent here, too.
    let ahead = outcome.ok().and_then(|grant| grant.lease?.tokens).unwrap_or(0);
    let left = quota.map(|quota| quota.with_back(ahead));
    if !question.peek {
        keep(shelf, id, record.is_some(), question, outcome, quota, asked_at);
    }
    let outcome = match outcome {
        Ok(grant) => Outcome::Granted(grant.granted_at),
        Err(retry_at) => Outcome::Limited(retry_at),
    };
    Ok(Answer { record, outcome, quota: left })
}

/// Gives back tokens that were granted for a request and not spent.
///
/// # Errors
/// When the guard does not answer: then they count as spent.
pub async fn release<R: Guarded>(ports: &Ports, id: &R::Id, tokens: u32, granted_at: Timestamp) -> Result<(), Outage> {
    ports.guards.send(&R::subject(id), &Command::Release { tokens, granted_at }, None).await.map(drop)
}

fn command<R: Guarded>(shelf: &Shelf<R>, id: &R::Id, version_known: u64, question: Question, now: Timestamp) -> (Command, Vec<Settlement>) {
    let Question { want, ttl_ms, peek } = question;
    if peek {
        return (Command::Peek { version_known, want, lease_ms: ttl_ms }, Vec::new());
    }
    let (ahead, settle) = shelf
        .with(id, |holding| {
            holding.note_demand(want, now);
            holding.begin_asking(ttl_ms, now)
        })
        .unwrap_or_default();
    (Command::Acquire { version_known, want, ahead, ttl_ms, settle: settle.clone() }, settle)
}

/// The grant, without a lease of more than was asked for: what a guard waits for is what edges ask for at most. Nor are
/// there tokens to a lease without a limit, or the other way round.
fn credible(grant: Grant, quota: Option<Quota>, asked: &Command) -> Grant {
    let Command::Acquire { ahead, ttl_ms, .. } = *asked else { return Grant { lease: None, ..grant } };
    let is_credible = |lease: &Lease| {
        lease.ttl_ms <= ttl_ms && lease.tokens.is_some() == quota.is_some() && lease.tokens.is_none_or(|tokens| tokens <= ahead)
    };
    Grant { lease: grant.lease.filter(is_credible), ..grant }
}

/// The record that the guard vouches for.
fn in_force<R: Guarded>(id: &R::Id, known: Option<Rc<R>>, newer: Option<Terms>, version_known: u64) -> Result<Option<Rc<R>>, Failure> {
    let Some(terms) = newer else { return Ok(known) };
    // INVARIANT: an edge never goes back to a lower version. A guard that is behind what the edge knows, even after it
    // read the truth, has nothing to decide by.
    if terms.version <= version_known {
        return Err(Outage::Guard { cause: format!("is at version {}, behind {version_known}", terms.version) }.into());
    }
    let Some(record) = terms.record else { return Ok(None) };
    let record = R::read(&record)?;
    if (record.id(), record.version()) != (id, terms.version) {
        return Err(Outage::Guard { cause: "answered with a record of something else".to_owned() }.into());
    }
    Ok(Some(Rc::new(record)))
}

fn keep<R: Guarded>(
    shelf: &Shelf<R>,
    id: &R::Id,
    is_there: bool,
    question: Question,
    outcome: Result<Grant, Option<Timestamp>>,
    quota: Option<Quota>,
    asked_at: Timestamp,
) {
    if !is_there {
        return shelf.forget(id);
    }
    shelf.with(id, |holding| {
        if question.want > 0 {
            holding.note_use(asked_at);
        }
        match (outcome, quota) {
            (Ok(grant), quota) => holding.granted(&grant, quota, asked_at),
            (Err(retry_at), Some(quota)) => holding.refused(question.want, retry_at, quota, asked_at),
            (Err(_), None) => {}
        }
    });
}
