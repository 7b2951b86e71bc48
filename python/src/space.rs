//! Design spaces.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use tapeout::core::parameter::Value;
use tapeout::core::space::SpaceError;
use tapeout::core::{Design, DesignSpace, Encoder, Encoding, Seed};

use crate::fault::refused;

/// Levels of `n` designs, shape `[n][d]`, row by row.
pub(crate) type Levels<'py> = PyReadonlyArray2<'py, u32>;

/// Parameters, rules, and the designs that are legal under them.
#[pyclass(frozen, module = "tapeout._native")]
pub(crate) struct Space(pub(crate) DesignSpace);

#[pymethods]
impl Space {
    /// What a design is made of, a dict for each parameter.
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let about = |parameter: &tapeout::core::Parameter| {
            let dict = PyDict::new(py);
            let levels = (0..parameter.n_levels()).map(|level| value(py, &parameter.value(level)));
            dict.set_item("name", parameter.name())?;
            dict.set_item("unit", parameter.unit_name())?;
            dict.set_item("summary", parameter.summary())?;
            dict.set_item("categorical", parameter.is_categorical())?;
            dict.set_item("levels", levels.collect::<PyResult<Vec<_>>>()?)?;
            Ok(dict)
        };
        self.0.parameters().iter().map(about).collect()
    }

    /// Each rule by name, with its text.
    fn rules(&self) -> Vec<(String, String)> {
        self.0.rules().iter().map(|rule| (rule.name().to_owned(), rule.text().to_owned())).collect()
    }

    fn cardinality(&self) -> u128 {
        self.0.cardinality()
    }

    fn fingerprint(&self) -> u64 {
        self.0.fingerprint()
    }

    /// Levels of `n` legal designs drawn uniformly, shape `[n][d]`.
    fn sample<'py>(&self, py: Python<'py>, n: usize, seed: u64) -> PyResult<Bound<'py, PyArray2<u32>>> {
        let most = u32::MAX as usize / self.0.n_parameters().max(1);
        if n > most {
            return Err(PyValueError::new_err(format!("`n`: got {n}, expected at most {most}")));
        }
        let levels = py.detach(|| {
            let mut rng = Seed::new(seed).stream("sample");
            let mut levels = Vec::with_capacity(n * self.0.n_parameters());
            (0..n).for_each(|_| levels.extend_from_slice(self.0.sample(&mut rng).levels()));
            levels
        });
        matrix(py, levels, self.0.n_parameters())
    }

    /// Whether each design is legal, shape `[n]`.
    fn is_legal<'py>(&self, py: Python<'py>, levels: Levels<'_>) -> PyResult<Bound<'py, PyArray1<bool>>> {
        Ok(self.rows(&levels)?.map(|row| self.0.is_legal(row)).collect::<Vec<_>>().into_pyarray(py))
    }

    /// The first rule that levels break, with its text and by how much; none if they are legal. A space that lists its designs has no
    /// rules: what it does not list breaks `not_listed`.
    pub(crate) fn broken(&self, levels: Levels<'_>) -> PyResult<Vec<Option<(String, String, f64)>>> {
        let broken = |row: &[u32]| match self.0.design(row) {
            Ok(_) => Ok(None),
            Err(SpaceError::BreaksRule { rule, text, violation, .. }) => Ok(Some((rule, text, violation))),
            Err(SpaceError::NotListed) => Ok(Some(("not_listed".to_owned(), String::new(), 1.0))),
            Err(error) => Err(refused(&error)),
        };
        self.rows(&levels)?.map(broken).collect()
    }

    /// Levels of the nearest legal designs, shape `[n][d]`.
    pub(crate) fn repair<'py>(
        &self,
        py: Python<'py>,
        levels: Levels<'_>,
    ) -> PyResult<Bound<'py, PyArray2<u32>>> {
        let repaired: Vec<u32> =
            self.rows(&levels)?.flat_map(|row| self.0.repair(row).levels().to_vec()).collect();
        matrix(py, repaired, self.0.n_parameters())
    }

    /// Levels of designs given by their values, shape `[n][d]`; whether they are legal is not asked.
    fn levels_of<'py>(
        &self,
        py: Python<'py>,
        designs: Vec<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyArray2<u32>>> {
        let mut levels = Vec::with_capacity(designs.len() * self.0.n_parameters());
        for design in designs {
            let mut values = Vec::with_capacity(design.len());
            for (name, of) in design {
                values.push((name.cast::<PyString>()?.to_str()?.to_owned(), of_python(&of)?));
            }
            let values = values.iter().map(|(name, value)| (name.as_str(), value.clone()));
            levels.extend(self.0.levels_of(values).map_err(|error| refused(&error))?);
        }
        matrix(py, levels, self.0.n_parameters())
    }

    /// Designs as numbers, shape `[n][d']`, and a name for each column.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        levels: Levels<'_>,
        encoding: &str,
    ) -> PyResult<(Bound<'py, PyArray2<f64>>, Vec<String>)> {
        let encoder = self.encoder(encoding)?;
        let mut numbers = Vec::new();
        for design in self.designs(&levels)? {
            numbers.extend(encoder.encode(&design));
        }
        Ok((matrix(py, numbers, encoder.dimension())?, encoder.columns()))
    }

    /// Levels of the legal designs nearest to encoded ones, shape `[n][d]`.
    fn decode<'py>(
        &self,
        py: Python<'py>,
        numbers: PyReadonlyArray2<'_, f64>,
        encoding: &str,
    ) -> PyResult<Bound<'py, PyArray2<u32>>> {
        let encoder = self.encoder(encoding)?;
        let rows = rows_of(&numbers, encoder.dimension(), "encoded dimensions")?;
        let levels = rows.flat_map(|row| encoder.decode(row).levels().to_vec()).collect();
        matrix(py, levels, self.0.n_parameters())
    }

    /// The parameter to be decided after these levels, in decision order, and the levels that lead on to a legal design; no parameter at
    /// the end.
    fn walk(&self, chosen: Vec<u32>) -> PyResult<(Option<usize>, Vec<u32>)> {
        let mut walk = self.0.walk();
        for (step, level) in chosen.into_iter().enumerate() {
            if !walk.allows(level) {
                let allowed = walk.allowed();
                let message = format!("step {step}: level {level} cannot be chosen; allowed are {allowed:?}");
                return Err(PyValueError::new_err(message));
            }
            walk.choose(level);
        }
        Ok((walk.parameter(), walk.allowed()))
    }
}

impl Space {
    /// The rows of `levels`, each as long as a design.
    fn rows<'a>(&self, levels: &'a Levels<'_>) -> PyResult<impl Iterator<Item = &'a [u32]>> {
        rows_of(levels, self.0.n_parameters(), "parameters")
    }

    /// The designs with these levels.
    ///
    /// # Errors
    /// `ValueError` for the first that is none.
    pub(crate) fn designs(&self, levels: &Levels<'_>) -> PyResult<Vec<Design>> {
        let designs = self.rows(levels)?.map(|row| self.0.design(row));
        designs.map(|design| design.map_err(|error| refused(&error))).collect()
    }

    fn encoder(&self, encoding: &str) -> PyResult<Encoder> {
        let known = [Encoding::LevelIndex, Encoding::UnitCube, Encoding::Log2OneHot, Encoding::OneHot];
        let name = |encoding: &Encoding| serde_json::to_value(encoding).unwrap_or_default();
        let found = known.into_iter().find(|known| name(known) == encoding);
        let encoding = found.ok_or_else(|| {
            let known: Vec<String> = known.iter().map(|known| name(known).to_string()).collect();
            PyValueError::new_err(format!(
                "unknown encoding `{encoding}`; there are {}",
                known.join(", ").replace('"', "")
            ))
        })?;
        Ok(Encoder::new(&self.0, encoding))
    }
}

fn rows_of<'a, T: numpy::Element>(
    matrix: &'a PyReadonlyArray2<'_, T>,
    width: usize,
    of: &str,
) -> PyResult<impl Iterator<Item = &'a [T]>> {
    let got = matrix.as_array().ncols();
    if got != width {
        let message = format!("got rows of {got}, expected {width}, the number of {of}");
        return Err(PyValueError::new_err(message));
    }
    Ok(matrix.as_slice()?.chunks_exact(width))
}

/// Numbers that stand row by row as an array of shape `[n][width]`, which owns them.
pub(crate) fn matrix<T: numpy::Element>(
    py: Python<'_>,
    numbers: Vec<T>,
    width: usize,
) -> PyResult<Bound<'_, PyArray2<T>>> {
    let shape = [numbers.len() / width, width];
    numpy::PyArrayMethods::reshape(&numbers.into_pyarray(py), shape)
}

/// A value as Python has it.
pub(crate) fn value<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Integer(number) => number.into_pyobject(py)?.into_any(),
        Value::Real(number) => number.into_pyobject(py)?.into_any(),
        Value::Text(text) => text.into_pyobject(py)?.into_any(),
    })
}

fn of_python(of: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(text) = of.cast::<PyString>() {
        Ok(Value::from(text.to_str()?))
    } else if let Ok(number) = of.extract::<i64>() {
        Ok(Value::from(number))
    } else if let Ok(number) = of.extract::<f64>() {
        Ok(Value::from(number))
    } else {
        Err(PyTypeError::new_err(format!("{} is neither a number nor a name", of.repr()?)))
    }
}
