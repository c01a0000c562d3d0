//! How the console looks to an organization's people: its words, its color and logo, and who may show it in a frame.
//!
//! In scope: the members and their bounds. All of them end up in pages or in fields of answers, so each is read strictly.

use serde::{Deserialize, Serialize};

use super::document::{nullable, optional};
use crate::base::{
    document::{Faults, Field},
    web_origin::{is_private, is_web_origin},
};

const MAX_LABEL_CHARS: usize = 40;
const MAX_ANCESTORS: usize = 20;
const MAX_URL_BYTES: usize = 500;
/// What small text needs to be read on white (WCAG 2.2, success criterion 1.4.3).
const MIN_CONTRAST: f32 = 4.5;

/// How the console looks. Unset members take these defaults: its own words and color, no logo, in no frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Console {
    /// What things are called.
    pub labels: Labels,
    /// The origins whose pages may show the console in a frame.
    pub frame_ancestors: Vec<String>,
    /// The color of what can be clicked, as `#rrggbb`, dark enough to be read on white; `None` is the console's own.
    pub accent_color: Option<String>,
    /// A picture to stand before the organization's name, by HTTPS.
    pub logo_url: Option<String>,
}

/// What a key's name and its permissions are called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Labels {
    /// Of the name: `Name`, `Label` …
    pub name: String,
    /// Of the permissions: `Permissions`, `Scopes` …
    pub permissions: String,
}

impl Default for Labels {
    fn default() -> Self {
        Self { name: "Name".to_owned(), permissions: "Permissions".to_owned() }
    }
}

impl Console {
    /// Whether nothing of it was set.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the member `console` of a policy.
    pub fn read(field: &Field<'_>, faults: &mut Faults) -> Option<Self> {
        let standard = Self::default();
        let mut members = field.object(faults)?;
        let console = Self {
            labels: optional(&mut members, "labels", standard.labels, faults, read_labels)?,
            frame_ancestors: optional(&mut members, "frame_ancestors", standard.frame_ancestors, faults, read_ancestors)?,
            accent_color: nullable(&mut members, "accent_color", None, faults, read_color)?,
            logo_url: nullable(&mut members, "logo_url", None, faults, read_url)?,
        };
        members.close(faults);
        Some(console)
    }

    /// The origin that the logo is loaded from.
    #[must_use]
    pub fn logo_origin(&self) -> Option<&str> {
        let url = self.logo_url.as_deref()?;
        let host = url.strip_prefix("https://")?;
        let end = host.find('/').map_or(url.len(), |at| at + "https://".len());
        url.get(..end)
    }
}

fn read_labels(field: &Field<'_>, faults: &mut Faults) -> Option<Labels> {
    let standard = Labels::default();
    let mut members = field.object(faults)?;
    let labels = Labels {
        name: optional(&mut members, "name", standard.name, faults, read_label)?,
        permissions: optional(&mut members, "permissions", standard.permissions, faults, read_label)?,
    };
    members.close(faults);
    Some(labels)
}

fn read_label(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let label = field.text(faults)?.trim();
    let count = label.chars().count();
    if count == 0 || count > MAX_LABEL_CHARS || label.chars().any(char::is_control) {
        faults.value(&field.pointer, format!("must be 1 to {MAX_LABEL_CHARS} characters, none of them a control character"));
        return None;
    }
    Some(label.to_owned())
}

fn read_ancestors(field: &Field<'_>, faults: &mut Faults) -> Option<Vec<String>> {
    let items = field.list(faults)?;
    if items.len() > MAX_ANCESTORS {
        faults.value(&field.pointer, format!("must hold at most {MAX_ANCESTORS} origins"));
    }
    let mut origins = Vec::new();
    for item in items {
        let origin = item.text(faults)?;
        // Plain HTTP is for a host product on the developer's own machine.
        if is_web_origin(origin) && is_private(origin) {
            origins.push(origin.to_owned());
        } else {
            faults.value(&item.pointer, "must be an origin such as https://app.example.com, in lower case and without a path");
        }
    }
    Some(origins)
}

fn read_url(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let url = field.text(faults)?;
    let host = url.strip_prefix("https://").map(|rest| rest.split('/').next().unwrap_or_default());
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'\\' | b'`' | b';' | b',');
    if host.is_some_and(|host| is_web_origin(&format!("https://{host}"))) && url.len() <= MAX_URL_BYTES && url.bytes().all(is_plain) {
        return Some(url.to_owned());
    }
    faults.value(&field.pointer, format!("must be the address of a picture, https://host/path, of at most {MAX_URL_BYTES} characters"));
    None
}

fn read_color(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let text = field.text(faults)?;
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let Some(color) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
        faults.value(&field.pointer, "must be a color such as #1f5fbf");
        return None;
    };
    if contrast_with_white(color) < MIN_CONTRAST {
        faults.value(&field.pointer, "is too light to be read on white: choose a darker one, with a contrast of at least 4.5 to 1");
        return None;
    }
    Some(text.to_ascii_lowercase())
}

/// By the definition of WCAG 2.2. The curve of sRGB is followed by a polynomial that is off by less than a thousandth: the
/// exact one would bring the mathematics of powers into the worker.
fn contrast_with_white(color: u32) -> f32 {
    let [_, red, green, blue] = color.to_be_bytes();
    let linear = |byte: u8| {
        let value = f32::from(byte) / 255.0;
        value * (value * (value * 0.305_306_01 + 0.682_171_1) + 0.012_522_878)
    };
    1.05 / (0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(value: Value) -> Result<Console, Vec<String>> {
        let mut faults = Faults::default();
        let console = Console::read(&Field::new(&value, "/console"), &mut faults);
        faults.conclude(console).map_err(|faults| faults.into_iter().map(|fault| fault.pointer).collect())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(read(json!({})), Ok(Console::default()));
        let labels = Labels { name: "Label".into(), ..Labels::default() };
        assert_eq!(read(json!({"labels": {"name": " Label "}})), Ok(Console { labels, ..Console::default() }));
        assert_eq!(read(json!({"accent_color": "#1F5FBF"})).unwrap().accent_color.as_deref(), Some("#1f5fbf"));
    }

    #[test]
    fn frames_are_of_origins_and_of_nothing_that_ends_a_directive() {
        for good in ["https://app.example.com", "https://app.example.com:8443", "http://localhost:3000", "http://127.0.0.1", "https://a"] {
            assert!(read(json!({"frame_ancestors": [good]})).is_ok(), "{good}");
        }
        for bad in [
            "*",
            "https://*",
            "https://",
            "http://app.example.com",
            "https://App.example.com",
            "https://a.example/",
            "https://a.example; script-src *",
            "https://a.example,b.example",
            "https://a.example\n",
            "https://a.example:0",
            "https://a.example:080",
            "https://user@a.example",
            "'self'",
            "https://a..example",
        ] {
            assert_eq!(
                read(json!({"frame_ancestors": ["https://b.example", bad]})),
                Err(vec!["/console/frame_ancestors/1".into()]),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_color_is_one_that_can_be_read() {
        for good in ["#000000", "#1f5fbf", "#767676", "#B3261E"] {
            assert!(read(json!({"accent_color": good})).is_ok(), "{good}");
        }
        for bad in ["#ffffff", "#777777", "#ffcc00", "red", "#123", "#12345g", "1f5fbf", "#1f5fbf;}"] {
            assert_eq!(read(json!({"accent_color": bad})), Err(vec!["/console/accent_color".into()]), "{bad}");
        }
    }

    #[test]
    fn a_logo_comes_by_https_from_one_origin() {
        let logo = read(json!({"logo_url": "https://cdn.example.com:444/a/logo.svg?v=2"})).unwrap();
        assert_eq!(logo.logo_origin(), Some("https://cdn.example.com:444"));
        for bad in [
            "http://a.example/l.png",
            "https:///l.png",
            "https://a.example/l.png; x",
            "//a.example/l.png",
            "data:image/png,",
            "https://u:p@a.example/l",
        ] {
            assert_eq!(read(json!({"logo_url": bad})), Err(vec!["/console/logo_url".into()]), "{bad}");
        }
    }

    #[test]
    fn every_fault_is_named_at_its_place() {
        let bad = json!({"labels": {"name": "", "permissions": "x".repeat(41), "colour": 1}, "frame_ancestors": [], "title": ""});
        let named = ["/console/labels/name", "/console/labels/permissions", "/console/labels/colour", "/console/title"];
        assert_eq!(read(bad), Err(named.map(str::to_owned).to_vec()));
    }
}
