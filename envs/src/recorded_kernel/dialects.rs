//! Tests: every dialect in which tuning runs are written down.

use super::*;
use tapeout_core::{Direction, Metric};

fn read(text: &str) -> TuningFile {
    TuningFile::read(text.as_bytes(), None).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str) -> String {
    TuningFile::read(text.as_bytes(), None)
        .err()
        .map_or_else(|| panic!("{text} was read"), |error| error.to_string())
}

fn names(metrics: &[Metric]) -> Vec<&str> {
    metrics.iter().map(|metric| metric.name.as_str()).collect()
}

fn outcomes(file: &TuningFile) -> Vec<Outcome> {
    file.points().map(|(_, outcome)| outcome.clone()).collect()
}

fn cache(objective: &str, points: &str) -> String {
    format!(
        r#"{{"device_name": "D", "kernel_name": "k", "tune_params_keys": ["x"], "tune_params": {{"x": [1, 2, 3]}}, {objective} "cache": {{{points}}}}}"#
    )
}

/// Failures stand under `time`, under the objective's key, and since 1.4 under `__error__`, where the rest may be missing.
#[test]
fn a_failure_is_one_wherever_it_is_written() {
    let failed = Outcome::infeasible("CompilationFailedConfig", 1.0);
    for (objective, point) in [
        ("", r#""time": "CompilationFailedConfig""#),
        (r#""objective": ["time"],"#, r#""__error__": "CompilationFailedConfig", "compile_time": 762.1"#),
        (
            r#""objective": "score", "objective_higher_is_better": true,"#,
            r#""score": "CompilationFailedConfig""#,
        ),
        (
            r#""objective": "score", "objective_higher_is_better": true,"#,
            r#""time": "CompilationFailedConfig""#,
        ),
        (
            r#""objective": "score", "objective_higher_is_better": true,"#,
            r#""other": "CompilationFailedConfig""#,
        ),
    ] {
        let ran = r#""1": {"x": 1, "time": 2.0, "score": 4.0}"#;
        let file = read(&cache(objective, &format!(r#"{ran}, "2": {{"x": 2, {point}}}"#)));
        assert_eq!(outcomes(&file)[1], failed, "{objective} {point}");
        assert!(outcomes(&file)[0].metrics().is_some(), "{objective} {point}");
    }
}

/// Python writes what is no number as NaN and Infinity; inside of names they are letters like others.
#[test]
fn the_numbers_of_python_are_no_numbers() {
    let points = r#""1": {"x": 1, "time": 2.0, "w": NaN, "a\"NaN": 3}, "2": {"x": 2, "time": 1.0, "w": -Infinity, "a\"NaN": 4}"#;
    assert_eq!(names(&read(&cache("", points)).metrics), ["time_s", "a\"NaN"]);
    let message = refusal(&cache("", r#""1": {"x": 1, "time": NaN}"#));
    assert_eq!(message, "point `1`: `time` is nothing; expected a time above 0 or the name of a failure");
}

/// By hand: as `store_cache` leaves a file whose run died: behind a comma, or within a point.
#[test]
fn what_an_interrupted_run_left_is_read() {
    let whole = cache("", "\n\"1\": {\"x\": 1, \"time\": 1.0},\n\"2\": {\"x\": 2, \"time\": 2.0}");
    let open = whole.strip_suffix("}}").unwrap();
    for (text, points) in [
        (open.to_owned(), 2),
        (format!("{open},"), 2),
        (format!("{open},\n"), 2),
        (format!("{open},\n\"3\": {{\"x\": 3, \"times\": [1.0, 2"), 2),
        (open[..open.len() - 5].to_owned(), 1),
    ] {
        let file = read(&text);
        assert_eq!((file.points().count(), file.notes.len()), (points, 1), "{text}");
    }
    assert_eq!(refusal(&cache("", "")[..]), "`cache` holds no points");
    let header = cache("", "");
    assert_eq!(refusal(header.strip_suffix("}}").unwrap()), "`cache` holds no points");
}

/// Which way is read from the file, or known of the quantity to Kernel Tuner; else nobody knows.
#[test]
fn the_files_objectives_are_the_goal() {
    let points = r#""1": {"x": 1, "time": 0.1, "energy": 5.0, "GFLOP/s": 11.2}, "2": {"x": 2, "time": 0.2, "energy": 6.5, "GFLOP/s": 12.0}"#;
    let file = read(&cache(r#""objective": ["time", "energy"],"#, points));
    assert_eq!(names(&file.metrics), ["time_s", "energy", "GFLOP/s"]);
    let goal = goal(&file);
    assert_eq!(goal.objectives, [Objective::minimize("time_s"), Objective::minimize("energy")]);
    let file = read(&cache(r#""objective": "GFLOP/s","#, points));
    assert_eq!(file.objectives, [("GFLOP/s".to_owned(), Some(Direction::Maximize))]);
    assert_eq!(names(&file.metrics)[0], "GFLOP/s");
    let score = r#""1": {"x": 1, "score": 0.42}, "2": {"x": 2, "score": 0.57}"#;
    let said = read(&cache(r#""objective": "score", "objective_higher_is_better": true,"#, score));
    assert_eq!(goal_of(&said), [Objective::maximize("score")]);
    let unsaid = read(&cache(r#""objective": "score","#, score));
    assert_eq!((names(&unsaid.metrics), goal_of(&unsaid)), (vec!["score"], Vec::new()));
}

fn goal_of(file: &TuningFile) -> Vec<Objective> {
    goal(file).objectives
}

#[test]
fn a_number_that_only_some_points_have_is_no_metric_and_is_named() {
    let points = r#""1": {"x": 1, "time": 1.0, "w": 3}, "2": {"x": 2, "time": 1.0}, "3": {"x": 3, "time": "RuntimeFailedConfig"}"#;
    let file = read(&cache("", points));
    assert_eq!(names(&file.metrics), ["time_s"]);
    assert_eq!(file.notes, ["`w` is no metric: 1 of the 2 configurations that ran have a number there"]);
}

const T4: &str = r#"{"schema_version": "1.0.0", "metadata": {"timeunit": "miliseconds"}, "results": [
    {"configuration": {"x": 1, "mode": "a"}, "times": {"runtimes": [1]}, "invalidity": "correct", "correctness": 1,
     "measurements": [{"name": "time", "value": 2.5, "unit": ""}, {"name": "GB/s", "value": 7, "unit": ""}], "objectives": ["time"]},
    {"configuration": {"x": 2, "mode": "a"}, "times": {}, "invalidity": "runtime", "correctness": 1,
     "measurements": [{"name": "time", "value": "RuntimeFailedConfig", "unit": ""}], "objectives": ["time"]},
    {"configuration": {"x": 2, "mode": "b"}, "times": {}, "invalidity": "timeout", "correctness": 1},
    {"configuration": {"x": 4, "mode": "b"}, "times": {}, "invalidity": "correct", "correctness": 0,
     "measurements": [{"name": "time", "value": 1.0, "unit": "ms"}], "objectives": ["time"]}]}"#;

#[test]
fn results_in_t4_are_read_with_their_failures() {
    let file = read(T4);
    assert_eq!((file.form, names(&file.metrics)), (TuningForm::T4, vec!["time_s", "GB/s"]));
    let infeasible = |rule| Outcome::infeasible(rule, 1.0);
    assert_eq!(
        outcomes(&file),
        [
            Outcome::Measured(vec![2.5e-3, 7.0]),
            infeasible("RuntimeFailedConfig"),
            infeasible("timeout"),
            infeasible("correctness")
        ]
    );
}

/// T1 lists values that were not run, in its own order; an expression of Python leaves those that were.
#[test]
fn a_problem_in_t1_gives_order_and_values_of_the_parameters() {
    let problem = r#"{"General": {"BenchmarkName": "conv"}, "ConfigurationSpace": {"TuningParameters": [
        {"Name": "mode", "Type": "string", "Values": "['a', 'b', 'c']"}, {"Name": "x", "Type": "int", "Values": "[2**i for i in range(9)]"}]}}"#;
    let file = TuningFile::read(T4.as_bytes(), Some(problem.as_bytes())).unwrap();
    let parameters: Vec<(&str, u32)> =
        file.parameters().iter().map(|it| (it.name(), it.n_levels())).collect();
    assert_eq!((file.kernel_name.as_str(), parameters), ("conv", vec![("mode", 3), ("x", 3)]));
    assert_eq!(file.listed_space().unwrap().cardinality(), 4);
    let wrong = TuningFile::read(T4.as_bytes(), Some(T4.as_bytes())).unwrap_err();
    assert!(wrong.to_string().starts_with("no tuning problem (T1)"));
    let short = problem.replace(", 'c'", "").replace("'b'", "'c'");
    let error = TuningFile::read(T4.as_bytes(), Some(short.as_bytes())).unwrap_err();
    assert_eq!(error.to_string(), "result 3: \"b\" is not among the values of `mode` in the problem");
}

const KTT: &str = r#"{"Metadata": {"Device": "GTX", "TimeUnit": "Microseconds"}, "Results": [
    {"Configuration": [{"Name": "X", "Value": 8, "ValueType": "UnsignedInt"}], "Status": "Ok", "TotalDuration": 1189.696,
     "KernelName": "conv", "ComputationResults": [{"Duration": 1, "ProfilingData": {"Counters": [{"Name": "reads.sum", "Type": "Int", "Value": 5}]}}]},
    {"Configuration": [{"Name": "X", "Value": 16}], "Status": "ComputationFailed", "TotalDuration": 0.0, "ComputationResults": []},
    {"Configuration": [{"Name": "X", "Value": 8}], "Status": "Ok", "TotalDuration": 1000, "KernelName": "conv",
     "ComputationResults": [{"ProfilingData": {"Counters": [{"Name": "reads.sum", "Type": "Int", "Value": 6}]}}]}]}"#;

/// A configuration that was run twice has its last result: 1,000 us and 6 reads.
#[test]
fn the_output_of_ktt_is_read_in_seconds() {
    let file = read(KTT);
    assert_eq!(
        (file.form, file.device_name.as_str(), file.kernel_name.as_str()),
        (TuningForm::Ktt, "GTX", "conv")
    );
    assert_eq!(names(&file.metrics), ["TotalDuration_s", "reads.sum"]);
    assert_eq!(
        outcomes(&file),
        [Outcome::Measured(vec![1000.0 * 1e-6, 6.0]), Outcome::infeasible("ComputationFailed", 1.0)]
    );
    assert_eq!(file.notes, ["results of configurations that were run again: 1; the last counts"]);
    assert_eq!(goal_of(&file), [Objective::minimize("TotalDuration_s")]);
    assert_eq!(
        refusal(&KTT.replace("Microseconds", "Fortnights")),
        "`TotalDuration`: `Fortnights` is no unit of time; expected nanoseconds, microseconds, milliseconds or seconds"
    );
}

#[test]
fn what_says_nothing_is_refused() {
    assert_eq!(refusal(r#"{"results": []}"#), "`results` holds no points");
    assert_eq!(
        refusal(&cache("", r#""1": {"x": 1, "time": "InvalidConfig"}"#)),
        "none of the 1 configurations ran: there is nothing to search for"
    );
    assert_eq!(
        refusal(&cache(r#""objective": "score","#, r#""1": {"x": 1, "time": 3.0}"#)),
        "point `1`: `score` is nothing; expected a number or the name of a failure"
    );
    assert!(
        refusal(&cache("", r#""1": {"x": 1}"#)).starts_with("no number is there for every point that ran")
    );
}
