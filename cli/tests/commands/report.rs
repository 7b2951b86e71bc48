//! Reports: what is in the file, and, where a browser is installed, what people can do with it.

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::Page;
use crate::scratch::Scratch;

/// A run of 80 designs with two objectives in `run`, and its report.
fn reported() -> Scratch {
    let here = Scratch::new();
    let objectives = ["--objective", "time_s", "--objective", "energy_j"];
    let env = ["search", "--env", "dram-controller", "--set", "env.requests=500"];
    let search = ["--agent", "random", "--trials", "80", "--quiet", "--out", "run"];
    here.data(&[&env[..], &search, &objectives].concat());
    assert_eq!(here.data(&["report", "run"]), "run/report.html\n");
    here
}

/// The trials of a log, and those of them that were measured.
fn log(here: &Scratch) -> Vec<Value> {
    here.read("run/trials.jsonl")
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str(line).expect("a trial"))
        .collect()
}

#[test]
fn a_report_is_one_file_that_names_the_run_and_carries_the_licence_of_its_charts() {
    let here = reported();
    let html = here.read("run/report.html");
    for text in
        ["dram-controller searched by random", "Apache License", "default-src 'none'", "tapeout evaluate run"]
    {
        assert!(html.contains(text), "{text}");
    }
    let said: Value =
        serde_json::from_str(&here.data(&["report", "run", "--out", "other.html", "--json"])).unwrap();
    assert_eq!(said, json!({ "schema": 1, "report": "other.html" }));
    assert_eq!(here.read("other.html"), html, "the same run makes the same page");
}

#[test]
fn what_cannot_be_reported_is_named() {
    let here = Scratch::new();
    let complaint = here.complaint(2, &["report", "nothing"]);
    assert!(complaint.contains("nothing"), "{complaint}");
    std::fs::create_dir(here.path("empty")).unwrap();
    assert!(here.complaint(2, &["report", "empty"]).contains("no run, no comparison and no data set"));
    here.write("proposals.json", "{}");
    assert!(here.complaint(2, &["report", "proposals.json"]).contains("proposals.json"));
}

// Claim: the table filters, sorts and exports what the log says, by keyboard too; nothing is loaded, and nothing is complained of.
#[test]
fn the_table_of_a_report_filters_sorts_and_exports() {
    let here = reported();
    let Some(mut page) = Page::open(&here.path("run/report.html")) else { return };
    assert_eq!(page.text("document.querySelector('#rows').textContent"), "80 of 80 trials, page 1 of 2");
    page.press("Tab", 9);
    assert_eq!(page.text("document.activeElement.textContent"), "Skip to the table");

    page.say("document.querySelector('[aria-label=\"Filter trial\"]').focus()");
    page.call("Input.insertText", &json!({ "text": "20..29" }));
    page.settle();
    assert_eq!(page.text("document.querySelector('#rows').textContent"), "10 of 80 trials, page 1 of 1");

    let head = "document.querySelector('th[data-name=\"time_s\"]')";
    page.say(&format!("{head}.querySelector('button').focus()"));
    page.press("Enter", 13);
    assert_eq!(page.text(&format!("{head}.getAttribute('aria-sort')")), "ascending");
    let mut times: Vec<(usize, f64)> = (20..30)
        .filter_map(|trial| Some((trial, log(&here)[trial]["outcome"]["measured"]["time_s"].as_f64()?)))
        .collect();
    times.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let first = page.text("document.querySelector('#table tbody td').textContent");
    assert_eq!(first, times[0].0.to_string(), "the fastest of them stands first: {times:?}");

    page.say("URL.createObjectURL = (blob) => { window.saved = blob; return 'data:,'; }");
    page.say("[...document.querySelectorAll('button')].find((it) => it.textContent.includes('CSV')).click()");
    let csv = page.text("window.saved.text()");
    let lines: Vec<&str> = csv.trim_end().split("\r\n").collect();
    assert_eq!((lines.len(), &lines[0][..18]), (11, "trial,time_s,energ"));
    for (line, (trial, time_s)) in lines[1..].iter().zip(&times) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[0], trial.to_string());
        assert_eq!(cells[1].parse::<f64>().unwrap().to_bits(), time_s.to_bits(), "to the last bit");
    }
    assert_eq!(page.complaints(), Vec::<String>::new());
}

// Claim: what is pointed at is shown, what is clicked is copied, and the command that is copied evaluates that trial.
#[test]
fn a_design_of_the_front_is_shown_and_copied() {
    let here = reported();
    let Some(mut page) = Page::open(&here.path("run/report.html")) else { return };
    page.say("document.querySelector('#front').scrollIntoView()");
    let trial = page.say("report.runs[0].front[0]").as_u64().unwrap() as usize;
    let place = "(() => { const run = report.runs[0], chart = choose.front; \
        const at = chart.instance.convertToPixel('grid', ['time_s', 'energy_j'].map((name) => column(run, name).number(run.front[0]))); \
        const box = chart.canvas.getBoundingClientRect(); return [box.left + at[0], box.top + at[1]]; })()";
    let at = page.say(place);
    let at = [0, 1].map(|axis| at[axis].as_f64().unwrap());
    page.mouse("mouseMoved", at);
    let tip = page.text("document.querySelector('#front .tip').textContent");
    assert!(tip.starts_with(&format!("trial {trial}, on the front")), "{tip}");

    page.mouse("mousePressed", at);
    page.mouse("mouseReleased", at);
    let said = page.text("document.querySelector('#said').textContent");
    for (name, value) in log(&here)[trial]["design"].as_object().unwrap() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert!(said.contains(&format!("{name}={value}")), "{said}");
    }
    let choose = "[...document.querySelectorAll('#front select')].at(-1)";
    page.say(&format!("{choose}.value = 'command'; {choose}.dispatchEvent(new Event('change'))"));
    page.mouse("mousePressed", at);
    page.mouse("mouseReleased", at);
    let said = page.text("document.querySelector('#said').textContent");
    assert_eq!(said, format!("Copied: tapeout evaluate run {trial}"));
    let evaluated: Value =
        serde_json::from_str(&here.data(&["evaluate", "run", &trial.to_string(), "--json"])).unwrap();
    let logged = &log(&here)[trial]["outcome"]["measured"]["time_s"];
    assert_eq!(evaluated["designs"][0]["metrics"]["time_s"], *logged);
    assert_eq!(page.complaints(), Vec::<String>::new());
}

// Claim: a brush along an axis keeps in the table what lies there, counted here from the columns; and lets all in again.
#[test]
fn a_brush_keeps_what_lies_under_it() {
    let here = reported();
    let Some(mut page) = Page::open(&here.path("run/report.html")) else { return };
    page.say("document.querySelector('#parallel').scrollIntoView({ block: 'end' })");
    page.settle();
    let axis = page.say("(() => { const box = document.querySelector('#parallel .chart').getBoundingClientRect(); return [box.left + 60, box.top + 110, box.bottom - 30]; })()");
    let [x, top, bottom] = [0, 1, 2].map(|index| axis[index].as_f64().unwrap());
    page.drag([x, bottom - 2.0], [x, f64::midpoint(top, bottom)]);
    let kept = page.say("report.runs[0].chosen.reduce((sum, one) => sum + one, 0)").as_u64().unwrap();
    assert!(0 < kept && kept < 80, "{kept} are kept");
    assert!(
        page.text("document.querySelector('#rows').textContent").starts_with(&format!("{kept} of 80 trials"))
    );
    let within = "(() => { const run = report.runs[0], time = column(run, 'time_s'); \
        const [low, high] = range(time, trialsWhere(run, (_, trial) => run.chosen[trial])); \
        return trialsWhere(run, (_, trial) => time.number(trial) >= low && time.number(trial) <= high).length; })()";
    assert_eq!(page.say(within), json!(kept), "what is kept is a stretch of the axis, and all of it");
    page.say("[...document.querySelectorAll('#parallel button')][0].click()");
    assert!(page.text("document.querySelector('#rows').textContent").starts_with("80 of 80 trials"));
    assert_eq!(page.complaints(), Vec::<String>::new());
}

// Claim: whoever listens finds headings, the table with its heads, and a word about each chart; dark and light follow the system.
#[test]
fn a_report_can_be_listened_to_and_follows_the_colours_of_the_system() {
    let here = reported();
    let Some(mut page) = Page::open(&here.path("run/report.html")) else { return };
    let tree = page.call("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let is_there = |role: &str, name: &str| {
        let is_it = |node: &&Value| {
            node["role"]["value"] == role
                && node["name"]["value"].as_str().is_some_and(|it| it.starts_with(name))
        };
        nodes.iter().any(|node| is_it(&node))
    };
    for (role, name) in [
        ("heading", "Trials"),
        ("region", "Table of trials"),
        ("columnheader", "time_s"),
        ("searchbox", "Filter time_s"),
        ("image", "Chart: designs over"),
    ] {
        assert!(is_there(role, name), "{role} {name}");
    }
    let mut grounds = Vec::new();
    for theme in ["light", "dark"] {
        page.call(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }] }),
        );
        page.settle();
        assert_eq!(page.text("document.documentElement.dataset.theme"), theme);
        grounds.push(page.text("getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(grounds[0], grounds[1]);
    page.say("document.getElementById('theme').click()");
    assert_eq!(page.text("document.documentElement.dataset.theme"), "light");
    assert_eq!(page.complaints(), Vec::<String>::new());
}

#[test]
fn a_comparison_a_data_set_and_several_runs_open_without_complaint() {
    let here = Scratch::new();
    here.data(&[
        "compare",
        "--env",
        "recorded-kernel",
        "--agents",
        "random,ga,sa",
        "--seeds",
        "3",
        "--trials",
        "30",
        "--out",
        "compared",
    ]);
    here.data(&["report", "compared"]);
    here.data(&[
        "report",
        "compared/recorded-kernel/ga/0",
        "compared/recorded-kernel/random/0",
        "--out",
        "two.html",
    ]);
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/datasets/edge-accelerator");
    here.data(&["report", data.to_str().unwrap(), "--out", "data.html"]);
    let Some(mut page) = Page::open(&here.path("compared/report.html")) else { return };
    let ranks = page.text("document.querySelector('#ranks table').textContent");
    assert!(["random", "ga", "sa"].iter().all(|agent| ranks.contains(agent)), "{ranks}");
    assert!(page.text("document.querySelector('#cost table').textContent").contains("ga"));
    assert_eq!(page.complaints(), Vec::<String>::new());
    for (file, title) in [("two.html", "2 runs: ga/0, random/0"), ("data.html", "data set edge-accelerator")]
    {
        page.go_to(&here.path(file));
        if file == "data.html" {
            assert_eq!(page.text("document.querySelector('h1').textContent"), title);
        }
        page.say("document.querySelector('#run select').selectedIndex = 1; document.querySelector('#run select').dispatchEvent(new Event('change'))");
        page.say("charts.forEach((it) => it.begin())");
        assert_eq!(page.complaints(), Vec::<String>::new(), "{file}");
    }
}
