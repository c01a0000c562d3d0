//! `Accept`: how much which types are wanted (RFC 9110, section 12.5.1).

/// The weight of those of the types that the field names itself, in thousandths; of types that it does not name, 0.
#[must_use]
pub fn weight(accept: &str, wanted: &[&str]) -> u32 {
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next()?.to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let weight = weight.map_or(Some(1000), thousandths)?;
        wanted.contains(&kind.as_str()).then_some(weight)
    });
    ranges.max().unwrap_or(0)
}

/// A weight between 0 and 1, of which three digits count (RFC 9110, section 12.4.2).
fn thousandths(weight: &str) -> Option<u32> {
    let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
    let is_digits = part.len() <= 3 && part.bytes().all(|digit| digit.is_ascii_digit());
    let part: u32 = format!("{part:0<3}").parse().ok().filter(|_| is_digits)?;
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1000),
        _ => None,
    }
}
