//! Every odd answer, as it arrives.

use crate::{Client, body, genesys, names, nice};
use paceline_sandbox::{CLIENT_ID, CLIENT_SECRET, Fate, Odd};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// One request to a tenant with these faults: method, target (`{0}` is the first user), body.
fn odd(faults: &[&str], method: &str, target: &str, sent: Value) -> (Client, u16, Vec<u8>) {
    let mut client = genesys(12, faults);
    let target = target.replace("{0}", &client.id(0)).replace("{1}", &client.id(1));
    let sent = serde_json::from_str(&sent.to_string().replace("{0}", &client.id(0))).unwrap();
    let reply = client.send(method, &target, sent);
    assert_eq!(reply.fate, Fate::Delivered);
    (client, reply.status, reply.body)
}

fn user(faults: &[&str]) -> Value {
    let (_, status, text) = odd(faults, "GET", "/api/v2/users/{0}?expand=skills", Value::Null);
    assert_eq!(status, 200);
    serde_json::from_slice(&text).unwrap()
}

fn retitled(faults: &[&str]) -> (Client, u16, Vec<u8>) {
    odd(faults, "PATCH", "/api/v2/users/{0}", json!({"title": "Lead"}))
}

fn is_page(text: &[u8]) -> bool {
    text.starts_with(b"<!DOCTYPE html>")
}

fn title(client: &Client) -> Value {
    client.sandbox.user(&client.id(0)).unwrap()["title"].clone()
}

#[test]
fn pages_in_html_come_in_the_place_of_answers_before_or_after_the_write() {
    for (fault, page, made) in [
        ("html_write", true, false),
        ("html_after", true, true),
        ("html_read", false, true),
        ("html_write=0", false, true),
    ] {
        let (client, status, text) = retitled(&[fault]);
        assert_eq!((status, is_page(&text), title(&client) == "Lead"), (200, page, made), "{fault}");
    }
    assert!(is_page(&odd(&["html_read"], "GET", "/api/v2/users", Value::Null).2));
    let (client, status, _) = retitled(&["redirect"]);
    assert_eq!((status, title(&client) == "Lead"), (302, false));
}

#[test]
fn a_200_without_a_body_is_no_204() {
    let (client, status, text) = retitled(&["empty_write"]);
    assert_eq!((status, text.len(), title(&client)), (200, 0, json!("Lead")));
    assert_eq!(odd(&["empty_read"], "GET", "/api/v2/users", Value::Null).2.len(), 0);
    let (client, status, text) = retitled(&["no_content"]);
    assert_eq!((status, text.len(), title(&client)), (204, 0, json!("Lead")));
}

#[test]
fn arrays_strings_and_nulls_stand_where_objects_are_due() {
    assert!(user(&["array"]).is_array() && user(&["text"]).is_string() && user(&["null"]).is_null());
    let plain = user(&[]);
    let shown = user(&["array=division", "text=version,skills", "null=email"]);
    assert_eq!(shown["division"], json!([plain["division"]]));
    assert!(shown["version"].is_string() && shown["skills"].is_string() && shown["email"].is_null());
    assert_eq!(user(&["version_text"])["version"], json!(plain["version"].to_string()));
}

#[test]
fn keys_are_left_out_of_the_calls_that_are_named() {
    let here = user(&["omit=skills,version@GET /api/v2/users/{userId}"]);
    assert_eq!((here.get("skills"), here.get("version"), here.get("name").is_some()), (None, None, true));
    let elsewhere = user(&["omit=skills@POST /api/v2/users/search"]);
    assert!(elsewhere["skills"].is_array());
}

#[test]
fn bodies_begin_with_a_mark_or_end_half_way() {
    assert!(odd(&["bom"], "GET", "/api/v2/users", Value::Null).2.starts_with(b"\xef\xbb\xbf{"));
    let (_, _, cut) = odd(&["cut"], "GET", "/api/v2/users", Value::Null);
    assert!(serde_json::from_slice::<Value>(&cut).is_err() && cut.starts_with(b"{"));
}

#[test]
fn another_users_record_is_shown_for_reads_and_writes() {
    let mut client = genesys(3, &["another_user=3"]);
    let (first, second) = (client.id(0), client.id(1));
    assert_eq!(client.user(0, "")["id"], json!(second));
    let listed = client.get(&format!("/api/v2/users?id={first}"));
    assert_eq!(listed["entities"][0]["id"], json!(second));
    let (_, told) = client.patch(0, json!({"title": "Lead"}));
    assert_eq!((&told["id"], title(&client)), (&json!(second), json!("Lead")));
    assert_eq!(client.user(0, "")["id"], json!(first), "three times and no more");
    let mut client = nice(3, &["another_user=1"]);
    let shown = client.get("/incontactapi/services/v34.0/agents/100000");
    assert_eq!(shown["agents"][0]["agentId"], 100_001);
}

#[test]
fn nobody_found_is_what_it_is_said_to_be() {
    for (faults, status) in [(vec!["nobody=200"], 200), (vec!["nobody=204"], 204), (vec!["nobody=404"], 404)] {
        let search = json!({"query": [{"type": "EXACT", "fields": ["email"], "value": "x@example.com"}]});
        assert_eq!(odd(&faults, "POST", "/api/v2/users/search", search).1, status);
        assert_eq!(odd(&faults, "GET", "/api/v2/users?id=x", Value::Null).1, status);
    }
}

#[test]
fn targets_that_are_gone_are_listed_all_the_same() {
    let mut client = genesys(2, &["gone=Late Shift,Billing Line,Billing,Red,Supervisor,Chat"]);
    let id = client.id(0);
    let ids = json!([id]);
    let members = json!({"memberIds": ids});
    let mut target = |path: &str, name: &str, rest: &str| format!("{path}/{}{rest}", client.named(path, name));
    let calls = [
        ("POST", target("/api/v2/groups", "Late Shift", "/members"), members.clone(), "not.found"),
        (
            "POST",
            target("/api/v2/routing/queues", "Billing Line", "/members"),
            json!([{"id": id}]),
            "resource.not.found",
        ),
        (
            "POST",
            target("/api/v2/authorization/divisions", "Billing", "/objects/USER"),
            ids.clone(),
            "general.resource.not.found",
        ),
        ("POST", target("/api/v2/teams", "Red", "/members"), members, "general.resource.not.found"),
        ("PUT", target("/api/v2/authorization/roles", "Supervisor", "/users/add"), ids, "not.found"),
    ];
    for (method, target, sent, code) in calls {
        assert_eq!(client.refused(method, &target, sent), (404, code.into()), "{target}");
    }
    let chat = client.named("/api/v2/routing/skills", "Chat");
    let skills = format!("/api/v2/users/{id}/routingskills/bulk");
    assert_eq!(client.call("PATCH", &skills, json!([{"id": chat, "proficiency": 1}])).0, 404);
    let mut client = nice(1, &["gone=Green,206"]);
    let agents = json!({"agents": [{"agentId": "100000"}]});
    for target in ["teams/13", "skills/206"] {
        let target = format!("/incontactapi/services/v34.0/{target}/agents");
        assert_eq!(client.call("POST", &target, agents.clone()).0, 404, "{target}");
    }
}

#[test]
fn the_search_lags_behind_the_record() {
    let mut client = genesys(2, &["lagging_search=30"]);
    let find = |client: &mut Client, email: &str| {
        let query = json!({"query": [{"type": "EXACT", "fields": ["email"], "value": email}]});
        client.call("POST", "/api/v2/users/search", query).1["results"][0]["id"].clone()
    };
    let first = json!(client.id(0));
    client.now = Duration::from_secs(100);
    client.patch(0, json!({"email": "moved@example.com"}));
    client.now = Duration::from_secs(129);
    assert_eq!(find(&mut client, "user0@example.com"), first, "still found under the address it had");
    assert_eq!(find(&mut client, "moved@example.com"), Value::Null);
    assert_eq!(client.user(0, "")["email"], "moved@example.com");
    client.now = Duration::from_secs(131);
    assert_eq!(find(&mut client, "moved@example.com"), first);
    assert_eq!(find(&mut client, "user0@example.com"), Value::Null);
}

#[test]
fn pages_are_small_and_large_ones_too_large() {
    let mut client = genesys(12, &["small_pages=5", "entity_too_large=3"]);
    let page = client.get("/api/v2/users?pageSize=500");
    assert_eq!((&page["pageSize"], &page["pageCount"]), (&json!(5), &json!(3)));
    assert_eq!(client.get("/api/v2/routing/skills?pageSize=100")["entities"].as_array().unwrap().len(), 5);
    let search = json!({"query": [{"type": "MATCH_ALL"}], "pageSize": 100});
    assert_eq!(client.call("POST", "/api/v2/users/search", search).1["pageSize"], 5);
    let told = client.refused("GET", "/api/v2/users?pageSize=4&expand=skills", Value::Null);
    assert_eq!(told, (400, "response.entity.too.large".into()));
    client.get("/api/v2/users?pageSize=3&expand=skills");
}

#[test]
fn lists_never_end() {
    let mut client = genesys(7, &["endless"]);
    for target in
        ["/api/v2/users?pageSize=5&pageNumber=9", "/api/v2/routing/skills?pageNumber=99", "/api/v2/teams?after=40"]
    {
        let page = client.get(target);
        assert!(!page["entities"].as_array().unwrap().is_empty() && page["nextUri"].is_string(), "{target}: {page}");
    }
    let search = json!({"query": [{"type": "MATCH_ALL"}], "pageNumber": 50});
    let (_, found) = client.call("POST", "/api/v2/users/search", search);
    assert!(found["pageCount"].as_u64().unwrap() > 50 && !found["results"].as_array().unwrap().is_empty());
    let mut client = nice(3, &["endless"]);
    let page = client.get("/incontactapi/services/v34.0/agents?skip=3000&top=10");
    assert!(page["_links"]["next"].is_string() && !page["agents"].as_array().unwrap().is_empty());
}

#[test]
fn each_kind_of_call_may_carry_less_than_is_assumed() {
    let mut client = genesys(4, &["width=2@/groups/", "width=1@/users/bulk"]);
    let group = client.named("/api/v2/groups", "Late Shift");
    let mut join = |most: usize| {
        let ids: Vec<String> = (0..most).map(|at| client.id(at)).collect();
        client.call("POST", &format!("/api/v2/groups/{group}/members"), json!({"memberIds": ids})).0
    };
    assert_eq!((join(3), join(2)), (400, 202));
    let both: Vec<Value> = (0..2).map(|at| json!({"id": client.id(at), "acdAutoAnswer": true})).collect();
    assert_eq!(client.refused("PATCH", "/api/v2/users/bulk", json!(both)), (400, "max.directory.users".into()));
    let mut client = nice(3, &["width=2"]);
    let agents: Vec<Value> = (0..3).map(|at| json!({"agentId": client.id(at), "custom1": "x"})).collect();
    assert_eq!(client.call("PUT", "/incontactapi/services/v34.0/agents", json!({"agents": agents})).0, 400);
}

#[test]
fn a_colleague_edits_each_list_once_before_our_first_write() {
    let mut client = genesys(
        2,
        &[
            "colleague_edits=skills,languages,division,groups,roles,locations,addresses,employerInfo,profileSkills,title",
        ],
    );
    let expand = "skills,languages,groups,authorization,locations,employerInfo,profileSkills";
    let before = client.user(0, expand);
    let read = before["version"].as_i64().unwrap();
    let target = format!("/api/v2/users/{}", client.id(0));
    let told = client.refused("PATCH", &target, json!({"department": "x", "version": read}));
    assert_eq!(told, (409, "general.conflict".into()), "the version has gone up");
    let after = client.user(0, expand);
    for key in ["skills", "languages", "groups", "locations", "addresses", "profileSkills"] {
        let (had, has) = (before[key].as_array().unwrap().len(), after[key].as_array().unwrap().len());
        assert_eq!(has, had + 1, "{key}");
    }
    assert_ne!(before["division"], after["division"]);
    assert!(names(&after["authorization"]["roles"]).len() > names(&before["authorization"]["roles"]).len());
    assert_eq!(
        (&after["title"], after["employerInfo"]["officialName"].is_string()),
        (&json!("Changed by a colleague"), true)
    );
    assert_eq!(client.patch(0, json!({"department": "x"})).0, 200, "once");
    let mut client = nice(1, &["colleague_edits=skills,team,custom2"]);
    let before = client.sandbox.user("100000").unwrap();
    client.call(
        "PUT",
        "/incontactapi/services/v34.0/agents",
        json!({"agents": [{"agentId": "100000", "custom1": "x"}]}),
    );
    let after = client.sandbox.user("100000").unwrap();
    assert_ne!(before["skills"], after["skills"]);
    assert_ne!(before["agent"]["teamId"], after["agent"]["teamId"]);
    assert_eq!(after["agent"]["custom2"], "Changed by a colleague");
}

#[test]
fn members_of_groups_are_seen_some_time_after_the_202() {
    let mut client = genesys(2, &["late_members=3"]);
    let group = client.named("/api/v2/groups", "Late Shift");
    let target = format!("/api/v2/groups/{group}/members");
    let id = client.id(0);
    assert_eq!(client.call("POST", &target, json!({"memberIds": [id]})).0, 202);
    client.now = Duration::from_millis(2_900);
    assert_eq!(client.get(&target)["total"], 0);
    client.now = Duration::from_millis(3_000);
    assert_eq!(client.get(&target)["total"], 1);
}

#[test]
fn writes_that_are_answered_as_done_store_nothing_or_something_else() {
    let (mut client, ..) = retitled(&["not_stored=title", "normalises=department"]);
    assert_ne!(title(&client), "Lead");
    let (status, told) = client.patch(0, json!({"title": "Lead", "department": "Customer Care"}));
    assert_eq!(status, 200);
    assert_ne!(told["title"], "Lead", "the answer shows what is stored");
    assert_eq!(told["department"], "CUSTOMER CARE");
    let mut client = genesys(1, &["not_stored"]);
    let (chat, id) = (client.named("/api/v2/routing/skills", "Chat"), client.id(0));
    let before = client.user(0, "skills")["skills"].clone();
    let target = format!("/api/v2/users/{id}/routingskills/bulk");
    assert_eq!(client.call("PUT", &target, json!([{"id": chat, "proficiency": 0.5}])).0, 200);
    assert_eq!(client.user(0, "skills")["skills"], before);
    let mut client = nice(1, &["not_stored=custom1", "normalises=custom2"]);
    let agents = json!({"agents": [{"agentId": "100000", "custom1": "new", "custom2": "new"}]});
    let (_, told) = client.call("PUT", "/incontactapi/services/v34.0/agents", agents);
    assert_eq!(told["errorCount"], 0);
    let agent = client.sandbox.user("100000").unwrap()["agent"].clone();
    assert_eq!((agent["custom1"] == "new", &agent["custom2"]), (false, &json!("NEW")));
}

#[test]
fn conflicts_are_about_no_version_and_lists_conflict_in_a_400() {
    let (mut client, status, text) = retitled(&["conflict_409=1", "conflict_400=1"]);
    let told: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!((status, &told["code"]), (409, &json!("general.conflict")));
    assert!(!told["message"].as_str().unwrap().contains("version"), "{told}");
    assert_eq!(client.patch(0, json!({"title": "Lead"})).0, 200);
    let (chat, id) = (client.named("/api/v2/routing/skills", "Chat"), client.id(0));
    let target = format!("/api/v2/users/{id}/routingskills/bulk");
    let asked = json!([{"id": chat, "proficiency": 1}]);
    assert_eq!(client.refused("PUT", &target, asked.clone()), (400, "general.conflict".into()));
    assert_eq!(client.call("PUT", &target, asked).0, 200);
}

#[test]
fn permissions_are_missing_by_kind_of_call_and_refusals_are_whatever_is_asked_for() {
    let faults = ["no_permission@/routingskills", "no_permission=missing.division.permissions@/divisions/"];
    let mut client = genesys(1, &faults);
    client.sandbox.add_fault("refuse=409:request.conflict@PATCH /api/v2/users/{userId}").unwrap();
    let id = client.id(0);
    let skills = format!("/api/v2/users/{id}/routingskills/bulk");
    assert_eq!(client.refused("PUT", &skills, json!([])), (403, "missing.permissions".into()));
    let division = "/api/v2/authorization/divisions/x/objects/USER";
    assert_eq!(client.refused("POST", division, json!([id])), (403, "missing.division.permissions".into()));
    assert_eq!(client.refused("PATCH", &format!("/api/v2/users/{id}"), json!({})), (409, "request.conflict".into()));
    client.get(&format!("/api/v2/users/{id}/routingskills"));
}

#[test]
fn the_tenant_is_another_one() {
    let mut client = genesys(1, &["tenant=org-2"]);
    assert_eq!(client.get("/api/v2/organizations/me")["id"], "org-2");
    client.sandbox.add_fault("tenant=org-3").unwrap();
    assert_eq!(client.get("/api/v2/organizations/me")["id"], "org-3", "what was said last counts");
}

#[test]
fn the_token_endpoint_throttles_with_a_400_of_its_own() {
    let mut client = genesys(1, &[]);
    client.sandbox.add_fault("token_throttled=1").unwrap();
    let form = format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
    let mut ask = || client.raw("POST", "/oauth/token", form.clone().into_bytes(), None);
    let told = body(&ask());
    assert_eq!(told["error"], "invalid_request");
    assert!(told["error_description"].as_str().unwrap().starts_with("rate limit exceeded;"));
    assert_eq!(ask().status, 200);
}

#[test]
fn retry_after_may_have_a_fraction() {
    use paceline_sandbox::{Limit, Options, RetryAfter, Window};
    let limit = Limit { calls: 1, window_s: 5.5, kind: Window::Fixed, retry_after: RetryAfter::Decimal };
    let mut client = Client::new(Options { users: 1, limit: Some(limit), ..Options::default() });
    client.get("/api/v2/organizations/me");
    let reply = client.send("GET", "/api/v2/organizations/me", Value::Null);
    let told = reply.headers.iter().find(|(name, _)| name == "retry-after").map(|(_, value)| value.as_str());
    assert_eq!((reply.status, told), (429, Some("5.5")));
    assert_eq!(body(&reply)["code"], "too.many.requests.retry.after");
}

#[test]
fn no_odd_answer_is_without_a_test() {
    let here = [include_str!("odd.rs"), include_str!("nice.rs"), include_str!("genesys.rs")].concat();
    let untried: BTreeSet<&str> = Odd::ALL.iter().map(|odd| odd.name()).filter(|name| !here.contains(name)).collect();
    assert!(untried.is_empty(), "{untried:?}");
}
