//! The platform's events: requests, the cron, and the guards' objects.

use std::rc::Rc;

use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{
    Context, Env, ScheduleContext, ScheduledEvent, event,
    worker_sys::{self, DurableObjectState},
};

use crate::{
    app,
    http::{answer::Answer, exchange, inbound::Inbound, reply::Reply},
    object::guard::{GuardObject, Guarded},
    storage::turns,
};

/// A request: its answer, or a promise of it.
#[wasm_bindgen]
pub fn fetch(request: web_sys::Request, env: Env, context: worker_sys::Context) -> Result<JsValue, JsValue> {
    turns::answer(async move {
        let reply = match app::fetch(Inbound::new(request), &env, Context::new(context)).await {
            Answer::Made(reply) => reply,
            Answer::Passed(response) => return Ok(response.into()),
        };
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
#[wasm_bindgen]
pub struct KeyGuard {
    object: Rc<GuardObject>,
}

#[wasm_bindgen]
impl KeyGuard {
    /// The guard over an object's storage.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(state: DurableObjectState, env: &Env) -> Self {
        Self { object: Rc::new(GuardObject::new(state, Guarded::Key, app::ports(env))) }
    }

    /// Answers a message.
    pub fn fetch(&self, request: web_sys::Request) -> Result<JsValue, JsValue> {
        answer(Rc::clone(&self.object), request)
    }

    /// Tells the truth what was counted.
    pub fn alarm(&self) -> Result<JsValue, JsValue> {
        wake(Rc::clone(&self.object))
    }
}

/// The guard of one organization.
#[wasm_bindgen]
pub struct OrgGuard {
    object: Rc<GuardObject>,
}

#[wasm_bindgen]
impl OrgGuard {
    /// The guard over an object's storage.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(state: DurableObjectState, env: &Env) -> Self {
        Self { object: Rc::new(GuardObject::new(state, Guarded::Org, app::ports(env))) }
    }

    /// Answers a message.
    pub fn fetch(&self, request: web_sys::Request) -> Result<JsValue, JsValue> {
        answer(Rc::clone(&self.object), request)
    }

    /// Tells the truth what was counted.
    pub fn alarm(&self) -> Result<JsValue, JsValue> {
        wake(Rc::clone(&self.object))
    }
}

fn answer(object: Rc<GuardObject>, request: web_sys::Request) -> Result<JsValue, JsValue> {
    turns::answer(async move { object.fetch(request).await.map(JsValue::from) })
}

fn wake(object: Rc<GuardObject>) -> Result<JsValue, JsValue> {
    turns::answer(async move { object.alarm().await.map(|()| JsValue::UNDEFINED) })
}
