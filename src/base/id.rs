//! Ids that carry their kind and sort by creation: `key_01jz…`, a ULID in lower case behind its kind.
//!
//! In scope: making, reading and comparing ids. Out of scope: what an id points to.

use std::{marker::PhantomData, rc::Rc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use ulid::Ulid;

use super::{
    chance::{Entropy, NoEntropy},
    time::Timestamp,
};

/// What an id names, told by the text before its underscore.
pub trait Kind {
    /// The text before the underscore.
    const PREFIX: &'static str;
    /// Names that stand for an id without being made: `org_system`.
    const RESERVED: &'static [&'static str] = &[];
}

macro_rules! kinds {
    ($($kind:ident $id:ident $prefix:literal $reserved:expr;)*) => {$(
        #[doc = concat!("The kind of `", $prefix, "_…`.")]
        pub enum $kind {}
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
            const RESERVED: &'static [&'static str] = $reserved;
        }
        #[doc = concat!("`", $prefix, "_…`")]
        pub type $id = Id<$kind>;
    )*};
}

kinds! {
    OrgKind OrgId "org" &["system"];
    KeyKind KeyId "key" &[];
    SecretKind SecretId "sec" &[];
    AuditKind AuditId "aud" &[];
    RequestKind RequestId "req" &[];
    EdgeKind EdgeId "edg" &[];
    PortalSessionKind PortalSessionId "prt" &[];
}

impl Id<OrgKind> {
    /// The organization that service keys belong to. No customer has it.
    #[must_use]
    pub fn reserved() -> Self {
        Self::from_checked(format!("{}_system", OrgKind::PREFIX))
    }

    /// Whether it is that one.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        *self == Self::reserved()
    }
}

/// An id of one kind: its prefix, an underscore and 26 characters of Crockford's base 32 in lower case.
pub struct Id<K> {
    /// Shared: whatever knows the same subject in an isolate holds one copy.
    text: Rc<str>,
    kind: PhantomData<K>,
}

/// The text is not an id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an id that starts with {0}_")]
pub struct NotAnId(&'static str);

impl<K: Kind> Id<K> {
    /// A new id that sorts after those made in earlier milliseconds.
    ///
    /// # Errors
    /// [`NoEntropy`] when the random generator fails.
    pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let mut random = [0; 16];
        entropy.fill(&mut random)?;
        let ulid = Ulid::from_parts(now.unsigned_ms(), u128::from_be_bytes(random));
        let mut text = format!("{}_{ulid}", K::PREFIX);
        text.make_ascii_lowercase();
        Ok(Self::from_checked(text))
    }

    /// The id of nothing, for when none can be made.
    #[must_use]
    pub fn nil() -> Self {
        Self::from_checked(format!("{}_{}", K::PREFIX, Ulid::nil()))
    }

    /// Reads an id as this deployment writes it.
    ///
    /// # Errors
    /// [`NotAnId`] when the kind or the characters are others.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let name = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or(NotAnId(K::PREFIX))?;
        let made = name.len() == 26
            && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z') && !matches!(byte, b'i' | b'l' | b'o' | b'u'))
            && name.starts_with(|first: char| first <= '7');
        if made || K::RESERVED.contains(&name) { Ok(Self::from_checked(text.to_owned())) } else { Err(NotAnId(K::PREFIX)) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn from_checked(text: String) -> Self {
        Self { text: text.into(), kind: PhantomData }
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        Self { text: Rc::clone(&self.text), kind: PhantomData }
    }
}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<K> Eq for Id<K> {}

impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<K> std::fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl<K> std::fmt::Display for Id<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
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
        assert_eq!(id.as_str(), "key_01q9gd6e00nentqaxbnentqaxb");
        assert_eq!(KeyId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn another_kind_is_refused() {
        let id = KeyId::new(Timestamp::from_ms(1), &Repeating(1)).unwrap();
        assert!(OrgId::parse(id.as_str()).is_err());
    }

    #[test]
    fn only_organizations_have_a_reserved_name() {
        assert_eq!(OrgId::parse("org_system"), Ok(OrgId::reserved()));
        assert!(KeyId::parse("key_system").is_err());
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
            prop_assert!(earlier.as_str() < later.as_str());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = KeyId::parse(&text);
        }
    }
}
