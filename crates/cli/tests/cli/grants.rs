//! Roles in their divisions: what a run granted is taken back, and what a colleague granted stays. And what is written
//! many users a call: an answer that is not the published one is no success.

use crate::fake::Fake;
use crate::world::{Ran, World};
use paceline_sandbox::Options;
use serde_json::{Value, json};

fn world(users: usize) -> World {
    World::new(Options { users, limit: None, ..Options::default() })
}

/// In how many divisions each of the first users holds Supervisor.
fn supervisors<const N: usize>(world: &World) -> [usize; N] {
    let sandbox = world.sandbox();
    let ids = sandbox.user_ids();
    std::array::from_fn(|at| {
        let user = sandbox.user(&ids[at]).unwrap();
        let roles = user["authorization"]["roles"].as_array().unwrap();
        let id = roles.iter().find(|role| role["name"] == "Supervisor").map(|role| &role["id"]);
        user["grants"].as_array().unwrap().iter().filter(|grant| Some(&grant["role"]) == id).count()
    })
}

fn apply(world: &World, column: &str, values: &[&str]) -> String {
    let rows = world.ids().into_iter().zip(values).map(|(id, value)| format!("{id},{value}\n"));
    world.write("roster.csv", format!("id,{column}\n{}", rows.collect::<String>()));
    let ran = world.run(&["apply", "roster.csv", "--yes", "--rate", "500/1", "--format", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json()["run"].as_str().unwrap().to_owned()
}

fn undo(world: &World, run: &str) -> Ran {
    world.run(&["undo", run, "--yes", "--rate", "500/1", "--format", "json"])
}

fn ended(ran: &Ran) -> (i32, Value) {
    let told = ran.json();
    (ran.code, json!([told["updated"], told["unchanged"], told["conflict"], told["failed"]]))
}

#[test]
fn an_undo_of_added_roles_leaves_what_a_colleague_granted_since() {
    let world = world(4);
    let run = apply(&world, "roles+", &["Supervisor"; 3]);
    assert_eq!(supervisors(&world), [1, 1, 1, 0]);
    let id = world.ids().remove(0);
    assert!(world.sandbox().edit_list_as_someone(&id, "roles"));
    let undone = undo(&world, &run);
    assert_eq!(ended(&undone), (1, json!([2, 0, 1, 0])), "{undone:?}");
    assert!(undone.stdout.contains("was changed by someone else since"), "{undone:?}");
    assert_eq!(supervisors(&world), [2, 0, 0, 0]);
    let calls = world.sandbox().books().calls.clone();
    assert!(!calls.keys().any(|call| call.ends_with("/users/remove")), "{calls:?}");
    // The three users' grants come with the role's, in one call.
    assert!(!calls.keys().any(|call| call.starts_with("GET /api/v2/authorization/subjects/")), "{calls:?}");
    // An undo is itself undone.
    let again = undo(&world, undone.json()["run"].as_str().unwrap());
    assert_eq!((ended(&again), supervisors(&world)), ((0, json!([2, 0, 0, 0])), [2, 1, 1, 0]), "{again:?}");
}

#[test]
fn a_role_granted_in_divisions_is_taken_back_from_those_whatever_a_colleague_granted_since() {
    let world = world(2);
    let run = apply(&world, "roles+", &["Supervisor:[Home; Sales]"; 2]);
    assert_eq!(supervisors(&world), [2, 2]);
    let id = world.ids().remove(0);
    assert!(world.sandbox().edit_list_as_someone(&id, "roles"));
    let undone = undo(&world, &run);
    assert_eq!((ended(&undone), supervisors(&world)), ((0, json!([2, 0, 0, 0])), [1, 0]), "{undone:?}");
}

#[test]
fn a_role_is_taken_away_in_the_divisions_that_its_row_names() {
    let world = world(5);
    let run = apply(&world, "roles-", &["", "", "", "", "Supervisor:[Sales]"]);
    assert_eq!(supervisors(&world), [0, 0, 0, 0, 1], "the fifth held it in two");
    let undone = undo(&world, &run);
    assert_eq!((ended(&undone), supervisors(&world)), ((0, json!([1, 0, 0, 0])), [0, 0, 0, 0, 2]), "{undone:?}");
}

#[test]
fn what_is_answered_otherwise_than_published_and_not_done_is_not_told_as_updated() {
    // The fifth user holds Supervisor in two divisions; the others' values are none that the sandbox gives.
    let columns = [
        ("division", "Billing"),
        ("groups+", "Late Shift"),
        ("queues+", "Chat"),
        ("team", "Red"),
        ("roles-", "Supervisor"),
        ("roles+", "Agent"),
        ("roles+", "Agent:[Sales]"),
        ("skills+", "Outbound:0.5"),
    ];
    for (status, body) in
        [(200, "null"), (200, "[]"), (200, "{}"), (200, ""), (202, "{\"status\":\"queued\"}"), (202, "")]
    {
        let world = world(columns.len());
        let odd = move |request: &str| {
            let head = request.lines().next().unwrap_or_default();
            let reads = head.starts_with("GET") || head.contains("/oauth/") || head.contains("/search");
            (!reads).then(|| (status, "content-type: application/json\r\n".to_owned(), body.to_owned()))
        };
        let fake = Fake::before(&world.url(), odd);
        let row = |(at, id): (usize, String)| json!({"id": id, "updates": {columns[at].0: [columns[at].1]}});
        let mut rows: Vec<Value> = world.ids().into_iter().enumerate().map(row).collect();
        for (row, (column, value)) in rows.iter_mut().zip(columns) {
            match column {
                "division" | "team" => row["updates"][column] = json!(value),
                "skills+" => row["updates"][column] = json!([{"name": "Outbound", "proficiency": 0.5}]),
                _ => {}
            }
        }
        world.write("roster.json", json!(rows).to_string());
        let args = ["apply", "roster.json", "--yes", "--rate", "500/1", "--format", "json", "--base-delay", "0.01"];
        let ran = Ran::from(world.paceline().env("PACELINE_BASE_URL", fake.url()).args(args).output().unwrap());
        let told = ran.json();
        // An empty 200 is what is published of a queue's members.
        let believed = usize::from((status, body) == (200, ""));
        assert_eq!(told["updated"], json!(believed), "{status} {body}: {ran:?}");
        assert_eq!(told["failed"], json!(columns.len() - believed), "{status} {body}: {ran:?}");
    }
}
