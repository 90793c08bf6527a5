//! NICE CXone's JSON, read and written. Spellings differ in case between reads and writes, booleans and numbers come as
//! strings in places, and an empty list is an answer without a body (facts/nice.md).

use super::fields::{self, attribute, written};
use crate::http::{number, plain, text};
use paceline_core::pace::Scope;
use paceline_core::plan::Change;
use paceline_core::user::UserId;
use paceline_core::validate::Kind;
use paceline_core::vendor::{Answer, BLIND, Each, Named, Names, Refusal, Request, Tenant, User, Verdict};
use serde_json::{Map, Value, json};

/// A value of a record, whatever the case of its key.
pub(super) fn get<'a>(record: &'a Value, key: &str) -> &'a Value {
    let found = record.get(key).or_else(|| {
        let mut entries = record.as_object()?.iter();
        entries.find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    });
    found.unwrap_or(&Value::Null)
}

/// Booleans come as booleans and, in places, as strings.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// A value's text: ids come as numbers and as strings.
fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A list of an answer. An empty one is 204 without a body.
pub(super) fn list(answer: &Answer, keys: &[&str]) -> Result<Vec<Value>, Refusal> {
    if answer.status == 204 || (answer.body().is_empty() && answer.status < 300) {
        return Ok(vec![]);
    }
    let body = answer.json();
    let found = body.and_then(|body| keys.iter().find_map(|key| get(body, key).as_array()));
    match (found, body.and_then(|body| number(get(body, "totalRecords")))) {
        (Some(items), _) => Ok(items.iter().flat_map(flat).cloned().collect()),
        (None, Some(0)) => Ok(vec![]),
        _ => {
            let message = format!("the answer holds no list `{}`: is this the API's base URL?", keys.join("` or `"));
            Err(Refusal { status: Some(answer.status), ..Refusal::own("not.understood", message) })
        }
    }
}

/// Some lists hold lists.
fn flat(item: &Value) -> Vec<&Value> {
    match item {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        item => vec![item],
    }
}

/// Where the page after this one begins, of a list that is counted.
pub(super) fn next_skip(answer: &Answer, skip: usize, found: usize) -> Option<usize> {
    let body = answer.json()?;
    let total = number(get(body, "totalRecords")).and_then(|total| usize::try_from(total).ok());
    let linked = get(get(body, "_links"), "next").as_str().is_some_and(|next| !next.is_empty());
    let more = total.map_or(linked, |total| skip + found < total);
    (found > 0 && more).then_some(skip + found)
}

/// Agents of a list, or of a search by id.
pub(super) fn agents(answer: &Answer) -> Result<Vec<Value>, Refusal> {
    let items = list(answer, &["agents", "agentResults"])?;
    // A search tells of those that it did not find too.
    let found = items.into_iter().filter(|item| flag(get(item, "success")) != Some(false));
    let record = |item: Value| match get(&item, "agentRecord") {
        Value::Null => item,
        record => record.clone(),
    };
    Ok(found.map(record).filter(|record| agent_id(record).is_some()).collect())
}

/// An agent's number.
pub(super) fn agent_id(record: &Value) -> Option<String> {
    // `agentID_alt` is how the published description of the search spells it.
    id_text(get(record, "agentId")).or_else(|| id_text(get(record, "agentID_alt")))
}

/// The UUID in an agent's record.
pub(super) fn agents_user(record: &Value) -> Option<String> {
    id_text(get(record, "userID"))
}

/// The UUID in a user's record.
pub(super) fn user_id(record: &Value) -> Option<String> {
    id_text(get(record, "id")).or_else(|| id_text(get(record, "userId")))
}

/// Whether a user is active.
fn is_active(record: &Value) -> Option<bool> {
    let status = get(record, "status").as_str()?.to_ascii_uppercase();
    Some(!matches!(status.as_str(), "DELETED" | "INACTIVE" | "DEACTIVATED" | "DISABLED"))
}

/// Of users with one e-mail address, those that are not deactivated, if that leaves any.
pub(super) fn living(records: &[Value]) -> Vec<&Value> {
    let active: Vec<&Value> = records.iter().filter(|record| is_active(record) != Some(false)).collect();
    if active.is_empty() { records.iter().collect() } else { active }
}

/// Assigned skills, as little of each as is needed: `{"agentId", "id", "name", "proficiency"}`.
pub(super) fn assignments(answer: &Answer) -> Result<(Vec<Value>, usize), Refusal> {
    let items = list(answer, &["agentSkillAssignments", "agentSkills", "skills"])?;
    let one = |item: &Value| {
        let id = id_text(get(item, "skillId"))?;
        let proficiency = number(get(item, "agentProficiencyValue")).or_else(|| number(get(item, "proficiency")));
        (flag(get(item, "isActive")) != Some(false)).then(
            || json!({"agentId": agent_id(item), "id": id, "name": get(item, "skillName"), "proficiency": proficiency}),
        )
    };
    Ok((items.iter().filter_map(one).collect(), items.len()))
}

/// A list's objects, each with its id and name.
pub(super) fn named(items: &[Value], id: &str, name: &str) -> Vec<Named> {
    let one = |item: &Value| Some(Named { id: id_text(get(item, id))?, name: get(item, name).as_str()?.to_owned() });
    items.iter().filter_map(one).collect()
}

/// A person: `agentId/UUID`, as far as either is known, and the parts of the record that were read.
pub(super) fn person(agent: Option<&Value>, user: Option<&Value>, skills: Option<&[Value]>) -> User {
    let number = agent.and_then(agent_id);
    let uuid = user.and_then(user_id).or_else(|| agent.and_then(agents_user));
    let id = [number, uuid].into_iter().flatten().collect::<Vec<_>>().join("/");
    let mut record = Map::new();
    let parts = [("agent", agent.cloned()), ("user", user.cloned()), ("skills", skills.map(|skills| json!(skills)))];
    for (part, value) in parts {
        value.map(|value| record.insert(part.into(), value));
    }
    User { id: UserId(id), version: None, record: Value::Object(record) }
}

/// The two ids in a person's: the agent's number and the user's UUID.
pub(super) fn ids(id: &str) -> (Option<&str>, Option<&str>) {
    match id.split_once('/') {
        Some((number, uuid)) => (Some(number), Some(uuid)),
        None if (fields::TABLE.id_kind)(id) == "agentId" => (Some(id), None),
        None => (None, Some(id)),
    }
}

/// A column's value in a record, as a JSON roster writes it; `None` where the record does not have it.
fn value_in(record: &Value, column: &str) -> Option<Value> {
    if let Some(key) = attribute(column) {
        return Some(attribute_of(get(record, "customAttributes"), key));
    }
    let found = get(record, written(column));
    let kind = fields::TABLE.field(column).map(|field| field.kind)?;
    Some(match kind {
        Kind::Bool => flag(found).map(Value::Bool).unwrap_or_default(),
        Kind::Whole(..) => number(found).map(Value::from).unwrap_or_default(),
        Kind::Date => found.as_str().map(|date| json!(date.get(..10).unwrap_or(date))).unwrap_or_default(),
        _ => found.clone(),
    })
}

/// A custom attribute: `{"id", "values": [{"value"}]}` by its id, or its bare value.
fn attribute_of(attributes: &Value, key: &str) -> Value {
    match get(attributes, key) {
        Value::Object(one) => one.get("values").map(|values| values[0]["value"].clone()).unwrap_or_default(),
        bare => bare.clone(),
    }
}

/// Sets a custom attribute in the form that the others have.
fn set_attribute(attributes: &mut Value, key: &str, value: &Value) {
    if !attributes.is_object() {
        *attributes = json!({});
    }
    let Some(map) = attributes.as_object_mut() else { return };
    let bare = map.values().next().is_some_and(|other| !other.is_object());
    let name = map.keys().find(|name| name.eq_ignore_ascii_case(key)).cloned().unwrap_or_else(|| key.to_owned());
    let one = match (value, bare) {
        (Value::Null, true) => json!(""),
        (Value::Null, false) => json!({"id": name, "values": []}),
        (value, true) => value.clone(),
        (value, false) => json!({"id": name, "values": [{"value": value}]}),
    };
    map.insert(name, one);
}

/// What a person holds in a column.
pub(super) fn held(record: &Value, column: &str) -> Option<Value> {
    match fields::surface(column) {
        fields::Surface::User => record.get("user").and_then(|user| value_in(user, column)),
        fields::Surface::Agent => record.get("agent").and_then(|agent| value_in(agent, column)),
        fields::Surface::Active => is_active(record.get("user")?).map(Value::Bool),
        fields::Surface::Skills | fields::Surface::Team => None,
    }
}

/// The role or team that a user's record names, among the tenant's.
pub(super) fn place(record: &Value, column: &str, names: &Names) -> Value {
    let (list, id, name) = match column {
        "role" => ("role", get(record, "roleUUID"), get(record, "role")),
        "user team" => ("user team", get(record, "teamId"), get(record, "teamName")),
        _ => ("team", get(record, "teamId"), get(record, "teamName")),
    };
    let known = [id, name].into_iter().filter_map(id_text).find_map(|text| names.resolve(list, &text).ok());
    match known {
        Some(Named { id, name }) => json!({"id": id, "name": name}),
        None => json!({"id": id_text(id).or_else(|| id_text(name)), "name": name}),
    }
}

/// Which of these places a record is in, told as they are; else what it says itself.
fn now_at(record: &Value, column: &str, change: &Change, key: &str) -> Value {
    let bare = place(record, column, &Names::default());
    let at = |place: &Value| {
        let is = |value: &Value| value.is_string() && (*value == place["id"] || *value == place["name"]);
        is(&bare["id"]) || (bare["id"].is_null() && is(&bare["name"]))
    };
    let sides = [change.after.get(key), change.before.get(key)];
    sides.into_iter().flatten().find(|place| at(place)).cloned().unwrap_or(bare)
}

/// What a person holds now of what `change` touches, written as `change.after` writes it.
pub(super) fn holds(record: &Value, change: &Change) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, asked) in &change.after {
        let found = match (change.kind.as_str(), key.as_str()) {
            (BLIND, key) => record.get("gateway").map(|user| get(user, key).clone()),
            (_, key) if key.starts_with("skills/") => record.get("skills").map(|held| {
                let mine = held.as_array().into_iter().flatten().find(|item| Some(&item["id"]) == id_of(key).as_ref());
                let name = asked.get("name").or_else(|| change.before.get(key)?.get("name")).cloned();
                mine.map_or(Value::Null, |item| {
                    json!({"name": name.unwrap_or_else(|| item["name"].clone()), "proficiency": item["proficiency"]})
                })
            }),
            ("user", "role") => record.get("user").map(|user| now_at(user, "role", change, key)),
            ("user", "team") => record.get("user").map(|user| now_at(user, "user team", change, key)),
            (_, "team") => record.get("agent").map(|agent| now_at(agent, "team", change, key)),
            (_, key) => held(record, key),
        };
        found.map(|found| out.insert(key.clone(), found));
    }
    out
}

fn id_of(key: &str) -> Option<Value> {
    key.strip_prefix("skills/").map(|id| json!(id))
}

/// What a person holds in a column, as a JSON roster writes it: for an export.
pub(super) fn value(record: &Value, column: &str) -> Value {
    let name =
        |record: &Value, keys: [&str; 2]| keys.iter().find_map(|key| id_text(get(record, key))).map(Value::String);
    match column {
        "skills" => record.get("skills").map_or(Value::Null, |held| {
            let items = held.as_array().into_iter().flatten();
            items.map(|item| json!({"name": item["name"], "proficiency": item["proficiency"]})).collect()
        }),
        "role" => name(&record["user"], ["role", "roleUUID"]).unwrap_or_default(),
        "team" => {
            let part = if record.get("agent").is_some() { &record["agent"] } else { &record["user"] };
            name(part, ["teamName", "teamId"]).unwrap_or_default()
        }
        // The agent's record has the user's e-mail too, and is read for less.
        "email" if record.get("user").is_none() => get(&record["agent"], "emailAddress").clone(),
        _ => held(record, column).unwrap_or_default(),
    }
}

/// One agent of `PUT /agents`.
pub(super) fn agent_body(change: &Change) -> Value {
    let mut body = Map::from_iter([("agentId".to_owned(), json!(ids(change.user.as_str()).0))]);
    for (column, value) in &change.after {
        body.insert(written(column).to_owned(), if value.is_null() { json!("") } else { value.clone() });
    }
    Value::Object(body)
}

/// The fields that the PUT takes; the record has others. The first eight are required.
const PUT_USER: &[&str] = &[
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
pub(super) fn user_body(change: &Change) -> Value {
    let read = Value::Object(change.rest.clone());
    let mut body = Map::from_iter([("id".to_owned(), json!(ids(change.user.as_str()).1))]);
    for (at, key) in PUT_USER.iter().enumerate() {
        match get(&read, key) {
            Value::Null if at < REQUIRED => body.insert((*key).to_owned(), json!("")),
            Value::Null => None,
            value => body.insert((*key).to_owned(), value.clone()),
        };
    }
    for (column, value) in &change.after {
        if let Some(key) = attribute(column) {
            set_attribute(body.entry("customAttributes").or_insert(json!({})), key, value);
            continue;
        }
        let value = match column.as_str() {
            // The record names its role by name or by id: it is written as it is read.
            "role" => {
                let by_id = change.before.get("role").is_some_and(|held| held["id"] == *get(&read, "role"));
                value[if by_id { "id" } else { "name" }].clone()
            }
            "team" => value["id"].clone(),
            _ if value.is_null() => json!(""),
            _ => value.clone(),
        };
        if column == "email" {
            body.insert("emailToBeVerified".into(), value.clone());
        }
        body.insert(if column == "team" { "teamId" } else { written(column) }.to_owned(), value);
    }
    Value::Object(body)
}

/// Per-item results of a call that many share, wherever the answer has them.
fn results(answer: &Answer) -> Vec<Value> {
    let body = answer.json_or_null();
    let set = match get(body, "resultSet") {
        Value::Null => body,
        set => set,
    };
    let items = ["agentResults", "skillResults"].iter().find_map(|key| get(set, key).as_array());
    items.map(|items| items.iter().flat_map(flat).cloned().collect()).unwrap_or_default()
}

/// What an answer says of each change: by the agent's id; by position where an item names nobody, and then its user is read
/// to be sure.
pub(super) fn each(changes: &[Change], answer: &Answer) -> Option<Vec<Each>> {
    let kind = changes.first()?.kind.as_str();
    if kind == "active-" {
        let body = answer.json_or_null();
        let kept = get(body, "notDeletedUserIds").as_array().cloned().unwrap_or_default();
        let one = |change: &Change| {
            let id = ids(change.user.as_str()).1.unwrap_or_default();
            let refused = kept.iter().any(|kept| kept.as_str().is_some_and(|kept| kept.eq_ignore_ascii_case(id)));
            let refusal =
                Refusal { status: Some(answer.status), ..Refusal::own("not.deactivated", "it stayed active") };
            if refused { Each::Refused(refusal) } else { Each::Made }
        };
        return Some(changes.iter().map(one).collect());
    }
    let items = results(answer);
    if items.is_empty() {
        return None;
    }
    let failed = |item: &Value| flag(get(item, "success")) == Some(false);
    let why = |item: &Value| {
        let said = ["error", "errorDescription", "error_description", "message"].iter().map(|key| get(item, key));
        let said = said.filter_map(id_text).next().unwrap_or_else(|| "the vendor did not make it".into());
        let skill = id_text(get(item, "skillId")).map(|skill| format!("skill {skill}: ")).unwrap_or_default();
        Refusal { status: Some(answer.status), ..Refusal::own("item.failed", format!("{skill}{said}")) }
    };
    let by_position = items.len() == changes.len();
    let nameless = items.iter().any(|item| failed(item) && agent_id(item).is_none());
    let one = |(at, change): (usize, &Change)| {
        let id = ids(change.user.as_str()).0;
        let mine: Vec<&Value> = items.iter().filter(|item| agent_id(item).as_deref() == id).collect();
        match (mine.iter().find(|item| failed(item)), mine.is_empty()) {
            // A removal that was sent before finds nothing to remove.
            (Some(item), _) if kind == "skills-" => Each::Doubtful(why(item)),
            (Some(item), _) => Each::Refused(why(item)),
            (None, false) => Each::Made,
            (None, true) => match items.get(at).filter(|item| by_position && agent_id(item).is_none()) {
                Some(item) if failed(item) => Each::Doubtful(why(item)),
                Some(_) => Each::Made,
                None if nameless => Each::Doubtful(items.iter().find(|item| failed(item)).map(why).unwrap_or_default()),
                None => Each::Doubtful(Refusal::own("item.missing", "the answer does not tell what became of it")),
            },
        }
    };
    Some(changes.iter().enumerate().map(one).collect())
}

/// The retry policy (facts/nice.md, "Quota and errors"). A status alone is never trusted.
pub(super) fn verdict(request: &Request, answer: &Answer) -> Verdict {
    let reads = request.effect == paceline_core::vendor::Effect::Read;
    let said = || refusal(answer).line().to_lowercase();
    match answer.status {
        200..=299 if !reads && flag(get(answer.json_or_null(), "success")) == Some(false) => Verdict::Rejected,
        200..=299 => Verdict::Applied { version: None },
        // "401 also `unknown team or role` on an agent write": one fresh token, then it is the row's.
        401 => Verdict::Unauthorized { renew: true, may_be_the_rows: !reads },
        429 => Verdict::Throttled(Scope::Token),
        // The vendor's SDK takes both for overload.
        503 => Verdict::Overloaded,
        408 | 500 | 502 | 504..=599 => Verdict::Transient,
        400..=499 if !reads && !results(answer).is_empty() => Verdict::Applied { version: None },
        // Of one user that is read by itself: there is none.
        404 if reads && request.template.ends_with('}') && answer.json().is_some_and(Value::is_object) => {
            Verdict::Applied { version: None }
        }
        403 => Verdict::Forbidden,
        // "409 is also `invalid permissions`": there are no versions that could conflict.
        409 if said().contains("permission") => Verdict::Forbidden,
        _ => Verdict::Rejected,
    }
}

/// Whatever either API, the token endpoint or a gateway says.
pub(super) fn refusal(answer: &Answer) -> Refusal {
    let body = answer.json_or_null();
    let header = |name: &str| answer.header(name).next().map(str::to_owned).filter(|text| !text.is_empty());
    let keys = ["error_description", "errorDescription", "details", "message", "msg", "errors"];
    let code = text(body, &["code", "error"]).or_else(|| number(get(body, "code")).map(|code| code.to_string()));
    // An empty body has its text in a header.
    let message = text(body, &keys).or_else(|| header("icstatusdescription")).or_else(|| plain(answer));
    let correlation_id =
        ["x-correlation-id", "correlation-id", "x-request-id", "request-id"].iter().find_map(|name| header(name));
    Refusal { status: Some(answer.status), code, message, correlation_id }
}

/// The tenant.
pub(super) fn business_unit(answer: &Answer) -> Option<Tenant> {
    let units = list(answer, &["businessUnits", "businessUnit"]).ok()?;
    let unit = units.first()?;
    let id = id_text(get(unit, "tenantId")).or_else(|| id_text(get(unit, "businessUnitId")))?;
    Some(Tenant { name: id_text(get(unit, "businessUnitName")).unwrap_or_else(|| id.clone()), id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nice::calls;
    use paceline_core::plan::ChangeKey;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer::new(status, vec![], body.to_string().into_bytes())
    }

    fn change(kind: &str, user: &str, before: Value, after: Value) -> Change {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        Change {
            key: ChangeKey { stage: 0, group: String::new(), row: 1 },
            kind: kind.into(),
            user: UserId(user.into()),
            before: map(before),
            after: map(after),
            rest: Map::new(),
            columns: vec![],
            version: None,
        }
    }

    #[test]
    fn every_status_has_its_verdict() {
        let write = calls::call("v34.0", &[change("agent", "1", json!({}), json!({"custom1": "x"}))]);
        let read = calls::skills_of("v34.0", "1", 0);
        let one = calls::agent_by_uuid("v34.0", "u");
        let rejected = Verdict::Rejected;
        let applied = Verdict::Applied { version: None };
        let table = [
            (&write, 200, json!({"errorCount": 0, "agentResults": []}), applied.clone()),
            (&write, 200, json!({"success": false, "error": "no"}), rejected.clone()),
            (&write, 200, json!({"success": "false"}), rejected.clone()),
            (&write, 206, json!({"errorCount": 1, "agentResults": [{"success": false}]}), applied.clone()),
            (&write, 400, json!({"errorCount": 1, "agentResults": [{"success": false}]}), applied.clone()),
            (&write, 400, json!({"error": "TooMany"}), rejected.clone()),
            (&write, 401, json!({}), Verdict::Unauthorized { renew: true, may_be_the_rows: true }),
            (&read, 401, json!({}), Verdict::Unauthorized { renew: true, may_be_the_rows: false }),
            (&write, 402, json!({}), rejected.clone()),
            (&write, 403, json!({}), Verdict::Forbidden),
            (&write, 404, json!({}), rejected.clone()),
            (&one, 404, json!({"error": "InvalidAgentId"}), applied.clone()),
            (&one, 404, json!(null), rejected.clone()),
            (&write, 408, json!({}), Verdict::Transient),
            (&write, 409, json!({"error_description": "Invalid permissions"}), Verdict::Forbidden),
            (&write, 409, json!({"error": "UserNameTaken"}), rejected.clone()),
            (&write, 413, json!({}), rejected.clone()),
            (&write, 429, json!({}), Verdict::Throttled(Scope::Token)),
            (&write, 500, json!({}), Verdict::Transient),
            (&write, 501, json!({}), rejected.clone()),
            (&write, 502, json!({}), Verdict::Transient),
            (&write, 503, json!({}), Verdict::Overloaded),
            (&write, 504, json!({}), Verdict::Transient),
        ];
        for (request, status, body, expected) in table {
            assert_eq!(verdict(request, &answer(status, &body)), expected, "{} {status} {body}", request.template);
        }
    }

    #[test]
    fn items_are_told_by_id_and_nameless_failures_by_position_and_read_to_be_sure() {
        let changes: Vec<Change> = ["1/a", "2/b", "3/c"]
            .iter()
            .map(|user| change("agent", user, json!({}), json!({"custom1": "x"})))
            .collect();
        let said = |body: Value| -> Vec<&'static str> {
            let each = each(&changes, &answer(200, &body)).unwrap_or_default();
            let word = |one: &Each| match one {
                Each::Made => "made",
                Each::Refused(_) => "refused",
                Each::Doubtful(_) => "doubtful",
            };
            each.iter().map(word).collect()
        };
        let ok = |id: u64| json!({"agentId": id, "success": true});
        let named = json!({"errorCount": "1", "agentResults": [ok(1), {"agentId": "2", "success": "False", "error": "no"}, ok(3)]});
        assert_eq!(said(named), ["made", "refused", "made"]);
        let nameless = json!({"errorCount": 1, "agentResults": [ok(1), {"success": false, "error": "no"}, ok(3)]});
        assert_eq!(said(nameless), ["made", "doubtful", "made"]);
        let fewer = json!({"resultSet": {"errorCount": 1, "skillResults": [ok(1), {"success": false}]}});
        assert_eq!(said(fewer), ["made", "doubtful", "doubtful"]);
        assert!(each(&changes, &answer(200, &json!({"errorCount": 0}))).is_none());
    }

    #[test]
    fn an_empty_list_has_no_body_and_keys_have_no_case() {
        let empty = Answer::new(204, vec![], vec![]);
        assert_eq!(agents(&empty), Ok(vec![]));
        let search = json!({"agentResults": [[{"success": "true", "agentRecord": {"agentID_alt": 7, "userID": "u"}}]]});
        let found = agents(&answer(200, &search)).unwrap();
        assert_eq!((agent_id(&found[0]), agents_user(&found[0])), (Some("7".into()), Some("u".into())));
        let missing =
            json!({"errorCount": 1, "agentResults": [{"agentId": 9, "success": "False", "error": "InvalidAgentId"}]});
        assert_eq!(agents(&answer(200, &missing)), Ok(vec![]));
        assert!(agents(&answer(200, &json!({"hello": 1}))).is_err());
        let record = json!({"EmailRefusalTimeout": "30", "IsActive": "True"});
        assert_eq!(value_in(&record, "emailRefusalTimeout"), Some(json!(30)));
        assert_eq!(value_in(&record, "isActive"), Some(json!(true)));
    }

    #[test]
    fn a_user_is_written_whole_as_it_was_read() {
        let read = json!({"id": "u", "firstName": "Ada", "lastName": "B", "emailAddress": "a@x", "userName": "a@x", "role": "Agent",
            "assignedGroup": "g", "status": "ACTIVE", "displayName": "Ada B", "teamId": "t1",
            "customAttributes": {"floor": {"id": "floor", "values": [{"value": "1"}]}}});
        let place = |id: &str, name: &str| json!({"id": id, "name": name});
        let mut change = change(
            "user",
            "7/u",
            json!({"role": place("r1", "Agent"), "team": place("t1", "Blue"), "customAttributes.floor": "1"}),
            json!({"role": place("r2", "Manager"), "team": place("t2", "Red"), "customAttributes.floor": "2", "mobileNumber": null}),
        );
        change.rest = read.as_object().cloned().unwrap();
        let expected = json!({"id": "u", "firstName": "Ada", "lastName": "B", "emailAddress": "a@x", "assignedGroup": "g",
            "role": "Manager", "userName": "a@x", "emailToBeVerified": "", "teamId": "t2", "mobileNumber": "",
            "customAttributes": {"floor": {"id": "floor", "values": [{"value": "2"}]}}});
        assert_eq!(user_body(&change), expected);
        let after = |body: &Value| holds(&json!({"user": body}), &change);
        assert_eq!(after(&expected)["role"], place("r2", "Manager"));
        assert_eq!(after(&expected)["team"], place("t2", "Red"));
        assert_eq!(after(&read)["role"], place("r1", "Agent"));
        assert_eq!(after(&expected)["customAttributes.floor"], "2");
    }

    #[test]
    fn a_refusal_is_read_from_either_api_and_from_the_header_of_an_empty_body() {
        let line = |status, body: Value| refusal(&answer(status, &body)).line();
        assert_eq!(line(400, json!({"error": "InvalidAgentId", "error_description": "no"})), "400 InvalidAgentId no");
        assert_eq!(line(400, json!({"code": "E1", "details": "bad rank"})), "400 E1 bad rank");
        assert_eq!(line(401, json!({"error": "invalid_client", "errorDescription": "x"})), "401 invalid_client x");
        let empty = Answer::new(400, vec![("icstatusdescription".into(), "Bad team".into())], vec![]);
        assert_eq!(refusal(&empty).message.as_deref(), Some("Bad team"));
    }
}
