//! NICE CXone: Admin API and UserHub.

mod auth;
mod calls;
mod changes;
mod fields;
mod wire;

use fields::{Needs, Surface};
use paceline_core::desired::Row;
use paceline_core::pace::Quota;
use paceline_core::plan::{Change, Guard};
use paceline_core::vendor::{
    Answer, BLIND, Clues, Credentials, Each, Facts, Found, Grant, Lookup, More, Names, Need, Page, Part, Refusal,
    Request, Tenant, TokenVerdict, UNDO, User, Uses, Vendor, Verdict,
};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
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
         conflicts, but one made in the moment between is overwritten",
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

/// Users by username and by e-mail, an agent by its user's UUID, the agent, the user, the agent's skills, and what a
/// gateway shows of a blind row's user.
const BY_NAME: Part = "username";
const BY_EMAIL: Part = "email";
const BY_UUID: Part = "agent of user";
const AGENT: Part = "agent";
const USER: Part = "user";
const SKILLS: Part = "skills";
const GATEWAY: Part = "gateway";

/// The list that tells agents by username, e-mail and UUID: read where many rows need it.
const AGENTS: &str = "agents";
/// Rows that are looked up one by one before the list of all agents is fewer calls.
const FEW: u64 = 20;

/// Agents that are searched by id at once. The maximum is not published: refused reads are halved.
const AGENTS_AT_ONCE: usize = 500;
/// People whose skills are worth the reading of everybody's.
const SKILLS_AT_ONCE: usize = 2_000;

fn columns_of<'a>(row: &'a Row, uses: &'a Uses) -> Vec<&'a String> {
    // A row that undoes holds changes: its columns are the run's.
    if row.fields.contains_key(UNDO) { uses.columns.iter().collect() } else { row.fields.keys().collect() }
}

/// The key of a row, as the two ids that it tells.
fn ids_in(row: &Row) -> (Option<String>, Option<String>) {
    let value = row.key.value.as_str();
    let owned = |id: &str| Some(id.to_owned());
    match row.key.column.as_str() {
        "agentId" => (owned(value), None),
        "userId" => (None, owned(value)),
        "id" => {
            let (number, uuid) = wire::ids(value);
            (number.and_then(owned), uuid.and_then(owned))
        }
        _ => (None, None),
    }
}

fn gone(row: &Row, what: &str) -> Refusal {
    Refusal::not_found(format!("no {what} has the {} `{}`", row.key.column, row.key.value))
}

/// The only one of several records with a row's key.
fn only<'a>(
    row: &Row,
    what: &str,
    records: &[&'a Value],
    id: impl Fn(&Value) -> Option<String>,
) -> Result<&'a Value, Refusal> {
    let by_id: BTreeMap<Option<String>, &Value> = records.iter().map(|record| (id(record), *record)).collect();
    match (records.first(), by_id.len()) {
        (None, _) => Err(gone(row, what)),
        (Some(record), 1) => Ok(record),
        _ => {
            let ids = by_id.into_keys().flatten().collect::<Vec<_>>().join(", ");
            let message = format!("{} `{}` is not unique: name one of {ids} by `id`", row.key.column, row.key.value);
            Err(Refusal::own("ambiguous", message))
        }
    }
}

/// From a row's key to the records that its columns need.
fn need(row: &Row, uses: &Uses, names: &Names, found: &Found) -> Result<Need, Refusal> {
    let columns = columns_of(row, uses);
    let mut needs = Needs::of(columns.iter().copied());
    let (mut number, mut uuid) = ids_in(row);
    if !(needs.agent || needs.user) {
        // Nothing is asked of it but that it exists.
        if number.is_some() { needs.agent = true } else { needs.user = true }
    }
    let first = |part: Part| found.get(part).map(|records| records.first());
    let mut agent: Option<&Value> = None;
    let mut user: Option<&Value> = None;
    let by = |column: &str| if column == "email" { BY_EMAIL } else { BY_NAME };
    if matches!(row.key.column.as_str(), "email" | "userName") {
        let noted = if needs.agent { names.noted(AGENTS, &row.key.value) } else { None };
        if let Some(records) = noted {
            let records: Vec<&Value> = records.iter().filter(|record| record["by"] == row.key.column).collect();
            let one = only(row, "agent", &records, wire::agent_id)?;
            number = wire::agent_id(one);
            uuid = wire::agents_user(one);
        } else {
            let part = by(&row.key.column);
            let Some(records) = found.get(part) else { return Ok(Need::Read(part, row.key.value.clone())) };
            let one = only(row, "user", &wire::living(records), wire::user_id)?;
            uuid = wire::user_id(one);
            user = Some(one);
        }
    }
    if needs.agent || (needs.user && uuid.is_none()) {
        let record = match (first(AGENT), first(BY_UUID)) {
            (Some(record), _) | (None, Some(record)) => record,
            (None, None) => {
                let noted = uuid.as_deref().and_then(|uuid| names.noted(AGENTS, uuid)).and_then(<[Value]>::first);
                return match (number.or_else(|| noted.and_then(wire::agent_id)), uuid) {
                    (Some(number), _) => Ok(Need::Read(AGENT, number)),
                    (None, Some(uuid)) => Ok(Need::Read(BY_UUID, uuid)),
                    (None, None) => Err(gone(row, "agent")),
                };
            }
        };
        agent = Some(record.ok_or_else(|| gone(row, "agent"))?);
        uuid = uuid.or_else(|| agent.and_then(wire::agents_user));
    }
    if needs.user && user.is_none() {
        let Some(uuid) = uuid else { return Err(gone(row, "user")) };
        match first(USER) {
            None => return Ok(Need::Read(USER, uuid)),
            Some(record) => user = Some(record.ok_or_else(|| gone(row, "user"))?),
        }
    }
    let mut skills = None;
    if needs.skills {
        let number = agent.and_then(wire::agent_id).ok_or_else(|| gone(row, "agent"))?;
        let Some(held) = found.get(SKILLS) else { return Ok(Need::Read(SKILLS, number)) };
        skills = Some(&held[..]);
    }
    // Read on the way to the user only, the agent is no part of what the row touches.
    Ok(Need::Known(Box::new(wire::person(agent.filter(|_| needs.agent), user, skills))))
}

/// A page of a list that is counted by `skip`.
fn skip_of(page: Option<&str>) -> usize {
    page.and_then(|page| page.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok()).unwrap_or(0)
}

/// Whether a page is of the active agents' skills: those come first.
fn is_of_active(page: Option<&str>) -> bool {
    page.is_none_or(|page| page.starts_with("active"))
}

/// Records and what follows, of a list that is counted by `skip`.
fn counted(answer: &Answer, page: Option<&str>, records: Vec<(String, Value)>, found: usize) -> Page {
    let next = wire::next_skip(answer, skip_of(page), found);
    Page { records, more: next.map_or(More::No, |next| More::Page(next.to_string())) }
}

fn keyed(records: Vec<Value>, key: impl Fn(&Value) -> Option<String>) -> Vec<(String, Value)> {
    records.into_iter().filter_map(|record| Some((key(&record)?, record))).collect()
}

impl Vendor for Nice {
    fn facts(&self) -> &Facts {
        &FACTS
    }

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

    fn whoami(&self) -> Request {
        calls::business_unit(&self.version)
    }

    fn tenant(&self, answer: &Answer) -> Option<Tenant> {
        wire::business_unit(answer)
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
        calls::list(&self.version, list, skip_of(next))
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
        if list == AGENTS {
            names.note_list(AGENTS);
            for agent in &items {
                let ids = json!({"agentId": wire::agent_id(agent), "userID": wire::agents_user(agent)});
                for (column, key) in [("userName", "userName"), ("email", "emailAddress"), ("userId", "userID")] {
                    if let Some(text) = wire::get(agent, key).as_str() {
                        names.note(
                            AGENTS,
                            text,
                            json!({"by": column, "agentId": ids["agentId"], "userID": ids["userID"]}),
                        );
                    }
                }
            }
        }
        wire::named(&items, id, name).into_iter().for_each(|item| names.add(list, item));
        Ok(wire::next_skip(answer, skip_of(next), items.len()).map(|next| next.to_string()))
    }

    fn people(&self) -> (&'static [&'static str], Part) {
        (&[], BY_EMAIL)
    }

    fn need(&self, row: &Row, uses: &Uses, names: &Names, found: &Found) -> Result<Need, Refusal> {
        need(row, uses, names, found)
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
        let (key, skip) = (keys.first().map(String::as_str).unwrap_or_default(), skip_of(page));
        match part {
            AGENT => calls::agents_by_id(&self.version, keys),
            BY_UUID => calls::agent_by_uuid(&self.version, key),
            SKILLS if keys.len() == 1 => calls::skills_of(&self.version, key, skip),
            SKILLS => calls::skills_of_all(&self.version, is_of_active(page), skip),
            BY_NAME => calls::users_by("userName", keys, skip),
            BY_EMAIL => calls::users_by("emailAddress", keys, skip),
            GATEWAY => calls::gateway(key),
            USER if keys.len() == 1 => calls::user(key),
            _ => calls::users_by("id", keys, skip),
        }
    }

    fn records(&self, part: Part, keys: &[String], page: Option<&str>, answer: &Answer) -> Result<Page, Refusal> {
        let asked = |key: &String| keys.is_empty() || keys.iter().any(|asked| asked.eq_ignore_ascii_case(key));
        let key = keys.first().cloned().unwrap_or_default();
        match part {
            // A search by id is answered whole; a list of all, for an export, page by page.
            AGENT => {
                let items = wire::agents(answer)?;
                let found = items.len();
                let records = keyed(items, wire::agent_id);
                if keys.is_empty() {
                    return Ok(counted(answer, page, records, found));
                }
                Ok(Page { records, more: More::No })
            }
            BY_UUID | GATEWAY => {
                let there = answer.status < 300 && !answer.body().is_empty();
                let record = answer.json().filter(|record| there && record.is_object());
                let record = record.map(|record| {
                    let inner = wire::agents(answer).ok().and_then(|agents| agents.into_iter().next());
                    inner.unwrap_or_else(|| record.clone())
                });
                Ok(Page { records: record.map(|record| (key, record)).into_iter().collect(), more: More::No })
            }
            SKILLS if keys.len() == 1 => {
                let (items, found) = wire::assignments(answer)?;
                let records = items.into_iter().map(|item| (key.clone(), item)).collect();
                Ok(counted(answer, page, records, found))
            }
            SKILLS => {
                let (items, found) = wire::assignments(answer)?;
                let next = wire::next_skip(answer, skip_of(page), found);
                let word = if is_of_active(page) { "active" } else { "inactive" };
                let more = match next {
                    Some(next) => More::Page(format!("{word}:{next}")),
                    None if is_of_active(page) => More::Page("inactive:0".into()),
                    None => More::No,
                };
                Ok(Page { records: keyed(items, wire::agent_id), more })
            }
            USER if keys.len() == 1 => {
                let body = answer.json().filter(|_| answer.status < 300).unwrap_or(&Value::Null);
                let record = match wire::get(body, "user") {
                    Value::Null => body.clone(),
                    user => user.clone(),
                };
                if answer.status < 300 && wire::user_id(&record).is_none() {
                    let refusal = Refusal::own("not.understood", "the answer is no user: is this the API's URL?");
                    return Err(Refusal { status: Some(answer.status), ..refusal });
                }
                let there = wire::user_id(&record).is_some();
                Ok(Page { records: there.then_some((key, record)).into_iter().collect(), more: More::No })
            }
            _ => {
                let field = match part {
                    BY_NAME => "userName",
                    BY_EMAIL => "emailAddress",
                    _ => "id",
                };
                let items = wire::list(answer, &["users"])?;
                let found = items.len();
                let of = |record: &Value| wire::get(record, field).as_str().map(str::to_owned);
                let records = keyed(items, |record| of(record).filter(&asked));
                Ok(counted(answer, page, records, found))
            }
        }
    }

    fn seen_in(&self, change: &Change) -> (Part, String) {
        let (number, uuid) = wire::ids(change.user.as_str());
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
            SKILLS => Some(user(json!({"skills": records}))),
            part => records.first().map(|record| user(json!({part: record}))),
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

    fn everyone(&self, state: Option<&str>, columns: &BTreeSet<String>, page: Option<&str>) -> (Part, Request) {
        let needs = Needs::of(columns.iter());
        let active = state.filter(|state| *state != "any").map(|state| state == "active");
        if needs.agent || columns.is_empty() {
            return (AGENT, calls::agents(&self.version, active, skip_of(page)));
        }
        (USER, calls::all_users(active, skip_of(page)))
    }

    fn value(&self, user: &User, column: &str) -> Value {
        wire::value(&user.record, column)
    }

    fn changes(&self, row: &Row, user: &User, names: &Names) -> Result<Vec<Change>, Refusal> {
        changes::changes(row, user, names)
    }

    fn undo(&self, change: &Change) -> Vec<Change> {
        changes::undo(change)
    }

    fn width(&self, change: &Change) -> usize {
        calls::width(change)
    }

    fn width_is_published(&self, _change: &Change) -> bool {
        false
    }

    fn guard(&self, change: &Change) -> Guard {
        match change.kind.as_str() {
            BLIND => Guard::Idempotent,
            _ => Guard::Compare,
        }
    }

    fn holds(&self, change: &Change, user: &User) -> Map<String, Value> {
        wire::holds(&user.record, change)
    }

    fn is_asynchronous(&self, _change: &Change) -> bool {
        false
    }

    fn each(&self, changes: &[Change], answer: &Answer) -> Option<Vec<Each>> {
        wire::each(changes, answer)
    }

    fn call(&self, changes: &[Change]) -> Request {
        calls::call(&self.version, changes)
    }

    fn verdict(&self, request: &Request, answer: &Answer) -> Verdict {
        wire::verdict(request, answer)
    }

    fn refusal(&self, answer: &Answer) -> Refusal {
        wire::refusal(answer)
    }
}
