//! What a hot decision costs beside workers that decide nothing, as a picture: a bar for each load, its spread as a line,
//! and the most that it should cost as a dashed one.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result, ensure};

use super::{
    hot,
    row::{Row, number},
};

const WIDTH: f64 = 760.0;
const NAMES: f64 = 230.0;
const VALUES: f64 = 135.0;
const LINE: f64 = 30.0;
const TOP: f64 = 44.0;

/// Draws the CPU of each load that was measured.
///
/// # Errors
/// When none was, or the file cannot be written.
pub fn write<'a>(path: &Path, rows: impl Iterator<Item = &'a Row> + Clone) -> Result<()> {
    let cpu = |load: &'static str| Some((load, rows.clone().find(|row| row.what == format!("{load}: CPU"))?));
    let loads: Vec<(&str, &Row)> = hot::LOADS.into_iter().filter_map(cpu).collect();
    ensure!(!loads.is_empty(), "there is nothing to draw: no load of a hot decision was measured");
    fs::write(path, svg(&loads)).with_context(|| format!("cannot write {}", path.display()))
}

fn svg(loads: &[(&str, &Row)]) -> String {
    let most = |row: &Row| row.spread.map_or(row.value, |[_, most]| most);
    let scale = (WIDTH - NAMES - VALUES) / loads.iter().map(|(_, row)| most(row)).fold(f64::MIN_POSITIVE, f64::max);
    let yardstick = loads.iter().find(|(name, _)| *name == hot::JAVASCRIPT).map(|(_, row)| row.value);
    let height = TOP + LINE * loads.len() as f64 + 10.0;
    let mut bars = String::new();
    for ((name, row), at) in loads.iter().zip(0..) {
        let (y, middle) = (TOP + LINE * f64::from(at), TOP + LINE * (f64::from(at) + 0.5));
        let [least, most] = row.spread.unwrap_or([row.value; 2]).map(|value| NAMES + value * scale);
        let class = if name.starts_with("empty") || name.ends_with("nothing decided") { "yardstick" } else { "load" };
        let limit = hot::limit(name).zip(yardstick).map(|(times, yardstick)| NAMES + times * yardstick * scale);
        let limit = limit.map(|x| {
            let (top, bottom) = (y + 2.0, y + LINE - 2.0);
            format!("<line class=\"limit\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\"/>\n")
        });
        // Writing to a text does not fail.
        let _ = write!(
            bars,
            r#"<text x="{x}" y="{middle:.1}" text-anchor="end">{name}</text>
<rect class="{class}" x="{NAMES}" y="{bar:.1}" width="{width:.1}" height="{tall}"/>
<line x1="{least:.1}" x2="{most:.1}" y1="{middle:.1}" y2="{middle:.1}"/>
{limit}<text x="{after:.1}" y="{middle:.1}">{value} {unit}</text>
"#,
            limit = limit.unwrap_or_default(),
            x = NAMES - 10.0,
            bar = y + 5.0,
            width = row.value * scale,
            tall = LINE - 10.0,
            after = most + 8.0,
            value = number(row.value),
            unit = row.unit,
        );
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="CPU of workerd per request, by load">
<style>
text {{ font: 13px system-ui, sans-serif; dominant-baseline: central; fill: #1f2933 }}
.title {{ font-weight: 600 }}
.yardstick {{ fill: #b8c2cc }}
.load {{ fill: #2f6f9f }}
line {{ stroke: #1f2933; stroke-width: 1.5 }}
.limit {{ stroke: #f97316; stroke-width: 2.5; stroke-dasharray: 4 2 }}
</style>
<rect width="100%" height="100%" fill="#fff"/>
<text class="title" x="12" y="22">CPU of workerd per request: median of the rounds, and their spread; dashed: the most it should be</text>
{bars}</svg>
"##
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_load_has_a_bar_as_long_as_its_cost_and_a_limit_where_there_is_one() {
        let (empty, hot) = (Row::new("", 10.0, "µs/request"), Row::of("", &[18.0, 20.0, 21.0], "µs/request"));
        let drawn = svg(&[("empty JavaScript worker", &empty), ("hot /v1/auth", &hot)]);
        let numbers =
            |before: &str| -> Vec<f64> { drawn.split(before).skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok()).collect() };
        let widths = numbers(r#"" width=""#);
        assert!(matches!(*widths, [empty, hot] if (hot / empty - 2.0).abs() < 0.01), "{widths:?}");
        let [limit] = *numbers(r#"class="limit" x1=""#) else { panic!("one load has a limit") };
        assert!(((limit - NAMES) / widths[0] - 1.3).abs() < 0.01, "{limit}");
        assert!(drawn.contains("20 µs/request") && drawn.contains(r#"class="yardstick""#));
    }
}
