//! Whole runs over random worlds: what holds of every one of them (DESIGN.md, section 3).

use super::world::{Nature, World};
use crate::summary::Outcome;
use proptest::prelude::*;

fn nature(quiet: bool) -> impl Strategy<Value = Nature> {
    let shape = (any::<u64>(), 1usize..60, 1usize..30, any::<bool>(), 1usize..40, 0usize..4);
    let faults = (0u32..20, 0u32..15, 0u32..20, 0u32..15);
    let rest = (0usize..8, 0usize..4, 1usize..8, 0u64..4);
    let gone = prop_oneof![6 => Just(None), 1 => Just(Some(404)), 1 => Just(Some(403))];
    let most = prop_oneof![3 => Just(None), 1 => (1u64..4).prop_map(Some)];
    (shape, faults, rest, gone, most).prop_map(move |(shape, faults, rest, gone, max_failures)| {
        let (seed, users, width, published, cap, bad) = shape;
        let (lost, trouble, throttled, odd) = if quiet { (0, 0, 0, 0) } else { faults };
        let (colleagues, crashes, max_concurrent, slow) = rest;
        let cap = if published { width } else { cap };
        Nature {
            seed,
            users,
            width,
            published,
            cap,
            bad,
            gone,
            lost,
            trouble,
            throttled,
            odd,
            colleagues,
            crashes,
            max_concurrent,
            max_failures,
            slow,
        }
    })
}

/// What holds of a run that is over.
fn holds(nature: &Nature) -> Result<(), TestCaseError> {
    let mut world = World::new(nature.clone());
    world.play();
    prop_assert_eq!(&world.violations, &Vec::<String>::new());
    if world.cause.is_none() {
        prop_assert_eq!(world.pending(), 0, "rows without an outcome");
    } else {
        prop_assert!(nature.gone.is_some(), "it stopped for {:?}", world.cause);
    }
    // So many calls at the most: each change once, a few for each who is to blame, each fault and each colleague.
    let few = nature.bad * 40 + world.faults * 8 + nature.colleagues * 8 + (nature.crashes + 1) * nature.users + 60;
    prop_assert!(world.writes <= 2 * world.changes() + few, "{} writes for {}", world.writes, world.changes());
    for trace in &world.traces {
        prop_assert_eq!(trace.replay(nature.width, nature.published), trace.outputs());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    #[test]
    fn each_row_ends_once_and_nobody_is_blamed_or_overwritten_unseen_whoever_interferes(nature in nature(true)) {
        holds(&nature)?;
    }

    #[test]
    fn each_row_ends_once_and_nobody_is_blamed_or_overwritten_unseen_whatever_is_lost(nature in nature(false)) {
        holds(&nature)?;
    }
}

#[test]
#[ignore = "a soak of a million runs: hours"]
fn a_million_runs_keep_what_ten_thousand_keep() {
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 1_000_000, ..ProptestConfig::default() });
    runner.run(&nature(false), |nature| holds(&nature)).unwrap();
}

#[test]
fn a_quiet_world_is_updated_with_a_call_a_change_and_full_calls() {
    let nature = Nature {
        seed: 1,
        users: 1_200,
        width: 50,
        published: true,
        cap: 50,
        bad: 0,
        gone: None,
        lost: 0,
        trouble: 0,
        throttled: 0,
        odd: 0,
        colleagues: 0,
        crashes: 0,
        max_concurrent: 10,
        max_failures: None,
        slow: 0,
    };
    let mut world = World::new(nature);
    world.play();
    assert_eq!((world.violations.clone(), world.count(Outcome::Updated)), (vec![], 1_200));
    assert!(world.writes < world.changes());
}
