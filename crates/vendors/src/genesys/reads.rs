//! What is read of users, and the calls that read them.

use super::need::{self, ALL, ATTRIBUTES, GRANTS, HITS, LISTED, PEOPLE, QUEUES, SEARCH, USER};
use super::pages::{self, sized};
use super::requests::{self, USERS, get};
use super::{Genesys, fields, limits, record};
use crate::http::encode;
use paceline_core::desired::Row;
use paceline_core::plan::Change;
use paceline_core::vendor::{
    Answer, Effect, Found, Host, Method, Names, Need, Page, Part, Reads, Refusal, Request, User, Uses,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

impl Reads for Genesys {
    fn people(&self) -> (&'static [&'static str], Part) {
        (&["manager"], PEOPLE)
    }

    fn need(&self, row: &Row, uses: &Uses, names: &Names, found: &Found) -> Result<Need, Refusal> {
        need::need(row, uses, names, found)
    }

    fn part_width(&self, part: Part, _waiting: usize) -> usize {
        match part {
            QUEUES | GRANTS | ATTRIBUTES => 1,
            SEARCH | PEOPLE => limits::SEARCHED.most,
            HITS => limits::USERS_BY_ID.most / limits::HITS_OF_ONE.most,
            _ => limits::USERS_BY_ID.most,
        }
    }

    fn read(&self, part: Part, keys: &[String], columns: &BTreeSet<String>, page: Option<&str>) -> Request {
        let one = keys.first().map(String::as_str).unwrap_or_default();
        match part {
            SEARCH => search(keys, page, &["active", "inactive", "deleted"]),
            PEOPLE => search(keys, page, &["active", "inactive"]),
            QUEUES => queues_of(one, page),
            GRANTS => grants_of(one),
            ATTRIBUTES => attributes_of(one),
            HITS => users(&need::ids(keys), columns),
            _ => users(keys, columns),
        }
    }

    fn records(&self, part: Part, keys: &[String], page: Option<&str>, answer: &Answer) -> Result<Page, Refusal> {
        let one = keys.first().map(String::as_str).unwrap_or_default();
        match part {
            SEARCH | PEOPLE => pages::found(answer, page),
            QUEUES => pages::queues(answer, one, page),
            GRANTS => pages::grants(answer, one),
            ATTRIBUTES => pages::attributes(answer, one),
            HITS => pages::hits(answer, keys),
            ALL | LISTED => pages::everyone(answer, page, part == LISTED),
            _ => pages::users(answer, keys),
        }
    }

    fn everyone(&self, state: Option<&str>, columns: &BTreeSet<String>, page: Option<&str>) -> (Part, Request) {
        let part = if state.is_some() { LISTED } else { ALL };
        let (size, at) = sized(page);
        let state = encode(state.unwrap_or("any"));
        (part, get(USERS, format!("/api/v2/users?pageSize={size}&pageNumber={at}&state={state}{}", expands(columns))))
    }

    fn smaller_page(&self, part: Part, page: Option<&str>) -> Option<String> {
        if !matches!(part, ALL | LISTED) {
            return None;
        }
        let (size, at) = sized(page);
        let before = size.checked_mul(at - 1)?;
        let smaller = limits::SMALLER.iter().find(|smaller| **smaller < size && before % **smaller == 0)?;
        Some(format!("{smaller}:{}", before / smaller + 1))
    }

    fn value(&self, user: &User, column: &str) -> Value {
        record::value(&user.record, column)
    }

    fn seen_in(&self, change: &Change) -> (Part, String) {
        let user = change.user.as_str();
        match change.kind.as_str() {
            ATTRIBUTES => (ATTRIBUTES, need::attributes_key(user, change.after.keys())),
            kind if kind.starts_with(QUEUES) => (QUEUES, user.to_owned()),
            kind if kind.starts_with(GRANTS) => (GRANTS, user.to_owned()),
            _ => (USER, user.to_owned()),
        }
    }

    fn seen(&self, change: &Change, records: &[Value]) -> Option<User> {
        let record = match change.kind.as_str() {
            ATTRIBUTES => json!({"customAttributes": records}),
            kind if kind.starts_with(QUEUES) => json!({QUEUES: records}),
            kind if kind.starts_with(GRANTS) => records.first()?.clone(),
            // A deleted user is gone, but for a change that restores it.
            kind => {
                let user = records.first().map(pages::user)?;
                return Some(user).filter(|user| kind == "state" || user.record["state"] != "deleted");
            }
        };
        Some(User { id: change.user.clone(), version: None, record })
    }

    fn holds(&self, change: &Change, user: &User) -> Map<String, Value> {
        record::holds(&user.record, change)
    }
}

/// Users by id. A key may name schemas of custom attributes behind the id, spaces between.
pub(super) fn users(keys: &[String], columns: &BTreeSet<String>) -> Request {
    let mut target = format!("/api/v2/users?pageSize={}&state=any", keys.len().max(limits::LEAST_USERS.most));
    let mut schemas = BTreeSet::new();
    for key in keys {
        let mut ids = key.split(' ');
        target += "&id=";
        target += &encode(ids.next().unwrap_or_default());
        schemas.extend(ids);
    }
    target += &expands(columns);
    if !schemas.is_empty() {
        target += "&expand=customAttributes";
    }
    for schema in schemas {
        target += "&userCustomAttributeSchemaIds=";
        target += &encode(schema);
    }
    get(USERS, target)
}

fn expands(columns: &BTreeSet<String>) -> String {
    let expands: BTreeSet<&str> = columns.iter().filter_map(|column| fields::expands(column)).collect();
    expands.into_iter().map(|expand| format!("&expand={expand}")).collect()
}

pub(super) fn search(emails: &[String], page: Option<&str>, states: &[&str]) -> Request {
    let page: u64 = page.and_then(|page| page.parse().ok()).unwrap_or(1);
    Request {
        host: Host::Base,
        method: Method::Post,
        template: requests::SEARCH,
        target: "/api/v2/users/search".into(),
        body: Some(json!({
            "pageSize": limits::HITS.most, "pageNumber": page,
            "query": [
                {"type": "EXACT", "fields": ["email"], "values": emails},
                {"type": "EXACT", "fields": ["state"], "values": states},
            ],
        })),
        effect: Effect::Read,
    }
}

/// One page of a user's queues: first those joined, then the others (the call tells either).
pub(super) fn queues_of(user: &str, page: Option<&str>) -> Request {
    let (joined, page) = page.and_then(|page| page.split_once(':')).unwrap_or(("true", "1"));
    let target = format!(
        "/api/v2/users/{}/queues?pageSize={}&pageNumber={page}&joined={joined}",
        encode(user),
        limits::QUEUES.most
    );
    get("GET /api/v2/users/{userId}/queues", target)
}

/// One user's roles, each with its divisions.
pub(super) fn grants_of(user: &str) -> Request {
    get(requests::GRANTS, format!("/api/v2/authorization/subjects/{}", encode(user)))
}

/// The custom attributes of one user, of some schemas. The key tells both: the user's id and the schemas', spaces between.
pub(super) fn attributes_of(key: &str) -> Request {
    let mut ids = key.split(' ');
    let user = encode(ids.next().unwrap_or_default());
    let ids = ids.map(|id| format!("schemaIds={}", encode(id))).collect::<Vec<_>>().join("&");
    let target = format!("/api/v2/users/{user}/customattributes/bulk?{ids}");
    get("GET /api/v2/users/{userId}/customattributes/bulk", target)
}
