//! NICE CXone, Admin API and UserHub, as far as Paceline uses them; it refuses what the published description does not
//! allow. An agent and a user are two records of one person.

mod agents;
mod auth;
mod skills;
mod users;
mod words;

pub(crate) use auth::{discovery, granted, id_token, tenant_id};
pub(crate) use words::{meant, template, too_many, worded};

use crate::http::{Reply, Request, decode};
use crate::odd::Odd;
use crate::options::{Oddities, Options};
use crate::people::{self, mix, uuid};
use crate::visit::Visit;
use agents::wrong_agent;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use words::{admin_error, hub_error, page};

const BATCH_CAP: usize = 100;

const SKILLS: &[(i64, &str)] =
    &[(201, "Spanish"), (202, "German"), (203, "Billing"), (204, "Retention"), (205, "Outbound"), (206, "Chat")];
const TEAMS: &[(i64, &str)] = &[(11, "Blue"), (12, "Red"), (13, "Green")];
const ROLES: &[&str] = &["Agent", "Manager", "Evaluator"];

#[derive(Debug)]
struct Person {
    agent: Value,
    user: Value,
    skills: BTreeMap<i64, i64>,
}

#[derive(Debug)]
pub(crate) struct Tenant {
    seed: u64,
    people: BTreeMap<i64, Person>,
    ids: Vec<String>,
    by_uuid: HashMap<String, i64>,
    oddities: Oddities,
}

fn one_of(list: &str, name: &str) -> bool {
    list.split(' ').any(|known| known == name)
}

fn id_text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|id| id.to_string()))
}

impl Tenant {
    pub(crate) fn new(options: &Options) -> Self {
        let seed = options.seed;
        let mut tenant = Self {
            seed,
            people: BTreeMap::new(),
            ids: vec![],
            by_uuid: HashMap::new(),
            oddities: options.nice.clone(),
        };
        for number in 0..options.users {
            let mut person = tenant.person(number);
            let from_end = options.users - number;
            let (deleted, inactive) =
                (options.faults.number(Odd::DeletedUsers), options.faults.number(Odd::InactiveUsers));
            if from_end <= deleted + inactive {
                person.agent["isActive"] = json!(false);
            }
            if from_end <= deleted {
                person.user["status"] = json!("DELETED");
                person.user["deletedDate"] = json!("2026-01-31T09:00:00.000Z");
            }
            let id = 100_000 + number as i64;
            tenant.ids.push(id.to_string());
            tenant.by_uuid.insert(person.user["id"].as_str().unwrap_or_default().to_owned(), id);
            tenant.people.insert(id, person);
        }
        tenant
    }

    fn person(&self, number: usize) -> Person {
        let seen = people::user(self.seed, number);
        let id = 100_000 + number as i64;
        let name = seen["name"].as_str().unwrap_or_default();
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        let draw = |what: u64, of: usize| (mix(self.seed ^ (what << 40) ^ number as u64) % of as u64) as usize;
        let (team, team_name) = TEAMS[draw(21, 2)];
        let user_id = seen["id"].clone();
        let agent = json!({
            "agentId": id, "userID": user_id, "userName": seen["username"], "emailAddress": seen["email"], "firstName": first,
            "lastName": last, "isActive": true, "teamId": team, "teamName": team_name, "custom1": seen["department"],
            "custom2": "", "phoneRefusalTimeout": 30, "emailRefusalTimeout": 45, "chatThreshold": 1, "useTeamChatThreshold": false,
            "timeZone": "(GMT-07:00) Arizona", "hireDate": "2020-01-31",
        });
        let user = json!({
            "id": user_id, "userName": seen["username"], "emailAddress": seen["email"], "firstName": first, "lastName": last,
            "displayName": name, "role": ROLES[0], "roleUUID": self.role_id(0), "teamId": self.team_uuid(team),
            "assignedGroup": "default", "status": "ACTIVE", "emailToBeVerified": "", "rank": 1, "timeZone": "America/Phoenix",
            "customAttributes": {"floor": {"id": "floor", "values": [{"value": (1 + draw(22, 5)).to_string()}]}},
        });
        let (skill, _) = SKILLS[draw(23, SKILLS.len())];
        Person { agent, user, skills: BTreeMap::from([(skill, 1 + draw(24, 5) as i64)]) }
    }

    fn team_uuid(&self, team: i64) -> String {
        uuid(self.seed, 30, team as u64)
    }

    fn role_id(&self, at: usize) -> String {
        uuid(self.seed, 31, at as u64)
    }

    /// The agents' ids, in order.
    pub(crate) fn ids(&self) -> &[String] {
        &self.ids
    }

    fn find(&self, id: &str) -> Option<i64> {
        let id = decode(id);
        match id.parse::<i64>() {
            Ok(number) => self.people.contains_key(&number).then_some(number),
            Err(_) => self.by_uuid.get(&id.to_lowercase()).copied(),
        }
    }

    /// The person that is shown: another, where that is so.
    fn record(&self, visit: &mut Visit, id: &str) -> Option<&Person> {
        let found = self.find(id)?;
        let next = if visit.take(Odd::AnotherUser) { 1 } else { 0 };
        self.people.range(found..).chain(self.people.iter()).nth(next).map(|(_, person)| person)
    }

    /// The people that a call is about, by agent id.
    pub(crate) fn people_of(&self, request: &Request) -> Vec<String> {
        let body = request.json().unwrap_or_default();
        let items = |list: &str, key: &str| -> Vec<String> {
            body[list].as_array().into_iter().flatten().filter_map(|item| id_text(&item[key])).collect()
        };
        let details = body["agentAndSkillDetails"].as_array().into_iter().flatten();
        let mut named: Vec<String> = details.flat_map(|detail| texts(&detail["agentIds"])).collect();
        named.extend(items("agents", "agentId"));
        named.extend(texts(&body["userIds"]));
        named.extend(id_text(&body["id"]));
        named.extend(request.path().split('/').map(str::to_owned));
        named.iter().filter_map(|id| self.find(id)).map(|id| id.to_string()).collect()
    }

    /// A colleague's edit of a list, or of a field where it is none.
    pub(crate) fn edit_list(&mut self, id: &str, list: &str) -> bool {
        let Some(person) = self.find(id).and_then(|id| self.people.get_mut(&id)) else { return false };
        match list {
            "skills" => {
                if let Some((other, _)) = SKILLS.iter().find(|(skill, _)| !person.skills.contains_key(skill)) {
                    person.skills.insert(*other, 5);
                }
            }
            "team" => {
                let team = if person.agent["teamId"] == TEAMS[0].0 { TEAMS[1] } else { TEAMS[0] };
                let uuid = uuid(self.seed, 30, team.0 as u64);
                let Some(person) = self.find(id).and_then(|id| self.people.get_mut(&id)) else { return false };
                person.agent["teamId"] = json!(team.0);
                person.agent["teamName"] = json!(team.1);
                person.user["teamId"] = json!(uuid);
            }
            "customAttributes" => {
                let value = json!({"id": "colleague", "values": [{"value": "Changed by a colleague"}]});
                person.user["customAttributes"]["colleague"] = value;
            }
            field => return self.edit(id, field, "Changed by a colleague"),
        }
        true
    }

    /// Both records of a person, and the skills by number.
    pub(crate) fn user(&self, id: &str) -> Option<Value> {
        let person = self.people.get(&self.find(id)?)?;
        Some(json!({"agent": person.agent, "user": person.user, "skills": person.skills}))
    }

    /// A colleague's edit, of whichever record has the field.
    pub(crate) fn edit(&mut self, id: &str, field: &str, value: &str) -> bool {
        let Some(person) = self.find(id).and_then(|id| self.people.get_mut(&id)) else { return false };
        let record = if person.agent.get(field).is_some() { &mut person.agent } else { &mut person.user };
        record[field] = json!(value);
        true
    }

    pub(crate) fn answer(&mut self, visit: &mut Visit) -> Reply {
        let path = visit.request.path().to_owned();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (visit.request.method.as_str(), &parts[..]) {
            (method, ["incontactapi", "services", version, rest @ ..]) if version.starts_with('v') => {
                self.admin(method, rest, visit)
            }
            ("POST", ["user-management", "v2", "users", "search"]) => self.search_users(visit),
            ("GET", ["user-management", "v3", "users", id]) => match self.record(visit, id) {
                Some(person) => Reply::json(200, &json!({"user": person.user})),
                None => hub_error(404, "USER_NOT_FOUND", "no such user"),
            },
            ("PUT", ["user-management", "v1", "users"]) => self.put_user(visit),
            ("POST", ["user-management", "v1", "users", "deactivate"]) => self.deactivate(visit),
            ("POST", ["user-management", "v1", "users", id, "revive"]) => self.revive(id, visit),
            ("POST", ["user-management", "v4", "teams", "search"]) => {
                let teams =
                    TEAMS.iter().map(|(id, name)| json!({"id": self.team_uuid(*id), "name": name, "status": "ACTIVE"}));
                let teams: Vec<Value> = teams.collect();
                Reply::json(200, &json!({"totalRecords": teams.len(), "skip": 0, "top": 500, "teams": teams}))
            }
            ("POST", ["authorization", "v1", "roles", "search"]) => {
                let roles = ROLES.iter().enumerate();
                let one = |(at, name)| json!({"roleId": self.role_id(at), "roleName": name, "status": "ACTIVE"});
                Reply::json(200, &json!({"roles": roles.map(one).collect::<Vec<_>>()}))
            }
            (method @ ("GET" | "PATCH"), ["api", "v1", "users", id]) => self.gateway(method, id, visit),
            _ => admin_error(404, "NotFound", "The sandbox does not serve this path"),
        }
    }

    /// The tutorial's path, as a gateway in front of CXone serves it.
    fn gateway(&mut self, method: &str, id: &str, visit: &mut Visit) -> Reply {
        let Some(id) = self.find(id) else { return hub_error(404, "USER_NOT_FOUND", "no such user") };
        let Some(person) = self.people.get_mut(&id) else { return hub_error(404, "USER_NOT_FOUND", "no such user") };
        if method == "PATCH" {
            let Some(Value::Object(body)) = visit.request.json() else {
                return hub_error(400, "BAD_REQUEST", "no JSON");
            };
            for (key, value) in body {
                person.user[key] = value;
            }
            visit.applied(&id.to_string());
            return Reply::empty(204);
        }
        Reply::json(200, &person.user)
    }

    fn admin(&mut self, method: &str, parts: &[&str], visit: &mut Visit) -> Reply {
        match (method, parts) {
            ("GET", ["business-unit"]) => {
                let tenant = tenant_id(visit.odds);
                let unit = json!({"businessUnitId": 1, "businessUnitName": "Sandbox Contact Centre", "tenantId": tenant, "isActive": true});
                Reply::json(200, &json!({"businessUnits": [unit]}))
            }
            ("GET", ["agents"]) => self.list_agents(visit),
            ("POST", ["agents", "search"]) => self.search_agents(visit),
            ("GET", ["agents", "skills"]) => self.list_skills(visit),
            ("GET", ["agents", id]) => match self.record(visit, id) {
                Some(person) => Reply::json(200, &json!({"agents": [person.agent]})),
                None => admin_error(404, "InvalidAgentId", "no such agent"),
            },
            ("GET", ["agents", id, "skills"]) => match self.find(id) {
                Some(id) => page(visit, "agentSkillAssignments", self.assignments(id)),
                None => admin_error(404, "InvalidAgentId", "no such agent"),
            },
            ("POST" | "PUT" | "DELETE", ["agents", id, "skills"]) => self.agent_skills(method, id, visit),
            ("PUT", ["agents", id]) => {
                let Some(Value::Object(mut agent)) = visit.request.json().map(|body| body["agent"].clone()) else {
                    return admin_error(400, "InvalidBody", "agent is required");
                };
                agent.insert("agentId".into(), json!(decode(id)));
                if let Some(why) = wrong_agent(&agent) {
                    return admin_error(400, "InvalidField", &why);
                }
                match self.write_agent(visit, &Value::Object(agent)) {
                    Ok(_) => Reply::json(200, &json!({"error": ""})),
                    Err(why) => admin_error(400, why, "the agent cannot be changed"),
                }
            }
            ("GET", ["skills"]) => {
                let skills = named(visit, SKILLS).into_iter();
                let one = |(id, name)| json!({"skillId": id, "skillName": name, "isActive": true});
                page(visit, "skills", skills.map(one).collect())
            }
            ("GET", ["teams"]) => {
                let teams = named(visit, TEAMS).into_iter();
                let one = |(id, name)| json!({"teamId": id, "teamName": name, "isActive": true});
                page(visit, "teams", teams.map(one).collect())
            }
            ("GET", ["teams", team]) => match TEAMS.iter().find(|(id, _)| id.to_string() == *team) {
                Some((id, name)) => {
                    let team = json!({"teamId": id, "teamName": name, "isActive": true});
                    Reply::json(200, &json!({"businessUnitId": 1, "teams": [team]}))
                }
                None => admin_error(404, "InvalidTeamId", "no such team"),
            },
            ("GET", ["teams", team, "agents"]) => {
                let agents = self.people.values().map(|person| &person.agent);
                let own = agents.filter(|agent| id_text(&agent["teamId"]).as_deref() == Some(*team));
                page(visit, "agents", own.cloned().collect())
            }
            ("GET", ["skills", skill, "agents"]) => {
                let all = self.people.keys().flat_map(|id| self.assignments(*id));
                page(
                    visit,
                    "agentSkillAssignments",
                    all.filter(|one| id_text(&one["skillId"]).as_deref() == Some(*skill)).collect(),
                )
            }
            ("PUT", ["agents"]) => self.put_agents(visit),
            ("POST", ["agents", "skills"]) => self.assign_skills(visit),
            ("POST" | "PUT" | "DELETE", ["skills", skill, "agents"]) => self.skill_agents(method, skill, visit),
            ("POST", ["teams", team, "agents"]) => self.join_team(team, visit),
            _ => admin_error(404, "NotFound", "The sandbox does not serve this path"),
        }
    }

    fn too_many(&self, visit: &Visit, count: usize) -> Option<Reply> {
        let cap = self.oddities.batch_cap.unwrap_or(BATCH_CAP);
        (count > cap || visit.too_wide(count)).then(|| admin_error(400, "TooManyRecords", "the batch is too large"))
    }

    /// What an item's agent is, or why the item fails.
    fn item(&self, visit: &Visit, id: &Value) -> Result<i64, &'static str> {
        let text = id_text(id).unwrap_or_default();
        let found = self.find(&text).ok_or("InvalidAgentId")?;
        if visit.faulty.contains_key(&found.to_string()) { Err("the agent cannot be changed") } else { Ok(found) }
    }

    fn results(
        &self,
        visit: &mut Visit,
        key: &str,
        items: Vec<(Value, Result<Option<i64>, String>)>,
        set: bool,
        texts: bool,
    ) -> Reply {
        let errors = items.iter().filter(|(_, result)| result.is_err()).count();
        let flag = |ok: bool| if texts { json!(if ok { "true" } else { "false" }) } else { json!(ok) };
        let one = |(id, result): (Value, Result<Option<i64>, String>)| match result {
            Ok(skill) => {
                let mut item = json!({"agentId": id, "success": flag(true)});
                if let Some(skill) = skill {
                    item["skillId"] = json!(skill.to_string());
                }
                item
            }
            Err(error) if self.oddities.nameless => json!({"success": flag(false), "error": error}),
            Err(error) => json!({"agentId": id, "success": flag(false), "error": error}),
        };
        let count = if texts { json!(errors.to_string()) } else { json!(errors) };
        let mut body = json!({"errorCount": count, key: items.into_iter().map(one).collect::<Vec<_>>()});
        // Counted, and not told whose they are.
        if visit.has(Odd::CountOnly) {
            body[key] = json!([]);
            if let Some(said) = visit.odds.number(Odd::CountOnly, visit.call) {
                body["errorCount"] = json!(said);
            }
        }
        let status = if errors > 0 { self.oddities.partial_status.unwrap_or(200) } else { 200 };
        Reply::json(status, &if set { json!({"resultSet": body}) } else { body })
    }
}

/// Those of a list whose name contains what is searched for.
fn named(visit: &Visit, list: &'static [(i64, &'static str)]) -> Vec<(i64, &'static str)> {
    let sought = visit.request.query("searchString").first().map(|text| text.to_lowercase()).unwrap_or_default();
    list.iter().filter(|(_, name)| name.to_lowercase().contains(&sought)).copied().collect()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(id_text).collect()
}
