//! Genesys Cloud, public API v2, as far as Paceline uses it; it refuses what the published description does not allow.

use crate::Options;
use crate::http::{Reply, Request, decode};
use crate::org::{Org, not_found};
use crate::people;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// Fields of `UpdateUser` (published description, version of July 2026).
const UPDATE_USER: &[&str] = &[
    "version",
    "name",
    "department",
    "title",
    "username",
    "preferredName",
    "email",
    "manager",
    "addresses",
    "chat",
    "images",
    "profileSkills",
    "certifications",
    "locations",
    "groups",
    "state",
    "acdAutoAnswer",
    "biography",
    "employerInfo",
];

/// Fields of `User` that are read with `expand`.
const EXPANDED: &[&str] = &[
    "profileSkills",
    "certifications",
    "locations",
    "biography",
    "employerInfo",
    "skills",
    "languages",
    "groups",
    "team",
    "authorization",
];

/// Users a call can read by id.
const MAX_IDS: usize = 100;

/// The path template that a limit or a book entry counts by.
pub(crate) fn template(method: &str, path: &str) -> String {
    const TEMPLATES: &[&str] = &[
        "/api/v2/users/search",
        "/api/v2/users/bulk",
        "/api/v2/users/{userId}",
        "/api/v2/users/{userId}/queues",
        "/api/v2/users/customattributes/schemas",
        "/api/v2/users/{userId}/customattributes/bulk",
        "/api/v2/users/{userId}/routingskills/bulk",
        "/api/v2/users/{userId}/routinglanguages/bulk",
        "/api/v2/users/{userId}/routinglanguages/{languageId}",
        "/api/v2/organizations/limits/namespaces/{namespaceName}",
        "/api/v2/authorization/divisions/{divisionId}/objects/{objectType}",
        "/api/v2/authorization/roles/{roleId}/users/add",
        "/api/v2/authorization/roles/{roleId}/users/remove",
        "/api/v2/groups/{groupId}/members",
        "/api/v2/routing/queues/{queueId}/members",
        "/api/v2/teams/{teamId}/members",
    ];
    let fits = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template.split('/').zip(path.split('/')).all(|(known, found)| known == found || known.starts_with('{'))
    };
    let known = TEMPLATES.iter().find(|template| fits(template));
    format!("{method} {}", known.unwrap_or(&path))
}

#[derive(Debug)]
pub(crate) struct Tenant {
    ids: Vec<String>,
    users: HashMap<String, Value>,
    by_email: HashMap<String, String>,
    strict: bool,
    page_limit: usize,
    org: Org,
}

impl Tenant {
    pub(crate) fn new(options: &Options) -> Self {
        let Options { users, seed, strict, .. } = *options;
        let page_limit = options.page_limit.unwrap_or(500);
        let org = Org::new(seed, options.faults.lost_members.clone());
        let mut tenant = Self { ids: vec![], users: HashMap::new(), by_email: HashMap::new(), strict, page_limit, org };
        for (number, mut user) in (0..users).map(|number| (number, people::user(seed, number))) {
            tenant.org.settle(&mut user, number);
            let id = text(&user["id"]);
            tenant.by_email.insert(text(&user["email"]).to_lowercase(), id.clone());
            tenant.ids.push(id.clone());
            tenant.users.insert(id, user);
        }
        tenant
    }

    pub(crate) fn ids(&self) -> &[String] {
        &self.ids
    }

    pub(crate) fn user(&self, id: &str) -> Option<&Value> {
        self.users.get(id)
    }

    /// A colleague's edit: the version goes up.
    pub(crate) fn edit(&mut self, id: &str, field: &str, value: &str) -> bool {
        self.users.get_mut(id).is_some_and(|user| {
            user[field] = json!(value);
            user["version"] = json!(user["version"].as_i64().unwrap_or(0) + 1);
            true
        })
    }

    pub(crate) fn answer(
        &mut self,
        request: &Request,
        told: Option<u32>,
        applied: &mut BTreeMap<String, u64>,
    ) -> Reply {
        let path = request.path().to_owned();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["api", "v2", "organizations", "me"]) => {
                Reply::json(200, &json!({"id": "org-1", "name": "Sandbox Contact Centre"}))
            }
            ("GET", ["api", "v2", "organizations", "limits", "namespaces", "platform.api"]) => match told {
                Some(value) => Reply::json(
                    200,
                    &json!({"entities": [{"key": "client.credentials.token.rate.per.minute", "namespace": "platform.api", "value": value}]}),
                ),
                None => not_found(),
            },
            ("GET", ["api", "v2", "users"]) => self.list(request),
            ("GET", ["api", "v2", "users", "me"]) => {
                Reply::error(400, "not.a.user", "This request requires a user context")
            }
            ("GET", ["api", "v2", "users", id]) => self
                .users
                .get(&decode(id))
                .map_or_else(not_found, |user| Reply::json(200, &shown(user, &expand(request)))),
            ("POST", ["api", "v2", "users", "search"]) => self.search(request),
            ("PATCH", ["api", "v2", "users", id]) => self.patch(&decode(id), request, applied),
            (method, parts) => self.org.answer(method, parts, request, &mut self.users),
        }
    }

    fn list(&self, request: &Request) -> Reply {
        let ids = request.query("id");
        let number =
            |name: &str, default: usize| request.query(name).first().map_or(Some(default), |value| value.parse().ok());
        let (Some(size), Some(page)) = (number("pageSize", 25), number("pageNumber", 1)) else {
            return Reply::error(400, "invalid.query.param.value", "pageSize and pageNumber are numbers");
        };
        if ids.len() > MAX_IDS {
            return Reply::error(400, "max.user.ids", "The maximum number of user ids is 100");
        }
        let size = size.clamp(1, self.page_limit);
        let states = request.query("state");
        let state = states.first().map_or("active", String::as_str);
        let wanted = if ids.is_empty() { &self.ids } else { &ids };
        let found: Vec<&Value> = wanted
            .iter()
            .filter_map(|id| self.users.get(&id.to_lowercase()))
            .filter(|user| state == "any" || user["state"] == state)
            .collect();
        let expand = expand(request);
        let shown: Vec<Value> =
            found.iter().skip((page - 1) * size).take(size).map(|user| shown(user, &expand)).collect();
        let pages = found.len().div_ceil(size);
        Reply::json(
            200,
            &json!({"entities": shown, "pageSize": size, "pageNumber": page, "total": found.len(), "pageCount": pages}),
        )
    }

    fn search(&self, request: &Request) -> Reply {
        let body = request.json().unwrap_or_default();
        let criteria = body["query"].as_array().cloned().unwrap_or_default();
        let by_email =
            criteria.iter().find(|criterion| criterion["fields"] == json!(["email"]) && criterion["type"] == "EXACT");
        let Some(criterion) = by_email else {
            return Reply::error(400, "bad.request", "The sandbox searches by EXACT email");
        };
        let one = criterion["value"].as_str().map(str::to_owned);
        let many =
            criterion["values"].as_array().into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned));
        let hits: Vec<Value> = one
            .into_iter()
            .chain(many)
            .filter_map(|email| self.users.get(self.by_email.get(&email.to_lowercase())?))
            .map(|user| shown(user, &[]))
            .collect();
        let size = body["pageSize"].as_u64().unwrap_or(25) as usize;
        let page: Vec<&Value> = hits.iter().take(size).collect();
        Reply::json(
            200,
            &json!({"results": page, "total": hits.len(), "pageCount": hits.len().div_ceil(size.max(1)), "pageNumber": 1}),
        )
    }

    fn patch(&mut self, id: &str, request: &Request, applied: &mut BTreeMap<String, u64>) -> Reply {
        let Some(Value::Object(body)) = request.json() else {
            return Reply::error(400, "bad.request", "The request could not be understood");
        };
        let Some(user) = self.users.get_mut(id) else { return not_found() };
        if let Some(refusal) = refused(&body, self.strict) {
            return refusal;
        }
        let version = user["version"].as_i64().unwrap_or(0);
        if body.get("version").is_some_and(|sent| sent.as_i64() != Some(version)) {
            return Reply::error(409, "general.conflict", "Resource conflict - Unexpected version was provided");
        }
        for (key, value) in body.iter().filter(|(key, _)| *key != "version") {
            // A manager is written by id and read as a user.
            user[key] = if key == "manager" && value != "" { json!({"id": value}) } else { value.clone() };
        }
        user["version"] = json!(version + 1);
        *applied.entry(id.to_owned()).or_default() += 1;
        Reply::json(200, &shown(user, &[]))
    }
}

fn refused(body: &Map<String, Value>, strict: bool) -> Option<Reply> {
    if strict && !body.contains_key("version") {
        return Some(Reply::error(400, "bad.request", "version is required"));
    }
    if let Some(key) = body.keys().find(|key| !UPDATE_USER.contains(&key.as_str())) {
        let message = format!("Value [{key}] is not a valid property for object [UpdateUser]");
        return Some(Reply::error(400, "invalid.property", &message));
    }
    if body.contains_key("state") && body.keys().any(|key| key != "state" && key != "version") {
        return Some(Reply::error(400, "bad.request", "If specified, state is the only modifiable field"));
    }
    let lists = ["addresses", "images", "profileSkills", "certifications", "locations", "groups"];
    let wrong = body.iter().find(|(key, value)| match key.as_str() {
        "version" => !value.is_i64(),
        "acdAutoAnswer" => !value.is_boolean(),
        "state" => !["active", "inactive", "deleted"].contains(&value.as_str().unwrap_or_default()),
        "chat" | "biography" | "employerInfo" => !value.is_object(),
        key if lists.contains(&key) => !value.is_array(),
        _ => !value.is_string(),
    });
    wrong.map(|(key, value)| {
        Reply::error(400, "invalid.value", &format!("Value [{value}] is not valid for field type [{key}]"))
    })
}

fn expand(request: &Request) -> Vec<String> {
    request.query("expand").iter().flat_map(|list| list.split(',').map(str::to_owned)).collect()
}

fn shown(user: &Value, expand: &[String]) -> Value {
    let keep = |(key, _): &(&String, &Value)| {
        !["queues", "customAttributes"].contains(&key.as_str())
            && (!EXPANDED.contains(&key.as_str()) || expand.contains(key))
    };
    let mut shown: Map<String, Value> =
        user.as_object().into_iter().flatten().filter(keep).map(|(key, value)| (key.clone(), value.clone())).collect();
    for name in expand.iter().filter(|name| EXPANDED.contains(&name.as_str())) {
        let empty = match name.as_str() {
            "biography" | "employerInfo" => json!({}),
            "team" => continue,
            _ => json!([]),
        };
        shown.entry(name.clone()).or_insert(empty);
    }
    Value::Object(shown)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
