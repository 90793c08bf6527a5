//! Changes → calls, and the calls that read (facts/nice.md, "Writing agents", "Writing UserHub users", "Reading").

use super::body;
use super::pages::{At, TOP, TOP_USERS};
use super::person::ids;
use crate::http::encode;
use paceline_core::plan::Change;
use paceline_core::vendor::{BLIND, Effect, Host, Method, Request};
use serde_json::{Value, json};

/// Agents or users that a write carries. The maximum is not published: "start at 100, halve on a 400 that rejects the
/// whole batch" (facts/nice.md).
const BATCH: usize = 100;

fn admin(version: &str) -> String {
    format!("/incontactapi/services/{}", segment(version))
}

/// A segment of a path. `.` and `..` would lead elsewhere, encoded or not: they are written so that nobody has that id.
fn segment(text: &str) -> String {
    match text {
        "" | "." | ".." => format!("%25{}", text.len()),
        text => encode(text),
    }
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
pub(super) fn agents(version: &str, active: Option<bool>, at: At) -> Request {
    let active = active.map(|active| format!("&isActive={active}")).unwrap_or_default();
    let target = format!("{}/agents?skip={}&top={}&orderBy=agentId{active}", admin(version), at.skip, at.top);
    get("GET /incontactapi/services/{apiVersion}/agents", target)
}

pub(super) fn agents_by_id(version: &str, ids: &[String]) -> Request {
    let template = "POST /incontactapi/services/{apiVersion}/agents/search";
    let target = format!("{}/agents/search", admin(version));
    read(Host::Base, Method::Post, template, target, Some(json!({"agentIds": ids})))
}

/// One agent by its user's UUID: "most agent paths take either".
pub(super) fn agent_by_uuid(version: &str, uuid: &str) -> Request {
    let target = format!("{}/agents/{}", admin(version), segment(uuid));
    get("GET /incontactapi/services/{apiVersion}/agents/{agentIdOrUserId}", target)
}

/// The skills of one agent.
pub(super) fn skills_of(version: &str, id: &str, at: At) -> Request {
    let target = format!("{}/agents/{}/skills?skip={}&top={}", admin(version), segment(id), at.skip, at.top);
    get("GET /incontactapi/services/{apiVersion}/agents/{agentIdOrUserId}/skills", target)
}

/// One page of the skills of all agents that are active, or of all that are not.
pub(super) fn skills_of_all(version: &str, active: bool, at: At) -> Request {
    let path = format!("{}/agents/skills?isAgentActive={active}&isActive=true", admin(version));
    let target = format!("{path}&skip={}&top={}", at.skip, at.top);
    get("GET /incontactapi/services/{apiVersion}/agents/skills", target)
}

fn search_users(body: Value) -> Request {
    let (template, target) = ("POST /user-management/v2/users/search", "/user-management/v2/users/search");
    read(Host::Second, Method::Post, template, target.into(), Some(body))
}

/// Users by the values of a field, whatever else the search finds: "searches are *contains*".
pub(super) fn users_by(field: &str, values: &[String], at: At) -> Request {
    search_users(json!({"filter": {field: values}, "skip": at.skip, "top": at.top, "orderBy": {"id": "ASC"}}))
}

/// One user.
pub(super) fn user(uuid: &str) -> Request {
    let target = format!("/user-management/v3/users/{}", segment(uuid));
    read(Host::Second, Method::Get, "GET /user-management/v3/users/{userId}", target, None)
}

/// States of users who are not deactivated.
const LIVING: &[&str] = &["ACTIVE", "PENDING", "UNREGISTERED", "BLOCKED"];

/// One page of all users who are not deactivated, of those who are (`inactive`, `deleted`), or of both (`any`).
pub(super) fn all_users(state: Option<&str>, at: At) -> Request {
    let mut body = json!({"skip": at.skip, "top": at.top, "orderBy": {"id": "ASC"}});
    match state {
        Some("any") => {}
        Some("inactive" | "deleted") => body["filter"] = json!({"status": ["DELETED"]}),
        _ => body["filter"] = json!({"status": LIVING}),
    }
    search_users(body)
}

/// What a gateway shows of a user: the tutorial's path.
pub(super) fn gateway(id: &str) -> Request {
    get("GET /api/v1/users/{id}", format!("/api/v1/users/{}", segment(id)))
}

/// One page of a list of the tenant's.
pub(super) fn list(version: &str, list: &str, next: Option<&str>) -> Request {
    let at = list_page(list, next);
    let page = |path: &str| format!("{}/{path}?skip={}&top={}", admin(version), at.skip, at.top);
    match list {
        "skill" => get("GET /incontactapi/services/{apiVersion}/skills", page("skills")),
        "team" => get("GET /incontactapi/services/{apiVersion}/teams", page("teams")),
        "user team" => {
            let body = json!({"skip": at.skip, "top": at.top});
            let target = "/user-management/v4/teams/search";
            read(Host::Second, Method::Post, "POST /user-management/v4/teams/search", target.into(), Some(body))
        }
        "role" => {
            let target = "/authorization/v1/roles/search";
            read(Host::Second, Method::Post, "POST /authorization/v1/roles/search", target.into(), Some(json!({})))
        }
        _ => agents(version, None, at),
    }
}

/// The page of a list of the tenant's. Roles come whole: their search takes no `skip`.
pub(super) fn list_page(list: &str, next: Option<&str>) -> At {
    match list {
        "role" => At::of(next, usize::MAX),
        "user team" => At::of(next, TOP_USERS),
        _ => At::of(next, TOP),
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
    let agents = || -> Value { changes.iter().map(|change| json!({"agentId": ids(change.user.as_str()).0})).collect() };
    let uuids = || -> Vec<&str> { changes.iter().filter_map(|change| ids(change.user.as_str()).1).collect() };
    let group = segment(&change.key.group);
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
            let body = json!({"agents": changes.iter().map(body::agent).collect::<Vec<_>>()});
            let template = "PUT /incontactapi/services/{apiVersion}/agents";
            write(Base, Put, template, format!("{admin}/agents"), Some(body))
        }
        "skills+" => {
            let skill = |(key, item): (&String, &Value)| {
                let mut one = json!({"skillIds": [key.trim_start_matches("skills/")], "isActive": true});
                if !item["proficiency"].is_null() {
                    one["proficiency"] = item["proficiency"].clone();
                }
                one
            };
            let one = |change: &Change| json!({"agentIds": [ids(change.user.as_str()).0], "skills": change.after.iter().map(skill).collect::<Vec<_>>()});
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
                segment(ids(change.user.as_str()).1.unwrap_or_default())
            );
            write(Second, Post, "POST /user-management/v1/users/{userId}/revive", target, None)
        }
        BLIND => {
            let target = format!("/api/v1/users/{}", segment(change.user.as_str()));
            write(Base, Patch, "PATCH /api/v1/users/{id}", target, Some(Value::Object(change.after.clone())))
        }
        _ => {
            let body = body::user(change);
            write(Second, Put, "PUT /user-management/v1/users", "/user-management/v1/users".into(), Some(body))
        }
    }
}
