//! What a run did is taken back whole, or not at all; and what is told when a journal or a results file is lost.

use crate::crash::wait;
use crate::world::{Ran, World};
use paceline_core::desired::Row;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::user::{UserId, UserKey};
use paceline_journal::{Entry, Folder, NewRun, Store};
use paceline_sandbox::Options;
use serde_json::{Map, Value, json};
use std::process::{Child, Stdio};

fn world(users: usize, latency_ms: u64) -> World {
    World::new(Options { users, limit: None, latency_ms, ..Options::default() })
}

fn store(world: &World) -> Folder {
    Folder::new(&world.dir.path().join("state"))
}

/// Begins an apply and waits until the vendor has written somebody.
fn sending(world: &World, args: &[&str]) -> Child {
    world.roster();
    let mut command = world.paceline();
    command.args(["apply", "roster.json", "--yes"]).args(args).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while world.sandbox().books().applied.is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before anything was sent");
    }
    child
}

#[test]
fn nothing_is_undone_while_it_is_not_known_what_was_done() {
    let world = world(6, 300);
    let mut child = sending(&world, &["--rate", "500/1"]);
    child.kill().unwrap();
    child.wait().unwrap();
    // What was on its way is the vendor's all the same.
    wait(400);
    let id = store(&world).list().unwrap().remove(0).id;
    let refused = world.run(&["undo", &id, "--yes"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.stderr.contains(&format!("changes of run {id} may have been sent and are not settled")),
        "{refused:?}"
    );
    assert!(refused.stderr.contains(&format!("paceline resume {id} first")), "{refused:?}");
    assert_eq!(store(&world).list().unwrap().len(), 1, "no run is begun");
    let resumed = world.run(&["resume", &id, "--rate", "500/1"]);
    assert_eq!((resumed.code, world.titles_set()), (0, 6), "{resumed:?}");
    let undone = world.run(&["undo", &id, "--yes", "--rate", "500/1", "--format", "json"]);
    assert_eq!((undone.code, undone.json()["updated"].as_u64(), world.titles_set()), (0, Some(6), 0), "{undone:?}");
    let nobody = world.run(&["apply", "roster.json", "--dry-run"]);
    assert!(nobody.stdout.contains("6 rows to update"), "{nobody:?}");
}

#[test]
fn an_undo_of_a_run_that_changed_nobody_says_so_and_begins_no_run() {
    let world = world(2, 0);
    assert_eq!(world.apply(&[]).code, 0);
    let id = world.apply(&[]).json()["run"].as_str().unwrap().to_owned();
    let ran = world.run(&["undo", &id, "--yes", "--results", "undone.csv"]);
    assert!(ran.code == 2 && ran.stderr.contains("changed nobody"), "{ran:?}");
    assert_eq!(store(&world).list().unwrap().len(), 2);
    assert!(!world.dir.path().join("undone.csv").exists());
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

/// A run that has changed so many users, without a vendor.
fn changed(store: &dyn Store, users: u64) -> String {
    let settings = json!({
        "settings": paceline_engine::Settings::default(), "columns": ["title"], "base_url": "http://127.0.0.1:9",
        "auth_url": "http://127.0.0.1:9", "profile": null, "results": null,
    });
    let run = NewRun {
        id: "20260101-000000-0001".into(),
        vendor: "genesys".into(),
        command: "apply".into(),
        roster: "roster.csv".into(),
        created: "2026-01-01T00:00:00Z".into(),
        settings,
    };
    let mut journal = store.create(&run).unwrap();
    let user = |n: u64| format!("00000000-0000-4000-8000-{n:012}");
    let mut rows = (1..=users).map(|number| Row {
        number,
        line: number + 1,
        key: UserKey::id(user(number)),
        fields: map(json!({"title": "Lead"})),
    });
    journal.import(&mut || rows.next()).unwrap();
    let numbers: Vec<u64> = (1..=users).collect();
    for numbers in numbers.chunks(5_000) {
        let entries = numbers.iter().flat_map(|&row| {
            let key = ChangeKey { stage: 1, group: String::new(), row };
            let user = UserId(user(row));
            let change = Change {
                key: key.clone(),
                kind: "fields".into(),
                user: user.clone(),
                before: map(json!({"title": "Agent", "department": "Somewhere at the end of the corridor"})),
                after: map(json!({"title": "Lead", "department": "Somewhere else, and not far from there"})),
                rest: Map::new(),
                columns: vec!["title".into(), "department".into()],
                version: Some(1),
            };
            [Entry::Planned { row, user, changes: vec![change] }, Entry::Made { key, attempts: 1, version: Some(2) }]
        });
        journal.append(&entries.collect::<Vec<_>>()).unwrap();
    }
    run.id
}

/// The most memory that a process has had so far, in KiB.
fn peak(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().trim_end_matches(" kB").parse().ok())
}

#[test]
#[cfg(target_os = "linux")]
fn the_memory_of_an_undo_does_not_grow_with_the_users_that_it_takes_back() {
    let world = world(1, 0);
    // PACELINE_TEST_USERS=1000000 tries a million, in two minutes.
    #[expect(clippy::disallowed_methods, reason = "how large a test is to be is its runner's to say")]
    let users = std::env::var("PACELINE_TEST_USERS").ok().and_then(|users| users.parse().ok()).unwrap_or(40_000);
    let id = changed(&store(&world), users);
    // Where it signs in nobody answers: everything before that is the inverse.
    let mut undo = world.paceline();
    undo.args(["undo", &id, "--yes", "--base-url", "http://127.0.0.1:9", "--max-retries", "0", "--base-delay", "0"]);
    let mut child = undo.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut most = 0;
    let code = loop {
        most = peak(&child).unwrap_or(0).max(most);
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        wait(1);
    };
    assert_eq!(code, Some(3));
    let undo = store(&world).list().unwrap().remove(0).id;
    assert_eq!(store(&world).look(&undo).unwrap().counts().unwrap().pending, users);
    assert!((1..60_000).contains(&most), "{most} KiB for {users} users");
}

#[test]
fn results_that_cannot_be_written_change_no_exit_code_and_hide_no_summary() {
    for (bad, args, code, state) in [
        (None, &[][..], 0, "finished"),
        (Some(2), &[], 1, "finished"),
        (Some(2), &["--max-failures", "1"], 3, "halted"),
    ] {
        let mut options = Options { users: 4, limit: None, ..Options::default() };
        let ids = paceline_sandbox::Sandbox::new(options.clone()).user_ids();
        options.faults.users.extend(bad.map(|at: usize| (ids[at].clone(), 400)));
        let world = World::new(options);
        std::fs::create_dir(world.dir.path().join("out")).unwrap();
        let all = [&["--rate", "1/1", "--spread", "--blind", "--results", "out/results.csv"], args].concat();
        let child = sending(&world, &all);
        std::fs::remove_dir_all(world.dir.path().join("out")).unwrap();
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.code, code, "{ran:?}");
        let id = store(&world).list().unwrap().remove(0).id;
        assert!(ran.stdout.contains(&format!("Run {id} {state}: 4 rows")), "{ran:?}");
        assert!(!ran.stdout.contains("Results:"), "{ran:?}");
        assert!(ran.stderr.contains("error: the results file `out/results.csv` cannot be written"), "{ran:?}");
        assert!(ran.stderr.contains(&format!("paceline report {id} --output out/results.csv")), "{ran:?}");
    }
}

#[test]
fn a_run_whose_journal_is_removed_tells_it_and_still_writes_its_results() {
    let world = world(3, 0);
    let child = sending(&world, &["--rate", "2/1", "--blind", "--results", "results.csv"]);
    std::fs::remove_dir_all(world.dir.path().join("state")).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, world.titles_set()), (0, 3), "{ran:?}");
    assert!(ran.stdout.contains("finished: 3 rows"), "{ran:?}");
    assert!(ran.stderr.contains("was removed while the run was working on it"), "{ran:?}");
    let results = std::fs::read_to_string(world.dir.path().join("results.csv")).unwrap();
    assert_eq!(results.matches(",updated,").count(), 3);
}

/// What is sent without a record could be neither resumed nor undone.
#[test]
fn a_run_whose_journal_is_removed_sends_no_more_than_it_had_marked() {
    let world = world(2_000, 10);
    let child = sending(&world, &["--rate", "50000/1", "--blind"]);
    std::fs::remove_dir_all(world.dir.path().join("state")).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stdout.contains("was removed while the run was working on it"), "{ran:?}");
    assert!(!ran.stdout.contains("paceline resume"), "there is nothing to go on with: {ran:?}");
    assert!(world.titles_set() <= 1_500);
}
