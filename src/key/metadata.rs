//! An organization's own notes on a key: an object, kept as its JSON text.
//!
//! Nothing here reads what is in them, and they are written out as they are: an isolate that holds many keys holds no
//! trees, and an answer builds none.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, value::RawValue};

/// The notes of a key.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Metadata(Box<RawValue>);

impl From<Map<String, Value>> for Metadata {
    fn from(notes: Map<String, Value>) -> Self {
        // A map with text for keys can be written as JSON.
        Self(serde_json::value::to_raw_value(&notes).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self::from(Map::new())
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for Metadata {}

impl<'de> Deserialize<'de> for Metadata {
    /// Through the map: anything but an object is refused, and whatever blanks were stored are dropped.
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
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "null", "1", "\"a\""] {
            assert!(serde_json::from_str::<Metadata>(text).is_err(), "{text}");
        }
    }
}
