//! Which resource a path touches: the `routes` of a policy.
//!
//! In scope: patterns, their order, and which paths are read at all. Out of scope: methods and permissions, see
//! [`Policy::permission_for`](super::rules::Policy::permission_for).

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::catalog::Catalog;
use crate::base::document::{Faults, Field};

/// Requests whose path matches need a permission on the resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// A path. `*` stands for one segment, at the end for any number of them, none included.
    pub path: String,
    /// The resource that it touches.
    pub resource: String,
}

/// The routes of a policy, ready to be looked up.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Route>", into = "Vec<Route>")]
pub struct Routes {
    list: Vec<Route>,
    root: Node,
}

/// What the patterns with one beginning go on with.
#[derive(Clone, Debug, Default)]
struct Node {
    literals: BTreeMap<Vec<u8>, Node>,
    one: Option<Box<Node>>,
    /// The route that ends here, and the one that goes on with whatever comes.
    end: Option<usize>,
    rest: Option<usize>,
}

const MAX_ROUTES: usize = 500;
const MAX_PATH_BYTES: usize = 8 * 1024;

impl Routes {
    /// Reads a list of `{"path", "resource"}`. Every path that matches several of them must match one more exactly than all
    /// others, so that what a request needs does not depend on their order.
    pub fn read(field: &Field<'_>, resources: &Catalog, faults: &mut Faults) -> Option<Self> {
        let items = field.list(faults)?;
        if items.len() > MAX_ROUTES {
            faults.value(&field.pointer, format!("must hold at most {MAX_ROUTES} routes"));
            return None;
        }
        let mut patterns: Vec<(String, Pattern)> = Vec::new();
        let mut list = Vec::new();
        for item in items {
            let mut members = item.object(faults)?;
            let path = members.required("path", faults).and_then(|path| path.text(faults).map(str::to_owned));
            let resource = members.required("resource", faults).and_then(|resource| resource.text(faults).map(str::to_owned));
            members.close(faults);
            let (Some(path), Some(resource)) = (path, resource) else { continue };
            if resources.resource(&resource).is_none() {
                faults.value(&format!("{}/resource", item.pointer), "must be the name of a resource of this policy");
            }
            let pointer = format!("{}/path", item.pointer);
            match Pattern::parse(&path) {
                None => faults.value(&pointer, "must start with / and have plain segments, or * in place of a whole one"),
                Some(pattern) if patterns.iter().any(|(_, earlier)| *earlier == pattern) => {
                    faults.value(&pointer, "is the path of an earlier route");
                }
                Some(pattern) => patterns.push((pointer, pattern)),
            }
            list.push(Route { path, resource });
        }
        name_contradictions(&patterns, faults);
        Some(list.into())
    }

    /// All of them, as they were given.
    #[must_use]
    pub fn list(&self) -> &[Route] {
        &self.list
    }

    /// The resource that a path touches, by the route that matches it most exactly. `None` for a path that none matches, and
    /// for one that an origin could understand in another way than it is understood here.
    #[must_use]
    pub fn resource_of(&self, path: &str) -> Option<&str> {
        let route = self.root.find(&segments(path)?)?;
        self.list.get(route).map(|route| route.resource.as_str())
    }
}

impl From<Vec<Route>> for Routes {
    fn from(list: Vec<Route>) -> Self {
        let mut root = Node::default();
        for (index, route) in list.iter().enumerate() {
            if let Some(pattern) = Pattern::parse(&route.path) {
                root.insert(&pattern, index);
            }
        }
        Self { list, root }
    }
}

impl From<Routes> for Vec<Route> {
    fn from(routes: Routes) -> Self {
        routes.list
    }
}

impl PartialEq for Routes {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for Routes {}

impl Node {
    fn insert(&mut self, pattern: &Pattern, route: usize) {
        let mut node = self;
        for segment in &pattern.segments {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::One => node.one.get_or_insert_default(),
            };
        }
        *(if pattern.has_rest { &mut node.rest } else { &mut node.end }) = Some(route);
    }

    /// No node is visited twice, whatever the path.
    fn find(&self, path: &[Cow<'_, [u8]>]) -> Option<usize> {
        let Some((first, rest)) = path.split_first() else { return self.end.or(self.rest) };
        let literal = || self.literals.get(first.as_ref()).and_then(|node| node.find(rest));
        let one = || self.one.as_deref().filter(|_| !first.is_empty()).and_then(|node| node.find(rest));
        literal().or_else(one).or(self.rest)
    }
}

fn name_contradictions(patterns: &[(String, Pattern)], faults: &mut Faults) {
    for (index, (pointer, pattern)) in patterns.iter().enumerate() {
        for (_, rival) in patterns.iter().take(index) {
            let Some(both) = pattern.meet(rival) else { continue };
            if !patterns.iter().any(|(_, known)| *known == both) {
                faults.value(pointer, format!("and {rival} both match {both}: add a route for that path"));
            }
        }
    }
}

/// The path of a route, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Pattern {
    segments: Vec<Segment>,
    has_rest: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(Vec<u8>),
    One,
}

impl Pattern {
    fn parse(path: &str) -> Option<Self> {
        let (fixed, has_rest) = path.strip_suffix("/*").map_or((path, false), |fixed| (fixed, true));
        if fixed.contains(['?', '%', ';']) {
            return None;
        }
        let read = |text: Cow<'_, [u8]>| match text.as_ref() {
            b"*" => Some(Segment::One),
            literal => (!literal.contains(&b'*')).then(|| Segment::Literal(literal.to_owned())),
        };
        let fixed = if has_rest && fixed.is_empty() { Vec::new() } else { segments(fixed)? };
        Some(Self { segments: fixed.into_iter().map(read).collect::<Option<_>>()?, has_rest })
    }

    /// What matches exactly the paths that both match; `None` without such paths.
    fn meet(&self, other: &Self) -> Option<Self> {
        let length = self.segments.len().max(other.segments.len());
        let segments = (0..length).map(|at| match (self.at(at)?, other.at(at)?) {
            (one, other) if one == other => Some(one),
            (Segment::One, literal) | (literal, Segment::One) => Some(literal),
            _ => None,
        });
        Some(Self { segments: segments.collect::<Option<_>>()?, has_rest: self.has_rest && other.has_rest })
    }

    /// What is there; `None` behind the end.
    fn at(&self, index: usize) -> Option<Segment> {
        self.segments.get(index).cloned().or_else(|| self.has_rest.then_some(Segment::One))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{}", String::from_utf8_lossy(text))?,
                Segment::One => f.write_str("/*")?,
            }
        }
        f.write_str(if self.has_rest { "/*" } else { "" })
    }
}

/// The decoded segments of a path without its query. `None` where two readers could disagree about them: what one takes for a
/// part of a segment the next takes for a separator, or for a step up.
fn segments(path: &str) -> Option<Vec<Cow<'_, [u8]>>> {
    let path = path.split('?').next().filter(|path| path.len() <= MAX_PATH_BYTES)?;
    let segments: Vec<_> = path.strip_prefix('/')?.split('/').map(plain).collect::<Option<_>>()?;
    let (_, inner) = segments.split_last()?;
    (!inner.iter().any(|segment| segment.is_empty())).then_some(segments)
}

/// A segment, decoded. Some readers decode twice: nobody's reading may be a separator, a step, or something invisible.
fn plain(segment: &str) -> Option<Cow<'_, [u8]>> {
    let decoded = decode(segment.as_bytes())?;
    let is_plain = |text: &[u8]| {
        let name = text.split(|byte| *byte == b';').next().unwrap_or_default();
        !matches!(name, b"." | b"..") && text.iter().all(|byte| !byte.is_ascii_control() && !matches!(byte, b'/' | b'\\'))
    };
    let is_plain_twice = decode(&decoded).is_none_or(|twice| is_plain(&twice));
    // A space is where two fields were joined to one.
    (segment.bytes().all(|byte| byte.is_ascii_graphic()) && !segment.contains('#') && is_plain(&decoded) && is_plain_twice)
        .then_some(decoded)
}

/// Percent-decoded once (RFC 3986, section 2.1); `None` where a percent sign stands before something else than two hexadecimal
/// digits.
fn decode(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !text.contains(&b'%') {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
        decoded.push(match byte {
            b'%' => u8::try_from(digit(bytes.next())? << 4 | digit(bytes.next())?).ok()?,
            byte => *byte,
        });
    }
    Some(Cow::Owned(decoded))
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
