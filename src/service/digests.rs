//! Which of the known keys has the secret with some digest: an index of records, without a copy of anything in them.

use std::{hash::BuildHasher as _, rc::Rc};

use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};

use crate::{base::heap, key::record::KeyRecord, token::digest::Digest};

/// Records by the digests of all their secrets.
#[derive(Default)]
pub struct Digests {
    filed: HashTable<Filed>,
    hasher: DefaultHashBuilder,
}

/// A record under one of its digests.
struct Filed {
    /// The beginning of that digest.
    mark: u32,
    key: Rc<KeyRecord>,
}

impl Digests {
    /// The record that has a secret with that digest.
    #[must_use]
    pub fn find(&self, digest: &Digest) -> Option<&Rc<KeyRecord>> {
        let mark = digest.mark();
        self.filed.find(self.hasher.hash_one(mark), |filed| filed.is_under(mark, digest)).map(|filed| &filed.key)
    }

    /// Files a record under each of its digests. Of two records with one digest, the later one counts.
    pub fn file(&mut self, key: &Rc<KeyRecord>) {
        for secret in &key.secrets {
            let (mark, hasher) = (secret.digest.mark(), &self.hasher);
            let is_it = |filed: &Filed| filed.is_under(mark, &secret.digest);
            match self.filed.entry(hasher.hash_one(mark), is_it, |filed| hasher.hash_one(filed.mark)) {
                Entry::Occupied(mut known) => known.get_mut().key = Rc::clone(key),
                Entry::Vacant(free) => drop(free.insert(Filed { mark, key: Rc::clone(key) })),
            }
        }
    }

    /// Takes a record out.
    pub fn remove(&mut self, key: &Rc<KeyRecord>) {
        for secret in &key.secrets {
            let mark = secret.digest.mark();
            let is_it = |filed: &Filed| filed.mark == mark && Rc::ptr_eq(&filed.key, key);
            if let Ok(filed) = self.filed.find_entry(self.hasher.hash_one(mark), is_it) {
                filed.remove();
            }
        }
    }

    /// What a digest takes of memory.
    pub const BYTES: usize = heap::entry(size_of::<Filed>());

    /// How many digests it knows.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.filed.len()
    }
}

impl Filed {
    fn is_under(&self, mark: u32, digest: &Digest) -> bool {
        self.mark == mark && self.key.secret(digest).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{key::record::SecretRecord, testing::fixtures};

    fn key(version: u64, secrets: &[&str]) -> Rc<KeyRecord> {
        let secret = |text: &&str| SecretRecord { digest: Digest::of(text), ..fixtures::key().secrets[0].clone() };
        Rc::new(KeyRecord { version, secrets: secrets.iter().map(secret).collect(), ..fixtures::key() })
    }

    fn version(digests: &Digests, secret: &str) -> Option<u64> {
        digests.find(&Digest::of(secret)).map(|key| key.version)
    }

    #[test]
    fn a_key_is_found_by_each_of_its_secrets_until_it_is_taken_out() {
        let (mut digests, rotated) = (Digests::default(), key(2, &["new", "old"]));
        digests.file(&rotated);
        assert_eq!(["new", "old", "other"].map(|secret| version(&digests, secret)), [Some(2), Some(2), None]);
        digests.remove(&rotated);
        assert_eq!((version(&digests, "new"), version(&digests, "old"), digests.len()), (None, None, 0));
    }

    #[test]
    fn a_secret_is_that_of_the_record_that_came_last_whatever_is_taken_out_before() {
        let (mut digests, [first, second]) = (Digests::default(), [key(1, &["a", "b"]), key(2, &["b"])]);
        digests.file(&first);
        digests.file(&second);
        digests.remove(&first);
        assert_eq!((version(&digests, "a"), version(&digests, "b"), digests.len()), (None, Some(2), 1));
    }
}
