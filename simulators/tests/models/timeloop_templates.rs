//! Files of Timeloop as people write them: templates of Jinja that include each other, with expressions and inherited attributes.

use std::fs;
use std::path::{Path, PathBuf};

use tapeout_simulators::loop_nest::timeloop::{TimeloopDesign, TimeloopLayer, read_design};
use tapeout_simulators::networks::{NetworkForm, import_network, read_network};
use tempfile::TempDir;

/// A folder like that of Timeloop's exercises: a template on top, an architecture in a folder of its own, layers over a common base.
const FILES: [(&str, &str); 6] = [
    (
        "designs/top.yaml.jinja2",
        "\
# Read by {{cwd()}}
{{add_to_path(cwd())}}
globals: {version: 0.4}
{% set other = cwd() ~ '/' ~ chip ~ '/problem.yaml' %}
{% if path_exists(other) %}
  {% set problem = other %}
{% endif %}
{%set problem = problem | default('_include/problem.yaml')%}
problem: {{include(problem, 'problem')}}
architecture: {{include(cwd() ~ '/' ~ chip ~ '/arch.yaml', 'architecture')}}
variables: {version: 0.4, words: 4 * 8, kib: {{kib|default(2)}}}
components:
  classes: {{include_all('_components/*.yaml', 'compound_components.classes')}}
",
    ),
    (
        "designs/chip/arch.yaml",
        "\
architecture:
  version: 0.4
  nodes:
  - !Container
    name: system
    attributes: {datawidth: 8, technology: 45nm}
  - !Component
    name: DRAM
    class: DRAM
    attributes: {width: 64}
  - !Container
    name: PE
    spatial: {meshX: words / 2}
  - !Parallel
    nodes:
    - !Component
      name: buffer
      class: storage
      attributes: {width: words, depth: kib * 1024 / (width / 8)}
      constraints: {dataspace: {keep: [Inputs]}}
    - !Nothing {constraints: {dataspace: {keep: [Outputs]}}}
  {% if mac|default(True) %}
  - !Component
    name: mac
    class: intmac
  {% endif %}
",
    ),
    (
        "designs/_include/problem.yaml",
        "problem:\n  instance: {C: 3, M: 8, P: 4, Q: 4, R: 3, S: 3, Wstride: 2}\n",
    ),
    ("designs/_components/one.yaml", "compound_components: {classes: [{name: one}]}\n"),
    (
        "layers/base.yaml",
        "\
base: &base
  version: 0.4
  instance: {I: 1, J: 1, L: 1}
  shape:
    dimensions: [I, J, L]
    data_spaces:
    - {name: A, projection: [[[I]], [[L]]]}
    - {name: B, projection: [[[L]], [[J]]]}
    - {name: Z, projection: [[[I]], [[J]]], read_write: true}
",
    ),
    (
        "layers/net/0.yaml",
        "{{include_text('../base.yaml')}}\nproblem:\n  <<<: *base\n  instance: {I: 3, J: 5}\n",
    ),
];

fn folder(edits: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in FILES.iter().chain(edits) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn read(path: &Path, definitions: &[(&str, &str)]) -> Result<TimeloopDesign, String> {
    let text = fs::read_to_string(path).expect("a file");
    let definitions: Vec<(String, String)> =
        definitions.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    read_design(&[(path.to_str().expect("a path in UTF-8"), &text)], &definitions)
        .map_err(|error| error.to_string())
}

fn top(folder: &TempDir) -> PathBuf {
    folder.path().join("designs/top.yaml.jinja2")
}

/// By hand: 32 bits are 4 words of the inherited 8; 2 KiB in rows of 4 byte are 512 rows, 2048 words; 16 elements in x.
#[test]
fn a_template_is_read_with_all_that_it_includes() {
    let folder = folder(&[]);
    let design = read(&top(&folder), &[("chip", "chip")]).unwrap();
    let machine = design.architecture.unwrap();
    let levels: Vec<(&str, u64, u64, Option<u64>)> = machine
        .levels()
        .iter()
        .map(|level| (level.name.as_str(), level.instances, level.block_words, level.entries))
        .collect();
    assert_eq!(levels, [("buffer", 16, 4, Some(2048)), ("DRAM", 1, 8, None)]);
    assert_eq!((machine.mac().instances, machine.mac().word_bits), (16, 8));
    let TimeloopLayer::Convolution { in_channels, stride, .. } = design.problem.unwrap().layer else {
        panic!("no convolution")
    };
    assert_eq!((in_channels, stride), (3, [2, 1]));
    // What is not read is named by the included file and its own line.
    let unread: Vec<String> = design.unread.iter().map(ToString::to_string).collect();
    let arch = folder.path().join("designs/chip/arch.yaml");
    let expected =
        format!("{}:20: `constraints` of `buffer` is not read: mappings are free of them", arch.display());
    assert_eq!(unread, [expected]);
    let wide = read(&top(&folder), &[("chip", "chip"), ("kib", "8")]).unwrap().architecture.unwrap();
    assert_eq!(wide.levels()[0].entries, Some(8192));
}

#[test]
fn a_layer_of_a_common_base_is_a_network_like_any_file() {
    let folder = folder(&[]);
    let path = folder.path().join("layers/net/0.yaml");
    assert_eq!(read_network(&path).unwrap().macs(), 3 * 5, "sizes of the base that are not given stay");
    let templates = folder.path().join("layers/net/0.jinja2");
    fs::copy(&path, &templates).unwrap();
    assert_eq!(import_network(&templates, &Default::default()).unwrap().form, NetworkForm::Timeloop);
    // A size under a name that the shape has not is listed.
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("J: 5", "j: 5")).unwrap();
    let imported = import_network(&path, &Default::default()).unwrap();
    assert_eq!((imported.network.macs(), imported.left_out[0].operator.as_str()), (3, "j"));
}

/// Claim: what is wrong is named by the file in which it stands and its line there, whatever was included, left out or repeated before.
#[test]
fn lines_are_those_of_the_files() {
    let at = |edits: &[(&str, &str)], path: &str, definitions: &[(&str, &str)]| {
        let folder = folder(edits);
        let error = read(&folder.path().join(path), definitions).unwrap_err();
        error.replace(&format!("{}/", folder.path().display()), "")
    };
    let layer = "layers/net/0.yaml";
    // Behind an included text of nine lines.
    let behind = "{{include_text('../base.yaml')}}\nproblem:\n  <<<: *base\n  instance: {I: many}\n";
    assert_eq!(at(&[(layer, behind)], layer, &[]), "layers/net/0.yaml:4: `I` is `many`, expected a number");
    // Within it.
    let base = FILES[4].1.replace("[[L]], [[J]]", "[[W]], [[J]]");
    assert_eq!(
        at(&[("layers/base.yaml", &base)], layer, &[]),
        "layers/base.yaml:8: `W` is not among the dimensions"
    );
    // Behind a branch that is left out, a comment of two lines and a loop.
    let loops = "{% if False %}\nx: 1\n{% endif %}\n{# one\ntwo #}\n{%- for i in [1, 2] %}\ny{{i}}: 1\n{% endfor -%}\n\nproblem:\n  instance: {C: none}\n";
    assert_eq!(at(&[(layer, loops)], layer, &[]), "layers/net/0.yaml:11: `C` is `none`, expected a number");
    // Faults of templates themselves.
    assert_eq!(
        at(&[], "designs/top.yaml.jinja2", &[]),
        "designs/top.yaml.jinja2:4: a name of the template stands for nothing"
    );
    assert_eq!(
        at(&[], "designs/top.yaml.jinja2", &[("chip", "ship")]),
        "designs/top.yaml.jinja2:10: there is no file `designs/ship/arch.yaml`"
    );
    let arch = FILES[1].1.replace("name: DRAM\n", "name: [\n");
    assert!(
        at(&[("designs/chip/arch.yaml", &arch)], "designs/top.yaml.jinja2", &[("chip", "chip")])
            .starts_with("designs/chip/arch.yaml:")
    );
}

/// Claim: a file from outside reads nothing but its neighbours, and costs what it is worth or is refused.
#[test]
fn what_a_template_may_do_is_bounded() {
    let layer = "layers/net/0.yaml";
    let refusal = |text: &str| {
        let folder = folder(&[
            (layer, text),
            ("secret.yaml", "a: 1\n"),
            ("layers/key.txt", "b: 1\n"),
            ("layers/long.yaml", &"# y\n".repeat(250_000)),
        ]);
        let error = read(&folder.path().join(layer), &[]).unwrap_err();
        error
            .replace(&format!("{}/", folder.path().display()), "")
            .replace(&folder.path().display().to_string(), "HERE")
    };
    assert!(refusal("{{include_text('../../secret.yaml')}}").contains("is not below "));
    assert!(refusal("{{include_text('/etc/hosts')}}").contains("which is what may be included"));
    assert!(refusal("{{include_text('../key.txt')}}").contains("is none of .yaml, .yml, .jinja, .jinja2"));
    assert!(refusal("{{include_text('0.yaml')}}").ends_with("more than 12 includes within each other"));
    assert!(
        refusal("{{include('*.yaml')}}{{include('*.yaml')}}").contains("more than"),
        "two of itself each time"
    );
    let doubling = "{% set a = 'ab' %}\n".to_owned() + &"{% set a = a ~ a %}\n".repeat(40) + "x: {{a}}\n";
    assert!(
        refusal(&doubling)
            .ends_with("layers/net/0.yaml:14: the template joins texts by `~` and `+` more than 12 times")
    );
    assert!(refusal("x: {{'a' * 100000000}}").contains("`*` is not read within a template"));
    assert!(refusal("{% set x %}long{% endset %}").contains("`set` without a value"));
    assert!(refusal("{% macro x() %}{% endmacro %}").contains("`macro` is no tag that is read here"));
    let loops = "{% for a in [1,2,3,4,5,6,7,8,9] %}".repeat(6) + "x" + &"{% endfor %}".repeat(6);
    assert!(refusal(&loops).ends_with("the template takes more than 20000 steps"));
    let long = format!("{{% for a in [{}] %}}{}{{% endfor %}}", "1,".repeat(900), "y".repeat(100_000));
    assert!(refusal(&long).contains("more than 20000 steps"), "what is written is work too");
    let twice =
        "{% set t = include_text('../long.yaml') %}{% for a in [1,1,1,1,1,1,1,1,1] %}{{t}}{{t}}{% endfor %}";
    assert!(refusal(twice).contains("more than 16 MiB"));
    assert!(refusal("{{").ends_with("0.yaml:1: a tag of a template that does not end"));
    assert!(refusal("x: \u{1}l1\u{2} {{1}}").contains("a control character"));
    // Without a template: an alias of aliases, and lists within lists.
    let bomb: String = (1..30).map(|i| format!("a{i}: &a{i} [*a{0}, *a{0}, *a{0}]\n", i - 1)).collect();
    assert!(refusal(&format!("a0: &a0 [x]\n{bomb}")).contains("more than 1000000 values"));
    assert!(refusal(&format!("a: {}", "[".repeat(5000))).contains("recursion limit exceeded"));
    let lists: String = (1..200).map(|depth| format!("{}-\n", " ".repeat(depth))).collect();
    assert!(refusal(&format!("a:\n{lists}")).contains("more than 100 lists and maps within each other"));
}
