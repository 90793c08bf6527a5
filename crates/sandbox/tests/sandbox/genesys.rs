//! Genesys Cloud as the vendor's own clients find it.

use crate::{Client, body, genesys, names, options};
use paceline_sandbox::Options;
use serde_json::{Value, json};

#[test]
fn auto_answer_is_set_for_many_users_in_one_call() {
    let mut client = genesys(3, &[]);
    let (first, second) = (client.id(0), client.id(1));
    let before = client.user(0, "")["version"].as_i64().unwrap();
    let asked = json!([{"id": first, "acdAutoAnswer": true}, {"id": second, "acdAutoAnswer": true}]);
    let (status, answer) = client.call("PATCH", "/api/v2/users/bulk", asked);
    assert_eq!((status, answer["entities"].as_array().unwrap().len()), (200, 2));
    assert_eq!(answer["entities"][0]["acdAutoAnswer"], true);
    let user = client.user(0, "");
    assert_eq!((&user["acdAutoAnswer"], user["version"].as_i64()), (&json!(true), Some(before + 1)));
    let many: Vec<Value> = (0..51).map(|_| json!({"id": first, "acdAutoAnswer": true})).collect();
    assert_eq!(client.refused("PATCH", "/api/v2/users/bulk", json!(many)).1, "max.directory.users");
    let more = json!([{"id": first, "acdAutoAnswer": true, "title": "x"}]);
    assert_eq!(client.refused("PATCH", "/api/v2/users/bulk", more).0, 400);
}

#[test]
fn ids_are_taken_one_by_one_and_joined_by_commas() {
    let mut client = genesys(5, &[]);
    let (a, b) = (client.id(1), client.id(3));
    for query in [format!("id={a}&id={b}"), format!("id={a},{b}"), format!("id={a}%2C{b}")] {
        let found = client.get(&format!("/api/v2/users?{query}"));
        let ids: Vec<&str> =
            found["entities"].as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [a.as_str(), b.as_str()], "{query}");
    }
    let many = vec![a; 101].join(",");
    assert_eq!(client.refused("GET", &format!("/api/v2/users?id={many}"), Value::Null).1, "max.user.ids");
}

#[test]
fn lists_are_filtered_by_name_and_id() {
    let mut client = genesys(1, &[]);
    for (target, found) in [
        ("/api/v2/routing/skills?name=b", vec!["Billing"]),
        ("/api/v2/routing/skills?name=ill", vec![]),
        ("/api/v2/routing/languages?name=Spanish", vec!["Spanish - Written"]),
        ("/api/v2/routing/queues?name=billing%20line", vec!["Billing Line"]),
        ("/api/v2/routing/queues?name=*line", vec!["Main Line", "Billing Line"]),
        ("/api/v2/routing/queues?name=line", vec![]),
        ("/api/v2/authorization/divisions?name=ill", vec!["Billing"]),
        ("/api/v2/authorization/roles?name=super", vec!["Supervisor"]),
    ] {
        let list = client.get(target);
        assert_eq!(names(&list["entities"]), found, "{target}");
    }
    let (early, late) = (client.named("/api/v2/groups", "Early Shift"), client.named("/api/v2/groups", "Late Shift"));
    let list = client.get(&format!("/api/v2/groups?id={early},{late}"));
    assert_eq!(names(&list["entities"]), ["Early Shift", "Late Shift"]);
}

#[test]
fn pages_name_their_neighbours_and_are_cut_to_what_the_vendor_gives() {
    let mut client = genesys(120, &[]);
    let page = client.get("/api/v2/users?pageSize=50&pageNumber=2&state=any");
    assert_eq!((&page["total"], &page["pageCount"], &page["pageSize"]), (&json!(120), &json!(3), &json!(50)));
    let next = page["nextUri"].as_str().unwrap();
    assert!(next.starts_with("http://sandbox.test/api/v2/users?") && next.ends_with("pageNumber=3"), "{next}");
    assert_eq!(client.get("/api/v2/users?pageSize=9999")["pageSize"], 500);
    let teams = client.get("/api/v2/teams?pageSize=100");
    assert!(teams["nextUri"].as_str().unwrap().starts_with("http://sandbox.test/api/v2/teams?"), "{teams}");
    for target in ["/api/v2/users?pageNumber=0", "/api/v2/users?pageSize=x", "/api/v2/users?expand=shoes"] {
        assert_eq!(client.refused("GET", target, Value::Null), (400, "invalid.query.param.value".into()), "{target}");
    }
}

#[test]
fn a_patch_answers_with_the_whole_user_and_its_new_version() {
    let mut client = genesys(8, &[]);
    let before = client.user(3, "locations,groups");
    let (status, after) =
        client.patch(3, json!({"title": "Lead", "id": "x", "selfUri": "y", "primaryContactInfo": []}));
    assert_eq!(status, 200, "{after}");
    assert_eq!(after["version"].as_i64(), before["version"].as_i64().map(|version| version + 1));
    assert_eq!((&after["title"], &after["id"]), (&json!("Lead"), &before["id"]));
    for key in ["name", "division", "email", "addresses", "locations", "groups", "primaryContactInfo", "selfUri"] {
        assert_eq!(after[key], before[key], "{key}");
    }
}

#[test]
fn a_stale_version_is_a_conflict_in_either_wording() {
    for (faults, status) in [(vec![], 409), (vec!["stale_400"], 400)] {
        let mut client = genesys(1, &faults);
        let target = format!("/api/v2/users/{}", client.id(0));
        let told = client.call("PATCH", &target, json!({"title": "x", "version": 99_999}));
        assert_eq!((told.0, &told.1["code"]), (status, &json!("general.conflict")), "{told:?}");
        let says_so = told.1["message"].as_str().unwrap().contains("does not match the current version");
        assert_eq!(says_so, status == 400);
    }
    let mut client = Client::new(Options { strict: true, ..options(1, &[]) });
    let target = format!("/api/v2/users/{}", client.id(0));
    assert_eq!(client.refused("PATCH", &target, json!({"title": "x"})).0, 400);
}

#[test]
fn fields_and_values_that_the_description_does_not_have_are_refused() {
    let mut client = genesys(3, &[]);
    for (fields, code) in [
        (json!({"skills": []}), "invalid.property"),
        (json!({"divisionId": "x"}), "invalid.property"),
        (json!({"title": 3}), "invalid.value"),
        (json!({"manager": null}), "invalid.value"),
        (json!({"name": " "}), "invalid.value"),
        (json!({"state": "inactive", "title": "x"}), "bad.request"),
        (json!({"state": "gone"}), "invalid.value"),
        (json!({"employerInfo": {"dateHire": ""}}), "invalid.date"),
        (json!({"employerInfo": {"dateHire": "01/02/2024"}}), "invalid.date"),
        (json!({"employerInfo": {"badge": "7"}}), "invalid.property"),
        (json!({"biography": {"motto": "x"}}), "invalid.property"),
        (json!({"locations": [{"id": "nowhere"}]}), "invalid.value"),
        (json!({"addresses": [{"mediaType": "PHONE", "type": "WORK", "display": "(9001)"}]}), "invalid.value"),
    ] {
        let (status, told) = client.patch(0, fields.clone());
        assert_eq!((status, told["code"].as_str()), (400, Some(code)), "{fields}");
    }
    let (status, told) = client.patch(0, json!({"email": "USER1@example.com"}));
    assert_eq!((status, &told["code"]), (409, &json!("general.conflict")), "an address is one user's");
}

#[test]
fn a_manager_is_written_by_id_read_as_a_user_and_absent_once_cleared() {
    let mut client = genesys(2, &[]);
    let boss = client.id(1);
    let (_, after) = client.patch(0, json!({"manager": boss}));
    assert_eq!((&after["manager"]["id"], after["manager"]["version"].is_i64()), (&json!(boss), true));
    let (_, after) = client.patch(0, json!({"manager": ""}));
    assert_eq!(after.get("manager"), None, "{after}");
}

#[test]
fn the_tenants_telephones_come_in_every_shape_and_locations_without_an_id_of_their_own() {
    let mut client = genesys(40, &[]);
    let users = client.get("/api/v2/users?pageSize=100&expand=locations");
    let mut shapes: Vec<(bool, bool, bool)> = vec![];
    let mut media = vec![];
    for user in users["entities"].as_array().unwrap() {
        for entry in user["addresses"].as_array().unwrap() {
            let is = |key: &str| entry.get(key).is_some();
            shapes.push((is("address"), is("extension"), entry["extension"] == entry["display"]));
            media.push(entry["mediaType"].as_str().unwrap().to_owned());
        }
        for location in user["locations"].as_array().unwrap() {
            assert_eq!(location.get("id"), None, "{location}");
            assert!(location["locationDefinition"]["id"].is_string() && location["notes"].is_string(), "{location}");
        }
    }
    shapes.sort_unstable();
    shapes.dedup();
    assert_eq!(shapes.len(), 5, "{shapes:?}");
    assert!(media.iter().any(|one| one == "SMS"));
    assert!(users["entities"].as_array().unwrap().iter().any(|user| user["locations"] != json!([])));
}

#[test]
fn employer_info_is_replaced_as_a_whole() {
    let mut client = genesys(1, &[]);
    client.patch(0, json!({"employerInfo": {"employeeId": "7", "officialName": "Ada"}}));
    let (_, after) = client.patch(0, json!({"employerInfo": {"employeeType": "Contractor"}}));
    assert_eq!(after["employerInfo"], json!({"employeeType": "Contractor"}));
    let (_, after) = client.patch(0, json!({"employerInfo": {}}));
    assert_eq!(after["employerInfo"], json!({}));
}

#[test]
fn deleted_users_are_in_state_any_and_deleted_and_are_restored_before_they_are_edited() {
    let mut client = genesys(6, &["deleted_users=2", "inactive_users=1"]);
    let count = |client: &mut Client, state: &str| client.get(&format!("/api/v2/users?state={state}"))["total"].clone();
    for (state, users) in [("any", 6), ("active", 3), ("inactive", 1), ("deleted", 2)] {
        assert_eq!(count(&mut client, state), users, "{state}");
    }
    let gone = client.id(5);
    let target = format!("/api/v2/users/{gone}");
    assert_eq!(client.call("GET", &target, Value::Null).0, 404);
    assert_eq!(client.get(&format!("{target}?state=deleted"))["state"], "deleted");
    assert_eq!(client.patch(5, json!({"title": "x"})).0, 404);
    assert_eq!(client.patch(5, json!({"state": "active"})).0, 200);
    assert_eq!(client.patch(5, json!({"title": "x"})).0, 200);
    let exact =
        |more: Value| json!({"query": [{"type": "EXACT", "fields": ["email"], "value": "user4@example.com"}, more]});
    let search = "/api/v2/users/search";
    assert_eq!(client.call("POST", search, exact(json!({"type": "MATCH_ALL"}))).0, 404, "not found unasked");
    let state = json!({"type": "EXACT", "fields": ["state"], "values": ["deleted"]});
    assert_eq!(client.call("POST", search, exact(state)).1["total"], 1);
}

#[test]
fn nobody_found_is_404_with_the_codes_of_the_description() {
    let mut client = genesys(2, &[]);
    let search = json!({"query": [{"type": "EXACT", "fields": ["email"], "value": "nobody@example.com"}]});
    let searched = client.refused("POST", "/api/v2/users/search", search);
    assert_eq!(searched, (404, "resource.not.found".into()));
    let read = client.refused("GET", "/api/v2/users?id=00000000-0000-4000-8000-000000000001", Value::Null);
    assert_eq!(read, (404, "general.resource.not.found".into()));
}

#[test]
fn a_search_shows_a_hundred_a_page_and_ends_at_ten_thousand() {
    let mut client = genesys(130, &[]);
    let mut ask = |more: Value| {
        let mut body = json!({"query": [{"type": "STARTS_WITH", "fields": ["email"], "value": "user"}]});
        more.as_object().unwrap().iter().for_each(|(key, value)| body[key] = value.clone());
        client.call("POST", "/api/v2/users/search", body)
    };
    let (_, first) = ask(json!({"pageSize": 500}));
    let held = first["results"].as_array().unwrap().len();
    assert_eq!(
        (held, &first["pageSize"], &first["pageCount"], &first["total"]),
        (100, &json!(100), &json!(2), &json!(130))
    );
    let (_, second) = ask(json!({"pageSize": 100, "pageNumber": 2}));
    assert_eq!(second["results"].as_array().unwrap().len(), 30);
    let (status, told) = ask(json!({"pageSize": 100, "pageNumber": 101}));
    assert_eq!((status, &told["code"]), (400, &json!("too.many.requested.results")));
    let many: Vec<String> = (0..51).map(|at| format!("user{at}@example.com")).collect();
    let wide = json!({"query": [{"type": "EXACT", "fields": ["email"], "values": many}]});
    let told = client.refused("POST", "/api/v2/users/search", wide);
    assert_eq!(told, (400, "search.criteria.values.exceed.limit".into()));
}

#[test]
fn a_changed_address_is_found_under_the_new_one() {
    let mut client = genesys(2, &[]);
    client.patch(0, json!({"email": "ada@example.com"}));
    let ask = |client: &mut Client, email: &str| {
        let query = json!({"query": [{"type": "EXACT", "fields": ["email"], "value": email}]});
        client.call("POST", "/api/v2/users/search", query).0
    };
    assert_eq!((ask(&mut client, "ada@example.com"), ask(&mut client, "user0@example.com")), (200, 404));
}

#[test]
fn skills_are_added_replaced_and_taken_away_singly_and_in_bulk() {
    let mut client = genesys(1, &[]);
    let skill = |client: &mut Client, name: &str| client.named("/api/v2/routing/skills?pageSize=100", name);
    let (chat, german) = (skill(&mut client, "Chat"), skill(&mut client, "German"));
    let own = format!("/api/v2/users/{}/routingskills", client.id(0));
    let replaced = client.call("PUT", &format!("{own}/bulk"), json!([{"id": chat, "proficiency": 2.5}])).1;
    assert_eq!(names(&replaced["entities"]), ["Chat"]);
    let (_, added) =
        client.call("PATCH", &format!("{own}/bulk"), json!([{"id": german, "proficiency": 5, "name": "Spanish"}]));
    assert_eq!(names(&added["entities"]), ["Chat", "German"], "the id counts, and nothing is taken away");
    let (_, one) = client.call("PUT", &format!("{own}/{chat}"), json!({"proficiency": 1}));
    assert_eq!((&one["name"], &one["proficiency"]), (&json!("Chat"), &json!(1.0)));
    assert_eq!(client.call("DELETE", &format!("{own}/{chat}"), Value::Null).0, 200);
    assert_eq!(client.call("DELETE", &format!("{own}/{chat}"), Value::Null).0, 404);
    assert_eq!(client.call("POST", &own, json!({"id": chat, "proficiency": 3})).0, 200);
    assert_eq!(names(&client.get(&own)["entities"]), ["German", "Chat"]);
    for (wrong, status) in
        [(json!([{"id": chat, "proficiency": 6}]), 400), (json!([{"id": "x", "proficiency": 1}]), 404)]
    {
        assert_eq!(client.call("PUT", &format!("{own}/bulk"), wrong.clone()).0, status, "{wrong}");
    }
}

#[test]
fn languages_have_no_call_that_replaces_them() {
    let mut client = genesys(1, &[]);
    let english = client.named("/api/v2/routing/languages", "English");
    let own = format!("/api/v2/users/{}/routinglanguages", client.id(0));
    let asked = json!([{"id": english, "proficiency": 4}]);
    assert_eq!(client.call("PUT", &format!("{own}/bulk"), asked.clone()).0, 404);
    let (_, added) = client.call("PATCH", &format!("{own}/bulk"), asked);
    assert!(names(&added["entities"]).contains(&"English"));
    let (_, one) = client.call("PATCH", &format!("{own}/{english}"), json!({"proficiency": 1}));
    assert_eq!(one["proficiency"], 1.0);
    assert_eq!(client.call("DELETE", &format!("{own}/{english}"), Value::Null).0, 204);
}

#[test]
fn a_division_move_says_what_is_wrong_with_it() {
    let mut client = genesys(2, &[]);
    let billing = client.named("/api/v2/authorization/divisions", "Billing");
    let target = format!("/api/v2/authorization/divisions/{billing}/objects/USER");
    assert_eq!(client.refused("POST", &target, json!([])), (400, "empty.bulk.division.update".into()));
    let many: Vec<String> = (0..51).map(|at| at.to_string()).collect();
    assert_eq!(client.refused("POST", &target, json!(many)), (400, "too.many.bulk.division.updates".into()));
    assert_eq!(client.refused("POST", &target, json!(["x"])), (409, "bulk.move.unable.to.move".into()));
    let nowhere = "/api/v2/authorization/divisions/x/objects/USER";
    assert_eq!(client.refused("POST", nowhere, json!(["x"])), (404, "general.resource.not.found".into()));
    let id = client.id(0);
    assert_eq!(client.call("POST", &target, json!([id])).0, 204);
    assert_eq!(client.user(0, "")["division"]["name"], "Billing");
}

#[test]
fn a_groups_version_is_optional_and_refused_where_it_is_stale() {
    let mut client = genesys(3, &[]);
    let group = client.named("/api/v2/groups", "Late Shift");
    let (target, id) = (format!("/api/v2/groups/{group}/members"), client.id(0));
    let version = client.get(&format!("/api/v2/groups/{group}"))["version"].clone();
    let join = json!({"memberIds": [id], "version": version});
    assert_eq!(client.call("POST", &target, join.clone()).0, 202);
    assert_eq!(client.refused("POST", &target, join), (409, "general.conflict".into()));
    assert_eq!(client.call("POST", &target, json!({"memberIds": [id]})).0, 202);
    assert_eq!(client.get(&target)["total"], 1);
    assert!(names(&client.user(0, "groups")["groups"]).contains(&"Late Shift"));
    let many = vec![id.clone(); 51];
    assert_eq!(client.call("POST", &target, json!({"memberIds": many})).0, 400);
    assert_eq!(client.call("DELETE", &format!("{target}?ids={id}"), Value::Null).0, 202);
    assert_eq!(client.get(&target)["total"], 0);
}

#[test]
fn a_team_tells_whom_it_did_not_take_and_why() {
    let mut client = genesys(4, &[]);
    let (_, mismatch, limit) = (client.id(0), client.id(1), client.id(2));
    client.sandbox.add_fault(&format!("users.{mismatch}=403")).unwrap();
    client.sandbox.add_fault(&format!("users.{limit}=409")).unwrap();
    let team = client.named("/api/v2/teams", "Red");
    let asked = json!({"memberIds": [client.id(0), mismatch, limit, "00000000-0000-4000-8000-000000000001"]});
    let (status, told) = client.call("POST", &format!("/api/v2/teams/{team}/members"), asked);
    assert_eq!((status, &told["entities"][0]["id"]), (200, &json!(client.id(0))));
    let reasons: Vec<&str> =
        told["failures"].as_array().unwrap().iter().map(|failure| failure["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["UserGroupDivisionMismatch", "UserGroupLimitExceeded", "UserNotFound"]);
    let many = vec![client.id(0); 26];
    assert_eq!(client.call("POST", &format!("/api/v2/teams/{team}/members"), json!({"memberIds": many})).0, 400);
}

#[test]
fn a_queues_members_are_added_joined_and_removed() {
    let mut client = genesys(3, &[]);
    let queue = client.named("/api/v2/routing/queues", "Main Line");
    let target = format!("/api/v2/routing/queues/{queue}/members");
    let (a, b) = (client.id(0), client.id(1));
    assert_eq!(client.call("POST", &target, json!([{"id": a}, {"id": b}])).0, 200);
    assert_eq!(client.call("PATCH", &format!("{target}/{b}"), json!({"id": b, "joined": false})).0, 204);
    let members = client.get(&format!("{target}?joined=false"));
    assert_eq!((&members["entities"][0]["id"], members.get("total")), (&json!(b), None));
    let queues = client.get(&format!("/api/v2/users/{b}/queues?joined=False"));
    assert_eq!((names(&queues["entities"]), &queues["entities"][0]["joined"]), (vec!["Main Line"], &json!(false)));
    assert_eq!(client.call("POST", &format!("{target}?delete=true"), json!([{"id": a}])).0, 200);
    assert_eq!(client.get(&target)["entities"].as_array().unwrap().len(), 1);
    assert_eq!(
        client.refused("POST", "/api/v2/routing/queues/x/members", json!([{"id": a}])),
        (404, "resource.not.found".into())
    );
}

#[test]
fn roles_are_granted_in_divisions_and_shown_without_them() {
    let mut client = genesys(2, &[]);
    let agent = client.named("/api/v2/authorization/roles", "Agent");
    let (sales, home) = (
        client.named("/api/v2/authorization/divisions", "Sales"),
        client.named("/api/v2/authorization/divisions", "Home"),
    );
    let id = client.id(0);
    let in_sales = json!({"subjectIds": [id], "divisionIds": [sales]});
    let target = format!("/api/v2/authorization/roles/{agent}");
    assert_eq!(client.call("POST", &format!("{target}?subjectType=PC_USER"), in_sales).0, 204);
    assert_eq!(client.call("PUT", &format!("{target}/users/add"), json!([id])).0, 200);
    let subject = format!("/api/v2/authorization/subjects/{id}");
    let held = |client: &mut Client| -> Vec<String> {
        let grants = client.get(&subject)["grants"].as_array().unwrap().clone();
        grants
            .iter()
            .map(|grant| format!("{} in {}", grant["role"]["name"], grant["division"]["name"]).replace('"', ""))
            .collect()
    };
    assert_eq!(held(&mut client), ["employee in Home", "Agent in Sales", "Agent in Home"]);
    assert_eq!(names(&client.user(0, "authorization")["authorization"]["roles"]), ["employee", "Agent"]);
    let grant = json!({"grants": [{"roleId": agent, "divisionId": home}]});
    assert_eq!(client.call("POST", &format!("{subject}/bulkremove"), grant).0, 204);
    assert_eq!(held(&mut client), ["employee in Home", "Agent in Sales"]);
    assert_eq!(client.call("PUT", &format!("{target}/users/remove"), json!([id])).0, 200);
    assert_eq!(held(&mut client), ["employee in Home"], "in all divisions at once");
}

#[test]
fn who_does_not_sign_in_is_told_apart_from_who_signs_in_wrongly() {
    let mut client = genesys(1, &[]);
    for (token, code) in [(None, "authentication.required"), (Some("x"), "bad.credentials")] {
        let reply = client.raw("GET", "/api/v2/organizations/me", vec![], token);
        assert_eq!((reply.status, body(&reply)["code"].as_str()), (401, Some(code)));
        let header = reply.headers.iter().find(|(name, _)| name == "inin-correlation-id").map(|(_, id)| id.clone());
        assert_eq!(body(&reply)["contextId"].as_str().map(str::to_owned), header, "one id for the vendor's support");
    }
    assert_eq!(client.refused("GET", "/api/v2/users/me", Value::Null), (400, "not.a.user".into()));
}

#[test]
fn a_body_over_the_size_limit_is_refused() {
    let mut client = genesys(1, &[]);
    let target = format!("/api/v2/users/{}", client.id(0));
    let told = client.refused("PATCH", &target, json!({"title": "x".repeat(512_001)}));
    assert_eq!(told, (413, "request.entity.too.large".into()));
}
