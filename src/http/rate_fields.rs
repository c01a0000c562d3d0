//! The `RateLimit` and `RateLimit-Policy` fields (draft-ietf-httpapi-ratelimit-headers-10) and `Retry-After`.

use super::problem::Problem;
use crate::{base::time::Timestamp, decision::verdict::Denial, limit::window::Quota, service::verify::Decision};

/// Both fields: Lists of Strings with integer parameters (RFC 8941). Without any limit there are none.
#[must_use]
pub fn fields(decision: &Decision) -> Vec<(&'static str, String)> {
    let Some(known) = &decision.known else { return Vec::new() };
    let quotas: Vec<(&str, Quota)> =
        [("key", known.quota), ("org", known.org_quota)].into_iter().filter_map(|(name, quota)| Some((name, quota?))).collect();
    if quotas.is_empty() {
        return Vec::new();
    }
    let retry = retry_after_seconds(decision);
    let states = quotas.iter().map(|(name, quota)| {
        // Of a limit that is used up, `t` and Retry-After say the same.
        let seconds = retry.filter(|_| quota.remaining == 0).unwrap_or_else(|| seconds_until(quota.reset_at, decision.at));
        format!("\"{name}\";r={};t={seconds}", quota.remaining)
    });
    let policies = quotas.iter().map(|(name, quota)| format!("\"{name}\";q={};w={}", quota.limit, quota.window_seconds));
    vec![("RateLimit-Policy", policies.collect::<Vec<_>>().join(", ")), ("RateLimit", states.collect::<Vec<_>>().join(", "))]
}

/// The problem with these fields, and with `Retry-After` if it is worth trying again.
#[must_use]
pub fn told_in(problem: Problem, decision: &Decision) -> Problem {
    let problem = fields(decision).into_iter().fold(problem, |problem, (name, value)| problem.with(name, value));
    match retry_after_seconds(decision) {
        Some(seconds) => problem.with("Retry-After", seconds.to_string()),
        None => problem,
    }
}

/// Whole seconds until it is worth trying again, never too early; `None` for a request that is not limited.
#[must_use]
pub fn retry_after_seconds(decision: &Decision) -> Option<u64> {
    decision.outcome.as_ref().err().and_then(Denial::retry_after_ms).map(|ms| ms.div_ceil(1000))
}

fn seconds_until(moment: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(moment.ms() - now.ms()).unwrap_or(0).div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        service::verify::{Freshness, Known},
        testing::fixtures::{self, NOW},
    };

    fn decision(outcome: Result<(), Denial>, remaining: u32) -> Decision {
        let quota = Some(Quota { limit: 60, window_seconds: 60, remaining, reset_at: NOW.plus_ms(41_001) });
        let known = Known {
            key: std::rc::Rc::new(fixtures::key()),
            secret: fixtures::secret_id(),
            organization: std::rc::Rc::new(fixtures::organization(serde_json::json!({}))),
            granted: Vec::new(),
            quota,
            org_quota: quota,
        };
        Decision { outcome, known: Some(known), at: NOW, freshness: Freshness::Strict }
    }

    #[test]
    fn fields_are_structured_lists_named_key_and_org() {
        let expected = vec![
            ("RateLimit-Policy", "\"key\";q=60;w=60, \"org\";q=60;w=60".to_owned()),
            ("RateLimit", "\"key\";r=59;t=42, \"org\";r=59;t=42".to_owned()),
        ];
        assert_eq!(fields(&decision(Ok(()), 59)), expected);
    }

    #[test]
    fn of_a_used_up_limit_t_and_retry_after_agree_and_are_never_early() {
        let limited = decision(Err(Denial::RateLimited { retry_after_ms: Some(42_001) }), 0);
        assert_eq!(retry_after_seconds(&limited), Some(43));
        assert!(fields(&limited)[1].1.contains("r=0;t=43"));
    }
}
