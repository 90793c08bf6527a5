//! Changes → calls, and the calls that read (facts/genesys.md, sections 3 to 5).

use super::{fields, wire};
use crate::http::encode;
use paceline_core::plan::Change;
use paceline_core::vendor::{BLIND, Effect, Host, Method, Request};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

fn get(template: &'static str, target: String) -> Request {
    Request { host: Host::Base, method: Method::Get, template, target, body: None, effect: Effect::Read }
}

pub(super) fn organization() -> Request {
    get("GET /api/v2/organizations/me", "/api/v2/organizations/me".into())
}

pub(super) fn limits() -> Request {
    let target = "/api/v2/organizations/limits/namespaces/platform.api";
    get("GET /api/v2/organizations/limits/namespaces/{namespaceName}", target.into())
}

pub(super) fn read(users: &[String], columns: &BTreeSet<String>) -> Request {
    let mut target = format!("/api/v2/users?pageSize={}&state=any", users.len().max(25));
    for user in users {
        target += "&id=";
        target += &encode(user);
    }
    target += &expands(columns);
    get("GET /api/v2/users", target)
}

/// The largest page in use: facts/genesys.md, section 5.2.
pub(super) fn everyone(state: Option<&str>, columns: &BTreeSet<String>, page: Option<&str>) -> Request {
    let (state, page) = (state.unwrap_or("any"), page.unwrap_or("1"));
    let target = format!("/api/v2/users?pageSize=500&pageNumber={page}&state={state}{}", expands(columns));
    get("GET /api/v2/users", target)
}

fn expands(columns: &BTreeSet<String>) -> String {
    let expands: BTreeSet<&str> = columns.iter().filter_map(|column| fields::expands(column)).collect();
    expands.into_iter().map(|expand| format!("&expand={expand}")).collect()
}

pub(super) fn search(emails: &[String]) -> Request {
    Request {
        host: Host::Base,
        method: Method::Post,
        template: "POST /api/v2/users/search",
        target: "/api/v2/users/search".into(),
        body: Some(json!({
            "pageSize": 100, "pageNumber": 1,
            "query": [
                {"type": "EXACT", "fields": ["email"], "values": emails},
                {"type": "EXACT", "fields": ["state"], "values": ["active", "inactive"]},
            ],
        })),
        effect: Effect::Read,
    }
}

/// One page of a list of the tenant's.
pub(super) fn list(list: &str, next: Option<&str>) -> Request {
    // The largest pages in use: facts/genesys.md, section 5.2.
    let (template, size) = match list {
        "skill" => ("GET /api/v2/routing/skills", 500),
        "language" => ("GET /api/v2/routing/languages", 100),
        "queue" => ("GET /api/v2/routing/queues", 500),
        "group" => ("GET /api/v2/groups", 500),
        "role" => ("GET /api/v2/authorization/roles", 100),
        "location" => ("GET /api/v2/locations", 100),
        fields::SCHEMA => {
            return get("GET /api/v2/users/customattributes/schemas", "/api/v2/users/customattributes/schemas".into());
        }
        "team" => ("GET /api/v2/teams", 100),
        _ => ("GET /api/v2/authorization/divisions", 100),
    };
    let path = template.trim_start_matches("GET ");
    let page = match (list, next) {
        ("team", Some(after)) => format!("&after={}", encode(after)),
        ("team", None) => String::new(),
        (_, page) => format!("&pageNumber={}", page.unwrap_or("1")),
    };
    get(template, format!("{path}?pageSize={size}{page}"))
}

/// The largest page of a queue's members: facts/genesys.md, section 5.2.
pub(super) const MEMBERS: u64 = 100;

/// One page of a queue's members, joined or not.
pub(super) fn members_of(queue: &str, page: Option<&str>) -> Request {
    let queue = encode(queue);
    let target = format!(
        "/api/v2/routing/queues/{queue}/members?pageSize={MEMBERS}&pageNumber={}&memberBy=user",
        page.unwrap_or("1")
    );
    get("GET /api/v2/routing/queues/{queueId}/members", target)
}

/// One page of a user's queues: first those joined, then the others (the call tells either).
pub(super) fn queues_of(user: &str, page: Option<&str>) -> Request {
    let (joined, page) = page.and_then(|page| page.split_once(':')).unwrap_or(("true", "1"));
    let target = format!("/api/v2/users/{}/queues?pageSize=100&pageNumber={page}&joined={joined}", encode(user));
    get("GET /api/v2/users/{userId}/queues", target)
}

/// The custom attributes of one user, of some schemas. The key tells both: the user's id and the schemas', spaces between.
pub(super) fn attributes_of(key: &str) -> Request {
    let mut ids = key.split(' ');
    let user = encode(ids.next().unwrap_or_default());
    let ids = ids.map(|id| format!("schemaIds={}", encode(id))).collect::<Vec<_>>().join("&");
    let target = format!("/api/v2/users/{user}/customattributes/bulk?{ids}");
    get("GET /api/v2/users/{userId}/customattributes/bulk", target)
}

/// Users a call: facts/genesys.md, section 4. Where the maximum is unpublished, the sibling's number; a call that is
/// too wide is refused and halved.
pub(super) fn width(change: &Change) -> usize {
    match change.kind.as_str() {
        "autoanswer" | "division" | "groups+" | "groups-" | "roles+" | "roles-" => 50,
        "queues+" | "queues-" => 100,
        "team" if change.key.group.starts_with('-') => 25,
        "team" => 50,
        _ => 1,
    }
}

/// The call that carries `changes`, all of one stage and group.
pub(super) fn call(changes: &[Change]) -> Request {
    // The engine never asks for a call without changes; an empty one would be a read of nobody.
    let Some(change) = changes.first() else { return organization() };
    let user = encode(change.user.as_str());
    let users: Vec<&str> = changes.iter().map(|change| change.user.as_str()).collect();
    let group = encode(&change.key.group);
    let comma = || users.iter().map(|user| encode(user)).collect::<Vec<_>>().join(",");
    // All of these set what they set, whatever was there: sent again after a lost answer, they do no harm.
    let write = |method, template, target: String, body: Option<Value>| Request {
        host: Host::Base,
        method,
        template,
        target,
        body,
        effect: Effect::Write,
    };
    use Method::{Delete, Patch, Post, Put};
    match change.kind.as_str() {
        "autoanswer" => {
            let body =
                changes.iter().map(|change| json!({"id": change.user, "acdAutoAnswer": change.after["acdAutoAnswer"]}));
            write(Patch, "PATCH /api/v2/users/bulk", "/api/v2/users/bulk".into(), Some(body.collect()))
        }
        "division" => write(
            Post,
            "POST /api/v2/authorization/divisions/{divisionId}/objects/{objectType}",
            format!("/api/v2/authorization/divisions/{group}/objects/USER"),
            Some(json!(users)),
        ),
        "skills" => write(
            Put,
            "PUT /api/v2/users/{userId}/routingskills/bulk",
            format!("/api/v2/users/{user}/routingskills/bulk"),
            Some(wire::ratings(change.after.get("skills").and_then(Value::as_array).into_iter().flatten())),
        ),
        "languages" => {
            let items = change.after.iter().map(
                |(key, item)| json!({"id": key.trim_start_matches("languages/"), "proficiency": item["proficiency"]}),
            );
            let target = format!("/api/v2/users/{user}/routinglanguages/bulk");
            write(Patch, "PATCH /api/v2/users/{userId}/routinglanguages/bulk", target, Some(items.collect()))
        }
        "attributes" => {
            let target = format!("/api/v2/users/{user}/customattributes/bulk");
            write(
                Patch,
                "PATCH /api/v2/users/{userId}/customattributes/bulk",
                target,
                Some(wire::attributes_body(change)),
            )
        }
        "language-" => {
            let target = format!("/api/v2/users/{user}/routinglanguages/{group}");
            write(Delete, "DELETE /api/v2/users/{userId}/routinglanguages/{languageId}", target, None)
        }
        "team" => {
            let team = encode(&change.key.group[1..]);
            if change.key.group.starts_with('-') {
                let target = format!("/api/v2/teams/{team}/members?id={}", comma());
                return write(Delete, "DELETE /api/v2/teams/{teamId}/members", target, None);
            }
            let target = format!("/api/v2/teams/{team}/members");
            write(Post, "POST /api/v2/teams/{teamId}/members", target, Some(json!({"memberIds": users})))
        }
        "groups+" => {
            let target = format!("/api/v2/groups/{group}/members");
            write(Post, "POST /api/v2/groups/{groupId}/members", target, Some(json!({"memberIds": users})))
        }
        "groups-" => {
            let target = format!("/api/v2/groups/{group}/members?ids={}", comma());
            write(Delete, "DELETE /api/v2/groups/{groupId}/members", target, None)
        }
        kind @ ("queues+" | "queues-") => {
            let body = users.iter().map(|user| json!({"id": user})).collect();
            let target = format!("/api/v2/routing/queues/{group}/members?delete={}", kind == "queues-");
            write(Post, "POST /api/v2/routing/queues/{queueId}/members", target, Some(body))
        }
        "roles+" => {
            let target = format!("/api/v2/authorization/roles/{group}/users/add");
            write(Put, "PUT /api/v2/authorization/roles/{roleId}/users/add", target, Some(json!(users)))
        }
        "roles-" => {
            let target = format!("/api/v2/authorization/roles/{group}/users/remove");
            write(Put, "PUT /api/v2/authorization/roles/{roleId}/users/remove", target, Some(json!(users)))
        }
        _ => {
            let target = format!("/api/v2/users/{user}");
            write(Patch, "PATCH /api/v2/users/{userId}", target, Some(Value::Object(patch(change))))
        }
    }
}

/// The body of one PATCH; blind, the row's fields as they are, dotted ones nested.
fn patch(change: &Change) -> Map<String, Value> {
    let mut body = Map::new();
    if change.kind == BLIND {
        wire::nest(&change.after, &mut body);
        return body;
    }
    if let Some(version) = change.version {
        body.insert("version".into(), json!(version));
    }
    body.extend(change.after.clone());
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_many_a_call_whatever_their_state() {
        let ids = ["a", "b/c"].map(String::from);
        let columns = ["title", "employerInfo.dateHire", "skills+", "roles"].map(String::from).into();
        assert_eq!(
            read(&ids, &columns).target,
            "/api/v2/users?pageSize=25&state=any&id=a&id=b%2Fc&expand=authorization&expand=employerInfo&expand=skills"
        );
    }
}
