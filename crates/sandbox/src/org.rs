//! What users belong to: divisions, skills, languages, groups, queues, roles, teams and locations.

use crate::http::{Reply, Request, decode};
use crate::people::{mix, uuid};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Users a call may carry (published, or assumed where the published description says only that there is a maximum).
const MAX_DIVISION: usize = 50;
const MAX_GROUP: usize = 50;
const MAX_QUEUE: usize = 100;
const MAX_BULK: usize = 50;
const MAX_SKILLS: usize = 50;
const MAX_TEAM_REMOVE: usize = 25;

const LISTS: &[(&str, &[&str])] = &[
    ("divisions", &["Home", "Sales", "Service", "Billing"]),
    ("skills", &["Spanish", "German", "Billing", "Retention", "Outbound", "Chat"]),
    ("languages", &["English", "Spanish - Written", "German"]),
    ("groups", &["Supervisors", "Early Shift", "Late Shift"]),
    ("queues", &["Main Line", "Billing Line", "Chat"]),
    ("roles", &["employee", "Agent", "Supervisor"]),
    ("teams", &["Blue", "Red"]),
    ("locations", &["Madrid", "Berlin"]),
];

/// The lists of a tenant.
#[derive(Debug)]
pub(crate) struct Org {
    seed: u64,
    lists: HashMap<&'static str, Vec<Value>>,
    lost_members: Vec<String>,
}

pub(crate) fn not_found() -> Reply {
    Reply::error(404, "not.found", "The requested resource was not found")
}

fn too_many(code: &str, most: usize) -> Reply {
    Reply::error(400, code, &format!("At most {most} are allowed"))
}

fn wrong_body() -> Reply {
    Reply::error(400, "bad.request", "The request could not be understood")
}

type Users = HashMap<String, Value>;

impl Org {
    pub(crate) fn new(seed: u64, lost_members: Vec<String>) -> Self {
        let item =
            |kind: usize, at: usize, name: &&str| json!({"id": uuid(seed, 10 + kind as u64, at as u64), "name": name});
        let list = |(kind, (list, names)): (usize, &(&'static str, &[&str]))| {
            (*list, names.iter().enumerate().map(|(at, name)| item(kind, at, name)).collect())
        };
        Self { seed, lists: LISTS.iter().enumerate().map(list).collect(), lost_members }
    }

    /// Gives a new user its places.
    pub(crate) fn settle(&self, user: &mut Value, number: usize) {
        let draw = |what: u64, of: usize| (mix(self.seed ^ (what << 44) ^ number as u64) % of as u64) as usize;
        user["division"] = self.lists["divisions"][draw(1, 4) % 2].clone();
        let rated = |list: &str, what: u64| {
            let mut item = self.lists[list][draw(what, self.lists[list].len())].clone();
            item["proficiency"] = json!(1.0 + draw(what + 1, 5) as f64);
            item["state"] = json!("active");
            item
        };
        user["skills"] = json!([rated("skills", 2)]);
        user["languages"] = json!([rated("languages", 4)]);
        user["groups"] = if draw(6, 3) == 0 { json!([self.lists["groups"][1]]) } else { json!([]) };
        user["queues"] = json!([]);
        user["authorization"] = json!({"roles": [self.lists["roles"][0]]});
        if draw(7, 4) == 0 {
            user["team"] = self.lists["teams"][0].clone();
        }
    }

    fn item(&self, list: &str, id: &str) -> Option<Value> {
        self.lists.get(list)?.iter().find(|item| item["id"] == decode(id)).cloned()
    }

    pub(crate) fn answer(&self, method: &str, parts: &[&str], request: &Request, users: &mut Users) -> Reply {
        match (method, parts) {
            ("GET", ["api", "v2", "authorization", list @ ("divisions" | "roles")])
            | ("GET", ["api", "v2", "routing", list @ ("skills" | "languages" | "queues")])
            | ("GET", ["api", "v2", list @ ("groups" | "locations")]) => self.page(list, request),
            ("GET", ["api", "v2", "users", "customattributes", "schemas"]) => {
                Reply::json(200, &json!({"entities": [schema(self.seed)], "total": 1}))
            }
            ("GET", ["api", "v2", "users", id, "customattributes", "bulk"]) => {
                let Some(user) = users.get(&decode(id)) else { return not_found() };
                let asked = request.query("schemaIds");
                let held = user["customAttributes"].as_array().into_iter().flatten();
                let shown = held.filter(|one| asked.iter().any(|id| one["schema"]["id"] == *id));
                Reply::json(200, &json!(shown.collect::<Vec<_>>()))
            }
            ("PATCH", ["api", "v2", "users", id, "customattributes", "bulk"]) => {
                let Some(user) = users.get_mut(&decode(id)) else { return not_found() };
                amend_attributes(&schema(self.seed), user, request)
            }
            ("GET", ["api", "v2", "teams"]) => self.cursor_page(request),
            ("POST", ["api", "v2", "authorization", "divisions", id, "objects", "USER"]) => {
                self.item("divisions", id).map_or_else(not_found, |division| move_users(&division, request, users))
            }
            ("PATCH", ["api", "v2", "users", "bulk"]) => auto_answer(request, users),
            ("GET", ["api", "v2", "users", id, "queues"]) => users.get(&decode(id)).map_or_else(not_found, |user| {
                let queues = user["queues"].as_array().cloned().unwrap_or_default();
                // All that is joined here is joined.
                let joined = request.query("joined").first().is_none_or(|joined| joined == "true");
                let queues = if joined { queues } else { vec![] };
                Reply::json(200, &json!({"entities": queues, "pageSize": 500, "pageNumber": 1, "pageCount": 1, "total": queues.len()}))
            }),
            ("PUT", ["api", "v2", "users", id, "routingskills", "bulk"]) => self.rate("skills", true, id, request, users),
            ("PATCH", ["api", "v2", "users", id, "routinglanguages", "bulk"]) => {
                self.rate("languages", false, id, request, users)
            }
            ("DELETE", ["api", "v2", "users", id, "routinglanguages", language]) => {
                let Some(user) = users.get_mut(&decode(id)) else { return not_found() };
                leave(&mut user["languages"], &decode(language));
                Reply::empty(204)
            }
            ("POST", ["api", "v2", "groups", id, "members"]) => {
                let ids = request.json().map(|body| strings(&body["memberIds"])).unwrap_or_default();
                self.membership("groups", id, &ids, true, (MAX_GROUP, 202), users)
            }
            ("DELETE", ["api", "v2", "groups", id, "members"]) => {
                let ids = comma(request, "ids");
                self.membership("groups", id, &ids, false, (MAX_GROUP, 202), users)
            }
            ("GET", ["api", "v2", "routing", "queues", id, "members"]) => self.members(id, request, users),
            ("POST", ["api", "v2", "routing", "queues", id, "members"]) => {
                let ids: Vec<String> = request.json().map(|body| ids_of(&body)).unwrap_or_default();
                let joins = request.query("delete").first().is_none_or(|delete| delete != "true");
                self.membership("queues", id, &ids, joins, (MAX_QUEUE, 200), users)
            }
            ("PUT", ["api", "v2", "authorization", "roles", id, "users", act @ ("add" | "remove")]) => {
                let ids = request.json().map(|body| strings(&body)).unwrap_or_default();
                self.membership("roles", id, &ids, *act == "add", (1_000, 200), users)
            }
            ("POST", ["api", "v2", "teams", id, "members"]) => {
                let ids = request.json().map(|body| strings(&body["memberIds"])).unwrap_or_default();
                self.item("teams", id).map_or_else(not_found, |team| join_team(&team, &ids, users))
            }
            ("DELETE", ["api", "v2", "teams", id, "members"]) => {
                let ids = comma(request, "id");
                let Some(team) = self.item("teams", id) else { return not_found() };
                if ids.len() > MAX_TEAM_REMOVE {
                    return too_many("bad.request", MAX_TEAM_REMOVE);
                }
                for user in ids.iter() {
                    if let Some(Value::Object(user)) = users.get_mut(user) && user.get("team").is_some_and(|held| held["id"] == team["id"]) {
                        user.remove("team");
                    }
                }
                Reply::empty(204)
            }
            _ => Reply::error(404, "not.found", "The sandbox does not serve this path"),
        }
    }

    /// One page of a queue's members; `total` is left out, as the vendor may.
    fn members(&self, id: &str, request: &Request, users: &Users) -> Reply {
        let Some(queue) = self.item("queues", id) else { return not_found() };
        let number = |name: &str, default: usize| {
            request.query(name).first().and_then(|value| value.parse().ok()).unwrap_or(default).max(1)
        };
        let (size, page) = (number("pageSize", 25), number("pageNumber", 1));
        if size > MAX_QUEUE {
            return Reply::error(400, "bad.request", "pageSize is at most 100");
        }
        let is_in =
            |user: &Value| user["queues"].as_array().into_iter().flatten().any(|held| held["id"] == queue["id"]);
        let mut ids: Vec<&String> = users.iter().filter(|(_, user)| is_in(user)).map(|(id, _)| id).collect();
        ids.sort();
        let shown: Vec<Value> =
            ids.iter().skip((page - 1) * size).take(size).map(|id| json!({"id": id, "joined": true})).collect();
        Reply::json(200, &json!({"entities": shown, "pageSize": size, "pageNumber": page}))
    }

    fn page(&self, list: &str, request: &Request) -> Reply {
        let items = &self.lists[list];
        let number = |name: &str, default: usize| {
            request.query(name).first().and_then(|value| value.parse().ok()).unwrap_or(default).max(1)
        };
        let (size, page) = (number("pageSize", 25).min(500), number("pageNumber", 1));
        let shown: Vec<&Value> = items.iter().skip((page - 1) * size).take(size).collect();
        let pages = items.len().div_ceil(size);
        Reply::json(
            200,
            &json!({"entities": shown, "pageSize": size, "pageNumber": page, "pageCount": pages, "total": items.len()}),
        )
    }

    /// Teams are paged by cursor: one team a page here, so that whoever reads them follows it.
    fn cursor_page(&self, request: &Request) -> Reply {
        let items = &self.lists["teams"];
        let after: usize = request.query("after").first().and_then(|value| value.parse().ok()).unwrap_or(0);
        let shown: Vec<&Value> = items.iter().skip(after).take(1).collect();
        let mut body = json!({"entities": shown});
        if after + 1 < items.len() {
            body["nextUri"] = json!(format!("/api/v2/teams?pageSize=1&after={}", after + 1));
        }
        Reply::json(200, &body)
    }

    fn rate(&self, list: &str, replace: bool, id: &str, request: &Request, users: &mut Users) -> Reply {
        let Some(user) = users.get_mut(&decode(id)) else { return not_found() };
        let Some(Value::Array(asked)) = request.json() else { return wrong_body() };
        if asked.len() > MAX_SKILLS {
            return too_many("max.skills", MAX_SKILLS);
        }
        let mut held = if replace { vec![] } else { user[list].as_array().cloned().unwrap_or_default() };
        for one in asked {
            let found = one["id"].as_str().and_then(|id| self.item(list, id));
            let (Some(mut item), Some(rating)) =
                (found, one["proficiency"].as_f64().filter(|r| (0.0..=5.0).contains(r)))
            else {
                return Reply::error(400, "invalid.value", "Value is not valid for field type [UserRoutingSkillPost]");
            };
            item["proficiency"] = json!(rating);
            item["state"] = json!("active");
            held.retain(|other| other["id"] != item["id"]);
            held.push(item);
        }
        user[list] = json!(held);
        Reply::json(200, &json!({"entities": user[list]}))
    }

    fn membership(
        &self,
        list: &str,
        id: &str,
        ids: &[String],
        joins: bool,
        (most, status): (usize, u16),
        users: &mut Users,
    ) -> Reply {
        let Some(item) = self.item(list, id) else { return not_found() };
        if ids.is_empty() {
            return wrong_body();
        }
        if ids.len() > most {
            return too_many("bad.request", most);
        }
        if ids.iter().any(|id| !users.contains_key(id)) {
            return not_found();
        }
        for id in ids.iter().filter(|id| list != "groups" || !self.lost_members.contains(id)) {
            let Some(user) = users.get_mut(id) else { continue };
            let held = if list == "roles" { &mut user["authorization"]["roles"] } else { &mut user[list] };
            leave(held, item["id"].as_str().unwrap_or_default());
            if let (true, Some(held)) = (joins, held.as_array_mut()) {
                held.push(item.clone());
            }
        }
        if status == 200 { Reply::json(200, &json!(ids)) } else { Reply::json(status, &json!({})) }
    }
}

fn leave(held: &mut Value, id: &str) {
    if let Some(held) = held.as_array_mut() {
        held.retain(|item| item["id"] != id);
    }
}

/// The one schema of custom attributes.
fn schema(seed: u64) -> Value {
    let of = |kind: &str| json!({"allOf": [{"$ref": format!("#/definitions/{kind}")}]});
    json!({"id": uuid(seed, 40, 0), "name": "Desk data", "version": 3,
        "jsonSchema": {"properties": {"floor_text": of("text"), "seat_integer": of("integer"), "remote_checkbox": of("checkbox")}}})
}

/// Amends only the fields that are given; `null` clears.
fn amend_attributes(schema: &Value, user: &mut Value, request: &Request) -> Reply {
    let invalid = || Reply::error(400, "user.custom.attributes.schema.validation.error", "Schema validation error.");
    for one in request.json().and_then(|body| body.as_array().cloned()).unwrap_or_default() {
        if one["schemaId"] != schema["id"] || one["schemaVersion"] != schema["version"] {
            return invalid();
        }
        if !user["customAttributes"].is_array() {
            user["customAttributes"] = json!([{"schema": {"id": schema["id"]}, "attributes": {}}]);
        }
        let held = &mut user["customAttributes"][0]["attributes"];
        for (key, value) in one["attributes"].as_object().into_iter().flatten() {
            let right = match key.rsplit_once('_').map(|(_, kind)| kind) {
                Some("text") => value.is_string(),
                Some("integer") => value.is_i64(),
                Some("checkbox") => value.is_boolean(),
                _ => return invalid(),
            };
            match (right, value.is_null()) {
                (true, _) => held[key] = value.clone(),
                (false, true) => drop(held.as_object_mut().map(|held| held.remove(key))),
                (false, false) => return invalid(),
            }
        }
    }
    Reply::empty(204)
}

fn move_users(division: &Value, request: &Request, users: &mut Users) -> Reply {
    let ids = request.json().map(|body| strings(&body)).unwrap_or_default();
    if ids.len() > MAX_DIVISION {
        return too_many("too.many.bulk.division.updates", MAX_DIVISION);
    }
    if ids.is_empty() || ids.iter().any(|id| !users.contains_key(id)) {
        return Reply::error(409, "bulk.move.unable.to.move", "One or more objects could not be moved");
    }
    for id in &ids {
        if let Some(user) = users.get_mut(id) {
            user["division"] = division.clone();
        }
    }
    Reply::empty(204)
}

fn auto_answer(request: &Request, users: &mut Users) -> Reply {
    let Some(Value::Array(asked)) = request.json() else { return wrong_body() };
    if asked.len() > MAX_BULK {
        return too_many("max.directory.users", MAX_BULK);
    }
    let known =
        |one: &Value| one["id"].as_str().is_some_and(|id| users.contains_key(id)) && one["acdAutoAnswer"].is_boolean();
    if !asked.iter().all(known) {
        return wrong_body();
    }
    for one in &asked {
        if let Some(user) = one["id"].as_str().and_then(|id| users.get_mut(id)) {
            user["acdAutoAnswer"] = one["acdAutoAnswer"].clone();
        }
    }
    Reply::json(200, &json!({"entities": asked}))
}

fn join_team(team: &Value, ids: &[String], users: &mut Users) -> Reply {
    let (mut entities, mut failures) = (vec![], vec![]);
    for id in ids {
        match users.get_mut(id) {
            Some(user) => {
                user["team"] = team.clone();
                entities.push(json!({"id": id}));
            }
            None => failures.push(json!({"id": id, "reason": "user not found"})),
        }
    }
    Reply::json(200, &json!({"entities": entities, "failures": failures}))
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

fn ids_of(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect()
}

fn comma(request: &Request, name: &str) -> Vec<String> {
    request.query(name).iter().flat_map(|ids| ids.split(',')).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// The users that a call is about, for faults on some of them.
pub(crate) fn users_of(request: &Request) -> Vec<String> {
    let body = request.json().unwrap_or_default();
    let mut ids = strings(&body);
    ids.extend(ids_of(&body));
    ids.extend(strings(&body["memberIds"]));
    ids.extend(comma(request, "ids"));
    ids.extend(comma(request, "id"));
    ids.extend(request.path().split('/').map(decode));
    ids
}
