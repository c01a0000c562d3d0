//! Taking over keys that were issued elsewhere, by the SHA-256 of the credential.

use serde_json::Value;

use super::draft::KeyDraft;
use crate::{
    base::{
        document::{Fault, Faults, Field, join},
        time::Timestamp,
    },
    policy::rules::Policy,
    token::digest::Digest,
};

const MAX_ITEMS: usize = 100;
const MAX_PREFIX_CHARS: usize = 40;

/// One key to take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportItem {
    /// The key as a creation would ask for it.
    pub draft: KeyDraft,
    /// The credential's digest.
    pub digest: Digest,
    /// What people recognize it by.
    pub prefix: String,
}

/// Reads `{"keys": […]}`: the items, good or bad, in order. A bad item spoils none of the others.
///
/// # Errors
/// When the body itself is not such a list of 1 to 100.
pub fn read(body: &Value, policy: &Policy, now: Timestamp) -> Result<Vec<Result<ImportItem, Vec<Fault>>>, Vec<Fault>> {
    let mut faults = Faults::default();
    let items = Field::new(body, "").object(&mut faults).and_then(|mut members| {
        let items = members.required("keys", &mut faults).and_then(|field| {
            let items = field.list(&mut faults)?;
            if items.is_empty() || items.len() > MAX_ITEMS {
                faults.value(&field.pointer, format!("must hold 1 to {MAX_ITEMS} keys"));
            }
            Some(items)
        });
        members.close(&mut faults);
        items
    });
    let items = faults.conclude(items)?;
    Ok(items.iter().map(|item| read_item(item, policy, now)).collect())
}

fn read_item(item: &Field<'_>, policy: &Policy, now: Timestamp) -> Result<ImportItem, Vec<Fault>> {
    let mut faults = Faults::default();
    let read = item.object(&mut faults).and_then(|mut members| {
        let draft = KeyDraft::read_from(&mut members, policy, now, &mut faults);
        let digest = members.required("hash", &mut faults).and_then(|field| read_hash(&field, &mut faults));
        let prefix = members.required("prefix", &mut faults).and_then(|field| read_prefix(&field, &mut faults));
        members.close(&mut faults);
        if prefix.as_deref().map(Digest::of).is_some_and(|whole| Some(whole) == digest) {
            faults.value(&join(&item.pointer, "prefix"), "must not be the whole key: it is shown in lists");
        }
        Some(ImportItem { draft, digest: digest?, prefix: prefix? })
    });
    faults.conclude(read)
}

fn read_hash(field: &Field<'_>, faults: &mut Faults) -> Option<Digest> {
    let digest = field.text(faults)?.strip_prefix("sha256:").and_then(|hex| Digest::from_hex(hex).ok());
    if digest.is_none() {
        faults.value(&field.pointer, "must be sha256: and the SHA-256 of the whole key in 64 lower-case hexadecimal digits");
    }
    digest
}

/// Visible ASCII, and short: a prefix is shown in lists and logs, so it must not be the key itself.
fn read_prefix(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let prefix = field.text(faults)?;
    if (1..=MAX_PREFIX_CHARS).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(prefix.to_owned());
    }
    faults.value(&field.pointer, format!("must be the first few characters of the key: 1 to {MAX_PREFIX_CHARS} visible ASCII characters"));
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures::{self, NOW};
    use serde_json::json;

    fn import(body: Value) -> Result<Vec<Result<ImportItem, Vec<Fault>>>, Vec<Fault>> {
        read(&body, &fixtures::policy(json!({})), NOW)
    }

    #[test]
    fn a_bad_item_spoils_none_of_the_others() {
        let hash = format!("sha256:{}", Digest::of("old key").hex());
        let good = json!({"name": "a", "hash": hash, "prefix": "old_", "permissions": ["leads:read"]});
        let bad = json!({"name": "", "hash": "md5:x", "permissions": ["x:y"], "secret": "old key"});
        let items = import(json!({"keys": [good, bad, 5]})).unwrap();
        assert_eq!(items[0].as_ref().unwrap().digest, Digest::of("old key"));
        let pointers: Vec<&str> = items[1].as_ref().unwrap_err().iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/keys/1/name", "/keys/1/permissions/0", "/keys/1/hash", "/keys/1/prefix", "/keys/1/secret"]);
        assert_eq!(items[2].as_ref().unwrap_err()[0].pointer, "/keys/2");
    }

    #[test]
    fn a_prefix_that_is_the_key_is_refused() {
        let hash = format!("sha256:{}", Digest::of("old-key").hex());
        let items = import(json!({"keys": [{"name": "a", "hash": hash, "prefix": "old-key"}]})).unwrap();
        assert_eq!(items[0].as_ref().unwrap_err()[0].pointer, "/keys/0/prefix");
    }

    #[test]
    fn the_list_is_bounded() {
        assert!(import(json!({"keys": []})).is_err());
        assert!(import(json!({"keys": vec![json!({}); 101]})).is_err());
        assert!(import(json!({"keys": vec![json!({}); 100]})).is_ok());
        assert!(import(json!({})).is_err());
    }
}
