//! Reading Rust source as far as the architecture needs it: words, paths, and which of them only tests see.
//!
//! In scope: comments, strings, `use` trees, inline modules, `#[cfg(test)]`. Out of scope: macros' insides, types.

/// A word, a `::`, or one sign. Comments, strings and lifetimes are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// A path as it is written, `use` trees unfolded: `use crate::{a::b, c}` is `crate::a::b` and `crate::c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub segments: Vec<String>,
    pub line: usize,
    /// Whether only tests see it.
    pub in_tests: bool,
    /// How many inline modules of the file it stands in.
    pub inline_depth: usize,
}

/// The tokens of a source text.
pub fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while let Some(&first) = chars.get(at) {
        let rest = &chars[at..];
        let (length, text) = match first {
            '/' if starts(rest, "//") => (rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()), None),
            '/' if starts(rest, "/*") => (block_comment(rest), None),
            '"' => (string(rest), None),
            '\'' => (quote(rest), None),
            'r' | 'b' | 'c' if literal(rest).is_some() => (literal(rest).unwrap(), None),
            'r' if starts(rest, "r#") && rest.get(2).copied().is_some_and(is_word) => (2, None),
            ':' if starts(rest, "::") => (2, Some("::".to_owned())),
            _ if is_word(first) => {
                let word: String = rest.iter().take_while(|c| is_word(**c)).collect();
                (word.chars().count(), Some(word))
            }
            _ if first.is_whitespace() => (1, None),
            _ => (1, Some(first.to_string())),
        };
        tokens.extend(text.map(|text| Token { text, line }));
        line += rest[..length].iter().filter(|c| **c == '\n').count();
        at += length;
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn starts(rest: &[char], text: &str) -> bool {
    rest.len() >= text.len() && rest.iter().zip(text.chars()).all(|(one, other)| *one == other)
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            inner if starts(inner, "/*") => (depth, at) = (depth + 1, at + 2),
            inner if starts(inner, "*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// A character, or a lifetime.
fn quote(rest: &[char]) -> usize {
    match rest {
        [_, '\\', _, tail @ ..] => 4 + tail.iter().position(|c| *c == '\'').unwrap_or(tail.len().saturating_sub(1)),
        [_, _, '\'', ..] => 3,
        _ => 1 + rest.iter().skip(1).take_while(|c| is_word(**c)).count(),
    }
}

/// A literal with letters in front: raw, of bytes, of C.
fn literal(rest: &[char]) -> Option<usize> {
    let letters = rest.iter().take(2).take_while(|c| matches!(c, 'r' | 'b' | 'c')).count();
    let raw = rest[..letters].contains(&'r');
    let hashes = if raw { rest[letters..].iter().take_while(|c| **c == '#').count() } else { 0 };
    let opening = letters + hashes;
    match rest.get(opening) {
        Some('"') if raw => {
            let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            let inner = &rest[opening + 1..];
            Some(opening + 1 + inner.windows(end.len()).position(|window| window == end).map_or(inner.len(), |at| at + end.len()))
        }
        Some('"') => Some(letters + string(&rest[letters..])),
        Some('\'') if rest[..letters] == ['b'] => Some(letters + quote(&rest[letters..])),
        _ => None,
    }
}

/// Every path of a source text.
pub fn references(source: &str) -> Vec<Reference> {
    let tokens = tokens(source);
    let (tested, depths) = (tested(&tokens), inline_depths(&tokens));
    let mut references = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !begins_path(&tokens, at) {
            at += 1;
            continue;
        }
        let mut found = Vec::new();
        let end = path(&tokens, at, &[], &mut found);
        // `use name;` and `extern crate name;` import a whole crate.
        let whole = at > 0 && matches!(tokens[at - 1].text.as_str(), "use" | "crate");
        if let (true, [(segments, _)]) = (whole, found.as_mut_slice())
            && segments.len() == 1
        {
            segments.push("self".to_owned());
        }
        references.extend(found.into_iter().map(|(segments, line)| Reference {
            segments,
            line,
            in_tests: tested[at],
            inline_depth: depths[at],
        }));
        at = end.max(at + 1);
    }
    references
}

/// The names that the source gives to modules, and where.
pub fn modules(source: &str) -> Vec<Token> {
    tokens(source).windows(2).filter(|pair| pair[0].text == "mod" && is_name(&pair[1].text)).map(|pair| pair[1].clone()).collect()
}

/// The modules that the source declares in other files, and whether only tests see them.
pub fn declared(source: &str) -> Vec<(Token, bool)> {
    let tokens = tokens(source);
    let tested = tested(&tokens);
    let declarations = tokens.windows(3).zip(tested).filter(|(window, _)| window[0].text == "mod" && window[2].text == ";");
    declarations.map(|(window, tested)| (window[1].clone(), tested)).collect()
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Words that no path goes through, though one may begin right behind them.
fn is_keyword(text: &str) -> bool {
    const KEYWORDS: [&str; 24] = [
        "as", "async", "await", "break", "const", "dyn", "else", "extern", "fn", "for", "if", "impl", "in", "let", "match", "mod", "move",
        "mut", "pub", "ref", "return", "static", "use", "where",
    ];
    KEYWORDS.contains(&text)
}

fn begins_path(tokens: &[Token], at: usize) -> bool {
    let word = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |token| token.text.as_str());
    let (before, earlier) = (word(at.checked_sub(1)), word(at.checked_sub(2)));
    let continues = before == "." || before == "::" && (is_name(earlier) && !is_keyword(earlier) || earlier == ">");
    is_name(&tokens[at].text) && !is_keyword(&tokens[at].text) && !continues
}

/// Unfolds the path that begins at `at` and returns where it ends.
fn path(tokens: &[Token], mut at: usize, front: &[String], found: &mut Vec<(Vec<String>, usize)>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut segments = front.to_vec();
    let line = tokens[at].line;
    loop {
        if text(at) == "{" {
            at += 1;
            while !matches!(text(at), "}" | "") {
                at = match text(at) {
                    word if is_name(word) || word == "{" || word == "*" => path(tokens, at, &segments, found),
                    _ => at + 1,
                };
            }
            return at + 1;
        }
        if !is_name(text(at)) && text(at) != "*" {
            break;
        }
        segments.push(text(at).to_owned());
        at += 1;
        if text(at) != "::" {
            break;
        }
        at += 1;
    }
    if !front.is_empty() && text(at) == "as" {
        at += 2;
    }
    found.push((segments, line));
    at
}

/// For each token whether it belongs to an item under `#[cfg(test)]`.
fn tested(tokens: &[Token]) -> Vec<bool> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut tested = vec![false; tokens.len()];
    for start in 0..tokens.len() {
        if tokens[start..].iter().map(|token| token.text.as_str()).take(MARK.len()).eq(MARK) {
            let end = item_end(tokens, start + MARK.len());
            tested[start..end].fill(true);
        }
    }
    tested
}

/// Behind the `;` or the `}` that ends the item at `start`; brackets of its attributes and arguments do not count.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(token.text.as_str(), ";" | "}") {
            return at + 1;
        }
    }
    tokens.len()
}

/// For each token the number of inline modules around it.
fn inline_depths(tokens: &[Token]) -> Vec<usize> {
    let mut depths = Vec::new();
    let mut braces: Vec<bool> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => braces.push(at >= 2 && tokens[at - 2].text == "mod"),
            "}" => drop(braces.pop()),
            _ => {}
        }
        depths.push(braces.iter().filter(|is_module| **is_module).count());
    }
    depths
}
