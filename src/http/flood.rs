//! What one address may do only so often.

use super::{call::Call, problem::Problem, problem_catalog as catalog};
use crate::ports::{FLOOD_PERIOD_MS, Flood};

/// Counts one more from the caller's address, and says whether it may go on. Without an address nothing is counted.
pub async fn admits(call: &Call<'_>, flood: Flood) -> bool {
    match call.client_ip() {
        Some(address) => call.ports.throttle.admits(flood, address).await,
        None => true,
    }
}

/// As [`admits`], as a refusal.
///
/// # Errors
/// 429 with these words, and when to come back.
pub async fn count(call: &Call<'_>, flood: Flood, said: &str) -> Result<(), Problem> {
    if admits(call, flood).await {
        return Ok(());
    }
    let seconds = FLOOD_PERIOD_MS.div_ceil(1000).to_string();
    Err(Problem::new(&catalog::RATE_LIMITED, said).with("Retry-After", seconds))
}
