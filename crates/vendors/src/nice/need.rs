//! From a row's key to the records that its columns need.

use super::fields::Needs;
use super::person::{self, agent_tells, ids, is_active, living};
use super::wire::{agent_id, agents_user, flag, get, user_id};
use paceline_core::desired::Row;
use paceline_core::vendor::{Found, Names, Need, Part, Refusal, UNDO, Uses};
use serde_json::Value;
use std::collections::BTreeMap;

/// Users by username and by e-mail, an agent by its user's UUID, the agent, the user, the agent's skills, and what a
/// gateway shows of a blind row's user.
pub(super) const BY_NAME: Part = "username";
pub(super) const BY_EMAIL: Part = "email";
pub(super) const BY_UUID: Part = "agent of user";
pub(super) const AGENT: Part = "agent";
pub(super) const USER: Part = "user";
pub(super) const SKILLS: Part = "skills";
pub(super) const GATEWAY: Part = "gateway";

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nice::directory::note_agents;
    use paceline_core::user::UserKey;
    use serde_json::json;

    fn row(column: &str, value: &str, fields: Value) -> Row {
        let key = UserKey { column: column.into(), value: value.into() };
        Row { number: 1, line: 2, key, fields: fields.as_object().cloned().unwrap_or_default() }
    }

    fn ask(row: &Row, found: &[(&'static str, Value)]) -> Result<Need, Refusal> {
        let records = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let found = found.iter().map(|(part, value)| (*part, records(value))).collect();
        need(row, &Uses::default(), &Names::default(), &found)
    }

    fn read(part: &'static str, key: &str) -> Result<Need, Refusal> {
        Ok(Need::Read(part, key.into()))
    }

    fn code(answer: Result<Need, Refusal>) -> (String, String) {
        let refusal = answer.unwrap_err();
        (refusal.code.unwrap_or_default(), refusal.message.unwrap_or_default())
    }

    #[test]
    fn the_record_that_is_read_by_id_must_bear_what_was_asked_for() {
        let desk = row("email", "Desk@x.org", json!({"rank": 1}));
        let shown = json!([{"id": "u1", "emailAddress": "desk@x.org"}]);
        assert_eq!(ask(&desk, &[]), read(BY_EMAIL, "Desk@x.org"));
        assert_eq!(ask(&desk, &[(BY_EMAIL, shown.clone())]), read(USER, "u1"));
        let moved = json!([{"id": "u1", "emailAddress": "moved@x.org"}]);
        let (told, message) = code(ask(&desk, &[(BY_EMAIL, shown.clone()), (USER, moved)]));
        assert_eq!((told.as_str(), message.contains("has another one")), ("not.found", true), "{message}");
        assert!(matches!(ask(&desk, &[(BY_EMAIL, shown.clone()), (USER, shown.clone())]), Ok(Need::Known(_))));
        // The agent's record is held against it too.
        let agents = row("userName", "ada", json!({"custom1": "x"}));
        let shown = json!([{"id": "u1", "userName": "Ada"}]);
        let agent = |name: &str| json!([{"agentId": 7, "userID": "u1", "userName": name, "custom1": ""}]);
        assert_eq!(ask(&agents, &[(BY_NAME, shown.clone())]), read(BY_UUID, "u1"));
        assert!(matches!(ask(&agents, &[(BY_NAME, shown.clone()), (BY_UUID, agent("ADA"))]), Ok(Need::Known(_))));
        assert_eq!(code(ask(&agents, &[(BY_NAME, shown), (BY_UUID, agent("eve"))])).0, "not.found");
    }

    #[test]
    fn of_several_with_one_address_the_living_are_meant_and_two_of_them_are_an_error() {
        let desk = row("email", "a@x", json!({"rank": 1}));
        let user = |id: &str, status: &str| json!({"id": id, "emailAddress": "a@x", "status": status});
        assert_eq!(ask(&desk, &[(BY_EMAIL, json!([user("u1", "DELETED"), user("u2", "PENDING")]))]), read(USER, "u2"));
        assert_eq!(ask(&desk, &[(BY_EMAIL, json!([user("u1", "DELETED")]))]), read(USER, "u1"));
        assert_eq!(ask(&desk, &[(BY_EMAIL, json!([user("u1", "ACTIVE"), user("u1", "ACTIVE")]))]), read(USER, "u1"));
        let (told, message) = code(ask(&desk, &[(BY_EMAIL, json!([user("u1", "ACTIVE"), user("u2", "BLOCKED")]))]));
        assert_eq!((told.as_str(), message.contains("u1, u2")), ("ambiguous", true));
        assert_eq!(code(ask(&desk, &[(BY_EMAIL, json!([]))])).0, "not.found");
        // The list of agents, where many rows need it, is judged alike.
        let mut names = Names::default();
        names.note_list(AGENTS);
        let agents = [
            json!({"agentId": 1, "userID": "u1", "emailAddress": "a@x", "isActive": "False"}),
            json!({"agentId": 2, "userID": "u2", "emailAddress": "A@x", "isActive": true}),
        ];
        assert!(note_agents(&agents, &mut names) && !note_agents(&agents[..1], &mut names));
        let row = row("email", "a@X", json!({"custom1": "x"}));
        assert_eq!(need(&row, &Uses::default(), &names, &Found::new()), read(AGENT, "2"));
    }

    #[test]
    fn an_agent_that_is_shown_with_fewer_columns_is_read_where_all_are_shown() {
        let row = |fields| row("userId", "u1", fields);
        let one = json!([{"agentId": 7, "userID": "u1", "custom1": "x"}]);
        assert!(matches!(ask(&row(json!({"custom1": "y"})), &[(BY_UUID, one.clone())]), Ok(Need::Known(_))));
        assert_eq!(ask(&row(json!({"voiceThreshold": 1})), &[(BY_UUID, one.clone())]), read(AGENT, "7"));
        let found = [(BY_UUID, one), (AGENT, json!([{"agentId": 7}]))];
        assert!(matches!(ask(&row(json!({"voiceThreshold": 1})), &found), Ok(Need::Known(_))));
    }

    #[test]
    fn an_id_that_leads_a_path_elsewhere_is_nobodys() {
        for (column, value) in
            [("userId", "."), ("userId", ".."), ("id", "7/.."), ("id", "."), ("agentId", ".."), ("id", "./u")]
        {
            for fields in [json!({}), json!({"rank": 1}), json!({"custom1": "x"}), json!({"skills": []})] {
                assert_eq!(code(ask(&row(column, value, fields), &[])).0, "not.found", "{column} {value}");
            }
        }
    }

    #[test]
    fn skills_that_were_not_told_are_not_known() {
        let row = row("agentId", "7", json!({"skills-": ["Billing"]}));
        let agent = json!([{"agentId": 7}]);
        let known = |skills: Value| match ask(&row, &[(AGENT, agent.clone()), (SKILLS, skills)]) {
            Ok(Need::Known(user)) => user.record.get("skills").cloned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(known(json!([])), None);
        assert_eq!(known(json!([{"told": true}])), Some(json!([])));
        let one = json!({"id": "1", "name": "A", "proficiency": 1});
        assert_eq!(known(json!([one, {"told": true}])), Some(json!([one])));
    }
}
