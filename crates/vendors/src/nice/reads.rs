//! What is read of people, and the calls that read them.

use super::fields::Needs;
use super::need::{self, AGENT, BY_EMAIL, BY_NAME, BY_UUID, GATEWAY, SKILLS, USER};
use super::pages::{At, at, is_of_active, skills_page};
use super::requests::{self, admin, read, segment};
use super::wire::{self, agent_id, get, id_text, user_id};
use super::{Nice, limits, person, records};
use paceline_core::desired::Row;
use paceline_core::plan::Change;
use paceline_core::vendor::{
    Answer, BLIND, Found, Host, Method, Names, Need, Page, Part, Reads, Refusal, Request, User, Uses,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

impl Reads for Nice {
    fn people(&self) -> (&'static [&'static str], Part) {
        (&[], BY_EMAIL)
    }

    fn need(&self, row: &Row, uses: &Uses, names: &Names, found: &Found) -> Result<Need, Refusal> {
        need::need(row, uses, names, found)
    }

    fn part_width(&self, part: Part, waiting: usize) -> usize {
        match part {
            AGENT => limits::AGENTS.most,
            SKILLS if waiting > limits::FEW.most => limits::SKILLS.most,
            BY_NAME | BY_EMAIL | USER => limits::USERS.most,
            _ => 1,
        }
    }

    fn read(&self, part: Part, keys: &[String], _columns: &BTreeSet<String>, page: Option<&str>) -> Request {
        let (key, at) = (keys.first().map(String::as_str).unwrap_or_default(), at(part, page));
        match part {
            AGENT => agents_by_id(&self.version, keys),
            BY_UUID => agent_by_uuid(&self.version, key),
            SKILLS if keys.len() == 1 => skills_of(&self.version, key, at),
            SKILLS => skills_of_all(&self.version, is_of_active(page), at),
            BY_NAME => users_by("userName", keys, at),
            BY_EMAIL => users_by("emailAddress", keys, at),
            GATEWAY => gateway(key),
            USER if keys.len() == 1 => user(key),
            _ => users_by("id", keys, at),
        }
    }

    fn records(&self, part: Part, keys: &[String], page: Option<&str>, answer: &Answer) -> Result<Page, Refusal> {
        let key = keys.first().map(String::as_str).unwrap_or_default();
        match part {
            AGENT if keys.is_empty() => {
                let items = wire::list(answer, &["agents"])?;
                records::counted(answer, at(part, page), &items, records::keyed(&items, agent_id))
            }
            AGENT => records::searched(answer, keys),
            BY_UUID => records::one_agent(answer, key),
            SKILLS if keys.len() == 1 => records::skills_of_one(answer, key, at(part, page)),
            SKILLS => records::skills_of_all(answer, keys, page),
            GATEWAY => records::one(answer, key, Ok),
            USER if keys.len() == 1 => records::one(answer, key, |body| {
                let record = match get(&body, "user") {
                    Value::Null => body,
                    user => user.clone(),
                };
                match user_id(&record) {
                    Some(id) if id.eq_ignore_ascii_case(key) => Ok(record),
                    Some(id) => Err(format!("the answer shows the user {id}, not {key}")),
                    None => Err("the answer is no user: is this the API's URL?".into()),
                }
            }),
            _ => {
                let field = match part {
                    BY_NAME => "userName",
                    BY_EMAIL => "emailAddress",
                    _ => "id",
                };
                let items = wire::list(answer, &["users"])?;
                let asked = records::Asked::of(keys);
                let of = |record: &Value| id_text(get(record, field)).filter(|found| asked.has(found));
                records::counted(answer, at(part, page), &items, records::keyed(&items, of))
            }
        }
    }

    fn everyone(&self, state: Option<&str>, columns: &BTreeSet<String>, page: Option<&str>) -> (Part, Request) {
        let needs = Needs::of(columns.iter());
        if needs.agent || columns.is_empty() {
            let active = state.filter(|state| *state != "any").map(|state| state == "active");
            return (AGENT, agents(&self.version, active, at(AGENT, page)));
        }
        (USER, all_users(state, at(USER, page)))
    }

    fn smaller_page(&self, part: Part, page: Option<&str>) -> Option<String> {
        let smaller = at(part, page).smaller()?;
        Some(if part == SKILLS { skills_page(is_of_active(page), smaller) } else { smaller.name() })
    }

    fn value(&self, user: &User, column: &str) -> Value {
        person::value(&user.record, column)
    }

    fn seen_in(&self, change: &Change) -> (Part, String) {
        let (number, uuid) = person::ids(change.user.as_str());
        let key = |id: Option<&str>| id.unwrap_or_default().to_owned();
        match change.kind.as_str() {
            "user" | "active+" | "active-" => (USER, key(uuid)),
            "skills+" | "skills-" => (SKILLS, key(number)),
            BLIND => (GATEWAY, change.user.0.clone()),
            _ => (AGENT, key(number)),
        }
    }

    fn seen(&self, change: &Change, records: &[Value]) -> Option<User> {
        let user = |record: Value| User { id: change.user.clone(), version: None, record };
        match self.seen_in(change).0 {
            SKILLS => person::assigned(records).map(|skills| user(json!({"skills": skills}))),
            // Somebody who was deactivated may not be shown any more: that tells nothing.
            USER if change.kind == "active-" && records.is_empty() => Some(user(json!({}))),
            part => records.first().map(|record| user(json!({part: record}))),
        }
    }

    fn holds(&self, change: &Change, user: &User) -> Map<String, Value> {
        person::holds(&user.record, change)
    }
}

/// One page of all agents, or of those that are active or not.
pub(super) fn agents(version: &str, active: Option<bool>, at: At) -> Request {
    let active = active.map(|active| format!("&isActive={active}")).unwrap_or_default();
    let target = format!("{}/agents?skip={}&top={}&orderBy=agentId{active}", admin(version), at.skip, at.top);
    requests::get("GET /incontactapi/services/{apiVersion}/agents", target)
}

pub(super) fn agents_by_id(version: &str, ids: &[String]) -> Request {
    let template = "POST /incontactapi/services/{apiVersion}/agents/search";
    let target = format!("{}/agents/search", admin(version));
    read(Host::Base, Method::Post, template, target, Some(json!({"agentIds": ids})))
}

/// One agent by its user's UUID: "most agent paths take either".
pub(super) fn agent_by_uuid(version: &str, uuid: &str) -> Request {
    let target = format!("{}/agents/{}", admin(version), segment(uuid));
    requests::get("GET /incontactapi/services/{apiVersion}/agents/{agentIdOrUserId}", target)
}

/// The skills of one agent.
pub(super) fn skills_of(version: &str, id: &str, at: At) -> Request {
    let target = format!("{}/agents/{}/skills?skip={}&top={}", admin(version), segment(id), at.skip, at.top);
    requests::get("GET /incontactapi/services/{apiVersion}/agents/{agentIdOrUserId}/skills", target)
}

/// One page of the skills of all agents that are active, or of all that are not.
pub(super) fn skills_of_all(version: &str, active: bool, at: At) -> Request {
    let path = format!("{}/agents/skills?isAgentActive={active}&isActive=true", admin(version));
    let target = format!("{path}&skip={}&top={}", at.skip, at.top);
    requests::get("GET /incontactapi/services/{apiVersion}/agents/skills", target)
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
    requests::get("GET /api/v1/users/{id}", format!("/api/v1/users/{}", segment(id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use paceline_core::plan::ChangeKey;
    use paceline_core::user::UserId;

    fn change(kind: &str, before: Value) -> Change {
        Change {
            key: ChangeKey { stage: 0, group: String::new(), row: 1 },
            kind: kind.into(),
            user: UserId("7/u".into()),
            before: before.as_object().cloned().unwrap_or_default(),
            after: Map::new(),
            rest: Map::new(),
            columns: vec![],
            version: None,
        }
    }

    #[test]
    fn what_becomes_of_a_write_is_seen_in_a_read_that_shows_its_effect() {
        let nice = Nice::new(None);
        let of = |kind: &str, before: Value, after: Value| {
            let after = after.as_object().cloned().unwrap_or_default();
            Change { after, ..change(kind, before) }
        };
        let skill = json!({"name": "A", "proficiency": 2});
        let shown = json!({"id": "5", "name": "A", "proficiency": 2});
        let told = json!({"told": true});
        let (on, off) = (json!({"active": true}), json!({"active": false}));
        let status = |status: &str| vec![json!({"id": "u", "status": status})];
        let add = of("skills+", json!({"skills/5": null}), json!({"skills/5": skill}));
        let remove = of("skills-", json!({"skills/5": skill}), json!({"skills/5": null}));
        let leave = of("active-", on.clone(), off.clone());
        let back = of("active+", off, on);
        // What is seen: `Some(true)` where all that was asked holds, `Some(false)` where it is as it was.
        let table = [
            (&add, SKILLS, vec![shown.clone(), told.clone()], Some(true)),
            (&add, SKILLS, vec![told.clone()], Some(false)),
            (&add, SKILLS, vec![], None),
            (&remove, SKILLS, vec![shown, told.clone()], Some(false)),
            (&remove, SKILLS, vec![told], Some(true)),
            (&remove, SKILLS, vec![], None),
            (&leave, USER, status("DELETED"), Some(true)),
            (&leave, USER, status("ACTIVE"), Some(false)),
            (&leave, USER, vec![], Some(false)),
            (&back, USER, status("PENDING"), Some(true)),
            (&back, USER, status("DELETED"), Some(false)),
            (&back, USER, vec![], None),
        ];
        for (change, part, records, expected) in table {
            assert_eq!(nice.seen_in(change).0, part, "{}", change.kind);
            let holds = nice.seen(change, &records).map(|user| {
                paceline_core::diff::settle(&change.before, &change.after, &nice.holds(change, &user))
                    == paceline_core::diff::Settled::Holds
            });
            assert_eq!(holds, expected, "{} {records:?}", change.kind);
        }
    }

    #[test]
    fn a_page_that_is_refused_for_its_size_is_asked_for_again_with_fewer_on_it() {
        let nice = Nice::new(None);
        let columns = |column: &str| BTreeSet::from([column.to_owned()]);
        for (column, part, first) in [("custom1", AGENT, 1_000), ("firstName", USER, 500)] {
            let asked = |page: Option<&str>| {
                let (of, request) = nice.everyone(None, &columns(column), page);
                assert_eq!(of, part);
                format!("{} {}", request.target, request.body.unwrap_or_default())
            };
            let has_top = |text: &str, top: usize| {
                text.contains(&format!("top={top}&")) || text.contains(&format!("\"top\":{top},"))
            };
            assert!(has_top(&asked(None), first), "{}", asked(None));
            let smaller = nice.smaller_page(part, None).unwrap();
            assert!(has_top(&asked(Some(&smaller)), first / 2), "{}", asked(Some(&smaller)));
        }
        let smaller = nice.smaller_page(SKILLS, Some("inactive:3000/1000/3/7")).unwrap();
        let request = nice.read(SKILLS, &["7".into(), "8".into()], &columns("skills"), Some(&smaller));
        assert!(
            request.target.contains("isAgentActive=false") && request.target.ends_with("skip=3000&top=500"),
            "{}",
            request.target
        );
    }

    #[test]
    fn an_export_leaves_the_deactivated_out_unless_they_are_asked_for() {
        let nice = Nice::new(None);
        let columns = BTreeSet::from(["firstName".to_owned()]);
        let states =
            |state: Option<&str>| nice.everyone(state, &columns, None).1.body.unwrap()["filter"]["status"].clone();
        assert_eq!(states(None), states(Some("active")));
        assert!(!states(None).as_array().unwrap().contains(&json!("DELETED")));
        assert_eq!(states(Some("inactive")), json!(["DELETED"]));
        assert_eq!(states(Some("any")), Value::Null);
    }
}
