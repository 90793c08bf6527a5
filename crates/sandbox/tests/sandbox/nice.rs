//! NICE CXone as its public clients find it.

use crate::{Client, body, nice, options};
use paceline_sandbox::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, CLIENT_ID, CLIENT_SECRET, Options, Vendor};
use serde_json::{Value, json};

const ADMIN: &str = "/incontactapi/services/v34.0";

fn results(answer: &Value) -> Vec<bool> {
    let set = if answer["resultSet"].is_object() { &answer["resultSet"] } else { answer };
    let items = set["agentResults"].as_array().or(set["skillResults"].as_array());
    items.unwrap().iter().map(|item| item["success"] == true || item["success"] == "true").collect()
}

#[test]
fn the_base_path_is_taken_in_any_case_and_with_a_doubled_slash() {
    let mut client = nice(3, &[]);
    for base in ["/incontactapi/services/v34.0", "/inContactAPI/services/v27.0", "/inContactAPI//services/v34.0"] {
        assert_eq!(client.get(&format!("{base}/agents"))["totalRecords"], 3, "{base}");
    }
}

#[test]
fn booleans_of_a_query_are_taken_in_any_case() {
    let mut client = nice(4, &["inactive_users=1"]);
    for (asked, found) in [("true", 3), ("True", 3), ("FALSE", 1)] {
        assert_eq!(client.get(&format!("{ADMIN}/agents?isActive={asked}"))["totalRecords"], found, "{asked}");
    }
}

#[test]
fn the_business_unit_says_its_tenant_as_the_token_and_the_discovery_document_do() {
    for (faults, tenant) in [(vec![], "tenant-1"), (vec!["tenant=tenant-2"], "tenant-2")] {
        let mut client = nice(1, &faults);
        assert_eq!(client.get(&format!("{ADMIN}/business-unit"))["businessUnits"][0]["tenantId"], tenant);
        let found = client.raw("GET", "/.well-known/cxone-configuration?tenantId=x", vec![], None);
        assert_eq!(body(&found)["tenantId"], tenant);
        let form = format!(
            "grant_type=password&username={ACCESS_KEY_ID}&password={ACCESS_KEY_SECRET}&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}"
        );
        let token = client.raw("POST", "/auth/token", form.into_bytes(), None);
        assert_eq!(token.status, 200);
        assert!(body(&token)["id_token"].as_str().unwrap().ends_with(".sandbox"));
    }
}

#[test]
fn refusals_are_in_the_words_of_whoever_refuses() {
    let mut client = nice(1, &[]);
    let admin = client.raw("GET", &format!("{ADMIN}/agents"), vec![], None);
    assert_eq!((admin.status, body(&admin)["error"].is_string()), (401, true));
    assert_eq!(body(&admin).get("code"), None);
    let hub = client.raw("GET", "/user-management/v3/users/x", vec![], Some("x"));
    assert_eq!(
        (body(&hub)["status"].as_i64(), body(&hub)["path"].as_str()),
        (Some(401), Some("/user-management/v3/users/x"))
    );
    let mut down = Client::new(Options { vendor: Vendor::Nice, ..options(1, &["error_500=1"]) });
    assert!(down.call("GET", &format!("{ADMIN}/agents"), Value::Null).1["error_description"].is_string());
    assert!(down.call("GET", "/user-management/v3/users/x", Value::Null).1["details"].is_string());
}

#[test]
fn skills_are_taken_off_by_deletes_with_a_body() {
    let mut client = nice(2, &[]);
    let (a, b) = (client.id(0), client.id(1));
    let assign = json!({"agents": [{"agentId": a, "proficiency": 2}, {"agentId": b, "proficiency": 3}]});
    assert_eq!(results(&client.call("POST", &format!("{ADMIN}/skills/206/agents"), assign).1), [true, true]);
    let off = json!({"agents": [{"agentId": a}]});
    assert_eq!(results(&client.call("DELETE", &format!("{ADMIN}/skills/206/agents"), off.clone()).1), [true]);
    assert_eq!(results(&client.call("DELETE", &format!("{ADMIN}/skills/206/agents"), off).1), [false]);
    let own = format!("{ADMIN}/agents/{b}/skills");
    assert_eq!(results(&client.call("DELETE", &own, json!({"skills": [{"skillId": "206"}]})).1), [true]);
    let some =
        json!({"skills": [{"skillId": "205", "proficiency": 1, "isActive": true}, {"skillId": "9", "proficiency": 1}]});
    assert_eq!(results(&client.call("POST", &own, some).1), [true, false]);
    let held = client.get(&own);
    assert!(held["agentSkillAssignments"].as_array().unwrap().iter().any(|one| one["skillId"] == 205), "{held}");
}

#[test]
fn a_users_put_writes_the_whole_record() {
    let mut client = nice(1, &[]);
    let number = client.id(0);
    let person = |client: &Client| client.sandbox.user(&number).unwrap();
    let before = person(&client)["user"].clone();
    let uuid = before["id"].as_str().unwrap().to_owned();
    let required = [
        "id",
        "firstName",
        "lastName",
        "emailAddress",
        "assignedGroup",
        "role",
        "userName",
        "emailToBeVerified",
        "teamId",
    ];
    let mut put = json!({});
    required.iter().for_each(|key| put[*key] = before[*key].clone());
    put["mobileNumber"] = json!("+13175550100");
    assert_eq!(client.call("PUT", "/user-management/v1/users", put.clone()).1["success"], true);
    let after = person(&client)["user"].clone();
    assert_eq!((after.get("rank"), after.get("timeZone")), (None, None), "what is optional and not sent is gone");
    assert_eq!(after["mobileNumber"], "+13175550100");
    put.as_object_mut().unwrap().remove("role");
    assert_eq!(client.call("PUT", "/user-management/v1/users", put).0, 400);
    assert_eq!(client.get(&format!("/user-management/v3/users/{uuid}"))["user"]["id"], json!(uuid));
}

#[test]
fn custom_attributes_are_taken_in_both_published_forms_or_in_one_only() {
    let map = json!({"floor": {"id": "floor", "values": [{"value": "9"}]}, "desk": {"id": "desk", "values": [{"value": "1"}]}});
    let one = json!({"id": "floor", "values": [{"value": "7"}]});
    for (faults, by_map, by_one) in [
        (vec![], true, true),
        (vec!["attributes=map"], true, false),
        (vec!["attributes=one"], false, true),
        (vec!["attributes=none"], false, false),
    ] {
        for (form, sticks, value) in [(&map, by_map, "9"), (&one, by_one, "7")] {
            let mut client = nice(1, &faults);
            let number = client.id(0);
            let mut put = client.sandbox.user(&number).unwrap()["user"].clone();
            let record = put.as_object_mut().unwrap();
            ["displayName", "roleUUID", "status"].iter().for_each(|key| drop(record.remove(*key)));
            put["customAttributes"] = form.clone();
            assert_eq!(client.call("PUT", "/user-management/v1/users", put).0, 200);
            let held = client.sandbox.user(&number).unwrap()["user"]["customAttributes"].clone();
            assert_eq!(held["floor"]["values"][0]["value"] == value, sticks, "{faults:?} {form}: {held}");
        }
    }
}

#[test]
fn batches_count_their_errors_and_may_not_say_whose_they_are() {
    let faults = ["users.100000=400", "users.100001=400", "count_only@PUT"];
    let mut client = nice(3, &faults);
    let agents: Vec<Value> = (0..3).map(|at| json!({"agentId": client.id(at), "custom1": "x"})).collect();
    let (status, told) = client.call("PUT", &format!("{ADMIN}/agents"), json!({"agents": agents}));
    assert_eq!((status, &told["errorCount"], &told["agentResults"]), (200, &json!(2), &json!([])));
    assert_eq!(client.sandbox.user("100002").unwrap()["agent"]["custom1"], "x");
}

#[test]
fn what_finds_nobody_is_204_or_what_stands_for_it() {
    for (faults, status) in [(vec![], 204), (vec!["nobody=404"], 404), (vec!["nobody=200"], 200)] {
        let mut client = nice(1, &faults);
        let nobody = json!({"filter": {"emailAddress": ["nobody@example.com"]}});
        assert_eq!(client.call("POST", "/user-management/v2/users/search", nobody).0, status);
        assert_eq!(client.call("GET", &format!("{ADMIN}/skills?searchString=zzz"), Value::Null).0, status);
    }
}

#[test]
fn one_agent_is_written_alone_and_a_page_names_the_next() {
    let mut client = nice(5, &["small_pages=2"]);
    let id = client.id(0);
    let agent = json!({"agent": {"custom1": "Desk 1"}});
    assert_eq!(client.call("PUT", &format!("{ADMIN}/agents/{id}"), agent).0, 200);
    assert_eq!(client.get(&format!("{ADMIN}/agents/{id}"))["agents"][0]["custom1"], "Desk 1");
    let page = client.get(&format!("{ADMIN}/agents?top=1000"));
    assert_eq!(page["agents"].as_array().unwrap().len(), 2);
    assert!(page["_links"]["next"].as_str().unwrap().starts_with("http://sandbox.test/incontactapi/"), "{page}");
}
