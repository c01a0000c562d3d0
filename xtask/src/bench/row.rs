//! One line of the result: what was measured, what it came to, and the bar it should hold.

use super::spread::Spread;

/// What a value should be.
#[derive(Clone, Copy)]
pub enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

/// A measured value.
pub struct Row {
    pub what: String,
    pub value: f64,
    pub unit: &'static str,
    /// `None` where the value is told to explain others.
    pub bar: Option<Bar>,
    /// The least and the most of what the value was taken from.
    pub spread: Option<[f64; 2]>,
}

impl Row {
    pub fn new(what: &str, value: f64, unit: &'static str) -> Self {
        Self { what: what.to_owned(), value, unit, bar: None, spread: None }
    }

    /// The median of several, with their spread.
    pub fn of(what: &str, all: &[f64], unit: &'static str) -> Self {
        let Spread { least, median, most } = Spread::of(all);
        Self { spread: Some([least, most]), ..Self::new(what, median, unit) }
    }

    pub fn at_most(self, bar: f64) -> Self {
        Self { bar: Some(Bar::AtMost(bar)), ..self }
    }

    pub fn at_least(self, bar: f64) -> Self {
        Self { bar: Some(Bar::AtLeast(bar)), ..self }
    }

    /// Whether the bar holds, where there is one.
    pub fn holds(&self) -> Option<bool> {
        self.bar.map(|bar| match bar {
            Bar::AtMost(most) => self.value <= most,
            Bar::AtLeast(least) => self.value >= least,
        })
    }
}

impl Bar {
    /// As it is printed: `≤ 1.30`.
    pub fn text(self) -> String {
        match self {
            Self::AtMost(value) => format!("≤ {}", number(value)),
            Self::AtLeast(value) => format!("≥ {}", number(value)),
        }
    }
}

/// Four significant digits at most: more would be noise.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if value.fract() == 0.0 && size < 1e15 => format!("{value:.0}"),
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_holds_up_to_its_own_value() {
        assert_eq!(Row::new("x", 1.3, "").at_most(1.3).holds(), Some(true));
        assert_eq!(Row::new("x", 1.31, "").at_most(1.3).holds(), Some(false));
        assert_eq!(Row::new("x", 0.99, "").at_least(1.0).holds(), Some(false));
        assert_eq!(Row::new("x", 0.99, "").holds(), None);
    }

    #[test]
    fn numbers_are_as_long_as_they_are_sure() {
        assert_eq!([0.0, 600.0, 1.3, 23456.7, 12.34, 0.0123].map(number), ["0", "600", "1.30", "23457", "12.3", "0.0123"]);
    }
}
