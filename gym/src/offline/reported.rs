//! Proposals as a report shows them: what was expected, and what was measured if somebody has asked.

use tapeout_core::Metric;
use tapeout_report::{PromisedDesign, PromisedMetric, ReportPage};

use super::{Proposal, Proposals, Validation, Verdict};

/// The report of `proposals`; with a `validation`, which must be theirs, what was measured stands beside what was expected.
pub fn report(title: &str, proposals: &Proposals, validation: Option<&Validation>) -> ReportPage {
    let metrics = metrics(proposals, validation);
    let design = |(index, proposal): (usize, &Proposal)| {
        let verdict = validation.and_then(|it| it.verdicts.get(index));
        promised(proposal, &metrics, validation, verdict)
    };
    let designs = proposals.proposals.iter().enumerate().map(design).collect();
    let shown = |metric: &Metric| PromisedMetric {
        name: metric.name.clone(),
        unit: metric.unit.clone(),
        logged: proposals.logged.as_ref().and_then(|it| it.measured.get(&metric.name)).copied(),
    };
    ReportPage::of_proposals(
        title,
        facts(proposals, validation),
        metrics.iter().map(shown).collect(),
        designs,
    )
}

/// What was measured, or else what was predicted, whose unit nobody says.
fn metrics(proposals: &Proposals, validation: Option<&Validation>) -> Vec<Metric> {
    match (validation, proposals.proposals.first()) {
        (Some(validation), _) => validation.metrics.clone(),
        (None, Some(first)) => first.predicted.keys().map(|name| Metric::new(name, "", "")).collect(),
        (None, None) => Vec::new(),
    }
}

fn promised(
    proposal: &Proposal,
    metrics: &[Metric],
    validation: Option<&Validation>,
    verdict: Option<&Verdict>,
) -> PromisedDesign {
    let interval = |metric: &Metric| proposal.intervals.as_ref()?.get(&metric.name);
    let expected = |metric: &Metric| {
        interval(metric).map(|it| it.middle).or(proposal.predicted.get(&metric.name).copied())
    };
    let measured = |index: usize| match verdict {
        Some(Verdict::Measured { metrics, .. }) => metrics.get(index).copied(),
        _ => None,
    };
    PromisedDesign {
        values: proposal.design.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        expected: metrics.iter().map(expected).collect(),
        intervals: metrics.iter().map(|metric| interval(metric).map(|it| [it.low, it.high])).collect(),
        measured: (0..metrics.len()).map(measured).collect(),
        verdict: match verdict {
            Some(Verdict::Measured { is_acceptable: true, .. }) => "acceptable".to_owned(),
            Some(Verdict::Measured { .. }) => "outside a constraint".to_owned(),
            Some(Verdict::Infeasible { workload, rule, .. }) => format!("infeasible in {workload}: {rule}"),
            Some(Verdict::Unknown) => "not measured".to_owned(),
            None if validation.is_some() => "not among what was measured".to_owned(),
            None => format!("feasible with {:.0} %, it was said", 100.0 * proposal.p_feasible),
        },
    }
}

fn facts(proposals: &Proposals, validation: Option<&Validation>) -> Vec<(String, String)> {
    let list = |texts: Vec<String>| texts.join(", ");
    let workload = |it: &super::WeightedWorkload| format!("{} (weight {})", it.name, it.weight);
    let mut facts = vec![
        ("environment", proposals.env.id.clone()),
        ("workloads", list(proposals.workloads.iter().map(workload).collect())),
        ("objectives", list(proposals.goal.objectives.iter().map(ToString::to_string).collect())),
        ("constraints", list(proposals.goal.constraints.iter().map(ToString::to_string).collect())),
        ("learner", list(std::iter::once(&proposals.learner).chain(&proposals.second).cloned().collect())),
        ("agent", proposals.agent.clone()),
        ("seed", proposals.seed.number().to_string()),
        ("asked of the model", proposals.model_calls.to_string()),
    ];
    if let Some(validation) = validation {
        facts.push(("asked of the environment", validation.simulator_calls.to_string()));
    }
    facts.retain(|(_, fact)| !fact.is_empty());
    facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect()
}
