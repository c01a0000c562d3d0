//! Who changes keys: the origin that is recorded, and what bounds what they can grant.

use super::failure::Failure;
use crate::{
    audit::entry::Origin,
    authn::principal::KeyHolder,
    key::{bounds::Bounds, record::KeyRecord},
};

/// Somebody who changes keys.
#[derive(Clone, Debug)]
pub struct Author {
    /// Who, and from where.
    pub origin: Origin,
    /// The key that they act with, if it is one of the organization itself.
    pub bounds: Option<KeyHolder>,
}

impl Author {
    /// Refuses to give `next` more than the author's own key has, unless that only takes something away from `before`.
    ///
    /// # Errors
    /// [`Failure::BeyondOwn`] with each excess.
    pub fn may_grant(&self, next: &KeyRecord, before: Option<&KeyRecord>) -> Result<(), Failure> {
        let Some(KeyHolder { key, granted }) = &self.bounds else { return Ok(()) };
        // Whoever has the key has all that is in its record, also what does not count today.
        let before = before.or_else(|| (next.id == key.id).then_some(key));
        let excess = Bounds { key, granted }.excess(next, before);
        if excess.is_empty() { Ok(()) } else { Err(Failure::BeyondOwn(excess)) }
    }
}
