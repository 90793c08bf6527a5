//! What a write carries: of an agent the fields that change, of a user the whole record as it was just read.

use super::fields::{attribute, written};
use super::person::{date, find_attribute, ids, is_single};
use super::wire::{flag, get, told};
use crate::http::number;
use paceline_core::plan::Change;
use serde_json::{Map, Value, json};

/// One agent of `PUT /agents`. "An omitted field is taken as unchanged" (facts/nice.md).
pub(super) fn agent(change: &Change) -> Value {
    let mut body = Map::from_iter([("agentId".to_owned(), json!(ids(change.user.as_str()).0))]);
    for (column, value) in &change.after {
        body.insert(written(column).to_owned(), if value.is_null() { json!("") } else { value.clone() });
    }
    Value::Object(body)
}

/// The fields that the user's PUT takes (published description of June 2026); the record has others.
pub(super) const PUT_USER: &[&str] = &[
    "firstName",
    "lastName",
    "emailAddress",
    "assignedGroup",
    "role",
    "userName",
    "emailToBeVerified",
    "customAttributes",
    "mobileNumber",
    "rank",
    "timeZone",
    "teamId",
    "hireDate",
    "acdInfos",
    "groupIds",
    "applicationAttributes",
    "externalIdentity",
    "billable",
    "secondaryRoleIds",
    "views",
];
const REQUIRED: usize = 7;

/// The whole user, as it was just read, with what changes.
pub(super) fn user(change: &Change) -> Value {
    let read = Value::Object(change.rest.clone());
    let mut body = Map::from_iter([("id".to_owned(), json!(ids(change.user.as_str()).1))]);
    for (at, key) in PUT_USER.iter().enumerate() {
        let value = match (told(&read, key), at < REQUIRED) {
            (Some(Value::Null), true) => json!(""),
            // A required one that was not told is left out, and the vendor refuses: an empty one would be written.
            (None, true) if *key != "emailToBeVerified" => continue,
            (None, true) => json!(""),
            (Some(Value::Null) | None, false) => continue,
            (Some(value), _) => kept(key, value),
        };
        body.insert((*key).to_owned(), value);
    }
    for (column, value) in &change.after {
        if let Some(key) = attribute(column) {
            // They are written together: where they were not told, those that the row does not name would be lost.
            if told(&read, "customAttributes").is_some() {
                let attributes = body.entry("customAttributes").or_insert_with(|| json!({}));
                if let Some(map) = attributes.as_object_mut() {
                    set_attribute(map, key, value);
                }
            }
            continue;
        }
        let value = match column.as_str() {
            "role" => value[if names_roles_by_id(&read) { "id" } else { "name" }].clone(),
            "team" => value["id"].clone(),
            "hireDate" => dated(get(&read, "hireDate"), value),
            _ => value.clone(),
        };
        let value = if value.is_null() { json!("") } else { value };
        if column == "email" {
            body.insert("emailToBeVerified".into(), value.clone());
        }
        body.insert(if column == "team" { "teamId" } else { written(column) }.to_owned(), value);
    }
    Value::Object(body)
}

/// A field that the row does not name, in the type that the PUT takes.
fn kept(key: &str, value: &Value) -> Value {
    let typed = match key {
        "rank" if value.is_string() => number(value).map(Value::from),
        "billable" => flag(value).map(Value::Bool),
        "customAttributes" => Some(attributes(value)),
        _ => None,
    };
    typed.unwrap_or_else(|| value.clone())
}

/// The record names its role by name or by id: it is written as it is read.
fn names_roles_by_id(read: &Value) -> bool {
    let role = get(read, "role").as_str().unwrap_or_default();
    let is_uuid = role.len() == 36 && role.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_id = get(read, "roleUUID").as_str().is_some_and(|id| id.eq_ignore_ascii_case(role));
    !role.is_empty() && (is_uuid || is_id)
}

/// A day as the record writes its own: with the time of day that it has.
fn dated(read: &Value, value: &Value) -> Value {
    let tail = read.as_str().filter(|text| date(text).is_some()).and_then(|text| text.trim().get(10..));
    match (value.as_str(), tail) {
        (Some(day), Some(tail)) if tail.starts_with('T') => json!(format!("{day}{tail}")),
        _ => value.clone(),
    }
}

/// Custom attributes as the map that the PUT takes, in whichever form they were read.
fn attributes(read: &Value) -> Value {
    let by_id = |list: &[Value]| -> Option<Map<String, Value>> {
        list.iter().map(|one| Some((get(one, "id").as_str()?.to_owned(), one.clone()))).collect()
    };
    let map = match read {
        Value::Array(list) => by_id(list),
        one if is_single(one) => by_id(std::slice::from_ref(one)),
        _ => None,
    };
    map.map_or_else(|| read.clone(), Value::Object)
}

/// Sets a custom attribute in the form that it has, or else that the others have.
fn set_attribute(map: &mut Map<String, Value>, key: &str, value: &Value) {
    let whole = Value::Object(map.clone());
    let held = find_attribute(&whole, key);
    let name = held.and_then(|held| map.iter().find(|(_, one)| *one == held).map(|(name, _)| name.clone()));
    let name = map.keys().find(|name| name.eq_ignore_ascii_case(key)).cloned().or(name);
    let name = name.unwrap_or_else(|| key.to_owned());
    let is_bare = match held {
        Some(held) => !held.is_object(),
        None => map.values().next().is_some_and(|other| !other.is_object()),
    };
    let one = match (value, is_bare) {
        (Value::Null, true) => json!(""),
        (value, true) => value.clone(),
        (value, false) => {
            let mut one = held.and_then(Value::as_object).cloned().unwrap_or_default();
            let inner = held.map_or(&Value::Null, |held| get(held, "values"));
            let bare_values = inner[0].is_string();
            let wrap = |value: &Value| if bare_values { value.clone() } else { json!({"value": value}) };
            let values: Vec<Value> = match value {
                Value::Null => vec![],
                Value::Array(list) => list.iter().map(wrap).collect(),
                value => vec![wrap(value)],
            };
            one.retain(|key, _| !["value", "values"].iter().any(|other| key.eq_ignore_ascii_case(other)));
            if told(&Value::Object(one.clone()), "id").is_none() {
                one.insert("id".into(), json!(name));
            }
            one.insert("values".into(), Value::Array(values));
            Value::Object(one)
        }
    };
    map.insert(name, one);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nice::person::holds;
    use paceline_core::plan::ChangeKey;
    use paceline_core::user::UserId;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn change(read: &Value, before: Value, after: Value) -> Change {
        Change {
            key: ChangeKey { stage: 1, group: String::new(), row: 1 },
            kind: "user".into(),
            user: UserId("7/u".into()),
            before: map(before),
            after: map(after),
            rest: map(read.clone()),
            columns: vec![],
            version: None,
        }
    }

    #[test]
    fn a_user_is_written_whole_as_it_was_read() {
        let read = json!({"id": "u", "firstName": "Ada", "lastName": "B", "emailAddress": "a@x", "userName": "a@x", "role": "Agent",
            "assignedGroup": "g", "status": "ACTIVE", "displayName": "Ada B", "teamId": "t1",
            "customAttributes": {"floor": {"id": "floor", "values": [{"value": "1"}]}}});
        let place = |id: &str, name: &str| json!({"id": id, "name": name});
        let change = change(
            &read,
            json!({"role": place("r1", "Agent"), "team": place("t1", "Blue"), "customAttributes.floor": "1"}),
            json!({"role": place("r2", "Manager"), "team": place("t2", "Red"), "customAttributes.floor": "2", "mobileNumber": null}),
        );
        let expected = json!({"id": "u", "firstName": "Ada", "lastName": "B", "emailAddress": "a@x", "assignedGroup": "g",
            "role": "Manager", "userName": "a@x", "emailToBeVerified": "", "teamId": "t2", "mobileNumber": "",
            "customAttributes": {"floor": {"id": "floor", "values": [{"value": "2"}]}}});
        assert_eq!(user(&change), expected);
        let after = |body: &Value| holds(&json!({"user": body}), &change);
        assert_eq!(after(&expected)["role"], place("r2", "Manager"));
        assert_eq!(after(&expected)["team"], place("t2", "Red"));
        assert_eq!(after(&read)["role"], place("r1", "Agent"));
        assert_eq!(after(&expected)["customAttributes.floor"], "2");
    }

    #[test]
    fn what_was_not_told_is_not_written_as_empty() {
        let body = user(&change(
            &json!({"id": "u", "FIRSTNAME": "Ada", "lastName": null, "rank": "7", "billable": "True"}),
            json!({}),
            json!({"timeZone": "UTC"}),
        ));
        let expected = json!({"id": "u", "firstName": "Ada", "lastName": "", "emailToBeVerified": "", "rank": 7, "billable": true,
            "timeZone": "UTC"});
        assert_eq!(body, expected);
    }

    #[test]
    fn attributes_are_not_written_where_the_others_were_not_told() {
        let after = json!({"customAttributes.floor": "2"});
        assert_eq!(user(&change(&json!({"id": "u"}), json!({}), after))["customAttributes"], Value::Null);
    }

    #[test]
    fn attributes_are_written_as_a_map_in_whichever_form_they_were_read() {
        let one = |id: &str, value: &str| json!({"id": id, "values": [{"value": value, "resolvedValue": value}]});
        let set = |id: &str, value: &str| json!({"id": id, "values": [{"value": value}]});
        let (floor, desk) = (one("floor", "1"), one("desk", "D"));
        let table = [
            (json!({"floor": floor, "desk": desk}), json!({"floor": set("floor", "2"), "desk": desk})),
            (json!([floor, desk]), json!({"floor": set("floor", "2"), "desk": desk})),
            (floor.clone(), json!({"floor": set("floor", "2")})),
            (json!({"k1": floor, "k2": desk}), json!({"k1": set("floor", "2"), "k2": desk})),
            (json!({"Floor": "1", "desk": "D"}), json!({"Floor": "2", "desk": "D"})),
            (
                json!({"floor": {"id": "floor", "name": "Floor", "values": ["1"]}}),
                json!({"floor": {"id": "floor", "name": "Floor", "values": ["2"]}}),
            ),
            (json!({"desk": desk}), json!({"desk": desk, "floor": set("floor", "2")})),
            (json!(null), json!({"floor": set("floor", "2")})),
        ];
        for (read, expected) in table {
            let whole = json!({"id": "u", "customAttributes": read});
            let change = change(&whole, json!({}), json!({"customAttributes.floor": "2"}));
            let body = user(&change);
            assert_eq!(body["customAttributes"], expected, "{read}");
            assert_eq!(holds(&json!({"user": body}), &change), change.after, "{read}");
        }
    }

    #[test]
    fn a_role_and_a_day_are_written_in_the_form_that_they_were_read() {
        const ID: &str = "11e90000-0000-4000-8000-000000000001";
        let after = json!({"role": {"id": "r2", "name": "Manager"}, "hireDate": "2024-03-01"});
        let of = |read: Value| {
            let body = user(&change(&read, json!({}), after.clone()));
            (body["role"].clone(), body["hireDate"].clone())
        };
        let plain = (json!("Manager"), json!("2024-03-01"));
        assert_eq!(of(json!({"role": "Agent", "roleUUID": ID, "hireDate": "2020-01-31"})), plain);
        assert_eq!(of(json!({"role": "Agent"})), plain);
        let timed = json!({"role": ID, "roleUUID": ID, "hireDate": "2020-01-31T00:00:00.000Z"});
        assert_eq!(of(timed), (json!("r2"), json!("2024-03-01T00:00:00.000Z")));
    }
}
