//! The page: its parts as data, and its text as HTML.

use std::collections::BTreeMap;

use serde::Serialize;
use tapeout_core::Trial;
use tapeout_experiment::Run;

use crate::compared::ComparedAgents;
use crate::course::{larger, worst};
use crate::promised::{PromisedDesign, PromisedMetric, PromisedPart};
use crate::searched::{ReportedTrials, SearchedPart, facts_of};

/// The version of the data in a page.
pub const REPORT_SCHEMA: u32 = 1;

const TEMPLATE: &str = include_str!("../page/report.html");
const STYLE: &str = include_str!("../page/style.css");
/// The charting library. Source: `data/MANIFEST.toml`.
const CHARTS: &str = include_str!("../../data/charts/echarts.min.js");
const LICENCE: &str = include_str!("../../data/charts/LICENSE-echarts.txt");
/// The program that shows the data, in the order in which it is read.
const PROGRAM: [&str; 13] = [
    include_str!("../page/quantity.js"),
    include_str!("../page/data.js"),
    include_str!("../page/elements.js"),
    include_str!("../page/charts.js"),
    include_str!("../page/front.js"),
    include_str!("../page/matrix.js"),
    include_str!("../page/course.js"),
    include_str!("../page/parallel.js"),
    include_str!("../page/parameters.js"),
    include_str!("../page/table.js"),
    include_str!("../page/breakdown.js"),
    include_str!("../page/comparison.js"),
    include_str!("../page/main.js"),
];

/// What is to be shown.
#[derive(Debug, Serialize)]
pub struct ReportPage {
    schema: u32,
    title: String,
    runs: Vec<SearchedPart>,
    comparison: Option<ComparedAgents>,
    proposals: Option<PromisedPart>,
}

impl ReportPage {
    /// Trials of one or several searches or workloads. Hypervolumes of those that seek the same end at the same point: for each
    /// objective the worst acceptable value among them.
    pub fn of_trials(title: &str, all: &[ReportedTrials<'_>]) -> Self {
        let references = references(all);
        let part =
            |one: &ReportedTrials<'_>| SearchedPart::of(one, references.get(&sought(one)).map(Vec::as_slice));
        Self { runs: all.iter().map(part).collect(), ..Self::empty(title) }
    }

    /// Runs, each with its name and the command that evaluates one of its trials, with the parts of their best designs.
    pub fn of_runs(title: &str, runs: &[(&str, &Run, Option<String>)]) -> Self {
        let trials: Vec<Vec<Trial>> = runs.iter().map(|(_, run, _)| run.trials().to_vec()).collect();
        let reported = runs.iter().zip(&trials).map(|((name, run, command), trials)| ReportedTrials {
            name,
            problem: run.experiment().problem(),
            trials,
            facts: facts_of(run),
            command: command.clone(),
        });
        let mut report = Self::of_trials(title, &reported.collect::<Vec<_>>());
        let parts = std::mem::take(&mut report.runs).into_iter().zip(runs);
        report.runs = parts.map(|(part, (_, run, _))| part.with_breakdowns(run)).collect();
        report
    }

    /// Agents side by side.
    pub fn of_comparison(title: &str, compared: ComparedAgents) -> Self {
        Self { comparison: Some(compared), ..Self::empty(title) }
    }

    /// Proposals.
    pub fn of_proposals(
        title: &str,
        facts: Vec<(String, String)>,
        metrics: Vec<PromisedMetric>,
        designs: Vec<PromisedDesign>,
    ) -> Self {
        Self { proposals: Some(PromisedPart { facts, metrics, designs }), ..Self::empty(title) }
    }

    fn empty(title: &str) -> Self {
        Self {
            schema: REPORT_SCHEMA,
            title: title.to_owned(),
            runs: Vec::new(),
            comparison: None,
            proposals: None,
        }
    }

    /// The page.
    pub fn html(&self) -> String {
        let data = serde_json::to_string(self).expect("invariant: a report is plain data with text keys");
        let program = PROGRAM.concat();
        let parts = [
            ("TITLE", escaped(&self.title)),
            ("STYLE", STYLE.to_owned()),
            ("LICENCE", escaped(LICENCE)),
            ("CHARTS", CHARTS.to_owned()),
            // Only texts hold this letter, and there it may be written so: no name can end the element.
            ("DATA", data.replace('<', "\\u003c")),
            ("PROGRAM", program),
        ];
        let mut html =
            String::with_capacity(parts.iter().map(|(_, part)| part.len()).sum::<usize>() + TEMPLATE.len());
        let mut rest = TEMPLATE;
        for (name, part) in &parts {
            let (before, after) = rest
                .split_once(&format!("{{{{{name}}}}}"))
                .expect("invariant: the template has every part, in order");
            html.push_str(before);
            html.push_str(part);
            rest = after;
        }
        html.push_str(rest);
        html
    }
}

/// What is sought, as a text that is the same for those who seek the same.
fn sought(reported: &ReportedTrials<'_>) -> Vec<String> {
    reported.problem.objectives().iter().map(ToString::to_string).collect()
}

/// For each thing that is sought the worst acceptable loss in each objective. Shape `[m]`.
fn references(all: &[ReportedTrials<'_>]) -> BTreeMap<Vec<String>, Vec<f64>> {
    let mut references: BTreeMap<Vec<String>, Vec<f64>> = BTreeMap::new();
    for one in all {
        if let Some(worst) = worst(one.trials) {
            let known = references.entry(sought(one)).or_insert_with(|| worst.clone());
            *known = larger(known, &worst);
        }
    }
    references
}

/// As text of HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: no name from outside can end an element, or begin one.
    #[test]
    fn names_cannot_leave_their_place() {
        let facts = vec![("</script><script>alert(1)".to_owned(), "a".to_owned())];
        let html = ReportPage::of_proposals("<b>&", facts, Vec::new(), Vec::new()).html();
        assert!(!html.contains("</script><script>alert"), "the data holds a name");
        assert!(html.contains("<title>&lt;b&gt;&amp;</title>"));
    }

    // Claim: the page says itself that it may load nothing, and has nothing to load.
    #[test]
    fn a_page_loads_nothing() {
        let html = ReportPage::of_proposals("t", Vec::new(), Vec::new(), Vec::new()).html();
        assert!(html.contains("default-src 'none'"));
        for loads in ["<link", "src=\"", "@import", "url("] {
            let own = html.replace(CHARTS, "");
            assert!(!own.contains(loads), "{loads}");
        }
        assert!(html.contains("Redistribution and use in source and binary forms"), "the licences are in it");
    }
}
