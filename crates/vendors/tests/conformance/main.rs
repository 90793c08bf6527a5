//! What every vendor promises to the engine, whatever its words. Each vendor gives a sample of its JSON; the promises are
//! the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so and stop")]

mod house;
mod samples;

use paceline_core::desired::Row;
use paceline_core::diff::{self, Settled};
use paceline_core::plan::Change;
use paceline_core::user::{UserId, UserKey};
use paceline_core::vendor::{
    Answer, Credentials, Effect, Found, Method, Named, Names, Need, TokenVerdict, UNDO, User, Uses, Vendor, Verdict,
};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A vendor, and a user of it before and after a row was applied.
pub(crate) struct Sample {
    pub(crate) vendor: Box<dyn Vendor>,
    pub(crate) lists: Vec<(&'static str, &'static str, &'static str)>,
    pub(crate) key: UserKey,
    /// What the row asks: with something that is there already.
    pub(crate) fields: Value,
    /// The records of each part, before and after, as they are read.
    pub(crate) before: Vec<(&'static str, Vec<Value>)>,
    pub(crate) after: Vec<(&'static str, Vec<Value>)>,
    /// The kinds of the changes, in the order of sending.
    pub(crate) kinds: Vec<&'static str>,
}

impl Sample {
    fn names(&self) -> Names {
        let mut names = Names::default();
        for (list, id, name) in &self.lists {
            names.add(list, Named { id: (*id).into(), name: (*name).into() });
        }
        names
    }

    fn row(&self) -> Row {
        Row { number: 3, line: 4, key: self.key.clone(), fields: self.fields.as_object().cloned().unwrap() }
    }

    fn uses(&self) -> Uses {
        let columns: BTreeSet<String> = self.row().fields.keys().cloned().collect();
        Uses { columns, keys: BTreeSet::from([self.key.column.clone()]), rows: 1, ..Uses::default() }
    }

    /// The user, read part by part as the vendor asks for them.
    fn read(&self, row: &Row, records: &[(&'static str, Vec<Value>)]) -> User {
        let mut found = Found::new();
        for _ in 0..8 {
            match self.vendor.need(row, &self.uses(), &self.names(), &found).unwrap() {
                Need::Known(user) => return *user,
                Need::Read(part, _) => {
                    let held = records.iter().find(|(name, _)| *name == part).map(|(_, held)| held.clone());
                    assert!(found.insert(part, held.unwrap_or_default()).is_none(), "`{part}` is read twice");
                }
            }
        }
        unreachable!("it never knows enough");
    }

    fn changes(&self, records: &[(&'static str, Vec<Value>)]) -> Vec<Change> {
        let row = self.row();
        self.vendor.changes(&row, &self.read(&row, records), &self.names()).unwrap()
    }

    /// The user as the part of a change shows it.
    fn seen(&self, change: &Change, records: &[(&'static str, Vec<Value>)]) -> User {
        let (part, _) = self.vendor.seen_in(change);
        let held = records.iter().find(|(name, _)| *name == part).map(|(_, held)| held.clone()).unwrap_or_default();
        self.vendor.seen(change, &held).unwrap()
    }
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer::new(status, vec![], body.to_string().into_bytes())
}

fn everybody() -> Vec<Sample> {
    let samples = vec![samples::genesys(), samples::nice_agent(), samples::nice_user()];
    let names: BTreeSet<&str> = samples.iter().map(|sample| sample.vendor.facts().name).collect();
    assert_eq!(names, paceline_vendors::NAMES.iter().copied().collect(), "a vendor without a sample");
    samples
}

#[test]
fn a_row_becomes_changes_in_the_order_of_sending_and_none_where_it_holds_already() {
    for sample in everybody() {
        let changes = sample.changes(&sample.before);
        let kinds: Vec<&str> = changes.iter().map(|change| change.kind.as_str()).collect();
        assert_eq!(kinds, sample.kinds);
        assert!(changes.is_sorted_by_key(|change| change.key.clone()));
        assert_eq!(sample.changes(&sample.after), [], "{}", sample.vendor.facts().name);
        let columns: BTreeSet<String> = changes.iter().flat_map(|change| change.columns.clone()).collect();
        assert!(columns.iter().all(|column| sample.fields.get(column).is_some()), "{columns:?}");
    }
}

#[test]
fn what_became_of_a_change_is_told_by_value() {
    for sample in everybody() {
        for change in sample.changes(&sample.before) {
            let settle = |records| {
                let now = sample.vendor.holds(&change, &sample.seen(&change, records));
                diff::settle(&change.before, &change.after, &now)
            };
            assert_eq!(settle(&sample.before), Settled::Untouched, "{change:?}");
            assert_eq!(settle(&sample.after), Settled::Holds, "{change:?}");
        }
    }
}

#[test]
fn every_change_is_taken_back_by_its_undo_and_the_undo_is_settled_like_any_other() {
    for sample in everybody() {
        for change in sample.changes(&sample.before) {
            let back = sample.vendor.undo(&change);
            let all = |pick: fn(&Change) -> &Map<String, Value>| -> Map<String, Value> {
                back.iter().flat_map(|one| pick(one).clone()).collect()
            };
            let same = |a: &Map<String, Value>, b: &Map<String, Value>| diff::same(&json!(a), &json!(b));
            assert!(same(&all(|one| &one.before), &change.after), "{change:?} {back:?}");
            assert!(same(&all(|one| &one.after), &change.before), "{change:?} {back:?}");
            for one in back {
                let now = sample.vendor.holds(&one, &sample.seen(&one, &sample.before));
                assert_eq!(diff::settle(&one.before, &one.after, &now), Settled::Holds, "{one:?}");
            }
        }
    }
}

#[test]
fn a_row_that_undoes_is_read_by_the_changes_user_and_the_runs_columns() {
    for sample in everybody() {
        let changes = sample.changes(&sample.before);
        let key = UserKey::id(changes[0].user.as_str());
        let row = Row { key, fields: Map::from_iter([(UNDO.to_owned(), json!([]))]), ..sample.row() };
        let user = sample.read(&row, &sample.after);
        assert_eq!(user.id, changes[0].user);
        for change in &changes {
            let now = sample.vendor.holds(change, &user);
            assert_eq!(diff::settle(&change.before, &change.after, &now), Settled::Holds, "{change:?}");
        }
    }
}

#[test]
fn a_call_writes_and_carries_no_more_than_its_width() {
    for sample in everybody() {
        for change in sample.changes(&sample.before) {
            let change = sample.vendor.rebase(change.clone(), &sample.seen(&change, &sample.before));
            let request = sample.vendor.call(std::slice::from_ref(&change));
            assert_ne!((request.method, request.effect), (Method::Get, Effect::Read), "{request:?}");
            assert!(request.target.starts_with('/') && request.template.starts_with(request.method.as_str()));
            assert!(sample.vendor.width(&change) >= 1);
            // Per-item verdicts, where there are any, are one for each change.
            let each = sample.vendor.each(std::slice::from_ref(&change), &answer(200, &json!({})));
            assert!(each.is_none_or(|each| each.len() == 1));
        }
    }
}

#[test]
fn a_user_that_is_not_there_is_told_as_not_found() {
    for sample in everybody() {
        let mut found = Found::new();
        let refusal = loop {
            match sample.vendor.need(&sample.row(), &sample.uses(), &sample.names(), &found) {
                Ok(Need::Read(part, _)) => drop(found.insert(part, vec![])),
                Ok(Need::Known(user)) => unreachable!("{user:?}"),
                Err(refusal) => break refusal,
            }
        };
        assert_eq!((refusal.status, refusal.code.as_deref()), (Some(404), Some("not.found")));
        assert!(refusal.message.unwrap().contains(&sample.key.value));
    }
}

#[test]
fn an_answer_means_the_same_wherever_the_vendors_agree() {
    for sample in everybody() {
        let changes = sample.changes(&sample.before);
        let request = sample.vendor.call(&changes[..1]);
        let verdict = |status, body: Value| sample.vendor.verdict(&request, &answer(status, &body));
        assert!(matches!(verdict(200, json!({})), Verdict::Applied { .. }));
        assert!(matches!(verdict(204, json!(null)), Verdict::Applied { .. }));
        assert!(matches!(verdict(401, json!({})), Verdict::Unauthorized { renew: true, .. }));
        assert!(matches!(verdict(429, json!({})), Verdict::Throttled(_)));
        for status in [400, 404, 413, 422] {
            assert_eq!(verdict(status, json!({"code": "x"})), Verdict::Rejected, "{status}");
        }
        for status in [408, 500, 502, 504] {
            assert_eq!(verdict(status, json!({})), Verdict::Transient, "{status}");
        }
        assert!(matches!(verdict(503, json!({})), Verdict::Transient | Verdict::Overloaded));
        let html = Answer::new(502, vec![], b"<html>".to_vec());
        assert!(sample.vendor.refusal(&html).message.unwrap().contains("HTML"));
    }
}

#[test]
fn a_page_in_html_is_no_answer_of_the_api_whatever_was_asked() {
    for sample in everybody() {
        let page = Answer::new(200, vec![("content-type".into(), "text/html".into())], b"<html></html>".to_vec());
        for change in sample.changes(&sample.before) {
            let change = sample.vendor.rebase(change.clone(), &sample.seen(&change, &sample.before));
            let request = sample.vendor.call(std::slice::from_ref(&change));
            assert_eq!(sample.vendor.verdict(&request, &page), Verdict::NotTheApi, "{}", change.kind);
        }
        assert_eq!(sample.vendor.tenant(&page), None);
        assert_eq!(sample.vendor.verdict(&sample.vendor.whoami(), &page), Verdict::NotTheApi);
    }
}

#[test]
fn tokens_are_asked_for_in_the_documented_form_first_and_their_answers_understood() {
    for sample in everybody() {
        let secret = SecretString::from("very-secret");
        let key = sample.vendor.facts().variables[2].first().map(|_| ("key".to_owned(), secret.clone()));
        let credentials = Credentials { access_key: key, ..Credentials::client("client", secret) };
        let forms: Vec<_> = (0..9).map_while(|form| sample.vendor.grant(&credentials, form)).collect();
        assert!((1..9).contains(&forms.len()));
        assert!(forms[0].basic.is_some(), "HTTP Basic is what both vendors document");
        assert!(!format!("{forms:?}").contains("very-secret"), "a secret is printed");
        let token = |status, body: Value| sample.vendor.token(&answer(status, &body));
        let granted = token(200, json!({"access_token": "t", "expires_in": "3600"}));
        assert!(matches!(granted, TokenVerdict::Granted { expires_in: Some(3600), .. }));
        assert!(!format!("{granted:?}").contains("\"t\""));
        assert!(matches!(token(401, json!({"error": "invalid_client"})), TokenVerdict::Refused(_)));
        assert!(matches!(token(429, json!({})), TokenVerdict::Throttled(_)));
        assert!(matches!(token(503, json!({})), TokenVerdict::Transient(_)));
        assert!(matches!(token(404, json!({})), TokenVerdict::NotOAuth(_)));
        let page = Answer::new(200, vec![], b"<html>".to_vec());
        assert!(matches!(sample.vendor.token(&page), TokenVerdict::NotOAuth(_)));
    }
}

#[test]
fn a_blind_row_is_one_patch_with_its_fields_as_they_are() {
    for sample in everybody() {
        let fields = json!({"title": "Lead", "skills": [{"id": "x"}], "odd": null});
        let row = Row { fields: fields.as_object().cloned().unwrap(), ..sample.row() };
        let request = sample.vendor.call(&[sample.vendor.blind(&row, UserId("u 1".into()))]);
        assert_eq!((request.method, request.body), (Method::Patch, Some(fields)));
        assert!(request.target.ends_with("/users/u%201"), "{}", request.target);
    }
}

#[test]
fn a_read_that_is_no_answer_of_the_api_is_told() {
    for sample in everybody() {
        let page = Answer::new(200, vec![], b"<html></html>".to_vec());
        for part in sample.vendor.facts().parts {
            let keys = vec!["a".to_owned(), "b".to_owned()];
            let read = sample.vendor.records(part, &keys, None, &page);
            assert!(read.is_err(), "{part}: {read:?}");
        }
    }
}
