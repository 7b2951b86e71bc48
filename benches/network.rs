//! One step of training: a batch of 256 rows forward, backward and through Adam, on one thread.

use criterion::{Criterion, criterion_group, criterion_main};
use tapeout_core::Seed;
use tapeout_surrogates::models::network::losses::squared_error;
use tapeout_surrogates::models::network::{Activation, Adam, ForwardPass, Mlp};

const BATCH: usize = 256;

fn step(criterion: &mut Criterion) {
    for widths in [&[80, 256, 256, 1][..], &[12, 512, 512, 1]] {
        let mut network = Mlp::new(widths, Activation::Relu, &mut Seed::new(0).stream("bench"));
        let mut adam = Adam::new(network.n_weights(), 1e-3);
        let inputs: Vec<f32> =
            (0..BATCH * widths[0]).map(|index| (index * 37 % 101) as f32 / 50.0 - 1.0).collect();
        let targets: Vec<f32> = (0..BATCH).map(|index| (index % 7) as f32).collect();
        let (mut trace, mut gradient) = (ForwardPass::default(), vec![0.0; network.n_weights()]);
        criterion.bench_function(&format!("step {widths:?}"), |bencher| {
            bencher.iter(|| {
                let outputs = network.forward(&inputs, &mut trace);
                gradient.fill(0.0);
                network.backward(&trace, &squared_error(&outputs, &targets).1, &mut gradient);
                adam.step(network.weights_mut(), &gradient);
            });
        });
    }
}

criterion_group!(benches, step);
criterion_main!(benches);
