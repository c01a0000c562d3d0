//! The turns of the event loop: in each, futures are polled, and it is one time.
//!
//! A future here is polled at once, and later in a microtask after it was woken: not while it is woken, because some futures
//! wake before they are ready. The platform's `queueMicrotask`, which is the usual way, costs a request with a body a tenth of
//! all it does; a promise that is there already costs little.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use hashbrown::HashMap;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue, prelude::*};

use crate::base::time::Timestamp;

#[wasm_bindgen(module = "/shim/turns.js")]
extern "C" {
    /// Calls it in a microtask.
    fn soon(work: &JsValue);
}

type Outcome = Result<JsValue, JsValue>;

thread_local! {
    static TURN: Cell<Turn> = const { Cell::new(Turn::Between) };
    static LAST: Cell<u64> = const { Cell::new(0) };
    static WAITING: RefCell<HashMap<u64, Task>> = RefCell::default();
    static WOKEN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    static POLL_THE_WOKEN: Closure<dyn Fn()> = Closure::new(poll_the_woken);
}

#[derive(Clone, Copy)]
enum Turn {
    /// No future is polled.
    Between,
    Begun,
    At(Timestamp),
}

/// A future that waits, and the promise of its outcome.
struct Task {
    future: Pin<Box<dyn Future<Output = Outcome>>>,
    waker: Waker,
    resolve: Function,
    reject: Function,
}

/// Wakes the task of that number. It may come late, or twice: numbers are used once.
struct Wakeup(u64);

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        WOKEN.with_borrow_mut(|woken| woken.push(self.0));
        // Each has a microtask of its own, though the first works for all: the platform drops it with its request.
        POLL_THE_WOKEN.with(|poll| soon(poll.as_ref()));
    }
}

/// What the future comes to, or a promise of it. What is there at once is given at once: a promise costs a good part of what a
/// decision does.
///
/// # Errors
/// What the future fails with at once.
pub fn answer(future: impl Future<Output = Outcome> + 'static) -> Outcome {
    let number = LAST.get() + 1;
    LAST.set(number);
    let waker = Waker::from(Arc::new(Wakeup(number)));
    let mut future: Pin<Box<dyn Future<Output = Outcome>>> = Box::pin(future);
    if let Poll::Ready(outcome) = poll(future.as_mut(), &waker) {
        return outcome;
    }
    let mut settle = None;
    let promise = Promise::new(&mut |resolve, reject| settle = Some((resolve, reject)));
    // It is called before `new` returns.
    if let Some((resolve, reject)) = settle {
        WAITING.with_borrow_mut(|waiting| waiting.insert(number, Task { future, waker, resolve, reject }));
    }
    Ok(promise.unchecked_into())
}

fn poll_the_woken() {
    for number in WOKEN.take() {
        // It may have come to its end since it was woken.
        let Some(mut task) = WAITING.with_borrow_mut(|waiting| waiting.remove(&number)) else { continue };
        let (settle, outcome) = match poll(task.future.as_mut(), &task.waker) {
            Poll::Ready(Ok(value)) => (task.resolve, value),
            Poll::Ready(Err(error)) => (task.reject, error),
            Poll::Pending => {
                WAITING.with_borrow_mut(|waiting| waiting.insert(number, task));
                continue;
            }
        };
        // The functions that settle a promise do not throw.
        let _ = settle.call1(&JsValue::UNDEFINED, &outcome);
    }
}

fn poll(future: Pin<&mut dyn Future<Output = Outcome>>, waker: &Waker) -> Poll<Outcome> {
    TURN.set(Turn::Begun);
    let polled = future.poll(&mut Context::from_waker(waker));
    TURN.set(Turn::Between);
    polled
}

/// What time it is: the platform's time stands still between I/O, that is, within a turn, and each look at the clock is a
/// call into JavaScript.
pub fn now(look: impl FnOnce() -> Timestamp) -> Timestamp {
    match TURN.get() {
        Turn::At(now) => now,
        Turn::Between => look(),
        Turn::Begun => {
            let now = look();
            TURN.set(Turn::At(now));
            now
        }
    }
}
