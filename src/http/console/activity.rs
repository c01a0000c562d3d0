//! The last requests that were made with a key.

use super::{chart, moments::Moment};
use crate::{base::time::Timestamp, decision::verdict::VALID, usage::report::Deed};

/// So many are shown; the API has the last hundred.
const SHOWN: usize = 25;

/// One request.
pub struct DeedLine {
    /// When.
    pub at: Moment,
    /// Method and path, as far as they are known.
    pub what: String,
    /// From where.
    pub ip: String,
    /// The code of the contract, for a refusal.
    pub code: String,
    /// What it means.
    pub said: &'static str,
    /// Whether it was admitted.
    pub admitted: bool,
    /// The user whom it was made for.
    pub act_as: Option<String>,
}

/// The newest of them.
#[must_use]
pub fn lines(deeds: Vec<Deed>, now: Timestamp) -> Vec<DeedLine> {
    deeds.into_iter().take(SHOWN).map(|deed| line(deed, now)).collect()
}

fn line(deed: Deed, now: Timestamp) -> DeedLine {
    let Deed { at, code, method, path, ip, act_as } = deed;
    DeedLine {
        at: Moment::ago(at, now),
        what: [method, path].into_iter().flatten().collect::<Vec<_>>().join(" "),
        ip: ip.map(|ip| ip.to_string()).unwrap_or_default(),
        admitted: code == VALID,
        said: chart::reason(&code),
        code: code.into_owned(),
        act_as,
    }
}
