//! Answers against the vendors' published descriptions: what they require is there, and nothing is there that they do not
//! have.

use crate::{genesys, nice};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn description(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/spec").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("the published description {} cannot be read: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The published operation of a request, by its most literal path.
fn operation<'a>(spec: &'a Value, method: &str, path: &str) -> (&'a str, &'a Value) {
    let fits = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template.split('/').zip(path.split('/')).all(|(known, found)| known == found || known.starts_with('{'))
    };
    let mut found: Vec<(&String, &Value)> = spec["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(template, item)| fits(template) && item.get(method.to_lowercase()).is_some())
        .collect();
    found.sort_by_key(|(template, _)| template.matches('{').count());
    let (template, item) = found.first().unwrap_or_else(|| panic!("{method} {path} is not published"));
    (template, &item[&method.to_lowercase()])
}

fn resolve<'a>(spec: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => spec.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// What an answer has that its schema does not.
fn strangers(spec: &Value, schema: &Value, found: &Value, at: &str) -> Vec<String> {
    let schema = resolve(spec, schema);
    match found {
        Value::Array(items) => {
            let inner =
                |(place, item): (usize, &Value)| strangers(spec, &schema["items"], item, &format!("{at}[{place}]"));
            items.iter().enumerate().flat_map(inner).collect()
        }
        Value::Object(fields) => {
            let Some(known) = schema["properties"].as_object() else { return vec![] };
            let each = |(key, value): (&String, &Value)| match known.get(key) {
                Some(schema) => strangers(spec, schema, value, &format!("{at}.{key}")),
                None => vec![format!("{at}.{key}")],
            };
            fields.iter().flat_map(each).collect()
        }
        _ => vec![],
    }
}

fn check(spec: &Value, schema: &Value, found: &Value, what: &str) {
    let mut whole = schema.clone();
    for key in ["definitions", "components"] {
        if let Some(all) = spec.get(key) {
            whole[key] = all.clone();
        }
    }
    let validator = jsonschema::validator_for(&whole).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(found).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what} {found}: {errors:?}");
    assert_eq!(strangers(spec, schema, found, ""), Vec::<String>::new(), "{what}");
}

#[test]
#[cfg_attr(not(published), ignore = "the vendor's published description is not beside the project")]
fn every_answer_of_genesys_has_the_shape_that_is_published() {
    let spec = description("genesys-cloud-users.openapi.json");
    let mut client = genesys(40, &["deleted_users=2"]);
    let (a, b) = (client.id(4), client.id(7));
    let everything =
        "authorization,team,groups,profileSkills,certifications,locations,skills,languages,employerInfo,biography";
    let (mut list, mut ids) = (vec![], std::collections::BTreeMap::new());
    for (path, name) in [
        ("/api/v2/authorization/divisions", "Sales"),
        ("/api/v2/authorization/roles", "Agent"),
        ("/api/v2/routing/skills", "Chat"),
        ("/api/v2/routing/languages", "German"),
        ("/api/v2/routing/queues", "Chat"),
        ("/api/v2/groups", "Early Shift"),
        ("/api/v2/teams", "Blue"),
        ("/api/v2/locations", "Berlin"),
    ] {
        let id = client.named(path, name);
        list.extend([("GET", path.to_owned(), Value::Null), ("GET", format!("{path}/{id}"), Value::Null)]);
        ids.insert(path.rsplit('/').next().unwrap_or_default(), id);
    }
    let (user, rated) = (format!("/api/v2/users/{a}"), json!([{"id": ids["skills"], "proficiency": 2}]));
    let spoken = json!([{"id": ids["languages"], "proficiency": 2}]);
    let calls = [
        ("GET", "/api/v2/organizations/me".into(), Value::Null),
        ("GET", "/api/v2/tokens/me".into(), Value::Null),
        ("GET", "/api/v2/authorization/divisions/home".into(), Value::Null),
        ("PATCH", user.clone(), json!({"manager": b, "employerInfo": {"employeeId": "7"}, "certifications": ["x"]})),
        ("PATCH", "/api/v2/users/bulk".into(), json!([{"id": a, "acdAutoAnswer": true}])),
        ("POST", format!("/api/v2/groups/{}/members", ids["groups"]), json!({"memberIds": [a]})),
        ("POST", format!("/api/v2/teams/{}/members", ids["teams"]), json!({"memberIds": [a, "x"]})),
        ("POST", format!("/api/v2/routing/queues/{}/members", ids["queues"]), json!([{"id": a}])),
        ("PUT", format!("{user}/profileskills"), json!(["piano"])),
        ("PUT", format!("{user}/routingskills/bulk"), rated.clone()),
        ("PATCH", format!("{user}/routingskills/bulk"), rated),
        ("PATCH", format!("{user}/routinglanguages/bulk"), spoken),
        ("PUT", format!("{user}/routingskills/{}", ids["skills"]), json!({"proficiency": 3})),
        ("PUT", format!("/api/v2/authorization/roles/{}/users/add", ids["roles"]), json!([a])),
        ("GET", format!("/api/v2/users?pageSize=100&state=any&expand={everything}"), Value::Null),
        ("GET", format!("/api/v2/users?id={a}"), Value::Null),
        ("GET", format!("{user}?expand={everything}"), Value::Null),
        (
            "POST",
            "/api/v2/users/search".into(),
            json!({"query": [{"type": "MATCH_ALL"}], "expand": ["skills", "locations"]}),
        ),
        ("GET", format!("{user}/state"), Value::Null),
        ("PUT", format!("{user}/state"), json!({"state": "inactive"})),
        ("GET", format!("{user}/queues"), Value::Null),
        ("GET", format!("{user}/roles"), Value::Null),
        ("GET", format!("{user}/routingskills"), Value::Null),
        ("GET", format!("{user}/routinglanguages"), Value::Null),
        ("GET", format!("{user}/profileskills"), Value::Null),
        ("GET", "/api/v2/users/customattributes/schemas".into(), Value::Null),
        ("GET", format!("/api/v2/authorization/subjects/{a}"), Value::Null),
        ("GET", format!("/api/v2/authorization/roles/{}/subjectgrants", ids["roles"]), Value::Null),
        ("GET", format!("/api/v2/groups/{}/members", ids["groups"]), Value::Null),
        ("GET", format!("/api/v2/routing/queues/{}/members", ids["queues"]), Value::Null),
        ("GET", format!("/api/v2/teams/{}/members", ids["teams"]), Value::Null),
    ];
    list.extend(calls);
    let mut checked = BTreeSet::new();
    for (method, target, sent) in list {
        let (status, found) = client.call(method, &target, sent);
        assert!((200..300).contains(&status), "{method} {target}: {status} {found}");
        let path = target.split('?').next().unwrap_or_default();
        let (template, operation) = operation(&spec, method, path);
        let schema = &operation["responses"][status.to_string()]["schema"];
        if !schema.is_null() {
            check(&spec, schema, &found, &format!("{method} {template}"));
        }
        checked.insert(format!("{method} {template}"));
    }
    assert!(checked.len() >= 40, "{checked:?}");
    let (_, error) = client.call("GET", "/api/v2/users?id=x", Value::Null);
    check(&spec, &json!({"$ref": "#/definitions/ErrorBody"}), &error, "an error");
}

#[test]
#[cfg_attr(not(published), ignore = "the vendor's published description is not beside the project")]
fn every_answer_of_nice_has_the_shape_that_is_published() {
    let spec = description("nice-cxone-users.openapi.json");
    let mut client = nice(5, &[]);
    let admin = "/incontactapi/services/v34.0";
    let agent = client.id(0);
    let user = client.sandbox.user(&agent).unwrap()["user"].clone();
    let uuid = user["id"].as_str().unwrap().to_owned();
    let mut put = user;
    let record = put.as_object_mut().unwrap();
    ["displayName", "roleUUID", "status"].iter().for_each(|key| drop(record.remove(*key)));
    for (method, target, sent) in [
        ("GET", format!("{admin}/business-unit"), Value::Null),
        ("GET", format!("{admin}/agents?isActive=true"), Value::Null),
        ("GET", format!("{admin}/agents/{agent}"), Value::Null),
        ("PUT", format!("{admin}/agents"), json!({"agents": [{"agentId": agent, "custom1": "x"}]})),
        ("GET", format!("{admin}/skills"), Value::Null),
        ("GET", format!("{admin}/teams"), Value::Null),
        ("GET", format!("{admin}/teams/11"), Value::Null),
        ("POST", format!("{admin}/agents/{agent}/skills"), json!({"skills": [{"skillId": "201", "proficiency": 1}]})),
        ("POST", "/user-management/v2/users/search".into(), json!({"filter": {}, "skip": 0, "top": 10})),
        ("GET", format!("/user-management/v3/users/{uuid}"), Value::Null),
        ("PUT", "/user-management/v1/users".into(), put),
        ("POST", "/user-management/v4/teams/search".into(), json!({})),
        ("POST", "/authorization/v1/roles/search".into(), json!({})),
        ("POST", "/user-management/v1/users/deactivate".into(), json!({"userIds": [uuid]})),
        ("POST", format!("/user-management/v1/users/{uuid}/revive"), Value::Null),
    ] {
        let (status, found) = client.call(method, &target, sent);
        assert_eq!(status, 200, "{method} {target}: {found}");
        let path = target.split('?').next().unwrap_or_default();
        let (template, operation) = operation(&spec, method, path);
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {template}");
        check(&spec, schema, &found, &format!("{method} {template}"));
    }
}
