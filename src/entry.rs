//! The platform's events: requests, the cron, and the guards' objects.

use worker::{Context, DurableObject, Env, Request, Response, ScheduleContext, ScheduledEvent, State, durable_object, event};

use crate::{
    app,
    http::inbound::Inbound,
    object::guard::{GuardObject, Guarded},
};

/// A request.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    app::fetch(Inbound::new(request), &env, context).await.into_response()
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
        Self { object: GuardObject::new(state, Guarded::Key, app::ports(&env, Box::new(app::NoBackground))) }
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
        Self { object: GuardObject::new(state, Guarded::Org, app::ports(&env, Box::new(app::NoBackground))) }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        self.object.fetch(request).await
    }
}
