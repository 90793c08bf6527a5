//! Fields, places and attributes: what a row changes of them, and how an undo empties them.

use super::fields;
use super::maker::{Maker, not_told};
use super::{phones, record};
use paceline_core::desired::Row;
use paceline_core::diff;
use paceline_core::validate::{Kind, nearest};
use paceline_core::vendor::{Named, Names, Refusal};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The top-level field of `UpdateUser` that a column sets, where it is one of its columns.
fn top(column: &str) -> Option<&str> {
    match column {
        "locations" => Some("locations"),
        _ if fields::PHONES.iter().any(|(phone, _)| *phone == column) => Some("addresses"),
        _ if fields::attribute(column).is_some() || fields::list(column).is_some() => None,
        _ => Some(fields::top(column)),
    }
}

/// The fields of `UpdateUser`. `state` goes alone ("if specified, it is the only modifiable field"), and so does
/// `acdAutoAnswer` where nothing else is set: it has a call for 50 users.
pub(super) fn fields(maker: &mut Maker<'_>, row: &Row, names: &Names) -> Result<(), Refusal> {
    let record = &maker.user.record;
    let tops: BTreeSet<String> = row.fields.keys().filter_map(|column| top(column)).map(str::to_owned).collect();
    let before = record::writable(record, tops.iter());
    if let Some(unknown) = tops.iter().find(|top| !before.contains_key(*top)) {
        return Err(not_told(unknown));
    }
    let mut after = Map::new();
    for (column, value) in &row.fields {
        let Some(top) = top(column) else { continue };
        match (top, value) {
            ("addresses", _) => {
                // `addresses` is one of the columns, or only single telephones are.
                let whole = row.fields.get("addresses");
                after.insert(top.to_owned(), phones::desired(&record["addresses"], whole, |name| row.fields.get(name)));
            }
            ("locations", Value::Array(items)) => {
                after.insert(top.to_owned(), locations(items, &before[top], names)?);
            }
            ("manager", Value::String(text)) if text.contains('@') => {
                after.insert(top.to_owned(), json!(person(text, names)?));
            }
            _ if record::alike(top, value, &before[top]) => {
                after.insert(top.to_owned(), before[top].clone());
            }
            _ => lay(&mut after, column, value, &before),
        }
    }
    let changed: BTreeSet<String> = diff::changed(&before, &after).into_iter().collect();
    let only_auto_answer = changed.iter().all(|key| key == "acdAutoAnswer" || key == "state");
    let kind = |key: &str| match key {
        "state" => "state",
        "acdAutoAnswer" if only_auto_answer => "autoanswer",
        _ => "fields",
    };
    for one in ["state", "autoanswer", "fields"] {
        let pick = |map: &Map<String, Value>| -> Map<String, Value> {
            let picked = map.iter().filter(|(key, _)| changed.contains(*key) && kind(key) == one);
            picked.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let after = pick(&after);
        let named = row.fields.keys().filter(|column| top(column).is_some_and(|top| after.contains_key(top)));
        let named = named.cloned().collect();
        maker.push(one, named, pick(&before), after);
    }
    Ok(())
}

/// A column's value, laid over what the user holds where it is one member of an object: the vendor replaces objects as a
/// whole.
fn lay(after: &mut Map<String, Value>, column: &str, value: &Value, before: &Map<String, Value>) {
    let Some((top, part)) = column.split_once('.') else {
        after.insert(column.to_owned(), if value.is_null() { cleared(column) } else { value.clone() });
        return;
    };
    let held = || before.get(top).filter(|held| held.is_object()).cloned().unwrap_or_else(|| json!({}));
    let Value::Object(whole) = after.entry(top).or_insert_with(held) else { return };
    if top == "employerInfo" && diff::is_empty(value) {
        // The vendor does not take "" there: what is left out is cleared.
        whole.remove(part);
    } else {
        whole.insert(part.to_owned(), if value.is_null() { cleared(column) } else { value.clone() });
    }
}

/// Places by name or id. What the row keeps of them is sent with its notes.
fn locations(items: &[Value], held: &Value, names: &Names) -> Result<Value, Refusal> {
    let mut ids: Vec<&String> = vec![];
    for text in items.iter().filter_map(Value::as_str) {
        let Named { id, .. } = names.resolve("location", text)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let held = held.as_array().map(Vec::as_slice).unwrap_or_default();
    let entry =
        |id: &String| held.iter().find(|entry| entry["id"] == **id).cloned().unwrap_or_else(|| json!({"id": id}));
    Ok(ids.into_iter().map(entry).collect())
}

/// The id of somebody who is named by e-mail. The search that found them may lag: their record must have that address.
fn person(email: &str, names: &Names) -> Result<String, Refusal> {
    let found = names.resolve("user", email)?;
    let unknown = |message: String| Err(Refusal::own("unknown.name", message));
    let id = &found.id;
    match names.noted(fields::PEOPLE, id).map(<[Value]>::first) {
        None => {}
        Some(None) => return unknown(format!("no user has the e-mail `{email}`")),
        Some(Some(shown)) => {
            let held = shown["email"].as_str().unwrap_or_default();
            if !held.eq_ignore_ascii_case(email.trim()) {
                return unknown(format!(
                    "no user has the e-mail `{email}`: the search shows `{id}`, which has `{held}` now"
                ));
            }
            if shown["state"] == "deleted" {
                return Err(Refusal::own("deleted", format!("the user with the e-mail `{email}` is deleted")));
            }
        }
    }
    Ok(id.clone())
}

/// Strings are cleared by `""` (as the vendor's Terraform provider does), lists by `[]`, objects by `{}`.
fn cleared(column: &str) -> Value {
    match fields::TABLE.field(column).map(|field| field.kind) {
        Some(Kind::TextList | Kind::ObjectList | Kind::NameList) => json!([]),
        // It is off unless somebody turned it on.
        Some(Kind::Bool) => json!(false),
        Some(_) => json!(""),
        None => json!({}),
    }
}

/// A division or team: the user has one.
pub(super) fn one_of(maker: &mut Maker<'_>, row: &Row, names: &Names, column: &str) -> Result<(), Refusal> {
    let Some(wanted) = row.fields.get(column) else { return Ok(()) };
    let before = record::one_of(&maker.user.record, column).ok_or_else(|| not_told(column))?;
    let after = match wanted.as_str() {
        Some(text) => {
            let Named { id, name } = names.resolve(column, text)?;
            json!({"id": id, "name": name})
        }
        None => Value::Null,
    };
    if before["id"] != after["id"] {
        let one = |value: Value| Map::from_iter([(column.to_owned(), value)]);
        maker.push(column, vec![column.into()], one(before), one(after));
    }
    Ok(())
}

/// Custom attributes: one call sets those of several schemas.
pub(super) fn attributes(maker: &mut Maker<'_>, row: &Row, names: &Names) -> Result<(), Refusal> {
    let (mut before, mut after, mut columns) = (Map::new(), Map::new(), vec![]);
    let mut schemas: BTreeMap<String, String> = BTreeMap::new();
    for (column, value) in &row.fields {
        let Some((schema, key)) = fields::attribute(column) else { continue };
        let Named { id, name } = names.resolve(fields::SCHEMA, schema)?;
        let told = names.noted(fields::SCHEMA, id).and_then(<[Value]>::first).cloned().unwrap_or_default();
        let types = told["types"].as_object().filter(|types| !types.is_empty());
        if let Some(types) = types.filter(|types| !types.contains_key(key)) {
            let near = nearest(key, types.keys().map(String::as_str)).map(|near| format!(": did you mean `{near}`?"));
            let message = format!("the schema `{name}` has no attribute `{key}`{}", near.unwrap_or_default());
            return Err(Refusal::own("unknown.name", message));
        }
        let of_type = types.and_then(|types| types[key].as_str()).unwrap_or_default();
        let full = format!("customAttributes.{id}.{key}");
        let held = record::attribute(&maker.user.record, &full).ok_or_else(|| not_told("customAttributes"))?;
        before.insert(full.clone(), held);
        after.insert(full, typed(of_type, value, column)?);
        columns.push(column.clone());
        schemas.insert(id.clone(), told["version"].as_i64().map(|version| version.to_string()).unwrap_or_default());
    }
    let changed = diff::changed(&before, &after);
    before.retain(|key, _| changed.contains(key));
    after.retain(|key, _| changed.contains(key));
    let touched = |id: &str| after.keys().any(|key| fields::attribute(key).is_some_and(|(schema, _)| schema == id));
    let group: Vec<String> =
        schemas.iter().filter(|(id, _)| touched(id)).map(|(id, version)| format!("{id}@{version}")).collect();
    maker.push_to(group.join(","), "attributes", columns, before, after);
    Ok(())
}

/// A cell's text as the schema's type has it.
fn typed(of_type: &str, value: &Value, column: &str) -> Result<Value, Refusal> {
    let Some(text) = value.as_str().map(str::trim) else { return Ok(value.clone()) };
    let read = match of_type {
        "integer" => text.parse::<i64>().ok().map(Value::from),
        "number" => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
        "checkbox" | "boolean" => text.to_ascii_lowercase().parse::<bool>().ok().map(Value::from),
        _ => Some(value.clone()),
    };
    read.ok_or_else(|| Refusal::own("invalid.value", format!("`{column}`: `{text}` is no {of_type}")))
}

/// Values as an undo sets them: what was empty is cleared the way the vendor takes it.
pub(super) fn emptied(mut values: Map<String, Value>, set: &Map<String, Value>) -> Map<String, Value> {
    for (key, value) in &mut values {
        if value.is_null() {
            *value = cleared(key);
        }
        if let (Value::Object(members), Some(Value::Object(set)), true) = (value, set.get(key), key != "employerInfo") {
            // Whether members that are left out are cleared is not known of these.
            for member in set.keys() {
                members.entry(member.clone()).or_insert_with(|| cleared(&format!("{key}.{member}")));
            }
        }
    }
    values
}
