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
      constraints: {dataspace: {keep: [Inputs], no_coalesce: [Inputs]}}
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
    let expected = format!("{}:20: the constraint `no_coalesce` of `buffer` is not held", arch.display());
    assert_eq!(unread, [expected]);
    // What a branch of nothing keeps passes the buffer beside it by.
    let buffer = &design.dataflow["buffer"];
    assert_eq!(
        (&buffer.keep, &buffer.may_keep),
        (&Some(vec!["Inputs".to_owned()]), &Some(vec!["Weights".to_owned()]))
    );
    let wide = read(&top(&folder), &[("chip", "chip"), ("kib", "8")]).unwrap().architecture.unwrap();
    assert_eq!(wide.levels()[0].entries, Some(8192));
}

#[test]
fn a_layer_of_a_common_base_is_a_network_like_any_file() {
    let folder = folder(&[]);
    let path = folder.path().join("layers/net/0.yaml");
    let imported = import_network(&path, &Default::default()).unwrap();
    assert_eq!(imported.network.macs(), 3 * 5, "sizes of the base that are not given stay");
    // A spec's checksum would not cover the base: an environment takes the one file that importing makes, or a template that reads no other.
    let error = read_network(&path).unwrap_err().to_string();
    assert!(
        error.contains("0.yaml: is a template that reads other files; make one file of it first"),
        "{error}"
    );
    let text = fs::read_to_string(&path).unwrap();
    let whole = text.replace("{{include_text('../base.yaml')}}", FILES[4].1);
    let toml = folder.path().join("0.toml");
    fs::write(&toml, imported.network.to_toml()).unwrap();
    for (at, text) in [(&toml, imported.network.to_toml()), (&path, format!("{whole}{{# alone #}}"))] {
        fs::write(at, text).unwrap();
        assert_eq!(read_network(at).unwrap().macs(), 3 * 5);
    }
    fs::write(&path, format!("{whole}# {{{{path_exists('none.yaml')}}}}")).unwrap();
    assert!(read_network(&path).is_err(), "it may say another thing when that file is there");
    fs::write(&path, text).unwrap();
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
    // Behind brackets in which the end of a tag ends none, and beside calls and groups with names.
    let brackets = "{% set a = {'x': {'y': (1, 2)}} %}{% set b = ('x' ~ cwd()) %}\n{% for i in [True, 2.5] if (b, ) %}{% endfor %}\n";
    let brackets = brackets.replace("(b, )", "(a and b)") + "problem:\n  instance: {C: none}\n";
    assert_eq!(
        at(&[(layer, &brackets)], layer, &[]),
        "layers/net/0.yaml:4: `C` is `none`, expected a number"
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
    // Lists of lists: each of these would be written out, or compared, in one step.
    let named = "a list or map of names is not read within a template; those of texts and numbers are";
    for list in ["[a, a]", "[a]", "{'x': a, 'y': a}", "(a, a)", "a, a", "('x'  , [a])", "[d(x)]"] {
        for end in ["{{path_exists(a)}}", "{{a == a}}", "{{'' ~ a}}", "{{a}}"] {
            let text =
                "{% set a = 'ab' %}\n".to_owned() + &format!("{{% set a = {list} %}}\n").repeat(40) + end;
            assert!(refusal(&text).ends_with(&format!("layers/net/0.yaml:2: {named}")), "{list}");
        }
    }
    let by_default = "{% set a = 'ab' %}\n".to_owned() + &"{% set a = b|default(x=a, y=a) %}\n".repeat(40);
    assert!(refusal(&(by_default + "{{a == a}}")).ends_with("0.yaml:2: unexpected keyword arguments"));
    for name in ["add_to_path", "path_exists", "find_path", "include_text", "include", "include_all"] {
        let message = "0.yaml:1: an argument is a sequence, expected a text in quotes";
        assert!(refusal(&format!("{{{{{name}(['x', 1])}}}}")).ends_with(message), "{name}");
    }
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
    // Anchors around each other, each of which keeps all within it; and a long text again and again.
    let values = "layers/net/0.yaml:1: the design has more than 1000000 values, the most that are read";
    let anchors: String = (0..90).map(|i| format!("&a{i} [")).collect();
    assert_eq!(refusal(&format!("a: {anchors}{}{}", "x,".repeat(20_000), "]".repeat(90))), values);
    let texts = format!("a: &a {}\nb: [{}]\n", "y".repeat(100_000), "*a,".repeat(2_000));
    assert!(refusal(&texts).contains("more than 1000000 values"));
    // Many maps of many keys, merged: found by their names.
    let keys = |of: &str| (0..30_000).map(|i| format!("  {of}{i}: 1\n")).collect::<String>();
    let merged =
        format!("a: &a\n{}b:\n  <<: *a\n{}problem:\n  instance: {{C: none}}\n", keys("k"), keys("l"));
    assert!(refusal(&merged).ends_with("`C` is `none`, expected a number"));
    // Sizes that stand for sums of sums.
    let of = |level: usize| (0..6).map(|i| format!("v{level}_{i}")).collect::<Vec<_>>();
    let level = |at: usize| {
        of(at).iter().map(|name| format!("  {name}: {}\n", of(at - 1).join("+"))).collect::<String>()
    };
    let sums =
        of(0).iter().map(|name| format!("  {name}: 1+1\n")).chain((1..15).map(level)).collect::<String>();
    let machine =
        |sizes: &str, nodes: &str| format!("variables:\n  one: 1\n{sizes}architecture:\n  nodes:\n{nodes}");
    let buffer = "  - {name: b, class: SRAM, attributes: {depth: v14_0, datawidth: 8}}\n";
    let multiplier = "  - {name: m, class: intmac}\n";
    assert!(refusal(&machine(&sums, &format!("{buffer}{multiplier}"))).contains("expressions"), "sums");
    let boxes = "  - !Container {name: c}\n".repeat(1001);
    assert!(refusal(&machine("", &boxes)).ends_with("more than 1000 components, the most that are read"));
    assert!(refusal(&format!("a: {}", "[".repeat(5000))).contains("recursion limit exceeded"));
    let lists: String = (1..200).map(|depth| format!("{}-\n", " ".repeat(depth))).collect();
    assert!(refusal(&format!("a:\n{lists}")).contains("more than 100 lists and maps within each other"));
}
