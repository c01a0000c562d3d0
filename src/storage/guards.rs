//! Calling guards: a command, and a report along with it, as JSON to the Durable Object named after its subject.

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use worker::{Env, Method, Request, RequestInit, Response, Stub};

use super::deadline::within;
use crate::{
    base::id::KeyId,
    limit::guard::{Command, Reply},
    ports::{Guards, Outage, Subject},
    usage::{
        book::Contents,
        report::{Message, Report},
    },
};

const LIMIT_MS: u64 = 5_000;

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

    fn stub(&self, binding: &str, name: &str) -> Result<Stub, Outage> {
        // A stub whose object failed stays broken: each call makes its own.
        self.env.durable_object(binding).and_then(|namespace| namespace.get_by_name(name)).map_err(outage)
    }
}

fn binding(subject: &Subject) -> &'static str {
    match subject {
        Subject::Key(_) => "KEY_GUARD",
        Subject::Org(_) => "ORG_GUARD",
    }
}

#[async_trait(?Send)]
impl Guards for DurableGuards {
    async fn send(&self, subject: &Subject, command: &Command, report: Option<&Report>) -> Result<Reply, Outage> {
        let stub = self.stub(binding(subject), subject.id())?;
        let body = serde_json::to_string(&Message { command, report }).map_err(outage)?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(body.into()));
        let request = Request::new_with_init(&format!("https://guard/{}", subject.id()), &init).map_err(outage)?;
        answer(async { stub.fetch_with_request(request).await }).await
    }

    async fn read_usage(&self, key: &KeyId) -> Result<Contents, Outage> {
        let subject = Subject::Key(key.clone());
        let stub = self.stub(binding(&subject), subject.id())?;
        answer(async { stub.fetch_with_str(&format!("https://guard/{key}/usage")).await }).await
    }

    async fn check(&self) -> Result<(), Outage> {
        for binding in ["KEY_GUARD", "ORG_GUARD"] {
            let stub = self.stub(binding, NOBODY)?;
            let status = within(LIMIT_MS, async { Ok(stub.fetch_with_str("https://guard/readyz").await?.status_code()) }).await;
            if status.map_err(outage)? != 200 {
                return Err(outage("does not answer"));
            }
        }
        Ok(())
    }
}

/// What a guard answers in time.
async fn answer<T: DeserializeOwned>(response: impl Future<Output = worker::Result<Response>>) -> Result<T, Outage> {
    let exchange = async {
        let mut response = response.await?;
        Ok((response.status_code(), response.text().await?))
    };
    match within(LIMIT_MS, exchange).await.map_err(outage)? {
        (200, reply) => serde_json::from_str(&reply).map_err(|_| outage("answered something that is not a reply")),
        (status, _) => Err(outage(format!("answered with status {status}"))),
    }
}

fn outage(cause: impl std::fmt::Display) -> Outage {
    Outage::Guard { cause: cause.to_string() }
}
