//! An environment of one's own: a space, metrics, and what a design is worth.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tapeout::core::config::{above, check};
use tapeout::gymnasium::{MakeOptions, check_environment, ids, make};
use tapeout::prelude::*;

/// A grid of processing elements that share an area with their buffer.
struct Grid {
    config: GridConfig,
    space: DesignSpace,
    /// The parameters, looked up once: a design is read through them.
    rows: NumberParameter,
    columns: NumberParameter,
    buffer: NumberParameter,
    metrics: Vec<Metric>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GridConfig {
    /// How many operations there are to do.
    operations: f64,
}

impl Default for GridConfig {
    fn default() -> Self {
        Self { operations: 1e6 }
    }
}

impl Env for Grid {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let (rows, columns, buffer) = (self.rows.of(design), self.columns.of(design), self.buffer.of(design));
        let needed = rows + columns; // one entry for each operand that enters the grid
        if buffer < needed {
            return Ok(Outcome::infeasible("buffer_too_small", needed - buffer));
        }
        let cycles = (self.config.operations / (rows * columns)).ceil();
        Ok(Outcome::Measured(vec![cycles, rows * columns + buffer]))
    }
}

impl BuildEnv for Grid {
    const ID: &'static str = "example-grid";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "A grid of processing elements beside a buffer.";
    const DESCRIPTION: &'static str = "Cycles against area, both in units of their own.";
    type Config = GridConfig;

    fn build(config: GridConfig) -> Result<Self, ConfigError> {
        check("operations", config.operations, above(0.0))?;
        let parameters = vec![
            Parameter::power_of_two("rows", 1, 16).about("rows of the grid"),
            Parameter::power_of_two("columns", 1, 16).about("columns of the grid"),
            Parameter::ordinal("buffer", [4, 16, 32]).about("entries of the buffer"),
        ];
        let space = DesignSpace::new(parameters, Vec::new())?;
        let metrics =
            vec![Metric::new("cycles", "", "time to finish"), Metric::new("area", "", "area taken")];
        Ok(Self {
            rows: space.number("rows")?,
            columns: space.number("columns")?,
            buffer: space.number("buffer")?,
            config,
            space,
            metrics,
        })
    }

    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![Objective::minimize("cycles")],
            constraints: vec![Constraint::at_most("area", 160.0)],
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let catalog = tapeout::builtin().with_env(EnvEntry::of::<Grid>());
    let (env, goal) = catalog.build_env("example-grid", &json!({ "operations": 1000.0 }))?;
    check_env(env.as_ref())?;

    // Searched to the end: 128 elements in 8 by 16 or 16 by 8, for 16 x 16 breaks the limit on the area.
    let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), goal)?;
    let mut best: Option<Trial> = None;
    for design in env.space().iter() {
        let trial = problem.trial(design.clone(), env.evaluate(&design)?);
        if best.as_ref().is_none_or(|best| trial.judgement.dominates(&best.judgement)) {
            best = Some(trial);
        }
    }
    let best = best.expect("the space has a design");
    assert_eq!(best.judgement.accepted(), Some([8.0].as_slice())); // 1000 operations on 128 elements
    let refusal = catalog.build_env("example-grid", &json!({ "operatoins": 1 })).err();
    assert_eq!(
        refusal.expect("the setting is misspelt").to_string(),
        "`operatoins`: unknown setting; did you mean `operations`?"
    );

    // The same environment for reinforcement learners, without another line.
    assert!(ids(&catalog).contains(&"tapeout/ExampleGrid-v0".to_owned()));
    check_environment(make(&catalog, "tapeout/ExampleGrid-v0", &MakeOptions::default())?.as_mut())?;
    Ok(())
}
