//! Each gate of section 6 shut and open, each row of sections 3 to 8 and 10 on cases small enough for paper.

use std::num::NonZeroU32;

use super::gates::Gates;
use super::*;

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Rows are left open, requests taken in order, one at a time, and nothing is refreshed.
fn plain() -> Controller {
    Controller {
        page_policy: PagePolicy::Open,
        scheduler: Scheduler::Fifo,
        buffer: SchedulerBuffer::Shared,
        buffer_size: number(1),
        responses: ResponseQueue::Fifo,
        refresh: RefreshPolicy::NoRefresh,
        arbiter: Arbiter::Simple,
        power_down: None,
    }
}

fn refreshed(max_postponed: u32, max_pulled_in: u32) -> RefreshPolicy {
    RefreshPolicy::AllBank { max_postponed: number(max_postponed), max_pulled_in: number(max_pulled_in) }
}

/// A request at `cycle` for a column of a row of a bank.
fn request(cycle: u64, operation: Operation, bank: u64, row: u64, column: u64) -> Request {
    Request { cycle, address: row << 16 | bank << 13 | column << 6, operation }
}

fn read(cycle: u64, bank: u64, row: u64) -> Request {
    request(cycle, Operation::Read, bank, row, 0)
}

/// The commands in both orders, which agree, as `(clock, kind, bank)`.
fn commands(controller: &Controller, requests: &[Request]) -> Vec<(u64, CommandKind, Option<usize>)> {
    let simulator = Simulator::new(&DDR3_1600, &Trace::new(requests.to_vec()).unwrap());
    let [fast, exact] = [Order::Fast, Order::AsBooked].map(|order| {
        let mut log = Vec::new();
        simulator.run_logged(controller, order, &mut Scratch::new(), &mut log);
        log
    });
    assert_eq!(fast, exact);
    fast.iter().map(|command| (command.clock, command.kind, command.bank)).collect()
}

fn report(controller: &Controller, requests: &[Request]) -> DramReport {
    let simulator = Simulator::new(&DDR3_1600, &Trace::new(requests.to_vec()).unwrap());
    let [fast, exact] =
        [Order::Fast, Order::AsBooked].map(|order| simulator.run(controller, order, &mut Scratch::new()));
    assert_eq!(fast, exact);
    fast
}

/// The gates of a device without bank groups.
type DdrGates = Gates<8, 1, 1>;

/// Where a later command goes that an earlier one of bank 2 holds back.
#[derive(Clone, Copy)]
enum To {
    SameBank,
    OtherBank,
}

fn issue(gates: &mut DdrGates, kind: CommandKind, bank: usize, clock: Clock) {
    match kind {
        CommandKind::Act => gates.activated(bank, clock),
        CommandKind::Rd | CommandKind::Rda => {
            gates.read(bank, clock, kind == CommandKind::Rda);
        }
        CommandKind::Wr | CommandKind::Wra => {
            gates.written(bank, clock, kind == CommandKind::Wra);
        }
        CommandKind::Pre => gates.precharged(bank, clock),
        CommandKind::Prea => gates.all_precharged(clock),
        CommandKind::Refa => gates.refreshed(clock),
        CommandKind::Presb | CommandKind::Refsb => unreachable!("DDR3 has no sets"),
    }
}

/// Whether a command could be issued at `clock`.
fn is_open(gates: &DdrGates, kind: CommandKind, bank: usize, clock: Clock) -> bool {
    let [act, read, write, pre] = gates.of_group(0, 0);
    let of_rank = match kind {
        CommandKind::Act => act,
        CommandKind::Rd | CommandKind::Rda => read,
        CommandKind::Wr | CommandKind::Wra => write,
        CommandKind::Pre => pre,
        CommandKind::Prea => gates.of_precharges(0..8),
        _ => gates.of_refresh(),
    };
    gates.of_bank(kind, bank).max(of_rank) <= clock
}

// Claim: the table of section 6, entry by entry, in the figures of JESD79-3F's DDR3-1600 grade: shut a clock before, open then.
#[test]
fn each_gate_is_shut_until_its_clock_and_open_from_it() {
    use CommandKind::{Act, Pre, Prea, Rd, Rda, Refa, Wr, Wra};
    use To::{OtherBank as Other, SameBank as Same};
    let table = [
        (Act, &[(Act, 38)][..], Same),
        (Act, &[(Rd, 10), (Rda, 10), (Wr, 10), (Wra, 10), (Pre, 28)], Same),
        (Act, &[(Act, 5), (Prea, 28), (Refa, 38)], Other),
        (Pre, &[(Act, 10)], Same),
        (Pre, &[(Act, 1), (Refa, 10)], Other),
        (Prea, &[(Act, 10), (Refa, 10)], Other),
        (Refa, &[(Act, 88), (Refa, 88)], Other),
        (Rd, &[(Pre, 6)], Same),
        (Rd, &[(Rd, 4), (Rda, 4), (Wr, 8), (Wra, 8), (Prea, 6)], Other),
        (Rda, &[(Act, 16)], Same),
        (Rda, &[(Rd, 4), (Rda, 4), (Wr, 8), (Wra, 8), (Refa, 16), (Prea, 6)], Other),
        (Wr, &[(Pre, 24), (Rda, 18)], Same),
        (Wr, &[(Wr, 4), (Wra, 4), (Rd, 18), (Rda, 18), (Prea, 24)], Other),
        (Wra, &[(Act, 34)], Same),
        (Wra, &[(Wr, 4), (Wra, 4), (Rd, 18), (Rda, 18), (Refa, 34), (Prea, 24)], Other),
    ];
    for (earlier, laters, to) in table {
        for &(later, gap) in laters {
            let mut gates = DdrGates::new(&DDR3_1600);
            issue(&mut gates, earlier, 2, 1000);
            let bank = if matches!(to, To::SameBank) { 2 } else { 5 };
            assert!(!is_open(&gates, later, bank, 1000 + gap - 1), "{earlier:?} then {later:?}");
            assert!(is_open(&gates, later, bank, 1000 + gap), "{earlier:?} then {later:?}");
        }
    }
}

// Claim: of four ACT at 1000, 1005, 1010 and 1015 the window of 24 clocks holds back the fifth to 1024, not to 1020.
#[test]
fn a_fifth_act_waits_for_the_window_of_four() {
    let mut gates = DdrGates::new(&DDR3_1600);
    for bank in 0..4 {
        issue(&mut gates, CommandKind::Act, bank, 1000 + 5 * bank as u64);
    }
    assert!(!is_open(&gates, CommandKind::Act, 4, 1023));
    assert!(is_open(&gates, CommandKind::Act, 4, 1024));
    // The next is held back by the second of the four: 1005 + 24 is also 1024 + 5.
    issue(&mut gates, CommandKind::Act, 4, 1024);
    assert!(!is_open(&gates, CommandKind::Act, 5, 1028));
    assert!(is_open(&gates, CommandKind::Act, 5, 1029));
}

// By hand: ACT 0, RD 10, its data end at 24. With a buffer of 1 the second request is stored at 10, when the first leaves the
// buffer; its row differs: PRE at 28 (tRAS), ACT at 38 (tRP, and tRC), RD at 48, end at 62.
#[test]
fn a_row_conflict_takes_its_clocks() {
    use CommandKind::{Act, Pre, Rd};
    let requests = [read(0, 3, 1), read(1, 3, 2)];
    let expected = [(0, Act), (10, Rd), (28, Pre), (38, Act), (48, Rd)];
    let expected: Vec<_> = expected.iter().map(|&(clock, kind)| (clock, kind, Some(3))).collect();
    assert_eq!(commands(&plain(), &requests), expected);
    let report = report(&plain(), &requests);
    assert!((report.time_s - 62.0 * 1.25e-9).abs() < 1e-18);
    // Admitted at 0 and, offered a clock after the first was stored, at 1.
    assert!((report.latency.max_s - 61.0 * 1.25e-9).abs() < 1e-18);
    assert!((report.latency.mean_s - (24.0 + 61.0) / 2.0 * 1.25e-9).abs() < 1e-18);
    assert_eq!(report.counts, Counts { activates: 2, precharges: 1, reads: 2, ..Counts::default() });
    assert!((report.bandwidth_byte_per_s - 128.0 / (62.0 * 1.25e-9)).abs() < 1.0);
}

// By hand: the second request finds its row open, so it is a hit at 14; then two rows later it is not.
#[test]
fn a_row_hit_is_an_access_to_a_row_that_was_used() {
    let requests = [read(0, 0, 1), request(1, Operation::Read, 0, 1, 5), read(2, 0, 2)];
    assert_eq!(report(&plain(), &requests).counts.row_hits, 1);
}

// By hand, table of section 5: a buffer of 4, the first access decided when the others wait.
#[test]
fn page_policies_close_rows_as_their_table_says() {
    use CommandKind::{Rd, Rda};
    let policies = [
        // Rows of the three requests of bank 0, and what the accesses are under each policy.
        ([1, 1, 1], [[Rd, Rd, Rd], [Rd, Rd, Rd], [Rda, Rda, Rda], [Rd, Rd, Rda]]),
        ([1, 2, 2], [[Rd, Rd, Rd], [Rda, Rd, Rd], [Rda, Rda, Rda], [Rda, Rd, Rda]]),
        // Only the second entry of a queue in order is looked at: the row that is wanted later is closed.
        ([1, 2, 1], [[Rd, Rd, Rd], [Rda, Rda, Rd], [Rda, Rda, Rda], [Rda, Rda, Rda]]),
    ];
    for (rows, accesses) in policies {
        let requests: Vec<Request> = rows.iter().map(|&row| read(0, 0, row)).collect();
        let all =
            [PagePolicy::Open, PagePolicy::OpenAdaptive, PagePolicy::Closed, PagePolicy::ClosedAdaptive];
        for (page_policy, expected) in all.into_iter().zip(accesses) {
            let controller = Controller { page_policy, buffer_size: number(4), ..plain() };
            let kinds = commands(&controller, &requests).into_iter().map(|command| command.1);
            let accesses: Vec<_> = kinds.filter(|kind| matches!(kind, Rd | Rda)).collect();
            assert_eq!(accesses, expected, "{page_policy:?} {rows:?}");
        }
    }
}

/// Order in which the requests are accessed, by row.
fn rows_in_order(controller: &Controller, requests: &[Request]) -> Vec<(u64, Operation)> {
    let log = commands(controller, requests);
    let kinds = log.iter().filter(|command| !matches!(command.1, CommandKind::Act | CommandKind::Pre));
    kinds
        .map(|&(clock, kind, _)| {
            (clock, if kind == CommandKind::Wr { Operation::Write } else { Operation::Read })
        })
        .collect()
}

// By hand, requests of bank 0 in rows 1, 2, 1: in order three rows are opened, row hits first two.
#[test]
fn row_hits_first_saves_a_row() {
    let requests = [read(0, 0, 1), read(1, 0, 2), read(2, 0, 1)];
    for (scheduler, activates) in [(Scheduler::Fifo, 3), (Scheduler::FrFcfs, 2), (Scheduler::FrFcfsGrp, 2)] {
        let controller = Controller { scheduler, buffer_size: number(4), ..plain() };
        assert_eq!(report(&controller, &requests).counts.activates, activates, "{scheduler:?}");
    }
}

// By hand, one row: read, write, read. Grouped, the second read overtakes the write at 14, unless it is for the address that is
// written, whose data it must see.
#[test]
fn reads_overtake_writes_when_grouped_but_never_of_their_own_address() {
    use Operation::{Read, Write};
    let requests =
        |column| [request(0, Read, 0, 1, 0), request(0, Write, 0, 1, 1), request(0, Read, 0, 1, column)];
    let order = |scheduler, column| {
        let controller = Controller { scheduler, buffer_size: number(4), ..plain() };
        rows_in_order(&controller, &requests(column)).into_iter().map(|access| access.1).collect::<Vec<_>>()
    };
    assert_eq!(order(Scheduler::FrFcfs, 2), [Read, Write, Read]);
    assert_eq!(order(Scheduler::FrFcfsGrp, 2), [Read, Read, Write]);
    assert_eq!(order(Scheduler::FrFcfsGrp, 1), [Read, Write, Read]);
}

// By hand, section 3: all requests want to go at 0 to bank 0, row 1. With one active transaction each waits for the response
// before: ACT 0, RD 10, response 24; admitted then, RD 24 and response 38; RD 38 and response 52.
#[test]
fn one_active_transaction_at_a_time_is_admitted_with_the_response_before() {
    let requests = [0, 1, 2].map(|column| request(0, Operation::Read, 0, 1, column));
    for arbiter in [Arbiter::Fifo { max_active: number(1) }, Arbiter::Reorder { max_active: number(1) }] {
        let controller = Controller { arbiter, buffer_size: number(4), ..plain() };
        let clocks: Vec<u64> = commands(&controller, &requests).iter().map(|command| command.0).collect();
        assert_eq!(clocks, [0, 10, 24, 38], "{arbiter:?}");
        assert!((report(&controller, &requests).latency.p50_s - 14.0 * 1.25e-9).abs() < 1e-18);
    }
}

// By hand, section 4: bank 0 has the requests of rows 1 and 2, bank 1 the third. The third is read before the second; in order
// its response waits for it, so the last response is a clock later than the second's.
#[test]
fn responses_in_order_wait_for_one_another() {
    let requests = [read(0, 0, 1), read(0, 0, 2), read(0, 1, 1)];
    let controller = |responses| Controller { responses, buffer_size: number(4), ..plain() };
    // ACT 0, ACT of bank 1 at 5 (tRRD), RD 10, RD of bank 1 at 15, PRE 28, ACT 38, RD 48, end 62.
    let time = |responses| report(&controller(responses), &requests).time_s / 1.25e-9;
    assert!((time(ResponseQueue::Fifo) - 62.0).abs() < 1e-9);
    assert!((time(ResponseQueue::Reorder) - 63.0).abs() < 1e-9);
}

// By hand, section 7: idle after the first access, a refresh falls due at 6240. Row 1 is open: PREA then, REFA 10 later; a
// second is pulled in 88 clocks after it. The second request comes long after.
#[test]
fn idle_time_pulls_refreshes_in() {
    use CommandKind::{Act, Prea, Rd, Refa};
    let controller = Controller { refresh: refreshed(1, 1), ..plain() };
    let requests = [read(0, 0, 1), read(7000, 0, 1)];
    let expected = [
        (0, Act, Some(0)),
        (10, Rd, Some(0)),
        (6240, Prea, None),
        (6250, Refa, None),
        (6338, Refa, None),
        (7000, Act, Some(0)),
        (7010, Rd, Some(0)),
    ];
    assert_eq!(commands(&controller, &requests), expected);
    // One interval of 6240 clocks has passed, two refreshes were done.
    assert_eq!(report(&controller, &requests).refresh_debt, -1);
    let off = Controller { refresh: RefreshPolicy::NoRefresh, ..plain() };
    assert_eq!(report(&off, &requests).refresh_debt, 1);
}

// Claim: section 7. Under steady load a refresh is put off as often as may be, then forced, and each later one is forced too.
// 12,500 row conflicts of 38 clocks are 76 intervals: 76 less those put off are done.
#[test]
fn a_busy_controller_owes_the_refreshes_that_it_may_put_off() {
    let requests: Vec<Request> = (0..12_500).map(|index| read(0, 0, index % 2)).collect();
    for most in [1, 4, 8] {
        let controller = Controller { refresh: refreshed(most, 1), buffer_size: number(4), ..plain() };
        let report = report(&controller, &requests);
        assert_eq!(report.refresh_debt, i64::from(most), "{:?}", report.counts);
    }
}

// By hand, section 10, one read with the row left open: ACT at 0, RD at 10, so the account ends at 10 + 14 = 24. Per chip, in
// mA clocks: ACT 28 * (70 - 45) = 700, RD 4 * (140 - 45) = 380, standby 24 * 45 = 1080; together 2160 * 1.5 V * 1.25 ns = 4050 pJ,
// times 8 chips.
#[test]
fn the_energy_of_a_read_adds_up() {
    let energy = report(&plain(), &[read(0, 0, 1)]).energy;
    assert!((energy.total_j() - 32_400e-12).abs() < 1e-18, "{energy:?}");
    // Closed with the access: at 28 (tRAS), so the account ends at 28 + 9 = 37: PRE 10 * 25 = 250, standby 37 * 45.
    let closed = Controller { page_policy: PagePolicy::Closed, ..plain() };
    let energy = report(&closed, &[read(0, 0, 1)]).energy;
    let expected = f64::from(700 + 380 + 250 + 37 * 45) * 1.5 * 1.25 * 8.0 * 1e-12;
    assert!((energy.total_j() - expected).abs() < 1e-18, "{energy:?}");
    assert!(energy.write_j == 0.0 && energy.refresh_j == 0.0);
}

// Claim: where standby differs by state, it is charged by state. The row above is open from 0 to 28 and closed to 37.
#[test]
fn standby_is_charged_by_state() {
    const SUPPLIES: &[Currents] = &[Currents { idd2n_a: 0.010, ..DDR3_1600.supplies[0] }];
    let device = DramDevice { supplies: SUPPLIES, ..DDR3_1600 };
    let simulator = Simulator::new(&device, &Trace::new(vec![read(0, 0, 1)]).unwrap());
    let closed = Controller { page_policy: PagePolicy::Closed, ..plain() };
    let energy = simulator.run(&closed, Order::AsBooked, &mut Scratch::new()).energy;
    let expected = f64::from(28 * 45 + 9 * 10) * 1.5 * 1.25 * 8.0 * 1e-12;
    assert!((energy.background_j - expected).abs() < 1e-18, "{energy:?}");
}

// Claim: nearest rank. Of latencies 1 to 1000 the percentiles are 500 and 990, above the first pass's bins as below them.
#[test]
fn percentiles_are_nearest_ranks() {
    for scale in [1, 3, 1000] {
        let latencies: Vec<Clock> = (1..=1000).rev().map(|latency| latency * scale).collect();
        let latency = Latency::of(&latencies, 1.0, &mut Vec::new());
        let scale = scale as f64;
        assert_eq!(
            latency,
            Latency {
                mean_s: 500.5 * scale,
                p50_s: 500.0 * scale,
                p99_s: 990.0 * scale,
                max_s: 1000.0 * scale,
            }
        );
    }
    let one = Latency::of(&[7], 1.0, &mut Vec::new());
    assert_eq!((one.p50_s, one.p99_s), (7.0, 7.0));
}

#[test]
fn what_is_no_trace_is_refused() {
    assert_eq!(Trace::new(Vec::new()), Err(TraceError::Empty));
    let late = Trace::new(vec![read(0, 0, 0), read(MAX_CYCLE + 1, 0, 0)]).unwrap_err();
    assert_eq!(late.to_string(), "request 1 comes at cycle 68719476737; the last possible is 68719476736");
}
