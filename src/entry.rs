//! The platform's events: requests, the cron, and the guards' objects.

use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{Context, DurableObject, Env, Request, Response, ScheduleContext, ScheduledEvent, State, durable_object, event, worker_sys};

use crate::{
    app,
    http::{exchange, inbound::Inbound, reply::Reply},
    object::guard::{GuardObject, Guarded},
    storage::turns,
};

/// A request: its answer, or a promise of it.
#[wasm_bindgen]
pub fn fetch(request: web_sys::Request, env: Env, context: worker_sys::Context) -> Result<JsValue, JsValue> {
    turns::answer(async move {
        let reply = app::fetch(Inbound::new(request), &env, Context::new(context)).await;
        let response = exchange::answer(&reply).or_else(|cause| {
            worker::console_error!("an answer was refused: {cause}");
            exchange::answer(&Reply::empty(500))
        })?;
        Ok(response.into())
    })
}

/// Each minute.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    app::scheduled(&env).await;
}

/// The guard of one key.
#[durable_object(fetch)]
pub struct KeyGuard {
    object: GuardObject,
}

impl DurableObject for KeyGuard {
    fn new(state: State, env: Env) -> Self {
        Self { object: GuardObject::new(state, Guarded::Key, app::ports(&env)) }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        self.object.fetch(request).await
    }
}

/// The guard of one organization.
#[durable_object(fetch)]
pub struct OrgGuard {
    object: GuardObject,
}

impl DurableObject for OrgGuard {
    fn new(state: State, env: Env) -> Self {
        Self { object: GuardObject::new(state, Guarded::Org, app::ports(&env)) }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        self.object.fetch(request).await
    }
}
