//! The calls that read.

use super::fields::{self, MEMBERS};
use crate::http::encode;
use paceline_core::vendor::{Effect, Host, Method, Request};
use serde_json::json;
use std::collections::BTreeSet;

/// Templates that more than one file has to tell from others.
pub(super) const SEARCH: &str = "POST /api/v2/users/search";
pub(super) const USERS: &str = "GET /api/v2/users";
pub(super) const QUEUE_MEMBERS: &str = "GET /api/v2/routing/queues/{queueId}/members";
pub(super) const GRANTS: &str = "GET /api/v2/authorization/subjects/{subjectId}";
pub(super) const HOME: &str = "GET /api/v2/authorization/divisions/home";
pub(super) const ROLE_GRANTS: &str = "GET /api/v2/authorization/roles/{roleId}/subjectgrants";

/// Values that a criterion of a search takes, and hits that a page of it shows.
pub(super) const MOST_VALUES: usize = 50;
const HITS: usize = 100;
/// Users that are read by id in one call.
pub(super) const MOST_IDS: usize = 100;
/// Schemas whose attributes a list of users shows.
pub(super) const MOST_SCHEMAS: usize = 5;

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

/// Users by id. A key may name schemas of custom attributes behind the id, spaces between.
pub(super) fn users(keys: &[String], columns: &BTreeSet<String>) -> Request {
    let mut target = format!("/api/v2/users?pageSize={}&state=any", keys.len().max(25));
    let mut schemas = BTreeSet::new();
    for key in keys {
        let mut ids = key.split(' ');
        target += "&id=";
        target += &encode(ids.next().unwrap_or_default());
        schemas.extend(ids);
    }
    target += &expands(columns);
    if !schemas.is_empty() {
        target += "&expand=customAttributes";
    }
    for schema in schemas {
        target += "&userCustomAttributeSchemaIds=";
        target += &encode(schema);
    }
    get(USERS, target)
}

pub(super) fn everyone(state: Option<&str>, columns: &BTreeSet<String>, page: Option<&str>) -> Request {
    let (size, at) = sized(page);
    let state = encode(state.unwrap_or("any"));
    get(USERS, format!("/api/v2/users?pageSize={size}&pageNumber={at}&state={state}{}", expands(columns)))
}

/// The size and the number of a page of all users. The largest size in use is 500.
pub(super) fn sized(page: Option<&str>) -> (u64, u64) {
    let read = |page: &str| {
        let (size, at) = page.split_once(':')?;
        Some((size.parse().ok().filter(|size| (1..=500).contains(size))?, at.parse().ok().filter(|at| *at > 0)?))
    };
    page.and_then(read).unwrap_or((500, 1))
}

/// The page that begins with the same user and holds fewer.
pub(super) fn smaller(page: Option<&str>) -> Option<String> {
    let (size, at) = sized(page);
    let before = size.checked_mul(at - 1)?;
    let smaller = [100, 50, 25, 10, 5, 1].into_iter().find(|smaller| *smaller < size && before % smaller == 0)?;
    Some(format!("{smaller}:{}", before / smaller + 1))
}

fn expands(columns: &BTreeSet<String>) -> String {
    let expands: BTreeSet<&str> = columns.iter().filter_map(|column| fields::expands(column)).collect();
    expands.into_iter().map(|expand| format!("&expand={expand}")).collect()
}

pub(super) fn search(emails: &[String], page: Option<&str>, states: &[&str]) -> Request {
    let page: u64 = page.and_then(|page| page.parse().ok()).unwrap_or(1);
    Request {
        host: Host::Base,
        method: Method::Post,
        template: SEARCH,
        target: "/api/v2/users/search".into(),
        body: Some(json!({
            "pageSize": HITS, "pageNumber": page,
            "query": [
                {"type": "EXACT", "fields": ["email"], "values": emails},
                {"type": "EXACT", "fields": ["state"], "values": states},
            ],
        })),
        effect: Effect::Read,
    }
}

/// One page of a list of the tenant's.
pub(super) fn list(list: &str, next: Option<&str>) -> Request {
    if let Some(queue) = list.strip_prefix(fields::MEMBERS_OF) {
        let (queue, page) = (encode(queue), encode(next.unwrap_or("1")));
        let target =
            format!("/api/v2/routing/queues/{queue}/members?pageSize={MEMBERS}&pageNumber={page}&memberBy=user");
        return get(QUEUE_MEMBERS, target);
    }
    if let Some(role) = list.strip_prefix(fields::GRANTS_OF) {
        let (role, page) = (encode(role), encode(next.unwrap_or("1")));
        let target = format!("/api/v2/authorization/roles/{role}/subjectgrants?pageSize={MEMBERS}&pageNumber={page}");
        return get(ROLE_GRANTS, target);
    }
    if let Some(people) = list.strip_prefix(fields::PEOPLE) {
        let ids: Vec<String> = people.split(' ').map(str::to_owned).collect();
        let mut read = users(&ids, &BTreeSet::new());
        next.into_iter().for_each(|page| read.target += &format!("&pageNumber={}", encode(page)));
        return read;
    }
    // The largest pages in use.
    let (template, size) = match list {
        "skill" => ("GET /api/v2/routing/skills", 500),
        "language" => ("GET /api/v2/routing/languages", 100),
        "queue" => ("GET /api/v2/routing/queues", 500),
        "group" => ("GET /api/v2/groups", 500),
        "role" => ("GET /api/v2/authorization/roles", 100),
        "location" => ("GET /api/v2/locations", 100),
        fields::HOME => return get(HOME, "/api/v2/authorization/divisions/home".into()),
        fields::SCHEMA => {
            return get("GET /api/v2/users/customattributes/schemas", "/api/v2/users/customattributes/schemas".into());
        }
        "team" => ("GET /api/v2/teams", 100),
        _ => ("GET /api/v2/authorization/divisions", 100),
    };
    let path = template.trim_start_matches("GET ");
    let page = match (list, next) {
        // The cursor as `nextUri` writes it: encoded already.
        ("team", Some(after)) if after.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)) => {
            format!("&after={after}")
        }
        ("team", Some(after)) => format!("&after={}", encode(after)),
        ("team", None) => String::new(),
        (_, page) => format!("&pageNumber={}", encode(page.unwrap_or("1"))),
    };
    get(template, format!("{path}?pageSize={size}{page}"))
}

/// One page of a user's queues: first those joined, then the others (the call tells either).
pub(super) fn queues_of(user: &str, page: Option<&str>) -> Request {
    let (joined, page) = page.and_then(|page| page.split_once(':')).unwrap_or(("true", "1"));
    let target = format!("/api/v2/users/{}/queues?pageSize=100&pageNumber={page}&joined={joined}", encode(user));
    get("GET /api/v2/users/{userId}/queues", target)
}

/// One user's roles, each with its divisions.
pub(super) fn grants_of(user: &str) -> Request {
    get(GRANTS, format!("/api/v2/authorization/subjects/{}", encode(user)))
}

/// The custom attributes of one user, of some schemas. The key tells both: the user's id and the schemas', spaces between.
pub(super) fn attributes_of(key: &str) -> Request {
    let mut ids = key.split(' ');
    let user = encode(ids.next().unwrap_or_default());
    let ids = ids.map(|id| format!("schemaIds={}", encode(id))).collect::<Vec<_>>().join("&");
    let target = format!("/api/v2/users/{user}/customattributes/bulk?{ids}");
    get("GET /api/v2/users/{userId}/customattributes/bulk", target)
}
