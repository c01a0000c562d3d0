//! Reading and making keys: `<prefix>_<id>_<secret>`.
//!
//! In scope: shape, checksum, display prefix. Out of scope: keys of other shapes, which are found by digest alone.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{
    base62::{self, CRC_DIGITS},
    digest::Digest,
};
use crate::base::{
    chance::{Entropy, NoEntropy},
    secret::Plaintext,
};

const ID_CHARS: usize = 8;
const SECRET_CHARS: usize = 32;
const RANDOM_CHARS: usize = SECRET_CHARS - CRC_DIGITS;
const SHOWN_SECRET_CHARS: usize = 2;
const PREFIX_CHARS: std::ops::RangeInclusive<usize> = 2..=20;

/// The part of a key that an organization chooses: `[a-z][a-z0-9]*(_[a-z0-9]+)*`, 2 to 20 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct KeyPrefix(Box<str>);

/// The text cannot be the prefix of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 2 to 20 characters: lower-case letters and digits in words joined by single underscores, starting with a letter")]
pub struct BadPrefix;

impl KeyPrefix {
    /// Reads a prefix.
    ///
    /// # Errors
    /// [`BadPrefix`] when the text is another.
    pub fn parse(text: &str) -> Result<Self, BadPrefix> {
        let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
        let good =
            PREFIX_CHARS.contains(&text.len()) && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.split('_').all(word);
        if good { Ok(Self(text.into())) } else { Err(BadPrefix) }
    }

    /// The prefix as text, without the underscore that follows it in a key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for KeyPrefix {
    fn default() -> Self {
        Self("sk".into())
    }
}

impl<'de> Deserialize<'de> for KeyPrefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// Why a text is not a key of Latchkey's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not `<prefix>_<8 characters>_<32 characters>`.
    #[error("the key does not have the shape <prefix>_<id>_<secret>")]
    Shape,
    /// The shape is right, the last six characters are not the checksum of the rest.
    #[error("the key's checksum is wrong; a character is missing or mistyped")]
    Checksum,
}

/// A well-formed key. Well-formed says nothing about whether it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    text: Plaintext,
    prefix_chars: usize,
}

impl Key {
    /// A new key with 154 random bits.
    ///
    /// # Errors
    /// [`NoEntropy`] when the random generator fails.
    pub fn generate(prefix: &KeyPrefix, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let id = base62::random(ID_CHARS, entropy)?;
        let secret = base62::random(RANDOM_CHARS, entropy)?;
        let mut text = format!("{}_{id}_{secret}", prefix.as_str());
        text.push_str(&checksum(&text));
        Ok(Self { text: Plaintext::new(text), prefix_chars: prefix.as_str().len() })
    }

    /// Reads a credential, cutting from its end: a prefix may hold underscores, the other parts have fixed lengths.
    ///
    /// # Errors
    /// [`Malformed`] when the shape or the checksum is wrong. No storage is needed to know it.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (rest, secret) = split_last(text, SECRET_CHARS).ok_or(Malformed::Shape)?;
        let (prefix, id) = split_last(rest, ID_CHARS).ok_or(Malformed::Shape)?;
        if !base62::is_base62(secret) || !base62::is_base62(id) || KeyPrefix::parse(prefix).is_err() {
            return Err(Malformed::Shape);
        }
        let (body, sum) = text.split_at_checked(text.len() - CRC_DIGITS).ok_or(Malformed::Shape)?;
        if checksum(body) != sum {
            return Err(Malformed::Checksum);
        }
        Ok(Self { text: Plaintext::new(text.to_owned()), prefix_chars: prefix.len() })
    }

    /// The whole key.
    #[must_use]
    pub fn plaintext(&self) -> &Plaintext {
        &self.text
    }

    /// What is stored of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.expose())
    }

    /// `<prefix>_<id>_` and the first two characters of the secret: enough to recognize a key, never enough to use it.
    #[must_use]
    pub fn display_prefix(&self) -> String {
        let shown = self.prefix_chars + 1 + ID_CHARS + 1 + SHOWN_SECRET_CHARS;
        self.text.expose().chars().take(shown).collect()
    }
}

/// Whether a whole key stands somewhere in `text`, so that it must be neither shown nor kept.
#[must_use]
pub fn contains_key(text: &str) -> bool {
    text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_').any(|word| Key::parse(word).is_ok())
}

/// `text` with every whole key in it replaced.
#[must_use]
pub fn without_keys(text: &str) -> String {
    let mut clean = text.to_owned();
    let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    for key in words.filter(|word| Key::parse(word).is_ok()) {
        clean = clean.replace(key, "[key]");
    }
    clean
}

/// `text` cut into what stands before the underscore in front of its last `chars` bytes, and those bytes.
fn split_last(text: &str, chars: usize) -> Option<(&str, &str)> {
    let (front, last) = text.split_at_checked(text.len().checked_sub(chars)?)?;
    Some((front.strip_suffix('_')?, last))
}

/// CRC-32 (IEEE 802.3) of everything before it, as six base-62 digits.
fn checksum(body: &str) -> String {
    base62::encode(crc32fast::hash(body.as_bytes()))
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "keys are ASCII")]
mod tests {
    use super::*;
    use crate::testing::chance::Sequence;
    use proptest::prelude::*;

    fn any_key() -> impl Strategy<Value = (String, Key)> {
        ("[a-z][a-z0-9]{1,5}(_[a-z0-9]{1,6}){0,2}", any::<u64>()).prop_map(|(prefix, seed)| {
            let key = Key::generate(&KeyPrefix::parse(&prefix).unwrap(), &Sequence::new(seed)).unwrap();
            (prefix, key)
        })
    }

    #[test]
    fn prefixes_follow_the_grammar() {
        for good in ["sk", "rak_live", "a1", "a_1", "abcdefghijklmnopqrst"] {
            assert!(KeyPrefix::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "s", "1a", "_a", "a_", "a__b", "Sk", "s-k", "sk ", "abcdefghijklmnopqrstu", "sé"] {
            assert_eq!(KeyPrefix::parse(bad), Err(BadPrefix), "{bad}");
        }
    }

    #[test]
    fn display_prefix_of_sk_has_14_characters() {
        let key = Key::generate(&KeyPrefix::parse("sk").unwrap(), &Sequence::new(1)).unwrap();
        assert_eq!(key.display_prefix().len(), 14);
        assert!(key.plaintext().expose().starts_with(&key.display_prefix()));
    }

    #[test]
    fn keys_are_found_in_text_and_taken_out() {
        let key = crate::testing::fixtures::credential();
        let text = format!("left in a gist: \"{key}\", see sk_4fK2a9Qz_8d");
        assert!(contains_key(&text) && contains_key(&key));
        assert_eq!(without_keys(&text), "left in a gist: \"[key]\", see sk_4fK2a9Qz_8d");
        assert!(!contains_key(&key[..key.len() - 1]) && !contains_key("sk_4fK2a9Qz_8d"));
    }

    #[test]
    fn a_key_never_prints() {
        let key = Key::generate(&KeyPrefix::parse("sk").unwrap(), &Sequence::new(1)).unwrap();
        assert!(!format!("{key:?}").contains("sk_"));
    }

    /// The vectors were computed by another implementation (Python's zlib and hashlib).
    #[test]
    fn vectors_agree() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!("../../tests/vectors/keys.json")).unwrap();
        for vector in vectors["well_formed"].as_array().unwrap() {
            let key = Key::parse(vector["key"].as_str().unwrap()).unwrap();
            assert_eq!(key.display_prefix(), vector["display_prefix"], "{vector}");
            assert_eq!(key.digest().hex(), vector["sha256"], "{vector}");
        }
        for vector in vectors["malformed"].as_array().unwrap() {
            let expected = if vector["why"] == "shape" { Malformed::Shape } else { Malformed::Checksum };
            assert_eq!(Key::parse(vector["key"].as_str().unwrap()), Err(expected), "{vector}");
        }
    }

    proptest! {
        #[test]
        fn a_made_key_reads_back((prefix, key) in any_key()) {
            let text = key.plaintext().expose();
            prop_assert_eq!(text.len(), prefix.len() + 42);
            prop_assert_eq!(Key::parse(text), Ok(key.clone()));
            let id = &text[prefix.len() + 1..prefix.len() + 9];
            let shown = &text[prefix.len() + 10..prefix.len() + 12];
            prop_assert_eq!(key.display_prefix(), format!("{prefix}_{id}_{shown}"));
        }

        #[test]
        fn one_wrong_character_is_noticed((_, key) in any_key(), at: prop::sample::Index, with in "[0-9A-Za-z_]") {
            let text = key.plaintext().expose();
            let at = at.index(text.len());
            let mut altered = text.to_owned();
            altered.replace_range(at..=at, &with);
            if altered != text {
                prop_assert!(Key::parse(&altered).is_err());
            }
        }

        #[test]
        fn a_missing_or_added_character_is_noticed((_, key) in any_key(), at: prop::sample::Index, with in "[0-9A-Za-z_]") {
            let text = key.plaintext().expose();
            let at = at.index(text.len());
            let mut shorter = text.to_owned();
            shorter.remove(at);
            prop_assert!(Key::parse(&shorter).is_err());
            let mut longer = text.to_owned();
            longer.insert_str(at, &with);
            prop_assert!(Key::parse(&longer).is_err());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = Key::parse(&text);
        }
    }
}
