//! Genesys Cloud CX, public API v2.

mod auth;
mod calls;
mod changes;
mod directory;
mod evidence;
mod fields;
mod lists;
mod maker;
mod need;
mod pages;
mod phones;
mod reads;
mod record;
mod regions;
#[cfg(test)]
mod tests;
mod verdicts;

use paceline_core::desired::Row;
use paceline_core::pace::Quota;
use paceline_core::plan::{Change, Guard};
use paceline_core::vendor::{
    Answer, Answers, BLIND, Clues, Credentials, Directory, Each, Facts, Found, Grant, Lookup, Names, Need, Page, Part,
    Reads, Refusal, Request, SignIn, Tenant, TokenVerdict, User, Uses, Vendor, Verdict, Writes,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Genesys Cloud CX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Genesys;

const FACTS: Facts = Facts {
    name: "genesys",
    title: "Genesys Cloud",
    table: fields::TABLE,
    // `client.credentials.token.rate.per.minute`, its published default.
    quota: Quota { allowed: 300, window: Duration::from_secs(60) },
    quota_is_published: true,
    share: 80,
    max_concurrent: 10,
    note: None,
    valued: &["manager", "queues+", "queues-", "roles", "roles+", "roles-", "grants-"],
    parts: &[SEARCH, HITS, USER, QUEUES, GRANTS, ATTRIBUTES],
    // The tutorial's, and the vendor's own tools'.
    variables: [
        &["GENESYS_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"],
        &["GENESYS_CLIENT_SECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET"],
        &[],
        &[],
    ],
    region_variable: Some("GENESYSCLOUD_REGION"),
    hosts_hint: "give --region (eu-central-1, mypurecloud.de …) or --base-url, or a profile with either",
    warnings: &[
        ("email", None, "an e-mail address changes: it is how people sign in and are found"),
        ("username", None, "a username changes: the old one no longer signs in"),
        ("state", Some("inactive"), "is deactivated: signed out, and unable to sign in"),
        // Only an undo of a run that restored somebody asks for it.
        ("state", Some("deleted"), "is deleted again, as before the run that is undone"),
    ],
    export_columns: &[
        "email",
        "name",
        "title",
        "department",
        "manager",
        "division",
        "state",
        "acdAutoAnswer",
        "skills",
        "languages",
        "groups",
        "team",
    ],
};

/// The search by e-mail, the user's record, and the queues, which it does not show.
const SEARCH: Part = "search";
/// The search for people whom rows name by e-mail: nobody is named who is deleted.
const PEOPLE: Part = "people";
/// The records of several that the search shows under one address: it lags, and one of them has it.
const HITS: Part = "hits";
const USER: Part = "user";
const QUEUES: Part = "queues";
/// The divisions that a user's roles are held in, where a row takes a role away.
const GRANTS: Part = "grants";
/// Custom attributes, where the user's record leaves them out although they were asked for.
const ATTRIBUTES: Part = "attributes";
/// Pages of all users: without the deleted ones, and of the state that was asked for.
const ALL: Part = "everyone";
const LISTED: Part = "listed";

impl Vendor for Genesys {
    fn facts(&self) -> &Facts {
        &FACTS
    }
}

impl SignIn for Genesys {
    fn lookup(&self, clues: &Clues, _documents: &[Value]) -> Result<Lookup, Refusal> {
        let found = clues.region.as_deref().and_then(regions::hosts);
        Ok(found.map_or_else(|| Lookup::Unknown(regions::names()), Lookup::Found))
    }

    fn grant(&self, credentials: &Credentials, form: usize) -> Option<Grant> {
        auth::grant(credentials, form)
    }

    fn token(&self, answer: &Answer) -> TokenVerdict {
        auth::verdict(answer)
    }
}

impl Directory for Genesys {
    fn whoami(&self) -> Request {
        reads::organization()
    }

    fn tenant(&self, answer: &Answer) -> Option<Tenant> {
        pages::organization(answer)
    }

    fn quota_request(&self) -> Option<Request> {
        Some(reads::limits())
    }

    fn quota(&self, answer: &Answer) -> Option<Quota> {
        pages::quota(answer)
    }

    fn lists(&self, uses: &Uses) -> Vec<&'static str> {
        directory::lists(uses)
    }

    fn further_lists(&self, uses: &Uses, names: &Names) -> Vec<String> {
        directory::further_lists(uses, names)
    }

    fn list(&self, list: &str, next: Option<&str>) -> Request {
        reads::list(list, next)
    }

    fn listed(
        &self,
        list: &str,
        next: Option<&str>,
        answer: &Answer,
        names: &mut Names,
    ) -> Result<Option<String>, Refusal> {
        directory::listed(list, next, answer, names)
    }
}

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
            SEARCH | PEOPLE => reads::MOST_VALUES,
            // `max.user.ids` of GET /users.
            HITS => reads::MOST_IDS / need::MOST_HITS,
            _ => reads::MOST_IDS,
        }
    }

    fn read(&self, part: Part, keys: &[String], columns: &BTreeSet<String>, page: Option<&str>) -> Request {
        let one = keys.first().map(String::as_str).unwrap_or_default();
        match part {
            SEARCH => reads::search(keys, page, &["active", "inactive", "deleted"]),
            PEOPLE => reads::search(keys, page, &["active", "inactive"]),
            QUEUES => reads::queues_of(one, page),
            GRANTS => reads::grants_of(one),
            ATTRIBUTES => reads::attributes_of(one),
            HITS => reads::users(&need::ids(keys), columns),
            _ => reads::users(keys, columns),
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
        (if state.is_some() { LISTED } else { ALL }, reads::everyone(state, columns, page))
    }

    fn smaller_page(&self, part: Part, page: Option<&str>) -> Option<String> {
        matches!(part, ALL | LISTED).then(|| reads::smaller(page)).flatten()
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

impl Writes for Genesys {
    fn changes(&self, row: &Row, user: &User, names: &Names) -> Result<Vec<Change>, Refusal> {
        changes::changes(row, user, names)
    }

    fn undo(&self, change: &Change) -> Vec<Change> {
        changes::undo(change)
    }

    fn guard(&self, change: &Change) -> Guard {
        // What replaces nothing that was there overwrites nobody.
        let replaces_nothing = || change.after.keys().all(|key| change.before.get(key).is_some_and(Value::is_null));
        match change.kind.as_str() {
            "fields" | "state" if change.version.is_some() => Guard::Version,
            "skills+" | "languages" if replaces_nothing() => Guard::Idempotent,
            BLIND | "skill-" | "language-" => Guard::Idempotent,
            kind if ["groups", "queues", "roles", GRANTS].iter().any(|list| kind.starts_with(list)) => {
                Guard::Idempotent
            }
            _ => Guard::Compare,
        }
    }

    fn rebase(&self, change: Change, user: &User) -> Change {
        lists::placed(Change { version: user.version.or(change.version), ..change }, &user.record)
    }

    fn width(&self, change: &Change) -> usize {
        calls::width(change)
    }

    fn width_is_published(&self, change: &Change) -> bool {
        calls::width_is_published(change)
    }

    fn call(&self, changes: &[Change]) -> Request {
        calls::call(changes)
    }
}

impl Answers for Genesys {
    fn verdict(&self, request: &Request, answer: &Answer) -> Verdict {
        verdicts::verdict(request, answer)
    }

    fn refusal(&self, answer: &Answer) -> Refusal {
        verdicts::refusal(answer)
    }

    fn each(&self, changes: &[Change], answer: &Answer) -> Option<Vec<Each>> {
        evidence::each(changes, answer)
    }
}
