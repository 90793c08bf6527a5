//! Skills of agents: by agent, by skill, and many of both a call.

use super::words::{admin_error, page};
use super::{SKILLS, Tenant, id_text, texts};
use crate::http::{Reply, decode};
use crate::visit::{Visit, flag};
use serde_json::{Value, json};

impl Tenant {
    pub(super) fn assignments(&self, id: i64) -> Vec<Value> {
        let Some(person) = self.people.get(&id) else { return vec![] };
        let name = |skill: i64| SKILLS.iter().find(|(id, _)| *id == skill).map(|(_, name)| *name);
        let one = |(skill, proficiency): (&i64, &i64)| json!({"agentId": id, "skillId": skill, "skillName": name(*skill), "agentProficiencyValue": proficiency, "isActive": "True"});
        person.skills.iter().map(one).collect()
    }

    pub(super) fn list_skills(&self, visit: &mut Visit) -> Reply {
        let asked = |name: &str| visit.request.query(name).first().and_then(|text| flag(text));
        let (Some(agent_active), Some(true)) = (asked("isAgentActive"), asked("isActive")) else {
            return admin_error(400, "InvalidParameter", "isAgentActive and isActive are required");
        };
        let wanted = self.people.iter().filter(|(_, person)| person.agent["isActive"] == agent_active);
        page(visit, "agentSkillAssignments", wanted.flat_map(|(id, _)| self.assignments(*id)).collect())
    }

    /// The skills of one agent: told one by one.
    pub(super) fn agent_skills(&mut self, method: &str, id: &str, visit: &mut Visit) -> Reply {
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
            let mut unstored = person.skills.clone();
            let skills = if visit.stores("skills") { &mut person.skills } else { &mut unstored };
            let made = match name.filter(|name| !visit.gone(&number.to_string(), name)) {
                None => Err("InvalidSkillId"),
                Some(_) if method == "DELETE" => skills.remove(&number).map(drop).ok_or("the skill is not assigned"),
                Some(_) if !(1..=5).contains(&rating) => Err("invalid proficiency"),
                Some(_) => {
                    skills.insert(number, rating);
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

    pub(super) fn assign_skills(&mut self, visit: &mut Visit) -> Reply {
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

    pub(super) fn skill_agents(&mut self, method: &str, skill: &str, visit: &mut Visit) -> Reply {
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
                let mut unstored = person.skills.clone();
                let skills = if visit.stores("skills") { &mut person.skills } else { &mut unstored };
                if method == "DELETE" {
                    skills.remove(&skill).ok_or("the skill is not assigned")?;
                } else {
                    skills.insert(skill, agent["proficiency"].as_i64().unwrap_or(3));
                }
                visit.applied(&found.to_string());
                Ok(None)
            });
            items.push((id, made.map_err(str::to_owned)));
        }
        self.results(visit, "agentResults", items, true, false)
    }
}

/// Whether a skill or team is there and not gone.
fn is_there(visit: &Visit, list: &[(i64, &str)], id: i64) -> bool {
    list.iter().any(|(known, name)| *known == id && !visit.gone(&id.to_string(), name))
}
