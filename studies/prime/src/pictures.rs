//! Two pictures: how good the answers are, and how many simulator calls they cost.

use tapeout::experiment::plot::{Axis, BoxPlot, LineChart, LineShape, Series, Spread};
use tapeout::experiment::statistics::quartiles;

use crate::answers::{Answers, Arm, one_each};
use crate::methods::{DesignMethod, PRIME};
use crate::questions::Question;

/// A box for each method: how much faster its best proposal is than the best design in the data.
pub fn speedups(answers: &Answers<'_>) -> BoxPlot {
    let questions = one_each();
    let data = Arm::first(&DesignMethod::Logged);
    let row = |method: DesignMethod| {
        let (name, arm) = match (&method, answers.stops(&questions[0], &method).pop()) {
            (DesignMethod::Online { agent, .. }, Some(calls)) => {
                (format!("{agent}, {calls} simulator calls"), Arm::after(&method, calls))
            }
            _ => (method.to_string(), Arm::best(&method)),
        };
        let ratio = |question: &Question, seed: u64| -> Option<f64> {
            Some(answers.latency(question, &data, seed)? / answers.latency(question, &arm, seed)?)
        };
        let ratio = &ratio;
        let of_seed = |&seed: &u64| questions.iter().filter_map(move |question| ratio(question, seed));
        let values: Vec<f64> = answers.seeds.iter().flat_map(of_seed).collect();
        Spread { name, quartiles: quartiles(&values), values }
    };
    let methods = answers.methods(&questions[0]).into_iter().filter(|method| *method != DesignMethod::Logged);
    BoxPlot {
        title: "How much faster than the best design in the data".to_owned(),
        x: Axis::new("speed-up", "").log(),
        rows: methods.map(row).collect(),
        caption: format!(
            "{} workloads, seeds {:?}; {} designs logged for each workload; the best of {} proposals",
            questions.len(),
            answers.seeds,
            answers.plan.designs,
            answers.plan.proposals,
        ),
    }
}

/// A line for each online search: latency over the least known, against simulator calls; and the proposals of PRIME.
pub fn calls(answers: &Answers<'_>) -> LineChart {
    let questions = one_each();
    let most = answers.plan.firefly_designs;
    let online = answers.methods(&questions[0]).into_iter().filter_map(|method| match method {
        DesignMethod::Online { agent, designs } => {
            let at = |stop: usize| {
                let ratio = answers.above_least(&questions, &Arm::after(&method, stop))?;
                Some([stop as f64, ratio.value])
            };
            let points = grid(designs).into_iter().filter_map(at).collect();
            Some(Series { name: agent.to_owned(), points, band: Vec::new() })
        }
        _ => None,
    });
    let mut series: Vec<Series> = online.collect();
    for method in [PRIME, DesignMethod::Learned("mlp-ensemble"), DesignMethod::Random { is_checked: true }] {
        let Some(ratio) = answers.above_least(&questions, &Arm::best(&method)) else { continue };
        let height = ratio.value;
        let points = vec![[answers.plan.proposals as f64, height], [most as f64, height]];
        let name = format!("{method}, {} calls", answers.plan.proposals);
        series.push(Series { name, points, band: Vec::new() });
    }
    LineChart {
        title: "Best latency so far over the best known".to_owned(),
        x: Axis::new("simulator calls", "").log(),
        y: Axis::new("latency over best known", "").log(),
        shape: LineShape::Steps,
        series,
        caption: format!(
            "geometric mean over {} workloads and {} seeds; a search that found nothing better has the best design in the data",
            questions.len(),
            answers.seeds.len(),
        ),
        ..LineChart::default()
    }
}

/// Calls at which a search is looked at: 1, 2, 5, 10 and so on to the last.
fn grid(last: usize) -> Vec<usize> {
    let decades = (0..).map(|power| 10usize.pow(power)).take_while(|&decade| decade <= last);
    let mut stops: Vec<usize> = decades
        .flat_map(|decade| [decade, 2 * decade, 3 * decade, 5 * decade, 7 * decade])
        .filter(|&stop| stop < last)
        .collect();
    stops.push(last);
    stops
}
