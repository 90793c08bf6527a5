//! Which changes an answer bears out.

use super::{answer, plan};
use crate::genesys::Genesys;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::user::UserId;
use paceline_core::vendor::{BLIND, Each, Vendor};
use serde_json::{Map, Value, json};

/// The code of a doubt or a refusal; empty where the change is made.
fn code(changes: &[Change], body: &Value) -> Vec<String> {
    let each = Genesys.each(changes, &answer(200, body));
    let each = each.unwrap_or_else(|| vec![Each::Made; changes.len()]);
    assert_eq!(each.len(), changes.len());
    let one = |each: Each| match each {
        Each::Made => String::new(),
        Each::Doubtful(refusal) => refusal.code.unwrap(),
        Each::Refused(refusal) => format!("{}!", refusal.message.unwrap()),
    };
    each.into_iter().map(one).collect()
}

#[test]
fn a_patched_user_is_borne_out_by_its_record() {
    let record = json!({"title": "Agent", "manager": {"id": "m1"}, "addresses": []});
    let fields = json!({"title": "Lead", "manager": null, "phone_work": "+1 (317) 555-0100"});
    let changes = plan(fields, record).unwrap();
    let number = json!({"mediaType": "PHONE", "type": "WORK", "address": "+13175550100", "display": "(317) 555-0100", "countryCode": "US"});
    let table = [
        (json!({"id": "U-1", "version": 8, "title": "Lead", "addresses": [number]}), ""),
        (json!({"id": "u-1", "version": "8"}), ""),
        (json!({"id": "u-1", "version": 8, "title": "Agent"}), "not.applied"),
        (json!({"id": "u-1", "version": 8, "title": "Lead", "manager": {"id": "m1"}}), "not.applied"),
        (json!({"id": "u-1", "version": 8, "title": "Lead", "addresses": []}), "not.applied"),
        (json!({"id": "u-2", "version": 8, "title": "Lead"}), "not.confirmed"),
        (json!({"id": "u-1", "title": "Lead"}), "not.confirmed"),
        (json!({}), "not.confirmed"),
        (json!([]), "not.confirmed"),
        (json!(null), "not.confirmed"),
        (json!({"error": "blocked", "id": "u-1", "version": 8}), "not.confirmed"),
        (json!({"code": "x", "status": 500, "id": "u-1", "version": 8}), "not.confirmed"),
    ];
    for (body, expected) in table {
        assert_eq!(code(&changes, &body), [expected], "{body}");
    }
}

#[test]
fn a_listing_bears_out_what_it_shows() {
    let record = json!({"acdAutoAnswer": false, "skills": [{"id": "s1", "proficiency": 2.0}], "languages": []});
    let auto = plan(json!({"acdAutoAnswer": true}), record.clone()).unwrap();
    let whole = plan(json!({"skills": [{"name": "Billing", "proficiency": 3}]}), record.clone()).unwrap();
    let added = plan(json!({"skills+": [{"name": "Billing", "proficiency": 3}]}), record.clone()).unwrap();
    let spoken = plan(json!({"languages+": [{"name": "German", "proficiency": 1}]}), record).unwrap();
    let listing = |items: Value| json!({"entities": items});
    let table = [
        (&auto, listing(json!([{"id": "U-1", "acdAutoAnswer": true}])), ""),
        (&auto, listing(json!([{"id": "u-1"}])), ""),
        (&auto, listing(json!([{"id": "u-1", "acdAutoAnswer": false}])), "not.applied"),
        (&auto, listing(json!([{"id": "u-2", "acdAutoAnswer": true}])), "not.confirmed"),
        (&auto, json!({}), "not.confirmed"),
        (&whole, listing(json!([{"id": "S2", "proficiency": 3.0}])), ""),
        (&whole, listing(json!([{"id": "s2", "proficiency": 3.0}, {"id": "s1", "proficiency": 2.0}])), "not.applied"),
        (&added, listing(json!([{"id": "s2", "proficiency": 3.0}, {"id": "s1", "proficiency": 2.0}])), ""),
        (&added, listing(json!([{"id": "s2", "proficiency": 1.0}])), "not.applied"),
        (&added, listing(json!([])), "not.confirmed"),
        (&added, json!({"entities": [{"id": "s1"}], "pageCount": 2}), ""),
        (&added, json!([]), "not.confirmed"),
        (&spoken, listing(json!([{"id": "l2", "proficiency": 1}])), ""),
    ];
    for (changes, body, expected) in table {
        assert_eq!(code(changes, &body), [expected], "{} {body}", changes[0].kind);
    }
}

fn change(kind: &str, group: &str, user: &str) -> Change {
    let none = Map::new();
    let key = ChangeKey { stage: 0, group: group.into(), row: 1 };
    let after = Map::from_iter([("title".to_owned(), json!("Lead"))]);
    let (user, kind) = (UserId(user.into()), kind.into());
    Change { key, kind, user, before: none.clone(), after, rest: none, columns: vec![], version: None }
}

#[test]
fn a_team_tells_who_could_not_join_and_a_role_who_has_it() {
    let two = [change("team", "+t1", "u-1"), change("team", "+t1", "u-2")];
    let body = json!({"entities": [{"id": "U-1"}], "failures": [{"id": "U-2", "reason": "UserGroupLimitExceeded"}]});
    assert_eq!(code(&two, &body), ["", "UserGroupLimitExceeded!"]);
    assert_eq!(code(&two, &json!({"entities": [{"id": "u-1"}]})), ["", "not.confirmed"]);
    let two = [change("roles+", "r1", "u-1"), change("roles+", "r1", "u-2")];
    assert_eq!(code(&two, &json!(["U-1"])), ["", "not.confirmed"]);
    let away = [change("roles-", "r1", "u-1")];
    assert_eq!(
        (code(&away, &json!([])), code(&away, &json!({}))),
        (vec![String::new()], vec!["not.confirmed".to_owned()])
    );
}

#[test]
fn where_nothing_is_promised_only_an_error_speaks_against_a_change() {
    for (kind, group) in [("division", "d1"), ("groups+", "g1"), ("queues-", "q1"), ("team", "-t1"), ("skill-", "s1")] {
        let one = [change(kind, group, "u-1")];
        for body in [json!(null), json!({}), json!([])] {
            assert_eq!(code(&one, &body), [""], "{kind} {body}");
        }
        assert_eq!(code(&one, &json!({"error": "no"})), ["not.confirmed"], "{kind}");
    }
    let blind = [change(BLIND, "", "u-1")];
    for body in [json!({}), json!({"error": "x"}), json!({"id": "u-2", "title": "other"})] {
        assert_eq!(code(&blind, &body), [""], "{body}");
    }
}
