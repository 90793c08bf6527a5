//! Genesys Cloud, public API v2, as far as Paceline and the vendor's own clients use it for this work; it refuses what the
//! published description does not allow.

mod attributes;
mod contacts;
mod members;
mod org;
mod pages;
mod patch;
mod rated;
mod search;
mod shown;
mod template;

pub(crate) use members::users_of;
pub(crate) use template::template;

use crate::http::{Reply, decode};
use crate::odd::Odd;
use crate::options::Options;
use crate::people;
use crate::visit::{Visit, stretch};
use members::Later;
use org::{Org, Users, not_found, wrong_body};
use pages::Page;
use serde_json::{Value, json};
use shown::{expand, shown, text};
use std::collections::HashMap;
use std::time::Duration;

/// What `expand` takes that can be written by PATCH, whose answer shows them unasked.
const WRITABLE: &[&str] = &["groups", "profileSkills", "certifications", "locations", "employerInfo", "biography"];

/// Users a call can read by id, a page holds, and a bulk call carries.
const MAX_IDS: usize = 100;
const MAX_PAGE: usize = 500;
const MAX_BULK: usize = 50;
/// Bytes of a request's body.
const MAX_BYTES: usize = 512_000;

#[derive(Debug)]
pub(crate) struct Tenant {
    seed: u64,
    ids: Vec<String>,
    users: Users,
    by_email: HashMap<String, String>,
    strict: bool,
    page_limit: usize,
    org: Org,
    later: Vec<Later>,
    /// What users were until when, where the index lags.
    past: HashMap<String, Vec<(Duration, Value)>>,
    now: Duration,
    lags: bool,
}

impl Tenant {
    pub(crate) fn new(options: &Options) -> Self {
        let Options { users, seed, strict, .. } = *options;
        let mut tenant = Self {
            seed,
            ids: vec![],
            users: HashMap::new(),
            by_email: HashMap::new(),
            strict,
            page_limit: options.page_limit.unwrap_or(MAX_PAGE),
            org: Org::new(seed, options.faults.lost_members.clone()),
            later: vec![],
            past: HashMap::new(),
            now: Duration::ZERO,
            lags: false,
        };
        let (deleted, inactive) = (options.faults.number(Odd::DeletedUsers), options.faults.number(Odd::InactiveUsers));
        for (number, mut user) in (0..users).map(|number| (number, people::user(seed, number))) {
            tenant.org.settle(&mut user, number);
            user["addresses"] = contacts::first(number);
            user["state"] = match users - number {
                from_end if from_end <= deleted => json!("deleted"),
                from_end if from_end <= deleted + inactive => json!("inactive"),
                _ => json!("active"),
            };
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

    /// Sets fields of a user: the version goes up, and the index keeps what was.
    fn set(&mut self, id: &str, fields: Vec<(String, Value)>) {
        let Some(user) = self.users.get_mut(id) else { return };
        if self.lags {
            self.past.entry(id.to_owned()).or_default().push((self.now, user.clone()));
        }
        for (key, value) in fields {
            if key == "email"
                && let Some(email) = value.as_str()
            {
                self.by_email.remove(&text(&user["email"]).to_lowercase());
                self.by_email.insert(email.to_lowercase(), id.to_owned());
            }
            match (value, user.as_object_mut()) {
                (Value::Null, Some(user)) => drop(user.remove(&key)),
                (value, _) => user[key] = value,
            }
        }
        user["version"] = json!(user["version"].as_i64().unwrap_or(0) + 1);
    }

    /// A colleague's edit of a field.
    pub(crate) fn edit(&mut self, id: &str, field: &str, value: &str) -> bool {
        let is_known = self.users.contains_key(id);
        self.set(id, vec![(field.to_owned(), json!(value))]);
        is_known
    }

    /// A colleague's edit of a list, or of a text where it is none.
    pub(crate) fn edit_list(&mut self, id: &str, list: &str) -> bool {
        let Some(user) = self.users.get_mut(id) else { return false };
        let add = |held: &Value, item: Value| {
            let held = held.as_array().cloned().unwrap_or_default();
            json!(held.into_iter().chain([item]).collect::<Vec<_>>())
        };
        match list {
            "skills" | "languages" | "groups" => {
                let other = self.org.others(list, &user[list]).next();
                if let Some(mut item) = other {
                    if list != "groups" {
                        item["proficiency"] = json!(5.0);
                        item["state"] = json!("active");
                    }
                    user[list] = add(&user[list], item);
                }
            }
            "division" | "divisions" => {
                let other = self.org.others("divisions", &json!([user["division"]])).next();
                other.into_iter().for_each(|other| user["division"] = other);
            }
            "roles" => {
                let (role, division) = (self.org.last("roles"), self.org.last("divisions"));
                user["grants"] = add(&user["grants"], json!({"role": role["id"], "division": division["id"]}));
                self.org.settle_roles(user);
            }
            "locations" => {
                let item = json!({"id": self.org.last("locations")["id"], "notes": "set by a colleague"});
                let kept = add(&user[list], item);
                self.set(id, vec![(list.into(), kept)]);
            }
            "addresses" => {
                let item = json!({"mediaType": "PHONE", "type": "OTHER", "address": "+13175559999"});
                let kept = add(&user[list], item);
                self.set(id, vec![(list.into(), kept)]);
            }
            "profileSkills" => {
                let kept = add(&user[list], json!("set by a colleague"));
                self.set(id, vec![(list.into(), kept)]);
            }
            "employerInfo" => {
                let mut kept = user.get(list).cloned().unwrap_or_else(|| json!({}));
                kept["officialName"] = json!("Changed by a colleague");
                self.set(id, vec![(list.into(), kept)]);
            }
            field => return self.edit(id, field, "Changed by a colleague"),
        }
        true
    }

    pub(crate) fn answer(&mut self, visit: &mut Visit) -> Reply {
        self.now = visit.now;
        self.lags = visit.odds.has(Odd::LaggingSearch, "POST /api/v2/users/search");
        if visit.request.body.len() > MAX_BYTES {
            return Reply::error(413, "request.entity.too.large", "The request is over the size limit");
        }
        let users = &mut self.users;
        self.later.retain(|later| !later.make(visit.now, users));
        let path = visit.request.path().to_owned();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (visit.request.method.as_str(), &parts[..]) {
            (method, ["api", "v2", "users", rest @ ..]) => self.of_users(method, rest, visit),
            ("GET", ["api", "v2", "organizations", "me"]) => Reply::json(
                200,
                &json!({
                    "id": self.tenant_id(visit), "name": "Sandbox Contact Centre", "version": 1, "state": "active",
                    "domain": "sandbox", "selfUri": visit.uri(&path),
                }),
            ),
            ("GET", ["api", "v2", "organizations", "limits", "namespaces", "platform.api"]) => match visit.told {
                Some(value) => Reply::json(
                    200,
                    &json!({"entities": [{"key": "client.credentials.token.rate.per.minute", "namespace": "platform.api", "value": value}]}),
                ),
                None => not_found(),
            },
            ("GET" | "HEAD", ["api", "v2", "tokens", "me"]) => {
                let organization = json!({"id": self.tenant_id(visit), "name": "Sandbox Contact Centre"});
                let client = json!({"name": "sandbox", "authorizedGrantType": "CLIENT-CREDENTIALS"});
                Reply::json(200, &json!({"organization": organization, "OAuthClient": client}))
            }
            (method, parts) => self.of_lists(method, parts, visit),
        }
    }

    fn tenant_id(&self, visit: &Visit) -> String {
        visit.odds.value(Odd::Tenant, visit.call).unwrap_or_else(|| "org-1".into())
    }

    fn of_users(&mut self, method: &str, rest: &[&str], visit: &mut Visit) -> Reply {
        match (method, rest) {
            ("GET", []) => self.list(visit),
            ("GET", ["me"]) => Reply::error(400, "not.a.user", "This request requires a user context"),
            ("POST", ["search"]) => self.search(visit),
            ("PATCH", ["bulk"]) => self.auto_answer(visit),
            ("GET", ["customattributes", "schemas"]) => {
                let schemas = json!({"entities": [attributes::schema(self.seed)], "total": 1});
                Reply::json(200, &schemas)
            }
            ("GET", ["customattributes", "schemas", id]) => match attributes::schema(self.seed) {
                schema if schema["id"].as_str() == Some(&decode(id)) => Reply::json(200, &schema),
                _ => Reply::error(404, "user.custom.attributes.schema.not.found", "There is no such schema"),
            },
            ("GET", [id]) => self.one(visit, &decode(id)),
            ("PATCH", [id]) => self.patch(visit, &decode(id)),
            ("DELETE", [id]) => self.delete(&decode(id)),
            ("GET", [id, "state"]) => {
                self.users.get(&decode(id)).map_or_else(not_found, |user| Reply::json(200, &state(user)))
            }
            ("PUT", [id, "state"]) => self.put_state(visit, &decode(id)),
            ("GET" | "PUT", [id, "roles"]) => members::roles_of(&self.org, visit, id, &mut self.users),
            ("GET", [id, "queues"]) => members::queues_of(&self.org, visit, self.users.get(&decode(id))),
            ("GET" | "PUT", [id, "profileskills"]) => rated::profile(visit, self.users.get_mut(&decode(id))),
            ("GET", [id, "customattributes", "bulk"]) => attributes::read(visit, self.users.get(&decode(id))),
            ("PATCH", [id, "customattributes", "bulk"]) => {
                attributes::amend(visit, &attributes::schema(self.seed), self.users.get_mut(&decode(id)))
            }
            (_, [id, list, rest @ ..]) => match rated::list(list) {
                Some(list) => rated::answer(&self.org, visit, list, rest, self.users.get_mut(&decode(id))),
                None => nowhere(),
            },
            _ => nowhere(),
        }
    }

    fn of_lists(&mut self, method: &str, parts: &[&str], visit: &mut Visit) -> Reply {
        let (org, users) = (&mut self.org, &mut self.users);
        let reference = |visit: &Visit, user: &Value| {
            let id = text(&user["id"]);
            json!({"id": id, "name": user["name"], "selfUri": visit.uri(&format!("/api/v2/users/{id}"))})
        };
        if let (_, ["api", "v2", "authorization", "subjects", id, rest @ ..]) = (method, parts) {
            return members::grants(org, visit, id, rest, users);
        }
        let Some((list, rest)) = org::list_of(parts) else { return nowhere() };
        match (method, list, rest) {
            ("POST" | "DELETE", "groups", [id, "members"]) => members::group(org, visit, id, users, &mut self.later),
            ("GET", "groups", [id, "members" | "individuals"]) => match org.item(list, id) {
                Some(_) => {
                    let users = &*users;
                    members::of(visit, list, id, users, |user| shown(org, users, visit, user, &[]))
                }
                None => org::no_such(list),
            },
            ("GET", "queues", [id, "members"]) => members::of_queue(org, visit, id, users),
            ("POST" | "PATCH", "queues", [id, "members"]) => members::queue(org, visit, id, None, users),
            ("DELETE" | "PATCH", "queues", [id, "members", member]) => {
                members::queue(org, visit, id, Some(member), users)
            }
            ("POST" | "DELETE", "teams", [id, "members"]) => members::team(org, visit, id, users),
            ("GET", "teams", [id, "members"]) => match org.item(list, id) {
                Some(_) => members::of(visit, list, id, users, |user| reference(visit, user)),
                None => org::no_such(list),
            },
            ("POST", "divisions", [id, "objects", "USER"]) => members::division(org, visit, id, users),
            ("PUT", "roles", [id, "users", act @ ("add" | "remove")]) => {
                members::role(org, visit, id, *act == "add", users)
            }
            ("GET", "roles", [id, "subjectgrants"]) => members::of_role(org, visit, id, users),
            ("POST", "roles", [id]) => members::role_in(org, visit, id, users),
            ("GET", _, rest) => org.read(visit, list, rest, |id| {
                let is_in = |user: &&Value| match list {
                    "teams" => user["team"]["id"].as_str() == Some(id),
                    _ => members::holds(user, list, id),
                };
                users.values().filter(is_in).count()
            }),
            _ => nowhere(),
        }
    }

    /// The record that is shown of a user: another's, where that is so.
    fn record(&self, visit: &mut Visit, id: &str) -> Option<&Value> {
        let user = self.users.get(&id.to_lowercase())?;
        if visit.take(Odd::AnotherUser) {
            let at = self.ids.iter().position(|own| own == id).map_or(0, |at| (at + 1) % self.ids.len());
            return self.users.get(&self.ids[at]);
        }
        Some(user)
    }

    fn one(&self, visit: &mut Visit, id: &str) -> Reply {
        let expand = match expand(visit) {
            Ok(expand) => expand,
            Err(refusal) => return refusal,
        };
        let deleted = visit.request.query("state").first().is_some_and(|state| state == "deleted");
        match self.record(visit, id) {
            Some(user) if (user["state"] == "deleted") == deleted => {
                Reply::json(200, &shown(&self.org, &self.users, visit, user, &expand))
            }
            _ => not_found(),
        }
    }

    fn list(&self, visit: &mut Visit) -> Reply {
        let ids = visit.request.list("id");
        if ids.len() > MAX_IDS {
            return Reply::error(400, "max.user.ids", "The maximum number of user ids is 100");
        }
        let (page, expand) = match (Page::asked(visit, self.page_limit), expand(visit)) {
            (Ok(page), Ok(expand)) => (page, expand),
            (Err(refusal), _) | (_, Err(refusal)) => return refusal,
        };
        let large = visit.odds.number(Odd::EntityTooLarge, visit.call);
        if large.is_some_and(|most| page.size > most) && !expand.is_empty() {
            return Reply::error(400, "response.entity.too.large", "The response is over the size limit");
        }
        let states = visit.request.query("state");
        let state = states.first().map_or("active", String::as_str);
        if !["active", "inactive", "deleted", "any"].contains(&state) {
            return Reply::error(400, "invalid.query.param.value", &format!("[{state}] is not a state"));
        }
        let wanted = if ids.is_empty() { &self.ids } else { &ids };
        let fits = |user: &&Value| state == "any" || user["state"] == state;
        let found: Vec<String> = wanted
            .iter()
            .filter(|id| self.users.get(&id.to_lowercase()).is_some_and(|user| fits(&user)))
            .cloned()
            .collect();
        if found.is_empty() && !ids.is_empty() {
            let code = "general.resource.not.found";
            return nobody(visit, code, &page.listing(visit, 0, vec![]));
        }
        let chosen = page.of(visit, &found);
        let records: Vec<Value> = chosen.iter().filter_map(|id| self.record(visit, id).cloned()).collect();
        let shown = records.iter().map(|user| shown(&self.org, &self.users, visit, user, &expand)).collect();
        Reply::json(200, &page.listing(visit, found.len(), shown))
    }

    fn search(&self, visit: &mut Visit) -> Reply {
        let Some(body) = visit.request.json().filter(Value::is_object) else { return wrong_body() };
        if let Err((code, message)) = search::check(&body["query"]) {
            return Reply::error(400, code, &message);
        }
        let number = |key: &str, default: u64| body.get(key).map_or(Some(default), Value::as_u64);
        let (Some(size @ 1..), Some(number @ 1..)) = (number("pageSize", 25), number("pageNumber", 1)) else {
            return Reply::error(400, "invalid.value", "pageSize and pageNumber are whole numbers from 1 on");
        };
        let size = (size as usize).min(visit.cut(search::PAGE));
        let from = (number as usize - 1).saturating_mul(size);
        if from.saturating_add(size) > search::RESULTS {
            return Reply::error(400, "too.many.requested.results", "At most 10000 results can be requested");
        }
        let lag = visit.odds.seconds(Odd::LaggingSearch, visit.call, 180.0).map(Duration::from_secs_f64);
        let indexed = |id: &String| {
            let past = self.past.get(id).map(Vec::as_slice).unwrap_or_default();
            let was = lag.and_then(|lag| past.iter().find(|(until, _)| *until + lag > visit.now));
            was.map_or_else(|| self.users.get(id), |(_, user)| Some(user))
        };
        let asked = search::addresses(&body["query"]).filter(|_| lag.is_none());
        let narrowed: Vec<String> = asked
            .map(|all| all.iter().filter_map(|email| self.by_email.get(email)).cloned().collect())
            .unwrap_or_else(|| self.ids.clone());
        let hits: Vec<&Value> =
            narrowed.iter().filter_map(indexed).filter(|user| search::finds(&body["query"], user)).collect();
        let endless = visit.has(Odd::Endless);
        let expand: Vec<String> = members::strings(&body["expand"]);
        let results: Vec<Value> = stretch(&hits, from, size, endless)
            .into_iter()
            .map(|user| {
                let id = text(&user["id"]);
                let record = if visit.has(Odd::AnotherUser) { self.record(visit, &id) } else { None };
                shown(&self.org, &self.users, visit, record.unwrap_or(user), &expand)
            })
            .collect();
        let total = if endless { from + 2 * size } else { hits.len() };
        let answer = json!({
            "results": results, "total": total, "pageCount": total.div_ceil(size), "pageSize": size, "pageNumber": number,
            "types": ["users"],
        });
        if hits.is_empty() { nobody(visit, "resource.not.found", &answer) } else { Reply::json(200, &answer) }
    }

    fn patch(&mut self, visit: &mut Visit, id: &str) -> Reply {
        let Some(Value::Object(body)) = visit.request.json() else { return wrong_body() };
        let Some(user) = self.users.get(id) else { return not_found() };
        let known = |id: &str| self.org.item("locations", id).is_some();
        let fields = match patch::read(&body, self.strict, known) {
            Ok(fields) => fields,
            Err(refusal) => return refusal,
        };
        // A deleted user is restored first.
        if user["state"] == "deleted" && !body.contains_key("state") {
            return not_found();
        }
        if visit.take(Odd::Conflict409) {
            return Reply::error(409, "general.conflict", "A user with that email already exists");
        }
        let version = user["version"].as_i64().unwrap_or(0);
        if body.get("version").is_some_and(|sent| sent.as_i64() != Some(version)) {
            return stale(visit);
        }
        let taken = |email: &str| self.by_email.get(&email.to_lowercase()).is_some_and(|other| other != id);
        if body.get("email").and_then(Value::as_str).is_some_and(taken) {
            return Reply::error(409, "general.conflict", "A user with that email already exists");
        }
        let kept = fields
            .into_iter()
            .filter(|(key, _)| visit.stores(key))
            .map(|(key, value)| {
                let value = visit.normal(&key, value);
                (key, value)
            })
            .collect();
        self.set(id, kept);
        visit.applied(id);
        let whole: Vec<String> = WRITABLE.iter().map(|name| (*name).to_owned()).collect();
        self.record(visit, id)
            .cloned()
            .map_or_else(not_found, |user| Reply::json(200, &shown(&self.org, &self.users, visit, &user, &whole)))
    }

    fn put_state(&mut self, visit: &mut Visit, id: &str) -> Reply {
        let Some(Value::Object(body)) = visit.request.json() else { return wrong_body() };
        let Some(user) = self.users.get(id) else { return not_found() };
        let state_now = body.get("state").and_then(Value::as_str);
        let Some(asked) = state_now.filter(|state| ["active", "inactive", "deleted"].contains(state)) else {
            return Reply::error(400, "invalid.value", "state is active, inactive or deleted");
        };
        if body.get("version").is_some_and(|sent| *sent != user["version"]) {
            return stale(visit);
        }
        self.set(id, vec![("state".into(), json!(asked))]);
        visit.applied(id);
        self.users.get(id).map_or_else(not_found, |user| Reply::json(200, &state(user)))
    }

    fn delete(&mut self, id: &str) -> Reply {
        if self.users.get(id).is_none_or(|user| user["state"] == "deleted") {
            return not_found();
        }
        self.set(id, vec![("state".into(), json!("deleted"))]);
        Reply::json(200, &json!({}))
    }

    fn auto_answer(&mut self, visit: &mut Visit) -> Reply {
        let Some(Value::Array(asked)) = visit.request.json() else { return wrong_body() };
        if asked.len() > MAX_BULK || visit.too_wide(asked.len()) {
            return org::too_many("max.directory.users", MAX_BULK);
        }
        let known = |one: &Value| {
            one["id"].as_str().is_some_and(|id| self.users.contains_key(id))
                && one["acdAutoAnswer"].is_boolean()
                && one.as_object().is_some_and(|fields| fields.len() == 2)
        };
        if !asked.iter().all(known) {
            return wrong_body();
        }
        let stores = visit.stores("acdAutoAnswer");
        let mut entities = vec![];
        for one in &asked {
            let id = text(&one["id"]);
            if stores {
                self.set(&id, vec![("acdAutoAnswer".into(), one["acdAutoAnswer"].clone())]);
            }
            entities.extend(self.users.get(&id).map(|user| shown(&self.org, &self.users, visit, user, &[])));
        }
        let one = visit.uri(visit.request.path());
        Reply::json(
            200,
            &json!({"entities": entities, "pageSize": asked.len(), "pageNumber": 1, "total": asked.len(), "pageCount": 1,
                "firstUri": one, "selfUri": one, "lastUri": one}),
        )
    }
}

fn nowhere() -> Reply {
    Reply::error(404, "not.found", "The sandbox does not serve this path")
}

fn stale(visit: &Visit) -> Reply {
    if visit.has(Odd::Stale400) {
        let message = "Version provided does not match the current version of the user";
        return Reply::error(400, "general.conflict", message);
    }
    Reply::error(409, "general.conflict", "Resource conflict - Unexpected version was provided")
}

/// What finds nobody.
fn nobody(visit: &Visit, code: &str, empty: &Value) -> Reply {
    match visit.nobody() {
        Some(200) => Reply::json(200, empty),
        Some(204) => Reply::empty(204),
        _ => Reply::error(404, code, "Users not found"),
    }
}

fn state(user: &Value) -> Value {
    json!({"state": user["state"], "version": user["version"]})
}
