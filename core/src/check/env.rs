//! The conformance check of environments.

use super::Findings;
use crate::encoding::{Encoder, Encoding};
use crate::env::Env;
use crate::outcome::Outcome;
use crate::seed::Seed;
use crate::space::Design;

/// How many designs are tried.
const SAMPLES: usize = 32;

/// Checks that an environment keeps its contract, on a few dozen random designs.
///
/// One that misses something is checked in its declarations alone.
///
/// # Errors
/// [`Findings`]: every departure, with how to mend it.
pub fn check_env(env: &dyn Env) -> Result<(), Findings> {
    let mut findings = Findings::default();
    check_declarations(env, &mut findings);
    if env.missing().is_some() {
        return findings.into_result();
    }
    let mut rng = Seed::new(0).stream("check_env");
    let designs: Vec<Design> = (0..SAMPLES).map(|_| env.space().sample(&mut rng)).collect();
    let outcomes: Vec<Option<Outcome>> =
        designs.iter().map(|design| check_one(env, design, &mut findings)).collect();
    let batch = env.evaluate_batch(&designs);
    findings.require(
        batch.len() == designs.len(),
        || format!("evaluate_batch returned {} results for {} designs", batch.len(), designs.len()),
        "return one result for each design, in the same order",
    );
    if !env.is_noisy() {
        let is_same = batch.into_iter().zip(&outcomes).all(|(one, other)| one.ok() == *other);
        findings.require(
            is_same,
            || "evaluate_batch and evaluate disagree".to_owned(),
            "give a design the same outcome alone and in a batch, or return true from is_noisy",
        );
    }
    findings.into_result()
}

fn check_declarations(env: &dyn Env, findings: &mut Findings) {
    let metrics = env.metrics();
    findings.require(
        !metrics.is_empty(),
        || "there are no metrics".to_owned(),
        "return at least one metric from metrics()",
    );
    for (index, metric) in metrics.iter().enumerate() {
        let is_twice = metrics[..index].iter().any(|earlier| earlier.name == metric.name);
        findings.require(
            !is_twice,
            || format!("metric `{}` stands twice", metric.name),
            "give each metric its own name",
        );
        findings.require(
            !metric.summary.is_empty(),
            || format!("metric `{}` says nothing of itself", metric.name),
            "give it a summary: it is shown by `describe`",
        );
    }
    for parameter in env.space().parameters() {
        findings.require(
            !parameter.summary().is_empty(),
            || format!("parameter `{}` says nothing of itself", parameter.name()),
            "call `.about(..)` on it: the text is shown by `describe`",
        );
    }
}

fn check_one(env: &dyn Env, design: &Design, findings: &mut Findings) -> Option<Outcome> {
    let outcome = match env.evaluate(design) {
        Ok(outcome) => outcome,
        Err(error) => {
            let seen = || format!("evaluate failed on {:?}: {error}", design.levels());
            findings.require(
                false,
                seen,
                "return Outcome::Infeasible for a design that cannot be built or run",
            );
            return None;
        }
    };
    match &outcome {
        Outcome::Measured(metrics) => {
            let (got, expected) = (metrics.len(), env.metrics().len());
            let seen = || format!("evaluate returned {got} numbers for {expected} metrics");
            findings.require(
                got == expected,
                seen,
                "return one number for each metric, in the order of metrics()",
            );
            for (value, metric) in metrics.iter().zip(env.metrics()) {
                let seen = || format!("metric `{}` is {value} for {:?}", metric.name, design.levels());
                findings.require(
                    value.is_finite(),
                    seen,
                    "return Outcome::Infeasible where there is no finite number",
                );
            }
        }
        Outcome::Infeasible { rule, violation } => {
            let seen = || format!("an infeasible outcome has the rule `{rule}`");
            let is_name = !rule.is_empty() && !rule.contains(char::is_whitespace);
            findings.require(is_name, seen, "name the rule in one short stable word, such as `l2_capacity`");
            let seen = || format!("rule `{rule}` has the violation {violation}");
            let is_amount = violation.is_finite() && *violation > 0.0;
            findings.require(
                is_amount,
                seen,
                "say by how much the rule is broken: a positive finite number, 1 if there is no measure",
            );
        }
        Outcome::Failed { cause } => {
            let seen = || format!("evaluate returned Outcome::Failed on {:?}: {cause}", design.levels());
            findings.require(false, seen, "return an EvalError where the evaluator fails");
        }
    }
    if !env.is_noisy() {
        let is_same = env.evaluate(design).is_ok_and(|again| again == outcome);
        let seen = || format!("two evaluations of {:?} differ", design.levels());
        findings.require(
            is_same,
            seen,
            "make evaluate a function of the design, or return true from is_noisy",
        );
    }
    let prechecked = env.precheck(design);
    findings.require(
        prechecked.as_ref().is_none_or(|prechecked| *prechecked == outcome && outcome.metrics().is_none()),
        || format!("precheck and evaluate disagree on {:?}", design.levels()),
        "return from precheck the infeasible outcome that evaluate returns, or none",
    );
    let encoder = Encoder::new(env.space(), Encoding::Log2OneHot);
    let is_back = encoder.decode(&encoder.encode(design)) == *design;
    let seen = || format!("{:?} does not survive encoding", design.levels());
    findings.require(is_back, seen, "use levels that differ by more than rounding in log2");
    Some(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::toy::Toy;
    use crate::env::EvalError;
    use crate::outcome::Metric;
    use crate::parameter::Parameter;
    use crate::space::DesignSpace;

    struct Sloppy {
        space: DesignSpace,
        metrics: [Metric; 2],
    }

    impl Env for Sloppy {
        fn space(&self) -> &DesignSpace {
            &self.space
        }
        fn metrics(&self) -> &[Metric] {
            &self.metrics
        }
        fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
            Ok(match design.levels()[0] {
                0 => Outcome::infeasible("does not fit", -1.0),
                1 => Outcome::Measured(vec![f64::NAN, 1.0]),
                _ => Outcome::Measured(vec![1.0]),
            })
        }
    }

    #[test]
    fn every_departure_is_found_with_a_remedy() {
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 2)], Vec::new()).unwrap();
        let metrics = [Metric::new("time_s", "s", "time"), Metric::new("time_s", "s", "")];
        let findings = check_env(&Sloppy { space, metrics }).unwrap_err();
        for seen in [
            "stands twice",
            "says nothing",
            "`does not fit`",
            "violation -1",
            "is NaN",
            "1 numbers for 2 metrics",
        ] {
            assert!(findings.list().iter().any(|finding| finding.seen.contains(seen)), "{seen}\n{findings}");
        }
    }

    #[test]
    fn evaluating_toys_departs_only_in_their_terse_parameters() {
        for toy in [Toy::bowl(), Toy::tradeoff(), Toy::tied(), Toy::single(), Toy::hopeless()] {
            let findings = check_env(&toy).unwrap_err();
            assert!(
                findings.list().iter().all(|finding| finding.seen.contains("says nothing of itself")),
                "{findings}"
            );
        }
    }
}
