//! Reading a JSON document field by field, so that every fault is reported at once.
//!
//! In scope: JSON Pointers (RFC 6901), shapes of members, unknown members. Out of scope: what a value means.

use serde::Serialize;
use serde_json::{Map, Value};

use super::strict_json;

/// The document that a record is written as. It is read from the record's text: serde writes into a tree by code of its own
/// for every type, as much again as what writes the text.
#[must_use]
pub fn tree(record: &impl Serialize) -> Value {
    serde_json::to_string(record).and_then(|text| strict_json::read(text.as_bytes())).unwrap_or_default()
}

/// How a document fails: its shape decides between 400 and 422.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Another JSON type than the member has.
    Shape,
    /// The right type, but not allowed.
    Value,
}

/// One bad field: where it stands (JSON Pointer; empty for the whole document) and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// JSON Pointer of the field. Of a query, `/name` is the parameter of that name.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: String,
    /// Whether the shape or the value is wrong.
    #[serde(skip)]
    pub kind: FaultKind,
}

/// All faults of one document, in the order of reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Notes a member of the wrong JSON type.
    pub fn shape(&mut self, pointer: &str, detail: impl Into<String>) {
        self.push(pointer, detail.into(), FaultKind::Shape);
    }

    /// Notes a member that has the right type but is not allowed.
    pub fn value(&mut self, pointer: &str, detail: impl Into<String>) {
        self.push(pointer, detail.into(), FaultKind::Value);
    }

    /// The value when nothing was wrong, else the faults.
    ///
    /// # Errors
    /// The collected faults, of which there is at least one, or a missing value without a fault, which is one too.
    pub fn conclude<T>(mut self, value: Option<T>) -> Result<T, Vec<Fault>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) => Err(self.0),
            None => {
                if self.0.is_empty() {
                    self.value("", "is incomplete");
                }
                Err(self.0)
            }
        }
    }

    fn push(&mut self, pointer: &str, detail: String, kind: FaultKind) {
        self.0.push(Fault { pointer: pointer.to_owned(), detail, kind });
    }
}

/// A member and where it stands.
pub struct Field<'a> {
    /// The member's value.
    pub value: &'a Value,
    /// Its JSON Pointer.
    pub pointer: String,
}

impl<'a> Field<'a> {
    /// A field of its own, such as a whole document.
    #[must_use]
    pub fn new(value: &'a Value, pointer: impl Into<String>) -> Self {
        Self { value, pointer: pointer.into() }
    }

    /// The member as text.
    pub fn text(&self, faults: &mut Faults) -> Option<&'a str> {
        self.shaped(self.value.as_str(), "must be a string", faults)
    }

    /// The member as what its text parses to; what the parser says of it is the fault.
    pub fn parsed<T, E: std::fmt::Display>(&self, parse: impl FnOnce(&str) -> Result<T, E>, faults: &mut Faults) -> Option<T> {
        match parse(self.text(faults)?) {
            Ok(value) => Some(value),
            Err(refusal) => {
                faults.value(&self.pointer, refusal.to_string());
                None
            }
        }
    }

    /// The member as `true` or `false`.
    pub fn boolean(&self, faults: &mut Faults) -> Option<bool> {
        self.shaped(self.value.as_bool(), "must be true or false", faults)
    }

    /// The member as a whole number between two bounds, both included.
    pub fn integer(&self, bounds: std::ops::RangeInclusive<u64>, faults: &mut Faults) -> Option<u64> {
        if !self.value.is_number() {
            faults.shape(&self.pointer, "must be a whole number");
            return None;
        }
        let number = self.value.as_u64().filter(|number| bounds.contains(number));
        if number.is_none() {
            faults.value(&self.pointer, format!("must be a whole number from {} to {}", bounds.start(), bounds.end()));
        }
        number
    }

    /// The member's elements, each with its pointer.
    pub fn list(&self, faults: &mut Faults) -> Option<Vec<Field<'a>>> {
        let items = self.shaped(self.value.as_array(), "must be a list", faults)?;
        Some(items.iter().enumerate().map(|(index, value)| Field::new(value, format!("{}/{index}", self.pointer))).collect())
    }

    /// The member's own members, by name.
    pub fn map(&self, faults: &mut Faults) -> Option<Vec<(&'a str, Field<'a>)>> {
        let members = self.shaped(self.value.as_object(), "must be an object", faults)?;
        Some(members.iter().map(|(name, value)| (name.as_str(), Field::new(value, join(&self.pointer, name)))).collect())
    }

    /// The member opened for reading its members one by one.
    pub fn object(&self, faults: &mut Faults) -> Option<Members<'a>> {
        let members = self.shaped(self.value.as_object(), "must be an object", faults)?;
        Some(Members { members, pointer: self.pointer.clone(), known: Vec::new() })
    }

    fn shaped<T>(&self, shaped: Option<T>, expected: &str, faults: &mut Faults) -> Option<T> {
        if shaped.is_none() {
            faults.shape(&self.pointer, expected);
        }
        shaped
    }
}

/// An object that is being read; what was never asked for is unknown and refused at the end.
pub struct Members<'a> {
    members: &'a Map<String, Value>,
    pointer: String,
    known: Vec<&'static str>,
}

impl<'a> Members<'a> {
    /// The member of that name, if it is there (`null` counts as there).
    pub fn optional(&mut self, name: &'static str) -> Option<Field<'a>> {
        self.known.push(name);
        self.members.get(name).map(|value| Field::new(value, join(&self.pointer, name)))
    }

    /// The member of that name; its absence is a fault.
    pub fn required(&mut self, name: &'static str, faults: &mut Faults) -> Option<Field<'a>> {
        let field = self.optional(name);
        if field.is_none() {
            faults.value(&join(&self.pointer, name), "is required");
        }
        field
    }

    /// Where a member of that name stands, or would stand.
    #[must_use]
    pub fn pointer(&self, name: &str) -> String {
        join(&self.pointer, name)
    }

    /// Refuses every member that was never asked for.
    pub fn close(self, faults: &mut Faults) {
        for name in self.members.keys().filter(|name| !self.known.contains(&name.as_str())) {
            let detail = match self.known.join(", ") {
                known if known.is_empty() => "is not a known member; none are".to_owned(),
                known => format!("is not a known member; known are: {known}"),
            };
            faults.value(&join(&self.pointer, name), detail);
        }
    }
}

/// The longest member name that a pointer shows. Whatever is longer may be a credential that slipped into the wrong
/// place, and an error must not repeat it.
const MAX_SHOWN_NAME: usize = 40;

/// The pointer of member `name` below `pointer` (RFC 6901, section 3). Long names are not shown.
#[must_use]
pub fn join(pointer: &str, name: &str) -> String {
    let name = if name.len() > MAX_SHOWN_NAME { "(a long name)" } else { name };
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_faults_are_reported_at_once() {
        let document = json!({"name": 5, "extra": 1, "cost": 0});
        let mut faults = Faults::default();
        let mut members = Field::new(&document, "").object(&mut faults).unwrap();
        members.required("name", &mut faults).and_then(|field| field.text(&mut faults));
        members.optional("cost").and_then(|field| field.integer(1..=9, &mut faults));
        members.required("key", &mut faults);
        members.close(&mut faults);
        let faults = faults.conclude(Some(())).unwrap_err();
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/cost", "/key", "/extra"]);
        assert_eq!(faults[0].kind, FaultKind::Shape);
        assert_eq!(faults[1].kind, FaultKind::Value);
    }

    #[test]
    fn pointers_escape_slash_and_tilde() {
        assert_eq!(join("/a", "b/c~d"), "/a/b~1c~0d");
    }

    #[test]
    fn a_name_that_may_be_a_credential_is_not_repeated() {
        assert_eq!(join("/a", &"x".repeat(40)), format!("/a/{}", "x".repeat(40)));
        assert_eq!(join("/a", &"x".repeat(41)), "/a/(a long name)");
    }

    #[test]
    fn a_fraction_or_negative_number_is_a_bad_value_not_a_bad_shape() {
        for number in [json!(1.5), json!(-1), json!(1e300), json!(u64::MAX)] {
            let mut faults = Faults::default();
            assert_eq!(Field::new(&number, "/n").integer(1..=10, &mut faults), None);
            assert_eq!(faults.0[0].kind, FaultKind::Value, "{number}");
        }
    }
}
