//! Floods are counted by the platform's rate-limiting bindings.
//!
//! A binding counts at each of the platform's locations for itself, and passes counts on later: it is a dam, not a scale.
//! The exact limits of keys are the guards'.

use std::net::IpAddr;

use async_trait::async_trait;
use worker::Env;

use super::{bindings::is_admitted, deadline::within};
use crate::{
    network::subscriber,
    ports::{Flood, Throttle},
};

/// Counting happens on the same machine; what takes longer is out of order, and not worth a wait.
const LIMIT_MS: u64 = 500;

/// The counts of this deployment. The binding is looked up when it is used.
pub struct PlatformThrottle {
    env: Env,
}

impl PlatformThrottle {
    /// The counts of this deployment.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self { env }
    }
}

fn binding(flood: Flood) -> &'static str {
    match flood {
        Flood::UnknownKeys => "UNKNOWN_KEYS",
        Flood::FailedCredentials => "FAILED_CREDENTIALS",
        Flood::Docs => "DOCS",
    }
}

#[async_trait(?Send)]
impl Throttle for PlatformThrottle {
    async fn admits(&self, flood: Flood, address: IpAddr) -> bool {
        // Not fail closed, unlike everything that decides about a key: what is behind the dam decides by itself, and only
        // at a cost. A deployment without the binding, or whose binding fails, is slower under a flood, and never wrong;
        // refusing would turn a fault of the dam into an outage of good keys that the index does not have yet.
        match within(LIMIT_MS, is_admitted(&self.env, binding(flood), &subscriber::name(address))).await {
            Ok(admitted) => admitted.is_truthy(),
            Err(cause) => {
                worker::console_error!("{} does not count: {cause}", binding(flood));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::FLOOD_PERIOD_MS;

    #[test]
    fn each_binding_is_configured_with_the_period_that_callers_are_told_to_wait() {
        let wrangler = include_str!("../../wrangler.toml");
        for flood in [Flood::UnknownKeys, Flood::FailedCredentials, Flood::Docs] {
            let name = format!("name = \"{}\"", binding(flood));
            let table = wrangler.split("\n[").find(|table| table.starts_with("[ratelimits]]") && table.contains(&name)).unwrap();
            assert!(table.contains(&format!("period = {} }}", FLOOD_PERIOD_MS / 1000)), "{table}");
        }
    }
}
