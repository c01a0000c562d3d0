//! A rate: at most so many tokens in any span of so many seconds.

use serde::{Deserialize, Serialize};

use crate::base::document::{Faults, Field};

/// At most `limit` tokens in any `window_seconds`, wherever the span starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RateLimit {
    /// Tokens, at least 1.
    pub limit: u32,
    /// Length of the span in seconds, 1 to 86,400.
    pub window_seconds: u32,
}

const MAX_LIMIT: u32 = 1_000_000_000;
const MAX_WINDOW_SECONDS: u32 = 86_400;

impl RateLimit {
    /// Reads `{"limit", "window_seconds"}`.
    pub fn read(field: &Field<'_>, faults: &mut Faults) -> Option<Self> {
        let mut members = field.object(faults)?;
        let limit = members.required("limit", faults).and_then(|limit| limit.integer(1..=MAX_LIMIT.into(), faults));
        let window = members.required("window_seconds", faults).and_then(|window| window.integer(1..=MAX_WINDOW_SECONDS.into(), faults));
        members.close(faults);
        Some(Self { limit: u32::try_from(limit?).ok()?, window_seconds: u32::try_from(window?).ok()? })
    }

    /// The span in milliseconds.
    #[must_use]
    pub fn window_ms(&self) -> i64 {
        i64::from(self.window_seconds) * 1000
    }

    /// Whether a subject held to this rate can never exceed `ceiling` in any of the ceiling's spans.
    ///
    /// A longer window may be spent in one burst, so its limit alone counts; of a shorter one, as many whole windows
    /// count as it takes to cover the ceiling's span.
    #[must_use]
    pub fn fits_in(&self, ceiling: &Self) -> bool {
        let windows = u64::from(ceiling.window_seconds.div_ceil(self.window_seconds).max(1));
        u64::from(self.limit) * windows <= u64::from(ceiling.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rate(limit: u32, window_seconds: u32) -> RateLimit {
        RateLimit { limit, window_seconds }
    }

    #[test]
    fn a_rate_fits_when_no_span_of_the_ceiling_can_hold_more() {
        let ceiling = rate(60, 60);
        assert!(rate(60, 60).fits_in(&ceiling));
        assert!(!rate(61, 60).fits_in(&ceiling));
        assert!(rate(1, 1).fits_in(&ceiling));
        assert!(!rate(2, 1).fits_in(&ceiling));
        assert!(rate(60, 3600).fits_in(&ceiling), "a slower rate fits");
        assert!(!rate(3600, 3600).fits_in(&ceiling), "an hour's worth could be spent in one minute");
        assert!(!rate(30, 50).fits_in(&rate(59, 60)), "two windows of 50 s touch a span of 60 s");
    }

    #[test]
    fn bounds_are_named() {
        let bad = json!({"limit": 0, "window_seconds": 86_401, "burst": 3});
        let mut faults = Faults::default();
        assert_eq!(RateLimit::read(&Field::new(&bad, "/rate_limit"), &mut faults), None);
        let pointers: Vec<String> = faults.conclude(None::<()>).unwrap_err().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(pointers, ["/rate_limit/limit", "/rate_limit/window_seconds", "/rate_limit/burst"]);
    }
}
