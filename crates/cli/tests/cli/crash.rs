//! What a run survives: kill -9 at any moment, signals, closed pipes, damaged journals.

use crate::world::{Ran, World};
use paceline_core::summary::Outcome;
use paceline_journal::{Folder, Phase, Store};
use paceline_sandbox::{Faults, Options};
use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const ROUNDS: u64 = 20;
const USERS: usize = 300;

/// A run of about half a second that loses some of its answers.
fn world(seed: u64) -> World {
    let faults = Faults { reset_after: 0.02, error_500: 0.02, ..Faults::default() };
    World::new(Options { users: USERS, seed, limit: None, latency_ms: 10, faults, ..Options::default() })
}

fn begin(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the moment of the kill is the test's, in the real world's time")]
pub(crate) fn wait(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

fn store(world: &World) -> Folder {
    Folder::new(&world.dir.path().join("state"))
}

/// The users whose write the journal has acknowledged, and how often the vendor has applied each so far.
fn acknowledged(world: &World) -> BTreeMap<String, u64> {
    let store = store(world);
    let Some(run) = store.list().unwrap().into_iter().next() else { return BTreeMap::new() };
    let mut journal = store.look(&run.id).unwrap();
    if journal.record().unwrap().phase == Phase::Importing {
        return BTreeMap::new();
    }
    let rows = journal.rows(0, USERS as u32, false).unwrap();
    let books = world.sandbox().books().clone();
    rows.into_iter()
        .filter(|row| row.outcome == Outcome::Updated)
        .map(|row| (row.row.key.value.clone(), books.applied.get(&row.row.key.value).copied().unwrap_or(0)))
        .collect()
}

#[test]
fn a_run_that_is_killed_at_any_moment_is_resumed_to_its_end_and_nobody_is_lost_or_written_again() {
    let mut cut = 0;
    for seed in 1..=ROUNDS {
        let world = world(seed);
        let mut chance = fastrand::Rng::with_seed(seed);
        let roster = world.roster();
        let flags = ["--rate", "5000/1", "--base-delay", "0.02", "--yes"];
        let mut apply = world.paceline();
        apply.args(["apply", roster.to_str().unwrap(), "--results", "results.csv"]).args(flags);
        let mut child = begin(&mut apply);
        let mut promised: BTreeMap<String, u64> = BTreeMap::new();
        for _ in 0..3 {
            wait(chance.u64(5..250));
            let _ = child.kill();
            let _ = child.wait();
            // Answers on their way to the dead process are the vendor's writes all the same.
            wait(30);
            for (user, times) in acknowledged(&world) {
                assert_eq!(
                    *promised.entry(user.clone()).or_insert(times),
                    times,
                    "seed {seed}: {user} was written again"
                );
            }
            cut += 1;
            child = begin(world.paceline().args(["resume"]).args(flags));
        }
        let _ = child.wait();
        let mut last = world.run(&["resume", "--yes", "--base-delay", "0.02"]);
        if world.sandbox().books().applied.is_empty() {
            // It was killed before there was a run.
            last = Ran::from(apply.output().unwrap());
        }
        assert_eq!(last.code, 0, "seed {seed}: {last:?}");
        let results = std::fs::read_to_string(world.dir.path().join("results.csv")).unwrap();
        let outcomes: Vec<&str> = results.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
        assert_eq!(outcomes, ["updated"; USERS], "seed {seed}");
        assert_eq!(world.titles_set(), USERS, "seed {seed}");
        let books = world.sandbox().books().clone();
        for (user, times) in promised {
            assert_eq!(
                books.applied.get(&user),
                Some(&times),
                "seed {seed}: {user} was written after its acknowledgement"
            );
        }
        let again = world.run(&["resume", "--yes"]);
        assert!(again.code == 0 && again.stderr.contains("nothing to do"), "seed {seed}: {again:?}");
    }
    assert_eq!(cut, ROUNDS * 3);
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn the_first_signal_ends_what_is_in_flight_and_says_how_to_go_on() {
    for name in ["INT", "TERM"] {
        let world = world(1);
        let roster = world.roster();
        let mut command = world.paceline();
        command.args(["apply", roster.to_str().unwrap(), "--yes", "--rate", "100/1", "--results", "results.csv"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait(1_200);
        signal(&child, name);
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 130, "{name} {ran:?}");
        assert!(ran.stdout.contains("Go on with: paceline resume 20"), "{ran:?}");
        let done = world.sandbox().books().applied.len();
        let results = std::fs::read_to_string(world.dir.path().join("results.csv")).unwrap();
        assert_eq!(
            results.lines().filter(|line| line.contains(",updated,")).count(),
            done,
            "nothing in flight was lost"
        );
        let resumed = world.run(&["resume", "--rate", "5000/1", "--format", "json"]);
        assert_eq!((resumed.code, resumed.json()["updated"].as_u64()), (0, Some(USERS as u64)), "{resumed:?}");
    }
}

#[test]
fn the_second_signal_stops_at_once_and_loses_nothing() {
    let world = World::new(Options { users: 40, limit: None, latency_ms: 8_000, ..Options::default() });
    let roster = world.roster();
    let mut command = world.paceline();
    command.args(["apply", roster.to_str().unwrap(), "--yes", "--blind"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait(1_200);
    signal(&child, "INT");
    wait(200);
    signal(&child, "INT");
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 130, "{ran:?}");
    let soon = (0..6).any(|seconds| ran.stdout.contains(&format!(" in {seconds}.")));
    assert!(soon, "it did not wait for the answers: {ran:?}");
    assert!(ran.stdout.contains("pending           40"), "{ran:?}");
}

#[test]
fn a_closed_pipe_does_not_hurt_the_run() {
    let world = world(1);
    let roster = world.roster();
    let mut command = world.paceline();
    command.args(["apply", roster.to_str().unwrap(), "--yes", "--rate", "5000/1", "--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(world.titles_set(), USERS);
}

#[test]
fn two_processes_never_work_on_one_run() {
    let world = world(1);
    let roster = world.roster();
    let mut child = begin(world.paceline().args(["apply", roster.to_str().unwrap(), "--yes", "--rate", "100/1"]));
    let store = store(&world);
    let begun = || {
        let run = store.list().unwrap().into_iter().next()?;
        run.record.is_ok_and(|record| record.phase > Phase::Importing).then_some(run.id)
    };
    let id = (0..100).find_map(|_| {
        begun().or_else(|| {
            wait(50);
            None
        })
    });
    let id = id.unwrap();
    let refused = world.run(&["resume", &id, "--yes"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains(&format!("is being worked on by process {}", child.id())), "{refused:?}");
    let none = world.run(&["resume", "--yes"]);
    assert!(none.code == 2 && none.stderr.contains("is being worked on by process"), "{none:?}");
    let _ = child.kill();
    let _ = child.wait();
    assert_eq!(world.run(&["resume", &id, "--yes", "--rate", "5000/1"]).code, 0, "a dead holder's lock is taken over");
}

#[test]
fn runs_are_listed_shown_reported_and_forgotten() {
    let world = world(1);
    assert_eq!(world.run(&["runs"]).stdout, "No runs\n");
    let applied = world.apply(&["--rate", "5000/1"]).json();
    let id = applied["run"].as_str().unwrap();
    assert!(world.run(&["runs"]).stdout.contains("finished"));
    let shown = world.run(&["runs", "show", id, "--format", "json"]).json();
    assert_eq!(shown["calls"], applied["calls"]);
    assert_eq!(shown["updated"], applied["updated"]);
    let finished = world.run(&["resume", id]);
    assert!(finished.code == 0 && finished.stderr.contains("nothing to do"), "{finished:?}");
    assert_eq!(world.run(&["report", id]).stdout.lines().count(), USERS + 1);
    assert_eq!(world.run(&["report", id, "--format", "json"]).json().as_array().unwrap().len(), USERS);
    assert_eq!(world.run(&["runs", "forget", id]).code, 2, "nobody can be asked");
    assert_eq!(world.run(&["runs", "forget", id, "--yes"]).code, 0);
    assert_eq!(world.run(&["runs", "show", id]).code, 2);
}

#[test]
fn a_damaged_journal_is_refused_and_what_can_be_read_is_written_out() {
    let world = World::new(Options { users: 2_000, limit: None, ..Options::default() });
    let id = world.apply(&["--rate", "50000/1"]).json()["run"].as_str().unwrap().to_owned();
    let path = world.dir.path().join(format!("state/runs/{id}.db"));
    let mut bytes = std::fs::read(&path).unwrap();
    // Every page that tells of user 1,000, a leaf of the rows' table among them.
    let needle = world.ids()[1_000].clone().into_bytes();
    for page in bytes.chunks_mut(4_096) {
        if page.windows(needle.len()).any(|window| window == needle) {
            page.fill(0xff);
        }
    }
    std::fs::write(&path, bytes).unwrap();
    let refused = world.run(&["report", &id, "--output", "saved.csv"]);
    assert!(refused.code == 2 && refused.stderr.contains("is damaged"), "{refused:?}");
    let saved = std::fs::read_to_string(world.dir.path().join("saved.csv")).unwrap();
    let rows = saved.lines().count();
    assert!((1_500..2_000).contains(&rows), "{rows} rows were saved");
}

#[test]
fn a_newest_run_that_cannot_be_read_is_named_and_no_older_one_gone_on_with_in_its_place() {
    let world = world(1);
    let roster = world.roster();
    let mut halted = world.paceline();
    halted.env("GENESYS_CLIENT_SECRET", "wrong").args(["apply", roster.to_str().unwrap(), "--yes"]);
    for _ in 0..2 {
        assert_eq!(Ran::from(halted.output().unwrap()).code, 3);
        // The ids of runs are times, to the second.
        wait(1_000);
    }
    let ids: Vec<String> = store(&world).list().unwrap().into_iter().map(|run| run.id).collect();
    let newest = world.dir.path().join(format!("state/runs/{}.db", ids[0]));
    let whole = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, b"this is no database, and long enough to be taken for one by nobody at all").unwrap();
    let refused = world.run(&["resume", "--yes"]);
    assert!(refused.code == 2 && refused.stderr.contains(&ids[0]), "{refused:?}");
    assert!(!refused.stderr.contains("nothing to do"), "{refused:?}");
    let runs = world.run(&["runs"]).stdout;
    assert!(runs.contains("damaged") && runs.contains("halted"), "{runs}");
    std::fs::write(&newest, whole).unwrap();
    assert!(world.sandbox().books().applied.is_empty());
    let named = world.run(&["resume", &ids[1], "--rate", "5000/1", "--base-delay", "0.02"]);
    assert_eq!(named.code, 0, "{named:?}");
}

#[test]
fn a_resume_is_never_refused_for_somebody_who_lists_runs() {
    let world = World::new(Options { users: 2, limit: None, ..Options::default() });
    let roster = world.roster();
    let mut halted = world.paceline();
    halted.env("GENESYS_CLIENT_SECRET", "wrong").args(["apply", roster.to_str().unwrap(), "--yes"]);
    assert_eq!(Ran::from(halted.output().unwrap()).code, 3);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    assert_eq!(world.run(&["runs"]).code, 0);
                }
            });
        }
        let codes: Vec<i32> = (0..20)
            .map(|_| {
                let mut resume = world.paceline();
                resume.env("GENESYS_CLIENT_SECRET", "wrong").args(["resume"]);
                Ran::from(resume.output().unwrap()).code
            })
            .collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(codes, [3; 20]);
    });
}
