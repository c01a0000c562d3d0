//! How long each step of a hot decision takes on this machine: `cargo bench --package hot-path --bench decision`.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hot_path::{STEPS, Stage};

fn decision(criterion: &mut Criterion) {
    let stage = Stage::default();
    for (name, step) in STEPS {
        criterion.bench_function(name, |bencher| bencher.iter_batched(|| stage.renew(), |()| step(&stage), BatchSize::SmallInput));
    }
}

criterion_group!(benches, decision);
criterion_main!(benches);
