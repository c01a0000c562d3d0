//! The platform's events: requests, the cron, and the guards' objects.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{self, Poll, Wake, Waker},
};

use js_sys::futures::future_to_promise;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{Context, DurableObject, Env, Request, Response, ScheduleContext, ScheduledEvent, State, durable_object, event, worker_sys};

use crate::{
    app,
    http::{exchange, inbound::Inbound, reply::Reply},
    object::guard::{GuardObject, Guarded},
    storage::platform::in_turns,
};

/// A request: its answer, or a promise of it. What is decided from memory is answered at once: a promise, and a task that
/// keeps it, cost a good part of what a decision does.
#[wasm_bindgen]
pub fn fetch(request: web_sys::Request, env: Env, context: worker_sys::Context) -> JsValue {
    let answer = async move {
        let reply = app::fetch(Inbound::new(request), &env, Context::new(context)).await;
        Ok(exchange::answer(&reply)
            .or_else(|cause| {
                worker::console_error!("an answer was refused: {cause}");
                exchange::answer(&Reply::empty(500))
            })?
            .into())
    };
    let mut answer = in_turns(answer);
    let relay = Arc::new(Relay::default());
    let waker = Waker::from(Arc::clone(&relay));
    match Pin::new(&mut answer).poll(&mut task::Context::from_waker(&waker)) {
        Poll::Ready(Ok(response)) => response,
        Poll::Ready(Err(error)) => wasm_bindgen::throw_val(error),
        Poll::Pending => future_to_promise(poll_fn(move |context| {
            relay.pass_on_to(context.waker());
            Pin::new(&mut answer).poll(&mut task::Context::from_waker(&waker))
        }))
        .into(),
    }
}

/// The waker of a future that is polled before it has a task: some futures keep the first one that they see, so it is the
/// same from the first poll on, and wakes whatever task the future has by then.
#[derive(Default)]
struct Relay(Mutex<Option<Waker>>);

impl Relay {
    fn pass_on_to(&self, task: &Waker) {
        if let Ok(mut known) = self.0.lock() {
            known.get_or_insert_with(|| task.clone()).clone_from(task);
        }
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Without a task yet there is one about to poll.
        let task = self.0.lock().ok().and_then(|known| known.clone());
        if let Some(task) = task {
            task.wake();
        }
    }
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
