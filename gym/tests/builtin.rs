//! The built-in catalog: every row can be made from its defaults, and every environment keeps Gymnasium's contract.

use serde_json::{Value, json};
use tapeout::gymnasium::{EpisodeStyle, MakeOptions, check_environment, ids, make};
use tapeout::prelude::*;

#[test]
fn every_environment_keeps_the_gymnasium_contract_in_both_styles() {
    let catalog = tapeout::builtin();
    assert_eq!(ids(&catalog).len(), tapeout::envs::ENVS.len() + 3); // and `logged`, `recorded`, `proxy`
    for (id, entry) in ids(&catalog).into_iter().zip(catalog.envs()) {
        if !entry.required.is_empty() {
            println!("{id} is skipped: it needs {}", entry.required.join(", "));
            continue;
        }
        if let Some(missing) = catalog.build_env(entry.id, &Value::Null).unwrap().0.missing() {
            println!("{id} is skipped: {missing}");
            continue;
        }
        for episode in [EpisodeStyle::WholeDesign, EpisodeStyle::ParameterByParameter] {
            let mut env = make(&catalog, &id, &MakeOptions { episode, ..MakeOptions::default() }).unwrap();
            if let Err(findings) = check_environment(env.as_mut()) {
                panic!("{id} as {episode:?}:\n{findings}");
            }
        }
    }
}

/// Default settings of everything go together: any agent can be set on any environment's own goal.
#[test]
fn every_agent_proposes_a_legal_design_in_every_environment() {
    let catalog = tapeout::builtin();
    assert!(!catalog.agents().is_empty());
    for env_entry in catalog.envs().iter().filter(|entry| entry.required.is_empty()) {
        let (env, goal) = catalog.build_env(env_entry.id, &Value::Null).unwrap();
        let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), goal).unwrap();
        for entry in catalog.agents().iter().filter(|entry| entry.required.is_empty()) {
            let mut agent = entry.build(&problem, &Value::Null, Seed::new(0)).unwrap();
            let designs = agent.suggest(4).unwrap();
            let is_legal = |design: &Design| problem.space().is_legal(design.levels());
            assert!(!designs.is_empty() && designs.iter().all(is_legal), "{} in {}", entry.id, env_entry.id);
        }
    }
}

/// Claim: what a setting is here is used where nobody says, given way to where somebody does, and no part of resolved settings.
#[test]
fn what_a_setting_is_here_is_no_part_of_a_spec() {
    let catalog = tapeout::builtin().with_here("python", "/no/such/python".into());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.py");
    std::fs::write(&file, "class Own: pass\n").unwrap();
    let class = format!("{}:Own", file.display());
    let open = json!({ "class": class });
    let said = json!({ "class": class, "python": "/no/other" });
    for (settings, python) in [(&open, "/no/such/python"), (&said, "/no/other")] {
        let error = catalog.build_env("python", settings).err().expect("there is no such interpreter");
        assert!(error.to_string().contains(python), "{error}");
    }
    for settings in [&open, &said] {
        let resolved = [
            catalog.env("python").unwrap().resolve(settings),
            catalog.agent("python").unwrap().resolve(settings),
        ];
        for resolved in resolved {
            let python = resolved.unwrap()["python"].clone();
            assert_eq!(python, settings.get("python").cloned().unwrap_or_default());
        }
    }
    assert_eq!(catalog.here("python"), Some(&json!("/no/such/python")));
    // An environment that does not leave it open is what it was.
    assert_eq!(
        catalog.env("command").unwrap().defaults(),
        tapeout::builtin().env("command").unwrap().defaults()
    );
}
