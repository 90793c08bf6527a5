//! Which changes an answer bears out.

use super::{answer, description, plan};
use crate::genesys::Genesys;
use paceline_core::diff::{self, Settled};
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::user::UserId;
use paceline_core::vendor::{Answer, Answers, BLIND, Each, Named, Reads, Verdict, Writes};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The code of a doubt or a refusal; empty where the change is made.
fn code(changes: &[Change], body: &Value) -> Vec<String> {
    let each = Genesys.each(changes, &answer(200, body));
    let each = each.unwrap_or_else(|| vec![Each::Made; changes.len()]);
    assert_eq!(each.len(), changes.len());
    let one = |each: Each| match each {
        Each::Made => String::new(),
        Each::Accepted => "accepted".to_owned(),
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
fn what_the_vendor_trims_or_writes_small_is_applied() {
    let changes = plan(json!({"email": "Ann@X.org", "title": " Lead"}), json!({"email": "old@x.org"})).unwrap();
    let shown = |email: &str, title: &str| json!({"id": "u-1", "version": 8, "email": email, "title": title});
    assert_eq!(code(&changes, &shown("ann@x.org", "Lead")), [""]);
    assert_eq!(code(&changes, &shown("ann@x.org", "lead")), ["not.applied"]);
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
    // Who is in a team may be shown late.
    assert_eq!(code(&two, &json!({"entities": [{"id": "u-1"}]})), ["", "accepted"]);
    let two = [change("roles+", "r1", "u-1"), change("roles+", "r1", "u-2")];
    assert_eq!(code(&two, &json!(["U-1"])), ["", "not.confirmed"]);
    let away = [change("roles-", "r1", "u-1")];
    let table = [(json!(["u-1"]), ""), (json!([]), "not.confirmed"), (json!({}), "not.confirmed")];
    for (body, expected) in table {
        assert_eq!(code(&away, &body), [expected], "{body}");
    }
}

#[test]
fn attributes_are_borne_out_by_the_record_that_shows_them() {
    let set = |group: &str, after: Value| {
        let after = after.as_object().unwrap().clone();
        [Change { after, ..change("attributes", group, "u-1") }]
    };
    let one = set("sc1@1", json!({"customAttributes.sc1.floor": "2", "customAttributes.sc1.desk": null}));
    let two = set("sc1@1,sc2@1", json!({"customAttributes.sc1.floor": "2", "customAttributes.sc2.size": "L"}));
    let record = |schema: &str, attributes: Value| json!({"schema": {"id": schema}, "attributes": attributes});
    let table = [
        (&one, record("sc1", json!({"floor": "2"})), ""),
        (&one, json!([record("sc1", json!({"floor": "2"}))]), ""),
        (&one, json!({"attributes": {"floor": "2"}}), ""),
        (&one, record("sc1", json!({"floor": "1"})), "not.applied"),
        (&one, record("sc1", json!({})), "not.confirmed"),
        (&two, record("sc2", json!({"size": "L"})), ""),
        (&two, record("sc2", json!({"size": "S"})), "not.applied"),
        (&two, record("sc3", json!({"other": 1})), "not.confirmed"),
    ];
    for (changes, body, expected) in table {
        assert_eq!(code(changes, &body), [expected], "{body}");
    }
}

/// What is published of each kind's success: its statuses (none is declared of a queue's members), and which of them come
/// with a body.
const PUBLISHED: &[(&str, &str, &[u16], &[u16])] = &[
    ("fields", "", &[200], &[200]),
    ("state", "", &[200], &[200]),
    ("autoanswer", "", &[200], &[200]),
    ("division", "d1", &[204], &[]),
    ("skills", "", &[200], &[200]),
    ("skills+", "", &[200], &[200]),
    ("languages", "", &[200], &[200]),
    ("skill-", "s1", &[200], &[]),
    ("language-", "l1", &[204], &[]),
    ("attributes", "sc1@1", &[200, 204], &[200]),
    ("team", "+t1", &[200], &[200]),
    ("team", "-t1", &[204], &[]),
    ("groups+", "g1", &[202], &[202]),
    ("groups-", "g1", &[202], &[202]),
    ("queues+", "q1", &[], &[]),
    ("queues-", "q1", &[], &[]),
    ("roles+", "r1", &[200], &[200]),
    ("roles-", "r1", &[200], &[200]),
    ("grants+", "r1 d1", &[204], &[]),
    ("grants-", "r1 d1", &[204], &[]),
];

#[test]
fn what_is_published_of_each_kinds_success_is_what_the_description_says() {
    let Some(description) = description("what_is_published_of_each_kinds_success_is_what_the_description_says") else {
        return;
    };
    for (kind, group, statuses, with_body) in PUBLISHED {
        let template = Genesys.call(&[change(kind, group, "u-1")]).template;
        let (method, path) = template.split_once(' ').unwrap();
        let responses = description["paths"][path][method.to_lowercase()]["responses"].as_object();
        let responses = responses.unwrap_or_else(|| panic!("{template} is not published"));
        let found = responses.keys().filter(|status| status.starts_with('2') || *status == "default").cloned();
        let found: BTreeSet<String> = found.collect();
        let shown = found.iter().filter(|status| responses[*status].get("schema").is_some()).cloned();
        let texts = |statuses: &[u16]| statuses.iter().map(u16::to_string).collect::<BTreeSet<_>>();
        assert_eq!(shown.collect::<BTreeSet<_>>(), texts(with_body), "{template}");
        let expected = if statuses.is_empty() { BTreeSet::from(["default".to_owned()]) } else { texts(statuses) };
        assert_eq!(found, expected, "{template}");
    }
}

#[test]
fn a_success_that_is_not_the_published_one_is_read_back_whatever_was_written() {
    let json = |status: u16, body: Value| (status, body.to_string());
    let silent = |status: u16| (status, String::new());
    let odd = [
        json(200, json!(null)),
        json(200, json!([])),
        json(200, json!({})),
        json(200, json!("ok")),
        json(202, json!({"status": "queued"})),
        json(202, json!({})),
        json(204, json!({})),
        (200, " \r\n".to_owned()),
        silent(200),
        silent(201),
        silent(202),
        silent(204),
    ];
    for (kind, group, statuses, with_body) in PUBLISHED {
        let changes = [change(kind, group, "u-1")];
        let request = Genesys.call(&changes);
        for (status, body) in &odd {
            let answer = Answer::new(*status, vec![], body.clone().into_bytes());
            let what = format!("{kind} {group} {status} {body}");
            if Genesys.verdict(&request, &answer) == Verdict::NotTheApi {
                assert_eq!(body, "\"ok\"", "{what}");
                continue;
            }
            let each = Genesys.each(&changes, &answer).unwrap();
            let is_silent = body.trim().is_empty();
            // Where no status is declared, 200 and 204 are what HTTP has for it.
            let statuses = if statuses.is_empty() { &[200, 204] } else { *statuses };
            let is_published = is_silent && statuses.contains(status) && !with_body.contains(status);
            assert_eq!(each == [Each::Made], is_published, "{what}: {each:?}");
            // What is only accepted is waited for, and so is what may be shown late.
            let waits = *status == 202 || ["groups", "queues", "team"].iter().any(|list| kind.starts_with(list));
            assert_eq!(each == [Each::Accepted], waits && !is_published, "{what}: {each:?}");
        }
    }
}

/// A doubt is settled by what is seen of the user: of every kind, its effect and that it is missing.
#[test]
fn what_is_read_back_shows_the_effect_of_every_kind() {
    let grant =
        |role: &str, division: &str| json!({"subjectId": "u-1", "role": {"id": role}, "division": {"id": division}});
    let held = json!({"id": "u-1", "version": 7, "title": "Agent", "state": "active", "acdAutoAnswer": false,
        "division": {"id": "d1"}, "team": {"id": "t9"}, "groups": [{"id": "g2"}], "queues": [{"id": "q2"}],
        "skills": [{"id": "s1", "name": "Spanish", "proficiency": 2}], "languages": [{"id": "l1", "name": "English", "proficiency": 2}],
        "authorization": {"roles": [{"id": "r2", "name": "Lead"}]}, "grants": [grant("r2", "d1"), grant("r2", "d2")],
        "customAttributes": [{"schemaId": "sc1", "attributes": {"floor": "1"}}]});
    let all = [
        ("fields", json!({"title": "Lead"}), json!({"title": "Lead"})),
        ("state", json!({"state": "inactive"}), json!({"state": "inactive"})),
        ("autoanswer", json!({"acdAutoAnswer": true}), json!({"acdAutoAnswer": true})),
        ("division", json!({"division": "Sales"}), json!({"division": {"id": "d2"}})),
        ("team", json!({"team": "Blue"}), json!({"team": {"id": "t1"}})),
        ("team", json!({"team": null}), json!({"team": null})),
        ("groups+", json!({"groups+": ["A"]}), json!({"groups": [{"id": "g2"}, {"id": "g1"}]})),
        ("groups-", json!({"groups-": ["g2"]}), json!({"groups": []})),
        ("queues+", json!({"queues+": ["Calls"]}), json!({"queues": [{"id": "q2"}, {"id": "q1"}]})),
        ("queues-", json!({"queues-": ["q2"]}), json!({"queues": []})),
        ("skills", json!({"skills": []}), json!({"skills": []})),
        (
            "skills+",
            json!({"skills+": [{"name": "s1", "proficiency": 4}]}),
            json!({"skills": [{"id": "s1", "proficiency": 4.0}]}),
        ),
        ("skill-", json!({"skills-": ["s1"]}), json!({"skills": []})),
        (
            "languages",
            json!({"languages+": [{"name": "l1", "proficiency": 4}]}),
            json!({"languages": [{"id": "l1", "proficiency": 4.0}]}),
        ),
        ("language-", json!({"languages-": ["l1"]}), json!({"languages": []})),
        ("roles+", json!({"roles+": ["Agent"]}), json!({"authorization": {"roles": [{"id": "r1"}, {"id": "r2"}]}})),
        ("roles-", json!({"roles-": ["r2"]}), json!({"authorization": {"roles": []}})),
        ("grants+", json!({"roles+": ["Agent:[Sales]"]}), json!({"grants": [grant("r1", "d2"), grant("r2", "d1")]})),
        ("grants-", json!({"roles-": ["r2:[Sales]"]}), json!({"grants": [grant("r2", "d1")]})),
        (
            "attributes",
            json!({"customAttributes.sc1.floor": "2"}),
            json!({"customAttributes": [{"schemaId": "sc1", "attributes": {"floor": "2"}}]}),
        ),
    ];
    let mut names = super::names();
    for (list, id) in [("role", "r2"), ("queue", "q2"), ("schema", "sc1")] {
        names.add(list, Named { id: id.into(), name: id.into() });
    }
    let mut seen = BTreeSet::new();
    for (kind, fields, effect) in all {
        let changes = Genesys.changes(&super::row(&fields), &super::user(held.clone()), &names).unwrap();
        let [change] = &changes[..] else { panic!("{fields}: {changes:?}") };
        assert_eq!(change.kind, kind, "{fields}");
        seen.insert(kind);
        let mut after = held.clone();
        after.as_object_mut().unwrap().extend(effect.as_object().unwrap().clone());
        for (shown, expected) in [(&held, Settled::Untouched), (&after, Settled::Holds)] {
            // As the part that it is seen in brings it.
            let records = match Genesys.seen_in(change).0 {
                "queues" => shown["queues"].as_array().unwrap().clone(),
                "grants" => vec![json!({"id": "u-1", "grants": shown["grants"]})],
                "attributes" => shown["customAttributes"].as_array().unwrap().clone(),
                part => {
                    assert_eq!(part, "user", "{kind}");
                    vec![shown.clone()]
                }
            };
            let user = Genesys.seen(change, &records).unwrap();
            let now = Genesys.holds(change, &user);
            assert_eq!(diff::settle(&change.before, &change.after, &now), expected, "{kind} {now:?}");
        }
    }
    let every: BTreeSet<&str> = PUBLISHED.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(seen, every);
}

#[test]
fn an_error_speaks_against_every_change_and_nothing_against_a_blind_one() {
    for (kind, group, ..) in PUBLISHED {
        assert_eq!(code(&[change(kind, group, "u-1")], &json!({"error": "no"})), ["not.confirmed"], "{kind}");
    }
    let blind = [change(BLIND, "", "u-1")];
    for body in [json!({}), json!({"error": "x"}), json!({"id": "u-2", "title": "other"})] {
        assert_eq!(code(&blind, &body), [""], "{body}");
    }
}
