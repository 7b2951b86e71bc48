//! Tests: designs are schedules, the shortest one is a design, settings are held to what is there.

use super::*;

fn env() -> TaskSchedule {
    TaskSchedule::build(TaskScheduleConfig::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The order of starts and the processors of a shortest schedule, as a design, give that schedule's makespan of 73.
#[test]
fn the_shortest_schedule_of_the_ten_tasks_is_a_design() {
    let env = env();
    let shortest = env.graph().shortest(10_000_000).schedule;
    let mut order: Vec<usize> = (0..10).collect();
    order.sort_by_key(|&task| shortest.placed[task].start);
    let place =
        |task: usize| order.iter().take_while(|&&it| it != task).filter(|&&it| it < task).count() as u32;
    let processors = shortest.placed.iter().map(|it| it.processor as u32);
    let levels: Vec<u32> = (1..10).map(place).chain(processors).collect();
    let design = env.space().design(&levels).unwrap();
    let Ok(Outcome::Measured(metrics)) = env.evaluate(&design) else { panic!("every design is a schedule") };
    assert_eq!(metrics[0], 73.0);
}

/// By hand: one task of 3 or 4 before another of 5 or 1, whose message takes 2: 3 + 2 + 1 = 6 apart, 8 and 5 together.
#[test]
fn a_graph_of_ones_own_is_read_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("graph.toml");
    let text = "[[task]]\nname = \"a\"\ntimes = [3, 4]\n[[task]]\nname = \"b\"\ntimes = [5, 1]\n[[message]]\nfrom = \"a\"\nto = \"b\"\ntime = 2\n";
    std::fs::write(&path, text).unwrap();
    let env = TaskSchedule::build(TaskScheduleConfig { graph: path.to_str().unwrap().to_owned() }).unwrap();
    assert_eq!(env.space().cardinality(), 8);
    for (processors, makespan, busy_share) in
        [([0, 1], 6.0, 4.0 / 12.0), ([0, 0], 8.0, 0.5), ([1, 1], 5.0, 0.5)]
    {
        for place in 0..2 {
            let design = env.space().design(&[place, processors[0], processors[1]]).unwrap();
            assert_eq!(env.evaluate(&design).unwrap(), Outcome::Measured(vec![makespan, busy_share]));
        }
    }
}

#[test]
fn a_graph_that_is_not_there_is_refused_by_name() {
    let error = TaskSchedule::build(TaskScheduleConfig { graph: "no/such.toml".to_owned() }).unwrap_err();
    assert!(error.to_string().starts_with("`graph`: no/such.toml: "), "{error}");
}
