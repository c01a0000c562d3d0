//! How many rows D1 reads for a page of a list, in organizations of different sizes.

use std::fs;

use anyhow::{Context, Result};

use super::{Plan, client::Edge, row::Row, runtime::Runtime};
use crate::project;

/// Members of the organizations.
const SIZES: [usize; 3] = [10, 10_000, 100_000];

const MORE: &str = "D1 rows read for a listed key, 100,000 keys over 10";

pub const ROWS: [&str; 4] =
    [MORE, "D1 rows read for a list, 10 keys", "D1 rows read for a list of 20, 10,000 keys", "D1 rows read for a list of 20, 100,000 keys"];

/// Fills the database by SQL, lists, and counts.
///
/// # Errors
/// When the fleet does not start, or an organization does not list.
pub fn measure(_plan: &Plan) -> Result<Vec<Row>> {
    let seed = project::root().join("target/bench-keys.sql");
    fs::write(&seed, SIZES.map(organization).concat()).with_context(|| format!("cannot write {}", seed.display()))?;
    let fleet = Runtime::latchkey(1, &["--faults", "--sql", &seed.display().to_string()])?;
    let mut rows = Vec::new();
    let mut per_key = Vec::new();
    for (what, size) in ROWS.iter().skip(1).zip(SIZES) {
        let (listed, read) = list(fleet.edge(0)?, &org_id(size))?;
        rows.push(Row::new(what, read as f64, "rows"));
        per_key.push(read as f64 / listed as f64);
    }
    let (least, most) = (per_key.first().copied().unwrap_or_default(), per_key.last().copied().unwrap_or_default());
    rows.insert(0, Row::new(MORE, most / least, "×").at_most(2.0));
    Ok(rows)
}

/// Keys on the page, and rows read for it.
fn list(edge: &Edge, org: &str) -> Result<(usize, u64)> {
    edge.count_anew()?;
    let page = edge.read(&format!("/v1/orgs/{org}/keys?limit=20"))?;
    let listed = page["items"].as_array().context("a list has items")?.len();
    Ok((listed, edge.calls()?.rows_read()))
}

fn org_id(size: usize) -> String {
    format!("org_{size:026}")
}

/// An organization and its keys, as the product would have written them; nobody can present these keys.
fn organization(size: usize) -> String {
    let org = org_id(size);
    let numbers = format!("WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {size})");
    let id = format!("printf('%s%06d%020d', '_', {}, n)", size % 999_983);
    format!(
        "INSERT INTO organizations (id, name, features, policy, version, created_at, updated_at)
  VALUES ('{org}', 'Bench', '{{}}', '{{\"resources\": []}}', 1, 0, 0);
INSERT INTO keys (id, org_id, name, prefix, kind, permissions, can_impersonate, ip_allowlist, metadata, consistency, version,
    created_at, created_by, updated_at, last_change)
  {numbers} SELECT 'key' || {id}, '{org}', 'Key ' || n % 7, 'sk_' || n, 'standard', '[]', 0, '[]', '{{}}', '\"leased\"', 1,
    n, '{{\"type\":\"operator\",\"id\":\"operator\",\"name\":\"Operator\"}}', n, '' FROM numbers;
INSERT INTO secrets (id, key_id, sha256, prefix, created_at)
  {numbers} SELECT 'sec' || {id}, 'key' || {id}, printf('%032d%032d', {size}, n), 'sk_' || n, n FROM numbers;
"
    )
}
