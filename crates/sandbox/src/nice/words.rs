//! How CXone words its answers: errors by who answers, pages, and paths as they are meant.

use crate::http::Reply;
use crate::odd::Odd;
use crate::visit::{Visit, stretch};
use serde_json::{Value, json};

const PAGE: usize = 1_000;
const BASE: &str = "/incontactapi/services/";

pub(super) fn admin_error(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": description}))
}

pub(super) fn hub_error(status: u16, code: &str, details: &str) -> Reply {
    Reply::json(
        status,
        &json!({"code": code, "details": details, "hostName": "sandbox", "entityType": "User", "errors": details}),
    )
}

/// What stands before UserHub says of a token, or of a team or role that is not there.
pub(super) fn unauthorized(message: &str, path: &str) -> Reply {
    Reply::json(
        401,
        &json!({"timestamp": "2026-01-31T09:00:00.000+00:00", "status": 401, "error": "Unauthorized", "message": message,
            "path": path}),
    )
}

/// A page of a list. An empty one is 204 without a body, or what stands for nobody today.
pub(super) fn page(visit: &Visit, key: &str, items: Vec<Value>) -> Reply {
    let number = |name: &str, default: usize| {
        visit.request.query(name).first().and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let (skip, top) = (number("skip", 0), number("top", PAGE).clamp(1, visit.cut(PAGE)));
    let endless = visit.has(Odd::Endless);
    let shown = stretch(&items, skip, top, endless);
    let path = visit.request.path();
    let uri = |skip: usize| visit.uri(&format!("{path}?skip={skip}&top={top}"));
    let more = endless || skip + shown.len() < items.len();
    let mut links = json!({"self": uri(skip)});
    if more {
        links["next"] = json!(uri(skip + shown.len()));
    }
    let total = if endless { skip + 2 * top } else { items.len() };
    let body = json!({
        "businessUnitId": 1, "totalRecords": total, "lastPollTime": "2026-01-31T09:00:00.000Z",
        "_links": links, key: shown,
    });
    if shown.is_empty() {
        return nobody(visit, &body, || admin_error(404, "NotFound", "nothing was found"));
    }
    Reply::json(200, &body)
}

/// What finds nobody: 204 without a body where nothing else is asked for.
pub(super) fn nobody(visit: &Visit, empty: &Value, missing: impl Fn() -> Reply) -> Reply {
    match visit.nobody() {
        Some(200) => Reply::json(200, empty),
        Some(404) => missing(),
        _ => Reply::empty(204),
    }
}

/// The path as it is meant: the base in any case, a doubled slash borne.
pub(crate) fn meant(target: &str) -> String {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let mut parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if let Some(base) = parts.first_mut().filter(|part| part.eq_ignore_ascii_case("incontactapi")) {
        *base = base.to_lowercase();
    }
    let path = format!("/{}", parts.join("/"));
    query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"))
}

/// A refusal of the other vendor's in this one's words: by where it was asked.
pub(crate) fn worded(reply: Reply, path: &str) -> Reply {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let (Some(code), Some(message)) = (body["code"].as_str(), body["message"].as_str()) else { return reply };
    let is_admin = path.trim_start_matches('/').to_lowercase().starts_with("incontactapi");
    let worded = match (is_admin, reply.status) {
        (true, status) => admin_error(status, code, message),
        (false, 401) => unauthorized(message, path),
        (false, status) => hub_error(status, code, message),
    };
    Reply { body: worded.body, ..reply }
}

/// Too much: NICE names no limit in it.
pub(crate) fn too_many(reply: Reply) -> Reply {
    Reply { body: admin_error(429, "TooManyRequests", "API rate exceeded").body, ..reply }
}

/// The path template that a limit or a book entry counts by.
pub(crate) fn template(method: &str, path: &str) -> String {
    let Some(rest) = path.strip_prefix(BASE) else {
        let parts: Vec<&str> = path.split('/').collect();
        let known = match parts[..] {
            ["", "user-management", "v1", "users", _, last] => format!("/user-management/v1/users/{{userId}}/{last}"),
            ["", "user-management", "v3", "users", _] => "/user-management/v3/users/{userId}".into(),
            ["", "api", "v1", "users", _] => "/api/v1/users/{id}".into(),
            _ => path.to_owned(),
        };
        return format!("{method} {known}");
    };
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    let known = match parts[..] {
        ["agents" | "skills" | "teams", "skills" | "search"] => parts.join("/"),
        ["agents", _] => "agents/{agentIdOrUserId}".into(),
        ["skills", _] => "skills/{skillId}".into(),
        ["teams", _] => "teams/{teamId}".into(),
        ["agents", _, last] => format!("agents/{{agentIdOrUserId}}/{last}"),
        ["skills", _, last] => format!("skills/{{skillId}}/{last}"),
        ["teams", _, last] => format!("teams/{{teamId}}/{last}"),
        _ => parts.join("/"),
    };
    format!("{method} {BASE}{{apiVersion}}/{known}")
}
