//! The platform's events.

use worker::{Context, DurableObject, Env, Request, Response, State, durable_object, event};

#[event(fetch)]
async fn fetch(_req: web_sys::Request, _env: Env, _ctx: Context) -> worker::Result<web_sys::Response> {
    web_sys::Response::new_with_opt_str(Some("hello")).map_err(Into::into)
}

#[event(scheduled)]
async fn scheduled(_event: worker::ScheduledEvent, _env: Env, _ctx: worker::ScheduleContext) {}

#[durable_object(fetch)]
pub struct KeyGuard {
    _state: State,
}

impl DurableObject for KeyGuard {
    fn new(state: State, _env: Env) -> Self {
        Self { _state: state }
    }

    async fn fetch(&self, _req: Request) -> worker::Result<Response> {
        Response::ok("guard")
    }
}

#[durable_object(fetch)]
pub struct OrgGuard {
    _state: State,
}

impl DurableObject for OrgGuard {
    fn new(state: State, _env: Env) -> Self {
        Self { _state: state }
    }

    async fn fetch(&self, _req: Request) -> worker::Result<Response> {
        Response::ok("guard")
    }
}
