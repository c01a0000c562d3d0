//! The platform's events: requests, the cron, and the guards' objects.

use std::{
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{self, Poll, Wake, Waker},
};

use js_sys::{Promise, futures::future_to_promise};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{
    Context, Env, ScheduleContext, ScheduledEvent, event,
    worker_sys::{self, DurableObjectState},
};

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
    pub fn fetch(&self, request: web_sys::Request) -> Promise {
        answer(Rc::clone(&self.object), request)
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
    pub fn fetch(&self, request: web_sys::Request) -> Promise {
        answer(Rc::clone(&self.object), request)
    }
}

fn answer(object: Rc<GuardObject>, request: web_sys::Request) -> Promise {
    future_to_promise(async move { object.fetch(request).await.map(JsValue::from) })
}
