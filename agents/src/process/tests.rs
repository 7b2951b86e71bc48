use super::*;
use tapeout_core::Env as _;
use tapeout_core::check::toy::Toy;

fn agent(toy: &Toy, script: &str, edit: impl FnOnce(&mut ProcessConfig)) -> Process {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let mut config = ProcessConfig { command, timeout_s: 20.0, ..ProcessConfig::default() };
    edit(&mut config);
    Process::build(&toy.problem(), config, Seed::new(7)).unwrap()
}

/// Answers `suggest` with `designs` and anything else with `{}`; keeps what it was told in the file `$0`.
fn script(designs: &str) -> String {
    format!(
        r#"while read -r line; do echo "$line" >> "$LOG"; case "$line" in '{{"suggest"'*) echo '{{"designs": {designs}}}';; *) echo '{{}}';; esac; done"#
    )
}

fn logged(designs: &str) -> (String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (format!("LOG={}/log; {}", folder.path().display(), script(designs)), folder)
}

/// The first legal design of the toy, as JSON and as a design.
fn first(toy: &Toy) -> (String, Design) {
    let design = toy.space().iter().next().unwrap();
    (protocol_text(toy, &design), design)
}

fn protocol_text(toy: &Toy, design: &Design) -> String {
    let values = toy.space().values(design);
    let settings: Map<String, Json> =
        values.map(|(parameter, value)| (parameter.name().to_owned(), serde_json::json!(value))).collect();
    Json::Object(settings).to_string()
}

#[test]
fn a_program_is_told_the_problem_asked_and_told_what_became_of_its_designs() {
    let toy = Toy::bowl();
    let (text, design) = first(&toy);
    let (script, folder) = logged(&format!("[{text}]"));
    let mut agent = agent(&toy, &script, |config| config.candidates = 2);
    assert_eq!(agent.suggest(4).unwrap(), std::slice::from_ref(&design));
    let outcome = toy.evaluate(&design).unwrap();
    agent.observe(&[toy.problem().trial(design, outcome.clone())]).unwrap();
    let lines: Vec<Json> = std::fs::read_to_string(folder.path().join("log"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    let begin = &lines[0]["begin"];
    assert_eq!((&begin["protocol"], &begin["seed"]), (&1.into(), &7.into()));
    assert_eq!(begin["parameters"].as_array().unwrap().len(), toy.space().n_parameters());
    assert_eq!(begin["designs"], toy.space().cardinality().to_string());
    assert_eq!(
        (&lines[1]["suggest"]["count"], lines[1]["suggest"]["candidates"].as_array().unwrap().len()),
        (&4.into(), 2)
    );
    let told = &lines[2]["observe"][0];
    assert_eq!(told["acceptable"], true);
    assert_eq!(told["losses"][0].as_f64(), outcome.metrics().map(|metrics| metrics[0]));
}

#[test]
fn a_program_that_proposes_nothing_has_finished() {
    assert!(
        agent(&Toy::bowl(), &format!("LOG=/dev/null; {}", script("[]")), |_| ())
            .suggest(3)
            .unwrap()
            .is_empty()
    );
}

/// It is asked once and three times again, and each time told why.
#[test]
fn what_is_no_design_is_refused_with_the_reason() {
    let toy = Toy::bowl();
    let (script, folder) = logged(r#"[{"no": 1}]"#);
    let error = agent(&toy, &script, |_| ()).suggest(1).unwrap_err().to_string();
    assert!(error.starts_with("it proposed {\"no\":1}, which is no design: "), "{error}");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(log.lines().count(), 1 + 4);
    assert!(log.lines().last().unwrap().contains(r#""refused":[{"design":{"no":1},"why":""#), "{log}");
}

#[test]
fn a_program_that_dies_hangs_or_talks_nonsense_ends_the_search() {
    let error = |script: &str| {
        let short = |config: &mut ProcessConfig| config.timeout_s = 0.3;
        agent(&Toy::bowl(), script, short).suggest(1).unwrap_err().to_string()
    };
    assert!(error("echo no model >&2; exit 3").starts_with("it died: ") && error("exit 3").ends_with('3'));
    assert_eq!(error("sleep 100"), "no answer within 0.3 s");
    assert_eq!(error("echo hello; read x"), "`hello` is no answer: expected value at line 1 column 1");
    assert_eq!(error("read x; echo '{\"error\": \"no key\"}'; read x"), "it says: no key");
    assert_eq!(
        error("read x; echo '{}'; read x; echo '{}'; read x"),
        "its answer to `suggest` has no `designs`"
    );
}

#[test]
fn a_command_is_needed_and_not_started_before_it_is_asked() {
    let toy = Toy::bowl();
    let error = Process::build(&toy.problem(), ProcessConfig::default(), Seed::new(0)).err().unwrap();
    assert!(error.to_string().starts_with("`command`: names no program"), "{error}");
    let config = ProcessConfig { command: vec!["/no/such/agent".to_owned()], ..ProcessConfig::default() };
    let mut agent = Process::build(&toy.problem(), config, Seed::new(0)).unwrap();
    assert!(agent.suggest(1).unwrap_err().to_string().starts_with("cannot start `/no/such/agent`"));
}
