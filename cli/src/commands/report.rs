//! `tapeout report`.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde_json::json;
use tapeout::core::{Catalog, Constraint, Objective, Problem, Trial};
use tapeout::experiment::comparison::{AgentCost, OpenedComparison, RunCost, Standings};
use tapeout::experiment::dataset::Dataset;
use tapeout::experiment::folder::spec_path;
use tapeout::experiment::{Run, put_whole};
use tapeout::offline::{Proposals, Validation, reported};
use tapeout::report::{ComparedAgents, ReportPage, ReportedTrials};

use super::fit::with_problem;
use crate::answer::Answer;
use crate::failure::Failure;

/// The name of a report that nobody named.
const NAME: &str = "report.html";

/// What to report, and where to.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folders of runs, of one comparison or of one data set; or a file of proposals
    #[arg(required = true, value_name = "RUN|COMPARISON|DATASET|PROPOSALS")]
    of: Vec<PathBuf>,
    /// The page [default: report.html in the folder, the first of several]
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// What `tapeout validate --out` wrote about the proposals
    #[arg(long, value_name = "FILE.json")]
    validation: Option<PathBuf>,
    /// What counts as good in a data set: `latency_s`; again for several [default: what its environment says]
    #[arg(long, value_name = "METRIC")]
    objective: Vec<Objective>,
    /// What is acceptable in a data set; again for several [default: what its environment says]
    #[arg(long, value_name = "LIMIT")]
    constraint: Vec<Constraint>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// The path of the page.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let report = self.report(catalog)?;
        let beside = |path: &PathBuf| if path.is_dir() { path.join(NAME) } else { path.with_file_name(NAME) };
        let out = self.out.clone().unwrap_or_else(|| beside(&self.of[0]));
        put_whole(&out, report.html().as_bytes()).map_err(|error| {
            Failure::unwritable(error)
                .context(format!("{}: cannot write", out.display()))
                .hint("choose a place that can be written to: `--out FILE.html`")
        })?;
        Ok(if self.json {
            Answer::json(&json!({ "report": out }))
        } else {
            Answer::text(out.display().to_string())
        })
    }

    fn report(&self, catalog: &Catalog) -> Result<ReportPage, Failure> {
        let [only] = self.of.as_slice() else { return self.of_runs(catalog) };
        if only.is_file() {
            return self.of_proposals(only);
        }
        if only.join("dataset.toml").is_file() {
            return self.of_dataset(catalog, only);
        }
        if OpenedComparison::is_in(only) { of_comparison(catalog, only) } else { self.of_runs(catalog) }
    }

    fn of_runs(&self, catalog: &Catalog) -> Result<ReportPage, Failure> {
        if let Some(other) = self.of.iter().find(|path| path.is_dir() && !spec_path(path).is_file()) {
            return Err(Failure::bad_input(anyhow!(
                "{}: holds no run, no comparison and no data set",
                other.display()
            ))
            .hint(
                "several runs go into one report; comparisons, data sets and proposals each have their own",
            ));
        }
        let opened = self.of.iter().map(|path| Ok((path, Run::open(catalog, path)?)));
        let opened: Vec<(&PathBuf, Run)> = opened.collect::<Result<_, Failure>>()?;
        let names: Vec<String> = self.of.iter().map(|path| self.name(path)).collect();
        let command = |path: &Path| format!("tapeout evaluate {}", quoted(&path.display().to_string()));
        let runs =
            opened.iter().zip(&names).map(|((path, run), name)| (name.as_str(), run, Some(command(path))));
        let runs: Vec<(&str, &Run, Option<String>)> = runs.collect();
        let title = match runs.as_slice() {
            [(_, run, _)] => {
                format!("{} searched by {}", run.experiment().spec().env.id, run.experiment().spec().agent.id)
            }
            several => format!("{} runs: {}", several.len(), names.join(", ")),
        };
        Ok(ReportPage::of_runs(&title, &runs))
    }

    /// What a run is called: its folder's name, or its path where others share that.
    fn name(&self, path: &Path) -> String {
        let is_shared = self.of.iter().filter(|other| other.file_name() == path.file_name()).count() > 1;
        path.file_name()
            .filter(|_| !is_shared)
            .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
    }

    fn of_dataset(&self, catalog: &Catalog, folder: &Path) -> Result<ReportPage, Failure> {
        let dataset = Dataset::read(catalog, folder)?;
        let (dataset, problem) = with_problem(catalog, dataset, &self.objective, &self.constraint)?;
        let trials = |workload: usize| -> Vec<Trial> {
            let rows = dataset.rows().iter().enumerate().filter(|(_, row)| row.workload == workload);
            dataset.trials(&rows.map(|(index, _)| index).collect::<Vec<_>>(), &problem)
        };
        let by_workload: Vec<Vec<Trial>> = (0..dataset.workloads().len()).map(trials).collect();
        let parts = dataset.workloads().iter().zip(&by_workload).map(|(workload, trials)| ReportedTrials {
            name: &workload.name,
            problem: &problem,
            trials,
            facts: dataset_facts(&dataset, &problem),
            command: None,
        });
        Ok(ReportPage::of_trials(&format!("data set {}", dataset.title()), &parts.collect::<Vec<_>>()))
    }

    fn of_proposals(&self, path: &Path) -> Result<ReportPage, Failure> {
        let proposals = Proposals::read(path)?;
        let validation = self.validation.as_deref().map(Validation::read).transpose()?;
        let title = format!(
            "{} proposals for {} by {}",
            proposals.proposals.len(),
            proposals.env.id,
            proposals.learner
        );
        Ok(reported::report(&title, &proposals, validation.as_ref()))
    }
}

fn dataset_facts(dataset: &Dataset, problem: &Problem) -> Vec<(String, String)> {
    let texts = |texts: Vec<String>| texts.join(", ");
    let facts = [
        ("environment", dataset.env().id.clone()),
        ("objectives", texts(problem.objectives().iter().map(ToString::to_string).collect())),
        ("constraints", texts(problem.constraints().iter().map(ToString::to_string).collect())),
        ("sources", dataset.sources().len().to_string()),
    ];
    facts
        .into_iter()
        .filter(|(_, fact)| !fact.is_empty())
        .map(|(name, fact)| (name.to_owned(), fact))
        .collect()
}

fn of_comparison(catalog: &Catalog, folder: &Path) -> Result<ReportPage, Failure> {
    let opened = OpenedComparison::open(catalog, folder)?;
    let standings = Standings::of(&opened.results, None);
    let envs: Vec<&str> = opened.plan.envs.iter().map(|env| env.name.as_str()).collect();
    let costs = AgentCost::of(&RunCost::read(&opened.plan, folder));
    let title = format!("{} agents on {}", opened.plan.agents.len(), envs.join(", "));
    Ok(ReportPage::of_comparison(&title, ComparedAgents::of(&opened.results, &standings, costs)))
}

/// As one word of a POSIX shell. Source: POSIX.1-2024, Shell Command Language, 2.2.2 "Single-Quotes".
fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: what is copied is one word, whatever the folder is called.
    #[test]
    fn a_path_is_one_word_of_the_shell() {
        assert_eq!(quoted("runs/ga-0"), "runs/ga-0");
        assert_eq!(quoted("it's mine"), "'it'\\''s mine'");
    }
}
