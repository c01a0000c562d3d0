//! The platform's clock and random generator.

use std::time::Duration;

use async_trait::async_trait;
use worker::{Date, Delay};

use crate::{
    base::{
        chance::{Entropy, NoEntropy},
        time::Timestamp,
    },
    ports::Clock,
};

/// The platform's clock. In production it stands still between I/O.
pub struct PlatformClock;

#[async_trait(?Send)]
impl Clock for PlatformClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else takes as an argument")]
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX))
    }

    async fn pause(&self, ms: u32) {
        Delay::from(Duration::from_millis(ms.into())).await;
    }
}

/// WebCrypto's generator.
pub struct PlatformEntropy;

impl Entropy for PlatformEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the generator that everybody else takes as an argument")]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(bytes).map_err(|_| NoEntropy)
    }
}
