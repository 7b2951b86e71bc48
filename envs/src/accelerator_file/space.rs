//! The space of a file's parameters and rules.

use tapeout_core::{ConfigError, DesignSpace, Parameter, Rule};
use tapeout_simulators::accelerator_file::{AcceleratorFile, FileParameter, FileRule, Levels};

/// All settings of the parameters of `file` that satisfy its rules.
///
/// # Errors
/// [`ConfigError`] naming the parameter or rules.
pub(super) fn of(file: &AcceleratorFile) -> Result<DesignSpace, ConfigError> {
    if file.parameters().is_empty() {
        let message =
            "the file has no `[parameters]`, so there is one design, which `tapeout simulate` takes";
        return Err(ConfigError::new("architecture", message));
    }
    let parameters: Vec<Parameter> = file.parameters().iter().map(parameter).collect();
    let rules = file.rules().iter().map(|it| rule(it, file.parameters())).collect();
    DesignSpace::new(parameters, rules).map_err(|error| ConfigError::new("architecture", error.to_string()))
}

fn parameter(from: &FileParameter) -> Parameter {
    let parameter = match &from.levels {
        Levels::Numbers(numbers) => Parameter::ordinal(&from.name, numbers.iter().copied()),
        Levels::Range(low, high, step) => Parameter::integer_step(&from.name, *low, *high, *step),
        Levels::Names(names) => {
            Parameter::categorical(&from.name, &names.iter().map(String::as_str).collect::<Vec<_>>())
        }
    };
    parameter.unit(&from.unit).about(&from.about)
}

fn rule(from: &FileRule, parameters: &[FileParameter]) -> Rule {
    let scope: Vec<String> = from.scope().map(|index| parameters[index].name.clone()).collect();
    let names: Vec<&str> = scope.iter().map(String::as_str).collect();
    let (own, asked) = (from.clone(), scope.clone());
    Rule::new(from.name(), from.text(), &names, move |assignment| {
        own.holds(&asked.iter().map(|name| assignment.value(name).clone()).collect::<Vec<_>>())
    })
}
