//! How much faster a model answers than the simulator in whose place it is: designs of `edge-accelerator` that arithmetic does not
//! rule out, in batches, for three networks. The models learn from the data set that is shipped.

use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use prime_study::plan::EdgeEnv;
use serde_json::Value;
use tapeout::core::{BuildEnv, Design, Env, Seed};
use tapeout::envs::EdgeAcceleratorConfig;
use tapeout::experiment::dataset::{Dataset, Split};
use tapeout::offline::{Recipe, fit};

const NETWORKS: [&str; 3] = ["mobilenet-v2", "unet", "rnnt-encoder"];
const LEARNERS: [&str; 4] = ["random-forest", "boosted-trees", "mlp-ensemble", "prime"];
/// Designs asked about at once. Own choice: what agents with a population ask for.
const BATCH: usize = 64;

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
    for learner in LEARNERS {
        let recipe = Recipe::named(learner, Seed::new(0));
        let model =
            fit(&catalog, &dataset, &split, &problem, &recipe).expect("there is enough to learn from");
        let surrogate = catalog.surrogate(&model, dataset.space()).expect("the model was just made");
        group.bench_function(learner, |bencher| bencher.iter(|| surrogate.predict(&context, &designs)));
    }
    group.finish();
}

criterion_group!(benches, proxy_model);
criterion_main!(benches);
