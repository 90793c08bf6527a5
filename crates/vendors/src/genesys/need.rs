//! What is to be read next of a row's user, and in which parts.

use super::{fields, grants, limits, lists, pages, record};
use paceline_core::desired::Row;
use paceline_core::vendor::{Found, Names, Need, Part, Refusal, UNDO, Uses};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The search by e-mail, the user's record, and the queues, which it does not show.
pub(super) const SEARCH: Part = "search";
/// The search for people whom rows name by e-mail: nobody is named who is deleted.
pub(super) const PEOPLE: Part = "people";
/// The records of several that the search shows under one address: it lags, and one of them has it.
pub(super) const HITS: Part = "hits";
pub(super) const USER: Part = "user";
pub(super) const QUEUES: Part = "queues";
/// The divisions that a user's roles are held in, where a row takes a role away.
pub(super) const GRANTS: Part = "grants";
/// Custom attributes, where the user's record leaves them out although they were asked for.
pub(super) const ATTRIBUTES: Part = "attributes";
/// Pages of all users: without the deleted ones, and of the state that was asked for.
pub(super) const ALL: Part = "everyone";
pub(super) const LISTED: Part = "listed";

/// By its e-mail to its id, by its id to its record, and on to its queues, grants and attributes where they matter.
pub(super) fn need(row: &Row, uses: &Uses, names: &Names, found: &Found) -> Result<Need, Refusal> {
    let (column, value) = (&row.key.column, &row.key.value);
    let id = match (row.key.as_id(), found.get(SEARCH)) {
        (Some(id), _) => id.0,
        (None, None) => return Ok(Need::Read(SEARCH, value.clone())),
        (None, Some(shown)) => match (&shown_ids(shown)[..], found.get(HITS)) {
            ([], _) => return Err(Refusal::not_found(format!("no user has the {column} `{value}`"))),
            ([id], _) => id.clone(),
            (ids, None) if ids.len() <= limits::HITS_OF_ONE.most => return Ok(Need::Read(HITS, ids.join(" "))),
            (ids, records) => one_of_several(ids, records.map(Vec::as_slice).unwrap_or_default(), column, value)?,
        },
    };
    if matches!(id.trim(), "" | "." | "..") || id.contains(char::is_control) {
        return Err(Refusal::own("invalid.id", format!("`{id}` is no user's id")));
    }
    let schemas = schemas(uses.columns.iter(), names);
    let listed = [ALL, LISTED].into_iter().find_map(|part| found.get(part));
    let Some(records) = listed.or_else(|| found.get(USER)) else {
        // Up to a few schemas' attributes are shown with the user.
        let with = if schemas.len() <= limits::SCHEMAS.most { key(&id, &schemas) } else { id };
        return Ok(Need::Read(USER, with));
    };
    let Some(mut user) = records.first().map(pages::user).filter(|user| user.record.is_object()) else {
        return Err(Refusal::not_found(format!("no user has the id `{id}`")));
    };
    if column == "email" {
        bears(&user.record, value)?;
    }
    if listed.is_none()
        && user.record["state"] == "deleted"
        && !(uses.include_deleted && uses.columns.contains("state"))
    {
        return Err(deleted(&user.record, &id));
    }
    if uses.columns.iter().any(|column| fields::mode(column).0 == QUEUES) {
        let told = names.noted(fields::MEMBERS_OF, &id).filter(|_| !is_unread(row, names));
        let Some(queues) = told.or(found.get(QUEUES).map(Vec::as_slice)) else {
            return Ok(Need::Read(QUEUES, id));
        };
        set(&mut user.record, QUEUES, json!(queues));
    }
    let roles =
        if uses.undo { unplaced_roles(row, &user.record) } else { lists::divided_roles(row, names, &user.record) };
    if !roles.is_empty() {
        let is_read = |role: &String| names.noted(fields::GRANTS_READ, role).is_some_and(|notes| !notes.is_empty());
        let grants = match (roles.iter().all(is_read), found.get(GRANTS)) {
            (true, _) => Some(json!(names.noted(fields::GRANTS_OF, &id).unwrap_or_default())),
            (false, None) => return Ok(Need::Read(GRANTS, id)),
            (false, Some(told)) => told.first().and_then(|told| told.get("grants")).cloned(),
        };
        match grants {
            Some(grants) => set(&mut user.record, GRANTS, grants),
            None if uses.undo => return Err(unknown_divisions(&roles)),
            None => {}
        }
        let home = names.noted(fields::HOME, fields::HOME).and_then(<[Value]>::first);
        home.into_iter().for_each(|home| set(&mut user.record, fields::HOME, home.clone()));
    }
    if !schemas.is_empty() && !user.record.get("customAttributes").is_some_and(is_told) {
        let Some(held) = found.get(ATTRIBUTES) else { return Ok(Need::Read(ATTRIBUTES, key(&id, &schemas))) };
        set(&mut user.record, "customAttributes", json!(held));
    }
    let held = user.record.get_mut("customAttributes").and_then(Value::as_array_mut);
    for one in held.into_iter().flatten() {
        // A roster names the schema; not every answer does.
        let id = one["schemaId"].as_str().or_else(|| one["schema"]["id"].as_str());
        if let Some(schema) = id.and_then(|id| names.resolve(fields::SCHEMA, id).ok()) {
            set(one, "schema", json!({"id": schema.id, "name": schema.name}));
        }
    }
    Ok(Need::Known(Box::new(user)))
}

fn set(record: &mut Value, key: &str, value: Value) {
    if let Value::Object(record) = record {
        record.insert(key.to_owned(), value);
    }
}

/// The ids of keys that name several.
pub(super) fn ids(keys: &[String]) -> Vec<String> {
    keys.iter().flat_map(|key| key.split(' ')).map(str::to_owned).collect()
}

/// Whom the search shows under an address; deleted ones only where there is no other.
fn shown_ids(hits: &[Value]) -> Vec<String> {
    let of = |deleted: bool| -> BTreeSet<String> {
        let hits = hits.iter().filter(|hit| (hit["state"] == "deleted") == deleted);
        hits.filter_map(|hit| hit["id"].as_str().map(str::to_owned)).collect()
    };
    let found = of(false);
    (if found.is_empty() { of(true) } else { found }).into_iter().collect()
}

/// Of several, the one whose record has the address.
fn one_of_several(ids: &[String], records: &[Value], column: &str, value: &str) -> Result<String, Refusal> {
    let mut having = records.iter().filter(|record| record["state"] != "deleted" && has(record, value));
    match (having.next().and_then(|record| record["id"].as_str()), having.next()) {
        (Some(id), None) => Ok(id.to_owned()),
        _ => {
            let ids = ids.join(", ");
            let message = format!("{column} `{value}` is not unique: name one of {ids} by `id`");
            Err(Refusal::own("ambiguous", message))
        }
    }
}

fn has(record: &Value, email: &str) -> bool {
    record["email"].as_str().is_some_and(|held| held.trim().to_lowercase() == email.trim().to_lowercase())
}

/// The search lags: the record itself must have the address that was asked for.
fn bears(record: &Value, email: &str) -> Result<(), Refusal> {
    if has(record, email) {
        return Ok(());
    }
    let held = record["email"].as_str().unwrap_or_default();
    let id = record["id"].as_str().unwrap_or_default();
    Err(Refusal::not_found(format!(
        "no user has the email `{email}`: the vendor's search still shows `{id}`, whose address is `{held}` now; wait a few minutes, or name the user by `id`"
    )))
}

fn deleted(record: &Value, id: &str) -> Refusal {
    let since = record["dateDeleted"].as_str().or_else(|| record["dateModified"].as_str());
    let since = since.map(|since| format!(" (since {since})")).unwrap_or_default();
    let message =
        format!("the user `{id}` is deleted{since}: it is neither edited nor restored unless that is asked for");
    Refusal::own("deleted", message)
}

/// Whether a row is about a queue whose members could not be read.
fn is_unread(row: &Row, names: &Names) -> bool {
    let unread = |queue: &str| names.noted(fields::UNREAD, queue).is_some_and(|notes| !notes.is_empty());
    let queues = row.fields.iter().filter(|(column, _)| fields::mode(column).0 == QUEUES);
    let named = queues.flat_map(|(_, list)| list.as_array().into_iter().flatten()).filter_map(Value::as_str);
    let mut named = named.filter_map(|text| names.resolve("queue", text).ok());
    named.any(|queue| unread(&queue.id))
        || undone(row).any(|change| change["key"]["group"].as_str().is_some_and(unread))
}

fn undone(row: &Row) -> impl Iterator<Item = &Value> {
    row.fields.get(UNDO).and_then(Value::as_array).into_iter().flatten()
}

/// The roles that a row takes away wherever they were granted, and that its user still holds.
fn unplaced_roles(row: &Row, user: &Value) -> BTreeSet<String> {
    let held = record::memberships(user, "roles");
    let taken = undone(row).filter(|change| change["kind"] == "grants-");
    let roles = taken.filter_map(|change| change["key"]["group"].as_str()).filter(|group| grants::is_unplaced(group));
    let is_held = |role: &&str| held.as_ref().is_none_or(|held| held.contains_key(*role));
    roles.filter(is_held).map(str::to_owned).collect()
}

fn unknown_divisions(roles: &BTreeSet<String>) -> Refusal {
    let roles = roles.iter().map(String::as_str).collect::<Vec<_>>().join("`, `");
    let message = format!(
        "the vendor does not tell in which divisions the user holds `{roles}`, and a colleague may have granted it too: nothing is sent; take it away by a roster with `roles-` where it shall go altogether"
    );
    Refusal::own("not.told", message)
}

/// Whether attributes that came with a user are told in a form that is understood.
fn is_told(held: &Value) -> bool {
    let one =
        |one: &Value| one["attributes"].is_object() && (one["schemaId"].is_string() || one["schema"]["id"].is_string());
    held.as_array().is_some_and(|held| held.iter().all(one))
}

fn key(id: &str, schemas: &BTreeSet<String>) -> String {
    std::iter::once(id).chain(schemas.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

/// The key of a read of a user's attributes of the schemas that these columns are about.
pub(super) fn attributes_key<'a>(id: &str, columns: impl Iterator<Item = &'a String>) -> String {
    key(id, &schemas(columns, &Names::default()))
}

/// The ids of the schemas that columns set attributes of, where their names are known.
fn schemas<'a>(columns: impl Iterator<Item = &'a String>, names: &Names) -> BTreeSet<String> {
    let of = |column: &String| {
        let (schema, _) = fields::attribute(column)?;
        match names.resolve(fields::SCHEMA, schema) {
            Ok(found) => Some(found.id.clone()),
            // The list was read, and there is none of that name: the row's error, once its user is known.
            Err(_) if names.noted(fields::SCHEMA, schema).is_some() => None,
            // What a change keeps is the id itself.
            Err(_) => Some(schema.to_owned()),
        }
    };
    columns.filter_map(of).collect()
}
