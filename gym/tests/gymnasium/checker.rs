//! The checker: silent about what is sound, and loud about every defect sown.

use tapeout::core::check::toy::Toy;
use tapeout::gymnasium::spaces::{self, Discrete, Mask, Space, SpaceElement};
use tapeout::gymnasium::{
    Beginning, Environment, EnvironmentError, Infeasibility, Info, MASKED_ACTION, ParameterByParameter,
    ResetOptions, Step, WholeDesign, check_environment,
};

use super::toys::task;

#[test]
fn both_styles_pass_on_toys_of_every_kind() {
    for toy in [Toy::bowl, Toy::tradeoff, Toy::tied, Toy::single, Toy::hopeless] {
        assert_eq!(check_environment(&mut WholeDesign::new(task(toy()))), Ok(()));
        assert_eq!(check_environment(&mut ParameterByParameter::new(task(toy()))), Ok(()));
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Defect {
    None,
    StepsBeforeReset,
    StepsAfterTheEnd,
    TakesAnyAction,
    SeesTooMuch,
    ForgetsItsSeed,
    CarriesOver,
    RewardsNan,
    NeverEnds,
    MasksTooLittle,
    MasksEverything,
    RefusesWhatItAllows,
    ChangesItsSpace,
    RefusesSeeds,
}

/// Two steps an episode; the second is rewarded.
struct Faulty {
    defect: Defect,
    actions: Space,
    observations: Space,
    n_steps: Option<u32>,
    was_reset: bool,
    n_calls: u32,
}

impl Faulty {
    fn new(defect: Defect) -> Self {
        let observations = spaces::Box::bounded(0.0, 3.0, 1).into();
        Self {
            defect,
            actions: Discrete::new(2).into(),
            observations,
            n_steps: None,
            was_reset: false,
            n_calls: 0,
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn see(&self) -> SpaceElement {
        let base = self.n_steps.unwrap_or(2) as f32;
        SpaceElement::Box(vec![if self.has(Defect::SeesTooMuch) { base + 2.5 } else { base }])
    }

    fn info(&self) -> Info {
        let mask = match self.defect {
            Defect::MasksTooLittle => vec![true],
            Defect::MasksEverything => vec![false; 2],
            _ => vec![true; 2],
        };
        Info { action_mask: Some(Mask::Discrete(mask)), ..Info::default() }
    }
}

impl Environment for Faulty {
    fn action_space(&self) -> &Space {
        &self.actions
    }

    fn observation_space(&self) -> &Space {
        &self.observations
    }

    fn reset(&mut self, seed: Option<u64>, _: &ResetOptions) -> Result<Beginning, EnvironmentError> {
        if self.has(Defect::RefusesSeeds) && seed == Some(3) {
            return Err(EnvironmentError::Option {
                option: "seed",
                got: "3".to_owned(),
                expected: "another".to_owned(),
            });
        }
        (self.n_steps, self.was_reset) = (Some(0), true);
        self.n_calls += 1;
        let observation = match self.defect {
            Defect::CarriesOver => SpaceElement::Box(vec![(self.n_calls % 2) as f32]),
            _ => self.see(),
        };
        Ok((observation, self.info()))
    }

    fn step(&mut self, action: &SpaceElement) -> Result<Step, EnvironmentError> {
        let tolerated = if self.was_reset { Defect::StepsAfterTheEnd } else { Defect::StepsBeforeReset };
        if self.n_steps.is_none() && !self.has(tolerated) {
            return Err(EnvironmentError::ResetNeeded { when: "at a wrong time" });
        }
        if !self.actions.contains(action) && !self.has(Defect::TakesAnyAction) {
            return Err(EnvironmentError::ActionOutside {
                got: action.clone(),
                space: self.actions.to_string(),
            });
        }
        self.n_calls += 1;
        let n_steps = self.n_steps.unwrap_or(0) + 1;
        let terminated = n_steps >= 2 && !self.has(Defect::NeverEnds);
        self.n_steps = (!terminated).then_some(n_steps.min(2));
        if self.has(Defect::ChangesItsSpace) {
            self.actions = Discrete::new(3).into();
        }
        let reward = match self.defect {
            Defect::RewardsNan => f64::NAN,
            Defect::ForgetsItsSeed => f64::from(self.n_calls),
            _ => 1.0,
        };
        let mut info = if terminated { Info::default() } else { self.info() };
        if self.has(Defect::RefusesWhatItAllows) {
            info.infeasible = Some(Infeasibility { rule: MASKED_ACTION.to_owned(), violation: 1.0 });
        }
        Ok(Step { observation: self.see(), reward, terminated, truncated: false, info })
    }
}

#[test]
fn the_sound_one_among_the_faulty_passes() {
    assert_eq!(check_environment(&mut Faulty::new(Defect::None)), Ok(()));
}

#[test]
fn every_defect_is_found_with_a_remedy() {
    for (defect, seen, remedy) in [
        (Defect::StepsBeforeReset, "step works before the first reset", "ResetNeeded"),
        (Defect::StepsAfterTheEnd, "step works after the end of an episode", "ResetNeeded"),
        (Defect::TakesAnyAction, "not in the action space is accepted", "ActionOutside"),
        (Defect::SeesTooMuch, "is not in the observation space Box(0.0, 3.0, (1,), float32)", "widen"),
        (Defect::ForgetsItsSeed, "the same actions lead to different steps", "reset(Some(seed))"),
        (Defect::CarriesOver, "two resets with seed 0 begin differently", "carry nothing over"),
        (Defect::RewardsNan, "is NaN", "finite number"),
        (Defect::NeverEnds, "not over after 10000 steps", "TimeLimit"),
        (Defect::MasksTooLittle, "is not of the shape of Discrete(2)", "one entry for each action"),
        (Defect::MasksEverything, "allows nothing although", "terminate"),
        (Defect::RefusesWhatItAllows, "which the mask allows, is refused", "exactly"),
        (Defect::ChangesItsSpace, "the spaces changed", "mask actions"),
        (Defect::RefusesSeeds, "reset failed: reset option `seed`", "any seed"),
    ] {
        let findings = check_environment(&mut Faulty::new(defect)).unwrap_err();
        let is_found = findings
            .list()
            .iter()
            .any(|finding| finding.seen.contains(seen) && finding.remedy.contains(remedy));
        assert!(is_found, "{seen}\n{findings}");
    }
}
