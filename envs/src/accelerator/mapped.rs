//! Templates whose layers are mapped by search: what makes a design infeasible there.

use tapeout_core::{EvalError, Outcome};
use tapeout_simulators::loop_nest::{Architecture, Einsum};
use tapeout_simulators::mapped::MappedWorkload;
use tapeout_simulators::mapper::{MappingConstraints, NoMapping};
use tapeout_simulators::memory::UnbuildableMemory;
use tapeout_simulators::network_cost::NetworkCost;

/// The architecture that was built, or the outcome of a design with a memory slower than the clock.
pub(crate) fn architecture(built: Result<Architecture, UnbuildableMemory>) -> Result<Architecture, Outcome> {
    built.map_err(|error| {
        let violation = error.cause.cycle_s / error.cause.available_s - 1.0;
        Outcome::infeasible(&format!("{}_cycle_time", error.level), violation)
    })
}

/// What `workload` costs on `architecture`, or the outcome of a design with a level too small for the tiles of a layer.
///
/// # Errors
/// [`EvalError`] if a layer cannot be mapped for another reason.
pub(crate) fn run(
    workload: &MappedWorkload,
    architecture: &Architecture,
    dataflow: impl Fn(&Einsum) -> MappingConstraints + Sync,
) -> Result<Result<NetworkCost, Outcome>, EvalError> {
    match workload.run(architecture, dataflow) {
        Ok(cost) => Ok(Ok(cost)),
        Err(NoMapping::Capacity { level, needed, available, .. }) => {
            let violation = needed as f64 / available as f64 - 1.0;
            Ok(Err(Outcome::infeasible(&format!("{level}_capacity"), violation)))
        }
        Err(error) => Err(EvalError::caused_by("a layer cannot be mapped", error)),
    }
}
