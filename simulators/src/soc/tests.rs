//! Tests: cases by hand, rules, files.

use super::library::memory_cost;
use super::simulation::{power_w, window_power_w};
use super::*;

/// `source` sends 400 kB to `a`, which sends 800 kB to `sink`; on a core it takes 1 ms.
const CHAIN: &str = r#"
task = [
    { name = "source", core_cycles = 0 },
    { name = "a", core_cycles = 1e6, accelerator_cycles = 4e5, accelerator_energy_j = 1e-9, accelerator_area_m2 = 2e-9, iterations = 8 },
    { name = "sink", core_cycles = 0 },
]
transfer = [{ from = "source", to = "a", byte = 4e5 }, { from = "a", to = "sink", byte = 8e5 }]
"#;

const SLOW_BUS: SocBus = SocBus { width_byte: 4, clock_hz: 1e8 };
const FAST_BUS: SocBus = SocBus { width_byte: 128, clock_hz: 8e8 };
const FAST_SRAM: SocMemory = SocMemory { kind: SocMemoryKind::Sram, width_byte: 128, clock_hz: 8e8 };

/// All tasks on one core, all data in one memory, on one bus.
fn single(workload: &SocWorkload, bus: SocBus) -> Soc {
    Soc {
        buses: vec![bus],
        memories: vec![FAST_SRAM],
        processors: vec![SocProcessor::Core],
        links: vec![(Block::Processor(0), Block::Bus(0)), (Block::Bus(0), Block::Memory(0))],
        runs_on: vec![0; workload.tasks().len()],
        lies_in: vec![0; workload.transfers().len()],
    }
}

fn close(ours: f64, expected: f64) {
    assert!((ours - expected).abs() <= 1e-12 * expected.abs(), "{ours} {expected}");
}

/// By hand: 400 MB/s take 1 ms to read, as long as the core computes, and 2 ms to write. Energy of 2e6 instructions at 4.7019607843e10 a joule and of the memory of
/// 1,280,000 byte; its area, and that of a core.
#[test]
fn a_task_is_as_slow_as_its_slowest_block() {
    let workload = SocWorkload::from_toml(CHAIN).unwrap();
    let report = simulate(&workload, &single(&workload, SLOW_BUS)).unwrap();
    let memory = memory_cost(SocMemoryKind::Sram, 1.2e6).unwrap();
    close(report.latency_s, 2e-3);
    assert_eq!(report.memory_byte, [1.2e6]);
    let energy_j = 2e6 / 47_019_607_843.0 + 4e5 * memory.read_j_per_byte + 8e5 * memory.write_j_per_byte;
    close(report.energy_j, energy_j);
    close(report.power_w, energy_j / 2e-3);
    close(report.area_m2, 6.5e-7 + memory.area_m2);
    close(simulate(&workload, &single(&workload, FAST_BUS)).unwrap().latency_s, 1e-3);
}

/// By hand: unrolled four times at 800 MHz, 4e5 / 4 / 8e8 = 0.125 ms, 4 nJ and 8e-9 m2; the core has nothing but the ends, and is none.
#[test]
fn an_accelerator_is_faster_and_larger_by_its_unrolling() {
    let workload = SocWorkload::from_toml(CHAIN).unwrap();
    let mut soc = single(&workload, FAST_BUS);
    soc.processors.push(SocProcessor::Accelerator { task: 1, unroll: 4, clock_hz: 8e8 });
    soc.links.push((Block::Processor(1), Block::Bus(0)));
    soc.runs_on[1] = 1;
    let report = simulate(&workload, &soc).unwrap();
    close(report.latency_s, 1.25e-4);
    close(report.area_m2 - report.memory_area_m2, 8e-9);
}

/// Two equal tasks after the source, each on a core of its own or both on one, `b` with `byte` more to read.
fn pair(second_byte: f64) -> SocWorkload {
    let text = format!(
        "task = [{{ name = \"source\", core_cycles = 0 }}, {{ name = \"a\", core_cycles = 1e6 }}, {{ name = \"b\", core_cycles = 1e6 }}]\n\
         transfer = [{{ from = \"source\", to = \"a\", byte = 4e5 }}, {{ from = \"source\", to = \"b\", byte = {second_byte:e} }}]"
    );
    SocWorkload::from_toml(&text).unwrap()
}

fn two_cores(workload: &SocWorkload, bus: SocBus) -> Soc {
    let mut soc = single(workload, bus);
    soc.processors.push(SocProcessor::Core);
    soc.links.push((Block::Processor(1), Block::Bus(0)));
    soc.runs_on[2] = 1;
    soc
}

/// By hand: with time to spare on the bus, 1 ms together and 2 ms one after the other. On the slow bus two pipes take turns, 200 MB/s each, so 2 ms together; with 8e5 byte
/// for the second one, 2 ms in which half of that comes, then 4e5 at 400 MB/s: 3 ms.
#[test]
fn tasks_share_cores_in_turn_and_buses_at_once() {
    let latency = |soc: &Soc, workload: &SocWorkload| simulate(workload, soc).unwrap().latency_s;
    let even = pair(4e5);
    close(latency(&two_cores(&even, FAST_BUS), &even), 1e-3);
    close(latency(&single(&even, FAST_BUS), &even), 2e-3);
    close(latency(&two_cores(&even, SLOW_BUS), &even), 2e-3);
    let uneven = pair(8e5);
    close(latency(&two_cores(&uneven, SLOW_BUS), &uneven), 3e-3);
}

/// By hand: 1.005 ms against 1 ms leave 0.5 % of the second one when the first one ends, which ends it too; 2 % are computed.
#[test]
fn what_is_done_but_for_a_hundredth_ends_with_the_next_event() {
    let workload = |cycles: f64| {
        let text = format!(
            "task = [{{ name = \"a\", core_cycles = 1e6 }}, {{ name = \"b\", core_cycles = {cycles:e} }}]"
        );
        SocWorkload::from_toml(&text).unwrap()
    };
    for (cycles, latency_s) in [(1.005e6, 1e-3), (1.02e6, 1.02e-3)] {
        let workload = workload(cycles);
        let processors = vec![SocProcessor::Core; 2];
        let soc = Soc { processors, runs_on: vec![0, 1], ..single(&workload, FAST_BUS) };
        close(simulate(&workload, &soc).unwrap().latency_s, latency_s);
    }
}

/// By hand, after two phases without time. 12 ms at 1 W and 12 ms at 3 W: FARSI has them in one window of 2 W, though any 10 ms of the second have 3 W. 12 ms at 1 W, 0.1 ms at
/// 60 W, and twice 12 ms at 1 W: FARSI has the 0.1 ms as a window of its own, though the worst 10 ms take 6 mJ in it and 9.9 mJ beside. 4 ms at 1 W and 2 ms at 4 W are less than a window.
#[test]
fn windows_of_power_are_cut_as_farsi_cuts_them_and_truly() {
    let of = |phases: &[(f64, f64)]| {
        let phase =
            |&(ms, power_w): &(f64, f64)| SocPhase { duration_s: ms / 1e3, energy_j: ms / 1e3 * power_w };
        let empty = SocPhase { duration_s: 0.0, energy_j: 0.0 };
        let phases: Vec<SocPhase> = [empty; 2].into_iter().chain(phases.iter().map(phase)).collect();
        (power_w(&phases), window_power_w(&phases))
    };
    for (phases, farsi_w, true_w) in [
        (&[(12.0, 1.0), (12.0, 3.0)][..], 2.0, 3.0),
        (&[(12.0, 1.0), (0.1, 60.0), (12.0, 1.0), (12.0, 1.0)], 60.0, 1.59),
        (&[(4.0, 1.0), (2.0, 4.0)], 2.0, 2.0),
        (&[(6.0, 1.0), (6.0, 2.0), (6.0, 3.0)], 2.0, 2.6),
    ] {
        let (farsi, truly) = of(phases);
        assert!(
            (farsi - farsi_w).abs() < 1e-9 && (truly - true_w).abs() < 1e-9,
            "{phases:?}: {farsi} {truly}"
        );
    }
}

/// What a task without cycles hands on lies in a memory as well: 1,000 byte in, 2,000 out, both at once.
#[test]
fn what_a_task_without_cycles_hands_on_is_stored() {
    let text = |byte: f64| {
        format!(
            "task = [{{ name = \"a\", core_cycles = 1e6 }}, {{ name = \"join\", core_cycles = 0 }}, {{ name = \"b\", core_cycles = 1e6 }}]\n\
             transfer = [{{ from = \"a\", to = \"join\", byte = 1000 }}, {{ from = \"join\", to = \"b\", byte = {byte:e} }}]"
        )
    };
    let run = |byte| {
        let workload = SocWorkload::from_toml(&text(byte)).unwrap();
        simulate(&workload, &single(&workload, FAST_BUS))
    };
    assert_eq!(run(2000.0).unwrap().memory_byte, [3000.0]);
    assert_eq!(run(6e9).unwrap_err().rule(), "memory_size");
}

#[test]
fn a_system_that_cannot_be_is_refused_by_the_rule_it_breaks() {
    let workload = SocWorkload::from_toml(CHAIN).unwrap();
    let rule = |change: &dyn Fn(&mut Soc)| {
        let mut soc = single(&workload, FAST_BUS);
        soc.buses.push(SLOW_BUS);
        change(&mut soc);
        simulate(&workload, &soc).map_err(|fault| fault.rule())
    };
    assert!(rule(&|_| ()).is_ok());
    assert!(rule(&|soc| soc.links.push((Block::Memory(0), Block::Bus(0)))).is_ok());
    type Case<'a> = (&'a str, &'a dyn Fn(&mut Soc));
    let cases: [Case<'_>; 8] = [
        ("two_buses", &|soc| soc.links.push((Block::Memory(0), Block::Bus(1)))),
        ("no_bus", &|soc| soc.links.truncate(1)),
        ("unreachable_memory", &|soc| soc.links[1].0 = Block::Bus(1)),
        ("direct_link", &|soc| soc.links.push((Block::Memory(0), Block::Processor(0)))),
        ("missing_block", &|soc| soc.lies_in[0] = 1),
        ("missing_block", &|soc| soc.runs_on.truncate(2)),
        ("still_block", &|soc| soc.buses[0].clock_hz = 0.0),
        ("cannot_run", &|soc| {
            soc.processors[0] = SocProcessor::Accelerator { task: 1, unroll: 1, clock_hz: 1e8 };
        }),
    ];
    for (expected, change) in cases {
        assert_eq!(rule(change).unwrap_err(), expected);
    }
    let large = SocWorkload::from_toml(&CHAIN.replace("8e5", "1e8")).unwrap();
    let fault = simulate(&large, &single(&large, FAST_BUS)).unwrap_err();
    assert_eq!(fault.to_string(), "memory 0 would hold 100400000 byte; the largest has 65536000");
}

#[test]
fn messages_count_buses_once_and_name_blocks() {
    let workload = SocWorkload::from_toml(CHAIN).unwrap();
    let message = |links: &[(Block, Block)]| {
        let mut soc = single(&workload, FAST_BUS);
        soc.buses.push(SLOW_BUS);
        soc.links.extend_from_slice(links);
        simulate(&workload, &soc).unwrap_err().to_string()
    };
    let (memory, core, bus) = (Block::Memory(0), Block::Processor(0), Block::Bus);
    assert_eq!(message(&[(memory, bus(0)), (bus(1), memory)]), "memory 0 hangs on 2 buses; expected one");
    assert_eq!(message(&[(memory, core)]), "memory 0 and processor 0 are linked without a bus between them");
}

/// A way over two buses leads to the memory, whichever of two equal ones was linked first.
#[test]
fn data_take_the_shortest_way_over_buses() {
    let workload = SocWorkload::from_toml(CHAIN).unwrap();
    let mut soc = single(&workload, FAST_BUS);
    soc.buses.extend([SLOW_BUS, FAST_BUS, FAST_BUS]);
    let bus = Block::Bus;
    soc.links = vec![(Block::Processor(0), bus(0)), (Block::Memory(0), bus(3))];
    soc.links.extend([(bus(0), bus(2)), (bus(2), bus(3)), (bus(0), bus(1)), (bus(1), bus(3))]);
    close(simulate(&workload, &soc).unwrap().latency_s, 1e-3);
    soc.links.swap(2, 4);
    close(simulate(&workload, &soc).unwrap().latency_s, 2e-3);
}

/// Source: FARSI, parse_library.py: of 1,638,400 iterations 16 powers and all.
#[test]
fn loops_are_unrolled_by_powers_of_two_and_whole() {
    assert_eq!(unrollings(1), [1]);
    assert_eq!(unrollings(151), [1, 2, 4, 8, 16, 32, 64, 128, 151]);
    assert_eq!(unrollings(256), [1, 2, 4, 8, 16, 32, 64, 128, 256]);
    let most = unrollings(1_638_400);
    assert_eq!((most.len(), most[15], most[16]), (17, 32_768, 1_638_400));
}

/// By hand: halfway between two rows of the table, 16,384,000 and 17,408,000 byte.
#[test]
fn memories_between_rows_of_the_table_lie_between_them() {
    let area = |size_byte| memory_cost(SocMemoryKind::Dram, size_byte).unwrap().area_m2;
    close(area(16_896_000.0), (area(16_384_000.0) + area(17_408_000.0)) / 2.0);
    assert_eq!(area(1.0), area(256_000.0));
    for kind in [SocMemoryKind::Sram, SocMemoryKind::Dram] {
        assert!(
            memory_cost(kind, MAX_MEMORY_BYTE).is_some()
                && memory_cost(kind, MAX_MEMORY_BYTE + 1.0).is_none()
        );
    }
}

#[test]
fn three_languages_say_the_same_workload() {
    let toml = SocWorkload::from_toml(CHAIN).unwrap();
    let fields = "\"core_cycles\": 1e6, \"accelerator_cycles\": 4e5, \"accelerator_energy_j\": 1e-9, \"accelerator_area_m2\": 2e-9, \"iterations\": 8";
    let json = format!(
        "{{\"directed\": true, \"nodes\": [{{\"id\": \"source\", \"core_cycles\": 0}}, {{\"id\": \"a\", {fields}, \"x\": 3}}, {{\"id\": \"sink\", \"core_cycles\": \"0\"}}], \
         \"links\": [{{\"source\": \"source\", \"target\": \"a\", \"byte\": 4e5}}, {{\"source\": \"a\", \"target\": \"sink\", \"byte\": 8e5}}]}}"
    );
    let dot = "strict digraph \"of tasks\" { /* two\nlines */ rankdir = LR; node [shape=box] # all\n source [core_cycles=0];\n\
        a [label=\"a \\\"task\\\"\", core_cycles=1e6, accelerator_cycles=\"4e5\"][accelerator_energy_j=1e-9; accelerator_area_m2=2e-9 iterations=8]\n\
        source -> a [byte=400000] a -> sink [byte=\"8e5\"] // end\n sink [core_cycles=0] }";
    let defaults = "digraph { node [core_cycles=0] edge [byte=.4E6] source; node [core_cycles=1E+6]; a [iterations=8] node [core_cycles=0] sink\n\
        source -> a [weight=2] a [accelerator_cycles=4e5, accelerator_energy_j=1E-9, accelerator_area_m2=.2e-8] a -> sink [byte=8e5] } # end";
    let dots = [dot, defaults].map(|text| SocWorkload::from_dot(text).unwrap());
    for other in dots.into_iter().chain([SocWorkload::from_json(&json).unwrap()]) {
        assert_eq!((other.tasks(), other.transfers()), (toml.tasks(), toml.transfers()));
    }
}

#[test]
fn files_that_hold_no_workload_are_refused() {
    let refusal = |text: &str| SocWorkload::from_toml(text).unwrap_err().to_string();
    let changed = |from: &str, to: &str| refusal(&CHAIN.replace(from, to));
    assert_eq!(changed("to = \"a\"", "to = \"c\""), "transfer 0 is of task `c`, which is not there");
    assert_eq!(changed("to = \"sink\"", "to = \"a\""), "tasks wait for each other in a circle");
    assert_eq!(
        changed("\"sink\"", "\"a b\""),
        "a task is called `a b`; expected 1 to 64 letters, digits, `_`, `-` or `.`"
    );
    assert_eq!(changed("\"sink\"", "\"a\""), "two tasks are called `a`");
    assert_eq!(
        changed("accelerator_energy_j = 1e-9, ", ""),
        "task `a` has no `accelerator_energy_j`; an accelerator needs it"
    );
    assert_eq!(
        changed("core_cycles = 1e6", "core_cycles = 0"),
        "task `a` has an accelerator, but 0 `core_cycles`"
    );
    assert_eq!(
        changed("byte = 4e5", "byte = 0"),
        "transfer `source -> a`: `byte` is 0; expected 1e0 to 1e15"
    );
    assert_eq!(
        changed("core_cycles = 1e6", "core_cycles = nan"),
        "task `a`: `core_cycles` is NaN; expected 0e0 to 1e15"
    );
    assert_eq!(
        changed("from = \"a\", to = \"sink\"", "from = \"source\", to = \"a\""),
        "two transfers are `source -> a`"
    );
    let negative = CHAIN.replace("accelerator_energy_j = 1e-9", "accelerator_energy_j = -1e-9");
    assert_eq!(refusal(&negative), "task `a`: `accelerator_energy_j` is -0.000000001; expected 0e0 to 1e15");
    for factor in ["-1", "0", "nan", "inf"] {
        let got = refusal(&format!("accelerator_energy_scale = {factor}\n{negative}"));
        assert!(
            got.starts_with("`accelerator_energy_scale` is ") && got.ends_with("expected 1e-15 to 1e15"),
            "{got}"
        );
    }
    assert_eq!(
        changed("name = \"sink\", core_cycles = 0", "name = \"sink\", core_cycles = 1, iterations = 4"),
        "task `sink` has no `accelerator_cycles`; an accelerator needs it"
    );
    let budget = format!("budget = {{ latency_s = 1e-307, power_w = 1, area_m2 = 1 }}\n{CHAIN}");
    assert!(refusal(&budget).starts_with("budget: `latency_s` is 0.0"), "{}", refusal(&budget));
    assert_eq!(refusal("task = []"), "0 tasks; expected 1 to 64");
    assert!(refusal("task = 3").contains("expected a sequence"), "{}", refusal("task = 3"));
    let many = "[[transfer]]\nfrom = \"gone\"\nto = \"a\"\nbyte = 1\n".repeat(2017);
    let task = "[[task]]\nname = \"a\"\ncore_cycles = 1\n";
    assert_eq!(refusal(&format!("{task}{many}")), "2017 transfers; expected 0 to 2016");
    let dot = |text: &str| SocWorkload::from_dot(text).unwrap_err().to_string();
    let nodes: String = (0..65).map(|node| format!("n{node};")).collect();
    assert_eq!(dot(&format!("digraph {{ {nodes} }}")), "more than 64 nodes");
    assert_eq!(dot("graph { }"), "line 1: `graph`; expected `digraph`");
    assert_eq!(
        dot("digraph {\n a -> }"),
        "line 2: `}`; expected a name (subgraphs, ports and HTML are not read)"
    );
    assert_eq!(
        dot("digraph { a [core_cycles=1"),
        "the text ends; expected a name (subgraphs, ports and HTML are not read)"
    );
    assert_eq!(dot("digraph { a }"), "task `a`: missing field `core_cycles`");
    assert_eq!(dot("digraph {\n a -- b }"), "line 2: `--`; expected `->`, from who writes to who reads");
    for rest in ["digraph { b }", "}"] {
        let first = rest.split(' ').next().unwrap();
        assert_eq!(
            dot(&format!("digraph {{ a [core_cycles=1] }}\n{rest}")),
            format!("line 2: `{first}`; expected the end of the text after the graph")
        );
    }
    let json = |text: &str| SocWorkload::from_json(text).unwrap_err().to_string();
    assert_eq!(json("{\"nodes\": [{\"id\": []}], \"links\": []}"), "`id` of node 0 is no text and no number");
    assert_eq!(json("{}"), "there is no list `nodes`");
    let graph = |directed: &str, links: &str| {
        json(&format!(
            "{{\"directed\": {directed}, \"multigraph\": true, \"nodes\": [{{\"id\": 1, \"core_cycles\": 1}}, {{\"id\": 2, \"core_cycles\": 1}}], \"links\": [{links}]}}"
        ))
    };
    let link = "{\"source\": 1, \"target\": 2, \"byte\": 1}";
    assert_eq!(graph("false", link), "`directed` is not true; a link leads from its source to its target");
    assert_eq!(graph("true", &format!("{link}, {link}")), "two transfers are `1 -> 2`");
}

#[test]
fn built_in_workloads_are_read() {
    let sizes: Vec<(usize, usize)> = SOC_WORKLOADS
        .iter()
        .map(|row| (row.workload().tasks().len(), row.workload().transfers().len()))
        .collect();
    assert_eq!(sizes, [(18, 23), (9, 8), (8, 8)]);
    assert!(soc_workload("cave").unwrap_err().to_string().contains("did you mean `cava`?"));
}
