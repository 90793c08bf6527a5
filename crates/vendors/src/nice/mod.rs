//! NICE CXone: Admin API and UserHub.

mod answers;
mod auth;
mod body;
mod calls;
mod changes;
mod evidence;
mod fields;
mod need;
mod pages;
mod person;
mod reads;
mod wire;

use fields::{Needs, Surface};
use need::AGENTS;
use paceline_core::desired::Row;
use paceline_core::pace::Quota;
use paceline_core::plan::{Change, Guard};
use paceline_core::vendor::{
    Answer, Answers, BLIND, Clues, Credentials, Directory, Each, Facts, Found, Grant, Lookup, Names, Need, Page, Part,
    Reads, Refusal, Request, SignIn, Tenant, TokenVerdict, User, Uses, Vendor, Verdict, Writes,
};
use reads::{AGENT, BY_EMAIL, BY_NAME, BY_UUID, GATEWAY, SKILLS, USER};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// NICE CXone, with the version of its Admin API.
#[derive(Debug, Clone)]
pub(crate) struct Nice {
    version: String,
}

/// The newest that the published descriptions name.
const VERSION: &str = "v34.0";

impl Nice {
    pub(crate) fn new(version: Option<&str>) -> Self {
        Self { version: version.unwrap_or(VERSION).to_owned() }
    }
}

const FACTS: Facts = Facts {
    name: "nice",
    title: "NICE CXone",
    table: fields::TABLE,
    // None is published. Our own ceiling: facts/nice.md, "Quota and errors".
    quota: Quota { allowed: 5, window: Duration::from_secs(1) },
    quota_is_published: false,
    share: 100,
    max_concurrent: 4,
    note: Some(
        "NICE CXone offers no lock: users are read again just before they are written and edits made since are \
         conflicts, but one made in the moment between is overwritten, and so is a value that CXone does not show",
    ),
    valued: &[],
    parts: &[BY_NAME, BY_EMAIL, BY_UUID, AGENT, USER, SKILLS, GATEWAY],
    variables: [&["NICE_CLIENT_ID"], &["NICE_CLIENT_SECRET"], &["NICE_ACCESS_KEY_ID"], &["NICE_ACCESS_KEY_SECRET"]],
    region_variable: None,
    hosts_hint: "give --region (na1, eu1 …: an access key without a client needs it) or --base-url, or a profile with either",
    warnings: &[
        ("email", None, "an e-mail address changes: CXone sends the person a verification mail"),
        ("userName", None, "a username changes: the old one no longer signs in"),
        ("active", Some("0"), "is deactivated: signed out, and unable to sign in"),
    ],
    export_columns: &["userName", "email", "firstName", "lastName", "role", "team"],
};

/// Rows that are looked up one by one before the list of all agents is fewer calls.
const FEW: u64 = 20;

/// Agents that are searched by id at once. The maximum is not published: refused reads are halved.
const AGENTS_AT_ONCE: usize = 500;
/// People whose skills are worth the reading of everybody's.
const SKILLS_AT_ONCE: usize = 2_000;

impl Vendor for Nice {
    fn facts(&self) -> &Facts {
        &FACTS
    }
}

impl SignIn for Nice {
    fn lookup(&self, clues: &Clues, documents: &[Value]) -> Result<Lookup, Refusal> {
        auth::lookup(clues, documents)
    }

    fn grant(&self, credentials: &Credentials, form: usize) -> Option<Grant> {
        auth::grant(credentials, form)
    }

    fn refresh(&self, credentials: &Credentials, refresh: &SecretString) -> Option<Grant> {
        auth::refresh(credentials, refresh)
    }

    fn token(&self, answer: &Answer) -> TokenVerdict {
        auth::verdict(answer)
    }
}

impl Directory for Nice {
    fn whoami(&self) -> Request {
        calls::business_unit(&self.version)
    }

    fn tenant(&self, answer: &Answer) -> Option<Tenant> {
        answers::business_unit(answer)
    }

    fn quota_request(&self) -> Option<Request> {
        None
    }

    fn quota(&self, _answer: &Answer) -> Option<Quota> {
        None
    }

    fn lists(&self, uses: &Uses) -> Vec<&'static str> {
        let needs = Needs::of(uses.columns.iter());
        let has = |wanted: &str| uses.columns.contains(wanted) && !uses.undo;
        let sets_user = uses.columns.iter().any(|column| fields::surface(column) == Surface::User);
        // The user's record tells its team by UUID; the Admin API's teams have numbers. A row may need either.
        let by_key = |column: &str| uses.keys.contains(column);
        let looked_up = by_key("email") || by_key("userName") || by_key("userId");
        let lists = [
            (AGENTS, needs.agent && looked_up && uses.rows > FEW),
            ("skill", needs.skills && !uses.undo),
            ("team", has("team")),
            ("user team", has("team") && sets_user),
            ("role", has("role")),
        ];
        lists.into_iter().filter(|(_, wanted)| *wanted).map(|(list, _)| list).collect()
    }

    fn list(&self, list: &str, next: Option<&str>) -> Request {
        calls::list(&self.version, list, next)
    }

    fn listed(
        &self,
        list: &str,
        next: Option<&str>,
        answer: &Answer,
        names: &mut Names,
    ) -> Result<Option<String>, Refusal> {
        let (key, id, name) = match list {
            "skill" => ("skills", "skillId", "skillName"),
            "team" => ("teams", "teamId", "teamName"),
            "user team" => ("teams", "id", "name"),
            "role" => ("roles", "roleId", "roleName"),
            _ => ("agents", "", ""),
        };
        let items = wire::list(answer, &[key])?;
        let mut brings_new = false;
        if list == AGENTS {
            names.note_list(AGENTS);
            brings_new = need::note_agents(&items, names);
        }
        for (item, in_use) in wire::named(&items, id, name) {
            let is_known = names.resolve(list, &item.id).is_ok_and(|known| known.id == item.id);
            brings_new |= !is_known;
            // Of two with one name, the one that is in use is meant.
            if in_use || names.resolve(list, &item.name).is_err() {
                names.add(list, item);
            }
        }
        if !brings_new {
            return Ok(None);
        }
        Ok(calls::list_page(list, next).next(answer, &items)?.map(|next| next.name()))
    }
}

impl Reads for Nice {
    fn people(&self) -> (&'static [&'static str], Part) {
        (&[], BY_EMAIL)
    }

    fn need(&self, row: &Row, uses: &Uses, names: &Names, found: &Found) -> Result<Need, Refusal> {
        need::need(row, uses, names, found)
    }

    fn part_width(&self, part: Part, waiting: usize) -> usize {
        match part {
            AGENT => AGENTS_AT_ONCE,
            SKILLS if waiting as u64 > FEW => SKILLS_AT_ONCE,
            BY_NAME | BY_EMAIL | USER => 100,
            _ => 1,
        }
    }

    fn read(&self, part: Part, keys: &[String], _columns: &BTreeSet<String>, page: Option<&str>) -> Request {
        let (key, at) = (keys.first().map(String::as_str).unwrap_or_default(), reads::at(part, page));
        match part {
            AGENT => calls::agents_by_id(&self.version, keys),
            BY_UUID => calls::agent_by_uuid(&self.version, key),
            SKILLS if keys.len() == 1 => calls::skills_of(&self.version, key, at),
            SKILLS => calls::skills_of_all(&self.version, reads::is_of_active(page), at),
            BY_NAME => calls::users_by("userName", keys, at),
            BY_EMAIL => calls::users_by("emailAddress", keys, at),
            GATEWAY => calls::gateway(key),
            USER if keys.len() == 1 => calls::user(key),
            _ => calls::users_by("id", keys, at),
        }
    }

    fn records(&self, part: Part, keys: &[String], page: Option<&str>, answer: &Answer) -> Result<Page, Refusal> {
        reads::records(part, keys, page, answer)
    }

    fn everyone(&self, state: Option<&str>, columns: &BTreeSet<String>, page: Option<&str>) -> (Part, Request) {
        let needs = Needs::of(columns.iter());
        if needs.agent || columns.is_empty() {
            let active = state.filter(|state| *state != "any").map(|state| state == "active");
            return (AGENT, calls::agents(&self.version, active, reads::at(AGENT, page)));
        }
        (USER, calls::all_users(state, reads::at(USER, page)))
    }

    fn smaller_page(&self, part: Part, page: Option<&str>) -> Option<String> {
        let smaller = reads::at(part, page).smaller()?;
        Some(if part == SKILLS { reads::skills_page(reads::is_of_active(page), smaller) } else { smaller.name() })
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

impl Writes for Nice {
    fn changes(&self, row: &Row, user: &User, names: &Names) -> Result<Vec<Change>, Refusal> {
        changes::changes(row, user, names)
    }

    fn undo(&self, change: &Change) -> Vec<Change> {
        changes::undo(change)
    }

    fn guard(&self, change: &Change) -> Guard {
        match change.kind.as_str() {
            // What is assigned anew or taken away replaces nothing. A proficiency that was there is replaced.
            "skills+" if change.before.values().all(Value::is_null) => Guard::Idempotent,
            "skills-" | BLIND => Guard::Idempotent,
            _ => Guard::Compare,
        }
    }

    fn record_of(&self, change: &Change) -> Option<&'static str> {
        Some(if self.seen_in(change).0 == USER { "the user" } else { "the agent" })
    }

    fn writes_whole(&self, change: &Change) -> bool {
        change.kind == "user"
    }

    fn rebase(&self, change: Change, user: &User) -> Change {
        // The whole user is written: as it is now, not as it was planned.
        let rest = user.record.get("user").and_then(Value::as_object).cloned().unwrap_or_default();
        if change.kind == "user" { Change { rest, ..change } } else { change }
    }

    fn width(&self, change: &Change) -> usize {
        calls::width(change)
    }

    fn width_is_published(&self, _change: &Change) -> bool {
        false
    }

    fn call(&self, changes: &[Change]) -> Request {
        calls::call(&self.version, changes)
    }
}

impl Answers for Nice {
    fn verdict(&self, request: &Request, answer: &Answer) -> Verdict {
        answers::verdict(request, answer)
    }

    fn refusal(&self, answer: &Answer) -> Refusal {
        answers::refusal(answer)
    }

    fn each(&self, changes: &[Change], answer: &Answer) -> Option<Vec<Each>> {
        evidence::each(changes, answer).map(evidence::read_back)
    }
}

#[cfg(test)]
mod properties;

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
    fn what_replaces_a_value_is_compared_and_what_only_adds_or_takes_away_is_not() {
        let rated = json!({"name": "A", "proficiency": 2});
        let table = [
            ("user", json!({}), Guard::Compare),
            ("agent", json!({}), Guard::Compare),
            ("team", json!({}), Guard::Compare),
            ("active+", json!({}), Guard::Compare),
            ("active-", json!({}), Guard::Compare),
            ("skills+", json!({"skills/1": null, "skills/2": null}), Guard::Idempotent),
            ("skills+", json!({"skills/1": null, "skills/2": rated}), Guard::Compare),
            ("skills-", json!({"skills/1": rated}), Guard::Idempotent),
            (BLIND, json!({}), Guard::Idempotent),
        ];
        for (kind, before, expected) in table {
            assert_eq!(Nice::new(None).guard(&change(kind, before.clone())), expected, "{kind} {before}");
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

    #[test]
    fn a_list_ends_where_a_page_brings_nothing_new() {
        let nice = Nice::new(None);
        let skills = |call: usize| json!({"skills": [{"skillId": call % 3, "skillName": format!("S{}", call % 3)}]});
        let agents = |call: usize| json!({"agents": [{"agentId": call % 3, "userID": format!("u{}", call % 3)}]});
        let mut names = Names::default();
        let mut calls = |list: &str, page: &dyn Fn(usize) -> Value| {
            let (mut next, mut calls) = (None, 0);
            loop {
                let mut body = page(calls);
                body["totalRecords"] = json!(1_000_000_000);
                let answer = Answer::new(200, vec![], body.to_string().into_bytes());
                calls += 1;
                match nice.listed(list, next.as_deref(), &answer, &mut names).unwrap() {
                    Some(page) => next = Some(page),
                    None => return calls,
                }
            }
        };
        assert_eq!((calls("skill", &skills), calls(AGENTS, &agents)), (4, 4));
        assert_eq!(names.resolve("skill", "s1").unwrap().id, "1");
    }
}
