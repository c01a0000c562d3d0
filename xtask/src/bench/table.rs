//! The result as people and as programs read it, and what moved between two of them.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::row::{Row, number};

/// Less than this is the machine's, not the change's.
const MOVED: f64 = 0.05;

/// Prints the rows with a bar, then those that explain them.
pub fn print(rows: &[Row]) {
    let (bars, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.bar.is_some());
    let width = rows.iter().map(|row| row.what.chars().count()).max().unwrap_or(0);
    if !bars.is_empty() {
        println!("\n{:<width$} {:>9} {:<12} {:>8}  {:<5}  spread", "what", "value", "unit", "bar", "holds");
        for row in bars {
            let (bar, holds) =
                (row.bar.map(super::row::Bar::text).unwrap_or_default(), if row.holds() == Some(true) { "yes" } else { "NO" });
            println!("{:<width$} {:>9} {:<12} {bar:>8}  {holds:<5}  {}", row.what, number(row.value), row.unit, spread(row));
        }
    }
    if !others.is_empty() {
        println!("\n{:<width$} {:>9} {:<12} spread", "beside the bars", "value", "unit");
        for row in others {
            println!("{:<width$} {:>9} {:<12} {}", row.what, number(row.value), row.unit, spread(row));
        }
    }
}

fn spread(row: &Row) -> String {
    row.spread.map(|[least, most]| format!("{} to {}", number(least), number(most))).unwrap_or_default()
}

/// Writes the rows as a list.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, rows: &[Row]) -> Result<()> {
    let document = |row: &Row| {
        json!({
            "what": row.what,
            "value": row.value,
            "unit": row.unit,
            "bar": row.bar.map(super::row::Bar::text),
            "holds": row.holds(),
            "spread": row.spread,
        })
    };
    let list: Vec<Value> = rows.iter().map(document).collect();
    fs::write(path, format!("{:#}\n", Value::from(list))).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads an earlier result: names and values.
///
/// # Errors
/// When there is none, or it is something else.
pub fn read(path: &Path) -> Result<Vec<(String, f64)>> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let list: Vec<Value> = serde_json::from_slice(&text).with_context(|| format!("{} is no result of `bench`", path.display()))?;
    let pair = |row: &Value| Some((row["what"].as_str()?.to_owned(), row["value"].as_f64()?));
    Ok(list.iter().filter_map(pair).collect())
}

/// Prints the rows whose value differs from the earlier one by more than noise.
pub fn print_moved(earlier: &[(String, f64)], rows: &[Row]) {
    let moved = rows.iter().filter_map(|row| Some((row, change(earlier, row)?)));
    println!("\nmoved by more than {:.0} %:", MOVED * 100.0);
    let mut none = true;
    for (row, (before, share)) in moved {
        none = false;
        println!("  {}: {} → {} {} ({:+.0} %)", row.what, number(before), number(row.value), row.unit, share * 100.0);
    }
    if none {
        println!("  nothing");
    }
    for row in rows.iter().filter(|row| !earlier.iter().any(|(what, _)| *what == row.what)) {
        println!("  {}: {} {} (new)", row.what, number(row.value), row.unit);
    }
}

/// The earlier value and the change as a share of it, if that is worth a line.
fn change(earlier: &[(String, f64)], row: &Row) -> Option<(f64, f64)> {
    let before = earlier.iter().find(|(what, _)| *what == row.what)?.1;
    let share = if before == row.value { 0.0 } else { (row.value - before) / before.abs() };
    // From nothing to something is endless, and always worth telling.
    (share.abs() > MOVED).then_some((before, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_moved_is_told() {
        let earlier = [("a".to_owned(), 100.0), ("zero".to_owned(), 0.0)];
        let told = |what: &str, value: f64| change(&earlier, &Row::new(what, value, "")).is_some();
        assert!(told("a", 110.0) && told("a", 90.0) && told("zero", 1.0));
        assert!(!told("a", 103.0) && !told("zero", 0.0) && !told("new", 5.0));
    }
}
