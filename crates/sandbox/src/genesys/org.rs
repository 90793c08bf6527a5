//! The lists of a tenant: divisions, skills, languages, groups, queues, roles, teams and locations.

use super::pages::{Page, by_cursor};
use crate::http::{Reply, decode};
use crate::people::{mix, uuid};
use crate::visit::Visit;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// The tenant's users, by id.
pub(super) type Users = HashMap<String, Value>;

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

/// Items that a page holds at most.
fn most(list: &str) -> usize {
    match list {
        "skills" | "groups" | "queues" => 500,
        _ => 100,
    }
}

fn path(list: &str) -> &'static str {
    match list {
        "divisions" => "/api/v2/authorization/divisions",
        "roles" => "/api/v2/authorization/roles",
        "skills" => "/api/v2/routing/skills",
        "languages" => "/api/v2/routing/languages",
        "queues" => "/api/v2/routing/queues",
        "groups" => "/api/v2/groups",
        "teams" => "/api/v2/teams",
        _ => "/api/v2/locations",
    }
}

/// The list of a path's first parts, and the rest of them.
pub(super) fn list_of<'a>(parts: &'a [&'a str]) -> Option<(&'static str, &'a [&'a str])> {
    let known = |path: &str| {
        let own: Vec<&str> = path.split('/').skip(1).collect();
        parts.starts_with(&own).then(|| &parts[own.len()..])
    };
    LISTS.iter().find_map(|(list, _)| known(path(list)).map(|rest| (*list, rest)))
}

pub(super) fn not_found() -> Reply {
    Reply::error(404, "not.found", "The requested resource was not found")
}

/// What a list says of an item that it does not have.
pub(super) fn no_such(list: &str) -> Reply {
    let code = match list {
        "divisions" | "teams" | "skills" => "general.resource.not.found",
        "queues" => "resource.not.found",
        _ => "not.found",
    };
    Reply::error(404, code, "The requested resource was not found")
}

pub(super) fn wrong_body() -> Reply {
    Reply::error(400, "bad.request", "The request could not be understood")
}

pub(super) fn too_many(code: &str, most: usize) -> Reply {
    Reply::error(400, code, &format!("At most {most} are allowed"))
}

/// The lists of a tenant.
#[derive(Debug)]
pub(super) struct Org {
    seed: u64,
    lists: HashMap<&'static str, Vec<Value>>,
    /// Versions of groups, which their changes raise.
    pub(super) versions: BTreeMap<String, i64>,
    pub(super) lost_members: Vec<String>,
}

impl Org {
    pub(super) fn new(seed: u64, lost_members: Vec<String>) -> Self {
        let item =
            |kind: usize, at: usize, name: &&str| json!({"id": uuid(seed, 10 + kind as u64, at as u64), "name": name});
        let list = |(kind, (list, names)): (usize, &(&'static str, &[&str]))| {
            (*list, names.iter().enumerate().map(|(at, name)| item(kind, at, name)).collect())
        };
        let lists = LISTS.iter().enumerate().map(list).collect();
        Self { seed, lists, versions: BTreeMap::new(), lost_members }
    }

    /// Gives a new user its places.
    pub(super) fn settle(&self, user: &mut Value, number: usize) {
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
        let id = |list: &str, at: usize| self.lists[list][at]["id"].clone();
        let mut grants = vec![json!({"role": id("roles", 0), "division": id("divisions", 0)})];
        if number % 5 == 4 {
            grants.extend([1, 2].map(|at| json!({"role": id("roles", 2), "division": id("divisions", at)})));
        }
        user["grants"] = json!(grants);
        self.settle_roles(user);
        if draw(7, 4) == 0 {
            user["team"] = self.lists["teams"][0].clone();
        }
        user["locations"] = match number % 4 {
            3 => json!([{"id": id("locations", number % 2), "notes": format!("desk {number}")}]),
            _ => json!([]),
        };
    }

    /// Roles are shown without the divisions that they are granted in.
    pub(super) fn settle_roles(&self, user: &mut Value) {
        let granted =
            |role: &&Value| user["grants"].as_array().into_iter().flatten().any(|grant| grant["role"] == role["id"]);
        let roles: Vec<Value> = self.lists["roles"].iter().filter(granted).cloned().collect();
        user["authorization"] = json!({"roles": roles});
    }

    /// An item of a list, as it is kept: id and name.
    pub(super) fn item(&self, list: &str, id: &str) -> Option<Value> {
        let id = decode(id);
        self.lists.get(list)?.iter().find(|item| item["id"].as_str().is_some_and(|own| own == id)).cloned()
    }

    /// The item that a write is about: not one that is gone.
    pub(super) fn target(&self, visit: &Visit, list: &str, id: &str) -> Result<Value, Reply> {
        let item = self.item(list, id).ok_or_else(|| no_such(list))?;
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        if visit.gone(text("id"), text("name")) { Err(no_such(list)) } else { Ok(item) }
    }

    pub(super) fn first(&self, list: &str) -> Value {
        self.lists[list][0].clone()
    }

    pub(super) fn last(&self, list: &str) -> Value {
        self.lists[list].last().cloned().unwrap_or_default()
    }

    /// Items of a list that are not among those held.
    pub(super) fn others<'a>(&'a self, list: &str, held: &'a Value) -> impl Iterator<Item = Value> + 'a {
        let is_held = move |item: &Value| held.as_array().into_iter().flatten().any(|one| one["id"] == item["id"]);
        self.lists[list].iter().filter(move |item| !is_held(item)).cloned()
    }

    /// An item as it is read.
    pub(super) fn shown(&self, visit: &Visit, list: &str, item: &Value, members: usize) -> Value {
        let id = item["id"].as_str().unwrap_or_default();
        let own = visit.uri(&format!("{}/{id}", path(list)));
        let (name, home) = (&item["name"], self.place(visit, &self.first("divisions")));
        let date = "2025-01-31T09:00:00.000Z";
        match list {
            "divisions" => json!({
                "id": id, "name": name, "description": "", "homeDivision": id == home["id"], "selfUri": own,
            }),
            "roles" => json!({
                "id": id, "name": name, "description": "", "permissions": [], "permissionPolicies": [], "base": false,
                "default": name == "employee", "selfUri": own,
            }),
            "groups" => json!({
                "id": id, "name": name, "dateModified": date, "memberCount": members, "state": "active",
                "version": self.version(id), "type": "official", "rulesVisible": true, "visibility": "public", "selfUri": own,
            }),
            "queues" => json!({
                "id": id, "name": name, "division": home, "memberCount": members, "userMemberCount": members,
                "joinedMemberCount": members, "selfUri": own,
            }),
            "teams" => json!({
                "id": id, "name": name, "division": home, "dateCreated": date, "memberCount": members, "selfUri": own,
            }),
            "locations" => json!({"id": id, "name": name, "state": "active", "version": 1, "selfUri": own}),
            _ => json!({
                "id": id, "name": name, "dateModified": date, "state": "active", "version": "1", "selfUri": own,
            }),
        }
    }

    pub(super) fn version(&self, group: &str) -> i64 {
        self.versions.get(group).copied().unwrap_or(1)
    }

    /// A division as a user or queue has it.
    pub(super) fn place(&self, visit: &Visit, division: &Value) -> Value {
        let id = division["id"].as_str().unwrap_or_default();
        let own = visit.uri(&format!("{}/{id}", path("divisions")));
        json!({"id": id, "name": division["name"], "selfUri": own})
    }

    /// A skill or language as a user has it.
    pub(super) fn rated(&self, visit: &Visit, list: &str, user: &str, item: &Value) -> Value {
        let (id, mut shown) = (item["id"].as_str().unwrap_or_default(), item.clone());
        let one = if list == "skills" { ("skillUri", "routingskills") } else { ("languageUri", "routinglanguages") };
        shown[one.0] = json!(visit.uri(&format!("{}/{id}", path(list))));
        shown["selfUri"] = json!(visit.uri(&format!("/api/v2/users/{user}/{}/{id}", one.1)));
        shown
    }

    /// A list or one of its items.
    pub(super) fn read(
        &self,
        visit: &Visit,
        list: &'static str,
        rest: &[&str],
        members: impl Fn(&str) -> usize,
    ) -> Reply {
        let count = |item: &Value| members(item["id"].as_str().unwrap_or_default());
        match rest {
            [] => {
                let fits = |item: &&Value| self.is_asked_for(visit, list, item);
                let items: Vec<Value> = self.lists[list].iter().filter(fits).cloned().collect();
                let shown: Vec<Value> = items.iter().map(|item| self.shown(visit, list, item, count(item))).collect();
                if list == "teams" {
                    // One team a page, so that whoever reads them follows the cursor.
                    return by_cursor(visit, &shown, 1);
                }
                Page::asked(visit, most(list)).map_or_else(|refusal| refusal, |page| page.reply(visit, &shown))
            }
            ["home"] if list == "divisions" => Reply::json(200, &self.shown(visit, list, &self.first("divisions"), 0)),
            [id] => match self.item(list, id) {
                Some(item) => Reply::json(200, &self.shown(visit, list, &item, count(&item))),
                None => no_such(list),
            },
            _ => Reply::error(404, "not.found", "The sandbox does not serve this path"),
        }
    }

    /// By `id` and `name`: skills and languages by how it begins, queues by pattern, the others by what it contains.
    fn is_asked_for(&self, visit: &Visit, list: &str, item: &Value) -> bool {
        let ids = visit.request.list("id");
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        let name = text("name").to_lowercase();
        let asked = visit.request.query("name").first().map(|name| name.to_lowercase()).unwrap_or_default();
        let plain = asked.trim_matches('*');
        let by_name = match (list, asked.is_empty()) {
            (_, true) => true,
            ("skills" | "languages", _) => name.starts_with(plain),
            ("queues", _) => match (asked.starts_with('*'), asked.ends_with('*')) {
                (true, true) => name.contains(plain),
                (true, false) => name.ends_with(plain),
                (false, true) => name.starts_with(plain),
                (false, false) => name == plain,
            },
            _ => name.contains(plain),
        };
        by_name && (ids.is_empty() || ids.iter().any(|id| id == text("id")))
    }
}
