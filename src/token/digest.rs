//! The SHA-256 of a whole credential: all that is ever stored of it.
//!
//! In scope: digesting, hexadecimal text, comparison in constant time. Out of scope: plaintext, see `base::secret`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// A SHA-256 digest (FIPS 180-4). It never prints; [`Digest::hex`] gives the text that storage keys need.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 lower-case hexadecimal digits")]
pub struct NotADigest;

impl Digest {
    /// The digest of a credential's text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|half| char::from_digit(half.into(), 16)).collect()
    }

    /// Reads what [`Digest::hex`] wrote.
    ///
    /// # Errors
    /// [`NotADigest`] for anything else.
    pub fn from_hex(text: &str) -> Result<Self, NotADigest> {
        let digits: Vec<u8> = text.bytes().map(half_byte).collect::<Option<_>>().ok_or(NotADigest)?;
        let (pairs, rest) = digits.as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        match bytes.try_into() {
            Ok(bytes) if rest.is_empty() => Ok(Self(bytes)),
            _ => Err(NotADigest),
        }
    }

    /// Its beginning, to find it by among others.
    #[must_use]
    pub fn mark(&self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_ne_bytes([a, b, c, d])
    }

    /// Words are compared in an eighth of the time of bytes.
    fn words(&self) -> impl Iterator<Item = u64> {
        let (words, _) = self.0.as_chunks();
        words.iter().map(|word| u64::from_ne_bytes(*word))
    }
}

fn half_byte(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl PartialEq for Digest {
    /// In constant time: how many leading bytes agree must not show in how long the answer takes.
    fn eq(&self, other: &Self) -> bool {
        let equal = self.words().zip(other.words()).fold(Choice::from(1), |so_far, (one, other)| so_far & one.ct_eq(&other));
        equal.into()
    }
}

impl Eq for Digest {}

impl std::hash::Hash for Digest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[digest]")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Self::from_hex(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "hexadecimal digits are ASCII")]
mod tests {
    use super::*;

    #[test]
    fn digest_of_abc_is_the_one_in_fips_180_4() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of("abc").hex(), hex);
        assert_eq!(Digest::from_hex(hex), Ok(Digest::of("abc")));
    }

    #[test]
    fn other_texts_are_refused() {
        let upper = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
        for text in ["", "ba", upper, &upper.to_lowercase()[..63], &format!("{}0", upper.to_lowercase())] {
            assert_eq!(Digest::from_hex(text), Err(NotADigest), "{text}");
        }
    }

    #[test]
    fn a_digest_never_prints() {
        assert_eq!(format!("{:?}", Digest::of("abc")), "[digest]");
    }
}
