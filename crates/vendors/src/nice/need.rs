//! From a row's key to the records that its columns need.

use super::fields::Needs;
use super::person::{self, agent_tells, ids, is_active, living};
use super::reads::{AGENT, BY_EMAIL, BY_NAME, BY_UUID, SKILLS, USER};
use super::wire::{agent_id, agents_user, flag, get, user_id};
use paceline_core::desired::Row;
use paceline_core::vendor::{Found, Names, Need, Refusal, UNDO, Uses};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The list that tells agents by username, e-mail and UUID: read where many rows need it.
pub(super) const AGENTS: &str = "agents";

fn columns_of<'a>(row: &'a Row, uses: &'a Uses) -> Vec<&'a String> {
    // A row that undoes holds changes: its columns are the run's.
    if row.fields.contains_key(UNDO) { uses.columns.iter().collect() } else { row.fields.keys().collect() }
}

/// The key of a row, as the two ids that it tells.
fn ids_in(row: &Row) -> (Option<String>, Option<String>) {
    let value = row.key.value.trim();
    let owned = |id: &str| Some(id.to_owned());
    match row.key.column.as_str() {
        "agentId" => (owned(value), None),
        "userId" => (None, owned(value)),
        "id" => {
            let (number, uuid) = ids(value);
            (number.and_then(owned), uuid.and_then(owned))
        }
        _ => (None, None),
    }
}

fn gone(row: &Row, what: &str) -> Refusal {
    Refusal::not_found(format!("no {what} has the {} `{}`", row.key.column, row.key.value))
}

/// The only one of several records with a row's key.
fn only<'a>(
    row: &Row,
    what: &str,
    records: &[&'a Value],
    id: impl Fn(&Value) -> Option<String>,
) -> Result<&'a Value, Refusal> {
    let by_id: BTreeMap<Option<String>, &Value> = records.iter().map(|record| (id(record), *record)).collect();
    match (records.first(), by_id.len()) {
        (None, _) => Err(gone(row, what)),
        (Some(record), 1) => Ok(record),
        _ => {
            let ids = by_id.into_keys().flatten().collect::<Vec<_>>().join(", ");
            let message = format!("{} `{}` is not unique: name one of {ids} by `id`", row.key.column, row.key.value);
            Err(Refusal::own("ambiguous", message))
        }
    }
}

/// The record that is read by id must bear what the row was looked up by: what a search shows may be of yesterday.
fn bears<'a>(row: &Row, what: &str, record: &'a Value) -> Result<&'a Value, Refusal> {
    let key = match row.key.column.as_str() {
        "email" => "emailAddress",
        "userName" => "userName",
        _ => return Ok(record),
    };
    match get(record, key).as_str() {
        Some(found) if found.trim().to_lowercase() != row.key.value.trim().to_lowercase() => {
            let message =
                format!("the {what} that was found by the {} `{}` has another one", row.key.column, row.key.value);
            Err(Refusal::not_found(message))
        }
        _ => Ok(record),
    }
}

/// What is to be read next of a row's user.
pub(super) fn need(row: &Row, uses: &Uses, names: &Names, found: &Found) -> Result<Need, Refusal> {
    let columns = columns_of(row, uses);
    let mut needs = Needs::of(columns.iter().copied());
    let (mut number, mut uuid) = ids_in(row);
    if [&number, &uuid].into_iter().flatten().any(|id| id.is_empty() || id == "." || id == "..") {
        // A path would lead elsewhere.
        return Err(gone(row, "user"));
    }
    if !(needs.agent || needs.user) {
        // Nothing is asked of it but that it exists.
        if number.is_some() { needs.agent = true } else { needs.user = true }
    }
    let first = |part| found.get(part).map(|records| records.first());
    if let Some(part) = [("email", BY_EMAIL), ("userName", BY_NAME)].iter().find(|(key, _)| *key == row.key.column) {
        let noted = if needs.agent { names.noted(AGENTS, &row.key.value) } else { None };
        if let Some(records) = noted {
            let records: Vec<&Value> = records.iter().filter(|record| record["by"] == row.key.column).collect();
            let records = living(&records, |record| flag(&record["isActive"]));
            let one = only(row, "agent", &records, agent_id)?;
            number = agent_id(one);
            uuid = agents_user(one);
        } else {
            let Some(records) = found.get(part.1) else { return Ok(Need::Read(part.1, row.key.value.clone())) };
            let records: Vec<&Value> = records.iter().collect();
            uuid = user_id(only(row, "user", &living(&records, is_active), user_id)?);
        }
    }
    let mut agent: Option<&Value> = None;
    if needs.agent || uuid.is_none() {
        let record = match (first(AGENT), first(BY_UUID)) {
            // One agent by its UUID is shown with fewer columns than a search shows.
            (None, Some(Some(record))) if columns.iter().any(|column| !agent_tells(record, column)) => {
                match agent_id(record) {
                    Some(number) => return Ok(Need::Read(AGENT, number)),
                    None => Some(record),
                }
            }
            (None, Some(record)) => record,
            (Some(record), of_user) => record.or(of_user.flatten()),
            (None, None) => {
                let noted = uuid.as_deref().and_then(|uuid| names.noted(AGENTS, uuid)).and_then(<[Value]>::first);
                return match (number.or_else(|| noted.and_then(agent_id)), uuid) {
                    (Some(number), _) => Ok(Need::Read(AGENT, number)),
                    (None, Some(uuid)) => Ok(Need::Read(BY_UUID, uuid)),
                    (None, None) => Err(gone(row, "agent")),
                };
            }
        };
        agent = Some(bears(row, "agent", record.ok_or_else(|| gone(row, "agent"))?)?);
        uuid = uuid.or_else(|| agent.and_then(agents_user));
    }
    let mut user: Option<&Value> = None;
    if needs.user {
        let Some(uuid) = uuid else { return Err(gone(row, "user")) };
        match first(USER) {
            None => return Ok(Need::Read(USER, uuid)),
            Some(record) => user = Some(bears(row, "user", record.ok_or_else(|| gone(row, "user"))?)?),
        }
    }
    let mut skills = None;
    if needs.skills {
        let number = agent.and_then(agent_id).ok_or_else(|| gone(row, "agent"))?;
        let Some(held) = found.get(SKILLS) else { return Ok(Need::Read(SKILLS, number)) };
        skills = Some(&held[..]);
    }
    // Read on the way to the user only, the agent is no part of what the row touches.
    Ok(Need::Known(Box::new(person::person(agent.filter(|_| needs.agent), user, skills))))
}

/// Notes by what an agent of the list can be named.
pub(super) fn note_agents(items: &[Value], names: &mut Names) {
    for agent in items {
        for (column, key) in [("userName", "userName"), ("email", "emailAddress"), ("userId", "userID")] {
            if let Some(text) = get(agent, key).as_str() {
                let note = json!({"by": column, "agentId": agent_id(agent), "userID": agents_user(agent),
                    "isActive": get(agent, "isActive")});
                names.note(AGENTS, text.trim(), note);
            }
        }
    }
}
