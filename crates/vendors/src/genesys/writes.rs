//! Row and user → changes → calls that write.

use super::maker::{Maker, not_told};
use super::requests::write;
use super::{Genesys, changes, fields, grants, limits, lists};
use crate::http::encode;
use paceline_core::desired::Row;
use paceline_core::plan::{Change, Guard};
use paceline_core::vendor::{BLIND, Directory as _, Method, Names, Refusal, Request, User, Writes};
use serde_json::{Map, Value, json};

impl Writes for Genesys {
    fn changes(&self, row: &Row, user: &User, names: &Names) -> Result<Vec<Change>, Refusal> {
        let mut maker = Maker { row: row.number, user, changes: vec![] };
        changes::fields(&mut maker, row, names)?;
        changes::one_of(&mut maker, row, names, "division")?;
        changes::one_of(&mut maker, row, names, "team")?;
        for list in fields::RATED {
            lists::rated(&mut maker, row, names, list)?;
        }
        for list in fields::MEMBER {
            lists::members(&mut maker, row, names, list)?;
        }
        changes::attributes(&mut maker, row, names)?;
        if user.version.is_none()
            && maker.changes.iter().any(|change| matches!(change.kind.as_str(), "fields" | "state"))
        {
            // Without it a PATCH is taken whoever has written since.
            return Err(not_told("version"));
        }
        maker.changes.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(maker.changes)
    }

    fn undo(&self, change: &Change) -> Vec<Change> {
        let user = User { id: change.user.clone(), version: change.version, record: Value::Null };
        let mut maker = Maker { row: change.key.row, user: &user, changes: vec![] };
        let (before, after) = (change.after.clone(), change.before.clone());
        let columns = change.columns.clone();
        match change.kind.as_str() {
            // Its schemas' versions are in its group.
            "attributes" => maker.push_to(change.key.group.clone(), "attributes", columns, before, after),
            kind @ ("fields" | "autoanswer") => {
                let after = changes::emptied(after, &before);
                maker.push(kind, columns, before, after);
            }
            _ => lists::undo(&mut maker, change),
        }
        maker.changes
    }

    fn guard(&self, change: &Change) -> Guard {
        // What replaces nothing that was there overwrites nobody.
        let replaces_nothing = || change.after.keys().all(|key| change.before.get(key).is_some_and(Value::is_null));
        match change.kind.as_str() {
            "fields" | "state" if change.version.is_some() => Guard::Version,
            "skills+" | "languages" if replaces_nothing() => Guard::Idempotent,
            BLIND | "skill-" | "language-" => Guard::Idempotent,
            kind if ["groups", "queues", "roles", "grants"].iter().any(|list| kind.starts_with(list)) => {
                Guard::Idempotent
            }
            _ => Guard::Compare,
        }
    }

    fn rebase(&self, change: Change, user: &User) -> Change {
        lists::placed(Change { version: user.version.or(change.version), ..change }, &user.record)
    }

    fn width(&self, change: &Change) -> usize {
        limits::width(change).most
    }

    fn width_is_published(&self, change: &Change) -> bool {
        limits::width(change).is_published
    }

    fn call(&self, changes: &[Change]) -> Request {
        // The engine never asks for a call without changes; an empty one would be a read of nobody.
        let Some(change) = changes.first() else { return self.whoami() };
        let users: Vec<&str> = changes.iter().map(|change| change.user.as_str()).collect();
        let group = encode(&change.key.group);
        let comma = || users.iter().map(|user| encode(user)).collect::<Vec<_>>().join(",");
        use Method::{Delete, Patch, Post, Put};
        match change.kind.as_str() {
            "autoanswer" => {
                let body = changes
                    .iter()
                    .map(|change| json!({"id": change.user, "acdAutoAnswer": change.after.get("acdAutoAnswer")}));
                write(Patch, "PATCH /api/v2/users/bulk", "/api/v2/users/bulk".into(), Some(body.collect()))
            }
            "division" => write(
                Post,
                "POST /api/v2/authorization/divisions/{divisionId}/objects/{objectType}",
                format!("/api/v2/authorization/divisions/{group}/objects/USER"),
                Some(json!(users)),
            ),
            "team" => match change.key.group.strip_prefix('-') {
                Some(team) => {
                    let target = format!("/api/v2/teams/{}/members?id={}", encode(team), comma());
                    write(Delete, "DELETE /api/v2/teams/{teamId}/members", target, None)
                }
                None => {
                    let target = format!("/api/v2/teams/{}/members", encode(change.key.group.trim_start_matches('+')));
                    write(Post, "POST /api/v2/teams/{teamId}/members", target, Some(json!({"memberIds": users})))
                }
            },
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
            "grants+" => {
                let (role, divisions) = grants::granted_in(change);
                let target = format!("/api/v2/authorization/roles/{}?subjectType=PC_USER", encode(role));
                let body = json!({"subjectIds": users, "divisionIds": divisions});
                write(Post, "POST /api/v2/authorization/roles/{roleId}", target, Some(body))
            }
            _ => own_call(change),
        }
    }
}

/// The call of a change that goes alone.
fn own_call(change: &Change) -> Request {
    use Method::{Delete, Patch, Post, Put};
    let (user, group) = (encode(change.user.as_str()), encode(&change.key.group));
    match change.kind.as_str() {
        "skills" => {
            let items = change.after.get("skills").and_then(Value::as_array).into_iter().flatten();
            let body = items.map(|item| json!({"id": item["id"], "proficiency": item["proficiency"]})).collect();
            let target = format!("/api/v2/users/{user}/routingskills/bulk");
            write(Put, "PUT /api/v2/users/{userId}/routingskills/bulk", target, Some(body))
        }
        "skills+" => {
            let target = format!("/api/v2/users/{user}/routingskills/bulk");
            write(Patch, "PATCH /api/v2/users/{userId}/routingskills/bulk", target, Some(ratings(change)))
        }
        "languages" => {
            let target = format!("/api/v2/users/{user}/routinglanguages/bulk");
            write(Patch, "PATCH /api/v2/users/{userId}/routinglanguages/bulk", target, Some(ratings(change)))
        }
        "skill-" => {
            let target = format!("/api/v2/users/{user}/routingskills/{group}");
            write(Delete, "DELETE /api/v2/users/{userId}/routingskills/{skillId}", target, None)
        }
        "language-" => {
            let target = format!("/api/v2/users/{user}/routinglanguages/{group}");
            write(Delete, "DELETE /api/v2/users/{userId}/routinglanguages/{languageId}", target, None)
        }
        "attributes" => {
            let target = format!("/api/v2/users/{user}/customattributes/bulk");
            write(Patch, "PATCH /api/v2/users/{userId}/customattributes/bulk", target, Some(attributes(change)))
        }
        "grants-" => {
            let (role, divisions) = grants::granted_in(change);
            let grant = |division| json!({"roleId": role, "divisionId": division});
            let grants: Value = divisions.into_iter().map(grant).collect();
            let target = format!("/api/v2/authorization/subjects/{user}/bulkremove");
            let template = "POST /api/v2/authorization/subjects/{subjectId}/bulkremove";
            write(Post, template, target, Some(json!({"grants": grants})))
        }
        _ => {
            let target = format!("/api/v2/users/{user}");
            write(Patch, "PATCH /api/v2/users/{userId}", target, Some(Value::Object(patch(change))))
        }
    }
}

/// What is added or rated anew, and nothing else: `skills/ID` → `{"id", "proficiency"}`.
fn ratings(change: &Change) -> Value {
    let one = |(key, item): (&String, &Value)| {
        let id = key.split_once('/').map_or(key.as_str(), |(_, id)| id);
        json!({"id": id, "proficiency": item["proficiency"]})
    };
    change.after.iter().map(one).collect()
}

/// Each schema with its version, which the change's group tells, and the attributes to set.
fn attributes(change: &Change) -> Value {
    let schemas = change.key.group.split(',').filter_map(|schema| schema.rsplit_once('@'));
    let of = |(id, version): (&str, &str)| {
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
    schemas.map(of).collect()
}

/// The body of one PATCH; blind, the row's fields as they are, dotted ones nested.
fn patch(change: &Change) -> Map<String, Value> {
    let mut body = Map::new();
    if change.kind == BLIND {
        nest(&change.after, &mut body);
        return body;
    }
    if let Some(version) = change.version {
        body.insert("version".into(), json!(version));
    }
    body.extend(change.after.clone());
    body
}

fn nest(columns: &Map<String, Value>, out: &mut Map<String, Value>) {
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
