//! Whatever odd answer comes: the run ends, every row has one outcome, and who is told `updated` or `unchanged` is so.

use crate::world::{Ran, World};
use paceline_sandbox::{Options, Vendor};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

const ROWS: usize = 6;
/// A run that takes longer would never have ended.
const LONGEST: Duration = Duration::from_secs(90);

/// What a roster is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    Genesys,
    Agents,
    Users,
}

fn options(rows: Rows, faults: &[&str]) -> Options {
    let vendor = if rows == Rows::Genesys { Vendor::Genesys } else { Vendor::Nice };
    let options = Options { vendor, users: 8, limit: None, ..Options::default() };
    faults.iter().fold(options, |options, fault| options.fault(fault).unwrap())
}

fn roster(world: &World, rows: Rows, by_email: bool) -> String {
    let ids = world.ids();
    let key = |at: usize| if by_email { format!("user{at}@example.com") } else { ids[at].clone() };
    let columns = match rows {
        Rows::Genesys => {
            "title,employerInfo.employeeId,division,skills+,languages+,groups+,queues+,roles+,acdAutoAnswer"
        }
        Rows::Agents => "custom1,team,skills+",
        Rows::Users => "rank,role,customAttributes.floor",
    };
    let key_name = if by_email { "email" } else { "id" };
    let row = |at: usize| match rows {
        Rows::Genesys => {
            format!("{},Lead {at},E{at},Billing,Chat:2,German:3,Late Shift,Main Line,Agent,true\n", key(at))
        }
        Rows::Agents => format!("{},Desk {at},Green,Chat:2\n", key(at)),
        Rows::Users => format!("{},7,Manager,f{at}\n", key(at)),
    };
    format!("{key_name},{columns}\n{}", (0..ROWS).map(row).collect::<String>())
}

/// What a user of the sandbox does not hold of its row.
fn missing(user: &Value, rows: Rows, at: usize) -> Vec<&'static str> {
    let has = |list: &Value, name: &str| list.as_array().into_iter().flatten().any(|item| item["name"] == name);
    let rated = |list: &str, name: &str, rating: f64| {
        let mut items = user[list].as_array().into_iter().flatten();
        items.any(|item| item["name"] == name && item["proficiency"] == rating)
    };
    let told = match rows {
        Rows::Genesys => vec![
            ("title", user["title"] == format!("Lead {at}")),
            ("employeeId", user["employerInfo"]["employeeId"] == format!("E{at}")),
            ("division", user["division"]["name"] == "Billing"),
            ("skills", rated("skills", "Chat", 2.0)),
            ("languages", rated("languages", "German", 3.0)),
            ("groups", has(&user["groups"], "Late Shift")),
            ("queues", has(&user["queues"], "Main Line")),
            ("roles", has(&user["authorization"]["roles"], "Agent")),
            ("acdAutoAnswer", user["acdAutoAnswer"] == true),
        ],
        Rows::Users => vec![
            ("rank", user["user"]["rank"] == 7),
            ("role", user["user"]["role"] == "Manager"),
            ("customAttributes", user["user"]["customAttributes"]["floor"]["values"][0]["value"] == format!("f{at}")),
        ],
        Rows::Agents => vec![
            ("custom1", user["agent"]["custom1"] == format!("Desk {at}")),
            ("team", user["agent"]["teamName"] == "Green"),
            ("skills", user["skills"]["206"] == 2),
        ],
    };
    told.into_iter().filter(|(_, holds)| !holds).map(|(what, _)| what).collect()
}

fn run(world: &World, args: &[&str]) -> Option<Ran> {
    let mut command = world.paceline();
    command.args(args).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let id = child.id();
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output().unwrap()));
    match ended.recv_timeout(LONGEST) {
        Ok(output) => Some(Ran::from(output)),
        Err(_) => {
            let _ = std::process::Command::new("kill").args(["-9", &id.to_string()]).status();
            None
        }
    }
}

/// What is wrong with a run under these faults.
fn complaints(rows: Rows, faults: &[&str]) -> Vec<String> {
    let world = World::new(options(rows, faults));
    let by_email = faults.iter().any(|fault| fault.contains("search") || fault.contains("nobody"));
    world.write("roster.csv", roster(&world, rows, by_email));
    let args = ["apply", "roster.csv", "--yes", "--format", "json", "--results", "results.csv"];
    let quick =
        ["--base-delay", "0.01", "--max-delay", "0.1", "--max-retries", "2", "--timeout", "5", "--rate", "1000/1"];
    let Some(ran) = run(&world, &[&args[..], &quick[..]].concat()) else {
        return vec![format!("{faults:?}: it does not end")];
    };
    let mut found = vec![];
    if !(0..=3).contains(&ran.code) || ran.stderr.contains("panicked") || ran.stderr.contains("defect") {
        found.push(format!("it ended with {}", ran.code));
    }
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
    let results = std::fs::read_to_string(world.dir.path().join("results.csv")).unwrap_or_default();
    let outcomes: Vec<String> =
        results.lines().skip(1).map(|line| line.split(',').nth(2).unwrap_or_default().to_owned()).collect();
    let is_whole = summary["rows"] == ROWS && outcomes.len() == ROWS;
    if !is_whole && (ran.code != 2 || world.sandbox().books().calls.keys().any(|call| call.starts_with("PATCH"))) {
        found.push(format!("not every row has an outcome: {outcomes:?}"));
    }
    let sandbox = world.sandbox();
    let ids = sandbox.user_ids();
    for (at, outcome) in outcomes.iter().enumerate() {
        let lacks = missing(&sandbox.user(&ids[at]).unwrap_or_default(), rows, at);
        if ["updated", "unchanged"].contains(&outcome.as_str()) && !lacks.is_empty() {
            found.push(format!("row {at} is told {outcome} and lacks {lacks:?}"));
        }
    }
    if !found.is_empty() {
        found.push(format!("{} {}", ran.stdout, ran.stderr));
    }
    found.into_iter().map(|what| format!("{faults:?}: {what}")).collect()
}

fn hold(rows: Rows, all: &[&[&str]]) {
    let found: Vec<String> = all.iter().flat_map(|faults| complaints(rows, faults)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn without_odd_answers_every_row_is_updated() {
    for rows in [Rows::Genesys, Rows::Agents, Rows::Users] {
        let world = World::new(options(rows, &[]));
        world.write("roster.csv", roster(&world, rows, false));
        let ran = run(&world, &["apply", "roster.csv", "--yes", "--format", "json"]).unwrap();
        assert_eq!((ran.code, &ran.json()["updated"]), (0, &json!(ROWS)), "{ran:?}");
        assert_eq!(complaints(rows, &[]), Vec::<String>::new());
    }
}

#[test]
fn answers_that_are_not_the_apis_are_no_success() {
    hold(
        Rows::Genesys,
        &[
            &["html_read=1"],
            &["html_read"],
            &["html_write=2"],
            &["html_write"],
            &["html_after"],
            &["empty_read"],
            &["empty_write"],
            &["redirect"],
            &["cut=2"],
            &["cut@PATCH"],
            &["bom"],
            &["array"],
            &["text"],
            &["null"],
            &["token_throttled=2"],
        ],
    );
}

#[test]
fn values_of_another_kind_or_none_are_not_known() {
    hold(
        Rows::Genesys,
        &[
            &["array=division,employerInfo,authorization"],
            &["text=skills,groups,addresses"],
            &["null=skills,groups,languages,division"],
            &["null=version"],
            &["omit=skills,languages"],
            &["omit=groups,authorization"],
            &["omit=division,employerInfo,acdAutoAnswer"],
            &["omit=version"],
            &["omit=id"],
            &["version_text"],
            &["another_user=4"],
            &["another_user"],
        ],
    );
}

#[test]
fn nobody_deleted_users_and_targets_that_are_gone_are_the_rows_own() {
    hold(
        Rows::Genesys,
        &[
            &["nobody=200"],
            &["nobody=204"],
            &["deleted_users=4"],
            &["inactive_users=4"],
            &["gone=Billing,Late Shift"],
            &["gone=Main Line,Agent,Chat"],
            &["lagging_search"],
            &["small_pages=2"],
            &["entity_too_large=3"],
            &["endless"],
        ],
    );
}

#[test]
fn colleagues_widths_and_conflicts_change_no_truth() {
    hold(
        Rows::Genesys,
        &[
            &["width=1"],
            &["width=4"],
            &["colleague_edits=skills,languages,groups,roles"],
            &["colleague_edits=division"],
            &["colleague_edits=locations,addresses"],
            &["colleague_edits=title"],
            &["late_members=0.05"],
            &["not_stored"],
            &["not_stored=title"],
            &["not_stored=skills,division"],
            &["normalises=title"],
            &["conflict_409"],
            &["conflict_409=1"],
            &["conflict_400"],
            &["conflict_400=2"],
            &["stale_400", "colleague_edits=department"],
            &["no_permission@/routingskills"],
            &["no_permission=missing.division.permissions@/divisions/"],
            &["refuse=400:client.failed.request@PATCH /api/v2/users/{userId}"],
            &["refuse=409:request.conflict"],
        ],
    );
}

#[test]
fn nice_answers_are_evidence_too() {
    hold(
        Rows::Agents,
        &[
            &["not_stored=custom1"],
            &["not_stored=team"],
            &["not_stored=skills"],
            &["not_stored", "no_content"],
            &["not_stored", "null"],
            &["not_stored", "array=resultSet"],
            &["no_content"],
            &["normalises=custom1"],
            &["html_read=1"],
            &["html_write"],
            &["html_after"],
            &["empty_read"],
            &["empty_write"],
            &["cut=2"],
            &["bom"],
            &["array"],
            &["text"],
            &["null"],
            &["omit=agentResults"],
            &["omit=skillResults,teamId,custom1"],
            &["another_user"],
            &["nobody=404"],
            &["nobody=200"],
            &["count_only"],
            &["count_only=3"],
            &["count_only", "users.100001=400"],
            &["gone=Green,Chat"],
            &["small_pages=2"],
            &["endless"],
            &["width=1"],
            &["width=4"],
            &["colleague_edits=skills,custom2"],
            &["colleague_edits=custom1,team"],
            &["no_permission@/skills/"],
        ],
    );
}

#[test]
fn a_colleagues_additions_are_kept() {
    let world = World::new(options(Rows::Genesys, &["colleague_edits=skills,languages,groups,roles"]));
    world.write("roster.csv", roster(&world, Rows::Genesys, false));
    let names = |user: &Value| -> BTreeMap<&str, Vec<String>> {
        let of = |list: &Value| {
            list.as_array().into_iter().flatten().map(|item| item["name"].to_string()).collect::<Vec<_>>()
        };
        BTreeMap::from([
            ("skills", of(&user["skills"])),
            ("languages", of(&user["languages"])),
            ("groups", of(&user["groups"])),
            ("roles", of(&user["authorization"]["roles"])),
        ])
    };
    let edited: Vec<Value> = {
        // What a colleague makes of each user, seen on a twin of the tenant.
        let mut twin = paceline_sandbox::Sandbox::new(options(Rows::Genesys, &[]));
        let ids = twin.user_ids();
        for id in &ids {
            ["skills", "languages", "groups", "roles"].iter().for_each(|list| {
                twin.edit_list_as_someone(id, list);
            });
        }
        ids.iter().map(|id| twin.user(id).unwrap()).collect()
    };
    let ran = run(&world, &["apply", "roster.csv", "--yes", "--format", "json"]).unwrap();
    assert_eq!((ran.code, &ran.json()["updated"]), (0, &json!(ROWS)), "{ran:?}");
    let sandbox = world.sandbox();
    for (id, edited) in sandbox.user_ids().iter().zip(&edited).take(ROWS) {
        let held = sandbox.user(id).unwrap();
        for (list, kept) in names(edited) {
            assert!(kept.iter().all(|name| names(&held)[list].contains(name)), "{list}: {kept:?} {held}");
        }
    }
}

#[test]
fn a_users_put_is_told_by_what_is_shown_afterwards() {
    hold(
        Rows::Users,
        &[
            &["attributes=map"],
            &["attributes=one"],
            &["attributes=none"],
            &["not_stored=rank"],
            &["html_write"],
            &["html_after"],
            &["empty_write"],
            &["array"],
            &["null"],
            &["colleague_edits=customAttributes"],
            &["colleague_edits=role"],
            &["omit=customAttributes,role"],
            &["another_user=3"],
            &["deleted_users=4"],
        ],
    );
}
