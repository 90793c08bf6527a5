//! `paceline apply`, end to end.

use crate::world::{World, limit};
use paceline_sandbox::{CLIENT_SECRET, Faults, Options, Outage, RetryAfter};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn options(users: usize) -> Options {
    Options { users, limit: None, ..Options::default() }
}

#[test]
fn everyone_is_updated_without_one_429_and_in_the_windows_ideal_time() {
    for blind in [false, true] {
        let world = World::new(Options { limit: limit(50, 1.0, RetryAfter::Seconds), ..options(120) });
        let args: &[&str] = if blind { &["--rate", "50/1", "--blind"] } else { &["--rate", "50/1"] };
        let ran = world.apply(args);
        assert_eq!((ran.code, ran.json()["updated"].as_u64()), (0, Some(120)), "{ran:?}");
        let books = world.sandbox().books().clone();
        assert_eq!((books.throttled, books.tokens), (0, 1));
        let elapsed = ran.json()["elapsed_s"].as_f64().unwrap();
        // The tight bound is held on a stopped clock (the engine's scenarios); here the machine may be busy.
        assert!((2.0..4.0).contains(&elapsed), "two windows and a burst took {elapsed} s");
        assert_eq!(world.titles_set(), 120);
        assert_eq!(books.calls.get("GET /api/v2/users").copied().unwrap_or(0), if blind { 0 } else { 2 });
    }
}

#[test]
fn every_form_of_retry_after_is_obeyed_in_full_and_everyone_is_updated() {
    let forms =
        [RetryAfter::Seconds, RetryAfter::Date, RetryAfter::Absent, RetryAfter::Malformed, RetryAfter::Longer(1)];
    for form in forms {
        let world = World::new(Options { limit: limit(40, 1.0, form), ..options(60) });
        let ran = world.apply(&["--max-delay", "0.5", "--base-delay", "0.25"]);
        assert_eq!((ran.code, world.titles_set()), (0, 60), "{form:?} {ran:?}");
        let books = world.sandbox().books().clone();
        assert!(books.throttled > 0 && books.during_pause == 0, "{form:?} {books:?}");
    }
}

#[test]
fn what_is_right_already_is_unchanged_and_sends_nothing() {
    let world = World::new(options(30));
    assert_eq!(world.apply(&[]).code, 0);
    let ran = world.apply(&[]);
    assert_eq!((ran.code, ran.json()["unchanged"].as_u64()), (0, Some(30)));
    assert_eq!(world.sandbox().books().applied.values().sum::<u64>(), 30);
}

#[test]
fn a_rows_failure_is_that_rows_with_the_vendors_words() {
    let mut options = options(20);
    let ids = paceline_sandbox::Sandbox::new(options.clone()).user_ids();
    options.faults.users =
        [400, 403, 404, 500].into_iter().zip(&ids).map(|(status, id)| (id.clone(), status)).collect::<BTreeMap<_, _>>();
    let world = World::new(options);
    let ran = world.apply(&["--results", "results.csv", "--base-delay", "0.01", "--max-retries", "2"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let summary = ran.json();
    assert_eq!((summary["updated"].as_u64(), summary["failed"].as_u64()), (Some(16), Some(4)));
    let told: Vec<(u64, u64, &str)> = summary["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["row"].as_u64().unwrap(), one["status"].as_u64().unwrap(), one["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            (1, 400, "invalid.value"),
            (2, 403, "missing.division.permission"),
            (3, 404, "not.found"),
            (4, 500, "internal.server.error")
        ]
    );
    let results = std::fs::read_to_string(world.dir.path().join("results.csv")).unwrap();
    let lines: Vec<&str> = results.lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[0], "row,user,outcome,status,code,message,attempts,correlation_id,changed");
    assert!(lines[4].starts_with(&format!("4,{},failed,500,internal.server.error,", ids[3])), "{}", lines[4]);
    assert!(lines[4].contains(",3,"), "one attempt and two retries: {}", lines[4]);
    assert_eq!(lines[20], format!("20,{},updated,,,,1,,title", ids[19]));
}

#[test]
fn a_page_for_people_tells_how_the_run_ended_and_every_row() {
    let mut options = options(3);
    let ids = paceline_sandbox::Sandbox::new(options.clone()).user_ids();
    options.faults.users.insert(ids[1].clone(), 400);
    let world = World::new(options);
    let ran = world.apply(&["--report", "page.html", "--results", "results.csv"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let page = std::fs::read_to_string(world.dir.path().join("page.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
    assert_eq!(page.matches("<tr class=\"updated\">").count(), 2, "{page}");
    assert!(page.contains("<td>invalid.value</td>") && page.contains("finished"), "{page}");
    let run = ran.json()["run"].as_str().unwrap().to_owned();
    assert_eq!(world.run(&["report", &run, "--output", "again.html"]).code, 0);
    assert_eq!(std::fs::read_to_string(world.dir.path().join("again.html")).unwrap(), page);
    assert_eq!(world.apply(&["--report", "no/such/dir.html"]).code, 2);
}

#[test]
fn a_user_that_does_not_exist_fails_and_the_others_do_not() {
    let world = World::new(options(3));
    let ids = world.ids();
    let roster = world.write(
        "roster.jsonl",
        format!(
            "{}\n{}\n{}\n",
            json!({"id": ids[0], "updates": {"title": "A"}}),
            json!({"id": "no-such-user", "updates": {"title": "B"}}),
            json!({"email": "USER2@example.com", "updates": {"title": "C"}}),
        ),
    );
    let ran = world.run(&["apply", roster.to_str().unwrap(), "--yes", "--format", "json"]);
    assert_eq!((ran.code, ran.json()["updated"].as_u64()), (1, Some(2)), "{ran:?}");
    assert_eq!(ran.json()["failures"][0]["status"], 404);
}

#[test]
fn a_user_named_by_two_keys_is_written_by_its_first_row_only() {
    let world = World::new(options(2));
    let ids = world.ids();
    world.write(
        "twice.csv",
        format!("id,email,title\n{},,First\n,user0@example.com,Second\n,user1@example.com,Other\n", ids[0]),
    );
    let ran = world.run(&["apply", "twice.csv", "--yes", "--format", "json"]);
    assert_eq!(
        (ran.json()["updated"].as_u64(), &ran.json()["failures"][0]["code"]),
        (Some(2), &json!("duplicate")),
        "{ran:?}"
    );
    assert_eq!(world.sandbox().user(&ids[0]).unwrap()["title"], "First");
}

#[test]
fn an_answer_that_is_one_page_of_several_loses_nobody_and_ids_have_no_case() {
    let world = World::new(Options { page_limit: Some(25), ..options(110) });
    let rows: String = world.ids().iter().map(|id| format!("{},Lead\n", id.to_uppercase())).collect();
    world.write("upper.csv", format!("id,title\n{rows}"));
    let ran = world.run(&["apply", "upper.csv", "--yes", "--format", "json", "--rate", "5000/1"]);
    assert_eq!((ran.code, ran.json()["updated"].as_u64()), (0, Some(110)), "{ran:?}");
    assert_eq!(world.sandbox().books().calls["GET /api/v2/users"], 5);
}

#[test]
fn a_token_that_ends_mid_run_is_renewed_once_for_all() {
    // It says a day and lives a second: only the 401 tells.
    let world = World::new(Options { token_ends_s: Some(1.0), ..options(60) });
    let ran = world.apply(&["--rate", "30/1"]);
    assert_eq!((ran.code, world.titles_set()), (0, 60), "{ran:?}");
    let tokens = world.sandbox().books().tokens;
    assert!((2..=8).contains(&tokens), "{tokens} tokens");
}

#[test]
fn credentials_as_form_fields_are_tried_where_basic_is_refused() {
    let world = World::new(Options { basic: false, ..options(5) });
    assert_eq!(world.apply(&[]).code, 0);
    assert_eq!(world.sandbox().books().tokens, 2);
}

#[test]
fn refused_credentials_halt_before_anything_is_sent() {
    let world = World::new(options(5));
    let roster = world.roster();
    let mut command = world.paceline();
    command.env("GENESYS_CLIENT_SECRET", "wrong").args([
        "apply",
        roster.to_str().unwrap(),
        "--yes",
        "--format",
        "json",
    ]);
    let ran = crate::world::Ran::from(command.output().unwrap());
    assert_eq!((ran.code, ran.json()["pending"].as_u64()), (3, Some(5)), "{ran:?}");
    assert!(ran.json()["halt"]["cause"].as_str().unwrap().contains("invalid_client"));
    assert!(world.sandbox().books().calls.is_empty());
}

#[test]
fn a_429_that_lasts_halts_after_the_longest_wait_and_loses_no_row() {
    let world = World::new(Options { limit: limit(10, 600.0, RetryAfter::Absent), ..options(30) });
    let ran = world.apply(&["--max-wait", "1", "--base-delay", "0.2"]);
    let summary = ran.json();
    assert_eq!((ran.code, &summary["state"]), (3, &json!("halted")), "{ran:?}");
    assert_eq!(summary["updated"].as_u64().unwrap() + summary["pending"].as_u64().unwrap(), 30);
    assert!(summary["throttled"].as_u64().unwrap() < 30, "{ran:?}");
}

#[test]
fn lost_answers_and_errors_end_in_exactly_one_write_a_user() {
    let faults = Faults { error_500: 0.05, reset_before: 0.05, reset_after: 0.05, ..Faults::default() };
    let world = World::new(Options { faults, ..options(200) });
    let ran = world.apply(&["--base-delay", "0.01", "--rate", "5000/1"]);
    assert_eq!((ran.code, world.titles_set()), (0, 200), "{ran:?}");
    let twice = world.sandbox().books().applied.values().filter(|times| **times > 1).count();
    assert_eq!(twice, 0, "the version guards every repeat");
}

#[test]
fn a_colleagues_edit_of_the_same_field_is_a_conflict_and_of_another_is_kept() {
    for same_field in [true, false] {
        let mut options = options(60);
        options.faults.colleague.chance = 0.2;
        options.faults.colleague.same_field = same_field;
        let world = World::new(options);
        let ran = world.apply(&["--rate", "5000/1"]);
        let sandbox = world.sandbox();
        let edited = &sandbox.books().colleague;
        assert!(!edited.is_empty());
        let conflicts = if same_field { edited.len() } else { 0 };
        assert_eq!(ran.json()["conflict"].as_u64(), Some(conflicts as u64), "{ran:?}");
        assert_eq!(ran.json()["updated"].as_u64(), Some(60 - conflicts as u64), "{ran:?}");
        for (id, field) in edited {
            assert_eq!(sandbox.user(id).unwrap()[field], "Changed by a colleague");
        }
    }
}

#[test]
fn an_outage_ends_in_a_halt_and_few_calls() {
    let outage = Outage { from_s: 0.3, until_s: 1e9, status: 503 };
    let faults = Faults { outages: vec![outage], ..Faults::default() };
    let world = World::new(Options { faults, latency_ms: 10, ..options(2_000) });
    let ran = world.apply(&["--rate", "5000/1", "--base-delay", "0.05", "--max-retries", "2"]);
    assert_eq!((ran.code, ran.json()["failed"].as_u64()), (3, Some(0)), "{ran:?}");
    let calls: u64 = world.sandbox().books().calls.values().sum();
    let ok = world.sandbox().books().applied.len() as u64;
    assert!(calls - ok < 80, "{calls} calls for {ok} updates");
}

#[test]
fn the_json_summary_has_the_promised_shape() {
    let world = World::new(options(2));
    let summary = world.apply(&[]).json();
    let keys: Vec<&String> = summary.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "run",
            "vendor",
            "state",
            "rows",
            "updated",
            "unchanged",
            "failed",
            "conflict",
            "skipped",
            "pending",
            "calls",
            "retries",
            "throttled",
            "elapsed_s",
            "halt",
            "failures"
        ]
    );
    assert_eq!(summary["calls"], json!({"read": 2, "write": 2, "token": 1}));
    assert_eq!(summary["halt"], Value::Null);
}

#[test]
fn no_secret_is_ever_told() {
    let world = World::new(options(5));
    let ran = world.apply(&["--log-level", "trace"]);
    assert!(ran.stderr.contains("paceline") || !ran.stderr.is_empty());
    let mut files = vec![ran.stdout, ran.stderr];
    let state = world.dir.path().join("state/runs");
    for entry in std::fs::read_dir(state).unwrap() {
        files.push(String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()).into_owned());
    }
    assert!(!files.iter().any(|text| text.contains(CLIENT_SECRET) || text.contains("sandbox-token")));
}

#[test]
fn a_dry_run_writes_nothing_and_leaves_no_run() {
    let world = World::new(options(5));
    let roster = world.roster();
    let ran = world.run(&["apply", roster.to_str().unwrap(), "--dry-run"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("Plan: 5 rows to update"), "{ran:?}");
    assert!(world.sandbox().books().applied.is_empty());
    let left = std::fs::read_dir(world.dir.path().join("state/runs")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_sent() {
    let world = World::new(options(5));
    let roster = world.roster();
    let ran = world.run(&["apply", roster.to_str().unwrap()]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--yes"), "{ran:?}");
    assert_eq!(world.sandbox().books().tokens, 0);
}

#[test]
fn sign_in_is_tested_without_telling_the_secret() {
    let world = World::new(Options { told_limit: Some(900), ..options(1) });
    let ran = world.run(&["auth", "test"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("Sandbox Contact Centre") && ran.stdout.contains("900 calls a minute"), "{ran:?}");
    assert!(!ran.stdout.contains(CLIENT_SECRET));
}
