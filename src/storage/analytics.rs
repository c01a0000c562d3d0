//! Points of Workers Analytics Engine, where the deployment binds a data set as `ANALYTICS`.
//!
//! The platform takes a point at once and keeps it later. Its limits: 20 blobs of 16 KB together, 20 doubles, one index of
//! 96 bytes, 250 points in one invocation; a request makes 100 decisions at most.

use std::cell::OnceCell;

use worker::Env;

use super::bindings::{has_analytics, write_point};
use crate::ports::watch::{Analytics, Point};

/// The data set of this deployment, if it has one.
pub struct PlatformAnalytics {
    env: Env,
    /// Looked up once: a deployment without a data set pays nothing for it.
    is_bound: OnceCell<bool>,
}

impl PlatformAnalytics {
    /// The data set of this deployment.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self { env, is_bound: OnceCell::new() }
    }
}

impl Analytics for PlatformAnalytics {
    fn is_kept(&self) -> bool {
        *self.is_bound.get_or_init(|| has_analytics(&self.env))
    }

    fn write(&self, point: &Point) {
        let Ok(point) = serde_json::to_string(point) else { return };
        if let Err(cause) = write_point(&self.env, &point) {
            worker::console_error!("ANALYTICS takes no points: {}", worker::Error::from(cause));
        }
    }
}
