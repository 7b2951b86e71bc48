//! Tests: the graph of the paper, laws on small random ones.

use proptest::prelude::*;

use super::*;

/// All semi-active schedules: every order of starts, every choice of processors.
fn shortest_of_all(graph: &TaskGraph) -> u64 {
    let n = graph.n_tasks();
    let mut best = u64::MAX;
    for code in 0..graph.n_processors().pow(n as u32) {
        let digit = |task: usize| code / graph.n_processors().pow(task as u32) % graph.n_processors();
        let processors: Vec<usize> = (0..n).map(digit).collect();
        for rank in 0..(1..=n).product() {
            let mut rank = rank;
            let mut order = Vec::new();
            for before in 1..=n {
                order.insert(rank % before, before - 1);
                rank /= before;
            }
            let schedule = graph.in_order(&order, &processors);
            assert_eq!(schedule.check(graph), Ok(()));
            best = best.min(schedule.makespan());
        }
    }
    best
}

/// Source: Topcuoglu et al. (2002), figure 3: HEFT ends at 80.
#[test]
fn heft_ends_the_ten_tasks_at_80_and_none_ends_before_73() {
    let graph = ten_tasks();
    let heft = graph.heft();
    assert_eq!((heft.check(&graph), heft.makespan()), (Ok(()), 80));
    let shortest = graph.shortest(10_000_000);
    assert_eq!(shortest.schedule.check(&graph), Ok(()));
    assert_eq!((shortest.schedule.makespan(), shortest.proven), (73, true));
}

/// By hand: `a` takes 2 or 4, `b` after it 4 or 1, a message 2. Both on the first end at 6; `b` on the second at 2 + 2 + 1 = 5; both on the second at 5 too.
#[test]
fn two_tasks_by_hand_end_at_five() {
    let graph = TaskGraph::new(vec![vec![2, 4], vec![4, 1]], &[Message { from: 0, to: 1, time: 2 }]).unwrap();
    let ends = |processors: [usize; 2]| graph.in_order(&[1, 0], &processors).makespan();
    assert_eq!([ends([0, 0]), ends([0, 1]), ends([1, 1]), ends([1, 0])], [6, 5, 5, 10]);
    assert_eq!(graph.shortest(100).schedule.makespan(), 5);
}

#[test]
fn a_schedule_that_is_none_is_told_why() {
    let graph = TaskGraph::new(vec![vec![2, 4], vec![4, 1]], &[Message { from: 0, to: 1, time: 2 }]).unwrap();
    let check = |first: (usize, u64, u64), second: (usize, u64, u64)| {
        let placed = [first, second].map(|(processor, start, end)| Placed { processor, start, end });
        Schedule { placed: placed.to_vec() }.check(&graph)
    };
    assert_eq!(check((0, 0, 2), (1, 4, 5)), Ok(()));
    assert_eq!(check((0, 0, 3), (1, 5, 6)), Err(ScheduleError::Duration(0)));
    assert_eq!(check((0, 0, 2), (1, 3, 4)), Err(ScheduleError::Early { from: 0, to: 1 }));
    let apart = TaskGraph::new(vec![vec![2], vec![4]], &[]).unwrap();
    let together = [(0, 2), (1, 5)].map(|(start, end)| Placed { processor: 0, start, end });
    let together = Schedule { placed: together.to_vec() };
    assert_eq!(together.check(&apart), Err(ScheduleError::Shared(0, 1)));
}

#[test]
fn files_that_hold_no_graph_are_refused() {
    let refusal = |text: &str| TaskGraph::from_toml(text).unwrap_err().to_string();
    let two = "[[task]]\nname = \"a\"\ntimes = [1, 2]\n[[task]]\nname = \"b\"\ntimes = [3, 4]\n";
    assert!(TaskGraph::from_toml(two).is_ok());
    let message = |from, to| format!("{two}[[message]]\nfrom = \"{from}\"\nto = \"{to}\"\ntime = 1\n");
    assert_eq!(refusal(&message("a", "c")), "message 0 is of task `c`, which is not there");
    let circle = message("a", "b") + "[[message]]\nfrom = \"b\"\nto = \"a\"\ntime = 1\n";
    assert_eq!(refusal(&circle), "tasks wait for each other in a circle");
    assert_eq!(refusal(&two.replace("[3, 4]", "[3]")), "task 1 has times on 1 processors; the first has 2");
    assert_eq!(refusal(&two.replace("[3, 4]", "[0, 4]")), "task 1 takes 0; expected 1 to 2^32");
    assert_eq!(refusal(&two.replace("\"b\"", "\"a\"")), "two tasks are called `a`");
    assert_eq!(refusal("task = []"), "0 tasks; expected 1 to 64");
    assert!(refusal("task = 3").contains("expected a sequence"), "{}", refusal("task = 3"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_shortest_schedule_is_that_of_all_orders_and_processors(
        times in prop::collection::vec(prop::collection::vec(1u64..9, 2), 2..=5),
        links in prop::collection::vec((0usize..5, 0usize..5, 0u64..9), 0..8)
    ) {
        let n = times.len();
        let links = links.into_iter().filter(|&(from, to, _)| from < to && to < n);
        let messages: Vec<Message> = links.map(|(from, to, time)| Message { from, to, time }).collect();
        let graph = TaskGraph::new(times, &messages).unwrap();
        let shortest = graph.shortest(1_000_000);
        prop_assert!(shortest.proven);
        prop_assert_eq!(shortest.schedule.check(&graph), Ok(()));
        prop_assert_eq!(shortest.schedule.makespan(), shortest_of_all(&graph));
        prop_assert_eq!(graph.heft().check(&graph), Ok(()));
    }
}
