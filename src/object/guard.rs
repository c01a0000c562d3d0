//! One guard's object: takes commands, answers replies.

use std::cell::OnceCell;

use worker::{Request, Response, State};

use super::cell::Cell;
use crate::{
    base::id::{KeyId, OrgId},
    limit::guard::{Command, Guard, Reply, Terms},
    ports::{Outage, Ports, Subject},
};

/// Which kind of subject an object guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// Keys.
    Key,
    /// Organizations.
    Org,
}

/// A guard's object.
pub struct GuardObject {
    state: State,
    cell: OnceCell<Cell>,
    guarded: Guarded,
    ports: Ports,
}

impl GuardObject {
    /// The object over its storage; `ports` give it the truth and the clock.
    #[must_use]
    pub fn new(state: State, guarded: Guarded, ports: Ports) -> Self {
        Self { state, cell: OnceCell::new(), guarded, ports }
    }

    /// Answers one request: the path names the subject, the body is a command. A GET only shows that guards answer.
    ///
    /// # Errors
    /// When storage or the truth fails; the caller then has no decision.
    pub async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        if request.method() == worker::Method::Get {
            return Response::ok("guard");
        }
        let path = request.path();
        let Some(subject) = self.subject(path.trim_start_matches('/')) else {
            return Response::error("not a subject", 400);
        };
        let Ok(command) = serde_json::from_str::<Command>(&request.text().await?) else {
            return Response::error("not a command", 400);
        };
        match self.answer(&subject, command).await {
            Ok(reply) => Response::from_json(&reply),
            Err(cause) => {
                worker::console_error!("guard of {}: {cause}", subject.id());
                Response::error("no answer", 503)
            }
        }
    }

    fn cell(&self) -> worker::Result<&Cell> {
        if let Some(cell) = self.cell.get() {
            return Ok(cell);
        }
        let cell = Cell::open(self.state.storage().sql())?;
        Ok(self.cell.get_or_init(|| cell))
    }

    async fn answer(&self, subject: &Subject, command: Command) -> worker::Result<Reply> {
        let cell = self.cell()?;
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
        let Some((guard, reply)) = Guard::step(stored.clone(), truth, command, now) else { return Ok(Reply::Unknown) };
        // An object that was replaced learns so only when it writes: a grant is written even where it changes nothing.
        if spends || stored.as_ref() != Some(&guard) {
            cell.save(&guard)?;
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
