//! A search over two objectives, and its Pareto front as SVG and PNG.

use serde_json::Value;
use tapeout::core::check::toy::Toy;
use tapeout::experiment::BestSoFar;
use tapeout::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let env = Toy::tradeoff();
    let problem = env.problem();
    let mut agent = tapeout::builtin().agent("nsga2")?.build(&problem, &Value::Null, Seed::new(0))?;

    let mut trials: Vec<Trial> = Vec::new();
    let mut best = BestSoFar::new(&problem);
    while trials.len() < 500 {
        let designs = agent.suggest(50)?;
        let outcomes = env.evaluate_batch(&designs);
        let judged =
            designs.into_iter().zip(outcomes).map(|(design, outcome)| Ok(problem.trial(design, outcome?)));
        let batch = judged.collect::<Result<Vec<Trial>, EvalError>>()?;
        agent.observe(&batch)?;
        batch.iter().for_each(|trial| best.see(trial));
        trials.extend(batch);
    }

    let mut plot = pareto_of(&problem, &trials, ["cost", "time"])?;
    plot.caption = format!("Found by NSGA-II: {best}.");
    let folder = tempfile::tempdir()?;
    let [svg, png] = plot.write(&folder.path().join("front"))?;
    assert!(std::fs::read_to_string(&svg)?.contains("Pareto front"));
    assert!(std::fs::metadata(&png)?.len() > 1000, "a picture has more bytes than an empty page");
    Ok(())
}
