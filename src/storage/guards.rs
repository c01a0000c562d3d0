//! Calling guards: a command, and a report along with it, as JSON to the Durable Object named after its subject.

use async_trait::async_trait;
use worker::Env;

use super::{bindings::ask_object, deadline::text_within};
use crate::{
    base::json,
    limit::guard::{Command, Reply},
    ports::{Guards, Outage, Subject},
    usage::{
        book::Contents,
        report::{Message, Report},
    },
};

const LIMIT_MS: u64 = 5_000;

const KEY_GUARD: &str = "KEY_GUARD";
const ORG_GUARD: &str = "ORG_GUARD";

/// A name that no subject has, for asking whether guards answer at all.
const NOBODY: &str = "readyz";

/// The guards of this deployment.
pub struct DurableGuards {
    env: Env,
}

impl DurableGuards {
    /// The guards of this deployment.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self { env }
    }

    /// What a guard answers in time.
    async fn ask(&self, binding: &str, name: &str, path: &str, message: Option<&str>) -> Result<String, Outage> {
        text_within(LIMIT_MS, ask_object(&self.env, binding, name, path, message)).await.map_err(outage)
    }
}

#[async_trait(?Send)]
impl Guards for DurableGuards {
    async fn send(&self, subject: &Subject, command: &Command, report: Option<&Report>) -> Result<Reply, Outage> {
        let message = serde_json::to_string(&Message { command, report }).map_err(|error| outage(error.to_string()))?;
        let name = subject.id();
        let reply = self.ask(binding_of(subject), &name, &name, Some(&message)).await?;
        json::read(&reply).map_err(no_reply)
    }

    async fn read_usage(&self, subject: &Subject) -> Result<Contents, Outage> {
        let name = subject.id();
        let contents = self.ask(binding_of(subject), &name, &format!("{}/usage", name.as_str()), None).await?;
        json::read(&contents).map_err(no_reply)
    }

    async fn check(&self) -> Result<(), Outage> {
        for binding in [KEY_GUARD, ORG_GUARD] {
            self.ask(binding, NOBODY, NOBODY, None).await?;
        }
        Ok(())
    }
}

fn binding_of(subject: &Subject) -> &'static str {
    match subject {
        Subject::Key(_) => KEY_GUARD,
        Subject::Org(_) => ORG_GUARD,
    }
}

fn no_reply(_: serde_json::Error) -> Outage {
    outage("answered something that is not a reply".to_owned())
}

fn outage(cause: String) -> Outage {
    Outage::Guard { cause }
}
