//! The platform's clock and random generator.

use std::{cell::RefCell, time::Duration};

use async_trait::async_trait;
use worker::Delay;

use super::turns;
use crate::{
    base::{
        chance::{Entropy, NoEntropy},
        time::Timestamp,
    },
    ports::Clock,
};

thread_local! {
    static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; DRAWN_BYTES], left: 0 }) };
}

/// The platform's clock. In production it stands still between I/O.
pub struct PlatformClock;

#[async_trait(?Send)]
impl Clock for PlatformClock {
    fn now(&self) -> Timestamp {
        turns::now(look)
    }

    async fn pause(&self, ms: u32) {
        Delay::from(Duration::from_millis(ms.into())).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the adapter that asks")]
#[expect(clippy::cast_possible_truncation, reason = "a time in milliseconds is a whole number far below 2^53")]
fn look() -> Timestamp {
    Timestamp::from_ms(js_sys::Date::now() as i64)
}

/// Whoever needs so few bytes makes an id, which each request does: those are drawn in one call for many.
const FEW_BYTES: usize = 16;
const DRAWN_BYTES: usize = 1024;

/// Random bytes that nobody has used.
struct Drawn {
    bytes: [u8; DRAWN_BYTES],
    left: usize,
}

impl Drawn {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        if self.left < bytes.len() {
            draw(&mut self.bytes)?;
            self.left = DRAWN_BYTES;
        }
        let end = self.left;
        self.left -= bytes.len();
        let taken = self.bytes.get_mut(self.left..end).ok_or(NoEntropy)?;
        bytes.copy_from_slice(taken);
        // None is used twice, whatever happens.
        taken.fill(0);
        Ok(())
    }
}

/// WebCrypto's generator.
pub struct PlatformEntropy;

impl Entropy for PlatformEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        if bytes.len() <= FEW_BYTES { DRAWN.with_borrow_mut(|drawn| drawn.fill(bytes)) } else { draw(bytes) }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the adapter that asks")]
fn draw(bytes: &mut [u8]) -> Result<(), NoEntropy> {
    getrandom::fill(bytes).map_err(|_| NoEntropy)
}
