//! Tables as text (RFC 4180), for who asks for `text/csv`.

use super::{accept::weight, call::Call, reply::Reply};

const CONTENT_TYPE: &str = "text/csv; charset=utf-8; header=present";

/// Whether the request prefers a table to JSON (RFC 9110, section 12.5.1): it names the type, with no less weight than JSON.
#[must_use]
pub fn is_wanted(call: &Call<'_>) -> bool {
    call.inbound.header("accept").is_some_and(|accept| prefers_csv(&accept))
}

fn prefers_csv(accept: &str) -> bool {
    let csv = weight(accept, &["text/csv", "text/*"]);
    csv > 0 && csv >= weight(accept, &["application/json", "application/*"])
}

/// A table with these columns.
#[must_use]
pub fn reply<const N: usize>(columns: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Reply {
    let mut text = String::new();
    push_row(&mut text, columns.map(str::to_owned));
    rows.for_each(|row| push_row(&mut text, row));
    Reply::text(200, CONTENT_TYPE, text)
}

fn push_row<const N: usize>(text: &mut String, cells: [String; N]) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_cell(text, cell);
    }
    text.push_str("\r\n");
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe in front: paths and names are others' words.
fn push_cell(text: &mut String, cell: &str) {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !is_formula && !cell.contains([',', '"', '\r', '\n']) {
        return text.push_str(cell);
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    text.push_str(&cell.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_answered_to_who_prefers_it() {
        for accept in
            ["text/csv", "TEXT/CSV; q=0.5", "text/csv, application/json;q=0.9", "text/*", "application/json;q=0.1, text/csv;q=0.2"]
        {
            assert!(prefers_csv(accept), "{accept}");
        }
        for accept in ["", "*/*", "application/json", "text/csv;q=0", "text/csv;q=0.5, application/json", "text/csv;q=x", "text/html"] {
            assert!(!prefers_csv(accept), "{accept}");
        }
    }

    #[test]
    fn cells_are_quoted_where_they_must_be_and_no_formula_stays_one() {
        let body = reply(["a", "b"], [["x,\"y\"".to_owned(), "=1+1".to_owned()], ["1\n2".to_owned(), String::new()]].into_iter()).body;
        assert_eq!(body.unwrap(), "a,b\r\n\"x,\"\"y\"\"\",\"'=1+1\"\r\n\"1\n2\",\r\n");
    }
}
