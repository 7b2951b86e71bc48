//! Designs that are named on the command line: of an environment, by values or a file; of a run, by trial.

use std::path::{Path, PathBuf};

use serde_json::Map;
use tapeout::core::{Catalog, Definition, Design, Env, Problem, UnknownName, Value};
use tapeout::experiment::folder::spec_path;
use tapeout::experiment::{Experiment, Run};

use crate::arguments::Setting;
use crate::failure::Failure;
use crate::goal_flags::Fixed;
use crate::number::setting;

/// Whose designs, and which settings.
#[derive(clap::Args)]
pub(crate) struct DesignFlags {
    /// An environment, or the folder of a run
    #[arg(value_name = "ENV|RUN")]
    target: String,
    /// Of an environment, a value for each parameter: `pes_x=4`; of a run, the number of a trial
    #[arg(value_name = "NAME=VALUE|TRIAL")]
    values: Vec<String>,
    /// A design as a table of values in TOML or JSON, such as a `design` of a run's summary; values go before what it says
    #[arg(long, value_name = "FILE")]
    design: Vec<PathBuf>,
    /// A setting of the environment: `env.networks=["bert-base"]`; again for several
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// A metric by an expression: `edp [J s] = latency_s * energy_j`; again for several
    #[arg(long, value_name = "NAME=EXPRESSION")]
    derive: Vec<Definition>,
}

/// An environment and the designs of it that were named.
pub(crate) struct NamedDesigns {
    /// What the user calls the environment.
    pub(crate) name: String,
    source: Source,
    /// The metrics of its problem.
    pub(crate) problem: Problem,
    /// What was named, at least one.
    pub(crate) designs: Vec<Design>,
}

enum Source {
    Env(Box<dyn Env>),
    Run(Box<Experiment>),
}

impl NamedDesigns {
    /// The environment.
    pub(crate) fn env(&self) -> &dyn Env {
        match &self.source {
            Source::Env(env) => env.as_ref(),
            Source::Run(experiment) => experiment.env(),
        }
    }

    /// The design with other values for some parameters.
    pub(crate) fn changed(&self, design: &Design, changes: &[Fixed]) -> Result<Design, Failure> {
        let space = self.problem.space();
        let mut values = values_of(&self.problem, design);
        for Fixed(name, value) in changes {
            space.index_of(name).map_err(Failure::bad_input)?;
            values.insert(name.clone(), serde_json::to_value(value).map_err(Failure::failed)?);
        }
        design_of(&self.problem, &values)
    }
}

impl DesignFlags {
    /// Finds the environment and the designs.
    pub(crate) fn find(&self, catalog: &Catalog) -> Result<NamedDesigns, Failure> {
        if spec_path(Path::new(&self.target)).is_file() { self.of_run(catalog) } else { self.of_env(catalog) }
    }

    fn of_run(&self, catalog: &Catalog) -> Result<NamedDesigns, Failure> {
        if !self.set.is_empty() || !self.design.is_empty() {
            let problem =
                anyhow::anyhow!("`--set` and `--design` are for environments, `{}` is a run", self.target);
            return Err(Failure::bad_input(problem).hint("name the environment instead of the run"));
        }
        let run = Run::open(catalog, Path::new(&self.target))?;
        let trials = self.values.iter().map(|text| {
            let number: Option<usize> = text.parse().ok();
            number.and_then(|number| run.trials().get(number)).map(|trial| trial.design).ok_or_else(|| {
                let problem =
                    anyhow::anyhow!("`{text}` is no trial of {}: it has {}", self.target, run.trials().len());
                Failure::bad_input(problem).hint("trials are counted from 0; the summary names the best")
            })
        });
        let designs: Vec<Design> = trials.collect::<Result<_, _>>()?;
        let own = run.experiment().problem();
        let derived = own.definitions().iter().chain(&self.derive).cloned().collect();
        let (space, metrics, goal) = (own.space().clone(), own.metrics().to_vec(), own.goal().clone());
        Ok(NamedDesigns {
            name: self.target.clone(),
            problem: Problem::with_definitions(space, metrics, derived, goal).map_err(Failure::bad_input)?,
            source: Source::Run(Box::new(run.experiment().clone())),
            designs: named(designs, "the number of a trial")?,
        })
    }

    fn of_env(&self, catalog: &Catalog) -> Result<NamedDesigns, Failure> {
        let entry = catalog.env(&self.target).map_err(|unknown: UnknownName| {
            Failure::from(unknown)
                .hint("environments are listed by `tapeout list envs`; a run is a folder with a `spec.toml`")
        })?;
        let mut config = Map::new();
        self.set.iter().for_each(|setting| setting.apply(&mut config, &mut Map::new()));
        let (env, goal) = catalog.build_env(entry.id, &config.into())?;
        let (space, metrics) = (env.space().clone(), env.metrics().to_vec());
        let problem = Problem::with_definitions(space, metrics, self.derive.clone(), goal);
        let problem = problem.map_err(Failure::bad_input)?;
        let mut changes = Map::new();
        for text in &self.values {
            let Fixed(name, value) = text
                .parse()
                .map_err(|error: String| Failure::bad_input(anyhow::anyhow!("`{text}`: {error}")))?;
            changes.insert(name, serde_json::to_value(value).map_err(Failure::failed)?);
        }
        let files = self.design.iter().map(|path| read(path));
        let mut all: Vec<Map<String, serde_json::Value>> = files.collect::<Result<_, _>>()?;
        if all.is_empty() && !changes.is_empty() {
            all.push(Map::new());
        }
        let with_changes = |mut values: Map<String, serde_json::Value>| {
            values.extend(changes.clone());
            design_of(&problem, &values)
        };
        let designs = all.into_iter().map(with_changes).collect::<Result<_, _>>()?;
        Ok(NamedDesigns {
            name: self.target.clone(),
            source: Source::Env(env),
            designs: named(designs, "a value for each parameter, or `--design FILE`")?,
            problem,
        })
    }
}

fn named(designs: Vec<Design>, expected: &str) -> Result<Vec<Design>, Failure> {
    if designs.is_empty() {
        return Err(Failure::bad_input(anyhow::anyhow!("no design is named, expected {expected}")));
    }
    Ok(designs)
}

/// The values of a design by name.
pub(crate) fn values_of(problem: &Problem, design: &Design) -> Map<String, serde_json::Value> {
    let values = problem.space().values(design);
    let json = |value: Value| serde_json::to_value(value).unwrap_or_default();
    values.map(|(parameter, value)| (parameter.name().to_owned(), json(value))).collect()
}

fn design_of(problem: &Problem, values: &Map<String, serde_json::Value>) -> Result<Design, Failure> {
    let typed = values.iter().map(|(name, value)| {
        let value: Value = serde_json::from_value(value.clone()).map_err(|_| {
            Failure::bad_input(anyhow::anyhow!("`{name}`: {value} is neither a number nor a text"))
        })?;
        Ok((name.as_str(), value.as_f64().map_or(value.clone(), Value::number)))
    });
    let typed: Vec<(&str, Value)> = typed.collect::<Result<_, Failure>>()?;
    problem.space().design_of(typed).map_err(|error| {
        let missing =
            problem.space().parameters().iter().filter(|parameter| !values.contains_key(parameter.name()));
        let missing: Vec<String> =
            missing.map(|parameter| format!("{} ({})", parameter.name(), parameter.levels_text())).collect();
        let failure = Failure::bad_input(error);
        if missing.is_empty() {
            failure
        } else {
            failure.hint(format!("values are missing for {}", missing.join("; ")))
        }
    })
}

/// A table of values, or the `design` in a table.
fn read(path: &Path) -> Result<Map<String, serde_json::Value>, Failure> {
    let at = path.display();
    let text = tapeout::input::read_text(path)
        .map_err(|error| Failure::bad_input(error).context(format!("{at}: cannot read")))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let parsed: Result<serde_json::Value, String> = if is_json {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    } else {
        toml::from_str(&text).map_err(|error| error.to_string().trim_end().to_owned())
    };
    let mut value = parsed.map_err(|error| Failure::bad_input(anyhow::anyhow!("{at}: {error}")))?;
    match value.get_mut("design").map(serde_json::Value::take).unwrap_or(value) {
        serde_json::Value::Object(values) => Ok(values),
        _ => Err(Failure::bad_input(anyhow::anyhow!("{at}: no table of values"))),
    }
}

/// What parameter `index` of `design` is set to.
pub(crate) fn set_to(problem: &Problem, design: &Design, index: usize) -> String {
    let parameter = &problem.space().parameters()[index];
    setting(&parameter.value(design.levels()[index]), parameter.unit_name())
}
