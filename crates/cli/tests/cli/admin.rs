//! Everything that an admin edits: columns of all kinds, plan, undo, export.

use crate::world::{Ran, World};
use paceline_sandbox::Options;
use serde_json::{Value, json};

const FAST: &[&str] = &["--rate", "50000/1"];

fn options(users: usize) -> Options {
    Options { users, limit: None, record: true, ..Options::default() }
}

fn run(world: &World, args: &[&str]) -> Ran {
    world.run(&[args, FAST].concat())
}

fn write_calls(world: &World) -> u64 {
    let books = world.sandbox().books().clone();
    books.calls.iter().filter(|(call, _)| !call.starts_with("GET") && !call.ends_with("search")).map(|(_, n)| n).sum()
}

/// A roster with a column of every kind for each of the tenant's users.
fn rich_roster(world: &World) -> String {
    let mut text = "id,title,employerInfo.employeeId,manager,division,skills+,skills-,languages,groups+,groups-,queues+,roles+,team,state,acdAutoAnswer,locations\n".to_owned();
    for (at, id) in world.ids().iter().enumerate() {
        let (team, state) = (if at % 2 == 0 { "Red" } else { "<clear>" }, if at % 7 == 0 { "inactive" } else { "" });
        text += &format!(
            "{id},Lead {at},E{at},user0@example.com,sales,Spanish:4;Chat,German,English:5;German:2,Supervisors,Early Shift,Main Line,Agent,{team},{state},yes,Madrid\n"
        );
    }
    text
}

#[test]
fn every_kind_of_column_is_planned_applied_and_undone_to_the_byte() {
    let world = World::new(options(120));
    world.write("rich.csv", rich_roster(&world));
    let export = |name: &str| {
        let columns = "email,title,employerInfo.employeeId,manager,division,skills,languages,groups,roles,team,state,acdAutoAnswer,locations";
        let ran = run(&world, &["export", "--output", name, "--columns", columns]);
        assert_eq!(ran.code, 0, "{ran:?}");
        std::fs::read_to_string(world.dir.path().join(name)).unwrap()
    };
    let before = export("before.csv");
    let applied = run(&world, &["apply", "rich.csv", "--yes", "--format", "json"]);
    assert_eq!((applied.code, applied.json()["updated"].as_u64()), (0, Some(120)), "{applied:?}");
    let after = export("after.csv");
    assert_ne!(before, after);
    let again = run(&world, &["apply", "after.csv", "--yes", "--format", "json"]);
    assert_eq!((again.code, again.json()["unchanged"].as_u64()), (0, Some(120)), "{again:?}");
    let ids = world.ids();
    let user = world.sandbox().user(&ids[1]).unwrap().clone();
    assert_eq!(user["queues"][0]["name"], "Main Line");
    let id = applied.json()["run"].as_str().unwrap().to_owned();
    let undone = run(&world, &["undo", &id, "--yes", "--format", "json"]);
    assert_eq!((undone.code, undone.json()["updated"].as_u64()), (0, Some(120)), "{undone:?}");
    assert_eq!(export("undone.csv"), before);
    assert_eq!(world.sandbox().user(&ids[1]).unwrap()["queues"], json!([]));
}

#[test]
fn custom_attributes_are_set_by_their_schemas_name_and_taken_back() {
    let world = World::new(options(20));
    let rows: String = world.ids().iter().enumerate().map(|(at, id)| format!("{id},F{at},{at},yes,Lead\n")).collect();
    let header = "id,customAttributes.desk data.floor_text,customAttributes.Desk data.seat_integer,customAttributes.Desk data.remote_checkbox,title";
    world.write("desks.csv", format!("{header}\n{}", rows.replace(",yes,", ",true,")));
    let ran = run(&world, &["apply", "desks.csv", "--yes", "--format", "json"]);
    assert_eq!((ran.code, ran.json()["updated"].as_u64()), (0, Some(20)), "{ran:?}");
    let seventh = world.ids()[7].clone();
    let held = world.sandbox().user(&seventh).unwrap()["customAttributes"][0]["attributes"].clone();
    assert_eq!(held, json!({"floor_text": "F7", "seat_integer": 7, "remote_checkbox": true}));
    assert_eq!(run(&world, &["apply", "desks.csv", "--yes", "--format", "json"]).json()["unchanged"], 20);
    let exported = run(&world, &["export", "--columns", "customAttributes.Desk data.floor_text"]);
    assert!(exported.stdout.contains(",F7\n"), "{exported:?}");
    let id = ran.json()["run"].as_str().unwrap().to_owned();
    let undone = run(&world, &["undo", &id, "--yes", "--format", "json"]);
    assert_eq!((undone.code, undone.json()["updated"].as_u64()), (0, Some(20)), "{undone:?}");
    assert_eq!(world.sandbox().user(&seventh).unwrap()["customAttributes"][0]["attributes"], json!({}));
    world.write("wrong.csv", format!("id,customAttributes.Desk data.flor_text\n{},x\n", world.ids()[0]));
    let wrong = run(&world, &["apply", "wrong.csv", "--yes", "--format", "json"]);
    let message = wrong.json()["failures"][0]["message"].as_str().unwrap().to_owned();
    assert_eq!(message, "the schema `Desk data` has no attribute `flor_text`: did you mean `floor_text`?");
}

#[test]
fn wide_changes_take_few_calls() {
    let world = World::new(options(500));
    let rows: String = world
        .ids()
        .iter()
        .enumerate()
        .map(|(at, id)| format!("{id},{},Main Line\n", if at % 2 == 0 { "Billing" } else { "Service" }))
        .collect();
    world.write("wide.csv", format!("id,division,queues+\n{rows}"));
    let plan = run(&world, &["plan", "wide.csv", "--format", "json"]).json();
    assert_eq!(plan["changes"]["division"], json!({"changes": 500, "calls": 10}));
    assert_eq!(plan["changes"]["queues+"], json!({"changes": 500, "calls": 5}));
    assert_eq!(plan["naive_calls"], 1_500);
    assert_eq!(write_calls(&world), 0);
    let applied = run(&world, &["apply", "wide.csv", "--yes", "--format", "json"]);
    assert_eq!((applied.code, write_calls(&world)), (0, 15), "{applied:?}");
    // The tenant, users, divisions, queues, and the members of the one queue that is named.
    assert_eq!(applied.json()["calls"]["read"], 1 + 5 + 3);
    let again = run(&world, &["apply", "wide.csv", "--yes", "--format", "json"]).json();
    assert_eq!(
        (&again["unchanged"], &again["calls"]["read"]),
        (&json!(500), &json!(1 + 5 + 2 + 6)),
        "five full pages and a last"
    );
    let id = applied.json()["run"].as_str().unwrap().to_owned();
    let undone = run(&world, &["undo", &id, "--yes", "--format", "json"]).json();
    assert_eq!((&undone["updated"], &undone["calls"]["read"]), (&json!(500), &json!(1 + 5 + 6)), "{undone}");
}

#[test]
fn queues_are_replaced_by_what_a_row_says_whether_the_user_has_joined_them_or_not() {
    let world = World::new(options(30));
    let rows = |queues: &str| world.ids().iter().map(|id| format!("{id},{queues}\n")).collect::<String>();
    world.write("first.csv", format!("id,queues\n{}", rows("Main Line;Chat")));
    assert_eq!(run(&world, &["apply", "first.csv", "--yes"]).code, 0);
    world.write("second.csv", format!("id,queues\n{}", rows("Chat;Billing Line")));
    assert_eq!(run(&world, &["apply", "second.csv", "--yes"]).code, 0);
    let user = world.ids()[3].clone();
    let held = world.sandbox().user(&user).unwrap()["queues"].clone();
    let names: Vec<&str> = held.as_array().unwrap().iter().map(|queue| queue["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Chat", "Billing Line"]);
}

#[test]
fn the_bad_users_of_a_batch_are_found_in_few_calls_and_the_others_are_updated() {
    for bad in [[3, 20, 41], [0, 1, 2], [47, 48, 49]] {
        let mut options = options(50);
        let ids = paceline_sandbox::Sandbox::new(options.clone()).user_ids();
        options.faults.users = bad.iter().map(|at| (ids[*at].clone(), 403)).collect();
        let world = World::new(options);
        let rows: String = ids.iter().map(|id| format!("{id},Billing\n")).collect();
        world.write("moves.csv", format!("id,division\n{rows}"));
        let ran = run(&world, &["apply", "moves.csv", "--yes", "--format", "json"]);
        assert_eq!((ran.json()["updated"].as_u64(), ran.json()["failed"].as_u64()), (Some(47), Some(3)), "{ran:?}");
        let failed: Vec<usize> = ran.json()["failures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["row"].as_u64().unwrap() as usize - 1)
            .collect();
        assert_eq!(failed, bad);
        let calls = write_calls(&world);
        assert!(calls <= 20, "{bad:?} took {calls} calls");
    }
}

#[test]
fn what_was_only_accepted_is_read_back_and_told_honestly() {
    let mut options = options(30);
    let ids = paceline_sandbox::Sandbox::new(options.clone()).user_ids();
    options.faults.lost_members = vec![ids[4].clone()];
    let world = World::new(options);
    let rows: String = ids.iter().map(|id| format!("{id},Supervisors,Lead\n")).collect();
    world.write("groups.csv", format!("id,groups+,title\n{rows}"));
    let ran = run(&world, &["apply", "groups.csv", "--yes", "--format", "json", "--base-delay", "0.01"]);
    assert_eq!((ran.json()["updated"].as_u64(), ran.json()["failed"].as_u64()), (Some(29), Some(1)), "{ran:?}");
    let failure = &ran.json()["failures"][0];
    assert_eq!((failure["row"].as_u64(), failure["code"].as_str()), (Some(5), Some("not.confirmed")));
    assert_eq!(write_calls(&world), 31, "30 titles and one call for the group");
    assert_eq!(
        ran.json()["calls"]["read"],
        1 + 2 + 5,
        "the tenant, users, groups, users again, and the one that is missing four times"
    );
}

#[test]
fn names_that_are_unknown_or_ambiguous_are_told_before_anything_is_written() {
    let world = World::new(options(4));
    let ids = world.ids();
    world.write(
        "names.csv",
        format!(
            "id,division,manager\n{},Saless,\n{},Sales,nobody@example.com\n{},sales,USER1@example.com\n",
            ids[0], ids[1], ids[2]
        ),
    );
    let plan = run(&world, &["plan", "names.csv"]);
    assert!(plan.stdout.contains("2 cannot be updated"), "{plan:?}");
    assert_eq!(write_calls(&world), 0);
    let ran = run(&world, &["apply", "names.csv", "--yes", "--format", "json"]);
    let failures = ran.json()["failures"].clone();
    assert_eq!(failures[0]["message"], "no division is called `Saless`: did you mean `Sales`?");
    assert_eq!(failures[1]["message"], "no user is called `nobody@example.com`");
    assert_eq!(world.sandbox().user(&ids[2]).unwrap()["manager"]["id"], ids[1].as_str());
}

#[test]
fn an_undo_leaves_alone_what_somebody_has_changed_since() {
    let world = World::new(options(5));
    let ids = world.ids();
    let old: Vec<Value> = ids.iter().map(|id| world.sandbox().user(id).unwrap()["title"].clone()).collect();
    let id = world.apply(FAST).json()["run"].as_str().unwrap().to_owned();
    assert!(world.sandbox().edit_as_someone(&ids[2], "title", "A colleague's"));
    let dry = run(&world, &["undo", &id, "--dry-run"]);
    assert!(dry.stdout.contains("4 rows to update") && dry.stdout.contains("1 cannot be updated"), "{dry:?}");
    let undone = run(&world, &["undo", &id, "--yes", "--format", "json"]);
    assert_eq!((undone.code, undone.json()["conflict"].as_u64()), (1, Some(1)), "{undone:?}");
    for (at, id) in ids.iter().enumerate() {
        let expected = if at == 2 { json!("A colleague's") } else { old[at].clone() };
        assert_eq!(world.sandbox().user(id).unwrap()["title"], expected);
    }
}

#[test]
fn a_plan_that_was_kept_is_sent_as_it_is_and_users_changed_since_are_conflicts() {
    let world = World::new(options(6));
    let ids = world.ids();
    world.roster();
    let kept = run(&world, &["plan", "roster.json", "--save", "--format", "json"]).json();
    let id = kept["run"].as_str().unwrap();
    assert!(run(&world, &["resume"]).stderr.contains("nothing to do"), "a plan waits");
    assert!(world.sandbox().edit_as_someone(&ids[1], "title", "Else"));
    assert!(world.sandbox().edit_as_someone(&ids[2], "department", "Else"));
    let ran = run(&world, &["apply", "--plan", id, "--yes", "--format", "json"]);
    assert_eq!((ran.json()["updated"].as_u64(), ran.json()["conflict"].as_u64()), (Some(5), Some(1)), "{ran:?}");
    assert_eq!(world.sandbox().user(&ids[1]).unwrap()["title"], "Else");
    assert_eq!(run(&world, &["apply", "--plan", id, "--yes"]).code, 2, "it is no plan any more");
}

#[test]
fn pipelines_can_ask_for_the_exit_code_and_bound_the_changes() {
    let world = World::new(options(10));
    world.roster();
    assert_eq!(run(&world, &["plan", "roster.json"]).code, 0);
    assert_eq!(run(&world, &["plan", "roster.json", "--detailed-exitcode"]).code, 4);
    for most in ["9", "50%"] {
        let ran = run(&world, &["apply", "roster.json", "--yes", "--max-changes", most]);
        assert!(ran.code == 2 && ran.stderr.contains("changes 10 of 10 users"), "{ran:?}");
    }
    assert_eq!(write_calls(&world), 0);
    assert_eq!(run(&world, &["apply", "roster.json", "--yes", "--max-changes", "10"]).code, 0);
    assert_eq!(run(&world, &["plan", "roster.json", "--detailed-exitcode"]).code, 0, "nothing is left to change");
}

#[test]
fn a_plan_warns_of_what_locks_people_out() {
    let world = World::new(options(3));
    let ids = world.ids();
    world.write("risky.csv", format!("id,email,state\n{},new@example.com,\n{},,inactive\n", ids[0], ids[1]));
    let plan = run(&world, &["plan", "risky.csv"]).stdout;
    assert!(plan.contains("1 users: an e-mail address changes") && plan.contains("1 users: is deactivated"), "{plan}");
    assert!(plan.contains("email: \"user0@example.com\" → \"new@example.com\""), "{plan}");
}

#[test]
fn an_export_can_be_filtered_and_chooses_its_columns() {
    let world = World::new(options(40));
    let lines = |args: &[&str]| run(&world, &[&["export"], args].concat()).stdout.lines().count() - 1;
    assert_eq!(lines(&[]), 40);
    assert_eq!(lines(&["--email", "user1*@example.com"]), 11);
    let sales = lines(&["--division", "sales"]);
    assert!(sales > 0 && sales + lines(&["--division", "Home"]) == 40);
    let ran = run(&world, &["export", "--columns", "title,skills", "--email", "user3@*"]);
    assert!(ran.stdout.starts_with("id,title,skills\n"), "{ran:?}");
    assert_eq!(run(&world, &["export", "--columns", "titel"]).code, 2);
    assert_eq!(run(&world, &["export", "--output", "all.jsonl"]).code, 0);
    let again = run(&world, &["apply", "all.jsonl", "--yes", "--format", "json"]);
    assert_eq!(again.json()["unchanged"].as_u64(), Some(40), "{again:?}");
    assert_eq!(run(&world, &["export", "--output", "all.xlsx"]).code, 0);
    let again = run(&world, &["apply", "all.xlsx", "--yes", "--format", "json"]);
    assert_eq!(again.json()["unchanged"].as_u64(), Some(40), "{again:?}");
}

#[test]
fn the_vendors_own_importers_columns_are_understood() {
    let world = World::new(options(2));
    world.write(
        "import.csv",
        "name,email,phone_work,extension,title,department,email_manager,location_work,roles_divisions,queues,division,skills\n\
         New Name,user0@example.com,+34911,,Lead,,user1@example.com,Madrid,Agent,Main Line,Sales,\"Chat:5,Outbound:2\"\n",
    );
    let ran = run(&world, &["apply", "import.csv", "--yes", "--format", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let sandbox = world.sandbox();
    let ids = sandbox.user_ids();
    let user = sandbox.user(&ids[0]).unwrap();
    assert_eq!((&user["name"], &user["manager"]["id"]), (&json!("New Name"), &json!(ids[1])));
    assert_eq!(user["authorization"]["roles"].as_array().unwrap().len(), 2, "roles are added");
    assert!(user["skills"].as_array().unwrap().len() >= 2, "skills are added");
    assert_eq!(user["addresses"][0]["address"], "+34911");
    assert_eq!(ran.stderr.matches("own importer").count(), 1, "{ran:?}");
}

#[test]
#[cfg_attr(not(published), ignore = "the vendor's published description is not beside the project")]
fn every_request_is_one_that_the_published_description_allows() {
    let spec = crate::world::description("genesys-cloud-users.openapi.json");
    let world = World::new(options(60));
    world.write("rich.csv", rich_roster(&world));
    let applied = run(&world, &["apply", "rich.csv", "--yes", "--format", "json"]);
    let id = applied.json()["run"].as_str().unwrap().to_owned();
    assert_eq!(run(&world, &["undo", &id, "--yes"]).code, 0);
    assert_eq!(run(&world, &["export"]).code, 0);
    assert_eq!(world.run(&["auth", "test"]).code, 0);
    let requests = world.sandbox().recorded().to_vec();
    assert!(requests.len() > 100);
    let mut checked = std::collections::BTreeSet::new();
    for request in &requests {
        let template = check_request(&spec, request);
        checked.insert(template);
    }
    assert!(checked.len() >= 20, "{checked:?}");
}

fn check_request(spec: &Value, request: &paceline_sandbox::Request) -> String {
    let path = request.path();
    let fits = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template.split('/').zip(path.split('/')).all(|(known, found)| known == found || known.starts_with('{'))
    };
    let method = request.method.to_lowercase();
    let mut found = spec["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(template, item)| fits(template) && item.get(&method).is_some());
    // Of `/users/bulk` and `/users/{userId}` the literal one is meant.
    let best = found.clone().find(|(template, _)| !template.contains("{userId}")).or_else(|| found.next());
    let (template, item) = best.unwrap_or_else(|| panic!("{} {path} is not published", request.method));
    let parameters = item[&method]["parameters"].as_array().unwrap();
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let known = parameters.iter().find(|known| known["in"] == "query" && known["name"] == name);
        let known = known.unwrap_or_else(|| panic!("{path}: query parameter {name} is not published"));
        let allowed = known["enum"].as_array().or(known["items"]["enum"].as_array());
        assert!(allowed.is_none_or(|allowed| allowed.contains(&json!(value))), "{path}: {name}={value}");
        assert!(known["type"] != "integer" || value.parse::<i64>().is_ok(), "{path}: {name}={value}");
    }
    let required = parameters.iter().filter(|known| known["in"] == "query" && known["required"] == true);
    for known in required {
        assert!(
            query.contains(&format!("{}=", known["name"].as_str().unwrap())),
            "{path}: {} is required",
            known["name"]
        );
    }
    match parameters.iter().find(|known| known["in"] == "body") {
        Some(body) => {
            let mut schema = body["schema"].clone();
            schema["definitions"] = spec["definitions"].clone();
            let validator = jsonschema::validator_for(&schema).unwrap();
            let sent: Value = serde_json::from_slice(&request.body).unwrap();
            let errors: Vec<String> = validator.iter_errors(&sent).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{} {path} {sent}: {errors:?}", request.method);
            // The description allows what it does not name; a field that it does not know is a mistake all the same.
            if let Some(name) =
                body["schema"]["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/definitions/"))
            {
                let known = spec["definitions"][name]["properties"].as_object().unwrap();
                for key in sent.as_object().unwrap().keys() {
                    assert!(known.contains_key(key), "{path}: {name} has no {key}");
                }
            }
        }
        None => assert!(request.body.is_empty(), "{path}: a body that is not published"),
    }
    format!("{} {template}", request.method)
}
