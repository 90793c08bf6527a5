//! A user of each vendor, before and after a row was applied, in the vendor's JSON.

use crate::Sample;
use paceline_core::user::UserKey;
use serde_json::json;

const UUID: &str = "11eb2a5c-0000-4000-8000-000000000001";

pub(crate) fn genesys() -> Sample {
    let user = |title, division: &str, name: &str, skills, groups, state| {
        json!({"id": UUID, "version": 7, "email": "A@example.com", "title": title, "department": "Sales", "state": state,
            "division": {"id": division, "name": name}, "skills": skills, "groups": groups, "languages": []})
    };
    let spanish = json!([{"id": "s1", "name": "Spanish", "proficiency": 2.0}]);
    let billing = json!([{"id": "s2", "name": "Billing", "proficiency": 3.0}]);
    Sample {
        vendor: paceline_vendors::by_name("genesys", None).unwrap(),
        lists: vec![
            ("skill", "s1", "Spanish"),
            ("skill", "s2", "Billing"),
            ("division", "d1", "Home"),
            ("division", "d2", "Sales"),
            ("group", "g1", "Early"),
            ("schema", "sc1", "HR"),
        ],
        key: UserKey { column: "email".into(), value: "a@example.com".into() },
        fields: json!({"title": "Lead", "department": "Sales", "division": "sales", "groups+": ["Early"], "state": "inactive",
            "skills": [{"name": "Billing", "proficiency": 3.0}], "customAttributes.HR.floor": "2"}),
        before: vec![
            ("attributes", vec![json!({"schema": {"id": "sc1"}, "attributes": {"floor": "1"}})]),
            ("search", vec![json!({"id": UUID, "email": "a@example.com"})]),
            ("user", vec![user("Agent", "d1", "Home", spanish, json!([]), "active")]),
        ],
        after: vec![
            ("attributes", vec![json!({"schema": {"id": "sc1"}, "attributes": {"floor": "2"}})]),
            ("search", vec![json!({"id": UUID, "email": "a@example.com"})]),
            ("user", vec![user("Lead", "d2", "Sales", billing, json!([{"id": "g1"}]), "inactive")]),
        ],
        kinds: vec!["fields", "skills", "attributes", "division", "groups+", "state"],
    }
}

pub(crate) fn nice_agent() -> Sample {
    let agent = |custom1, team: i64, name, timeout| {
        json!({"agentId": 7, "userID": UUID, "isActive": "True", "custom1": custom1, "teamId": team, "teamName": name,
            "emailRefusalTimeout": timeout})
    };
    Sample {
        vendor: paceline_vendors::by_name("nice", None).unwrap(),
        lists: vec![
            ("skill", "1", "Spanish"),
            ("skill", "2", "Billing"),
            ("team", "10", "Blue"),
            ("team", "11", "Red"),
        ],
        key: UserKey { column: "agentId".into(), value: "7".into() },
        fields: json!({"custom1": "Desk", "isActive": true, "emailRefusalTimeout": 60, "team": "red",
            "skills": [{"name": "Billing", "proficiency": 1.0}]}),
        before: vec![
            ("agent", vec![agent("", 10, "Blue", 30)]),
            ("skills", vec![json!({"agentId": "7", "id": "1", "name": "Spanish", "proficiency": 2})]),
        ],
        after: vec![
            ("agent", vec![agent("Desk", 11, "Red", 60)]),
            ("skills", vec![json!({"agentId": "7", "id": "2", "name": "Billing", "proficiency": 1})]),
        ],
        kinds: vec!["agent", "team", "skills-", "skills+"],
    }
}

pub(crate) fn nice_user() -> Sample {
    let user = |role, team, floor, status| {
        json!({"id": UUID, "userName": "a@example.com", "emailAddress": "a@example.com", "firstName": "Ada", "role": role,
            "teamId": team, "status": status, "customAttributes": {"floor": {"id": "floor", "values": [{"value": floor}]}}})
    };
    let old = user("Agent", "t1", "1", "ACTIVE");
    let new = user("Manager", "t2", "2", "DELETED");
    Sample {
        vendor: paceline_vendors::by_name("nice", None).unwrap(),
        lists: vec![
            ("role", "r1", "Agent"),
            ("role", "r2", "Manager"),
            ("team", "10", "Blue"),
            ("user team", "t1", "Blue"),
            ("user team", "t2", "Red"),
        ],
        key: UserKey { column: "email".into(), value: "a@example.com".into() },
        fields: json!({"firstName": "Ada", "role": "manager", "team": "Red", "customAttributes.floor": "2", "active": false}),
        before: vec![("email", vec![old.clone()]), ("user", vec![old])],
        after: vec![("email", vec![new.clone()]), ("user", vec![new])],
        kinds: vec!["user", "active-"],
    }
}
