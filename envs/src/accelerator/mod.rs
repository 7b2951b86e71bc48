//! Accelerators that run whole networks, as environments: one for all templates.
//!
//! A template says which parameters there are, what is built of a design and what a workload costs on it
//! ([`AcceleratorTemplate`]). All else is the same for each and stands here: networks and technology, metrics, the order in
//! which a design is refused.

mod breakdown;
mod by_network;
mod config;
mod context;
mod mapped;
mod workload;

use tapeout_core::breakdown::Breakdown;
use tapeout_core::config::{above, check};
use tapeout_core::env::ContextFeature;
use tapeout_core::{
    BuildEnv, ConfigError, Constraint, Design, DesignSpace, Env, EvalError, Goal, Metric, Outcome, Parameter,
};
use tapeout_simulators::network_cost::NetworkCost;
use tapeout_simulators::networks::Workload;

pub(crate) use breakdown::breakdown;
pub(crate) use by_network::ByNetwork;
pub use config::AcceleratorConfig;
pub(crate) use config::accelerator_config;
pub(crate) use context::features;
pub(crate) use mapped::{architecture, run};
pub(crate) use workload::weighted;

/// What tells one family of accelerators from another.
pub trait AcceleratorTemplate: Sized + Send + Sync + 'static {
    /// As [`BuildEnv::ID`].
    const ID: &'static str;
    /// As [`BuildEnv::VERSION`].
    const VERSION: u32;
    /// As [`BuildEnv::SUMMARY`].
    const SUMMARY: &'static str;
    /// As [`BuildEnv::DESCRIPTION`].
    const DESCRIPTION: &'static str;
    /// How many designs there are.
    const DESIGNS: u128;
    /// What is part of the energy, as a metric's summary says it.
    const ENERGY: &'static str;
    /// What is part of the area, as a metric's summary says it.
    const AREA: &'static str;
    /// Whether the product of energy and latency is a metric.
    const HAS_ENERGY_DELAY: bool;

    /// Networks, technology, and what is the template's own.
    type Config: AcceleratorConfig;
    /// A design that can be built.
    type Chip;

    /// The parameters of a design.
    fn parameters() -> Vec<Parameter>;

    /// Products of parameters that are known to matter: their name, what is multiplied, and what it is.
    const PRODUCTS: &'static [(&'static str, &'static [&'static str], &'static str)] = &[];

    /// The template in the setting of `config`, its parameters found in `space`, ready to run `workload`.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting cannot be used.
    fn new(config: Self::Config, space: &DesignSpace, workload: &Workload) -> Result<Self, ConfigError>;

    /// The chip of a design.
    ///
    /// # Errors
    /// The infeasible [`Outcome`] of one that cannot be built. Nothing is simulated to find that out.
    fn chip(&self, design: &Design) -> Result<Self::Chip, Outcome>;

    /// Area of a chip, in m2.
    fn area_m2(&self, chip: &Self::Chip) -> f64;

    /// What the workload costs on a chip, or the infeasible outcome if it cannot run.
    ///
    /// # Errors
    /// [`EvalError`] if the simulator fails.
    fn run(&self, chip: &Self::Chip) -> Result<Result<NetworkCost, Outcome>, EvalError>;

    /// As [`Env::enforced`].
    fn enforced(&self) -> Vec<Constraint> {
        Vec::new()
    }

    /// What to optimise when nobody says.
    fn default_goal(&self) -> Goal;

    /// As [`Env::context`], of `workload`.
    fn context(workload: &Workload) -> Vec<ContextFeature> {
        let _ = workload;
        Vec::new()
    }
}

/// A template as an environment.
pub struct AcceleratorEnv<T> {
    space: DesignSpace,
    metrics: Vec<Metric>,
    context: Vec<ContextFeature>,
    by_network: ByNetwork,
    clock_hz: f64,
    template: T,
}

impl<T> AcceleratorEnv<T> {
    /// The template, in the setting of the environment.
    pub const fn template(&self) -> &T {
        &self.template
    }
}

impl<T: AcceleratorTemplate> Env for AcceleratorEnv<T> {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let chip = match self.template.chip(design) {
            Ok(chip) => chip,
            Err(broken) => return Ok(broken),
        };
        let cost = match self.template.run(&chip)? {
            Ok(cost) => cost,
            Err(broken) => return Ok(broken),
        };
        let latency_s = cost.latency_s(self.clock_hz);
        let mut metrics = vec![latency_s, cost.energy_j()];
        if T::HAS_ENERGY_DELAY {
            metrics.push(cost.energy_j() * latency_s);
        }
        metrics.extend([self.template.area_m2(&chip), cost.utilization(), cost.mapping_gap()]);
        metrics.extend(self.by_network.values(&cost, self.clock_hz));
        Ok(Outcome::Measured(metrics))
    }

    fn precheck(&self, design: &Design) -> Option<Outcome> {
        self.template.chip(design).err()
    }

    fn breakdown(&self, design: &Design) -> Result<Option<Breakdown>, EvalError> {
        let Ok(chip) = self.template.chip(design) else { return Ok(None) };
        let Ok(cost) = self.template.run(&chip)? else { return Ok(None) };
        let rest_m2 = self.template.area_m2(&chip) - cost.architecture().area_m2();
        let has_rest = rest_m2 > 1e-9 * cost.architecture().area_m2();
        let outside: Vec<_> =
            has_rest.then(|| ("rest of the chip".to_owned(), rest_m2)).into_iter().collect();
        Ok(Some(breakdown(&cost, self.clock_hz, &self.by_network, &outside)))
    }

    fn enforced(&self) -> Vec<Constraint> {
        self.template.enforced()
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["networks", "weights", "batch"]
    }

    fn context(&self) -> Vec<ContextFeature> {
        self.context.clone()
    }
}

impl<T: AcceleratorTemplate> BuildEnv for AcceleratorEnv<T> {
    const ID: &'static str = T::ID;
    const VERSION: u32 = T::VERSION;
    const SUMMARY: &'static str = T::SUMMARY;
    const DESCRIPTION: &'static str = T::DESCRIPTION;
    const FILES: &'static [&'static str] = &["networks"];
    const DESIGNS: Option<u128> = Some(T::DESIGNS);
    type Config = T::Config;

    fn build(config: T::Config) -> Result<Self, ConfigError> {
        let clock_hz = config.clock_hz();
        check("clock_hz", clock_hz, above(0.0))?;
        let workload = config.workload()?;
        let space = DesignSpace::new(T::parameters(), Vec::new())?;
        let space = T::PRODUCTS
            .iter()
            .try_fold(space, |space, (name, of, about)| space.with_product(name, of, about))?;
        let template = T::new(config, &space, &workload)?;
        let by_network = ByNetwork::of(&workload);
        let metrics = metrics::<T>().into_iter().chain(by_network.metrics()).collect();
        Ok(Self { space, metrics, context: T::context(&workload), by_network, clock_hz, template })
    }

    fn default_goal(&self) -> Goal {
        self.template.default_goal()
    }
}

/// How far the mapping of a layer may be from the best: the largest over layers, whatever share of the cost each has.
pub(crate) fn mapping_gap() -> Metric {
    Metric::new(
        "mapping_gap",
        "",
        "largest share by which the mapping of a layer may be above the best in energy times delay; less is better",
    )
}

fn metrics<T: AcceleratorTemplate>() -> Vec<Metric> {
    let mut metrics = vec![
        Metric::new(
            "latency_s",
            "s",
            "time of all layers, one after the other; a weighted sum over the networks",
        ),
        Metric::new("energy_j", "J", T::ENERGY),
    ];
    if T::HAS_ENERGY_DELAY {
        metrics.push(Metric::new("energy_delay_js", "J s", "energy times latency"));
    }
    metrics.extend([
        Metric::new("area_m2", "m2", T::AREA),
        Metric::new("utilization", "", "multiply-accumulates over what the chip could do in that time"),
        mapping_gap(),
    ]);
    metrics
}
