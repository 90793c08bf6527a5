//! Changes → calls, and the calls that read (facts/nice.md, "Writing agents", "Writing UserHub users", "Reading").

use super::wire;
use crate::http::encode;
use paceline_core::plan::Change;
use paceline_core::vendor::{BLIND, Effect, Host, Method, Request};
use serde_json::{Value, json};

/// Rows of a page of the Admin API.
const TOP: usize = 1_000;
/// Rows of a page of UserHub.
const TOP_USERS: usize = 500;
/// Agents or users that a write carries. The maximum is not published: "start at 100, halve on a 400 that rejects the
/// whole batch" (facts/nice.md).
const BATCH: usize = 100;

fn admin(version: &str) -> String {
    format!("/incontactapi/services/{version}")
}

fn read(host: Host, method: Method, template: &'static str, target: String, body: Option<Value>) -> Request {
    Request { host, method, template, target, body, effect: Effect::Read }
}

fn get(template: &'static str, target: String) -> Request {
    read(Host::Base, Method::Get, template, target, None)
}

pub(super) fn business_unit(version: &str) -> Request {
    get("GET /incontactapi/services/{apiVersion}/business-unit", format!("{}/business-unit", admin(version)))
}

/// One page of all agents, or of those that are active or not.
pub(super) fn agents(version: &str, active: Option<bool>, skip: usize) -> Request {
    let active = active.map(|active| format!("&isActive={active}")).unwrap_or_default();
    let target = format!("{}/agents?skip={skip}&top={TOP}&orderBy=agentId{active}", admin(version));
    get("GET /incontactapi/services/{apiVersion}/agents", target)
}

pub(super) fn agents_by_id(version: &str, ids: &[String]) -> Request {
    let template = "POST /incontactapi/services/{apiVersion}/agents/search";
    let target = format!("{}/agents/search", admin(version));
    read(Host::Base, Method::Post, template, target, Some(json!({"agentIds": ids})))
}

/// One agent by its user's UUID: "most agent paths take either".
pub(super) fn agent_by_uuid(version: &str, uuid: &str) -> Request {
    let target = format!("{}/agents/{}", admin(version), encode(uuid));
    get("GET /incontactapi/services/{apiVersion}/agents/{agentIdOrUserId}", target)
}

/// The skills of one agent.
pub(super) fn skills_of(version: &str, id: &str, skip: usize) -> Request {
    let target = format!("{}/agents/{}/skills?skip={skip}&top={TOP}", admin(version), encode(id));
    get("GET /incontactapi/services/{apiVersion}/agents/{agentIdOrUserId}/skills", target)
}

/// One page of the skills of all agents that are active, or of all that are not.
pub(super) fn skills_of_all(version: &str, active: bool, skip: usize) -> Request {
    let target = format!("{}/agents/skills?isAgentActive={active}&isActive=true&skip={skip}&top={TOP}", admin(version));
    get("GET /incontactapi/services/{apiVersion}/agents/skills", target)
}

fn search_users(body: Value) -> Request {
    let (template, target) = ("POST /user-management/v2/users/search", "/user-management/v2/users/search");
    read(Host::Second, Method::Post, template, target.into(), Some(body))
}

/// Users by the values of a field, whatever else the search finds: "searches are *contains*".
pub(super) fn users_by(field: &str, values: &[String], skip: usize) -> Request {
    search_users(json!({"filter": {field: values}, "skip": skip, "top": TOP_USERS}))
}

/// One user.
pub(super) fn user(uuid: &str) -> Request {
    let target = format!("/user-management/v3/users/{}", encode(uuid));
    read(Host::Second, Method::Get, "GET /user-management/v3/users/{userId}", target, None)
}

/// One page of all users, or of those that are active or not.
pub(super) fn all_users(active: Option<bool>, skip: usize) -> Request {
    let mut body = json!({"skip": skip, "top": TOP_USERS, "orderBy": {"id": "ASC"}});
    if let Some(active) = active {
        let states = if active { json!(["ACTIVE", "PENDING", "UNREGISTERED", "BLOCKED"]) } else { json!(["DELETED"]) };
        body["filter"] = json!({"status": states});
    }
    search_users(body)
}

/// What a gateway shows of a user: the tutorial's path.
pub(super) fn gateway(id: &str) -> Request {
    get("GET /api/v1/users/{id}", format!("/api/v1/users/{}", encode(id)))
}

/// One page of a list of the tenant's.
pub(super) fn list(version: &str, list: &str, skip: usize) -> Request {
    let page = |path: &str| format!("{}/{path}?skip={skip}&top={TOP}", admin(version));
    match list {
        "skill" => get("GET /incontactapi/services/{apiVersion}/skills", page("skills")),
        "team" => get("GET /incontactapi/services/{apiVersion}/teams", page("teams")),
        "user team" => {
            let body = json!({"skip": skip, "top": TOP_USERS});
            let target = "/user-management/v4/teams/search";
            read(Host::Second, Method::Post, "POST /user-management/v4/teams/search", target.into(), Some(body))
        }
        "role" => {
            let target = "/authorization/v1/roles/search";
            read(Host::Second, Method::Post, "POST /authorization/v1/roles/search", target.into(), Some(json!({})))
        }
        _ => agents(version, None, skip),
    }
}

/// People a call carries.
pub(super) fn width(change: &Change) -> usize {
    match change.kind.as_str() {
        "agent" | "team" | "skills+" | "skills-" | "active-" => BATCH,
        _ => 1,
    }
}

/// The call that carries `changes`, all of one stage and group.
pub(super) fn call(version: &str, changes: &[Change]) -> Request {
    // The engine never asks for a call without changes; an empty one would be a read of nobody.
    let Some(change) = changes.first() else { return business_unit(version) };
    let agents =
        || -> Value { changes.iter().map(|change| json!({"agentId": wire::ids(change.user.as_str()).0})).collect() };
    let uuids = || -> Vec<&str> { changes.iter().filter_map(|change| wire::ids(change.user.as_str()).1).collect() };
    let group = encode(&change.key.group);
    let admin = admin(version);
    // All of these set what they set, whatever was there: sent again after a lost answer, they do no harm.
    let write = |host, method, template, target: String, body: Option<Value>| Request {
        host,
        method,
        template,
        target,
        body,
        effect: Effect::Write,
    };
    use Host::{Base, Second};
    use Method::{Delete, Patch, Post, Put};
    match change.kind.as_str() {
        "agent" => {
            let body = json!({"agents": changes.iter().map(wire::agent_body).collect::<Vec<_>>()});
            let template = "PUT /incontactapi/services/{apiVersion}/agents";
            write(Base, Put, template, format!("{admin}/agents"), Some(body))
        }
        "skills+" => {
            let skill = |(key, item): (&String, &Value)| json!({"skillIds": [key.trim_start_matches("skills/")], "isActive": true, "proficiency": item["proficiency"]});
            let one = |change: &Change| json!({"agentIds": [wire::ids(change.user.as_str()).0], "skills": change.after.iter().map(skill).collect::<Vec<_>>()});
            let body = json!({"agentAndSkillDetails": changes.iter().map(one).collect::<Vec<_>>()});
            let template = "POST /incontactapi/services/{apiVersion}/agents/skills";
            write(Base, Post, template, format!("{admin}/agents/skills"), Some(body))
        }
        "skills-" => {
            let template = "DELETE /incontactapi/services/{apiVersion}/skills/{skillId}/agents";
            write(Base, Delete, template, format!("{admin}/skills/{group}/agents"), Some(json!({"agents": agents()})))
        }
        "team" => {
            let template = "POST /incontactapi/services/{apiVersion}/teams/{teamId}/agents";
            write(Base, Post, template, format!("{admin}/teams/{group}/agents"), Some(json!({"agents": agents()})))
        }
        "active-" => {
            let target = "/user-management/v1/users/deactivate";
            let body = json!({"userIds": uuids()});
            write(Second, Post, "POST /user-management/v1/users/deactivate", target.into(), Some(body))
        }
        "active+" => {
            let target = format!(
                "/user-management/v1/users/{}/revive",
                encode(wire::ids(change.user.as_str()).1.unwrap_or_default())
            );
            write(Second, Post, "POST /user-management/v1/users/{userId}/revive", target, None)
        }
        BLIND => {
            let target = format!("/api/v1/users/{}", encode(change.user.as_str()));
            write(Base, Patch, "PATCH /api/v1/users/{id}", target, Some(Value::Object(change.after.clone())))
        }
        _ => {
            let body = wire::user_body(change);
            write(Second, Put, "PUT /user-management/v1/users", "/user-management/v1/users".into(), Some(body))
        }
    }
}
