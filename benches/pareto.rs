//! What a generation of NSGA-II (n = 200: parents and children) and one hypervolume (n = 100) cost.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tapeout_core::pareto::{
    Archive, contributions, crowding_distance, front, hypervolume, non_dominated_sort,
};

/// Uniform in the unit cube: many fronts. Shape `[n][m]`.
fn cloud(n: usize, m: usize) -> Vec<Vec<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    (0..n).map(|_| (0..m).map(|_| random.random()).collect()).collect()
}

/// Uniform on the simplex whose losses sum to 1: one front. Shape `[n][m]`.
fn simplex(n: usize, m: usize) -> Vec<Vec<f64>> {
    let normalised = |point: Vec<f64>| {
        let exponential: Vec<f64> = point.iter().map(|u| -(1.0 - u).ln()).collect();
        let sum: f64 = exponential.iter().sum();
        exponential.iter().map(|x| x / sum).collect()
    };
    cloud(n, m).into_iter().map(normalised).collect()
}

fn ranking(criterion: &mut Criterion) {
    for m in [2, 3] {
        let points = cloud(200, m);
        criterion.bench_function(&format!("non_dominated_sort/n=200,m={m}"), |bencher| {
            bencher.iter(|| non_dominated_sort(black_box(&points)));
        });
        criterion.bench_function(&format!("front/n=200,m={m}"), |bencher| {
            bencher.iter(|| front(black_box(&points)));
        });
        let points = simplex(200, m);
        criterion.bench_function(&format!("crowding_distance/n=200,m={m}"), |bencher| {
            bencher.iter(|| crowding_distance(black_box(&points)));
        });
        criterion.bench_function(&format!("archive/n=200,m={m}"), |bencher| {
            bencher.iter(|| {
                let mut archive = Archive::new(m);
                for (trial, losses) in points.iter().enumerate() {
                    archive.insert(trial, losses).expect("the losses are finite");
                }
                archive
            });
        });
    }
}

fn volumes(criterion: &mut Criterion) {
    for m in [2, 3, 4, 5] {
        let points = simplex(100, m);
        let reference = vec![1.1; m];
        criterion.bench_function(&format!("hypervolume/n=100,m={m}"), |bencher| {
            bencher.iter(|| hypervolume(black_box(&points), &reference));
        });
    }
    for m in [2, 3] {
        let points = simplex(100, m);
        let reference = vec![1.1; m];
        criterion.bench_function(&format!("contributions/n=100,m={m}"), |bencher| {
            bencher.iter(|| contributions(black_box(&points), &reference));
        });
    }
}

criterion_group!(benches, ranking, volumes);
criterion_main!(benches);
