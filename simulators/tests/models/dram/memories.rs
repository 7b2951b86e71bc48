//! Memories beside DDR3, and what newer controllers do: laws of each device's table over logged runs, and cases by hand.

use std::num::NonZeroU32;

use tapeout_core::Seed;
use tapeout_simulators::dram::{
    Arbiter, Command, CommandKind, Controller, DDR3_1600, DDR5_4800, DEVICES, DramDevice, HBM2_2000,
    LPDDR4_3200, Operation, Order, PagePolicy, Pattern, RefreshPolicy, Request, ResponseQueue, Scheduler,
    SchedulerBuffer, Scratch, Simulator, Trace,
};

use CommandKind::{Act, Pre, Prea, Presb, Rd, Rda, Refa, Refsb, Wr, Wra};

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn plain() -> Controller {
    Controller {
        page_policy: PagePolicy::Open,
        scheduler: Scheduler::FrFcfs,
        buffer: SchedulerBuffer::Shared,
        buffer_size: number(32),
        responses: ResponseQueue::Fifo,
        refresh: RefreshPolicy::NoRefresh,
        arbiter: Arbiter::Simple,
        power_down: None,
    }
}

fn all_bank() -> RefreshPolicy {
    RefreshPolicy::AllBank { max_postponed: number(1), max_pulled_in: number(1) }
}

fn by_set() -> RefreshPolicy {
    RefreshPolicy::BySet { max_postponed: number(1), max_pulled_in: number(1) }
}

fn log(device: &DramDevice, controller: &Controller, trace: &Trace) -> Vec<Command> {
    let mut log = Vec::new();
    let order = Order::Fast;
    Simulator::new(device, trace).run_logged(controller, order, &mut Scratch::new(), &mut log);
    log
}

/// Which earlier commands hold a later one back.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Of {
    Bank,
    Group,
    PseudoChannel,
    All,
}

/// Clocks from any of the earlier commands to any of the later ones.
type Rule = (&'static [CommandKind], &'static [CommandKind], Of, u64);

/// The rules of a device, from its table; the sums are those of section 6.
fn rules(device: &DramDevice) -> Vec<Rule> {
    let timing = &device.timing;
    let wr_end = timing.wl + timing.burst;
    let mut rules: Vec<Rule> = vec![
        (&[Act], &[Act], Of::Bank, timing.t_rc),
        (&[Act], &[Rd, Rda], Of::Bank, timing.t_rcd),
        (&[Act], &[Wr, Wra], Of::Bank, timing.t_rcd_wr),
        (&[Act], &[Pre], Of::Bank, timing.t_ras),
        (&[Rd], &[Pre], Of::Bank, timing.t_rtp),
        (&[Wr], &[Pre], Of::Bank, wr_end + timing.t_wr),
        (&[Pre, Presb], &[Act], Of::Bank, timing.t_rp),
        (&[Rda], &[Act], Of::Bank, timing.t_rtp + timing.t_rp),
        (&[Wra], &[Act], Of::Bank, wr_end + timing.t_wr + timing.t_rp),
        (&[Act], &[Act], Of::PseudoChannel, timing.t_rrd),
        (&[Act], &[Act], Of::Group, timing.t_rrd_l),
        (&[Rd, Rda], &[Rd, Rda], Of::PseudoChannel, timing.t_ccd.max(timing.burst)),
        (&[Rd, Rda], &[Rd, Rda], Of::Group, timing.t_ccd_l),
        (&[Wr, Wra], &[Wr, Wra], Of::PseudoChannel, timing.t_ccd.max(timing.burst)),
        (&[Wr, Wra], &[Wr, Wra], Of::Group, timing.t_ccd_l_wr),
        (&[Rd, Rda], &[Wr, Wra], Of::PseudoChannel, timing.t_rtw),
        (&[Wr, Wra], &[Rd, Rda], Of::PseudoChannel, wr_end + timing.t_wtr),
        (&[Wr, Wra], &[Rd, Rda], Of::Group, wr_end + timing.t_wtr_l),
        (&[Prea], &[Act, Refa], Of::All, timing.t_rp_ab),
        (&[Refa], &[Act, Refa], Of::All, timing.t_rfc),
        (&[Act], &[Refa], Of::All, timing.t_rc),
    ];
    if let Some(sets) = device.refresh_sets {
        rules.push((&[Refsb], &[Refsb], Of::All, sets.t_rfc));
        rules.push((&[Refsb], &[Act], Of::All, sets.t_rrefd));
    }
    rules
}

/// Groups of all pseudo channels, and pseudo channels: those that the bank's lowest bits number.
fn n_groups(device: &DramDevice) -> (usize, usize) {
    match device.banks.n_banks() {
        8 => (1, 1),
        16 => (4, 1),
        _ => (8, device.banks.n_pseudo_channels()),
    }
}

/// The least distance of a rule's commands in a log.
fn least(device: &DramDevice, log: &[Command], (earlier, later, of, _): Rule) -> Option<u64> {
    let (n_groups, n_channels) = n_groups(device);
    let place = |command: &Command| match of {
        Of::Bank => command.bank,
        Of::Group => command.bank.map(|bank| bank % n_groups),
        Of::PseudoChannel => command.bank.map(|bank| bank % n_channels),
        Of::All => Some(0),
    };
    let mut last = [None; 32];
    let mut least = None;
    for command in log {
        let Some(place) = place(command) else { continue };
        if later.contains(&command.kind)
            && let Some(last) = last[place]
        {
            let distance = command.clock - last;
            least = Some(least.map_or(distance, |least: u64| least.min(distance)));
        }
        if earlier.contains(&command.kind) {
            last[place] = Some(command.clock);
        }
    }
    least
}

// Claim: every gate of every device's table is shut a clock before and open at its clock: over busy runs of all page policies no
// distance is shorter than its rule, and each rule that is not implied by others is reached.
#[test]
fn each_rule_of_each_device_is_kept_and_reached() {
    for device in &DEVICES {
        let mut logs = Vec::new();
        for pattern in [Pattern::Random, Pattern::Mixed, Pattern::Stream] {
            let trace = pattern.trace(device, 6000, Seed::new(1)).unwrap();
            for (_, page_policy) in PagePolicy::ALL {
                logs.push(log(device, &Controller { page_policy, refresh: all_bank(), ..plain() }, &trace));
                if device.refresh_sets.is_some() {
                    logs.push(log(device, &Controller { page_policy, refresh: by_set(), ..plain() }, &trace));
                }
            }
        }
        for rule in rules(device) {
            let least = logs.iter().filter_map(|log| least(device, log, rule)).min();
            assert!(least.is_some_and(|least| least >= rule.3), "{}: {rule:?}: {least:?}", device.id);
            // tRC is tRAS + tRP in most tables; REFA comes after PREA; a busy group has others between its own commands.
            let is_implied = rule.1 == [Refa] || (rule.0 == [Refa] || rule.0 == [Prea]) || rule.0 == [Refsb];
            let is_reached = least == Some(rule.3);
            assert!(is_reached || is_implied || rule.3 <= 4, "{}: {rule:?}: {least:?}", device.id);
        }
    }
}

// Claim: the window of four. In each pseudo channel any five ACT in a row take tFAW at least.
#[test]
fn four_rows_at_most_are_opened_within_the_window() {
    for device in &DEVICES {
        let trace = Pattern::Random.trace(device, 6000, Seed::new(2)).unwrap();
        let controller = Controller { page_policy: PagePolicy::Closed, ..plain() };
        let (_, n_channels) = n_groups(device);
        let mut tightest = u64::MAX;
        for channel in 0..n_channels {
            let acts: Vec<u64> = log(device, &controller, &trace)
                .iter()
                .filter(|command| {
                    command.kind == Act && command.bank.is_some_and(|bank| bank % n_channels == channel)
                })
                .map(|command| command.clock)
                .collect();
            tightest = acts.windows(5).map(|five| five[4] - five[0]).fold(tightest, u64::min);
        }
        assert!(tightest >= device.timing.t_faw, "{}: {tightest}", device.id);
        assert!(
            tightest <= device.timing.t_faw.max(4 * device.timing.t_rrd) + 8,
            "{}: {tightest}",
            device.id
        );
    }
}

// Claim: section 7 by sets. Sets come in turn, each as often as any other, to within one; within tRFC of its refresh no bank of a set
// gets a command, while others do; and as many refreshes are owed as may be put off, at most.
#[test]
fn sets_of_banks_are_refreshed_in_turn_while_others_work() {
    for device in [LPDDR4_3200, HBM2_2000, DDR5_4800] {
        let sets = device.refresh_sets.unwrap();
        let trace = Pattern::Random.trace(&device, 20_000, Seed::new(3)).unwrap();
        let controller = Controller { refresh: by_set(), ..plain() };
        let log = log(&device, &controller, &trace);
        let width = device.banks.n_banks() / sets.n_sets;
        let (mut set, mut end, mut n_others, mut n) = (usize::MAX, 0, 0, 0);
        for command in &log {
            match (command.kind, command.bank) {
                (Refsb, _) => {
                    (set, end, n) = (n % sets.n_sets, command.clock + sets.t_rfc, n + 1);
                }
                (_, Some(bank)) if command.clock < end => {
                    assert_ne!(bank / width, set, "{}: {command:?}", device.id);
                    n_others += 1;
                }
                _ => {}
            }
        }
        assert!(n >= 2 * sets.n_sets && n_others > 10 * n, "{}: {n} {n_others}", device.id);
        let report = Simulator::new(&device, &trace).run(&controller, Order::Fast, &mut Scratch::new());
        assert!(
            (0..=sets.n_sets as i64).contains(&report.refresh_debt),
            "{}: {}",
            device.id,
            report.refresh_debt
        );
        assert!(log.iter().all(|command| command.kind != Refa));
    }
}

// Claim: with pseudo channels a row command and an access may go out in one clock, and only there.
#[test]
fn only_pseudo_channels_issue_two_commands_a_clock() {
    for device in &DEVICES {
        let trace = Pattern::Random.trace(device, 3000, Seed::new(4)).unwrap();
        let log = log(device, &plain(), &trace);
        let n_pairs = log.windows(2).filter(|pair| pair[0].clock == pair[1].clock).count();
        assert_eq!(n_pairs > 0, device.banks.n_pseudo_channels() > 1, "{}: {n_pairs}", device.id);
    }
}

/// The operations in the order of their accesses.
fn operations(controller: &Controller, requests: &[Request]) -> Vec<Operation> {
    let log = log(&DDR3_1600, controller, &Trace::new(requests.to_vec()).unwrap());
    let accesses = log.iter().filter(|command| matches!(command.kind, Rd | Wr));
    accesses.map(|command| if command.kind == Rd { Operation::Read } else { Operation::Write }).collect()
}

// By hand, one row: with a high mark of 2 the writes go when the second is stored and stop at the low mark of 0; alone or for the same
// address as a read that came later they go as well.
#[test]
fn writes_wait_for_their_mark() {
    use Operation::{Read, Write};
    let request = |operation, column: u64| Request { cycle: 0, address: column << 6, operation };
    let controller = |high, low| Controller {
        scheduler: Scheduler::WriteDrain { high: number(high), low },
        buffer_size: number(16),
        ..plain()
    };
    let mixed: Vec<Request> = [Read, Write, Read, Write, Read, Read, Read, Read]
        .into_iter()
        .enumerate()
        .map(|(column, operation)| request(operation, column as u64))
        .collect();
    // Four are stored when the row is open at 10; the mark of 2 was reached at 3.
    assert_eq!(operations(&controller(2, 0), &mixed), [Write, Write, Read, Read, Read, Read, Read, Read]);
    assert_eq!(operations(&controller(2, 1), &mixed), [Write, Read, Read, Read, Read, Read, Read, Write]);
    assert_eq!(operations(&controller(8, 0), &mixed), [Read, Read, Read, Read, Read, Read, Write, Write]);
    // A read never passes the write of its own address.
    let same = [request(Read, 2), request(Write, 0), request(Read, 0), request(Read, 1)];
    assert_eq!(operations(&controller(8, 0), &same), [Read, Read, Write, Read]);
}

// By hand, DDR3, rows closed with the access: ACT 0, RDA 10, the row closes at 28. After 100 idle clocks power-down begins at 128; the
// request at 1000 ends it, and its ACT goes 6 clocks (tXP) later. 872 clocks are charged with IDD2P: 15 mA less for each chip at 1.5 V.
#[test]
fn an_idle_memory_sleeps_and_wakes() {
    let requests = [0, 1000].map(|cycle| Request { cycle, address: 0, operation: Operation::Read });
    let trace = Trace::new(requests.to_vec()).unwrap();
    let awake = Controller { page_policy: PagePolicy::Closed, ..plain() };
    let asleep = Controller { power_down: Some(number(100)), ..awake };
    let acts = |controller| {
        let log = log(&DDR3_1600, &controller, &trace);
        log.iter().filter(|command| command.kind == Act).map(|command| command.clock).collect::<Vec<_>>()
    };
    assert_eq!((acts(awake), acts(asleep)), (vec![0, 1000], vec![0, 1006]));
    let background = |controller: &Controller| {
        let simulator = Simulator::new(&DDR3_1600, &trace);
        simulator.run(controller, Order::Fast, &mut Scratch::new()).energy.background_j
    };
    // The later end, 6 clocks of standby, is charged to both alike but for these 6.
    let saved = (872.0 * 15.0 - 6.0 * 45.0) * 1.5 * 1.25 * 8.0 * 1e-12;
    assert!((background(&awake) - background(&asleep) - saved).abs() < 1e-18);
}

// Law: a memory whose refreshes wait and whose requests come seldom sleeps, whatever else is set, and costs less for it; nothing is lost.
#[test]
fn power_down_saves_energy_on_sparse_traffic() {
    for device in &DEVICES {
        let trace = Pattern::Sparse.trace(device, 3000, Seed::new(5)).unwrap();
        let simulator = Simulator::new(device, &trace);
        let awake = Controller { refresh: all_bank(), page_policy: PagePolicy::Closed, ..plain() };
        let run = |controller: &Controller| simulator.run(controller, Order::Fast, &mut Scratch::new());
        let (awake, asleep) = (run(&awake), run(&Controller { power_down: Some(number(8)), ..awake }));
        let accesses =
            |report: tapeout_simulators::dram::DramReport| report.counts.reads + report.counts.writes;
        assert_eq!((accesses(awake), accesses(asleep)), (3000, 3000));
        assert!(asleep.energy.total_j() < awake.energy.total_j(), "{}", device.id);
        assert!(asleep.latency.mean_s > awake.latency.mean_s, "{}", device.id);
    }
}

// By hand: the capacity and the peak of each: 64 byte in 4 clocks of 1.25 ns are 12.8 GB/s.
#[test]
fn devices_hold_and_move_what_their_names_say() {
    let expected = [
        ("ddr3-1600", 1, 12.8),
        ("ddr4-2400", 4, 19.2),
        ("lpddr4-3200", 2, 12.8),
        ("hbm2-2000", 1, 32.0),
        ("ddr5-4800", 8, 19.23),
    ];
    for (device, (id, gibibyte, peak)) in DEVICES.iter().zip(expected) {
        assert_eq!((device.id, device.capacity_byte()), (id, gibibyte << 30));
        assert!((device.peak_byte_per_s() / 1e9 - peak).abs() < 0.01, "{id}: {}", device.peak_byte_per_s());
        // The highest address is the last bank of the last row.
        let last = (device.banks.n_banks() - 1, (1u32 << device.row_bits) - 1);
        assert_eq!(device.address.place(device.capacity_byte() - 1), last, "{id}");
    }
}
