//! A vendor of the smallest kind, and a world behind it that keeps its own books: what the sender is tested against.

use crate::pace::Quota;
use crate::plan::{Change, Guard};
use crate::user::UserId;
use crate::vendor::{
    Answer, Answers, Clues, Credentials, Directory, Each, Effect, Facts, Found, Grant, Host, Lookup, Method, Names,
    Need, Page, Part, Reads, Refusal, Request, SignIn, TokenVerdict, User, Uses, Vendor, Verdict, Writes,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Kinds of changes, in the order of their stages: `state` and `fields` carry a version, `skills` and `move` are compared,
/// `join` only adds; `move` and `join` share calls.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) width: usize,
    pub(super) published: bool,
}

impl Writes for Reference {
    fn changes(&self, _: &crate::desired::Row, _: &User, _: &Names) -> Result<Vec<Change>, Refusal> {
        unreachable!()
    }

    fn undo(&self, _: &Change) -> Vec<Change> {
        unreachable!()
    }

    fn guard(&self, change: &Change) -> Guard {
        match change.kind.as_str() {
            "state" | "fields" => Guard::Version,
            "join" => Guard::Idempotent,
            _ => Guard::Compare,
        }
    }

    fn width(&self, change: &Change) -> usize {
        if matches!(change.kind.as_str(), "move" | "join") { self.width } else { 1 }
    }

    fn width_is_published(&self, _change: &Change) -> bool {
        self.published
    }

    fn call(&self, changes: &[Change]) -> Request {
        let one = |change: &Change| {
            let version = (self.guard(change) == Guard::Version).then_some(change.version);
            json!({"user": change.user, "after": change.after, "version": version})
        };
        let target = changes.first().map(|change| format!("{} {}", change.kind, change.key.group)).unwrap_or_default();
        request(target, changes.iter().map(one).collect(), Effect::Write)
    }
}

impl Reads for Reference {
    fn people(&self) -> (&'static [&'static str], Part) {
        unreachable!()
    }

    fn need(&self, _: &crate::desired::Row, _: &Uses, _: &Names, _: &Found) -> Result<Need, Refusal> {
        unreachable!()
    }

    fn part_width(&self, _part: Part, _waiting: usize) -> usize {
        20
    }

    fn read(&self, _part: Part, keys: &[String], _columns: &BTreeSet<String>, _page: Option<&str>) -> Request {
        request("read".into(), json!(keys), Effect::Read)
    }

    fn records(&self, _: Part, _: &[String], _: Option<&str>, answer: &Answer) -> Result<Page, Refusal> {
        let records = answer.json_or_null().as_array().into_iter().flatten();
        let one = |record: &Value| (record["id"].as_str().unwrap_or_default().to_owned(), record.clone());
        Ok(Page { records: records.map(one).collect(), ..Page::default() })
    }

    fn everyone(&self, _: Option<&str>, _: &BTreeSet<String>, _: Option<&str>) -> (Part, Request) {
        unreachable!()
    }

    fn value(&self, _: &User, _: &str) -> Value {
        unreachable!()
    }

    fn seen_in(&self, change: &Change) -> (Part, String) {
        ("user", change.user.to_string())
    }

    fn seen(&self, _change: &Change, records: &[Value]) -> Option<User> {
        let record = records.first()?.clone();
        let id = UserId(record["id"].as_str()?.to_owned());
        Some(User { id, version: record["version"].as_i64(), record })
    }

    fn holds(&self, change: &Change, user: &User) -> Map<String, Value> {
        change.after.keys().map(|key| (key.clone(), user.record["values"][key].clone())).collect()
    }
}

impl Answers for Reference {
    fn verdict(&self, _: &Request, _: &Answer) -> Verdict {
        unreachable!()
    }

    fn refusal(&self, answer: &Answer) -> Refusal {
        Refusal { status: Some(answer.status), ..Refusal::own("refused", "said the vendor") }
    }

    fn each(&self, changes: &[Change], answer: &Answer) -> Option<Vec<Each>> {
        let body = answer.json_or_null();
        let one = |change: &Change| match body["items"][change.user.as_str()].as_str() {
            Some("refused") => Each::Refused(Refusal::own("item.refused", "by name")),
            Some("accepted") => Each::Accepted,
            Some("odd") => Each::Doubtful(Refusal::own("not.confirmed", "it tells nothing")),
            _ => Each::Made,
        };
        Some(changes.iter().map(one).collect())
    }
}

// What the sender never asks.

impl Vendor for Reference {
    fn facts(&self) -> &Facts {
        unreachable!()
    }
}

impl SignIn for Reference {
    fn lookup(&self, _: &Clues, _: &[Value]) -> Result<Lookup, Refusal> {
        unreachable!()
    }

    fn grant(&self, _: &Credentials, _: usize) -> Option<Grant> {
        unreachable!()
    }

    fn token(&self, _: &Answer) -> TokenVerdict {
        unreachable!()
    }
}

impl Directory for Reference {
    fn whoami(&self) -> Request {
        unreachable!()
    }

    fn tenant(&self, _: &Answer) -> Option<crate::vendor::Tenant> {
        unreachable!()
    }

    fn quota_request(&self) -> Option<Request> {
        unreachable!()
    }

    fn quota(&self, _: &Answer) -> Option<Quota> {
        unreachable!()
    }

    fn lists(&self, _: &Uses) -> Vec<&'static str> {
        unreachable!()
    }

    fn list(&self, _: &str, _: Option<&str>) -> Request {
        unreachable!()
    }

    fn listed(&self, _: &str, _: Option<&str>, _: &Answer, _: &mut Names) -> Result<Option<String>, Refusal> {
        unreachable!()
    }
}

fn request(target: String, body: Value, effect: Effect) -> Request {
    Request { host: Host::Base, method: Method::Post, template: "", target, body: Some(body), effect }
}
