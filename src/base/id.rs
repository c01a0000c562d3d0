//! Ids that carry their kind and sort by creation: `key_01jz…`, a ULID in lower case behind its kind.
//!
//! In scope: making, reading and comparing ids. Out of scope: what an id points to.

use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use ulid::{ULID_LEN, Ulid};

use super::{
    chance::{Entropy, NoEntropy},
    time::Timestamp,
};

/// What an id names, told by the text before its underscore.
pub trait Kind {
    /// The text before the underscore.
    const PREFIX: &'static str;
    /// A name that stands for an id without being made: `org_system`.
    const RESERVED: Option<&'static str> = None;
}

macro_rules! kinds {
    ($($kind:ident $id:ident $prefix:literal $reserved:expr;)*) => {$(
        #[doc = concat!("The kind of `", $prefix, "_…`.")]
        pub enum $kind {}
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
            const RESERVED: Option<&'static str> = $reserved;
        }
        #[doc = concat!("`", $prefix, "_…`")]
        pub type $id = Id<$kind>;
    )*};
}

kinds! {
    OrgKind OrgId "org" Some("system");
    KeyKind KeyId "key" None;
    SecretKind SecretId "sec" None;
    AuditKind AuditId "aud" None;
    RequestKind RequestId "req" None;
    EdgeKind EdgeId "edg" None;
    PortalSessionKind PortalSessionId "prt" None;
}

impl Id<OrgKind> {
    /// The organization that service keys belong to. No customer has it.
    #[must_use]
    pub fn reserved() -> Self {
        Self::of(RESERVED)
    }

    /// Whether it is that one.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.number() == RESERVED
    }
}

/// An id of one kind: its prefix, an underscore and 26 characters of Crockford's base 32 in lower case.
///
/// Kept as the number that those characters are, without gaps beside it: an isolate holds many ids and writes few of them.
#[repr(Rust, packed(4))]
pub struct Id<K> {
    high: u64,
    low: u64,
    kind: PhantomData<K>,
}

/// The text is not an id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an id that starts with {0}_")]
pub struct NotAnId(&'static str);

/// An id as text.
#[derive(Clone, Copy)]
pub struct IdText {
    bytes: [u8; MOST_BYTES],
    length: u8,
}

/// No prefix has more than three letters.
const MOST_BYTES: usize = 3 + 1 + ULID_LEN;

/// The number that stands for the reserved name of a kind that has one. It was never made: it is of the year 10889.
const RESERVED: u128 = u128::MAX;

impl<K: Kind> Id<K> {
    /// A new id that sorts after those made in earlier milliseconds.
    ///
    /// # Errors
    /// [`NoEntropy`] when the random generator fails.
    pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let mut random = [0; 16];
        entropy.fill(&mut random)?;
        Ok(Self::of(Ulid::from_parts(now.unsigned_ms(), u128::from_be_bytes(random)).into()))
    }

    /// The id of nothing, for when none can be made.
    #[must_use]
    pub fn nil() -> Self {
        Self::of(0)
    }

    /// Reads an id as this deployment writes it.
    ///
    /// # Errors
    /// [`NotAnId`] when the kind or the characters are others.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        read(text, K::PREFIX, K::RESERVED).map(Self::of).ok_or(NotAnId(K::PREFIX))
    }

    /// The id as text.
    #[must_use]
    pub fn text(&self) -> IdText {
        write(self.number(), K::PREFIX, K::RESERVED)
    }
}

impl<K> Id<K> {
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
    fn of(number: u128) -> Self {
        Self { high: (number >> 64) as u64, low: number as u64, kind: PhantomData }
    }

    fn number(&self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }
}

/// The number of the id that the text is; once for all kinds, because there are many.
fn read(text: &str, prefix: &str, reserved: Option<&str>) -> Option<u128> {
    let name = text.strip_prefix(prefix)?.strip_prefix('_')?;
    if reserved == Some(name) {
        return Some(RESERVED);
    }
    let is_made = name.len() == ULID_LEN
        && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z') && !matches!(byte, b'i' | b'l' | b'o' | b'u'))
        && name.starts_with(|first: char| first <= '7');
    let number = is_made.then(|| Ulid::from_string(name).ok()).flatten()?.into();
    (reserved.is_none() || number != RESERVED).then_some(number)
}

/// The text of the id with that number.
fn write(number: u128, prefix: &str, reserved: Option<&str>) -> IdText {
    let mut made = [0; ULID_LEN];
    let name = match reserved {
        Some(reserved) if number == RESERVED => reserved,
        _ => {
            let made = Ulid::from(number).array_to_str(&mut made);
            made.make_ascii_lowercase();
            made
        }
    };
    let (mut bytes, mut length) = ([0; MOST_BYTES], 0);
    for (to, from) in bytes.iter_mut().zip(prefix.bytes().chain([b'_']).chain(name.bytes())) {
        *to = from;
        length += 1;
    }
    IdText { bytes, length }
}

impl IdText {
    /// As what it is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..self.length.into()).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl std::ops::Deref for IdText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        Self { high: self.high, low: self.low, kind: PhantomData }
    }
}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        (self.low, self.high) == (other.low, other.high)
    }
}

impl<K> Eq for Id<K> {}

impl<K> std::hash::Hash for Id<K> {
    /// By the half that is random throughout.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.low);
    }
}

impl<K: Kind> std::fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl<K: Kind> std::fmt::Display for Id<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::chance::Repeating;
    use proptest::prelude::*;

    #[test]
    fn an_id_reads_back_as_itself() {
        let id = KeyId::new(Timestamp::from_ms(1_900_000_000_000), &Repeating(0xAB)).unwrap();
        assert_eq!(&*id.text(), "key_01q9gd6e00nentqaxbnentqaxb");
        assert_eq!(KeyId::parse(&id.text()), Ok(id));
    }

    #[test]
    fn another_kind_is_refused() {
        let id = KeyId::new(Timestamp::from_ms(1), &Repeating(1)).unwrap();
        assert!(OrgId::parse(&id.text()).is_err());
    }

    #[test]
    fn only_organizations_have_a_reserved_name() {
        assert_eq!(OrgId::parse("org_system"), Ok(OrgId::reserved()));
        assert_eq!(&*OrgId::reserved().text(), "org_system");
        assert!(KeyId::parse("key_system").is_err());
        let last = "7zzzzzzzzzzzzzzzzzzzzzzzzz";
        assert!(OrgId::parse(&format!("org_{last}")).is_err(), "nor has that name another text");
        assert_eq!(&*KeyId::parse(&format!("key_{last}")).unwrap().text(), format!("key_{last}"));
    }

    #[test]
    fn an_upper_case_or_ambiguous_letter_is_refused() {
        assert!(KeyId::parse("key_01JZZZZZZZZZZZZZZZZZZZZZZZ").is_err());
        assert!(KeyId::parse("key_01jzzzzzzzzzzzzzzzzzzzzzzi").is_err());
        assert!(KeyId::parse("key_91jzzzzzzzzzzzzzzzzzzzzzzz").is_err());
    }

    proptest! {
        #[test]
        fn ids_sort_by_creation(a in 0u32.., b in 0u32.., x: u8, y: u8) {
            prop_assume!(a < b);
            let earlier = KeyId::new(Timestamp::from_ms(a.into()), &Repeating(x)).unwrap();
            let later = KeyId::new(Timestamp::from_ms(b.into()), &Repeating(y)).unwrap();
            prop_assert!(*earlier.text() < *later.text());
        }

        #[test]
        fn every_number_is_written_as_the_text_that_it_is_read_from(number: u128) {
            let id = KeyId::of(number);
            prop_assert_eq!(KeyId::parse(&id.text()), Ok(id));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = KeyId::parse(&text);
        }
    }
}
