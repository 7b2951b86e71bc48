use std::collections::BTreeSet;

use super::*;
use tapeout_core::Value;
use tapeout_core::check::check_env;

fn env(config: DramControllerConfig) -> DramController {
    DramController::build(config).unwrap()
}

/// A short run of a kind of traffic, in the small space.
fn short(workload: &str) -> DramControllerConfig {
    DramControllerConfig {
        workload: workload.to_owned(),
        requests: 500,
        space: DramSpace::Powers,
        ..Default::default()
    }
}

/// ArchGym's names and DRAMSys's defaults, with changes.
fn design(env: &DramController, changes: &[(&'static str, Value)]) -> Design {
    let mut settings: Vec<(&str, Value)> = vec![
        ("page_policy", Value::from("open")),
        ("scheduler", Value::from("fr-fcfs")),
        ("scheduler_buffer", Value::from("bankwise")),
        ("request_buffer_size", Value::from(8)),
        ("response_queue", Value::from("fifo")),
        ("refresh_policy", Value::from("all-bank")),
        ("refresh_max_postponed", Value::from(8)),
        ("refresh_max_pulled_in", Value::from(8)),
        ("arbiter", Value::from("simple")),
        ("max_active_transactions", Value::from(128)),
    ];
    for (name, value) in changes {
        settings.iter_mut().find(|(known, _)| known == name).unwrap().1 = value.clone();
    }
    env.space().design_of(settings).unwrap()
}

fn metric(env: &DramController, outcome: &Outcome, name: &str) -> f64 {
    let index = env.metrics().iter().position(|metric| metric.name == name).unwrap();
    outcome.metrics().unwrap()[index]
}

// By hand: 4 * 3 * 3 * 2 * 2 * 3 names; numbers 8 * 8 * 8 * 128, and of powers of two 8 * 4 * 4 * 8.
#[test]
fn the_spaces_are_the_published_ones() {
    let cardinality = |space| env(DramControllerConfig { space, ..short("stream") }).space().cardinality();
    assert_eq!(cardinality(DramSpace::Full), 28_311_552);
    assert_eq!(cardinality(DramSpace::Powers), 442_368);
}

#[test]
fn it_keeps_the_contract_on_every_workload_in_both_orders() {
    for (workload, _) in Pattern::ALL {
        for order in [Order::Fast, Order::AsBooked] {
            let config = DramControllerConfig { order, allow_no_refresh: true, ..short(workload) };
            check_env(&env(config)).unwrap_or_else(|findings| panic!("{workload} {order:?}: {findings}"));
        }
    }
}

// Claim: the counting rule. A trace of reads has 73,984 classes: 4 policies, 2 schedulers, 2 buffers of 8 sizes, 2 queues of
// responses, 1 + 16 ways to refresh, 1 + 8 + 8 arbiters. With writes there are 3 schedulers and 3 buffers. Each class counts its designs.
#[test]
fn equal_designs_are_counted_as_published() {
    for (workload, expected) in [("random", 73_984), ("mixed", 73_984 / 4 * 9)] {
        let env = env(short(workload));
        let mut classes = BTreeMap::new();
        for design in env.space().iter() {
            *classes.entry(env.setting(&design)).or_insert(0u32) += 1;
        }
        assert_eq!(classes.len(), expected, "{workload}");
        assert!(
            classes.iter().all(|((controller, _), &n)| env.controllers.n_equal(controller) == n),
            "{workload}"
        );
    }
}

// Claim: designs that the space states to be equal are, and none that is equal whatever the trace is left unstated: with writes as many
// representatives as classes are found.
#[test]
fn equal_levels_are_those_of_equal_designs() {
    let small = env(short("mixed"));
    let mut found = BTreeSet::new();
    for design in small.space().iter() {
        let one = small.space().representative(&design);
        assert_eq!(small.setting(&one), small.setting(&design));
        found.insert(one);
    }
    assert_eq!(found.len(), 73_984 / 4 * 9);
    let extended = DramControllerConfig {
        space: DramSpace::Extended,
        memory: "lpddr4-3200".to_owned(),
        ..short("mixed")
    };
    let extended = env(extended);
    let mut rng = Seed::new(0).stream("test");
    let mut n_moved = 0;
    for _ in 0..2_000 {
        let design = extended.space().sample(&mut rng);
        let one = extended.space().representative(&design);
        assert_eq!(extended.setting(&one), extended.setting(&design));
        n_moved += usize::from(one != design);
    }
    assert!(n_moved > 1_000, "{n_moved}");
}

// Claim: what is called equal is: simulated on its own, each of the pair says the same, in both orders.
#[test]
fn designs_called_equal_are_equal() {
    use tapeout_simulators::dram::{Scheduler, SchedulerBuffer};
    for order in [Order::Fast, Order::AsBooked] {
        let env = env(DramControllerConfig { order, ..short("cloud") });
        let mut rng = Seed::new(0).stream("test");
        for _ in 0..64 {
            let one = env.setting(&env.space().sample(&mut rng));
            let mut other = one;
            if one.0.scheduler == Scheduler::FrFcfs {
                other.0.scheduler = Scheduler::FrFcfsGrp;
            }
            if one.0.buffer == SchedulerBuffer::Shared {
                other.0.buffer = SchedulerBuffer::ReadWrite;
            }
            assert_eq!(env.simulate(&one), env.simulate(&other), "{one:?}");
        }
    }
}

// By hand, of the extended space on LPDDR4: 442,368 / (3 schedulers * 2 refresh policies) * 4 * 3, times 3 * 2 marks of write drain,
// 4 times before power-down and 6 address maps; DDR3 has no refreshes by set. Of designs drawn, the most that are counted as one are those
// without refreshes and with the simple arbiter that do not drain writes: 4 * 4 limits of refreshes, 8 of transactions and 6 marks have no effect.
#[test]
fn the_extended_space_has_what_newer_controllers_have() {
    for (memory, n_refresh_policies) in [("lpddr4-3200", 3), ("ddr3-1600", 2)] {
        let config =
            DramControllerConfig { memory: memory.to_owned(), space: DramSpace::Extended, ..short("mixed") };
        let env = env(config);
        let expected = 442_368 / 6 * 4 * n_refresh_policies * 6 * 4 * 6;
        assert_eq!(env.space().cardinality(), expected, "{memory}");
        check_env(&env).unwrap_or_else(|findings| panic!("{memory}: {findings}"));
        let mut rng = Seed::new(0).stream("test");
        let mut classes = BTreeMap::new();
        for _ in 0..4000 {
            let design = env.space().sample(&mut rng);
            classes.insert(env.setting(&design), ());
        }
        let n: u32 = classes.keys().map(|(controller, _)| env.controllers.n_equal(controller)).max().unwrap();
        assert_eq!(n, 16 * 8 * 6, "{memory}");
    }
}

// Claim: a memory is chosen by name, its bandwidth is what its bus allows at most, and a wider one moves a stream faster.
#[test]
fn memories_are_chosen_by_name() {
    let time = |memory: &str| {
        let env = env(DramControllerConfig { memory: memory.to_owned(), ..short("stream") });
        let outcome = env.evaluate(&design(&env, &[])).unwrap();
        metric(&env, &outcome, "time_s")
    };
    assert!(time("ddr4-2400") < time("ddr3-1600"));
    let unknown =
        DramController::build(DramControllerConfig { memory: "ddr4-2400x".to_owned(), ..short("stream") });
    let unknown = unknown.err().unwrap().to_string();
    assert!(
        unknown.starts_with("`memory`: unknown memory `ddr4-2400x`; did you mean `ddr4-2400`"),
        "{unknown}"
    );
}

#[test]
fn equal_designs_are_simulated_once() {
    let env = env(short("random"));
    let changes = [1, 8, 128].map(|most| [("max_active_transactions", Value::from(most))]);
    let outcomes = changes.map(|changes| env.evaluate(&design(&env, &changes)).unwrap());
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
    assert_eq!(metric(&env, &outcomes[0], "equal_designs"), 16.0);
    assert_eq!(env.remembered.lock().unwrap().len(), 1);
}

#[test]
fn without_refresh_a_design_is_infeasible_unless_a_setting_says_otherwise() {
    let off = [("refresh_policy", Value::from("no-refresh"))];
    let strict = env(short("random"));
    let refused = Outcome::infeasible("refresh", 1.0);
    assert_eq!(strict.evaluate(&design(&strict, &off)).unwrap(), refused);
    assert_eq!(strict.precheck(&design(&strict, &off)), Some(refused));
    assert_eq!(strict.precheck(&design(&strict, &[])), None);
    let lax = env(DramControllerConfig { allow_no_refresh: true, ..short("random") });
    let outcome = lax.evaluate(&design(&lax, &off)).unwrap();
    assert_eq!(metric(&lax, &outcome, "refreshes"), 0.0);
}

// Claim: the metrics belong together: power times its time is the energy, bytes over time the bandwidth, and latencies are in order.
#[test]
fn metrics_belong_together() {
    let env = env(short("mixed"));
    let outcome = env.evaluate(&design(&env, &[])).unwrap();
    let of = |name| metric(&env, &outcome, name);
    assert!((of("bandwidth_byte_per_s") * of("time_s") - 500.0 * 64.0).abs() < 1e-6);
    // The account of energy ends some clocks beside the last response (section 10).
    assert!((of("power_w") * of("time_s") / of("energy_j") - 1.0).abs() < 0.02);
    assert!(of("latency_p50_s") <= of("latency_p99_s") && of("latency_p99_s") <= of("latency_max_s"));
    assert!(of("latency_mean_s") < of("latency_max_s") && of("latency_max_s") < of("time_s"));
    assert!(of("row_hit_rate") > 0.0 && of("row_hit_rate") < 1.0);
}

// Claim: the default goal's objectives pull in different directions: the fewer transactions are active, the shorter is the wait and
// the lower the bandwidth.
#[test]
fn latency_and_bandwidth_conflict() {
    let env = env(short("random"));
    let with = |most: i64| {
        let changes = [("arbiter", Value::from("fifo")), ("max_active_transactions", Value::from(most))];
        let outcome = env.evaluate(&design(&env, &changes)).unwrap();
        [metric(&env, &outcome, "latency_p99_s"), metric(&env, &outcome, "bandwidth_byte_per_s")]
    };
    let (few, many) = (with(1), with(64));
    assert!(few[0] < many[0] / 2.0 && few[1] < many[1] / 2.0, "{few:?} {many:?}");
}

#[test]
fn what_cannot_be_run_is_refused_by_name() {
    let refused = |config| DramController::build(config).err().unwrap().to_string();
    let unknown = refused(short("clouds"));
    assert_eq!(unknown, "`workload`: unknown workload `clouds`; did you mean `cloud`?");
    let none = refused(DramControllerConfig { requests: 0, ..short("cloud") });
    assert_eq!(none, "`requests`: the trace holds no request");
}

// Claim: a file is the workload, whatever else is set, and what is wrong with one is said with its place.
#[test]
fn a_file_of_requests_is_the_workload() {
    let folder = tempfile::tempdir().unwrap();
    let with = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        DramControllerConfig { trace: Some(path.display().to_string()), ..short("mixed") }
    };
    // One read: ACT at 0, RD at 10, the last data at 24, of 1.25 ns each.
    let env = env(with("one.stl", "0: read 0x40\n"));
    let outcome = env.evaluate(&design(&env, &[])).unwrap();
    assert!((metric(&env, &outcome, "time_s") - 30e-9).abs() < 1e-18);
    let refused = |config: DramControllerConfig| {
        let path = config.trace.clone().unwrap();
        DramController::build(config).err().unwrap().to_string().replace(&path, "PATH")
    };
    let misspelt = refused(with("misspelt.stl", "0: read 0x40\n1: Read 0x40\n"));
    assert_eq!(misspelt, "`trace`: `PATH`: line 2, column 4: expected `read` or `write`, got `Read`");
    let relative = refused(with("relative.rstl", "0: read 0x40\n"));
    assert!(relative.starts_with("`trace`: `PATH`: times relative to the request before"), "{relative}");
    let absent = refused(DramControllerConfig { trace: Some("no/such.stl".to_owned()), ..short("mixed") });
    assert!(absent.starts_with("`trace`: `PATH`: No such file"), "{absent}");
}

// Claim: a layer is a workload: reads of weights and inputs, then writes of outputs, whose first accesses are taken; unknown ones are named.
#[test]
fn a_mapped_layer_is_a_workload() {
    let with = |layer: &str| DramControllerConfig { layer: Some(layer.to_owned()), ..short("stream") };
    let env = env(with("resnet50:layer1.0.conv2"));
    assert_eq!(env.n_requests, 500);
    let outcome = env.evaluate(&design(&env, &[])).unwrap();
    // Tiles are read row by row, so that most accesses find their row open.
    assert!(metric(&env, &outcome, "row_hit_rate") > 0.5);
    let refused = |layer| DramController::build(with(layer)).err().unwrap().to_string();
    assert!(refused("resnet5:conv1").starts_with("`layer`: "), "{}", refused("resnet5:conv1"));
    let unknown = refused("resnet50:conv9");
    assert!(
        unknown.starts_with("`layer`: network `resnet50` has no layer `conv9`; there are conv1, "),
        "{unknown}"
    );
    let long = DramControllerConfig { requests: usize::MAX, ..with("resnet50:conv1") };
    let long = DramController::build(long).err().unwrap().to_string();
    assert!(long.starts_with("`requests`: the trace holds 18446744073709551615 requests; at most"), "{long}");
}

/// The environment that optima are of.
fn of_optima(workload: &str) -> DramController {
    let workload = workload.to_owned();
    env(DramControllerConfig { workload, space: DramSpace::Powers, ..Default::default() })
}

// Claim: the optima are those. On each workload, all designs that differ from the optimum in policy, scheduler, kind and size of the
// buffer alone are simulated here: 288, of which none is better, and the first that is as good is the optimum itself.
#[test]
fn no_design_around_an_optimum_is_better() {
    for (workload, _) in Pattern::ALL {
        let env = of_optima(workload);
        let optima: Vec<&DramOptimum> =
            dram_optima().iter().filter(|optimum| optimum.workload == workload).collect();
        assert_eq!(optima.len(), optima::METRICS.len(), "{workload}");
        for optimum in optima {
            let mut designs = Vec::new();
            for free in 0..4 * 3 * 3 * 8 {
                let mut levels = optimum.levels.clone();
                levels[..4].copy_from_slice(&[free / 72, free / 24 % 3, free / 8 % 3, free % 8]);
                designs.push(env.space().design(&levels).unwrap());
            }
            let best = env.best_of(workload, &designs);
            let found = best.iter().find(|best| best.metric == optimum.metric).unwrap();
            assert_eq!(found, optimum);
        }
    }
}
