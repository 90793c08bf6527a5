//! Genesys Cloud's JSON, read and written.

use super::fields;
use crate::http::{number, plain, text};
use paceline_core::pace::{Quota, Scope};
use paceline_core::plan::Change;
use paceline_core::user::UserId;
use paceline_core::validate::Kind;
use paceline_core::vendor::{Answer, BLIND, Each, More, Named, Page, Refusal, Request, Tenant, User, Verdict};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The namespace whose limits are the token's own; others are services behind the gateway.
const GATEWAY: &str = "platform.api";

pub(super) fn organization(answer: &Answer) -> Option<Tenant> {
    let body = answer.json()?;
    let id = text(body, &["id"])?;
    Some(Tenant { name: text(body, &["name"]).unwrap_or_else(|| id.clone()), id })
}

pub(super) fn quota(answer: &Answer) -> Option<Quota> {
    let body = answer.json()?;
    let limit = |key: &str| {
        let entities = body["entities"].as_array()?;
        let found = entities.iter().find(|limit| limit["key"] == key)?;
        u32::try_from(number(&found["value"])?).ok().filter(|value| *value > 0)
    };
    let allowed = limit("client.credentials.token.rate.per.minute").or_else(|| limit("token.rate.per.minute"))?;
    Some(Quota { allowed, window: Duration::from_secs(60) })
}

fn listing(answer: &Answer, key: &str) -> Result<Vec<Value>, Refusal> {
    match answer.json().and_then(|body| body.get(key)) {
        Some(Value::Array(list)) => Ok(list.clone()),
        _ => Err(Refusal {
            status: Some(answer.status),
            message: Some(format!("the answer holds no list `{key}`: is this the API's base URL?")),
            code: Some("not.understood".into()),
            correlation_id: correlation(answer),
        }),
    }
}

pub(super) fn user(record: &Value) -> User {
    let id = UserId(record["id"].as_str().unwrap_or_default().to_owned());
    User { id, version: number(&record["version"]), record: record.clone() }
}

/// Whether another page follows, and which.
fn next_page(answer: &Answer) -> Option<String> {
    let body = answer.json_or_null();
    // A page that holds nobody ends the list, whatever it counts.
    body["entities"].as_array().filter(|entities| !entities.is_empty())?;
    let (page, pages) = number(&body["pageNumber"]).zip(number(&body["pageCount"]))?;
    (page < pages).then(|| (page + 1).to_string())
}

/// Users that were asked for by id, or a page of all of them.
pub(super) fn users(answer: &Answer, everyone: bool) -> Result<Page, Refusal> {
    let entities = listing(answer, "entities")?;
    let keyed = |record: Value| Some((record["id"].as_str()?.to_owned(), record));
    let more = match next_page(answer) {
        Some(page) if everyone => More::Page(page),
        Some(_) => More::Again,
        None => More::No,
    };
    Ok(Page { records: entities.into_iter().filter_map(keyed).collect(), more })
}

/// Users that were searched by e-mail.
pub(super) fn found(answer: &Answer) -> Result<Page, Refusal> {
    // No hit at all may leave `results` out.
    if answer.json().is_some_and(|body: &Value| body.is_object() && body.get("results").is_none_or(Value::is_null)) {
        return Ok(Page::default());
    }
    let results = listing(answer, "results")?;
    let hit = |user: Value| Some((user["email"].as_str()?.to_owned(), user)).filter(|(_, user)| user["id"].is_string());
    Ok(Page { records: results.into_iter().filter_map(hit).collect(), more: More::No })
}

/// One user's queues. The answer does not say whose they are.
pub(super) fn queues(answer: &Answer, user: &str, page: Option<&str>) -> Result<Page, Refusal> {
    let records = listing(answer, "entities")?.into_iter().map(|queue| (user.to_owned(), queue)).collect();
    let joined = page.is_none_or(|page| page.starts_with("true"));
    let more = match next_page(answer) {
        Some(page) => More::Page(format!("{joined}:{page}")),
        None if joined => More::Page("false:1".into()),
        None => More::No,
    };
    Ok(Page { records, more })
}

/// The members of a queue, and the next page. "Queue members may lack `total`": a full page may have a next one.
pub(super) fn members(answer: &Answer, page: Option<&str>) -> Result<(Vec<String>, Option<String>), Refusal> {
    let entities = listing(answer, "entities")?;
    let id = |member: &Value| text(member, &["id"]).or_else(|| text(&member["user"], &["id"]));
    let told = answer.json().is_some_and(|body| number(&body["pageCount"]).is_some());
    let number: u64 = page.and_then(|page| page.parse().ok()).unwrap_or(1);
    let full = entities.len() as u64 >= super::calls::MEMBERS;
    let next = if told { next_page(answer) } else { full.then(|| (number + 1).to_string()) };
    Ok((entities.iter().filter_map(id).collect(), next))
}

/// How many members the queues of a page have.
pub(super) fn queue_sizes(answer: &Answer) -> Vec<(String, Value)> {
    let queues = listing(answer, "entities").unwrap_or_default();
    let one = |queue: &Value| Some((queue["id"].as_str()?.to_owned(), queue.get("memberCount")?.clone()));
    queues.iter().filter_map(one).collect()
}

/// What a user that was read holds of these top-level fields, as UpdateUser writes them. A field that is read with
/// `expand` and is missing from the answer is not known and left out; any other missing one is empty.
pub(super) fn writable<'a>(record: &Value, tops: impl Iterator<Item = &'a String>) -> Map<String, Value> {
    let mut out = Map::new();
    for top in tops {
        let value = match (record.get(top), fields::expand(top)) {
            (None, Some(_)) => continue,
            (None, None) => Value::Null,
            (Some(value), _) => one_writable(top, value),
        };
        out.insert(top.clone(), value);
    }
    out
}

fn one_writable(top: &str, value: &Value) -> Value {
    let keep = |keys: &[&str]| {
        let object = |item: &Value| -> Value {
            let kept = keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(*key)?.clone())));
            Value::Object(kept.collect())
        };
        value.as_array().map_or(Value::Null, |list| list.iter().map(object).collect())
    };
    match top {
        "manager" => value.get("id").or(Some(value).filter(|value| value.is_string())).cloned().unwrap_or(Value::Null),
        "addresses" => keep(&["address", "mediaType", "type", "extension", "countryCode", "integration"]),
        "locations" => keep(&["id"]),
        _ => value.clone(),
    }
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
    Some(items.filter_map(one).collect())
}

/// The ids and names of the user's groups, queues or roles; `None` where the answer does not tell.
pub(super) fn memberships(record: &Value, list: &str) -> Option<BTreeMap<String, Value>> {
    let items = if list == "roles" { record["authorization"].get("roles") } else { record.get(list) };
    let one = |item: &Value| Some((item["id"].as_str()?.to_owned(), item["name"].clone()));
    Some(items?.as_array()?.iter().filter_map(one).collect())
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

/// One user's custom attributes, as they are read by themselves.
pub(super) fn attributes(answer: &Answer, user: &str) -> Result<Page, Refusal> {
    let records = match answer.json() {
        Some(Value::Array(records)) => records.clone(),
        _ => listing(answer, "entities")?,
    };
    Ok(Page { records: records.into_iter().map(|one| (user.to_owned(), one)).collect(), more: More::No })
}

/// Each schema with its version, which the change's group tells, and the attributes to set.
pub(super) fn attributes_body(change: &Change) -> Value {
    let schemas = change.key.group.split(',').filter_map(|schema| schema.rsplit_once('@'));
    let of = |id: &str, version: &str| {
        let mine = change.after.iter().filter_map(|(column, value)| {
            let (schema, key) = fields::attribute(column)?;
            (schema == id).then(|| (key.to_owned(), value.clone()))
        });
        let mut body = json!({"schemaId": id, "attributes": mine.collect::<Map<_, _>>()});
        if let Ok(version) = version.parse::<i64>() {
            body["schemaVersion"] = json!(version);
        }
        body
    };
    schemas.map(|(id, version)| of(id, version)).collect()
}

/// The schemas of custom attributes, with the version and the attributes' types of each.
pub(super) fn schemas(answer: &Answer) -> Result<Vec<(Named, Value)>, Refusal> {
    let one = |item: &Value| {
        let named = Named { id: item["id"].as_str()?.to_owned(), name: item["name"].as_str()?.to_owned() };
        let types: Map<String, Value> = item["jsonSchema"]["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, property)| {
                let reference = property["allOf"][0]["$ref"].as_str().and_then(|text| text.rsplit('/').next());
                (key.clone(), json!(reference.or_else(|| property["type"].as_str())))
            })
            .collect();
        Some((named, json!({"version": number(&item["version"]), "types": types})))
    };
    Ok(listing(answer, "entities")?.iter().filter_map(one).collect())
}

/// `{"id", "proficiency"}` for each.
pub(super) fn ratings<'a>(items: impl Iterator<Item = &'a Value>) -> Value {
    items.map(|item| json!({"id": item["id"], "proficiency": item["proficiency"]})).collect()
}

/// What a user holds now of what `change` touches, written as `change.after` writes it.
pub(super) fn holds(record: &Value, change: &Change) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, asked) in &change.after {
        let found = match (change.kind.as_str(), key.split_once('/')) {
            ("attributes", _) => attribute(record, key),
            (BLIND, _) => record.get(key).map(|value| one_writable(key, value)),
            (_, Some(("languages", id))) => {
                rated(record, "languages").map(|held| held.get(id).cloned().unwrap_or(Value::Null))
            }
            (_, Some((list, id))) => {
                memberships(record, list).map(|held| json!({"name": asked["name"], "member": held.contains_key(id)}))
            }
            ("skills", _) => rated(record, "skills").map(|held| {
                let items = held
                    .iter()
                    .map(|(id, item)| json!({"id": id, "name": item["name"], "proficiency": item["proficiency"]}));
                items.collect()
            }),
            ("division" | "team", _) => one_of(record, key),
            _ => writable(record, std::iter::once(key)).remove(key),
        };
        if let Some(found) = found {
            out.insert(key.clone(), found);
        }
    }
    out
}

/// What a user holds in a column, as a JSON roster writes it. Names where there are names, ids where there are only ids.
pub(super) fn value(record: &Value, column: &str) -> Value {
    let named =
        |item: &Value| item.get("name").filter(|name| name.is_string()).or(item.get("id")).cloned().unwrap_or_default();
    match column {
        "division" | "team" => record.get(column).map(named).unwrap_or_default(),
        "manager" => record["manager"].get("id").cloned().unwrap_or_default(),
        "skills" | "languages" => rated(record, column).map_or(Value::Null, |held| {
            held.values().map(|item| json!({"name": item["name"], "proficiency": item["proficiency"]})).collect()
        }),
        "groups" | "roles" | "queues" => memberships(record, column).map_or(Value::Null, |held| {
            held.iter().map(|(id, name)| if name.is_string() { name.clone() } else { json!(id) }).collect()
        }),
        "locations" => {
            let ids = |items: &Vec<Value>| items.iter().filter_map(|item| item.get("id").cloned()).collect();
            record["locations"].as_array().map_or(Value::Null, ids)
        }
        _ if fields::attribute(column).is_some() => attribute(record, column).unwrap_or_default(),
        _ => match column.split_once('.') {
            Some((top, part)) => record[top].get(part).cloned().unwrap_or_default(),
            None => writable(record, std::iter::once(&column.to_owned())).remove(column).unwrap_or_default(),
        },
    }
}

/// Values as an undo sets them: what was empty is cleared the way the vendor takes it.
pub(super) fn emptied(kind: &str, mut values: Map<String, Value>) -> Map<String, Value> {
    if kind == "fields" {
        for (key, value) in values.iter_mut().filter(|(_, value)| value.is_null()) {
            *value = cleared(key);
        }
    }
    values
}

/// Per-item verdicts, where an answer tells them: adding to a team names the failures.
pub(super) fn each(changes: &[Change], answer: &Answer) -> Option<Vec<Each>> {
    let team = changes.first().is_some_and(|change| change.kind == "team");
    let body = answer.json().filter(|_| team)?;
    let failures = body.get("failures")?.as_array()?;
    let verdict = |change: &Change| {
        let failed = failures.iter().find(|failure| failure["id"] == change.user.as_str());
        failed.map_or(Each::Made, |failure| {
            let reason =
                failure["reason"].as_str().or_else(|| failure["message"].as_str()).unwrap_or("not added to the team");
            Each::Refused(Refusal {
                status: Some(answer.status),
                correlation_id: correlation(answer),
                ..Refusal::own("team.member.failed", reason)
            })
        })
    };
    Some(changes.iter().map(verdict).collect())
}

/// A page of a list, and where the next one is: by number, or by the cursor in `nextUri`.
pub(super) fn listed(answer: &Answer) -> Result<(Vec<Named>, Option<String>), Refusal> {
    let entities = listing(answer, "entities")?;
    let body = answer.json_or_null();
    let one =
        |item: &Value| Some(Named { id: item["id"].as_str()?.to_owned(), name: item["name"].as_str()?.to_owned() });
    let items: Vec<Named> = entities.iter().filter_map(one).collect();
    let by_number = number(&body["pageNumber"]).zip(number(&body["pageCount"]));
    let next = match by_number {
        _ if entities.is_empty() => None,
        Some((page, pages)) => (page < pages).then(|| (page + 1).to_string()),
        None => body["nextUri"].as_str().and_then(|uri| {
            let (_, query) = uri.split_once('?')?;
            query.split('&').find_map(|pair| pair.strip_prefix("after=")).map(str::to_owned)
        }),
    };
    Ok((items, next))
}

/// What a row asks, by top-level field: nested columns are laid over what the user holds there.
pub(super) fn desired(columns: &Map<String, Value>, current: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (column, value) in columns {
        let value = if value.is_null() { cleared(column) } else { value.clone() };
        match column.split_once('.') {
            None => {
                out.insert(column.clone(), value);
            }
            Some((top, part)) => {
                let whole = out.entry(top).or_insert_with(|| match current.get(top) {
                    Some(Value::Object(held)) => Value::Object(held.clone()),
                    _ => json!({}),
                });
                whole[part] = value;
            }
        }
    }
    out
}

/// Strings are cleared by `""` (as the vendor's Terraform provider does), lists by `[]`.
fn cleared(column: &str) -> Value {
    match fields::TABLE.field(column).map(|field| field.kind) {
        Some(Kind::TextList | Kind::ObjectList | Kind::NameList) => json!([]),
        _ => json!(""),
    }
}

/// Dotted columns as nested objects, everything else as it is: a blind row's body.
pub(super) fn nest(columns: &Map<String, Value>, out: &mut Map<String, Value>) {
    for (column, value) in columns {
        match column.split_once('.') {
            Some((top, part)) if fields::TABLE.field(column).is_some() => {
                let whole = out.entry(top).or_insert_with(|| json!({}));
                if let Value::Object(parts) = whole {
                    parts.insert(part.into(), value.clone());
                }
            }
            _ => {
                out.insert(column.clone(), value.clone());
            }
        }
    }
}

/// The retry policy (facts/genesys.md, sections 2.4, 3.3 and 3.5).
pub(super) fn verdict(_request: &Request, answer: &Answer) -> Verdict {
    match answer.status {
        200..=299 => Verdict::Applied { version: answer.json().and_then(|body| number(&body["version"])) },
        429 => Verdict::Throttled(scope(answer)),
        401 => Verdict::Unauthorized {
            renew: refusal(answer).code.as_deref() != Some("ip.not.authorized"),
            may_be_the_rows: false,
        },
        403 => match refusal(answer).code.as_deref() {
            Some("missing.division.permission" | "missing.any.division.permissions" | "authz.policy.denied") => {
                Verdict::Rejected
            }
            _ => Verdict::Forbidden,
        },
        409 | 412 => Verdict::Conflict,
        // The same conflict, another status: decided by the message, because a duplicate e-mail has the same code.
        400 if refusal(answer).message.is_some_and(|text| text.contains("does not match the current version")) => {
            Verdict::Conflict
        }
        408 | 500 | 502..=599 => Verdict::Transient,
        _ => Verdict::Rejected,
    }
}

fn scope(answer: &Answer) -> Scope {
    match answer.json().and_then(|body| body["limit"]["namespace"].as_str()) {
        Some(GATEWAY) => Scope::Token,
        Some(_) => Scope::Service,
        None => Scope::Unsaid,
    }
}

fn correlation(answer: &Answer) -> Option<String> {
    answer.header("inin-correlation-id").next().map(str::to_owned)
}

/// Genesys Cloud's ErrorBody, OAuth's error body, or whatever a gateway in front of them says.
pub(super) fn refusal(answer: &Answer) -> Refusal {
    let body = answer.json_or_null();
    let message =
        text(body, &["message", "error_description", "description", "errorDescription"]).or_else(|| plain(answer));
    Refusal {
        status: Some(answer.status),
        code: text(body, &["code", "error"]),
        message,
        correlation_id: text(body, &["contextId"]).or_else(|| correlation(answer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::calls;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer::new(status, vec![], body.to_string().into_bytes())
    }

    #[test]
    fn every_status_has_its_verdict() {
        let said = |status, body| verdict(&calls::organization(), &answer(status, &body));
        let table = [
            (200, json!({"version": 8}), Verdict::Applied { version: Some(8) }),
            (200, json!({"version": "152"}), Verdict::Applied { version: Some(152) }),
            (204, json!(null), Verdict::Applied { version: None }),
            (400, json!({"code": "invalid.value"}), Verdict::Rejected),
            (400, json!({"code": "general.conflict", "message": "The email is taken"}), Verdict::Rejected),
            (
                400,
                json!({"message": "The version supplied does not match the current version of the user"}),
                Verdict::Conflict,
            ),
            (401, json!({"code": "bad.credentials"}), Verdict::Unauthorized { renew: true, may_be_the_rows: false }),
            (401, json!({"code": "ip.not.authorized"}), Verdict::Unauthorized { renew: false, may_be_the_rows: false }),
            (403, json!({"code": "missing.permissions"}), Verdict::Forbidden),
            (403, json!({"code": "missing.division.permission"}), Verdict::Rejected),
            (404, json!({"code": "not.found"}), Verdict::Rejected),
            (408, json!({}), Verdict::Transient),
            (409, json!({}), Verdict::Conflict),
            (413, json!({}), Verdict::Rejected),
            (429, json!({}), Verdict::Throttled(Scope::Unsaid)),
            (429, json!({"limit": {"namespace": "platform.api"}}), Verdict::Throttled(Scope::Token)),
            (429, json!({"limit": {"namespace": "users"}}), Verdict::Throttled(Scope::Service)),
            (500, json!({}), Verdict::Transient),
            (501, json!({}), Verdict::Rejected),
            (503, json!({}), Verdict::Transient),
            (504, json!({}), Verdict::Transient),
            (302, json!({}), Verdict::Rejected),
        ];
        for (status, body, expected) in table {
            assert_eq!(said(status, body.clone()), expected, "{status} {body}");
        }
    }

    #[test]
    fn an_expand_that_is_missing_is_not_known_and_never_empty() {
        let tops = ["profileSkills", "title", "manager"].map(String::from);
        assert_eq!(Value::Object(writable(&json!({"id": "u"}), tops.iter())), json!({"title": null, "manager": null}));
    }

    #[test]
    fn the_quota_is_the_client_credentials_tokens() {
        let body = json!({"entities": [
            {"key": "token.rate.per.minute", "namespace": GATEWAY, "value": 300},
            {"key": "client.credentials.token.rate.per.minute", "namespace": GATEWAY, "value": 900},
        ]});
        assert_eq!(quota(&answer(200, &body)).map(|quota| quota.allowed), Some(900));
        assert_eq!(quota(&answer(200, &json!({}))), None);
    }

    #[test]
    fn a_refusal_is_read_from_whatever_the_gateway_says() {
        let full = json!({"message": "no", "code": "not.found", "status": 404, "contextId": "c-1"});
        let refused = refusal(&answer(404, &full));
        assert_eq!((refused.code.as_deref(), refused.correlation_id.as_deref()), (Some("not.found"), Some("c-1")));
        let html = Answer::new(502, vec![], b"<html>".to_vec());
        assert_eq!(refusal(&html).message.as_deref(), Some("the answer is an HTML page, not the API's JSON"));
        let oauth = json!({"error": "invalid_client", "error_description": "wrong"});
        assert_eq!(refusal(&answer(401, &oauth)).line(), "401 invalid_client wrong");
    }
}
