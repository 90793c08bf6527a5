//! A user's record by meaning: what it holds, told the way that changes and rosters write it.
//!
//! What an answer does not tell is never taken for empty: the vendor promises an `expand` "best effort" only.

use super::{fields, grants, phones};
use paceline_core::plan::Change;
use paceline_core::vendor::BLIND;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a user that was read holds of these top-level fields, as UpdateUser writes them. A field that the answer does
/// not tell is left out.
pub(super) fn writable<'a>(record: &Value, tops: impl Iterator<Item = &'a String>) -> Map<String, Value> {
    tops.filter_map(|top| Some((top.clone(), one_writable(record, top)?))).collect()
}

fn one_writable(record: &Value, top: &str) -> Option<Value> {
    match record.get(top) {
        // Read with `expand`, and missing.
        None if fields::expand(top).is_some() => None,
        // Shown to everybody who looks, and yet the numbers that are derived from it are there.
        None if top == "addresses" && phones::any(&record["primaryContactInfo"]) => None,
        None => Some(Value::Null),
        Some(value) => as_written(top, value),
    }
}

/// A value as UpdateUser takes it; `None` where it cannot be told.
fn as_written(top: &str, value: &Value) -> Option<Value> {
    let only = |keys: &[&str]| -> Value {
        let held = |key: &&str| Some(((*key).to_owned(), value.get(*key).filter(|held| !held.is_null())?.clone()));
        Value::Object(keys.iter().filter_map(held).collect())
    };
    let list = |one: fn(&Value) -> Option<Value>| match value {
        Value::Array(items) => items.iter().map(one).collect::<Option<Value>>(),
        _ => Some(Value::Null),
    };
    match top {
        "manager" => {
            Some(value.get("id").or(Some(value).filter(|value| value.is_string())).cloned().unwrap_or_default())
        }
        "addresses" => list(|entry| Some(phones::written(entry))),
        "locations" => list(location),
        "employerInfo" => {
            let mut info = only(fields::EMPLOYER_INFO);
            // "" in it is not known to be taken: an empty member is left out.
            info.as_object_mut().into_iter().for_each(|info| info.retain(|_, held| held != ""));
            Some(info)
        }
        "biography" => Some(only(fields::BIOGRAPHY)),
        "chat" => Some(only(&["jabberId"])),
        _ => Some(value.clone()),
    }
}

/// A user's place as it is written: reads show the location's id inside its definition, and none of the entry's own.
fn location(entry: &Value) -> Option<Value> {
    let id = entry["locationDefinition"]["id"].as_str().or_else(|| entry["id"].as_str())?;
    let mut out = json!({"id": id});
    for key in ["notes", "coordinates"] {
        if let Some(held) = entry.get(key).filter(|held| !paceline_core::diff::is_empty(held)) {
            out[key] = held.clone();
        }
    }
    Some(out)
}

/// The user's division or team; `None` where the answer does not tell.
pub(super) fn one_of(record: &Value, column: &str) -> Option<Value> {
    match (record.get(column), column) {
        (Some(Value::Object(held)), _) => Some(json!({"id": held.get("id"), "name": held.get("name")})),
        (Some(Value::Null), _) => Some(Value::Null),
        // `team` is read with expand, and is left out where the user has none.
        (None, "team") => Some(Value::Null),
        _ => None,
    }
}

/// The user's skills or languages by id; `None` where the answer does not tell.
pub(super) fn rated(record: &Value, list: &str) -> Option<BTreeMap<String, Value>> {
    let items = record.get(list)?.as_array()?.iter();
    let one = |item: &Value| {
        Some((item["id"].as_str()?.to_owned(), json!({"name": item["name"], "proficiency": item["proficiency"]})))
    };
    items.map(one).collect()
}

/// The ids and names of the user's groups, queues or roles; `None` where the answer does not tell.
pub(super) fn memberships(record: &Value, list: &str) -> Option<BTreeMap<String, Value>> {
    let one = |item: &Value| Some((item["id"].as_str()?.to_owned(), item["name"].clone()));
    let items = if list == "roles" { record["authorization"].get("roles") } else { record.get(list) };
    if let (true, None, Some(grants)) = (list == "roles", items, record.get("grants").and_then(Value::as_array)) {
        return grants.iter().map(|grant| one(&grant["role"])).collect();
    }
    items?.as_array()?.iter().map(one).collect()
}

/// The divisions that a user has a role in, sorted; `None` where the answer does not tell.
pub(super) fn divisions_of(record: &Value, role: &str) -> Option<Value> {
    // One that comes with a group is the group's, not the user's.
    let own = |grant: &&Value| match (grant["subjectId"].as_str(), record["id"].as_str()) {
        (Some(subject), Some(user)) => subject.eq_ignore_ascii_case(user),
        _ => true,
    };
    let grants = record.get("grants")?.as_array()?.iter().filter(own).filter(|grant| grant["role"]["id"] == role);
    let mut ids: Vec<&str> = grants.filter_map(|grant| grant["division"]["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    Some(json!(ids))
}

/// The same, where it is enough to know that the user does not have the role.
fn held_in(record: &Value, role: &str) -> Option<Value> {
    let is_without = || memberships(record, "roles").is_some_and(|held| !held.contains_key(role));
    divisions_of(record, role).or_else(|| is_without().then(|| json!([])))
}

/// What a user holds now of a role that `change` grants or takes away in some divisions: what it sets where that is done,
/// and else what was there. Other divisions do not matter: a colleague may grant and take away in them. `None` where the
/// divisions are not told.
fn granted(record: &Value, change: &Change) -> Option<Map<String, Value>> {
    let (role, divisions) = grants::granted_in(change);
    let held = held_in(record, role)?;
    let holds = |id: &str| held.as_array().is_some_and(|held| held.iter().any(|held| held == id));
    let is_done = match change.kind.as_str() {
        "grants+" => divisions.iter().all(|id| holds(id)) || holds(grants::EVERYWHERE),
        _ => !divisions.iter().any(|id| holds(id)),
    };
    Some(if is_done { change.after.clone() } else { change.before.clone() })
}

/// What an undo of `roles+` finds, which was not told where the role was granted: the home division, as far as is known.
/// A grant there, and no other, is what it takes away; whatever else is there may be a colleague's.
fn unplaced(record: &Value, change: &Change) -> Map<String, Value> {
    let (role, _) = grants::granted_in(change);
    let home = record.get(fields::HOME).and_then(Value::as_str);
    let divisions = held_in(record, role);
    let is_ours = match divisions.as_ref().and_then(Value::as_array).map(Vec::as_slice) {
        None => false,
        Some([]) => return change.after.clone(),
        Some([one]) => home.is_none_or(|home| one == home),
        Some(_) => false,
    };
    if is_ours {
        return change.before.clone();
    }
    let theirs = json!({"member": true, "divisions": divisions.unwrap_or_else(|| json!("not told"))});
    change.before.keys().map(|key| (key.clone(), theirs.clone())).collect()
}

/// A custom attribute by schema id (or name, where the answer has it) and key; `None` where the answer does not tell.
pub(super) fn attribute(record: &Value, column: &str) -> Option<Value> {
    let (schema, key) = fields::attribute(column)?;
    let held = record.get("customAttributes")?.as_array()?;
    let is_its = |one: &&Value| {
        let ids = [&one["schemaId"], &one["schema"]["id"], &one["schema"]["name"]];
        ids.into_iter().any(|id| id.as_str().is_some_and(|id| id.eq_ignore_ascii_case(schema)))
    };
    Some(held.iter().find(is_its).map(|one| one["attributes"][key].clone()).unwrap_or_default())
}

/// What a user holds now of what `change` touches, written as `change.after` writes it. Names are no part of what is
/// compared: what has the same id is told under the name that the change has for it.
pub(super) fn holds(record: &Value, change: &Change) -> Map<String, Value> {
    let one = |(key, asked): (&String, &Value)| {
        let before = change.before.get(key);
        let found = match (change.kind.as_str(), key.split_once('/')) {
            ("attributes", _) => attribute(record, key),
            (BLIND, _) => record.get(key).and_then(|value| as_written(key, value)),
            (_, Some((list @ ("skills" | "languages"), id))) => rated(record, list).map(|held| match held.get(id) {
                Some(item) => json!({"name": name_of(&[Some(asked), before]), "proficiency": item["proficiency"]}),
                None => Value::Null,
            }),
            (_, Some(("divisions", id))) => divisions_of(record, id),
            (_, Some((list, id))) => {
                memberships(record, list).map(|held| json!({"name": asked["name"], "member": held.contains_key(id)}))
            }
            ("skills", _) => rated(record, "skills").map(|held| whole(&held, &[Some(asked), before])),
            ("division" | "team", _) => one_of(record, key).map(|held| {
                let known = [Some(asked), before].into_iter().flatten().find(|known| known["id"] == held["id"]);
                known.cloned().unwrap_or(held)
            }),
            ("fields", _) if key == "addresses" => one_writable(record, key).map(|held| {
                let shown = &record["addresses"];
                let same = [Some(asked), before].into_iter().flatten().find(|list| phones::equivalent(list, shown));
                same.cloned().unwrap_or(held)
            }),
            _ => one_writable(record, key).map(|held| {
                let alike = [Some(asked), before].into_iter().flatten().find(|known| alike(key, known, &held));
                alike.cloned().unwrap_or(held)
            }),
        };
        Some((key.clone(), found?))
    };
    let generic = || change.after.iter().filter_map(one).collect();
    match change.kind.as_str() {
        "grants-" if grants::is_unplaced(&change.key.group) => unplaced(record, change),
        "grants+" | "grants-" => granted(record, change).unwrap_or_else(generic),
        _ => generic(),
    }
}

/// Whether two texts are one to the vendor, which trims them, and knows addresses without case.
pub(super) fn alike(top: &str, a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_str(), b.as_str()) else { return false };
    let (a, b) = (a.trim(), b.trim());
    a == b || (matches!(top, "email" | "username" | "manager") && a.to_lowercase() == b.to_lowercase())
}

fn name_of(items: &[Option<&Value>]) -> Value {
    items.iter().flatten().find_map(|item| item.get("name").cloned()).unwrap_or_default()
}

/// All of a user's skills, as the call that replaces them is planned.
pub(super) fn whole(held: &BTreeMap<String, Value>, known: &[Option<&Value>]) -> Value {
    let name = |id: &str, item: &Value| {
        let lists = known.iter().flatten().filter_map(|list| list.as_array()).flatten();
        let found = lists.filter(|other| other["id"] == id).find_map(|other| other.get("name"));
        found.unwrap_or(&item["name"]).clone()
    };
    let items =
        held.iter().map(|(id, item)| json!({"id": id, "name": name(id, item), "proficiency": item["proficiency"]}));
    items.collect()
}

/// What a user holds in a column, as a JSON roster writes it. Names where there are names, ids where there are only ids.
pub(super) fn value(record: &Value, column: &str) -> Value {
    let named = |id: &str, name: &Value| if name.is_string() { name.clone() } else { json!(id) };
    match column {
        "division" | "team" => match one_of(record, column) {
            Some(held) => held["id"].as_str().map(|id| named(id, &held["name"])).unwrap_or_default(),
            None => Value::Null,
        },
        "skills" | "languages" => rated(record, column).map_or(Value::Null, |held| {
            let one = |(id, item): (&String, &Value)| json!({"name": named(id, &item["name"]), "proficiency": item["proficiency"]});
            held.iter().map(one).collect()
        }),
        "groups" | "roles" | "queues" => memberships(record, column)
            .map_or(Value::Null, |held| held.iter().map(|(id, name)| named(id, name)).collect()),
        "locations" => one_writable(record, column).as_ref().and_then(Value::as_array).map_or(Value::Null, |list| {
            list.iter().filter_map(|entry| entry.get("id").cloned()).collect()
        }),
        _ if fields::PHONES.iter().any(|(phone, _)| *phone == column) => phones::value(&record["addresses"], column),
        _ if fields::attribute(column).is_some() => attribute(record, column).unwrap_or_default(),
        _ => match column.split_once('.') {
            Some((top, part)) => record[top].get(part).cloned().unwrap_or_default(),
            None => one_writable(record, column).unwrap_or_default(),
        },
    }
}
