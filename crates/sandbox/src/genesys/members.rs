//! Who belongs where: groups, queues, teams, divisions and roles, many users a call.

use super::org::{Org, Users, no_such, not_found, too_many, wrong_body};
use super::pages::{Page, by_cursor};
use crate::http::{Reply, decode};
use crate::odd::Odd;
use crate::visit::{Visit, flag};
use serde_json::{Value, json};
use std::time::Duration;

/// Users a call may carry (published, or assumed where the published description says only that there is a maximum).
const MAX_DIVISION: usize = 50;
const MAX_GROUP: usize = 50;
const MAX_QUEUE: usize = 100;
const MAX_TEAM: usize = 25;
const MAX_ROLE: usize = 1_000;

/// A change of a group that is accepted and not seen yet.
#[derive(Debug)]
pub(super) struct Later {
    due: Duration,
    group: Value,
    users: Vec<String>,
    joins: bool,
}

impl Later {
    /// Makes it once its time has come.
    pub(super) fn make(&self, now: Duration, users: &mut Users) -> bool {
        let is_due = now >= self.due;
        if is_due {
            set_all(users, "groups", &self.group, &self.users, self.joins);
        }
        is_due
    }
}

pub(super) fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

pub(super) fn ids_of(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect()
}

/// Whether a user's list holds an item.
pub(super) fn holds(user: &Value, list: &str, id: &str) -> bool {
    user[list].as_array().into_iter().flatten().any(|held| held["id"].as_str() == Some(id))
}

fn leave(held: &mut Value, id: &str) {
    if let Some(held) = held.as_array_mut() {
        held.retain(|item| item["id"].as_str() != Some(id));
    }
}

fn set_all(users: &mut Users, list: &str, item: &Value, ids: &[String], joins: bool) {
    for id in ids {
        let Some(user) = users.get_mut(id) else { continue };
        leave(&mut user[list], item["id"].as_str().unwrap_or_default());
        if let (true, Some(held)) = (joins, user[list].as_array_mut()) {
            held.push(item.clone());
        }
    }
}

/// Whom a call names, or why it is refused before anything is done.
fn asked(visit: &Visit, ids: Vec<String>, most: usize, code: &str, users: &Users) -> Result<Vec<String>, Reply> {
    if ids.is_empty() {
        return Err(wrong_body());
    }
    if ids.len() > most || visit.too_wide(ids.len()) {
        return Err(too_many(code, most));
    }
    if ids.iter().any(|id| !users.contains_key(id)) {
        return Err(Reply::error(400, "general.resource.not.found", "One or more users were not found"));
    }
    Ok(ids)
}

fn body(visit: &Visit) -> Value {
    visit.request.json().unwrap_or_default()
}

fn either(answer: Result<Reply, Reply>) -> Reply {
    answer.unwrap_or_else(|refusal| refusal)
}

/// Groups: accepted with 202, and seen when they are seen.
pub(super) fn group(org: &mut Org, visit: &mut Visit, id: &str, users: &mut Users, later: &mut Vec<Later>) -> Reply {
    let joins = visit.request.method == "POST";
    if visit.take(Odd::Conflict400) {
        return Reply::error(400, "general.conflict", "The group was changed by somebody else");
    }
    let ids = if joins { strings(&body(visit)["memberIds"]) } else { visit.request.list("ids") };
    either((|| {
        let group = org.target(visit, "groups", id)?;
        let id = group["id"].as_str().unwrap_or_default();
        let ids = asked(visit, ids, MAX_GROUP, "bad.request", users)?;
        let version = org.version(id);
        // It is optional; a stale one is refused.
        if joins && body(visit).get("version").is_some_and(|sent| sent.as_i64() != Some(version)) {
            return Err(Reply::error(409, "general.conflict", "Resource conflict - Unexpected version was provided"));
        }
        org.versions.insert(id.to_owned(), version + 1);
        let stores = visit.stores("groups");
        let ids: Vec<String> = ids.into_iter().filter(|id| stores && !org.lost_members.contains(id)).collect();
        match visit.odds.seconds(Odd::LateMembers, visit.call, 2.0) {
            Some(wait) => {
                let due = visit.now + Duration::from_secs_f64(wait);
                later.push(Later { due, group, users: ids, joins });
            }
            None => set_all(users, "groups", &group, &ids, joins),
        }
        Ok(Reply::json(202, &json!({})))
    })())
}

/// One page of whom a list's item has, as users or references.
pub(super) fn of(visit: &Visit, list: &str, id: &str, users: &Users, show: impl Fn(&Value) -> Value) -> Reply {
    let id = decode(id);
    let is_in = |user: &Value| match list {
        "teams" => user["team"]["id"].as_str() == Some(&id),
        _ => holds(user, list, &id),
    };
    let mut members: Vec<&Value> = users.values().filter(|user| is_in(user)).collect();
    members.sort_by_key(|user| user["id"].as_str());
    if list == "teams" {
        let shown: Vec<Value> = members.into_iter().map(show).collect();
        return by_cursor(visit, &shown, MAX_QUEUE);
    }
    match Page::asked(visit, MAX_QUEUE) {
        Ok(page) => {
            let shown = page.of(visit, &members).into_iter().map(show).collect();
            Reply::json(200, &page.listing(visit, members.len(), shown))
        }
        Err(refusal) => refusal,
    }
}

/// A queue's members; `total`, `pageCount` and `lastUri` are left out, as the vendor does.
pub(super) fn of_queue(org: &Org, visit: &Visit, id: &str, users: &Users) -> Reply {
    if org.item("queues", id).is_none() {
        return no_such("queues");
    }
    let asked = visit.request.query("joined").first().and_then(|joined| flag(joined));
    let own = decode(id);
    let joined = |user: &Value| {
        let held = user["queues"].as_array().into_iter().flatten().find(|held| held["id"].as_str() == Some(&own));
        held.is_some_and(|held| held["joined"] != false)
    };
    let chosen: Users = users
        .iter()
        .filter(|(_, user)| holds(user, "queues", &own) && asked.is_none_or(|asked| asked == joined(user)))
        .map(|(id, user)| (id.clone(), user.clone()))
        .collect();
    let mut reply = of(visit, "queues", id, &chosen, |user| {
        let member = user["id"].as_str().unwrap_or_default();
        json!({
            "id": member, "name": user["name"], "joined": joined(user), "memberBy": "user", "ringNumber": 1,
            "user": {"id": member, "name": user["name"], "version": user["version"]},
            "selfUri": visit.uri(&format!("/api/v2/routing/queues/{own}/members/{member}")),
        })
    });
    if let Ok(Value::Object(mut body)) = serde_json::from_slice(&reply.body) {
        ["total", "pageCount", "lastUri"].iter().for_each(|key| drop(body.remove(*key)));
        reply.body = Value::Object(body).to_string().into_bytes();
    }
    reply
}

/// Queues: adding, removing, and who has joined.
pub(super) fn queue(org: &Org, visit: &mut Visit, id: &str, member: Option<&str>, users: &mut Users) -> Reply {
    if visit.take(Odd::Conflict400) {
        return Reply::error(400, "general.conflict", "The queue was changed by somebody else");
    }
    let method = visit.request.method.as_str();
    let ids = member.map_or_else(|| ids_of(&body(visit)), |member| vec![decode(member)]);
    let removes = method == "DELETE" || visit.request.query("delete").first().and_then(|text| flag(text)) == Some(true);
    either((|| {
        let queue = org.target(visit, "queues", id)?;
        let ids = asked(visit, ids, MAX_QUEUE, "bad.request", users)?;
        if method == "PATCH" {
            let items = member.map_or_else(|| body(visit), |_| json!([body(visit)]));
            for (id, item) in ids.iter().zip(items.as_array().into_iter().flatten()) {
                let held = users.get_mut(id).and_then(|user| user["queues"].as_array_mut());
                let held = held.and_then(|held| held.iter_mut().find(|held| held["id"] == queue["id"]));
                let (Some(held), Some(joined)) = (held, item["joined"].as_bool()) else { return Err(wrong_body()) };
                held["joined"] = json!(joined);
            }
        } else {
            // Who is in already stays as he is, joined or not.
            let new: Vec<String> = ids
                .into_iter()
                .filter(|id| {
                    let own = queue["id"].as_str().unwrap_or_default();
                    visit.stores("queues") && (removes || !users.get(id).is_some_and(|user| holds(user, "queues", own)))
                })
                .collect();
            set_all(users, "queues", &queue, &new, !removes);
        }
        // What is published declares neither a status nor a body.
        Ok(Reply::empty(if member.is_some() { 204 } else { 200 }))
    })())
}

/// The queues of one user, joined or not.
pub(super) fn queues_of(org: &Org, visit: &Visit, user: Option<&Value>) -> Reply {
    let Some(user) = user else { return not_found() };
    let asked = visit.request.query("joined").first().and_then(|joined| flag(joined)).unwrap_or(true);
    let held = user["queues"].as_array().into_iter().flatten();
    let wanted = held.filter(|queue| (queue["joined"] != false) == asked);
    let shown: Vec<Value> = wanted
        .map(|queue| {
            let mut shown = org.shown(visit, "queues", queue, 1);
            shown["joined"] = json!(asked);
            shown
        })
        .collect();
    Page::asked(visit, MAX_QUEUE).map_or_else(|refusal| refusal, |page| page.reply(visit, &shown))
}

/// Teams tell their failures one by one.
pub(super) fn team(org: &Org, visit: &Visit, id: &str, users: &mut Users) -> Reply {
    let adds = visit.request.method == "POST";
    let ids = if adds { strings(&body(visit)["memberIds"]) } else { visit.request.list("id") };
    either((|| {
        let team = org.target(visit, "teams", id)?;
        if ids.is_empty() {
            return Err(wrong_body());
        }
        if ids.len() > MAX_TEAM || visit.too_wide(ids.len()) {
            return Err(too_many(if adds { "bad.request" } else { "max.user.ids" }, MAX_TEAM));
        }
        let (mut entities, mut failures) = (vec![], vec![]);
        for id in ids {
            let refused = match visit.faulty.get(&id) {
                Some(403) => Some("UserGroupDivisionMismatch"),
                Some(404) => Some("UserNotFound"),
                Some(_) => Some("UserGroupLimitExceeded"),
                None => None,
            };
            match (refused, users.get_mut(&id)) {
                (None, Some(user)) if adds => {
                    if visit.stores("team") {
                        user["team"] = team.clone();
                    }
                    entities.push(json!({"id": id, "selfUri": visit.uri(&format!("/api/v2/users/{id}"))}));
                }
                (None, Some(Value::Object(user))) => {
                    if user.get("team").is_some_and(|held| held["id"] == team["id"]) {
                        user.remove("team");
                    }
                }
                (reason, _) => failures.push(json!({"id": id, "reason": reason.unwrap_or("UserNotFound")})),
            }
        }
        let told = json!({"entities": entities, "failures": failures});
        Ok(if adds { Reply::json(200, &told) } else { Reply::empty(204) })
    })())
}

/// Moves users to a division.
pub(super) fn division(org: &Org, visit: &Visit, id: &str, users: &mut Users) -> Reply {
    either((|| {
        let division = org.target(visit, "divisions", id)?;
        let Some(Value::Array(listed)) = visit.request.json() else { return Err(wrong_body()) };
        let ids = strings(&json!(listed));
        if ids.len() != listed.len() {
            return Err(wrong_body());
        }
        if ids.is_empty() {
            return Err(Reply::error(400, "empty.bulk.division.update", "There is nothing to update"));
        }
        if ids.len() > MAX_DIVISION || visit.too_wide(ids.len()) {
            return Err(too_many("too.many.bulk.division.updates", MAX_DIVISION));
        }
        if ids.iter().any(|id| !users.contains_key(id)) {
            return Err(Reply::error(409, "bulk.move.unable.to.move", "One or more objects could not be moved"));
        }
        for id in ids.iter().filter(|_| visit.stores("division")) {
            if let Some(user) = users.get_mut(id) {
                user["division"] = division.clone();
            }
        }
        Ok(Reply::empty(204))
    })())
}

/// Grants a role in a division, or takes it back in one or in all.
fn grant(org: &Org, user: &mut Value, role: &Value, division: Option<&Value>, adds: bool) {
    if let Some(held) = user["grants"].as_array_mut() {
        held.retain(|grant| grant["role"] != *role || division.is_some_and(|division| grant["division"] != *division));
        if let (true, Some(division)) = (adds, division) {
            held.push(json!({"role": role, "division": division}));
        }
    }
    org.settle_roles(user);
}

/// A role of many users: granted in the home division, taken back in all of them.
pub(super) fn role(org: &Org, visit: &Visit, id: &str, adds: bool, users: &mut Users) -> Reply {
    either((|| {
        let role = org.target(visit, "roles", id)?["id"].clone();
        let ids = asked(visit, strings(&body(visit)), MAX_ROLE, "max.role.assignments.exceeded", users)?;
        let home = org.first("divisions")["id"].clone();
        for id in ids.iter().filter(|_| visit.stores("roles")) {
            if let Some(user) = users.get_mut(id) {
                grant(org, user, &role, adds.then_some(&home), adds);
            }
        }
        Ok(Reply::json(200, &json!(ids)))
    })())
}

/// One page of whom a role is granted to, each with the divisions.
pub(super) fn of_role(org: &Org, visit: &Visit, id: &str, users: &Users) -> Reply {
    let Some(role) = org.item("roles", id) else { return no_such("roles") };
    let one = |user: &Value| {
        let grants = user["grants"].as_array().into_iter().flatten().filter(|grant| grant["role"] == role["id"]);
        let divisions = grants.filter_map(|grant| org.item("divisions", grant["division"].as_str()?));
        let divisions: Vec<Value> = divisions.map(|division| org.place(visit, &division)).collect();
        (!divisions.is_empty()).then(|| {
            json!({"id": user["id"], "name": user["name"], "type": "PC_USER", "divisions": divisions,
                "selfUri": visit.uri(&format!("/api/v2/authorization/subjects/{}", user["id"].as_str().unwrap_or_default()))})
        })
    };
    let mut found: Vec<Value> = users.values().filter_map(one).collect();
    found.sort_by(|a, b| a["id"].as_str().cmp(&b["id"].as_str()));
    Page::asked(visit, MAX_QUEUE).map_or_else(|refusal| refusal, |page| page.reply(visit, &found))
}

/// A role of many users in some divisions.
pub(super) fn role_in(org: &Org, visit: &Visit, id: &str, users: &mut Users) -> Reply {
    either((|| {
        let role = org.target(visit, "roles", id)?["id"].clone();
        let body = body(visit);
        let divisions = strings(&body["divisionIds"]);
        let kind = visit.request.query("subjectType");
        if kind.first().is_some_and(|kind| kind != "PC_USER") {
            return Err(Reply::error(400, "invalid.subject.type", "The sandbox knows PC_USER"));
        }
        let known = divisions.iter().all(|id| org.item("divisions", id).is_some());
        if divisions.is_empty() || !known {
            return Err(wrong_body());
        }
        let ids = asked(visit, strings(&body["subjectIds"]), MAX_ROLE, "max.role.assignments.exceeded", users)?;
        for id in &ids {
            if let Some(user) = users.get_mut(id) {
                divisions.iter().for_each(|division| grant(org, user, &role, Some(&json!(division)), true));
            }
        }
        Ok(Reply::empty(204))
    })())
}

/// The grants of one user: read, one by one, and in bulk.
pub(super) fn grants(org: &Org, visit: &Visit, id: &str, rest: &[&str], users: &mut Users) -> Reply {
    let Some(user) = users.get_mut(&decode(id)) else { return not_found() };
    let method = visit.request.method.as_str();
    either((|| {
        match (method, rest) {
            ("GET", []) => return Ok(Reply::json(200, &subject(org, visit, user))),
            ("POST" | "DELETE", ["divisions", division, "roles", role]) => {
                let (Some(division), role) = (org.item("divisions", division), org.target(visit, "roles", role)?)
                else {
                    return Err(no_such("divisions"));
                };
                grant(org, user, &role["id"], Some(&division["id"]), method == "POST");
            }
            ("POST", [act @ ("bulkadd" | "bulkremove" | "bulkreplace")]) => {
                let Some(asked) = body(visit)["grants"].as_array().cloned() else { return Err(wrong_body()) };
                let known = |grant: &Value| {
                    let text = |key: &str| grant[key].as_str().unwrap_or_default();
                    org.item("roles", text("roleId")).is_some() && org.item("divisions", text("divisionId")).is_some()
                };
                if !asked.iter().all(known) {
                    return Err(wrong_body());
                }
                if *act == "bulkreplace" {
                    user["grants"] = json!([]);
                }
                for one in asked {
                    grant(org, user, &one["roleId"], Some(&one["divisionId"]), *act != "bulkremove");
                }
                org.settle_roles(user);
            }
            _ => return Err(not_found()),
        }
        Ok(Reply::empty(204))
    })())
}

fn subject(org: &Org, visit: &Visit, user: &Value) -> Value {
    let shown = |list: &str, id: &Value| {
        let item = org.item(list, id.as_str().unwrap_or_default()).unwrap_or_default();
        org.shown(visit, list, &item, 0)
    };
    let one = |grant: &Value| {
        let mut role = shown("roles", &grant["role"]);
        if let Some(role) = role.as_object_mut() {
            ["permissions", "permissionPolicies", "base"].iter().for_each(|key| drop(role.remove(*key)));
        }
        json!({"subjectId": user["id"], "division": shown("divisions", &grant["division"]), "role": role,
            "grantMadeAt": "2025-01-31T09:00:00.000Z"})
    };
    let grants: Vec<Value> = user["grants"].as_array().into_iter().flatten().map(one).collect();
    let own = visit.uri(visit.request.path());
    json!({"id": user["id"], "name": user["name"], "grants": grants, "version": 1, "selfUri": own})
}

/// All roles of one user: read, or set in the home division.
pub(super) fn roles_of(org: &Org, visit: &Visit, id: &str, users: &mut Users) -> Reply {
    let Some(user) = users.get_mut(&decode(id)) else { return not_found() };
    if visit.request.method == "PUT" {
        let ids = strings(&body(visit));
        if ids.iter().any(|id| org.item("roles", id).is_none()) {
            return wrong_body();
        }
        let home = org.first("divisions")["id"].clone();
        user["grants"] = ids.iter().map(|id| json!({"role": id, "division": home})).collect();
        org.settle_roles(user);
    }
    Reply::json(200, &user["authorization"])
}

/// The users that a call is about, for faults on some of them.
pub(crate) fn users_of(request: &crate::Request) -> Vec<String> {
    let body = request.json().unwrap_or_default();
    let mut ids = strings(&body);
    ids.extend(ids_of(&body));
    ids.extend(strings(&body["memberIds"]));
    ids.extend(strings(&body["subjectIds"]));
    ids.extend(request.list("ids"));
    ids.extend(request.list("id"));
    ids.extend(request.path().split('/').map(decode));
    ids
}
