//! One guard's object: takes commands and reports, answers replies; shows its book.

use std::cell::OnceCell;

use js_sys::futures::JsFuture;
use wasm_bindgen::JsValue;
use web_sys::{Request, Response, ResponseInit};
use worker::worker_sys::DurableObjectState;

use super::{cell::Cell, failure::Failure, rows::ObjectRows, sql::Sql};
use crate::{
    base::{
        id::{KeyId, OrgId},
        json,
    },
    limit::guard::{Command, Guard, Reply, Terms},
    ports::{Outage, Ports, Subject},
    service::roll_up,
    usage::{
        account::Standing,
        book,
        report::{Message, Report},
        retention, roll,
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
    sql: Sql,
    stored: OnceCell<Stored>,
    guarded: Guarded,
    ports: Ports,
}

impl GuardObject {
    /// The object over its storage; `ports` give it the truth and the clock.
    #[must_use]
    pub fn new(state: DurableObjectState, guarded: Guarded, ports: Ports) -> Self {
        Self { sql: Sql::new(state), stored: OnceCell::new(), guarded, ports }
    }

    /// Answers one request: the path names the subject, the body is a message. A GET shows its book; of what is no subject,
    /// only that guards answer.
    ///
    /// # Errors
    /// When the platform refuses the answer.
    pub async fn fetch(&self, request: Request) -> Result<Response, JsValue> {
        let (status, text) = self.exchange(&request).await;
        let init = ResponseInit::new();
        init.set_status(status);
        Response::new_with_opt_str_and_init(Some(&text), &init)
    }

    async fn exchange(&self, request: &Request) -> (u16, String) {
        let url = request.url();
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        let answer = if request.method() == "GET" {
            if path.ends_with("/usage") { self.book() } else { Ok("guard".to_owned()) }
        } else {
            let Some(subject) = self.subject(path) else { return (400, "not a subject".to_owned()) };
            let Some(message) = message_of(request).await else { return (400, "not a message".to_owned()) };
            self.answer(&subject, message).await.and_then(|reply| Ok(serde_json::to_string(&reply)?))
        };
        answer.map_or_else(
            |cause| {
                worker::console_error!("guard {path}: {cause}");
                (503, "no answer".to_owned())
            },
            |answer| (200, answer),
        )
    }

    fn book(&self) -> Result<String, Failure> {
        Ok(serde_json::to_string(&book::contents(&self.stored()?.rows, self.ports.clock.now())?)?)
    }

    fn stored(&self) -> Result<&Stored, Failure> {
        if let Some(stored) = self.stored.get() {
            return Ok(stored);
        }
        let stored = Stored { cell: Cell::open(self.sql.clone())?, rows: ObjectRows::open(self.sql.clone())? };
        Ok(self.stored.get_or_init(|| stored))
    }

    async fn answer(&self, subject: &Subject, message: Message<Command, Report>) -> Result<Reply, Failure> {
        let (Message { command, report }, Stored { cell, rows }) = (message, self.stored()?);
        let (stored, truth) = match cell.load()? {
            Some(guard) if !guard.is_behind(&command) => (Some(guard), None),
            _ => {
                let truth = self.read_truth(subject, &command).await?;
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
        if let Some(report) = report {
            book::enter(rows, &report, Standing::after(&guard, &command, &reply, now), now)?;
        }
        if guard.is_gone() {
            retention::strip(rows)?;
        }
        // Who has just gone is still known by its last record.
        let record = guard.record().or(stored.as_ref().and_then(Guard::record));
        if let Some(due) = roll::plan(rows, || roll_up::owner(subject, record), now)? {
            self.sql.set_alarm(due);
        }
        Ok(reply)
    }

    /// Tells the truth what was asked of the subject. What fails is tried again at the next alarm.
    ///
    /// # Errors
    /// When the object's storage fails: then the platform itself tries again.
    pub async fn alarm(&self) -> Result<(), JsValue> {
        let failed = |failure: Failure| JsValue::from_str(&failure.to_string());
        let rows = &self.stored().map_err(failed)?.rows;
        if let Some(due) = roll_up::wake(&self.ports, rows).await.map_err(failed)? {
            self.sql.set_alarm(due);
        }
        Ok(())
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

async fn message_of(request: &Request) -> Option<Message<Command, Report>> {
    let text = JsFuture::from(request.text().ok()?).await.ok()?;
    json::read(&text.as_string()?).ok()
}
