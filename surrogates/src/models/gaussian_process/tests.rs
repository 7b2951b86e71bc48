use tapeout_core::check::toy::Toy;
use tapeout_core::{Env, Seed};

use super::embedding::{Embedding, Points};
use super::kernel::Kernel;
use super::*;

fn points(n: usize) -> (Points, Vec<Vec<f64>>) {
    let toy = Toy::bowl();
    let embedding = Embedding::new(toy.space());
    let mut rng = Seed::new(0).stream("test");
    let rows: Vec<Vec<f64>> = (0..n).map(|_| embedding.embed(&toy.space().sample(&mut rng))).collect();
    let mut points = Points::new(embedding);
    rows.iter().for_each(|row| points.push(row));
    (points, rows)
}

fn kernel(noise: f64) -> Kernel {
    let inverse_squared_lengths = vec![1.0, 0.1, 2.0, 0.3, 0.5, 0.0, 1.0, 0.2, 3.0, 0.4, 0.25];
    Kernel { amplitude: 2.0, noise, inverse_squared_lengths }
}

/// One observation y = 3 at x, σ² = 2, noise 1. At x itself: mean 2 / (2 + 1) * 3 = 2, variance 2 - 2² / 3 = 2/3.
/// A point that differs in the category alone is √0.25 = 0.5 away: s = √5 / 2.
#[test]
fn one_observation_by_hand() {
    let (points, mut rows) = points(1);
    let process = GaussianProcess::new(kernel(1.0), &points, &[3.0]);
    rows.push(rows[0].clone());
    rows[1][10] = (rows[1][10] + 1.0) % 3.0;
    let posterior = process.posterior(&rows);
    assert!((posterior.mean[0] - 2.0).abs() < 1e-12 && (posterior.variance[0] - 2.0 / 3.0).abs() < 1e-12);
    let s = 5f64.sqrt() / 2.0;
    let covariance = 2.0 * (1.0 + s + s * s / 3.0) * (-s).exp();
    assert!((posterior.mean[1] - covariance).abs() < 1e-12);
    assert!((posterior.variance[1] - (2.0 - covariance * covariance / 3.0)).abs() < 1e-12);
}

/// Law: K (K⁻¹ y) = y, and W is the inverse of a factor of K: the inverse it gives times K is the identity. Of odd and
/// even size, since rows are taken two at a time.
#[test]
fn the_inverse_times_the_matrix_is_the_identity() {
    for n in [1, 16, 21] {
        let (points, rows) = points(n);
        let kernel = kernel(0.1);
        let process = GaussianProcess::new(kernel.clone(), &points, &vec![0.0; n]);
        let inverse = process.factor.inverse();
        let at = |i: usize, j: usize| {
            if i >= j { inverse[i * (i + 1) / 2 + j] } else { inverse[j * (j + 1) / 2 + i] }
        };
        for i in 0..n {
            for j in 0..n {
                let noise = |k: usize| if k == j { kernel.noise } else { 0.0 };
                let entry: f64 = (0..n)
                    .map(|k| {
                        at(i, k) * (kernel.covariance(points.embedding(), &rows[k], &rows[j]) + noise(k))
                    })
                    .sum();
                assert!((entry - f64::from(u8::from(i == j))).abs() < 1e-9, "{i} {j}: {entry}");
            }
        }
    }
}

/// Law: without noise the mean passes through the observations, where nothing is left uncertain.
#[test]
fn the_mean_passes_through_observations_without_noise() {
    let (points, rows) = points(21);
    let targets: Vec<f64> = rows.iter().map(|row| row[0] - row[2] * row[4]).collect();
    let posterior = GaussianProcess::new(kernel(1e-9), &points, &targets).posterior(&rows);
    for ((mean, variance), target) in posterior.mean.iter().zip(&posterior.variance).zip(&targets) {
        assert!((mean - target).abs() < 1e-5 && *variance < 1e-5, "{mean} {target} {variance}");
    }
}

/// Law: believing that a point has its mean is conditioning on just that.
#[test]
fn a_believed_point_counts_as_an_observation_of_its_mean() {
    let (all, rows) = points(30);
    let mut known = Points::new(all.embedding().clone());
    rows[..10].iter().for_each(|row| known.push(row));
    let mut targets: Vec<f64> = rows[..10].iter().map(|row| row[0] - row[6]).collect();
    let mut process = GaussianProcess::new(kernel(0.01), &known, &targets);
    let mut believed = process.posterior(&rows[10..]);
    for index in [4, 17] {
        process.believe(&mut believed, &rows[10..], index);
    }
    for index in [4, 17] {
        targets.push(believed.mean[index]);
        process.push(&rows[10 + index]);
    }
    process.retarget(&targets);
    let conditioned = process.posterior(&rows[10..]);
    for index in 0..20 {
        assert!((believed.mean[index] - conditioned.mean[index]).abs() < 1e-9);
        assert!((believed.variance[index] - conditioned.variance[index]).abs() < 1e-9);
    }
}

/// Law: the variances of some points are those of the posterior, and none is above its bound. With one observation the bound is what it is.
#[test]
fn variances_are_within_their_bounds() {
    for n_known in [1, 12] {
        let (all, rows) = points(30);
        let mut known = Points::new(all.embedding().clone());
        rows[..n_known].iter().for_each(|row| known.push(row));
        let process = GaussianProcess::new(kernel(0.01), &known, &vec![0.0; n_known]);
        let (bounds, posterior) = (process.bounds(&rows), process.posterior(&rows));
        let chosen: Vec<usize> = (0..30).filter(|index| index % 7 != 3).collect();
        for (variance, &index) in process.variances(&bounds, &chosen).iter().zip(&chosen) {
            assert!((variance - posterior.variance[index]).abs() < 1e-12);
            assert!(*variance <= bounds.most_variance[index] + 1e-12);
            assert!(n_known > 1 || (variance - bounds.most_variance[index]).abs() < 1e-12);
        }
    }
}
