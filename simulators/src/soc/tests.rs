//! Tests: cases by hand, rules, files.

use super::library::memory_cost;
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

/// By hand, tasks of 8, 8 and 2 ms one after the other with a way that costs energy in the first alone: the window of 10 ms ends with the second phase, cut two phases
/// without time too early, so that 8, 8 and 2 ms are one window and so is nothing before it.
#[test]
fn windows_of_power_are_cut_as_farsi_cuts_them() {
    let text = "task = [{ name = \"s\", core_cycles = 0 }, { name = \"a\", core_cycles = 8e6 }, { name = \"b\", core_cycles = 8e6 }, { name = \"c\", core_cycles = 2e6 }]\n\
        transfer = [{ from = \"s\", to = \"a\", byte = 1e3 }, { from = \"a\", to = \"b\", byte = 1e3 }, { from = \"b\", to = \"c\", byte = 1e3 }]";
    let workload = SocWorkload::from_toml(text).unwrap();
    let report = simulate(&workload, &single(&workload, FAST_BUS)).unwrap();
    let durations: Vec<f64> = report.phases.iter().map(|phase| (phase.duration_s * 1e3).round()).collect();
    assert_eq!(durations, [0.0, 0.0, 8.0, 8.0, 2.0]);
    close(report.power_w, report.energy_j / 18e-3);
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
    for other in [SocWorkload::from_json(&json).unwrap(), SocWorkload::from_dot(dot).unwrap()] {
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
    assert_eq!(refusal("task = []"), "0 tasks; expected 1 to 64");
    assert!(refusal("task = 3").contains("expected a sequence"), "{}", refusal("task = 3"));
    let many = "[[transfer]]\nfrom = \"a\"\nto = \"a\"\nbyte = 1\n".repeat(2017);
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
    let json = |text: &str| SocWorkload::from_json(text).unwrap_err().to_string();
    assert_eq!(json("{\"nodes\": [{\"id\": []}], \"links\": []}"), "`id` of node 0 is no text and no number");
    assert_eq!(json("{}"), "there is no list `nodes`");
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
