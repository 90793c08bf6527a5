//! NICE CXone, Admin API and UserHub, as far as Paceline uses them; it refuses what the published description does not
//! allow. An agent and a user are two records of one person.

use crate::Options;
use crate::http::{Reply, Request, decode};
use crate::odd::{Odd, Odds};
use crate::people::{self, mix, uuid};
use crate::visit::{Visit, flag, stretch};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// What is odd about this tenant.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Oddities {
    /// People that a batched write carries at most; a larger one is refused as a whole. 100 where it is not said.
    pub batch_cap: Option<usize>,
    /// Failed items do not say whose they are.
    pub nameless: bool,
    /// The status of a batch of which some items failed: 200, 206 or 400. 200 where it is not said.
    pub partial_status: Option<u16>,
    /// Agents that a search by id takes at most.
    pub search_cap: Option<usize>,
}

const BATCH_CAP: usize = 100;
const PAGE: usize = 1_000;
const BASE: &str = "/incontactapi/services/";

const SKILLS: &[(i64, &str)] =
    &[(201, "Spanish"), (202, "German"), (203, "Billing"), (204, "Retention"), (205, "Outbound"), (206, "Chat")];
const TEAMS: &[(i64, &str)] = &[(11, "Blue"), (12, "Red"), (13, "Green")];
const ROLES: &[&str] = &["Agent", "Manager", "Evaluator"];

/// Fields of an item of `PUT /agents` by type (published description of June 2026).
const TEXTS: &str = "agentId firstName middleName lastName teamId teamUuid internalId roleId emailAddress userName userId timeZone country state city notes hireDate terminationDate referral ntLoginName custom1 custom2 custom3 custom4 custom5 federatedId sipUser systemUser systemDomain crmUserName apiKey telephone1 telephone2 userType subject issuer deliveryMode agentDeliveryMode address1 address2 zipCode agentSyncTime teams_channel_Id";
const INTEGERS: &str = "reportToId profileId chatRefusalTimeout phoneRefusalTimeout workItemRefusalTimeout defaultDialingPattern maxConcurrentChats locationId employmentType hiringSource scheduleNotification maxEmailAutoParkingLimit timeDisplayFormat chatThreshold emailThreshold workItemThreshold smsThreshold digitalThreshold voiceThreshold totalContactCount emailRefusalTimeOut voicemailRefusalTimeOut smsRefusalTimeout agentVoiceThreshold agentChatThreshold agentEmailThreshold agentWorkItemThreshold agentSmsThreshold agentTotalContactCount agentMaxVersion agentPhoneTimeout digitalRefusalTimeout divisionNo ACWRange";
const FLAGS: &str = "useTeamMaxConcurrentChats isActive rehireStatus atHome customerCard useTeamEmailAutoParkingLimit useAgentTimeZone sendEmailNotifications isWhatIfAgent requestContact useTeamChatThreshold useTeamEmailThreshold useTeamWorkItemThreshold useTeamSmsThreshold useTeamDigitalThreshold useTeamVoiceThreshold contactAutoFocus useTeamContactAutoFocus useTeamRequestContact isOpenIdProfileComplete useTeamDeliveryModeSettings isBillable useTeamDefaults agentRequestContact agentContactAutoFocus noFixedAddress agentIntegration channelLock digitalEngagementEnabled ACWEnabled";

const USER_REQUIRED: &str = "id firstName lastName emailAddress assignedGroup role userName emailToBeVerified";
const USER_FIELDS: &str = "customAttributes mobileNumber rank timeZone teamId hireDate acdInfos groupIds applicationAttributes externalIdentity billable secondaryRoleIds views";

fn one_of(list: &str, name: &str) -> bool {
    list.split(' ').any(|known| known == name)
}

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

fn admin_error(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": description}))
}

fn hub_error(status: u16, code: &str, details: &str) -> Reply {
    Reply::json(
        status,
        &json!({"code": code, "details": details, "hostName": "sandbox", "entityType": "User", "errors": details}),
    )
}

/// What stands before UserHub says of a token, or of a team or role that is not there.
fn unauthorized(message: &str, path: &str) -> Reply {
    Reply::json(
        401,
        &json!({"timestamp": "2026-01-31T09:00:00.000+00:00", "status": 401, "error": "Unauthorized", "message": message,
            "path": path}),
    )
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

    fn list_agents(&self, visit: &mut Visit) -> Reply {
        let active = visit.request.query("isActive").first().and_then(|text| flag(text));
        let agents = self.people.values().map(|person| &person.agent);
        let wanted = agents.filter(|agent| active.is_none_or(|active| agent["isActive"] == active));
        page(visit, "agents", wanted.cloned().collect())
    }

    fn search_agents(&self, visit: &mut Visit) -> Reply {
        let ids = visit.request.json().map(|body| texts(&body["agentIds"])).unwrap_or_default();
        if self.oddities.search_cap.is_some_and(|cap| ids.len() > cap) {
            return admin_error(400, "TooManyAgents", "too many agent ids");
        }
        if visit.too_wide(ids.len()) {
            return admin_error(400, "TooManyAgents", "too many agent ids");
        }
        let found: Vec<&Person> = ids.iter().filter_map(|id| self.record(visit, id)).collect();
        let records = found.into_iter().map(|person| {
            let mut record = person.agent.clone();
            if let Some(map) = record.as_object_mut() {
                // Spelled as in the published description, or near it.
                let id = map.remove("agentId").unwrap_or_default();
                map.insert("AgentId".into(), id);
            }
            json!({"success": "true", "agentRecord": record})
        });
        let records: Vec<Value> = records.collect();
        let (found, body) =
            (records.len(), json!({"totalRecords": records.len(), "errorCount": 0, "agentResults": [records]}));
        match visit.nobody() {
            Some(404) if found == 0 => admin_error(404, "NotFound", "no agent was found"),
            Some(204) if found == 0 => Reply::empty(204),
            _ => Reply::json(200, &body),
        }
    }

    fn assignments(&self, id: i64) -> Vec<Value> {
        let Some(person) = self.people.get(&id) else { return vec![] };
        let name = |skill: i64| SKILLS.iter().find(|(id, _)| *id == skill).map(|(_, name)| *name);
        let one = |(skill, proficiency): (&i64, &i64)| json!({"agentId": id, "skillId": skill, "skillName": name(*skill), "agentProficiencyValue": proficiency, "isActive": "True"});
        person.skills.iter().map(one).collect()
    }

    fn list_skills(&self, visit: &mut Visit) -> Reply {
        let asked = |name: &str| visit.request.query(name).first().and_then(|text| flag(text));
        let (Some(agent_active), Some(true)) = (asked("isAgentActive"), asked("isActive")) else {
            return admin_error(400, "InvalidParameter", "isAgentActive and isActive are required");
        };
        let wanted = self.people.iter().filter(|(_, person)| person.agent["isActive"] == agent_active);
        page(visit, "agentSkillAssignments", wanted.flat_map(|(id, _)| self.assignments(*id)).collect())
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

    fn put_agents(&mut self, visit: &mut Visit) -> Reply {
        let agents = visit.request.json().and_then(|body| body["agents"].as_array().cloned()).unwrap_or_default();
        if agents.is_empty() {
            return admin_error(400, "InvalidBody", "agents is required");
        }
        if let Some(refusal) = self.too_many(visit, agents.len()) {
            return refusal;
        }
        if let Some(why) = agents.iter().filter_map(Value::as_object).find_map(wrong_agent) {
            return admin_error(400, "InvalidField", &why);
        }
        let mut items = vec![];
        for agent in agents {
            let made = self.write_agent(visit, &agent);
            items.push((agent["agentId"].clone(), made.map(|()| None).map_err(str::to_owned)));
        }
        self.results(visit, "agentResults", items, false, false)
    }

    /// One agent's fields: what is not in it stays.
    fn write_agent(&mut self, visit: &mut Visit, agent: &Value) -> Result<(), &'static str> {
        let found = self.item(visit, &agent["agentId"])?;
        let person = self.people.get_mut(&found).ok_or("InvalidAgentId")?;
        for (key, value) in agent.as_object().into_iter().flatten().filter(|(key, _)| *key != "agentId") {
            // Written and read under different spellings.
            let key = key.replace("RefusalTimeOut", "RefusalTimeout");
            if visit.stores(&key) {
                person.agent[&key] = visit.normal(&key, value.clone());
            }
        }
        visit.applied(&found.to_string());
        Ok(())
    }

    /// The skills of one agent: told one by one.
    fn agent_skills(&mut self, method: &str, id: &str, visit: &mut Visit) -> Reply {
        let Ok(found) = self.item(visit, &json!(decode(id))) else {
            return admin_error(404, "InvalidAgentId", "no such agent");
        };
        let skills = visit.request.json().and_then(|body| body["skills"].as_array().cloned()).unwrap_or_default();
        let mut results = vec![];
        for skill in skills {
            let number = id_text(&skill["skillId"]).and_then(|id| id.parse().ok()).unwrap_or(0);
            let name = SKILLS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name);
            let rating = skill["proficiency"].as_i64().unwrap_or(3);
            let Some(person) = self.people.get_mut(&found) else { continue };
            let made = match name.filter(|name| !visit.gone(&number.to_string(), name)) {
                None => Err("InvalidSkillId"),
                Some(_) if method == "DELETE" => {
                    person.skills.remove(&number).map(drop).ok_or("the skill is not assigned")
                }
                Some(_) if !(1..=5).contains(&rating) => Err("invalid proficiency"),
                Some(_) => {
                    person.skills.insert(number, rating);
                    Ok(())
                }
            };
            let mut item = json!({"success": made.is_ok(), "skillId": number});
            if let Err(why) = made {
                item["error"] = json!(why);
            }
            results.push(item);
        }
        visit.applied(&found.to_string());
        let errors = results.iter().filter(|item| item["success"] == false).count();
        Reply::json(200, &json!({"resultSet": {"errorCount": errors, "skillResults": results}}))
    }

    fn assign_skills(&mut self, visit: &mut Visit) -> Reply {
        let details =
            visit.request.json().and_then(|body| body["agentAndSkillDetails"].as_array().cloned()).unwrap_or_default();
        let people: usize = details.iter().map(|detail| texts(&detail["agentIds"]).len()).sum();
        if let Some(refusal) = self.too_many(visit, people) {
            return refusal;
        }
        let mut items = vec![];
        for detail in &details {
            for id in detail["agentIds"].as_array().into_iter().flatten() {
                for skill in detail["skills"].as_array().into_iter().flatten() {
                    for number in texts(&skill["skillIds"]).iter().filter_map(|text| text.parse::<i64>().ok()) {
                        let rating = skill["proficiency"].as_i64().filter(|rating| (1..=5).contains(rating));
                        let made = match (self.item(visit, id), rating, is_there(visit, SKILLS, number)) {
                            (Err(why), ..) => Err(why.to_owned()),
                            (_, None, _) => Err("invalid proficiency".into()),
                            (_, _, false) => Err("InvalidSkillId".into()),
                            (Ok(found), Some(rating), true) => {
                                if let Some(person) = self.people.get_mut(&found).filter(|_| visit.stores("skills")) {
                                    person.skills.insert(number, rating);
                                }
                                visit.applied(&found.to_string());
                                Ok(Some(number))
                            }
                        };
                        items.push((id.clone(), made));
                    }
                }
            }
        }
        self.results(visit, "skillResults", items, true, true)
    }

    fn skill_agents(&mut self, method: &str, skill: &str, visit: &mut Visit) -> Reply {
        let Some(skill) = skill.parse::<i64>().ok().filter(|skill| is_there(visit, SKILLS, *skill)) else {
            return admin_error(404, "InvalidSkillId", "no such skill");
        };
        let agents = visit.request.json().and_then(|body| body["agents"].as_array().cloned()).unwrap_or_default();
        if let Some(refusal) = self.too_many(visit, agents.len()) {
            return refusal;
        }
        let mut items = vec![];
        for agent in agents {
            let id = agent["agentId"].clone();
            let made = self.item(visit, &id).and_then(|found| {
                let person = self.people.get_mut(&found).ok_or("InvalidAgentId")?;
                if method == "DELETE" {
                    person.skills.remove(&skill).ok_or("the skill is not assigned")?;
                } else {
                    person.skills.insert(skill, agent["proficiency"].as_i64().unwrap_or(3));
                }
                visit.applied(&found.to_string());
                Ok(None)
            });
            items.push((id, made.map_err(str::to_owned)));
        }
        self.results(visit, "agentResults", items, true, false)
    }

    fn join_team(&mut self, team: &str, visit: &mut Visit) -> Reply {
        let known = TEAMS.iter().find(|(id, name)| id.to_string() == team && !visit.gone(team, name));
        let Some((team, name)) = known.copied() else {
            return admin_error(404, "InvalidTeamId", "no such team");
        };
        let agents = visit.request.json().and_then(|body| body["agents"].as_array().cloned()).unwrap_or_default();
        if let Some(refusal) = self.too_many(visit, agents.len()) {
            return refusal;
        }
        let uuid = self.team_uuid(team);
        let mut items = vec![];
        for agent in agents {
            let id = agent["agentId"].clone();
            let made = self.item(visit, &id).map(|found| {
                if let Some(person) = self.people.get_mut(&found).filter(|_| visit.stores("team")) {
                    person.agent["teamId"] = json!(team);
                    person.agent["teamName"] = json!(name);
                    person.user["teamId"] = json!(uuid);
                }
                visit.applied(&found.to_string());
                None
            });
            items.push((id, made.map_err(str::to_owned)));
        }
        self.results(visit, "agentResults", items, true, true)
    }

    /// The search finds whatever contains one of the values.
    fn search_users(&self, visit: &mut Visit) -> Reply {
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

    fn put_user(&mut self, visit: &mut Visit) -> Reply {
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

    fn deactivate(&mut self, visit: &mut Visit) -> Reply {
        let ids = visit.request.json().map(|body| texts(&body["userIds"])).unwrap_or_default();
        if ids.len() > self.oddities.batch_cap.unwrap_or(BATCH_CAP) || visit.too_wide(ids.len()) {
            return hub_error(400, "TOO_MANY", "the batch is too large");
        }
        let mut kept = vec![];
        for id in ids {
            match self.find(&id).filter(|found| !visit.faulty.contains_key(&found.to_string())) {
                Some(found) => {
                    self.people.entry(found).and_modify(|person| person.user["status"] = json!("DELETED"));
                    visit.applied(&found.to_string());
                }
                None => kept.push(id),
            }
        }
        Reply::json(200, &json!({"notDeletedUserIds": kept}))
    }

    fn revive(&mut self, id: &str, visit: &mut Visit) -> Reply {
        let Some(found) = self.find(id) else { return hub_error(404, "USER_NOT_FOUND", "no such user") };
        self.people.entry(found).and_modify(|person| person.user["status"] = json!("ACTIVE"));
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

/// Whether a skill or team is there and not gone.
fn is_there(visit: &Visit, list: &[(i64, &str)], id: i64) -> bool {
    list.iter().any(|(known, name)| *known == id && !visit.gone(&id.to_string(), name))
}

/// Those of a list whose name contains what is searched for.
fn named(visit: &Visit, list: &'static [(i64, &'static str)]) -> Vec<(i64, &'static str)> {
    let sought = visit.request.query("searchString").first().map(|text| text.to_lowercase()).unwrap_or_default();
    list.iter().filter(|(_, name)| name.to_lowercase().contains(&sought)).copied().collect()
}

/// The id of the tenant.
pub(crate) fn tenant_id(odds: &Odds) -> String {
    odds.value(Odd::Tenant, "").unwrap_or_else(|| "tenant-1".into())
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(id_text).collect()
}

fn wrong_agent(agent: &Map<String, Value>) -> Option<String> {
    agent.iter().find_map(|(key, value)| {
        let right = match key.as_str() {
            key if one_of(TEXTS, key) => value.is_string(),
            key if one_of(INTEGERS, key) => value.is_i64(),
            key if one_of(FLAGS, key) => value.is_boolean(),
            "hourlyCost" => value.is_number(),
            "recordingNumbers" | "integratedSoftphoneWebRtcUrls" => value.is_array(),
            _ => return Some(format!("{key} is not a field")),
        };
        (!right).then(|| format!("{key} cannot be {value}"))
    })
}

/// A page of a list. An empty one is 204 without a body, or what stands for nobody today.
fn page(visit: &Visit, key: &str, items: Vec<Value>) -> Reply {
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
fn nobody(visit: &Visit, empty: &Value, missing: impl Fn() -> Reply) -> Reply {
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

/// The discovery documents; `base` is where they were asked for.
pub(crate) fn discovery(path: &str, base: &str, tenant: &str) -> Option<Reply> {
    match path {
        "/.well-known/openid-configuration" => {
            Some(Reply::json(200, &json!({"issuer": base, "token_endpoint": format!("{base}/auth/token")})))
        }
        "/.well-known/cxone-configuration" => Some(Reply::json(
            200,
            &json!({"area": "na1", "api_endpoint": base, "uhDomain": "nice-incontact.invalid", "tenantId": tenant}),
        )),
        _ => None,
    }
}

/// Whether a token request is right, by path and form: an access key with its client (HTTP Basic or form fields), a key alone
/// (the older endpoint's JSON), a refresh, or client credentials as gateways have them.
pub(crate) fn granted(
    request: &Request,
    key: (&str, &str),
    client: (&str, &str),
    refreshes: impl Fn(&str) -> bool,
) -> bool {
    if request.path() == "/authentication/v1/token/access-key" {
        let body = request.json().unwrap_or_default();
        return body["accessKeyId"] == key.0 && body["accessKeySecret"] == key.1;
    }
    let form = request.form();
    let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let basic = request.basic();
    let (id, secret) = match &basic {
        Some((id, secret)) => (id.as_str(), secret.as_str()),
        None => (given("client_id"), given("client_secret")),
    };
    (id, secret) == client
        && match given("grant_type") {
            "password" => (given("username"), given("password")) == key,
            "refresh_token" => refreshes(given("refresh_token")),
            "client_credentials" => true,
            _ => false,
        }
}

/// A token that says its tenant and area, as CXone's do.
pub(crate) fn id_token(tenant: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.sandbox", part(&json!({"alg": "none"})), part(&json!({"tenantId": tenant, "area": "na1"})))
}
