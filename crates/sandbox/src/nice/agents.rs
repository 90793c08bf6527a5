//! The Admin API's agents: read, searched, written many a call, moved to teams.

use super::words::{admin_error, page};
use super::{Person, TEAMS, Tenant, one_of, texts};
use crate::http::Reply;
use crate::visit::{Visit, flag};
use serde_json::{Map, Value, json};

/// Fields of an item of `PUT /agents` by type (published description of June 2026).
const TEXTS: &str = "agentId firstName middleName lastName teamId teamUuid internalId roleId emailAddress userName userId timeZone country state city notes hireDate terminationDate referral ntLoginName custom1 custom2 custom3 custom4 custom5 federatedId sipUser systemUser systemDomain crmUserName apiKey telephone1 telephone2 userType subject issuer deliveryMode agentDeliveryMode address1 address2 zipCode agentSyncTime teams_channel_Id";
const INTEGERS: &str = "reportToId profileId chatRefusalTimeout phoneRefusalTimeout workItemRefusalTimeout defaultDialingPattern maxConcurrentChats locationId employmentType hiringSource scheduleNotification maxEmailAutoParkingLimit timeDisplayFormat chatThreshold emailThreshold workItemThreshold smsThreshold digitalThreshold voiceThreshold totalContactCount emailRefusalTimeOut voicemailRefusalTimeOut smsRefusalTimeout agentVoiceThreshold agentChatThreshold agentEmailThreshold agentWorkItemThreshold agentSmsThreshold agentTotalContactCount agentMaxVersion agentPhoneTimeout digitalRefusalTimeout divisionNo ACWRange";
const FLAGS: &str = "useTeamMaxConcurrentChats isActive rehireStatus atHome customerCard useTeamEmailAutoParkingLimit useAgentTimeZone sendEmailNotifications isWhatIfAgent requestContact useTeamChatThreshold useTeamEmailThreshold useTeamWorkItemThreshold useTeamSmsThreshold useTeamDigitalThreshold useTeamVoiceThreshold contactAutoFocus useTeamContactAutoFocus useTeamRequestContact isOpenIdProfileComplete useTeamDeliveryModeSettings isBillable useTeamDefaults agentRequestContact agentContactAutoFocus noFixedAddress agentIntegration channelLock digitalEngagementEnabled ACWEnabled";

impl Tenant {
    pub(super) fn list_agents(&self, visit: &mut Visit) -> Reply {
        let active = visit.request.query("isActive").first().and_then(|text| flag(text));
        let agents = self.people.values().map(|person| &person.agent);
        let wanted = agents.filter(|agent| active.is_none_or(|active| agent["isActive"] == active));
        page(visit, "agents", wanted.cloned().collect())
    }

    pub(super) fn search_agents(&self, visit: &mut Visit) -> Reply {
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

    pub(super) fn put_agents(&mut self, visit: &mut Visit) -> Reply {
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
    pub(super) fn write_agent(&mut self, visit: &mut Visit, agent: &Value) -> Result<(), &'static str> {
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

    pub(super) fn join_team(&mut self, team: &str, visit: &mut Visit) -> Reply {
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
}

pub(super) fn wrong_agent(agent: &Map<String, Value>) -> Option<String> {
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
