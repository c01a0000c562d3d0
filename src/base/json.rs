//! Reading what Latchkey itself wrote as JSON: rows, messages, settings.
//!
//! All of it is read over one tree of values. Reading each type straight from the text would make a parser for each, which
//! together are a tenth of the program that every isolate loads; none of this is read on the hot path.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor,
    },
    forward_to_deserialize_any,
};
use serde_json::{Error, Value};

use super::strict_json;

/// Reads a JSON text.
///
/// # Errors
/// When it is not JSON, or not that of such a value.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    T::deserialize(Tree(strict_json::read(text.as_bytes())?)).map_err(|Misfit(error)| error)
}

/// Why a tree is not a value of the type. It says of which kind that is which stands there, and does not repeat it: content
/// has no business in a log, and writing any number there is takes 20 kB of program.
#[derive(Debug)]
struct Misfit(Error);

impl serde::de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Error::custom(message))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid type: {}, expected {expected}", kind(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid value: {}, expected {expected}", kind(found)))
    }
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Unit => "null",
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "floating point number",
        Unexpected::Str(_) => "string",
        Unexpected::Seq => "list",
        Unexpected::Map => "object",
        _ => "something else",
    }
}

impl std::error::Error for Misfit {}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value, of which objects become structs and maps by their members' names, and nothing else does.
struct Tree(Value);

/// What asks for something that has no parts is not shown lists and objects.
macro_rules! leaves {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            self.visit_leaf(visitor)
        })*
    };
}

impl Tree {
    fn visit_leaf<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, number) => visitor.visit_f64(number.unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(_) => Err(Misfit::invalid_type(Unexpected::Seq, &visitor)),
            Value::Object(_) => Err(Misfit::invalid_type(Unexpected::Map, &visitor)),
        }
    }
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Object(members) => visitor.visit_map(Members { rest: members.into_iter(), value: Value::Null }),
            leaf => Tree(leaf).visit_leaf(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Object(members) => visitor.visit_map(Members { rest: members.into_iter(), value: Value::Null }),
            _ => Err(Misfit::custom("an object is missing")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            _ => Err(Misfit::custom("a list is missing")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Misfit> {
        let (variant, content) = match self.0 {
            Value::String(name) => (name, Value::Null),
            Value::Object(members) => members.into_iter().next().ok_or_else(|| Misfit::custom("a variant is missing"))?,
            _ => return Err(Misfit::custom("a variant is missing")),
        };
        visitor.visit_enum(Variant { variant, content })
    }

    leaves! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_unit
        deserialize_identifier
    }

    forward_to_deserialize_any! {
        i128 u128 bytes byte_buf unit_struct tuple_struct
    }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Misfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        self.0.next().map(|item| seed.deserialize(Tree(item))).transpose()
    }
}

struct Members {
    rest: serde_json::map::IntoIter,
    value: Value,
}

impl<'de> MapAccess<'de> for Members {
    type Error = Misfit;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.value = value;
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        seed.deserialize(Tree(self.value.take()))
    }
}

struct Variant {
    variant: String,
    content: Value,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Misfit;
    type Variant = Tree;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Tree), Misfit> {
        Ok((seed.deserialize(self.variant.into_deserializer())?, Tree(self.content)))
    }
}

impl<'de> VariantAccess<'de> for Tree {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        if self.0.is_null() { Ok(()) } else { Err(Misfit::custom("a variant has content")) }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Misfit> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Point,
        Circle(u32),
        Line(i64, i64),
        Named { name: String, rest: Option<Box<Shape>> },
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Wrapped(Vec<Shape>);

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        number: u64,
        signed: i64,
        part: f64,
        flag: bool,
        nothing: Option<u8>,
        #[serde(default)]
        more: Option<String>,
        shapes: Wrapped,
        pair: (u8, String),
        map: BTreeMap<String, Vec<u8>>,
        value: Value,
    }

    fn shape() -> impl Strategy<Value = Shape> {
        let leaf = prop_oneof![
            Just(Shape::Point),
            any::<u32>().prop_map(Shape::Circle),
            any::<(i64, i64)>().prop_map(|(from, to)| Shape::Line(from, to))
        ];
        leaf.prop_recursive(3, 8, 1, |inner| {
            ("\\PC{0,4}", prop::option::of(inner)).prop_map(|(name, rest)| Shape::Named { name, rest: rest.map(Box::new) })
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_as_it_was(
            shapes in prop::collection::vec(shape(), 0..4), number: u64, signed: i64, part: i32, flag: bool, nothing: Option<u8>, name in "\\PC{0,5}"
        ) {
            let map = BTreeMap::from([(name.clone(), vec![1, 2]), ("x".to_owned(), vec![])]);
            let value = serde_json::json!({"a": [1, {"b": name}], "n": null});
            let all = All { number, signed, part: part.into(), flag, nothing, more: None, shapes: Wrapped(shapes), pair: (7, name), map, value };
            prop_assert_eq!(read::<All>(&serde_json::to_string(&all).unwrap()).unwrap(), all);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:a-z0-9.\\- ]{0,40}") {
            let _ = read::<All>(&text);
            let _ = read::<Shape>(&text);
        }
    }

    #[test]
    fn what_is_of_another_shape_is_refused() {
        for text in ["", "[]", "{", "{\"Circle\":-1}", "{\"Circle\":null}", "\"Square\"", "{}", "7", "{\"Point\":1}", "{\"Line\":[1]}"] {
            assert!(read::<Shape>(text).is_err(), "{text}");
        }
        assert_eq!(read::<Shape>("\"Point\"").unwrap(), Shape::Point);
        assert!(read::<Vec<u8>>("{}").is_err() && read::<BTreeMap<String, u8>>("[]").is_err() && read::<u8>("256").is_err());
    }
    #[test]
    fn a_refusal_says_what_was_expected_and_not_what_stood_there() {
        let told = |text| read::<BTreeMap<String, u8>>(text).unwrap_err().to_string();
        assert_eq!(told(r#"{"a":"sesame"}"#), "invalid type: string, expected u8");
        assert_eq!(told(r#"{"a":4711}"#), "invalid value: integer, expected u8");
        assert_eq!(told(r#"{"a":[1]}"#), "invalid type: list, expected u8");
        assert_eq!(read::<All>("{}").unwrap_err().to_string(), "missing field `number`");
    }
}
