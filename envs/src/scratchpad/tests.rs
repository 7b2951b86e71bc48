//! Tests: designs are placements, settings are held to their ranges.

use tapeout_core::Seed;
use tapeout_simulators::scratchpad::least_height;

use super::*;

fn env(config: ScratchpadConfig) -> Scratchpad {
    Scratchpad::build(config).unwrap_or_else(|error| panic!("{error}"))
}

fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("buffers.csv");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// By hand: 4 byte in [0, 2), 2 in [1, 3), 4 in [2, 4): 6 byte if the middle one goes first or last, whichever order of the 6.
#[test]
fn every_order_of_three_buffers_is_a_design() {
    let (_folder, instance) = file("id,lower,upper,size\n0,0,2,4\n1,1,3,2\n2,2,4,4\n");
    let designs = PlacementDesigns::Orders;
    let env = env(ScratchpadConfig { instance, designs, capacity_byte: 5, ..ScratchpadConfig::default() });
    assert_eq!(env.space().cardinality(), 6);
    for rank in 0..6 {
        let outcome = env.evaluate(&env.space().unrank(rank)).unwrap();
        assert_eq!(outcome, Outcome::Measured(vec![6.0, 6.0 / 5.0, 1.0]));
    }
}

#[test]
fn an_order_reaches_the_least_height_of_a_networks_activations() {
    let config =
        ScratchpadConfig { network: "bert-base".to_owned(), layers: 1, ..ScratchpadConfig::default() };
    let env = env(ScratchpadConfig { designs: PlacementDesigns::Orders, ..config });
    let best = least_height(env.buffers(), 100_000);
    assert!(best.proven);
    let mut order: Vec<usize> = (0..best.offsets_byte.len()).collect();
    order.sort_by_key(|&buffer| best.offsets_byte[buffer]);
    // Where among the buffers of lower numbers each one goes.
    let place = |buffer: usize| {
        let before = order.iter().take_while(|&&it| it != buffer);
        before.filter(|&&it| it < buffer).count() as u32
    };
    let levels: Vec<u32> = (1..order.len()).map(place).collect();
    let design = env.space().design(&levels).unwrap();
    assert_eq!(env.buffers().height_byte(&env.offsets_byte(&design)), Ok(best.height_byte));
}

#[test]
fn rules_place_every_buffer_of_minimalloc_where_it_is_free() {
    let env = env(ScratchpadConfig::default());
    let mut rng = Seed::new(0).stream("test");
    for _ in 0..50 {
        let design = env.space().sample(&mut rng);
        let Ok(Outcome::Measured(metrics)) = env.evaluate(&design) else { panic!("{design:?}") };
        assert!(metrics[0] >= env.buffers().peak_byte() as f64);
    }
}

#[test]
fn what_exceeds_the_capacity_can_be_refused() {
    let config = ScratchpadConfig { overflow: Overflow::Refused, ..ScratchpadConfig::default() };
    let env = env(ScratchpadConfig { capacity_byte: 1_000_000, ..config });
    let design = env.space().sample(&mut Seed::new(0).stream("test"));
    let height_byte = env.buffers().height_byte(&env.offsets_byte(&design)).unwrap();
    let violation = height_byte as f64 / 1e6 - 1.0;
    assert_eq!(env.evaluate(&design).unwrap(), Outcome::infeasible("capacity", violation));
}

#[test]
fn settings_that_name_no_buffers_are_refused() {
    let refusal = |config| Scratchpad::build(config).unwrap_err().to_string();
    let config = ScratchpadConfig::default;
    let near = refusal(ScratchpadConfig { instance: "minimaloc-b".to_owned(), ..config() });
    assert!(near.contains("did you mean `minimalloc-b`?"), "{near}");
    let many = refusal(ScratchpadConfig { designs: PlacementDesigns::Orders, ..config() });
    assert_eq!(many, "`designs`: `orders` needs 2 to 33 buffers; there are 154: use `rules`");
    let (_folder, instance) = file("id,lower,upper,size\n0,0,2,-4\n");
    let number = refusal(ScratchpadConfig { instance, ..config() });
    assert!(
        number.ends_with("buffers.csv: line 2: `size` is `-4`; expected a whole number from 0"),
        "{number}"
    );
    let layers = refusal(ScratchpadConfig { network: "gpt2".to_owned(), layers: 13, ..config() });
    assert!(layers.starts_with("`layers`: "), "{layers}");
}
