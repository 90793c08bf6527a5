//! UserHub: the user of a person, found by what contains it and written as a whole.

use super::words::{hub_error, nobody, unauthorized};
use super::{BATCH_CAP, ROLES, TEAMS, Tenant, one_of, texts};
use crate::http::{Reply, decode};
use crate::odd::Odd;
use crate::visit::{Visit, stretch};
use serde_json::{Value, json};

const USER_REQUIRED: &str = "id firstName lastName emailAddress assignedGroup role userName emailToBeVerified";
const USER_FIELDS: &str = "customAttributes mobileNumber rank timeZone teamId hireDate acdInfos groupIds applicationAttributes externalIdentity billable secondaryRoleIds views";

impl Tenant {
    /// The search finds whatever contains one of the values.
    pub(super) fn search_users(&self, visit: &mut Visit) -> Reply {
        let Some(body) = visit.request.json() else { return hub_error(400, "BAD_REQUEST", "no JSON") };
        let filter: Vec<(String, Vec<String>)> = body["filter"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, values)| (key.clone(), texts(values).iter().map(|value| value.to_lowercase()).collect()))
            .collect();
        // By the field that is asked for, found in one step where it is the id.
        let by_id = filter.iter().find(|(key, _)| key == "id").map(|(_, ids)| ids);
        let fits = |user: &Value| {
            filter.iter().all(|(key, values)| {
                let held = user[key].as_str().unwrap_or_default().to_lowercase();
                values.iter().any(|value| held.contains(value))
            })
        };
        let found: Vec<Value> = match by_id {
            Some(ids) => {
                ids.iter().filter_map(|id| Some(self.people.get(self.by_uuid.get(id)?)?.user.clone())).collect()
            }
            None => self.people.values().map(|person| &person.user).filter(|user| fits(user)).cloned().collect(),
        };
        let number = |key: &str, default: usize| body[key].as_u64().map_or(default, |value| value as usize);
        let (skip, top) = (number("skip", 0), number("top", 25).clamp(1, visit.cut(500)));
        let endless = visit.has(Odd::Endless);
        let total = if endless { skip + 2 * top } else { found.len() };
        let shown = stretch(&found, skip, top, endless);
        let body = json!({"totalRecords": total, "skip": skip, "top": top, "users": shown});
        if found.is_empty() {
            return nobody(visit, &body, || hub_error(404, "USER_NOT_FOUND", "no user was found"));
        }
        Reply::json(200, &body)
    }

    pub(super) fn put_user(&mut self, visit: &mut Visit) -> Reply {
        let Some(Value::Object(body)) = visit.request.json() else { return hub_error(400, "BAD_REQUEST", "no JSON") };
        if let Some(missing) = USER_REQUIRED.split(' ').find(|key| !body.get(*key).is_some_and(Value::is_string)) {
            return hub_error(400, "MISSING_FIELD", &format!("{missing} is required"));
        }
        if let Some(key) = body.keys().find(|key| !one_of(USER_REQUIRED, key) && !one_of(USER_FIELDS, key)) {
            return hub_error(400, "UNKNOWN_FIELD", &format!("{key} is not a field"));
        }
        let Some(id) = body["id"].as_str().and_then(|id| self.find(id)) else {
            return hub_error(404, "USER_NOT_FOUND", "no such user");
        };
        if visit.faulty.contains_key(&id.to_string()) {
            return Reply::json(
                200,
                &json!({"success": false, "error": "INVALID_RANK", "message": "the rank is not valid"}),
            );
        }
        let role = ROLES.iter().position(|name| body["role"] == *name);
        let role_id = role.map(|at| self.role_id(at));
        let team = TEAMS.iter().find(|(team, _)| body.get("teamId").is_some_and(|id| *id == self.team_uuid(*team)));
        let (Some(role_id), Some((team, team_name))) = (role_id, team) else {
            return unauthorized("unknown team or role", visit.request.path());
        };
        if let Some(person) = self.people.get_mut(&id) {
            // The whole record is written: what is optional and not in it is gone.
            let gone = USER_FIELDS.split(' ').filter(|key| !body.contains_key(*key) && *key != "customAttributes");
            for key in gone.filter(|key| visit.stores(key)) {
                if let Some(user) = person.user.as_object_mut() {
                    user.remove(key);
                }
            }
            for (key, value) in body {
                match key.as_str() {
                    "customAttributes" => store_attributes(visit, &mut person.user, &value),
                    key if visit.stores(key) => person.user[key] = visit.normal(key, value),
                    _ => {}
                }
            }
            person.user["roleUUID"] = json!(role_id);
            person.agent["teamId"] = json!(team);
            person.agent["teamName"] = json!(team_name);
            for key in ["firstName", "lastName", "emailAddress", "userName"] {
                person.agent[key] = person.user[key].clone();
            }
        }
        visit.applied(&id.to_string());
        Reply::json(200, &json!({"success": true}))
    }

    pub(super) fn deactivate(&mut self, visit: &mut Visit) -> Reply {
        let ids = visit.request.json().map(|body| texts(&body["userIds"])).unwrap_or_default();
        if ids.len() > self.oddities.batch_cap.unwrap_or(BATCH_CAP) || visit.too_wide(ids.len()) {
            return hub_error(400, "TOO_MANY", "the batch is too large");
        }
        let mut kept = vec![];
        for id in ids {
            match self.find(&id).filter(|found| !visit.faulty.contains_key(&found.to_string())) {
                Some(found) => {
                    if let Some(person) = self.people.get_mut(&found).filter(|_| visit.stores("status")) {
                        person.user["status"] = json!("DELETED");
                    }
                    visit.applied(&found.to_string());
                }
                None => kept.push(id),
            }
        }
        Reply::json(200, &json!({"notDeletedUserIds": kept}))
    }

    pub(super) fn revive(&mut self, id: &str, visit: &mut Visit) -> Reply {
        let Some(found) = self.find(id) else { return hub_error(404, "USER_NOT_FOUND", "no such user") };
        if let Some(person) = self.people.get_mut(&found).filter(|_| visit.stores("status")) {
            person.user["status"] = json!("ACTIVE");
        }
        visit.applied(&found.to_string());
        Reply::json(200, &json!({"success": true, "uuid": decode(id)}))
    }
}

/// Custom attributes in either published form: a map by key, or one `{id, values}`.
fn store_attributes(visit: &Visit, user: &mut Value, value: &Value) {
    let form = if value["id"].is_string() && value["values"].is_array() { "one" } else { "map" };
    let stored = visit.odds.value(Odd::Attributes, visit.call).is_none_or(|only| only == form);
    if !stored || !visit.stores("customAttributes") {
        return;
    }
    match (form, value["id"].as_str()) {
        ("one", Some(id)) => user["customAttributes"][id] = value.clone(),
        _ => user["customAttributes"] = value.clone(),
    }
}
