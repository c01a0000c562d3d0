//! A page of the console: its frame, which all pages share, and what stands in it.

use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{assets, texts};
use crate::{
    http::{markup, reply::Reply, web_page},
    policy::console::Console,
};

/// A way to another page.
pub struct Way {
    /// Where to.
    pub href: &'static str,
    /// What it is called.
    pub text: &'static str,
    /// Whether this is the page.
    pub here: bool,
}

/// Who is signed in, as the frame shows it.
pub struct Person<'a> {
    /// Their name.
    pub name: &'a str,
    /// Their role.
    pub role: &'a str,
    /// Where they sign out.
    pub sign_out: &'static str,
}

/// What stands around each page.
#[derive(Template)]
#[template(path = "console/frame.html")]
pub struct Frame<'a> {
    title: &'a str,
    owner: &'a str,
    home: &'static str,
    person: Option<Person<'a>>,
    ways: Vec<Way>,
    look: Option<&'a Console>,
    notice: Option<&'a str>,
    accent: Option<String>,
    style: String,
    script: String,
    body: &'a str,
}

/// What a page says of itself.
pub struct About<'a> {
    /// The organization, or the deployment.
    pub owner: &'a str,
    /// The way home.
    pub home: &'static str,
    /// Who is signed in.
    pub person: Option<Person<'a>>,
    /// Where one can go.
    pub ways: Vec<Way>,
    /// The organization's words, color and logo.
    pub look: Option<&'a Console>,
}

/// The page as an answer. It may load the console's own files and the organization's logo, and nothing else.
#[must_use]
pub fn page(about: About<'_>, status: u16, title: &str, notice: Option<&str>, content: &impl Template) -> Reply {
    framed(about, status, title, notice, &markup::render(content))
}

fn framed(about: About<'_>, status: u16, title: &str, notice: Option<&str>, body: &str) -> Reply {
    let About { owner, home, person, ways, look } = about;
    let accent = look.and_then(|look| look.accent_color.as_deref()).map(|color| format!(":root{{--brand:{color}}}"));
    let policy = policy(look, accent.as_deref());
    let frame = Frame { title, owner, home, person, ways, look, notice, accent, style: assets::style(), script: assets::script(), body };
    web_page::guarded(Reply::text(status, "text/html; charset=utf-8", texts::resolve(&markup::render(&frame))), policy)
}

/// What the browser lets the page do. The organization's color is the one style in the page itself, known by its hash.
fn policy(look: Option<&Console>, accent: Option<&str>) -> String {
    let accent = accent.map(|style| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(style)))).unwrap_or_default();
    let logo = look.and_then(Console::logo_origin).map(|origin| format!(" {origin}")).unwrap_or_default();
    let ancestors = web_page::ancestors(look.map(|look| look.frame_ancestors.as_slice()).unwrap_or_default());
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'{accent}; img-src data:{logo}; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors {ancestors}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(look: &Console, name: &str) -> (String, String) {
        let person = Some(Person { name, role: name, sign_out: "/out" });
        let about = About { owner: name, home: "/portal", person, ways: vec![], look: Some(look) };
        let reply = framed(about, 200, name, Some(name), "<p>body</p>");
        let field = reply.headers.iter().find(|(name, _)| *name == "Content-Security-Policy").unwrap().1.clone();
        (reply.body.unwrap(), field)
    }

    #[test]
    fn names_full_of_markup_are_inert() {
        let hostile = "<script>alert(1)</script>\"' onload=x";
        let (html, _) = console(&Console::default(), hostile);
        assert!(!html.contains("<script>alert") && !html.contains("\"' onload") && html.contains("<p>body</p>"), "{html}");
    }

    #[test]
    fn a_look_opens_the_policy_for_itself_and_for_nothing_else() {
        let (_, plain) = console(&Console::default(), "A");
        assert!(
            plain.contains("style-src 'self'; img-src data:; connect-src 'self'") && plain.ends_with("frame-ancestors 'none'"),
            "{plain}"
        );
        let look = Console {
            frame_ancestors: vec!["https://a.example".into(), "https://b.example".into()],
            accent_color: Some("#1f5fbf".into()),
            logo_url: Some("https://cdn.example/l.svg".into()),
            ..Console::default()
        };
        let (html, policy) = console(&look, "A");
        let hash = STANDARD.encode(Sha256::digest(":root{--brand:#1f5fbf}"));
        assert!(html.contains("<style>:root{--brand:#1f5fbf}</style>") && policy.contains(&format!("style-src 'self' 'sha256-{hash}';")));
        assert!(
            policy.contains("img-src data: https://cdn.example;")
                && policy.ends_with("frame-ancestors https://a.example https://b.example")
        );
        assert!(!policy.contains("unsafe"));
    }
}
