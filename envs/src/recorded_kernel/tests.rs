use super::*;
use std::io::Write;
use tapeout_core::Seed;

fn shipped(kernel: &str) -> RecordedKernel {
    RecordedKernel::build(RecordedKernelConfig {
        kernel: kernel.to_owned(),
        ..RecordedKernelConfig::default()
    })
    .unwrap()
}

/// Best and median times as the provenance of the runs states them (to the digits printed there).
#[test]
fn the_shipped_runs_hold_what_their_documentation_says() {
    for (kernel, points, failed, best_ms, median_ms) in
        [("gemm-rtx-3090", 17_956, 0, 5.658, 14.58), ("convolution-a100", 4_362, 161, 0.5536, 1.834)]
    {
        let env = shipped(kernel);
        assert_eq!(env.space().cardinality(), points, "{kernel}");
        let mut times_s: Vec<f64> =
            env.outcomes.iter().filter_map(Outcome::metrics).map(|metrics| metrics[0]).collect();
        assert_eq!(env.outcomes.len() - times_s.len(), failed, "{kernel}");
        times_s.sort_by(f64::total_cmp);
        let digits = |time_s: f64, printed_ms: f64| (time_s * 1e3 / printed_ms - 1.0).abs() < 5e-4;
        assert!(digits(times_s[0], best_ms), "{kernel}: best {}", times_s[0]);
        assert!(
            digits(times_s[times_s.len() / 2], median_ms),
            "{kernel}: median {}",
            times_s[times_s.len() / 2]
        );
        assert_eq!(env.best_time_s(), Some(times_s[0]));
    }
}

#[test]
fn the_restrictions_in_words_are_those_of_the_record() {
    for run in SHIPPED {
        let file = TuningFile::read(run.bytes, None).unwrap();
        let by_rules = RecordedKernel::new(&file, (run.rules)()).unwrap();
        let by_list = RecordedKernel::new(&file, Vec::new()).unwrap();
        for design in by_rules.space.iter() {
            let same = by_list.space.design(design.levels()).unwrap();
            assert_eq!(by_rules.evaluate(&design).unwrap(), by_list.evaluate(&same).unwrap());
        }
    }
}

/// The first point of the GEMM file: 46.072413 ms.
#[test]
fn a_configuration_is_answered_with_its_own_time() {
    let env = shipped("gemm-rtx-3090");
    let values = [16, 16, 32, 8, 8, 8, 8, 2, 1, 1, 0, 0, 0, 0, 32].map(i64::from);
    let names: Vec<String> =
        env.space().parameters().iter().map(|parameter| parameter.name().to_owned()).collect();
    let design = env.space().design_of(names.iter().map(String::as_str).zip(values.map(Into::into))).unwrap();
    let outcome = env.evaluate(&design).unwrap();
    assert_eq!(outcome.metrics().unwrap()[0], 46.072413 * 1e-3);
}

const SMALL: &str = r#"{ "tune_params_keys": ["x", "mode"], "tune_params": { "x": [1, 2], "mode": ["a", "b"] },
  "cache": { "1,a": { "x": 1, "mode": "a", "time": 2.5, "times": [2, 3] },
             "2,a": { "x": 2, "mode": "a", "time": "CompilationFailedConfig" },
             "2,b": { "x": 2, "mode": "b", "time": 1e20 } } }"#;

fn made(text: &str) -> RecordedKernel {
    let file = TuningFile::read(text.as_bytes(), None).unwrap_or_else(|error| panic!("{text}: {error}"));
    RecordedKernel::new(&file, Vec::new()).unwrap()
}

#[test]
fn any_cache_file_makes_a_space_of_its_points() {
    let env = made(SMALL);
    assert_eq!(env.space().cardinality(), 3);
    let outcome = |x: i64, mode: &str| {
        let design = env.space().design_of([("x", x.into()), ("mode", mode.into())]).unwrap();
        env.evaluate(&design).unwrap()
    };
    assert_eq!(outcome(1, "a"), Outcome::Measured(vec![2.5e-3]));
    assert_eq!(outcome(2, "a"), Outcome::infeasible("CompilationFailedConfig", 1.0));
    assert_eq!(outcome(2, "b"), Outcome::infeasible("InvalidConfig", 1.0));
    assert!(env.space().design_of([("x", 1.into()), ("mode", "b".into())]).is_err());
}

#[test]
fn broken_files_are_refused_with_the_reason() {
    let message = |bytes: &[u8]| {
        let made = TuningFile::read(bytes, None).and_then(|file| RecordedKernel::new(&file, Vec::new()));
        made.err().expect("the file is broken").to_string()
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(SMALL.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    assert!(TuningFile::read(&gzip, None).is_ok());
    assert!(message(&gzip[..gzip.len() / 2]).starts_with("the gzip data cannot be unpacked"));
    assert_eq!(message(b" \n"), "the file is empty");
    assert!(message(&SMALL.as_bytes()[..60]).starts_with("the JSON is cut off"));
    assert!(message(b"{}").starts_with("no record of a tuning run: neither `cache` (Kernel Tuner)"));
    assert!(
        message(b"{\"cache\": 3}")
            .starts_with("cannot be read: invalid type: integer `3`, expected an object of points")
    );
    assert!(
        message(b"{\"ConfigurationSpace\": {\"TuningParameters\": []}}").starts_with("a tuning problem (T1)")
    );
    let edited = |from: &str, to: &str| message(SMALL.replace(from, to).as_bytes());
    assert_eq!(
        edited(r#""x": 1, "mode": "a","#, r#""mode": "a","#),
        "point `1,a` has no value for parameter `x`"
    );
    assert_eq!(
        edited(r#""x": [1, 2]"#, r#""x": [2]"#),
        "point `1,a`: 1 is not among the values of `x` in `tune_params`"
    );
    assert_eq!(
        edited(r#""time": 2.5"#, r#""time": -1"#),
        "point `1,a`: `time` is -1; expected a time above 0 or the name of a failure"
    );
    assert_eq!(
        edited(r#""x": 2, "mode": "b""#, r#""x": 2, "mode": "a""#),
        "`cache` holds 3 points for 2 different legal configurations"
    );
}

#[test]
fn an_unknown_kernel_and_a_missing_file_are_named() {
    let error = |kernel: &str, path: Option<&str>| {
        let config =
            RecordedKernelConfig { kernel: kernel.to_owned(), path: path.map(str::to_owned), problem: None };
        RecordedKernel::build(config).err().expect("cannot be built").to_string()
    };
    assert_eq!(
        error("gemm-rtx3090", None),
        "`kernel`: unknown recorded kernel `gemm-rtx3090`; did you mean `gemm-rtx-3090`?; for a file of your own set `path`"
    );
    assert!(error("", Some("no/such.json")).starts_with("`path`: no/such.json: cannot be read"));
}

#[test]
fn random_designs_are_answered_like_the_record_says() {
    let env = shipped("convolution-a100");
    let mut rng = Seed::new(0).stream("test");
    let failed = (0..2000)
        .filter(|_| env.evaluate(&env.space().sample(&mut rng)).unwrap().metrics().is_none())
        .count();
    // 161 of 4,362 failed: 74 of 2,000 are expected, with a standard deviation of 8.4; six of those either way.
    assert!((24..=124).contains(&failed), "{failed}");
}
