//! The designs of `scratchpad`: rules that order buffers, or orders themselves.

use tapeout_core::{
    CategoryParameter, CountParameter, Design, DesignSpace, NumberParameter, Parameter, SpaceError,
};
use tapeout_simulators::scratchpad::{BufferKey, Buffers, first_fit, lowest_first};

/// Most buffers whose orders are a space. 33! is below 2^123, and spaces have up to 2^128 designs.
pub(super) const MAX_ORDERED: usize = 33;
/// Weights of a key go from minus this to this. Ours: weights matter by their ratios alone.
const WEIGHT: i64 = 8;
/// How much lower offsets count for. Ours: from hardly at all to before everything else.
const LOWNESS: [u32; 8] = [1, 4, 16, 64, 256, 1024, 16_384, 1_048_576];
/// Buffers that a design may prefer to what its weights say. Ours: with 4,096 buffers the space stays below 2^128.
const N_PREFERRED: usize = 6;
const KEYS: [(&str, BufferKey); 6] = [
    ("size", BufferKey::Size),
    ("life", BufferKey::Life),
    ("pressure", BufferKey::Pressure),
    ("neighbours", BufferKey::Neighbours),
    ("area", BufferKey::Area),
    ("start", BufferKey::Start),
];
const PLACEMENTS: [(&str, Placement); 2] =
    [("first-fit", Placement::FirstFit), ("lowest-first", Placement::LowestFirst)];

#[derive(Debug, Clone, Copy)]
enum Placement {
    FirstFit,
    LowestFirst,
}

/// How a design places buffers.
#[derive(Debug)]
pub(super) enum Knobs {
    /// By a rule.
    Rules(Rules),
    /// In an order: where among the buffers before it each one stands.
    Order(Vec<CountParameter>),
}

/// The parameters of a rule.
#[derive(Debug)]
pub(super) struct Rules {
    placement: CategoryParameter<Placement>,
    lowness: CountParameter,
    weights: Vec<NumberParameter>,
    preferred: Vec<CountParameter>,
    /// By key: where each buffer stands, from 0, the lowest, to below 1. Shape `[keys][n]`.
    standings: Vec<Vec<f64>>,
}

impl Rules {
    /// The space of rules for these buffers, and what reads it.
    pub(super) fn new(buffers: &Buffers) -> Result<(DesignSpace, Self), SpaceError> {
        let n = buffers.buffers().len();
        let mut parameters = vec![
            Parameter::categorical("placement", &PLACEMENTS.map(|(name, _)| name))
                .about("how buffers are put"),
            Parameter::ordinal("lowness", LOWNESS).about("how much lower offsets count for in lowest-first"),
        ];
        for (key, _) in KEYS {
            let about = format!("weight of a buffer's {key}: the higher, the sooner large ones go");
            parameters.push(Parameter::integer(&weight_name(key), -WEIGHT, WEIGHT).about(&about));
        }
        parameters.extend((1..=N_PREFERRED).map(|place| {
            Parameter::integer(&preferred_name(place), 0, n as i64).about(
                "a buffer that goes before those of higher numbers and others, counted from 1; 0 for none",
            )
        }));
        let space = DesignSpace::new(parameters, Vec::new())?;
        let knobs = Self {
            placement: space.category("placement", PLACEMENTS)?,
            lowness: space.count("lowness")?,
            weights: KEYS.iter().map(|(key, _)| space.number(&weight_name(key))).collect::<Result<_, _>>()?,
            preferred: (1..=N_PREFERRED)
                .map(|place| space.count(&preferred_name(place)))
                .collect::<Result<_, _>>()?,
            standings: KEYS.iter().map(|&(_, key)| standings(key, buffers)).collect(),
        };
        Ok((space, knobs))
    }

    fn offsets(&self, design: &Design, buffers: &Buffers) -> Vec<u64> {
        let n = buffers.buffers().len();
        let mut scores = vec![0.0; n];
        for (weight, standings) in self.weights.iter().zip(&self.standings) {
            let weight = weight.of(design);
            scores.iter_mut().zip(standings).for_each(|(score, standing)| *score += weight * standing);
        }
        // More than any two scores differ by, so that preference decides.
        let step = 2.0 * (WEIGHT as f64) * KEYS.len() as f64;
        for (place, preferred) in self.preferred.iter().enumerate() {
            if let Some(buffer) = (preferred.of(design) as usize).checked_sub(1) {
                scores[buffer] += step * (N_PREFERRED - place) as f64;
            }
        }
        match self.placement.of(design) {
            Placement::LowestFirst => lowest_first(buffers, &scores, self.lowness.of(design) as f64),
            Placement::FirstFit => {
                let mut order: Vec<usize> = (0..n).collect();
                order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
                first_fit(buffers, &order)
            }
        }
    }
}

impl Knobs {
    /// The space of all orders of these buffers, and what reads it.
    pub(super) fn orders(buffers: &Buffers) -> Result<(DesignSpace, Self), SpaceError> {
        let names: Vec<String> =
            (1..buffers.buffers().len()).map(|buffer| format!("place_{buffer}")).collect();
        let parameters = (1..).zip(&names).map(|(before, name)| {
            Parameter::integer(name, 0, before)
                .about("how many of the buffers of lower numbers go before this one, counted from 0")
        });
        let space = DesignSpace::new(parameters.collect(), Vec::new())?;
        let places = names.iter().map(|name| space.count(name)).collect::<Result<_, _>>()?;
        Ok((space, Self::Order(places)))
    }

    /// The offsets that `design` says, shape `[n]`.
    pub(super) fn offsets(&self, design: &Design, buffers: &Buffers) -> Vec<u64> {
        match self {
            Self::Rules(rules) => rules.offsets(design, buffers),
            Self::Order(places) => {
                // Source: Lehmer (1960), "Teaching combinatorial tricks to a computer": every order is reached once.
                let mut order = vec![0];
                for (before, place) in places.iter().enumerate() {
                    order.insert(place.of(design) as usize, before + 1);
                }
                first_fit(buffers, &order)
            }
        }
    }
}

fn standings(key: BufferKey, buffers: &Buffers) -> Vec<f64> {
    let order = BufferKey::order(&[key], buffers);
    let n = order.len();
    let mut standings = vec![0.0; n];
    for (place, buffer) in order.into_iter().enumerate() {
        standings[buffer] = (n - 1 - place) as f64 / n as f64;
    }
    standings
}

fn weight_name(key: &str) -> String {
    format!("weight_{key}")
}

fn preferred_name(place: usize) -> String {
    format!("preferred_{place}")
}
