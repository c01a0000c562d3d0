//! How often a verify calls what stores, counted by the layer that tests put before each binding.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{
    Plan,
    client::{Calls, Edge},
    given,
    row::Row,
    runtime::Runtime,
};

const HOT_AUTH: &str = "storage calls of a hot /v1/auth";
const HOT_VERIFY: &str = "storage calls of a hot /v1/verify (two keys)";
const COLD_KV: &str = "KV reads of a cold /v1/auth";
const COLD_D1: &str = "D1 calls of a cold /v1/auth";
const COLD_KEY_GUARD: &str = "calls to the key's guard of a cold /v1/auth";
const COLD_ORG_GUARD: &str = "calls to the organization's guard of a cold /v1/auth";
const BAD_CHECKSUM: &str = "storage calls of a bad checksum";

pub const ROWS: [&str; 7] = [HOT_AUTH, HOT_VERIFY, COLD_KV, COLD_D1, COLD_KEY_GUARD, COLD_ORG_GUARD, BAD_CHECKSUM];

/// So few that no lease runs out meanwhile: its renewal is not a hot verify's, and is counted with guard calls.
const HOT: usize = 20;

/// Keys that are cold.
const COLD: usize = 5;

/// Counts.
///
/// # Errors
/// When the fleet does not start, or a key is not good.
pub fn measure(_plan: &Plan) -> Result<Vec<Row>> {
    let fleet = Runtime::latchkey(2, &["--faults"])?;
    let (made_at, edge) = (fleet.edge(0)?, fleet.edge(1)?);
    let org = given::org(made_at, &json!({}))?;
    let caller = given::service_key(made_at)?;
    let secrets = org.secrets(COLD)?;
    let mistyped = given::mistyped(&org.key(&Value::Null)?.secret);

    // An isolate asks the truth once, and then every few seconds, whether keys were imported at all.
    edge.auth(&mistyped)?;
    let bad = counted(edge, || (0..HOT).try_for_each(|_| asked(edge, &mistyped, 401)))?;

    let mut cold = Vec::new();
    for secret in &secrets {
        cold.push(counted(edge, || asked(edge, secret, 200))?);
    }
    let most = |binding: &str| cold.iter().map(|calls| calls.of(binding)).max().unwrap_or(0);

    let secret = org.key(&Value::Null)?.secret;
    // The first asks, the second takes the lease, which is what makes the rest hot.
    (0..2).try_for_each(|_| asked(edge, &secret, 200))?;
    let auth = counted(edge, || (0..HOT).try_for_each(|_| asked(edge, &secret, 200)))?;
    (0..2).try_for_each(|_| edge.verify(&caller, &secret).map(drop))?;
    let verify = counted(edge, || (0..HOT).try_for_each(|_| edge.verify(&caller, &secret).map(drop)))?;

    let each = |calls: &Calls| calls.storage() as f64 / HOT as f64;
    let count = |what, value: f64, most| Row::new(what, value, "calls").at_most(most);
    Ok(vec![
        count(HOT_AUTH, each(&auth), 0.0),
        count(HOT_VERIFY, each(&verify), 0.0),
        count(COLD_KV, most("kv") as f64, 1.0),
        count(COLD_D1, most("db") as f64, 0.0),
        count(COLD_KEY_GUARD, most("guard") as f64, 1.0),
        count(COLD_ORG_GUARD, most("org_guard") as f64, 1.0),
        count(BAD_CHECKSUM, each(&bad), 0.0),
    ])
}

/// What the work called until it was answered. What it leaves to do in the background comes later and is not counted.
fn counted(edge: &Edge, work: impl FnOnce() -> Result<()>) -> Result<Calls> {
    edge.count_anew()?;
    work()?;
    edge.calls()
}

fn asked(edge: &Edge, secret: &str, expected: u16) -> Result<()> {
    let status = edge.auth(secret)?;
    ensure!(status == expected, "expected {expected}, got {status}");
    Ok(())
}
