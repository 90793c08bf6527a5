//! What a read of a part has brought: records, and the keys that they were asked by. A key without a record does not exist
//! there; what the answer does not tell is never taken for empty.

use super::limits;
use super::need::SKILLS;
use super::pages::{At, at, is_of_active, skills_page};
use super::wire::{self, agent_id, agents_user, get, id_text, not_understood, user_id};
use crate::http::number;
use paceline_core::vendor::{Answer, More, Page, Refusal};
use serde_json::{Value, json};
use std::collections::HashSet;

/// "Searches are *contains*": what was not asked for is no answer.
pub(super) struct Asked(HashSet<String>);

impl Asked {
    pub(super) fn of(keys: &[String]) -> Self {
        Self(keys.iter().map(|key| key.trim().to_lowercase()).collect())
    }

    /// Where nobody in particular was asked for, everybody was.
    pub(super) fn has(&self, found: &str) -> bool {
        self.0.is_empty() || self.0.contains(&found.to_lowercase())
    }
}

pub(super) fn keyed(items: &[Value], key: impl Fn(&Value) -> Option<String>) -> Vec<(String, Value)> {
    items.iter().filter_map(|item| Some((key(item)?, item.clone()))).collect()
}

/// Records and what follows, of a list that is counted by `skip`.
pub(super) fn counted(
    answer: &Answer,
    at: At,
    items: &[Value],
    records: Vec<(String, Value)>,
) -> Result<Page, Refusal> {
    if records.is_empty() && !items.is_empty() && items.iter().all(|item| user_id(item).or(agent_id(item)).is_none()) {
        return Err(not_understood(answer, "nobody on the answer's list has an id: is this the API's URL?"));
    }
    paged(answer, at, items, records)
}

fn paged(answer: &Answer, at: At, items: &[Value], records: Vec<(String, Value)>) -> Result<Page, Refusal> {
    let next = at.next(answer, items)?;
    Ok(Page { records, more: next.map_or(More::No, |next| More::Page(next.name())) })
}

/// One record by its own path.
pub(super) fn one(
    answer: &Answer,
    key: &str,
    record: impl Fn(Value) -> Result<Value, String>,
) -> Result<Page, Refusal> {
    if wire::found_nobody(answer) {
        return Ok(Page::default());
    }
    let body = answer.json_or_null();
    if !body.is_object() {
        return Err(not_understood(answer, "the answer is no object: is this the API's URL?"));
    }
    let record = record(body.clone()).map_err(|message| not_understood(answer, message))?;
    Ok(Page { records: vec![(key.to_owned(), record)], more: More::No })
}

/// One agent by its user's UUID.
pub(super) fn one_agent(answer: &Answer, key: &str) -> Result<Page, Refusal> {
    one(answer, key, |body| {
        let agents = [get(&body, "agents"), get(&body, "agent")].into_iter().flat_map(wire::flat);
        let agents = agents.chain(std::iter::once(&body)).filter(|agent| agent_id(agent).is_some());
        let agents: Vec<&Value> = agents.collect();
        let is = |agent: &&&Value| agents_user(agent).is_none_or(|id| id.eq_ignore_ascii_case(key));
        match agents.iter().find(is) {
            Some(agent) => Ok((**agent).clone()),
            None if agents.is_empty() => Err("the answer is no agent: is this the API's URL?".into()),
            None => Err(format!("the answer shows another agent than that of the user {key}")),
        }
    })
}

/// A search by id tells of those that it did not find too. Of whom it says nothing, it is asked again: the maximum is
/// not published, and an answer may be cut.
pub(super) fn searched(answer: &Answer, keys: &[String]) -> Result<Page, Refusal> {
    let items = wire::list(answer, &["agentResults", "agents"])?;
    let mut records: Vec<(String, Value)> = vec![];
    let mut mentioned: HashSet<String> = HashSet::new();
    let asked = Asked::of(keys);
    for item in &items {
        let record = match get(item, "agentRecord") {
            Value::Null => item,
            record => record,
        };
        let Some(id) = agent_id(record).or_else(|| agent_id(item)) else { continue };
        mentioned.insert(id.to_lowercase());
        if wire::flag(get(item, "success")) != Some(false) && agent_id(record).is_some() && asked.has(&id) {
            records.push((id, record.clone()));
        }
    }
    if mentioned.is_empty() && items.iter().any(|item| wire::flag(get(item, "success")) != Some(false)) {
        return Err(not_understood(answer, "nobody on the answer's list has an id: is this the API's URL?"));
    }
    let silent = asked.0.iter().any(|key| !mentioned.contains(key));
    Ok(Page { more: if silent && !records.is_empty() { More::Again } else { More::No }, records })
}

/// Says that a person's skills were told, all of them: none is not the same as not told.
fn all_told(key: &str) -> (String, Value) {
    (key.to_owned(), json!({"told": true}))
}

pub(super) fn skills_of_one(answer: &Answer, key: &str, at: At) -> Result<Page, Refusal> {
    if answer.status == 404 {
        // There is no such agent, which is not the same as one without skills.
        return Ok(Page::default());
    }
    let (items, found) = assignments(answer, at)?;
    if found.iter().filter_map(agent_id).any(|id| id != key) {
        return Err(not_understood(answer, format!("the answer shows the skills of another agent than {key}")));
    }
    let mut page = paged(answer, at, &items, found.into_iter().map(|item| (key.to_owned(), item)).collect())?;
    if page.more == More::No {
        page.records.push(all_told(key));
    }
    Ok(page)
}

/// Everybody's skills are read where those of many are asked for: the active agents', then the others'.
pub(super) fn skills_of_all(answer: &Answer, keys: &[String], page: Option<&str>) -> Result<Page, Refusal> {
    let (active, here) = (is_of_active(page), at(SKILLS, page));
    let (items, found) = assignments(answer, here)?;
    let mut records = keyed(&found, agent_id);
    let asked = Asked::of(keys);
    records.retain(|(id, _)| asked.has(id));
    let more = match (here.next(answer, &items)?, active) {
        (Some(next), _) => More::Page(skills_page(active, next)),
        (None, true) => {
            More::Page(skills_page(false, At::of(Some(&format!("0/{}", here.top)), limits::ADMIN_PAGE.most)))
        }
        (None, false) => {
            records.extend(keys.iter().map(|key| all_told(key)));
            More::No
        }
    };
    Ok(Page { records, more })
}

/// Assigned skills: as they came, and as little of each as is needed: `{"agentId", "id", "name", "proficiency"}`.
fn assignments(answer: &Answer, at: At) -> Result<(Vec<Value>, Vec<Value>), Refusal> {
    let items = wire::list(answer, &["agentSkillAssignments", "agentSkills", "skills"])?;
    let is_counted = number(get(answer.json_or_null(), "totalRecords")).is_some_and(|total| total > 0);
    if items.is_empty() && at.skip == 0 && is_counted {
        return Err(not_understood(answer, "the answer counts assigned skills and lists none"));
    }
    let one = |item: &Value| {
        let id = id_text(get(item, "skillId"))?;
        let proficiency = number(get(item, "agentProficiencyValue")).or_else(|| number(get(item, "proficiency")));
        Some(json!({"agentId": agent_id(item), "id": id, "name": get(item, "skillName"), "proficiency": proficiency}))
    };
    let assigned = items.iter().filter(|item| wire::flag(get(item, "isActive")) != Some(false));
    let found = assigned.map(|item| one(item).ok_or(())).collect::<Result<Vec<Value>, ()>>();
    let found = found.map_err(|()| not_understood(answer, "an assigned skill has no `skillId`"))?;
    Ok((items, found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nice::Nice;
    use crate::nice::need::{AGENT, BY_EMAIL, BY_NAME, BY_UUID, GATEWAY, USER};
    use paceline_core::vendor::{Part, Reads as _};

    fn records(part: Part, keys: &[String], page: Option<&str>, answer: &Answer) -> Result<Page, Refusal> {
        Nice::new(None).records(part, keys, page, answer)
    }

    fn answer(status: u16, body: &Value) -> Answer {
        Answer::new(status, vec![], body.to_string().into_bytes())
    }

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    fn read(part: Part, asked: &[&str], body: &Value) -> (Vec<String>, More) {
        let page = records(part, &keys(asked), None, &answer(200, body)).unwrap();
        (page.records.into_iter().map(|(key, _)| key).collect(), page.more)
    }

    #[test]
    fn a_search_that_finds_whatever_contains_a_value_brings_those_that_were_asked_for_only() {
        let user = |id: &str, email: &str| json!({"id": id, "emailAddress": email, "userName": email});
        let body = json!({"totalRecords": 3, "users":
            [user("u1", "Ada@x.org"), user("u2", "nada@x.org"), user("u3", "ada@x.org")]});
        assert_eq!(read(BY_EMAIL, &["ada@X.org"], &body), (keys(&["Ada@x.org", "ada@x.org"]), More::No));
        assert_eq!(read(BY_NAME, &["nada@x.org"], &body).0, ["nada@x.org"]);
        assert_eq!(read(USER, &["u1", "U3"], &body).0, ["u1", "u3"]);
        assert_eq!(read(USER, &[], &body).0, ["u1", "u2", "u3"]);
    }

    #[test]
    fn nobody_is_204_an_empty_list_and_the_404_of_the_api_and_a_200_without_a_body_tells_nothing() {
        let error = json!({"code": "USER_NOT_FOUND", "details": "no"});
        for part in [BY_NAME, BY_EMAIL, BY_UUID, AGENT, USER, GATEWAY] {
            for asked in [&["a"][..], &["a", "b"]] {
                let of = |answer: &Answer| records(part, &keys(asked), None, answer);
                let blank = of(&Answer::new(200, vec![], vec![])).unwrap_err();
                assert_eq!(blank.code.as_deref(), Some("not.understood"), "{part}");
                for nobody in [Answer::new(204, vec![], vec![]), answer(404, &error)] {
                    assert_eq!(of(&nobody), Ok(Page::default()), "{part} {}", nobody.status);
                }
            }
        }
    }

    #[test]
    fn a_read_that_shows_somebody_else_is_none_of_that_read() {
        let table = [
            (USER, "u1", json!({"user": {"id": "u2"}})),
            (USER, "u1", json!({"id": "u2"})),
            (USER, "u1", json!({"success": true})),
            (BY_UUID, "u1", json!({"agents": [{"agentId": 7, "userID": "u2"}]})),
            (BY_UUID, "u1", json!({"agents": []})),
            (SKILLS, "7", json!({"agentSkillAssignments": [{"agentID_alt": 8, "skillId": 1}]})),
            (SKILLS, "7", json!({"agentSkillAssignments": [{"agentId": 7}]})),
            (GATEWAY, "u1", json!([])),
        ];
        for (part, key, body) in table {
            let refusal = records(part, &keys(&[key]), None, &answer(200, &body)).unwrap_err();
            assert_eq!(refusal.code.as_deref(), Some("not.understood"), "{part} {body}");
        }
        assert_eq!(read(BY_UUID, &["U1"], &json!({"agents": [{"agentId": 7, "userID": "u1"}]})).0, ["U1"]);
        assert_eq!(read(BY_UUID, &["u1"], &json!({"agentId": 7})).0, ["u1"]);
        assert_eq!(read(USER, &["U1"], &json!({"user": {"ID": "u1"}})).0, ["U1"]);
    }

    #[test]
    fn agents_of_whom_a_search_says_nothing_are_asked_for_again() {
        let found = |id: u64| json!({"success": "true", "agentRecord": {"agentID_alt": id}});
        let missing = json!({"agentId": 9, "success": "False", "error": "InvalidAgentId"});
        let asked = ["7", "8", "9"];
        let whole = json!({"agentResults": [[found(7), found(8)], missing]});
        assert_eq!(read(AGENT, &asked, &whole), (keys(&["7", "8"]), More::No));
        assert_eq!(read(AGENT, &asked, &json!({"agentResults": [found(7)]})), (keys(&["7"]), More::Again));
        assert_eq!(read(AGENT, &asked, &json!({"agentResults": []})), (vec![], More::No));
        assert_eq!(read(AGENT, &asked, &json!({"errorCount": 1, "agentResults": [missing]})), (vec![], More::No));
        assert!(records(AGENT, &keys(&asked), None, &answer(200, &json!({"hello": 1}))).is_err());
        assert!(records(AGENT, &keys(&asked), None, &answer(200, &json!({"agents": [{"name": "x"}]}))).is_err());
    }

    #[test]
    fn no_skills_are_told_from_skills_that_were_not_told() {
        let told = |status, body: &Value| -> Vec<Value> {
            let page = records(SKILLS, &keys(&["7"]), None, &answer(status, body)).unwrap();
            page.records.into_iter().map(|(_, record)| record).collect()
        };
        let marker = json!({"told": true});
        assert_eq!(told(200, &json!({"totalRecords": 0})), std::slice::from_ref(&marker));
        assert_eq!(told(204, &json!(null)), std::slice::from_ref(&marker));
        let counted = json!({"totalRecords": 2, "agentSkillAssignments": []});
        let bodies = [json!({}), json!(null), json!([]), counted].map(|body| answer(200, &body));
        for untold in bodies.into_iter().chain([Answer::new(200, vec![], vec![])]) {
            for asked in [keys(&["7"]), keys(&["7", "8"])] {
                assert!(records(SKILLS, &asked, None, &untold).is_err());
            }
        }
        assert_eq!(told(404, &json!({"error": "InvalidAgentId", "error_description": "no"})), [] as [Value; 0]);
        let body = json!({"totalRecords": 2, "agentSkillAssignments": [{"agentID_alt": "7", "skillId": 1, "skillName": "A",
            "agentProficiencyValue": "2", "isActive": "True"}, {"agentID_alt": 7, "skillId": 2, "isActive": "False"}]});
        assert_eq!(told(200, &body), [json!({"agentId": "7", "id": "1", "name": "A", "proficiency": 2}), marker]);
    }

    #[test]
    fn of_everybodys_skills_only_those_that_were_asked_for_are_kept() {
        let asked = keys(&["7", "8"]);
        let one = |id: u64| json!({"agentId": id, "skillId": 1, "skillName": "A", "agentProficiencyValue": 1});
        let body = json!({"totalRecords": 4, "agentSkillAssignments": [one(7), one(99)]});
        let first = records(SKILLS, &asked, None, &answer(200, &body)).unwrap();
        assert_eq!(first.records.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["7"]);
        let More::Page(second) = first.more else { panic!("the list goes on") };
        assert!(is_of_active(Some(&second)) && at(SKILLS, Some(&second)).skip == 2);
        let body = json!({"totalRecords": 4, "agentSkillAssignments": [one(98), one(97)]});
        let More::Page(third) = records(SKILLS, &asked, Some(&second), &answer(200, &body)).unwrap().more else {
            panic!("the others' skills follow")
        };
        assert!(!is_of_active(Some(&third)) && at(SKILLS, Some(&third)).skip == 0);
        let last = records(SKILLS, &asked, Some(&third), &Answer::new(204, vec![], vec![])).unwrap();
        assert_eq!(last, Page { records: vec![all_told("7"), all_told("8")], more: More::No });
    }
}
