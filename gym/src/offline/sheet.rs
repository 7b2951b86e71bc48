//! A sheet for whoever builds or measures designs: what is proposed, what is promised, and room for what comes of it.
//!
//! CSV, a line for each design and workload. Columns: the parameters; `workload`; each metric, empty until it is measured;
//! `infeasible`, for the rule that a design breaks; for each metric `promised.`, `low.` and `high.`; `p_feasible`. Other columns
//! are left alone, and columns of promises may be absent, so any table of measurements with the first of these can be read.

use std::path::Path;

use tapeout_core::{Design, Outcome, Value};
use tapeout_experiment::dataset::Dataset;

use super::OfflineError;
use super::interval::Interval;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetRow {
    /// The index of the workload in the data set.
    pub workload: usize,
    /// The design.
    pub design: Design,
    /// What was promised of each metric; none if the sheet does not say. Shape `[k]`.
    pub promised: Vec<Option<Interval>>,
    /// How likely it was said to be feasible.
    pub p_feasible: Option<f64>,
    /// What came of it; none if it is not known yet.
    pub outcome: Option<Outcome>,
}

/// Writes a sheet.
///
/// # Errors
/// [`OfflineError::File`] if that is not possible.
pub fn write_sheet(path: &Path, dataset: &Dataset, rows: &[SheetRow]) -> Result<(), OfflineError> {
    let failed = |error: csv::Error| OfflineError::File { path: path.to_owned(), source: error.into() };
    let mut file = csv::Writer::from_path(path).map_err(failed)?;
    let parameters = dataset.space().parameters().iter().map(|it| it.name().to_owned());
    let metrics = || dataset.metrics().iter().map(|it| it.name.clone());
    let promises = metrics().flat_map(|it| ["promised", "low", "high"].map(|word| format!("{word}.{it}")));
    let mut names: Vec<String> = parameters.collect();
    names.push("workload".to_owned());
    names.extend(metrics());
    names.push("infeasible".to_owned());
    names.extend(promises);
    names.push("p_feasible".to_owned());
    file.write_record(&names).map_err(failed)?;
    for row in rows {
        let mut cells: Vec<String> =
            dataset.space().values(&row.design).map(|(_, value)| value.to_string()).collect();
        cells.push(dataset.workloads()[row.workload].name.clone());
        let measured = row.outcome.as_ref().and_then(Outcome::metrics);
        cells.extend(
            (0..dataset.metrics().len())
                .map(|it| measured.map_or_else(String::new, |measured| format!("{:?}", measured[it]))),
        );
        cells.push(match &row.outcome {
            Some(Outcome::Infeasible { rule, .. }) => rule.clone(),
            _ => String::new(),
        });
        for promised in &row.promised {
            let number = |number: f64| format!("{number:?}");
            let interval = promised.map(|it| [it.middle, it.low, it.high].map(number));
            cells.extend(interval.unwrap_or_default());
        }
        cells.push(row.p_feasible.map_or_else(String::new, |it| format!("{it:?}")));
        file.write_record(&cells).map_err(failed)?;
    }
    file.flush().map_err(|source| OfflineError::File { path: path.to_owned(), source })
}

/// Reads a sheet for the data set: its parameters, metrics and workloads.
///
/// # Errors
/// [`OfflineError`] if it cannot be read, lacks a parameter or a metric, or a line is no design of the space or is only partly
/// measured.
pub fn read_sheet(path: &Path, dataset: &Dataset) -> Result<Vec<SheetRow>, OfflineError> {
    let content =
        |field: String, message: String| OfflineError::Content { path: path.to_owned(), field, message };
    let failed = |error: csv::Error| content("CSV".to_owned(), error.to_string());
    let mut file = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(failed)?;
    let names: Vec<String> = file.headers().map_err(failed)?.iter().map(str::to_owned).collect();
    let places = Places::new(&names, dataset)
        .map_err(|name| content(name.clone(), format!("is no column; there are {}", names.join(", "))))?;
    let mut rows = Vec::new();
    for record in file.records() {
        let record = record.map_err(failed)?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = places.row(&record, dataset);
        rows.push(row.map_err(|(field, message)| content(format!("line {line}, {field}"), message))?);
    }
    Ok(rows)
}

/// Where each column is.
struct Places {
    parameters: Vec<usize>,
    metrics: Vec<usize>,
    workload: Option<usize>,
    infeasible: Option<usize>,
    promised: Vec<Option<[usize; 3]>>,
    p_feasible: Option<usize>,
}

impl Places {
    /// The name of the first column that is missing, else.
    fn new(names: &[String], dataset: &Dataset) -> Result<Self, String> {
        let at = |name: &str| names.iter().position(|it| it == name);
        let needed = |name: &str| at(name).ok_or_else(|| name.to_owned());
        let parameters = dataset.space().parameters().iter();
        let metrics = || dataset.metrics().iter().map(|it| it.name.as_str());
        let promised = |name: &str| {
            let [middle, low, high] = ["promised", "low", "high"].map(|word| at(&format!("{word}.{name}")));
            Some([middle?, low?, high?])
        };
        Ok(Self {
            parameters: parameters.map(|it| needed(it.name())).collect::<Result<_, _>>()?,
            metrics: metrics().map(needed).collect::<Result<_, _>>()?,
            workload: at("workload"),
            infeasible: at("infeasible"),
            promised: metrics().map(promised).collect(),
            p_feasible: at("p_feasible"),
        })
    }

    fn row(&self, record: &csv::StringRecord, dataset: &Dataset) -> Result<SheetRow, (String, String)> {
        let number = |place: usize| record[place].parse::<f64>().ok().filter(|it| it.is_finite());
        let workload = match self.workload.map(|place| &record[place]) {
            Some(name) => {
                dataset.workload_index(name).map_err(|it| ("workload".to_owned(), it.to_string()))?
            }
            None if dataset.workloads().len() == 1 => 0,
            None => return Err(("workload".to_owned(), "is no column, and there are several".to_owned())),
        };
        let space = dataset.space();
        let values = space.parameters().iter().zip(&self.parameters).map(|(parameter, &place)| {
            let as_number = number(place).filter(|_| !parameter.is_categorical()).map(Value::number);
            (parameter.name(), as_number.unwrap_or_else(|| Value::from(&record[place])))
        });
        let design = space.design_of(values).map_err(|it| ("design".to_owned(), it.to_string()))?;
        let measured: Vec<Option<f64>> = self.metrics.iter().map(|&place| number(place)).collect();
        let rule = self.infeasible.map(|place| &record[place]).filter(|rule| !rule.is_empty());
        let outcome = match rule {
            Some(rule) => {
                Some(Outcome::infeasible(&rule.split_whitespace().collect::<Vec<_>>().join("_"), 1.0))
            }
            None if self.metrics.iter().all(|&place| record[place].is_empty()) => None,
            None => match measured.iter().position(Option::is_none) {
                None => Some(Outcome::Measured(measured.into_iter().flatten().collect())),
                Some(index) => {
                    let got = &record[self.metrics[index]];
                    let name = dataset.metrics()[index].name.clone();
                    return Err((
                        name,
                        format!("got `{got}`, expected a finite number, or none in the whole line"),
                    ));
                }
            },
        };
        let promise = |places: &Option<[usize; 3]>| {
            let [middle, low, high] = (*places)?;
            Some(Interval { low: number(low)?, middle: number(middle)?, high: number(high)? })
        };
        let promised = self.promised.iter().map(promise).collect();
        Ok(SheetRow { workload, design, promised, p_feasible: self.p_feasible.and_then(number), outcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_experiment::dataset::import::columns::LogColumns;
    use tapeout_experiment::dataset::import::import;
    use tempfile::TempDir;

    fn dataset(folder: &TempDir) -> Dataset {
        let path = folder.path().join("log.csv");
        std::fs::write(&path, "x,kind,t,e\n5,a,1,2\n6,b,3,4\n").unwrap();
        let columns = "name = 'a'\ngoal.objectives = ['t']\nmetrics = [{ column = 't' }, { column = 'e' }]\n\
            parameters = [{ column = 'x' }, { column = 'kind', kind = 'category' }]";
        import(&[path], &LogColumns::parse(columns).unwrap()).unwrap().dataset
    }

    // Claim: what is written is read, promises and outcomes of all kinds.
    #[test]
    fn a_sheet_goes_there_and_back() {
        let folder = TempDir::new().unwrap();
        let dataset = dataset(&folder);
        let row = |rank: u128, outcome: Option<Outcome>| SheetRow {
            workload: 0,
            design: dataset.space().unrank(rank),
            promised: vec![Some(Interval { low: 0.1, middle: 0.25, high: 1e-7 }), None],
            p_feasible: Some(0.75),
            outcome,
        };
        let broken = Outcome::infeasible("too_hot", 1.0);
        let rows = [row(0, None), row(1, Some(Outcome::Measured(vec![0.1, 3e8]))), row(3, Some(broken))];
        let path = folder.path().join("sheet.csv");
        write_sheet(&path, &dataset, &rows).unwrap();
        assert_eq!(read_sheet(&path, &dataset).unwrap(), rows);
    }

    // Claim: a table of measurements needs no more than parameters and metrics; what is wrong in it is named by line.
    #[test]
    fn a_table_of_measurements_is_a_sheet() {
        let folder = TempDir::new().unwrap();
        let dataset = dataset(&folder);
        let path = folder.path().join("measured.csv");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_sheet(&path, &dataset).map_err(|error| error.to_string())
        };
        let rows = read("e,kind,who,x,t\n2,b,me,5,7\n").unwrap();
        assert_eq!(rows[0].outcome, Some(Outcome::Measured(vec![7.0, 2.0])));
        assert!(
            read("e,kind,x,t\n2,b,5,\n")
                .unwrap_err()
                .ends_with("`line 2, t`: got ``, expected a finite number, or none in the whole line")
        );
        assert!(read("e,kind,x,t\n2,b,7,1\n").unwrap_err().contains("parameter `x`: 7 is not a level"));
        assert!(read("e,kind,x\n2,b,7\n").unwrap_err().contains("`t`: is no column; there are e, kind, x"));
    }
}
