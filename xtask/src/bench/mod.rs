//! `cargo xtask bench`: the figures that the project promises, measured on the real runtime in one run.
//!
//! Each room measures some rows and knows nothing of the others. Here: which there are, and in what order.

mod admitted;
mod client;
mod cold;
mod given;
mod growth;
mod guard_calls;
mod hot;
mod instructions;
mod lists;
mod load;
mod memory;
mod paced;
mod plot;
mod revocation;
mod row;
mod runtime;
mod size;
mod spread;
mod start;
mod storage_calls;
mod table;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::{build, project, step, tools};
use row::Row;

#[derive(Args)]
pub struct Options {
    /// How often each load is measured; the loads take turns.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure only the rows whose name has this in it.
    #[arg(long)]
    only: Option<String>,
    /// Show what moved since this earlier result.
    #[arg(long)]
    compare: Option<PathBuf>,
    /// Draw what a hot decision costs beside the yardsticks into this file, as SVG.
    #[arg(long)]
    plot: Option<PathBuf>,
    /// Short loads and few repetitions: whether the bench works, not what the bars ask.
    #[arg(long)]
    quick: bool,
}

/// How thoroughly to measure.
pub struct Plan {
    rounds: u32,
    quick: bool,
}

impl Plan {
    /// `thorough`, or with `--quick` the other.
    const fn pick<T: Copy>(&self, thorough: T, quick: T) -> T {
        if self.quick { quick } else { thorough }
    }
}

/// Rows that are measured together, by name.
struct Section {
    rows: &'static [&'static str],
    measure: fn(&Plan) -> Result<Vec<Row>>,
}

const SECTIONS: [Section; 12] = [
    Section { rows: &hot::ROWS, measure: hot::measure },
    Section { rows: &storage_calls::ROWS, measure: storage_calls::measure },
    Section { rows: &guard_calls::ROWS, measure: guard_calls::measure },
    Section { rows: &lists::ROWS, measure: lists::measure },
    Section { rows: &size::ROWS, measure: size::measure },
    Section { rows: &memory::ROWS, measure: memory::measure },
    Section { rows: &instructions::ROWS, measure: instructions::measure },
    Section { rows: &start::ROWS, measure: start::measure },
    Section { rows: &admitted::ROWS, measure: admitted::measure },
    Section { rows: &revocation::ROWS, measure: revocation::measure },
    Section { rows: &cold::ROWS, measure: cold::measure },
    Section { rows: &growth::ROWS, measure: growth::measure },
];

/// Builds, measures, prints the table and writes `target/bench.json`.
///
/// # Errors
/// When something could not be measured. A bar that does not hold is a result, not an error.
pub fn run(options: &Options) -> Result<()> {
    let earlier = options.compare.as_deref().map(table::read).transpose()?;
    let wanted = |name: &str| options.only.as_ref().is_none_or(|part| name.contains(part.as_str()));
    // Rows that explain are named after what they explain, `cold /v1/auth: CPU`: such a name chooses its section, too.
    let begins = |name: &str| options.only.as_ref().is_some_and(|part| part.starts_with(name));
    let chosen = |section: &&Section| section.rows.iter().any(|name| wanted(name) || begins(name));
    let sections: Vec<_> = SECTIONS.iter().filter(chosen).collect();
    if sections.is_empty() {
        bail!("no row has that in its name; `cargo xtask bench` without `--only` prints all");
    }
    tools::npm::ensure()?;
    build::run()?;
    let plan = Plan { rounds: options.rounds, quick: options.quick };
    let (mut rows, mut beside, mut failures) = (Vec::new(), Vec::new(), 0);
    for section in sections {
        let name = section.rows.first().copied().unwrap_or_default();
        step::tell(&format!("Measuring: {name} …"));
        match (section.measure)(&plan) {
            Ok(measured) => {
                let (asked_for, others): (Vec<_>, Vec<_>) = measured.into_iter().partition(|row| wanted(&row.what));
                rows.extend(asked_for);
                beside.extend(others);
            }
            // The others are worth their minutes all the same.
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                failures += 1;
            }
        }
        // After each section: what was measured before an interruption is kept.
        table::write(&project::root().join("target/bench.json"), &rows)?;
    }
    table::print(&rows);
    if let Some(path) = &options.plot {
        // The loads of a ratio are measured with it, whether or not they are asked for.
        plot::write(path, rows.iter().chain(&beside))?;
    }
    if plan.quick {
        println!("\nMeasured with --quick: this says that the bench works, not whether the bars hold.");
    }
    if let Some(earlier) = earlier {
        table::print_moved(&earlier, &rows);
    }
    if failures > 0 {
        bail!("{failures} parts could not be measured; why is said above, where they were");
    }
    Ok(())
}
