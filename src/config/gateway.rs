//! The gateway's settings: at which host it stands, and what it stands before.

use std::fmt;

use crate::base::web_origin::is_web_origin;

const DEFAULT_TIMEOUT_MS: u32 = 30_000;
/// An hour: what takes longer is no request.
const MAX_TIMEOUT_MS: u32 = 3_600_000;

/// A gateway. Whatever else is wrong, its host is known: no request to it is answered as one to Latchkey itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    host: Host,
    /// How requests are passed on.
    pub passage: Result<Passage, BadGatewaySetting>,
}

/// How requests are passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// To whom.
    pub origin: Origin,
    /// How long the origin may take until its answer begins (`GATEWAY_TIMEOUT_MS`).
    pub timeout_ms: u32,
    /// Whether CORS preflights go to the origin without a key (`GATEWAY_PREFLIGHT`).
    pub passes_preflights: bool,
    /// Origins whose pages may call what stands behind, and read refusals (`GATEWAY_CORS_ORIGINS`).
    pub pages: Vec<String>,
}

/// Who gets what the gateway lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The service binding [`ORIGIN`].
    Binding,
    /// A server: scheme and authority (`ORIGIN_URL`).
    Url(String),
}

/// The service binding's name.
pub const ORIGIN: &str = "ORIGIN";

/// A host and perhaps a port, in small letters.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    name: String,
    port: Option<u16>,
}

/// The settings cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadGatewaySetting {
    /// Something about a gateway, and no gateway.
    NoHost,
    /// Not a host.
    Host,
    /// A gateway before nothing.
    NoOrigin,
    /// Not a scheme and an authority alone.
    Url,
    /// Not a time that somebody could wait.
    Timeout,
    /// Neither of the two words.
    Preflight,
    /// Not origins, as browsers write them.
    Pages,
}

impl fmt::Display for BadGatewaySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHost => {
                "GATEWAY_HOST is not set: ORIGIN_URL, GATEWAY_TIMEOUT_MS, GATEWAY_PREFLIGHT and GATEWAY_CORS_ORIGINS are for a gateway"
            }
            Self::Host => "GATEWAY_HOST must be a host such as api.example.com, with a port if only that one is meant",
            Self::NoOrigin => "GATEWAY_HOST is set, but neither a service binding ORIGIN nor ORIGIN_URL: there is no origin",
            Self::Url => "ORIGIN_URL must be a scheme and a host such as https://origin.example.com, without path, query or user",
            Self::Timeout => "GATEWAY_TIMEOUT_MS must be a whole number from 1 to 3600000",
            Self::Preflight => "GATEWAY_PREFLIGHT must be refuse or pass",
            Self::Pages => "GATEWAY_CORS_ORIGINS must be origins such as https://keys.example.com, separated by spaces",
        })
    }
}

impl Gateway {
    /// Reads the settings; `variable` gives a variable's text, and a blank one counts as not set. `None`: there is no gateway.
    ///
    /// # Errors
    /// [`BadGatewaySetting`] when it is not even clear at which host it is.
    pub fn read(variable: impl Fn(&str) -> Option<String>, has_binding: bool) -> Result<Option<Self>, BadGatewaySetting> {
        let text = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let [url, timeout, preflight, pages] = ["ORIGIN_URL", "GATEWAY_TIMEOUT_MS", "GATEWAY_PREFLIGHT", "GATEWAY_CORS_ORIGINS"].map(text);
        let Some(host) = text("GATEWAY_HOST") else {
            let is_meant = [&url, &timeout, &preflight, &pages].into_iter().any(Option::is_some);
            return if is_meant { Err(BadGatewaySetting::NoHost) } else { Ok(None) };
        };
        let host = Host::parse(&host).ok_or(BadGatewaySetting::Host)?;
        let rest = [timeout, preflight, pages];
        let passage = Passage::read(url, rest.each_ref().map(Option::as_deref), has_binding);
        Ok(Some(Self { host, passage }))
    }

    /// Whether a request to that scheme and authority is one to the gateway.
    #[must_use]
    pub fn serves(&self, origin: &str) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        let Some(host) = Host::parse(authority) else { return false };
        let port = host.port.or(match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        });
        host.name == self.host.name && (self.host.port.is_none() || self.host.port == port)
    }

    /// What keeps it from working, if anything.
    #[must_use]
    pub fn problem(&self) -> Option<BadGatewaySetting> {
        self.passage.as_ref().err().copied()
    }
}

impl Passage {
    fn read(url: Option<String>, rest: [Option<&str>; 3], has_binding: bool) -> Result<Self, BadGatewaySetting> {
        let [timeout, preflight, pages] = rest;
        if url.as_deref().is_some_and(|url| !is_bare_origin(url)) {
            return Err(BadGatewaySetting::Url);
        }
        let origin = match url {
            _ if has_binding => Origin::Binding,
            Some(url) => Origin::Url(url),
            None => return Err(BadGatewaySetting::NoOrigin),
        };
        let timeout_ms = match timeout {
            None => DEFAULT_TIMEOUT_MS,
            Some(text) => text.parse().ok().filter(|ms| (1..=MAX_TIMEOUT_MS).contains(ms)).ok_or(BadGatewaySetting::Timeout)?,
        };
        let passes_preflights = match preflight {
            None | Some("refuse") => false,
            Some("pass") => true,
            Some(_) => return Err(BadGatewaySetting::Preflight),
        };
        let pages: Vec<String> = pages.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
        if !pages.iter().all(|page| is_web_origin(page)) {
            return Err(BadGatewaySetting::Pages);
        }
        Ok(Self { origin, timeout_ms, passes_preflights, pages })
    }
}

impl Host {
    /// A registered name, an IPv4 address or an IPv6 one in brackets (RFC 3986, section 3.2.2), and a port; nothing else.
    fn parse(text: &str) -> Option<Self> {
        let (name, port) = match text.rsplit_once(':') {
            // The colons of an address in brackets are its own.
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (text, None),
        };
        let port = match port {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok().filter(|port| *port > 0)?),
            Some(_) => return None,
            None => None,
        };
        let is_name = match name.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
            None => !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')),
        };
        is_name.then(|| Self { name: name.to_ascii_lowercase(), port })
    }
}

fn is_bare_origin(url: &str) -> bool {
    let authority = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    authority.is_some_and(|authority| Host::parse(authority).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)], has_binding: bool) -> Result<Option<Gateway>, BadGatewaySetting> {
        let find = |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, text)| (*text).to_owned());
        Gateway::read(find, has_binding)
    }

    fn passage(variables: &[(&str, &str)], has_binding: bool) -> Result<Passage, BadGatewaySetting> {
        read(&[&[("GATEWAY_HOST", "api.example.com")], variables].concat(), has_binding).unwrap().unwrap().passage
    }

    #[test]
    fn without_settings_there_is_none() {
        assert_eq!(read(&[], false), Ok(None));
        assert_eq!(read(&[("GATEWAY_HOST", " "), ("ORIGIN_URL", "")], true), Ok(None));
        for name in ["ORIGIN_URL", "GATEWAY_TIMEOUT_MS", "GATEWAY_PREFLIGHT", "GATEWAY_CORS_ORIGINS"] {
            assert_eq!(read(&[(name, "x")], false), Err(BadGatewaySetting::NoHost), "{name}");
        }
    }

    #[test]
    fn a_host_is_compared_in_any_case_and_at_any_port_unless_one_is_named() {
        for (host, origin, serves) in [
            ("api.example.com", "https://api.example.com", true),
            ("API.Example.com", "http://aPi.example.com:8787", true),
            ("api.example.com", "https://api.example.com.evil.test", false),
            ("api.example.com", "https://evil.api.example.com", false),
            ("api.example.com", "https://u:p@api.example.com", false),
            ("api.example.com", "https://api.example.com@evil.test", false),
            ("api.example.com", "https://a.test, api.example.com", false),
            ("api.example.com:8787", "http://api.example.com:8787", true),
            ("api.example.com:8787", "http://api.example.com:8788", false),
            ("api.example.com:8787", "http://api.example.com", false),
            ("api.example.com:443", "https://api.example.com", true),
            ("api.example.com:443", "http://api.example.com", false),
            ("[::1]:80", "http://[::1]", true),
            ("[::1]", "http://[::1]:8787", true),
        ] {
            let gateway = read(&[("GATEWAY_HOST", host)], true).unwrap().unwrap();
            assert_eq!(gateway.serves(origin), serves, "{host} and {origin}");
        }
        for host in [
            "https://api.example.com",
            "api.example.com/",
            "a b",
            "api.example.com:",
            "a:0",
            "a:65536",
            "a:x",
            "u@a",
            "[::g]",
            "::1",
            ":80",
        ] {
            assert_eq!(read(&[("GATEWAY_HOST", host)], true), Err(BadGatewaySetting::Host), "{host}");
        }
    }

    #[test]
    fn the_origin_is_the_binding_or_else_the_url() {
        let url = [("ORIGIN_URL", "https://origin.example.com:8443")];
        assert_eq!(passage(&url, true).unwrap().origin, Origin::Binding);
        assert_eq!(passage(&url, false).unwrap().origin, Origin::Url("https://origin.example.com:8443".to_owned()));
        assert_eq!(passage(&[], false), Err(BadGatewaySetting::NoOrigin));
        for url in [
            "origin.example.com",
            "ftp://a",
            "https://",
            "https://a/",
            "https://a/path",
            "https://a?b",
            "https://a#b",
            "https://u:p@a",
            "https://a b",
            "https:a",
            "HTTPS//a",
        ] {
            assert_eq!(passage(&[("ORIGIN_URL", url)], false), Err(BadGatewaySetting::Url), "{url}");
            assert_eq!(passage(&[("ORIGIN_URL", url)], true), Err(BadGatewaySetting::Url), "{url}, though it is not used");
        }
    }

    #[test]
    fn pages_are_origins_as_browsers_write_them() {
        let pages = |text| passage(&[("GATEWAY_CORS_ORIGINS", text)], true).map(|passage| passage.pages);
        assert_eq!(pages(""), Ok(vec![]));
        let two = "https://keys.example.com  http://127.0.0.1:8787";
        assert_eq!(pages(two), Ok(vec!["https://keys.example.com".to_owned(), "http://127.0.0.1:8787".to_owned()]));
        for text in ["*", "null", "keys.example.com", "https://keys.example.com/", "https://Keys.example.com", "https://a, https://b"] {
            assert_eq!(pages(text), Err(BadGatewaySetting::Pages), "{text}");
        }
    }

    #[test]
    fn time_and_preflights_have_defaults() {
        let with = |name, value| passage(&[(name, value)], true).map(|passage| (passage.timeout_ms, passage.passes_preflights));
        assert_eq!(with("GATEWAY_TIMEOUT_MS", ""), Ok((30_000, false)));
        assert_eq!(with("GATEWAY_TIMEOUT_MS", "250"), Ok((250, false)));
        assert_eq!(with("GATEWAY_PREFLIGHT", "pass"), Ok((30_000, true)));
        assert_eq!(with("GATEWAY_PREFLIGHT", "refuse"), Ok((30_000, false)));
        assert_eq!(with("GATEWAY_PREFLIGHT", "yes"), Err(BadGatewaySetting::Preflight));
        for text in ["0", "-1", "1.5", "30s", "3600001", "99999999999"] {
            assert_eq!(with("GATEWAY_TIMEOUT_MS", text), Err(BadGatewaySetting::Timeout), "{text}");
        }
    }
}
