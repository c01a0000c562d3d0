//! An organization's own notes on a key: an object, kept as its JSON text.
//!
//! Most keys are known by many more isolates than ever write their notes out, and as text they take a quarter of the
//! memory that they take as a tree. They are written through a tree all the same: `RawValue` would write the text itself,
//! and makes the worker 7 kB larger.

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};
use serde_json::{Map, Value};

use crate::base::strict_json;

/// The notes of a key; nothing where there are none, as of most keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Box<str>);

impl Metadata {
    /// How many bytes of memory they take beside their place.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl From<Map<String, Value>> for Metadata {
    fn from(notes: Map<String, Value>) -> Self {
        if notes.is_empty() { Self::default() } else { Self(Value::Object(notes).to_string().into()) }
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let notes = if self.0.is_empty() { Map::new().into() } else { strict_json::read(self.0.as_bytes()).map_err(S::Error::custom)? };
        notes.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn notes_are_written_as_they_were_read_but_for_blanks() {
        let notes: Metadata = serde_json::from_str(r#"{ "z": [1.50, "é"],  "a": null }"#).unwrap();
        assert_eq!(serde_json::to_string(&notes).unwrap(), r#"{"z":[1.5,"é"],"a":null}"#);
        assert_eq!(json!({ "metadata": &notes })["metadata"]["z"][1], "é");
        assert_eq!(serde_json::from_value::<Metadata>(json!({"z": [1.5, "é"], "a": null})).unwrap(), notes);
        assert_eq!(serde_json::to_string(&Metadata::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Metadata>("{ }").unwrap(), Metadata::default());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "null", "1", "\"a\""] {
            assert!(serde_json::from_str::<Metadata>(text).is_err(), "{text}");
        }
    }
}
