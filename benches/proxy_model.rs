//! How much faster a model answers than the simulator in whose place it is, and how wrong it is: designs of `edge-accelerator` that arithmetic
//! does not rule out, in batches, for three networks. The models learn from the data set that is shipped.

#![expect(clippy::print_stdout, reason = "a bench tells its figures")]

use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use prime_study::plan::EdgeEnv;
use serde_json::Value;
use tapeout::core::{BuildEnv, Design, Env, Seed};
use tapeout::envs::EdgeAcceleratorConfig;
use tapeout::experiment::dataset::{Dataset, Split};
use tapeout::offline::{Recipe, fit};
use tapeout::surrogates::errors::log_scale_error;

const NETWORKS: [&str; 3] = ["mobilenet-v2", "unet", "rnnt-encoder"];
const LEARNERS: [&str; 4] = ["random-forest", "boosted-trees", "mlp-ensemble", "prime"];
/// Designs asked about at once. Own choice: what agents with a population ask for.
const BATCH: usize = 64;
/// Designs on which errors are told. Own choice: some 300 of them are feasible.
const UNSEEN: usize = 400;

fn proxy_model(criterion: &mut Criterion) {
    let catalog = tapeout::builtin();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/datasets/edge-accelerator");
    let dataset = Dataset::read(&catalog, &folder).expect("the data set is shipped");
    let id = &dataset.env().id;
    let (env, goal) = catalog.build_env(id, &Value::Null).expect("defaults are good");
    let mut rng = Seed::new(0).stream("bench");
    // New ones each time, since the environment keeps what it found of a layer.
    let mut designs = || -> Vec<Design> {
        let drawn = std::iter::repeat_with(|| env.space().sample(&mut rng));
        drawn.filter(|design| env.precheck(design).is_none()).take(BATCH).collect()
    };

    let mut group = criterion.benchmark_group("proxy-model");
    group.sample_size(10);
    group.throughput(Throughput::Elements(BATCH as u64));
    for network in NETWORKS {
        let config =
            EdgeAcceleratorConfig { networks: vec![network.to_owned()], ..EdgeAcceleratorConfig::default() };
        let env = EdgeEnv::build(config).expect("the network is built in");
        group.bench_function(format!("simulator {network}"), |bencher| {
            bencher.iter_batched(
                &mut designs,
                |designs| env.evaluate_batch(&designs),
                BatchSize::PerIteration,
            );
        });
    }
    let designs = designs();
    let problem = dataset.problem(goal).expect("the goal names its metrics");
    let split = Split { train: (0..dataset.rows().len()).collect(), ..Split::default() };
    let context: Vec<f64> = dataset.workloads()[0].context.iter().map(|feature| feature.value).collect();
    let unseen = |network: &str| -> Vec<(Design, Vec<f64>)> {
        let config =
            EdgeAcceleratorConfig { networks: vec![network.to_owned()], ..EdgeAcceleratorConfig::default() };
        let env = EdgeEnv::build(config).expect("the network is built in");
        let mut rng = Seed::new(1).stream("unseen");
        let drawn = std::iter::repeat_with(|| env.space().sample(&mut rng));
        let designs = drawn.filter(|design| env.precheck(design).is_none()).take(UNSEEN);
        let outcome = |design: &Design| env.evaluate(design).expect("a model of hardware does not fail");
        let measured = |design: Design| Some((design.clone(), outcome(&design).metrics()?.to_vec()));
        designs.filter_map(measured).collect()
    };
    let unseen = NETWORKS.map(|network| (network, unseen(network)));
    for learner in LEARNERS {
        let recipe = Recipe::named(learner, Seed::new(0));
        let model =
            fit(&catalog, &dataset, &split, &problem, &recipe).expect("there is enough to learn from");
        let surrogate = catalog.surrogate(&model, dataset.space()).expect("the model was just made");
        group.bench_function(learner, |bencher| bencher.iter(|| surrogate.predict(&context, &designs)));
        for (network, unseen) in &unseen {
            let workload = dataset.workloads().iter().find(|it| it.name == *network).expect("it was logged");
            let context: Vec<f64> = workload.context.iter().map(|feature| feature.value).collect();
            let designs: Vec<Design> = unseen.iter().map(|(design, _)| design.clone()).collect();
            let means = surrogate.predict(&context, &designs).mean;
            for (index, metric) in dataset.metrics().iter().enumerate().take(2) {
                let said: Vec<f64> = means.iter().map(|mean| mean[index]).collect();
                let truth: Vec<f64> = unseen.iter().map(|(_, metrics)| metrics[index]).collect();
                let percent = 100.0 * log_scale_error(&said, &truth);
                let n = truth.len();
                println!("{learner} on {network}: {} is {percent:.2} % off on {n} designs", metric.name);
            }
        }
    }
    group.finish();
}

criterion_group!(benches, proxy_model);
criterion_main!(benches);
