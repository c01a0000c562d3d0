//! A clock that stands still until a test moves it.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::Poll,
};

use async_trait::async_trait;

use crate::{base::time::Timestamp, ports::Clock};

/// The clock. Clones share it.
#[derive(Clone)]
pub struct MemoryClock {
    now: Rc<Cell<Timestamp>>,
    pauses: Rc<RefCell<Vec<u32>>>,
}

impl MemoryClock {
    pub fn at(now: Timestamp) -> Self {
        Self { now: Rc::new(Cell::new(now)), pauses: Rc::default() }
    }

    /// It is `now` from here on.
    pub fn set(&self, now: Timestamp) {
        self.now.set(now);
    }

    /// Moves the clock; backwards too.
    pub fn advance(&self, ms: i64) {
        self.now.set(self.now.get().plus_ms(ms));
    }

    /// The pauses that somebody made, in milliseconds.
    pub fn pauses(&self) -> Vec<u32> {
        self.pauses.borrow().clone()
    }
}

#[async_trait(?Send)]
impl Clock for MemoryClock {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    async fn pause(&self, ms: u32) {
        self.pauses.borrow_mut().push(ms);
        self.advance(ms.into());
        let_others_in().await;
    }
}

/// Ends this turn, so that what runs beside it has one.
pub async fn let_others_in() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
