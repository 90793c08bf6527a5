//! What is printed and written: seen as what it is, whole or not at all, and its owner's alone.

use crate::fake::{Fake, Reply};
use crate::world::{Ran, World};
use paceline_sandbox::Options;
use serde_json::{Value, json};
use std::fs::{File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;

/// Clears the screen, turns the line around, begins lines of its own, and a formula.
const NASTY: &str = "=evil()\u{1b}[2J\u{1b}]52;c;x\u{7}\u{202e}\r\nerror: forged\nhint: forged\u{9b}31m\u{200b}";

fn world(users: usize) -> World {
    World::new(Options { users, limit: None, ..Options::default() })
}

fn ok(body: &Value) -> Reply {
    (200, "content-type: application/json\r\n".into(), body.to_string())
}

/// A Genesys Cloud of one user that says nasty things.
fn nasty() -> Fake {
    Fake::new(|request| {
        let user = json!({"id": "u1", "name": NASTY, "title": NASTY, "version": 1, "state": "active"});
        match request.split(' ').take(2).collect::<Vec<_>>()[..] {
            ["POST", "/oauth/token"] => ok(&json!({"access_token": "tok-0123456789"})),
            ["GET", "/api/v2/organizations/me"] => ok(&json!({"id": "o1", "name": NASTY})),
            ["GET", path] if path.starts_with("/api/v2/users?") => {
                ok(&json!({"entities": [user], "pageNumber": 1, "pageCount": 1, "total": 1}))
            }
            ["PATCH", _] => {
                let refusal = json!({"status": 400, "code": NASTY, "message": NASTY, "contextId": NASTY});
                (400, "content-type: application/json\r\n".into(), refusal.to_string())
            }
            _ => (404, String::new(), json!({"status": 404, "code": "not.found", "message": NASTY}).to_string()),
        }
    })
}

fn assert_seen(what: &str, ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let unseen = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{200b}' | '\u{202e}'));
        assert!(!text.contains(unseen), "{what}: {text:?}");
        let forged = text.lines().any(|line| line.starts_with("error: forged") || line.starts_with("hint: forged"));
        assert!(!forged, "{what}: {text}");
    }
}

#[test]
fn text_from_outside_moves_no_cursor_and_begins_no_line() {
    let (world, fake) = (world(1), nasty());
    world.write("roster.csv", "id,title\nu1,Lead\n");
    let odd = "ros\nerror: forged\u{1b}[2J\u{202e}.csv";
    world.write(odd, "id,title\nu1,Lead\n");
    world.write("wrong.json", json!([{"id": NASTY, "updates": {NASTY: NASTY, "state": NASTY}}]).to_string());
    world.write("wrong.csv", format!("id,\"{NASTY}\"\nu1,x\n"));
    let run = |args: &[&str]| {
        let mut command = world.paceline();
        command.env("PACELINE_BASE_URL", fake.url()).env("PACELINE_BASE_DELAY", "0.01");
        let ran = Ran::from(command.args(args).output().unwrap());
        assert_seen(&args.join(" "), &ran);
        ran
    };
    assert!(
        run(&["plan", "roster.csv"])
            .stdout
            .contains("\"=evil()\\u001b[2J\\u001b]52;c;x\\u0007\\u202e\\r\\nerror: forged")
    );
    let applied =
        run(&["apply", odd, "--yes", "--log-level", "debug", "--results", "results.csv", "--report", "page.html"]);
    assert!(applied.code == 1 && applied.stdout.contains("\\nhint: forged\\u009b31m\\u200b"), "{applied:?}");
    assert!(run(&["auth", "test"]).stdout.contains("tenant  =evil()"));
    for args in
        [&["check", "wrong.json"][..], &["check", "wrong.csv"], &["check", odd], &["runs"], &["runs", "show", NASTY]]
    {
        run(args);
    }
    for args in [&["runs", "--format", "json"][..], &["plan", "roster.csv", "--format", "json"]] {
        assert!(serde_json::from_str::<Value>(&run(args).stdout).is_ok(), "{args:?}");
    }
    let plan = run(&["plan", "roster.csv", "--format", "json"]).json();
    assert_eq!(plan["diff"][0]["before"]["title"], NASTY, "JSON tells it as it is");

    let results = std::fs::read_to_string(world.dir.path().join("results.csv")).unwrap();
    assert_eq!(results.lines().count(), 2, "{results}");
    assert!(results.contains(",'=evil()\\u001b[2J") && !results.contains('\u{1b}'), "{results}");
    let page = std::fs::read_to_string(world.dir.path().join("page.html")).unwrap();
    assert!(!page.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{page}");
}

#[test]
fn a_log_that_goes_to_a_file_has_no_colours() {
    let world = world(2);
    let ran = world.apply(&["--log-level", "trace"]);
    assert!(ran.stderr.contains("TRACE") && !ran.stderr.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn exported_cells_are_no_formulas_and_are_read_back_as_they_were() {
    let world = world(4);
    let values = ["=1+1", "+34911", "'=x", "-"];
    let rows: String = world.ids().iter().zip(values).map(|(id, value)| format!("{id},\"'{value}\"\n")).collect();
    world.write("names.csv", format!("id,title\n{rows}"));
    assert_eq!(world.run(&["apply", "names.csv", "--yes"]).code, 0);
    let titles: Vec<Value> = world.ids().iter().map(|id| world.sandbox().user(id).unwrap()["title"].clone()).collect();
    assert_eq!(titles, values);
    assert_eq!(world.run(&["export", "--output", "all.csv", "--columns", "title"]).code, 0);
    let exported = std::fs::read_to_string(world.dir.path().join("all.csv")).unwrap();
    let cells: Vec<&str> = exported.lines().skip(1).filter_map(|line| Some(line.split_once(',')?.1)).collect();
    assert_eq!(cells, ["'=1+1", "'+34911", "''=x", "'-"]);
    let again = world.run(&["apply", "all.csv", "--yes", "--format", "json"]);
    assert_eq!(again.json()["unchanged"], 4, "{again:?}");
}

#[test]
fn every_export_is_read_back_to_nothing_to_change() {
    let titles = [
        "=1+1",
        "+34911",
        "@x",
        "-",
        "#N/A",
        "#REF!",
        "nan",
        "NULL",
        "4711.0",
        "1.23E+12",
        "00123",
        "'00123",
        "TRUE",
        "2024-03-01",
        "<clear>",
        "<Clear> ",
        "[!***REMOVE***!]",
        "'t Hart",
        "'x",
        "''=x",
        "Cafe\u{301}",
        "a\u{200b}b",
        "Lead\u{200b}",
        "\u{feff}Lead",
        " lead",
        "lead ",
        "\u{a0}x",
        " ",
        "a\tb",
        "a\r\nb",
        "a\rb",
        "a\nb",
        "\n",
        "\"",
        "\"\"",
        "\"q\"",
        "1,5",
        "a;b",
        "\\n",
        "_x000D_",
        "a\u{1}b\u{1b}",
        "\u{2028}",
        "😀",
        "=\"00123\"",
        "＝1",
        "[\"a\"]",
    ];
    let world = world(titles.len());
    let rows: Vec<Value> = world
        .ids()
        .iter()
        .zip(titles)
        .map(|(id, title)| json!({"id": id, "updates": {"title": title, "profileSkills": [title, "x"]}}))
        .collect();
    world.write("titles.json", json!(rows).to_string());
    assert_eq!(world.run(&["apply", "titles.json", "--yes"]).code, 0);
    for (id, title) in world.ids().iter().zip(titles) {
        assert_eq!(world.sandbox().user(id).unwrap()["title"], title, "JSON means what it says");
    }
    for name in ["all.csv", "all.json", "all.jsonl", "all.xlsx"] {
        let exported = world.run(&["export", "--output", name, "--columns", "title,profileSkills"]);
        assert_eq!(exported.code, 0, "{name} {exported:?}");
        let again = world.run(&["apply", name, "--yes", "--format", "json"]);
        assert_eq!(
            (again.code, again.json()["unchanged"].as_u64()),
            (0, Some(titles.len() as u64)),
            "{name} {again:?}"
        );
    }
}

#[test]
fn a_value_that_an_export_cannot_hold_is_told_and_left_alone() {
    let world = world(2);
    let long = "x".repeat(40_000);
    let id = world.ids()[1].clone();
    world.write("long.json", json!([{"id": id, "updates": {"title": long}}]).to_string());
    assert_eq!(world.run(&["apply", "long.json", "--yes"]).code, 0);
    let ran = world.run(&["export", "--output", "all.xlsx", "--columns", "title"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = format!("user {id}: the export cannot hold the value of `title`: an export to .jsonl may hold it");
    assert!(
        ran.stderr.contains(&told) && ran.stderr.contains("Exported 2 users; 1 value could not be held"),
        "{ran:?}"
    );
    let again = world.run(&["apply", "all.xlsx", "--yes", "--format", "json"]);
    assert_eq!((again.code, again.json()["unchanged"].as_u64()), (0, Some(2)), "{again:?}");
    assert_eq!(world.sandbox().user(&id).unwrap()["title"], long);
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_of_peoples_data_are_their_owners_and_no_planted_link_is_followed() {
    let world = world(3);
    let path = |name: &str| world.dir.path().join(name);
    let victim = world.write("victim", "precious");
    for name in ["r.csv", "r.html", "all.csv", "all.xlsx", "all.jsonl", "again.json"] {
        symlink(&victim, path(&format!("{name}.partial"))).unwrap();
    }
    let ran = world.apply(&["--results", "r.csv", "--report", "r.html"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for name in ["all.csv", "all.xlsx", "all.jsonl"] {
        assert_eq!(world.run(&["export", "--output", name]).code, 0);
    }
    let run = ran.json()["run"].as_str().unwrap().to_owned();
    assert_eq!(world.run(&["report", &run, "--output", "again.json"]).code, 0);
    for name in ["r.csv", "r.html", "all.csv", "all.xlsx", "all.jsonl", "again.json"] {
        assert_eq!(mode(&path(name)), 0o600, "{name}");
        assert!(!path(&format!("{name}.partial")).exists(), "{name}");
    }
    assert_eq!(std::fs::read_to_string(victim).unwrap(), "precious");
    let same = world.apply(&["--results", "r.html", "--report", "r.html"]);
    assert!(same.code == 2 && same.stderr.contains("one file"), "{same:?}");
}

#[test]
fn a_failed_export_leaves_the_old_file_as_it_was() {
    let world = world(2);
    let old = world.write("all.csv", "old");
    std::fs::set_permissions(&old, Permissions::from_mode(0o600)).unwrap();
    let mut command = world.paceline();
    command.env("GENESYS_CLIENT_SECRET", "wrong").args(["export", "--output", "all.csv"]);
    assert_eq!(Ran::from(command.output().unwrap()).code, 3);
    assert_eq!(std::fs::read_to_string(&old).unwrap(), "old");
    assert!(!world.dir.path().join("all.csv.partial").exists());
}

#[test]
fn an_export_says_whom_it_could_not_read_and_exits_with_1() {
    let world = world(5);
    let bad = world.ids()[2].clone();
    let path = format!("/api/v2/users/{bad}/customattributes");
    let fake = Fake::before(&world.url(), move |request| {
        let refused = request.lines().next().is_some_and(|line| line.contains(&path));
        refused.then(|| (403, String::new(), json!({"status": 403, "code": "not.yours", "message": NASTY}).to_string()))
    });
    let args = ["export", "--output", "all.csv", "--columns", "customAttributes.Desk data.floor_text", "--base-url"];
    let ran = world.run(&[&args[..], &[fake.url().as_str()]].concat());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains(&format!("user {bad} could not be read")), "{ran:?}");
    assert!(ran.stderr.contains("Exported 4 users; 1 could not be read"), "{ran:?}");
    assert_seen("export", &ran);
    assert_eq!(std::fs::read_to_string(world.dir.path().join("all.csv")).unwrap().lines().count(), 5);
}

#[test]
fn output_to_a_full_device_is_an_error_and_never_says_that_nothing_was_sent_when_it_was() {
    let world = world(3);
    let roster = world.roster();
    let roster = roster.to_str().unwrap();
    let full = |args: &[&str]| {
        let mut command = world.paceline();
        command.args(args).stdout(Stdio::from(File::options().write(true).open("/dev/full").unwrap()));
        let ran = Ran::from(command.output().unwrap());
        assert!(ran.stderr.contains("cannot be written: No space"), "{args:?} {ran:?}");
        ran
    };
    for args in [&["check", roster][..], &["plan", roster], &["runs"], &["export"], &["auth", "test"]] {
        assert_eq!(full(args).code, 2, "{args:?}");
    }
    let sent = full(&["apply", roster, "--yes", "--format", "json"]);
    assert!(sent.code == 1 && sent.stderr.contains("paceline runs show"), "{sent:?}");
    assert_eq!(world.titles_set(), 3);
    let runs = world.run(&["runs", "--format", "json"]).json();
    assert_eq!(full(&["report", runs[0]["run"].as_str().unwrap()]).code, 2);
}

#[test]
fn a_terminal_that_takes_nothing_holds_up_no_run() {
    let world = world(400);
    let roster = world.roster();
    let mut command = world.paceline();
    command.args(["apply", roster.to_str().unwrap(), "--yes", "--log-level", "trace", "--rate", "50000/1"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // Nobody reads: after 64 kB no write to it returns.
    let unread = child.stderr.take().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(world.titles_set(), 400);
    let said = Ran { code: 0, stdout: String::new(), stderr: std::io::read_to_string(unread).unwrap() };
    assert!(said.stderr.len() >= 60_000, "it had more to say than fits: {}", said.stderr.len());
}

#[test]
fn the_demos_folder_is_nobody_elses() {
    let world = world(1);
    let mut command = world.paceline();
    command.env("TMPDIR", world.dir.path()).env_remove("PACELINE_BASE_URL").args([
        "demo",
        "--users",
        "20",
        "--no-progress",
    ]);
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    let folders = std::fs::read_dir(world.dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let demos: Vec<_> = folders.filter(|path| path.to_str().unwrap().contains("paceline-demo-")).collect();
    assert_eq!(demos.len(), 1);
    assert_eq!(mode(&demos[0]), 0o700);
    assert!(demos[0].join("results.csv").exists());
}
