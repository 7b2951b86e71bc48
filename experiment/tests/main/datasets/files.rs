//! Tables and manifests of data sets on disk: what survives, and what is refused.

use super::*;

/// Law: reading undoes writing, in both formats, and the same data set gives the same bytes.
#[test]
fn both_formats_keep_every_bit() {
    let (_folder, dataset) = generated(&["small", "enormous+small bits=4"], 32);
    assert!(dataset.rows().iter().any(|row| !row.is_feasible()));
    for format in [TableFormat::Parquet, TableFormat::Csv] {
        let folder = TempDir::new().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        dataset.write(&one, format).unwrap();
        let read = Dataset::read(&catalog(), &one).unwrap();
        assert_eq!(read, dataset);
        read.write(&two, format).unwrap();
        for file in ["dataset.toml", format.file_name()] {
            assert_eq!(fs::read(one.join(file)).unwrap(), fs::read(two.join(file)).unwrap());
        }
        let error = dataset.write(&one, format).unwrap_err();
        assert!(matches!(error, DatasetError::Exists { .. }), "{error}");
    }
}

#[test]
fn csv_reads_as_documented() {
    let (_folder, dataset) = generated(&["small"], 32);
    let folder = TempDir::new().unwrap();
    dataset.write(folder.path(), TableFormat::Csv).unwrap();
    let text = fs::read_to_string(folder.path().join("table.csv")).unwrap();
    assert!(text.starts_with(
        "workload,design.rows,design.share,\"design.order, \"\"x\"\"\",measured.cost,measured.rate,\
         infeasible.rule,infeasible.violation,source,trial\n"
    ));
    assert!(
        text.contains("small,6,0.30000000000000004,\"column,\nnext\",,,\"too, \"\"wide\"\"\",2.0,0,"),
        "{text}"
    );
}

/// What each damage is called, and that there is a remedy.
#[test]
fn damaged_files_are_refused_by_file_and_field() {
    let (_folder, dataset) = generated(&["small"], 32);
    let complaint = |damage: &dyn Fn(&Path)| {
        let folder = TempDir::new().unwrap();
        dataset.write(folder.path(), TableFormat::Csv).unwrap();
        damage(folder.path());
        let error = Dataset::read(&catalog(), folder.path()).unwrap_err();
        hinted(&error);
        let prefix = format!("{}", folder.path().display());
        error.to_string().strip_prefix(&prefix).expect("the file is named").to_owned()
    };
    let edit = |file: &'static str, from: &'static str, to: &'static str| {
        complaint(&move |folder: &Path| {
            let path = folder.join(file);
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{from} is not in {text}");
            fs::write(&path, text.replacen(from, to, 1)).unwrap();
        })
    };
    let cut = complaint(&|folder| {
        let table = folder.join("table.csv");
        let bytes = fs::read(&table).unwrap();
        fs::write(&table, &bytes[..bytes.len() / 2]).unwrap();
    });
    assert!(cut.starts_with("/table.csv: ") && cut.ends_with("the file was cut short"), "{cut}");
    let edited = edit("table.csv", "small,6", "small,5");
    assert!(edited.starts_with("/table.csv: the file was edited or damaged: its SHA-256 is "), "{edited}");
    let gone = complaint(&|folder| fs::remove_file(folder.join("table.csv")).unwrap());
    assert_eq!(gone, "/table.csv: cannot read the table");
    let gone = complaint(&|folder| fs::remove_file(folder.join("dataset.toml")).unwrap());
    assert_eq!(gone, ": there is no data set in this folder: `dataset.toml` is missing");
    let of_manifest = |from, to| edit("dataset.toml", from, to);
    assert_eq!(
        of_manifest("schema = 2", "schema = 1"),
        "/dataset.toml: `schema`: got 1; this program reads 2"
    );
    assert_eq!(
        of_manifest("high = 7", "high = 8"),
        "/dataset.toml: `space`: not the space of environment `networks` here: levels of parameter `rows`: \
         got 0..=8, expected 0..=7"
    );
    assert_eq!(of_manifest("rows = 32", "rows = 31"), "/table.csv: 32 rows, but the manifest says 31");
    let infeasible = of_manifest("infeasible = 8", "infeasible = 7");
    assert_eq!(infeasible, "/table.csv: 8 infeasible rows of workload `small`, but the manifest says 7");
    assert_eq!(
        of_manifest("file = \"table.csv\"", "file = \"../table.csv\""),
        "/dataset.toml: `table.file`: got `../table.csv`, expected the name of a file in the same folder"
    );
    let field = of_manifest("is_noisy = false", "is_noisy = 3");
    assert!(field.starts_with("/dataset.toml: `is_noisy`: invalid type: integer `3`"), "{field}");
    let cut = of_manifest("[[sources]]", "[[sources");
    assert!(cut.starts_with("/dataset.toml: "), "{cut}");
}

/// Someone who means to edit a table writes its new checksum down; what is then wrong in a row is told by row and column.
#[test]
fn a_wrong_cell_is_named_by_row_and_column() {
    let (_folder, dataset) = generated(&["small"], 32);
    let complaint = |from: &str, to: &str| {
        let folder = TempDir::new().unwrap();
        dataset.write(folder.path(), TableFormat::Csv).unwrap();
        let (table, manifest) = (folder.path().join("table.csv"), folder.path().join("dataset.toml"));
        let text = fs::read_to_string(&table).unwrap();
        fs::write(&table, text.replacen(from, to, 1)).unwrap();
        // As somebody would who means the edit: first the length, then the checksum that the message tells.
        let mut text = fs::read_to_string(&manifest).unwrap();
        if let DatasetError::TableLength { got, expected, .. } =
            Dataset::read(&catalog(), folder.path()).unwrap_err()
        {
            text = text.replace(&format!("bytes = {expected}"), &format!("bytes = {got}"));
            fs::write(&manifest, &text).unwrap();
        }
        let DatasetError::TableChecksum { got, expected, .. } =
            Dataset::read(&catalog(), folder.path()).unwrap_err()
        else {
            panic!("the edit went unseen")
        };
        fs::write(&manifest, text.replace(&expected, &got)).unwrap();
        let error = Dataset::read(&catalog(), folder.path()).unwrap_err();
        let text = error.to_string();
        let (_, at) = text.split_once("table.csv: row ").expect("the row is named");
        at.split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(
        complaint(",0.30000000000000004,", ",0.3,"),
        "column `design.share`: 0.3 is not a level; levels are 0.1, 0.30000000000000004"
    );
    assert_eq!(
        complaint("\nsmall,", "\nsmell,"),
        "column `workload`: workload `smell` is not in the manifest; did you mean `small`?"
    );
    assert_eq!(complaint(",2.0,0,", ",,0,"), "column `infeasible.violation`: is empty, yet a rule is broken");
    assert_eq!(complaint(",2.0,0,", ",inf,0,"), "column `infeasible.violation`: inf is not finite");
    assert_eq!(complaint(",2.0,0,", ",2.0,1,"), "column `source`: got 1, but the manifest lists 1 sources");
    assert_eq!(
        complaint(",\"too, \"\"wide\"\"\",2.0,", ",,,"),
        "column `measured.cost`: is empty, yet no rule is broken"
    );
}
