//! What was just done, told by the page that follows it.

use super::{
    form::{self, Form},
    moments,
    texts::find,
};
use crate::{base::time::Timestamp, http::reply::Reply};

/// The answer to something done: the next page, told in its address what it was and since when it is in force.
#[must_use]
pub fn see(path: &str, kept: &[(&str, &str)], word: &str, in_force_at: Option<Timestamp>) -> Reply {
    let since = in_force_at.map(|at| at.ms().to_string()).unwrap_or_default();
    let pairs: Vec<(&str, &str)> = kept.iter().copied().chain([("notice", word), ("since", since.as_str())]).collect();
    Reply::empty(303).with("Location", form::address(path, &pairs))
}

/// What the address tells, in words of the text file only.
#[must_use]
pub fn read(query: &Form) -> Option<String> {
    let word = query.some("notice")?;
    let since = query.one("since").parse().ok().map(Timestamp::from_ms);
    let text = match since {
        Some(_) => find(&format!("notice.{word}.since")).or_else(|| find(&format!("notice.{word}"))),
        None => find(&format!("notice.{word}")),
    };
    let since = since.map(moments::second).unwrap_or_default();
    text.map(|text| text.replacen("{}", &since, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_says_since_when_and_nothing_that_an_address_makes_up() {
        let reply = see("/portal", &[("q", "a b"), ("tab", "")], "revoke", Some(Timestamp::from_ms(0)));
        assert_eq!(reply.headers, [("Location", "/portal?q=a+b&notice=revoke&since=0".to_owned())]);
        let told = |query: &str| read(&Form::read(query.as_bytes()));
        assert!(told("notice=revoke&since=0").unwrap().contains("1 Jan 1970, 00:00:00 UTC"));
        assert!(told("notice=saved").is_some());
        assert_eq!([told("notice=%3Cb%3E"), told(""), told("since=5")], [None, None, None]);
    }
}
