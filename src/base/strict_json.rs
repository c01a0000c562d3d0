//! JSON in which no object names a member twice (I-JSON, RFC 7493, section 2.3): of two values for one setting, an
//! authority must not pick one.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a JSON text.
///
/// # Errors
/// When it is not JSON, is nested too deep, or an object names a member twice.
pub fn read(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<Unique>(bytes).map(|Unique(value)| value)
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Unique(value) = members.next_value()?;
            // The name is not repeated in the error: it may be anything that slipped into the wrong place.
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("an object names a member twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_member_named_twice_is_refused_at_any_depth() {
        for twice in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":{},"b":0,"a":null}]}"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(read(twice.as_bytes()).unwrap_err().to_string().contains("twice"), "{twice}");
        }
        assert_eq!(read(br#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#).unwrap(), json!({"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}));
    }

    proptest! {
        #[test]
        fn everything_else_reads_as_json_does(text in "[\\[\\]{}\",:a-c0-9.eE+\\-ntrufals \\\\]{0,30}") {
            if let Ok(strict) = read(text.as_bytes()) {
                prop_assert_eq!(Some(strict), serde_json::from_str(&text).ok());
            }
        }

        #[test]
        fn values_survive(text in "\\PC{0,12}", whole: i64, large: u64, real in -1e300f64..1e300) {
            let text = json!({"t": text, "w": [whole, null, true], "l": {"n": large}, "r": real}).to_string();
            prop_assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        }
    }
}
