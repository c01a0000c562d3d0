//! One guard's object: takes commands and reports, answers replies; shows its book.

use std::cell::OnceCell;

use worker::{Request, Response, State};

use super::{cell::Cell, rows::ObjectRows};
use crate::{
    base::id::{KeyId, OrgId},
    limit::guard::{Command, Guard, Reply, Terms},
    ports::{Outage, Ports, Subject},
    usage::{
        account::Standing,
        book,
        report::{Message, Report},
    },
};

/// Which kind of subject an object guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// Keys.
    Key,
    /// Organizations.
    Org,
}

/// What an object keeps.
struct Stored {
    cell: Cell,
    rows: ObjectRows,
}

/// A guard's object.
pub struct GuardObject {
    state: State,
    stored: OnceCell<Stored>,
    guarded: Guarded,
    ports: Ports,
}

impl GuardObject {
    /// The object over its storage; `ports` give it the truth and the clock.
    #[must_use]
    pub fn new(state: State, guarded: Guarded, ports: Ports) -> Self {
        Self { state, stored: OnceCell::new(), guarded, ports }
    }

    /// Answers one request: the path names the subject, the body is a message. A GET shows its book; of what is no subject,
    /// only that guards answer.
    ///
    /// # Errors
    /// When storage or the truth fails; the caller then has no decision.
    pub async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let path = request.path();
        if request.method() == worker::Method::Get {
            return match path.ends_with("/usage") {
                true => Response::from_json(&book::contents(&self.stored()?.rows, self.ports.clock.now())?),
                false => Response::ok("guard"),
            };
        }
        let Some(subject) = self.subject(path.trim_start_matches('/')) else {
            return Response::error("not a subject", 400);
        };
        let Ok(message) = serde_json::from_str(&request.text().await?) else {
            return Response::error("not a message", 400);
        };
        match self.answer(&subject, message).await {
            Ok(reply) => Response::from_json(&reply),
            Err(cause) => {
                worker::console_error!("guard of {}: {cause}", subject.id());
                Response::error("no answer", 503)
            }
        }
    }

    fn stored(&self) -> worker::Result<&Stored> {
        if let Some(stored) = self.stored.get() {
            return Ok(stored);
        }
        let sql = || self.state.storage().sql();
        let stored = Stored { cell: Cell::open(sql())?, rows: ObjectRows::open(sql())? };
        Ok(self.stored.get_or_init(|| stored))
    }

    async fn answer(&self, subject: &Subject, message: Message<Command, Report>) -> worker::Result<Reply> {
        let (Message { command, report }, Stored { cell, rows }) = (message, self.stored()?);
        let (stored, truth) = match cell.load()? {
            Some(guard) if !guard.is_behind(&command) => (Some(guard), None),
            _ => {
                let truth = self.read_truth(subject, &command).await;
                let truth = truth.map_err(|outage| worker::Error::RustError(outage.to_string()))?;
                // Awaiting the truth let other commands in: what they saved counts.
                (cell.load()?, truth)
            }
        };
        // From here to the reply nothing is awaited: apply and save are one step with the load above, and the output gate
        // holds the reply until the save is durable.
        let (now, spends) = (self.ports.clock.now(), command.spends());
        let Some((guard, reply)) = Guard::step(stored.clone(), truth, command.clone(), now) else { return Ok(Reply::Unknown) };
        // An object that was replaced learns so only when it writes: a grant is written even where it changes nothing.
        if spends || stored.as_ref() != Some(&guard) {
            cell.save(&guard)?;
        }
        match report {
            _ if guard.is_gone() => book::clear(rows)?,
            Some(report) => book::enter(rows, &report, Standing::after(&command, &reply, now), now)?,
            None => {}
        }
        Ok(reply)
    }

    /// The terms that the truth holds. An adoption brings its own, but a guard without state starts from the truth all
    /// the same: the adoption may have been late.
    async fn read_truth(&self, subject: &Subject, command: &Command) -> Result<Option<Terms>, Outage> {
        let damaged = |cause: &dyn std::fmt::Display| Outage::Ledger { cause: cause.to_string() };
        let found = match subject {
            Subject::Key(id) => self.ports.ledger.find_key(id).await?.map(|key| key.terms().map_err(|error| damaged(&error))),
            Subject::Org(id) => self.ports.ledger.find_org(id).await?.map(|org| org.terms().map_err(|error| damaged(&error))),
        };
        let adopted = match command {
            Command::Adopt { terms, .. } => Some(terms.clone()),
            _ => None,
        };
        Ok(found.transpose()?.or(adopted))
    }

    fn subject(&self, id: &str) -> Option<Subject> {
        match self.guarded {
            Guarded::Key => KeyId::parse(id).ok().map(Subject::Key),
            Guarded::Org => OrgId::parse(id).ok().map(Subject::Org),
        }
    }
}
