//! Genesys Cloud CX, public API v2.

mod auth;
mod calls;
mod changes;
mod fields;
pub mod regions;
mod wire;

use paceline_core::desired::Row;
use paceline_core::pace::Quota;
use paceline_core::plan::Change;
use paceline_core::user::{UserId, UserKey};
use paceline_core::vendor::{
    Answer, Credentials, Facts, Grant, Named, Names, Refusal, Request, TokenVerdict, User, Vendor, Verdict,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::time::Duration;

/// Genesys Cloud CX.
#[derive(Debug, Clone, Copy)]
pub struct Genesys;

const FACTS: Facts = Facts {
    name: "genesys",
    title: "Genesys Cloud",
    table: fields::TABLE,
    // `client.credentials.token.rate.per.minute`, default: facts/genesys.md, section 2.1.
    quota: Quota { allowed: 300, window: Duration::from_secs(60) },
    // `max.user.ids` of GET /users: facts/genesys.md, section 4.
    read_width: 100,
    warnings: &[
        ("email", None, "an e-mail address changes: it is how people sign in and are found"),
        ("username", None, "a username changes: the old one no longer signs in"),
        ("state", Some("inactive"), "is deactivated: signed out, and unable to sign in"),
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

impl Vendor for Genesys {
    fn facts(&self) -> &Facts {
        &FACTS
    }

    fn grant(&self, credentials: &Credentials, form: usize) -> Option<Grant> {
        auth::grant(credentials, form)
    }

    fn token(&self, answer: &Answer) -> TokenVerdict {
        auth::verdict(answer)
    }

    fn whoami(&self) -> Request {
        calls::organization()
    }

    fn tenant(&self, answer: &Answer) -> Option<String> {
        wire::organization(answer)
    }

    fn quota_request(&self) -> Option<Request> {
        Some(calls::limits())
    }

    fn quota(&self, answer: &Answer) -> Option<Quota> {
        wire::quota(answer)
    }

    fn find(&self, keys: &[UserKey]) -> Request {
        calls::search(keys)
    }

    fn found(&self, answer: &Answer) -> Result<Vec<(String, UserId)>, Refusal> {
        wire::found(answer)
    }

    fn read(&self, users: &[UserId], columns: &BTreeSet<String>) -> Request {
        calls::read(users, columns)
    }

    fn everyone(&self, state: Option<&str>, columns: &BTreeSet<String>, page: u32) -> Request {
        calls::everyone(state, columns, page)
    }

    fn more_follow(&self, answer: &Answer) -> bool {
        wire::more_follow(answer)
    }

    fn value(&self, user: &User, column: &str) -> Value {
        wire::value(&user.record, column)
    }

    fn users(&self, answer: &Answer) -> Result<Vec<User>, Refusal> {
        wire::users(answer)
    }

    fn lists(&self, columns: &BTreeSet<String>) -> Vec<&'static str> {
        let lists: BTreeSet<&'static str> = columns.iter().filter_map(|column| fields::list(column)).collect();
        lists.into_iter().collect()
    }

    fn list(&self, list: &str, next: Option<&str>) -> Request {
        calls::list(list, next)
    }

    fn listed(&self, answer: &Answer) -> Result<(Vec<Named>, Option<String>), Refusal> {
        wire::listed(answer)
    }

    fn people(&self) -> &'static [&'static str] {
        &["manager"]
    }

    fn read_more(&self, user: &UserId, columns: &BTreeSet<String>) -> Option<(Request, &'static str)> {
        let queues = columns.iter().any(|column| fields::mode(column).0 == "queues");
        queues.then(|| (calls::queues_of(user), "queues"))
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

    fn holds(&self, change: &Change, user: &User) -> Map<String, Value> {
        wire::holds(&user.record, change)
    }

    fn is_asynchronous(&self, change: &Change) -> bool {
        // POST and DELETE /groups/{id}/members answer 202: facts/genesys.md, section 4.
        matches!(change.kind.as_str(), "groups+" | "groups-")
    }

    fn each(&self, changes: &[Change], answer: &Answer) -> Option<Vec<Result<(), Refusal>>> {
        wire::each(changes, answer)
    }

    fn call(&self, changes: &[Change]) -> Request {
        calls::call(changes)
    }

    fn verdict(&self, request: &Request, answer: &Answer) -> Verdict {
        wire::verdict(request, answer)
    }

    fn refusal(&self, answer: &Answer) -> Refusal {
        wire::refusal(answer)
    }
}
