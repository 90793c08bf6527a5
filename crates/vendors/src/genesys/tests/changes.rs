//! What a row becomes, and how it is sent.

use super::{kinds, names, plan, row, user};
use crate::genesys::Genesys;
use paceline_core::diff::{self, Settled};
use paceline_core::plan::{Change, Guard};
use paceline_core::vendor::{Reads, Writes};
use serde_json::{Map, Value, json};

#[test]
fn only_what_differs_is_sent_with_the_version_that_was_read() {
    let record = json!({"title": "Agent", "department": "Sales", "manager": {"id": "m1"}});
    let changes = plan(json!({"title": "Lead", "department": "Sales", "manager": "M@x.org"}), record).unwrap();
    assert_eq!(Genesys.call(&changes).body, Some(json!({"version": 7, "title": "Lead"})));
    assert_eq!(changes[0].before, *json!({"title": "Agent"}).as_object().unwrap());
}

#[test]
fn a_user_that_is_right_already_needs_no_change() {
    let record = json!({"title": "Lead", "profileSkills": ["a", "b"], "division": {"id": "d1", "name": "Home"},
        "skills": [{"id": "s1", "name": "Spanish", "proficiency": 4.0}], "groups": [{"id": "g1"}], "team": {"id": "t1"}});
    let fields = json!({"title": "Lead", "profileSkills": ["b", "a"], "department": null, "division": "home", "team": "Blue",
        "skills": [{"name": "spanish", "proficiency": 4}], "groups+": ["A"], "skills-": ["Billing"]});
    assert_eq!(plan(fields, record), Ok(vec![]));
}

#[test]
fn state_goes_alone_active_first_and_inactive_last() {
    for (to, from, order) in [("active", "inactive", ["state", "fields"]), ("inactive", "active", ["fields", "state"])]
    {
        let changes = plan(json!({"state": to, "title": "Lead"}), json!({"state": from, "title": "Agent"})).unwrap();
        assert_eq!(kinds(&changes), order);
    }
}

#[test]
fn a_deleted_user_is_restored_before_anything_else_and_ids_have_no_case() {
    for state in ["active", "inactive"] {
        let changes =
            plan(json!({"state": state, "title": "Lead"}), json!({"state": "deleted", "title": "A"})).unwrap();
        assert_eq!(kinds(&changes), ["state", "fields"], "{state}");
    }
    assert_eq!(plan(json!({"manager": "AB-1"}), json!({"manager": {"id": "ab-1"}})), Ok(vec![]));
    let held = json!({"email": "ann@x.org", "title": "Lead"});
    assert_eq!(plan(json!({"email": "Ann@X.org", "title": " Lead "}), held.clone()), Ok(vec![]));
    assert_eq!(kinds(&plan(json!({"title": "lead"}), held).unwrap()), ["fields"]);
}

#[test]
fn a_nested_field_keeps_its_siblings() {
    let record = json!({"employerInfo": {"employeeId": "1", "officialName": "Ann"}});
    let changes = plan(json!({"employerInfo.employeeId": "2"}), record).unwrap();
    let body = json!({"version": 7, "employerInfo": {"employeeId": "2", "officialName": "Ann"}});
    assert_eq!(Genesys.call(&changes).body, Some(body));
    assert_eq!(changes[0].columns, ["employerInfo.employeeId"]);
}

#[test]
fn clearing_sends_what_the_vendor_takes_for_empty() {
    let changes =
        plan(json!({"title": null, "profileSkills": null}), json!({"title": "A", "profileSkills": ["a"]})).unwrap();
    assert_eq!(Genesys.call(&changes).body, Some(json!({"version": 7, "title": "", "profileSkills": []})));
}

/// Templates and bodies of the calls that changes make.
fn calls_of(changes: &[Change]) -> Vec<(&'static str, Value)> {
    let call = |change: &Change| {
        let request = Genesys.call(std::slice::from_ref(change));
        (request.template, request.body.unwrap_or_else(|| json!(request.target)))
    };
    changes.iter().map(call).collect()
}

#[test]
fn what_is_added_is_sent_alone_and_only_a_whole_list_is_replaced() {
    let record = json!({"skills": [{"id": "s1", "name": "Spanish", "proficiency": 2.0}, {"id": "s9", "name": "Old", "proficiency": 1.0}],
        "languages": [{"id": "l1", "name": "English", "proficiency": 5.0}]});
    const PUT: &str = "PUT /api/v2/users/{userId}/routingskills/bulk";
    const PATCH: &str = "PATCH /api/v2/users/{userId}/routingskills/bulk";
    const SPEAKS: &str = "PATCH /api/v2/users/{userId}/routinglanguages/bulk";
    const SKILL: &str = "DELETE /api/v2/users/{userId}/routingskills/{skillId}";
    const LANGUAGE: &str = "DELETE /api/v2/users/{userId}/routinglanguages/{languageId}";
    let table = [
        (
            json!({"skills": [{"name": "Billing", "proficiency": 3.0}]}),
            vec![(PUT, json!([{"id": "s2", "proficiency": 3.0}]))],
        ),
        (json!({"skills": null}), vec![(PUT, json!([]))]),
        (json!({"skills+": [{"name": "Billing"}]}), vec![(PATCH, json!([{"id": "s2", "proficiency": 0.0}]))]),
        (
            json!({"skills+": [{"name": "Spanish", "proficiency": 4}]}),
            vec![(PATCH, json!([{"id": "s1", "proficiency": 4}]))],
        ),
        (json!({"skills+": [{"name": "Spanish"}]}), vec![]),
        (json!({"skills-": ["Spanish", "Billing"]}), vec![(SKILL, json!("/api/v2/users/u-1/routingskills/s1"))]),
        (
            json!({"skills-": ["Spanish"], "skills+": [{"name": "Billing", "proficiency": 1}]}),
            vec![
                (SKILL, json!("/api/v2/users/u-1/routingskills/s1")),
                (PATCH, json!([{"id": "s2", "proficiency": 1}])),
            ],
        ),
        (
            json!({"languages": [{"name": "German", "proficiency": 2}]}),
            vec![
                (LANGUAGE, json!("/api/v2/users/u-1/routinglanguages/l1")),
                (SPEAKS, json!([{"id": "l2", "proficiency": 2}])),
            ],
        ),
    ];
    for (fields, expected) in table {
        assert_eq!(calls_of(&plan(fields.clone(), record.clone()).unwrap()), expected, "{fields}");
    }
}

#[test]
fn an_id_wins_over_the_name_beside_it() {
    let record = json!({"skills": []});
    let changes =
        plan(json!({"skills+": [{"id": "s2", "name": "Spanish", "proficiency": 1}]}), record.clone()).unwrap();
    assert_eq!(changes[0].after, *json!({"skills/s2": {"name": "Billing", "proficiency": 1}}).as_object().unwrap());
    let unknown = plan(json!({"skills": [{"id": "s7", "name": "Spanish"}]}), record).unwrap_err();
    assert_eq!(unknown.code.as_deref(), Some("unknown.name"));
}

#[test]
fn a_change_says_how_it_is_guarded() {
    let record = json!({"title": "A", "state": "active", "acdAutoAnswer": false, "division": {"id": "d1"}, "groups": [], "queues": [],
        "authorization": {"roles": []}, "customAttributes": [], "team": null,
        "skills": [{"id": "s1", "proficiency": 2}], "languages": [{"id": "l1", "proficiency": 2}]});
    use Guard::{Compare, Idempotent, Version};
    let table = [
        (json!({"title": "B"}), Version),
        (json!({"state": "inactive"}), Version),
        (json!({"acdAutoAnswer": true}), Compare),
        (json!({"division": "Sales"}), Compare),
        (json!({"team": "Blue"}), Compare),
        (json!({"skills": [{"name": "Billing"}]}), Compare),
        (json!({"skills+": [{"name": "Billing"}]}), Idempotent),
        (json!({"skills+": [{"name": "Spanish", "proficiency": 4}]}), Compare),
        (json!({"skills-": ["Spanish"]}), Idempotent),
        (json!({"languages+": [{"name": "German"}]}), Idempotent),
        (json!({"languages+": [{"name": "English", "proficiency": 4}]}), Compare),
        (json!({"languages-": ["English"]}), Idempotent),
        (json!({"groups+": ["A"]}), Idempotent),
        (json!({"queues+": ["Calls"]}), Idempotent),
        (json!({"roles+": ["Agent"]}), Idempotent),
        (json!({"roles+": ["Agent:[Home]"]}), Idempotent),
    ];
    for (fields, guard) in table {
        let changes = plan(fields.clone(), record.clone()).unwrap();
        assert_eq!(changes.iter().map(|change| Genesys.guard(change)).collect::<Vec<_>>(), [guard], "{fields}");
    }
    let unversioned = paceline_core::vendor::User { version: None, ..user(record) };
    for fields in [json!({"title": "B"}), json!({"state": "inactive"})] {
        let refusal = Genesys.changes(&row(&fields), &unversioned, &names()).unwrap_err();
        assert_eq!(refusal.code.as_deref(), Some("not.told"), "a PATCH without a version is guarded by nothing");
    }
    assert!(Genesys.changes(&row(&json!({"division": "Sales"})), &unversioned, &names()).is_ok());
}

#[test]
fn what_the_answer_does_not_tell_is_that_rows_error() {
    for (column, value) in [
        ("skills", json!([])),
        ("skills-", json!(["Billing"])),
        ("skills+", json!([{"name": "Billing"}])),
        ("languages+", json!([{"name": "German"}])),
        ("groups", json!(["A"])),
        ("groups-", json!(["A"])),
        ("queues+", json!(["Calls"])),
        ("roles-", json!(["Agent"])),
        ("division", json!("Sales")),
        ("locations", json!(["Madrid"])),
        ("profileSkills", json!(["x"])),
        ("certifications", json!(["x"])),
        ("employerInfo.employeeId", json!("7")),
        ("biography.spouse", json!("x")),
    ] {
        let refusal = plan(json!({column: value}), json!({"id": "u-1", "title": "A"})).unwrap_err();
        assert_eq!(refusal.code.as_deref(), Some("not.told"), "{column}: {refusal:?}");
    }
    let hidden = json!({"primaryContactInfo": [{"mediaType": "EMAIL"}, {"mediaType": "PHONE", "address": "+34"}]});
    assert_eq!(plan(json!({"phone_home": "+341"}), hidden).unwrap_err().code.as_deref(), Some("not.told"));
    // `team` is left out of an answer where the user has none.
    assert_eq!(kinds(&plan(json!({"team": "Blue"}), json!({})).unwrap()), ["team"]);
}

#[test]
fn employer_info_is_sent_as_a_whole_and_without_what_is_empty() {
    let record = json!({"employerInfo": {"employeeId": "1", "officialName": "Ann", "dateHire": "2024-03-01", "employeeType": ""}});
    let table = [
        (json!({"employerInfo.dateHire": null}), json!({"employeeId": "1", "officialName": "Ann"})),
        (
            json!({"employerInfo.employeeId": "", "employerInfo.employeeType": "Part-time"}),
            json!({"officialName": "Ann", "dateHire": "2024-03-01", "employeeType": "Part-time"}),
        ),
        (
            json!({"employerInfo.employeeId": null, "employerInfo.officialName": null, "employerInfo.dateHire": null}),
            json!({}),
        ),
    ];
    for (fields, sent) in table {
        let changes = plan(fields.clone(), record.clone()).unwrap();
        assert_eq!(Genesys.call(&changes).body, Some(json!({"version": 7, "employerInfo": sent})), "{fields}");
    }
}

#[test]
fn places_go_by_their_definitions_id_and_keep_their_notes() {
    let desk = json!({"coordinates": {}, "notes": "desk 12", "locationDefinition": {"id": "o1", "selfUri": "x"}});
    let mapped = json!({"coordinates": {"x": 1.5}, "locationDefinition": {"id": "o3"}});
    let record = json!({"locations": [desk, mapped]});
    assert_eq!(plan(json!({"locations": ["o3", "Madrid"]}), record.clone()), Ok(vec![]));
    let changes = plan(json!({"locations": ["Madrid", "Paris"]}), record.clone()).unwrap();
    let sent = json!([{"id": "o1", "notes": "desk 12"}, {"id": "o2"}]);
    assert_eq!(Genesys.call(&changes).body, Some(json!({"version": 7, "locations": sent})));
    let back = Genesys.undo(&changes[0]);
    let sent = json!([{"id": "o1", "notes": "desk 12"}, {"id": "o3", "coordinates": {"x": 1.5}}]);
    assert_eq!(Genesys.call(&back).body, Some(json!({"version": 7, "locations": sent})));
    let nameless = json!({"locations": [{"notes": "somewhere"}]});
    assert_eq!(plan(json!({"locations": ["Madrid"]}), nameless).unwrap_err().code.as_deref(), Some("not.told"));
}

#[test]
fn a_role_that_is_taken_away_is_given_back_in_the_divisions_where_it_was_held() {
    let grant = |role: &str, division: &str| json!({"role": {"id": role}, "division": {"id": division}});
    let record = json!({"authorization": {"roles": [{"id": "r1", "name": "Agent"}]},
        "grants": [grant("r1", "d2"), grant("r1", "d1"), grant("r2", "d1")]});
    let changes = plan(json!({"roles-": ["Agent"]}), record).unwrap();
    assert_eq!(calls_of(&changes), [("PUT /api/v2/authorization/roles/{roleId}/users/remove", json!(["u-1"]))]);
    let back = Genesys.undo(&changes[0]);
    let body = json!({"subjectIds": ["u-1"], "divisionIds": ["d1", "d2"]});
    assert_eq!(calls_of(&back), [("POST /api/v2/authorization/roles/{roleId}", body)]);
    assert_eq!(Genesys.call(&back).target, "/api/v2/authorization/roles/r1?subjectType=PC_USER");
    assert_eq!(kinds(&Genesys.undo(&back[0])), ["grants-"]);
    // Where the divisions may not be seen, the role is given back as it can be.
    let record = json!({"authorization": {"roles": [{"id": "r1", "name": "Agent"}]}});
    let changes = plan(json!({"roles-": ["Agent"]}), record).unwrap();
    assert_eq!(kinds(&Genesys.undo(&changes[0])), ["roles+"]);
}

const BULK_REMOVE: &str = "POST /api/v2/authorization/subjects/{subjectId}/bulkremove";

fn agent_in(divisions: &[&str]) -> Value {
    let grants = divisions.iter().map(|id| json!({"role": {"id": "r1", "name": "Agent"}, "division": {"id": id}}));
    let roles = divisions.iter().take(1).map(|_| json!({"id": "r1", "name": "Agent"}));
    json!({"authorization": {"roles": roles.collect::<Value>()}, "grants": grants.collect::<Value>()})
}

#[test]
fn an_undo_of_an_added_role_takes_away_the_grant_that_it_finds_and_no_colleagues() {
    let added = plan(json!({"roles+": ["Agent"]}), agent_in(&[])).unwrap();
    let [back] = &Genesys.undo(&added[0])[..] else { panic!("one change takes one back") };
    let seen = |divisions: &[&str], home: Option<&str>| {
        let mut record = agent_in(divisions);
        home.into_iter().for_each(|home| record["home division"] = json!(home));
        user(record)
    };
    let table = [
        (&["d1"][..], Some("d1"), Settled::Untouched),
        (&["d2"], None, Settled::Untouched),
        (&["d2"], Some("d1"), Settled::Conflict(vec!["roles/r1".into()])),
        (&["d1", "d2"], Some("d1"), Settled::Conflict(vec!["roles/r1".into()])),
        (&[], Some("d1"), Settled::Holds),
    ];
    for (divisions, home, expected) in table {
        let now = Genesys.holds(back, &seen(divisions, home));
        assert_eq!(diff::settle(&back.before, &back.after, &now), expected, "{divisions:?} {home:?}");
    }
    let unseen = user(json!({"authorization": {"roles": [{"id": "r1", "name": "Agent"}]}}));
    let now = Genesys.holds(back, &unseen);
    assert!(matches!(diff::settle(&back.before, &back.after, &now), Settled::Conflict(_)), "not told is not ours");
    let sent = Genesys.rebase(back.clone(), &seen(&["d1"], Some("d1")));
    let body = json!({"grants": [{"roleId": "r1", "divisionId": "d1"}]});
    assert_eq!(calls_of(std::slice::from_ref(&sent)), [(BULK_REMOVE, body)]);
    assert_eq!(Genesys.rebase(sent.clone(), &seen(&["d1", "d2"], None)).key, sent.key, "a change goes by its key");
    let again = json!({"subjectIds": ["u-1"], "divisionIds": ["d1"]});
    assert_eq!(calls_of(&Genesys.undo(&sent)), [("POST /api/v2/authorization/roles/{roleId}", again)]);
}

#[test]
fn of_a_grant_only_its_own_divisions_are_compared() {
    let added = plan(json!({"roles+": ["Agent:[Sales]"]}), agent_in(&["d9"])).unwrap().remove(0);
    let back = Genesys.undo(&added).remove(0);
    let table = [
        (&["d2", "d9"][..], Settled::Holds, Settled::Untouched),
        (&["d2", "d3"], Settled::Holds, Settled::Untouched),
        (&["*"], Settled::Holds, Settled::Holds),
        (&["d3", "d9"], Settled::Untouched, Settled::Holds),
        (&[], Settled::Untouched, Settled::Holds),
    ];
    for (divisions, there, gone) in table {
        let settle = |change: &Change| {
            diff::settle(&change.before, &change.after, &Genesys.holds(change, &user(agent_in(divisions))))
        };
        assert_eq!((settle(&added), settle(&back)), (there, gone), "{divisions:?}");
    }
}

#[test]
fn a_role_is_taken_away_in_the_divisions_that_a_row_names_and_in_no_others() {
    const WHOLE: &str = "PUT /api/v2/authorization/roles/{roleId}/users/remove";
    const GRANT: &str = "POST /api/v2/authorization/roles/{roleId}";
    let taken = |ids: &[&str]| {
        let grants = ids.iter().map(|id| json!({"roleId": "r1", "divisionId": id})).collect::<Value>();
        (BULK_REMOVE, json!({"grants": grants}))
    };
    let given = |ids: &[&str]| (GRANT, json!({"subjectIds": ["u-1"], "divisionIds": ids}));
    let table = [
        (json!({"roles-": ["Agent:[Sales]"]}), &["d1", "d2"][..], vec![taken(&["d2"])]),
        (json!({"roles-": ["Agent:[Sales]"]}), &["d1"], vec![]),
        (json!({"roles-": ["Agent:[Sales; Home]"]}), &["d1", "d2", "d3"], vec![taken(&["d1", "d2"])]),
        (json!({"roles-": ["Agent:[Sales]", "Agent:[Home]"]}), &["d1", "d2"], vec![taken(&["d1", "d2"])]),
        (json!({"roles-": ["Agent:[Sales]", "Agent"]}), &["d1", "d2"], vec![(WHOLE, json!(["u-1"]))]),
        (json!({"roles-": ["Agent"]}), &["d1", "d2"], vec![(WHOLE, json!(["u-1"]))]),
        // A list that replaces takes what was read, and no colleague's grant in another division.
        (json!({"roles": []}), &["d1", "d2"], vec![taken(&["d1", "d2"])]),
        (json!({"roles": []}), &["*"], vec![taken(&["*"])]),
        // From one division to another.
        (
            json!({"roles+": ["Agent:[Sales]"], "roles-": ["Agent:[Home]"]}),
            &["d1"],
            vec![taken(&["d1"]), given(&["d2"])],
        ),
        // Two items of one role add up.
        (json!({"roles+": ["Agent:[Sales]", "Agent:[Home]"]}), &[], vec![given(&["d1", "d2"])]),
        (json!({"roles+": ["Agent:[Sales]"], "roles-": ["Agent:[Sales]"]}), &["d2"], vec![taken(&["d2"])]),
        (json!({"roles+": ["Agent"], "roles-": ["Agent"]}), &["d2"], vec![(WHOLE, json!(["u-1"]))]),
    ];
    for (fields, held, expected) in table {
        assert_eq!(calls_of(&plan(fields.clone(), agent_in(held)).unwrap()), expected, "{fields} {held:?}");
    }
    let refusal = plan(json!({"roles-": ["Agent:[Sales]"]}), agent_in(&["*"])).unwrap_err();
    assert_eq!(refusal.code.as_deref(), Some("granted.everywhere"));
    for column in ["roles", "roles+"] {
        let refusal = plan(json!({column: ["Agent"], "roles-": ["Agent:[Sales]"]}), agent_in(&["d2"])).unwrap_err();
        assert_eq!(refusal.code.as_deref(), Some("contradiction"));
    }
    let untold = json!({"authorization": {"roles": [{"id": "r1"}]}});
    let refusal = plan(json!({"roles-": ["Agent:[Sales]"]}), untold).unwrap_err();
    assert_eq!(refusal.code.as_deref(), Some("not.told"));
}

#[test]
fn a_role_may_be_granted_in_divisions_and_taken_back_from_those_alone() {
    let asked = json!({"roles+": ["Agent:[Home; Sales]"]});
    let none = json!({"authorization": {"roles": []}});
    let changes = plan(asked.clone(), none).unwrap();
    let body = json!({"subjectIds": ["u-1"], "divisionIds": ["d1", "d2"]});
    assert_eq!(calls_of(&changes), [("POST /api/v2/authorization/roles/{roleId}", body)]);
    let body = json!({"grants": [{"roleId": "r1", "divisionId": "d1"}, {"roleId": "r1", "divisionId": "d2"}]});
    assert_eq!(calls_of(&Genesys.undo(&changes[0])), [(BULK_REMOVE, body)]);
    let held = |divisions: &[&str]| {
        let grants = divisions.iter().map(|id| json!({"role": {"id": "r1"}, "division": {"id": id}}));
        json!({"authorization": {"roles": [{"id": "r1"}]}, "grants": grants.collect::<Value>()})
    };
    assert_eq!(plan(asked.clone(), held(&["d1", "d2", "d9"])), Ok(vec![]));
    assert_eq!(plan(asked.clone(), held(&["*"])), Ok(vec![]));
    let changes = plan(asked, held(&["d1"])).unwrap();
    assert_eq!(Genesys.call(&changes).body, Some(json!({"subjectIds": ["u-1"], "divisionIds": ["d2"]})));
    let back = Genesys.undo(&changes[0]);
    let body = json!({"grants": [{"roleId": "r1", "divisionId": "d2"}]});
    assert_eq!(calls_of(&back), [(BULK_REMOVE, body)]);
    let everywhere = plan(json!({"roles+": ["Agent:[*]"]}), held(&["d1"])).unwrap();
    assert_eq!(Genesys.call(&everywhere).body, Some(json!({"subjectIds": ["u-1"], "divisionIds": ["*"]})));
    let as_object = json!({"roles+": [{"name": "Agent", "divisions": ["Sales"]}]});
    assert_eq!(kinds(&plan(as_object, held(&["d1"])).unwrap()), ["grants+"]);
}

#[test]
fn a_manager_by_e_mail_is_whoever_has_that_address_by_their_own_record() {
    let shown = |email: &str, state: &str| {
        let mut names = names();
        names.note_list("people ");
        names.note("people ", "m1", json!({"email": email, "state": state}));
        Genesys.changes(&row(&json!({"manager": "m@x.org"})), &user(json!({})), &names)
    };
    assert_eq!(kinds(&shown("M@X.org", "active").unwrap()), ["fields"]);
    assert_eq!(shown("moved@x.org", "active").unwrap_err().code.as_deref(), Some("unknown.name"));
    assert_eq!(shown("m@x.org", "deleted").unwrap_err().code.as_deref(), Some("deleted"));
    let mut gone = names();
    gone.note_list("people ");
    assert!(Genesys.changes(&row(&json!({"manager": "m@x.org"})), &user(json!({})), &gone).is_err());
}

#[test]
fn memberships_share_a_call_by_target() {
    let record = json!({"groups": [{"id": "g1"}], "authorization": {"roles": []}, "queues": []});
    let changes = plan(json!({"groups-": ["A"], "roles+": ["Agent"], "queues+": ["Calls"]}), record).unwrap();
    let keys: Vec<(&str, &str)> =
        changes.iter().map(|change| (change.kind.as_str(), change.key.group.as_str())).collect();
    assert_eq!(keys, [("groups-", "g1"), ("queues+", "q1"), ("roles+", "r1")]);
}

#[test]
fn unknown_and_ambiguous_names_are_told_with_candidates() {
    let told = || json!({"groups": [], "division": null});
    let message = |fields| plan(fields, told()).unwrap_err().message.unwrap();
    assert_eq!(message(json!({"division": "Saless"})), "no division is called `Saless`: did you mean `Sales`?");
    assert_eq!(message(json!({"groups+": ["zzz"]})), "no group is called `zzz`");
    assert!(plan(json!({"groups+": ["B"]}), told()).is_ok(), "the exact name wins");
}

#[test]
fn every_change_is_taken_back_by_its_undo() {
    let record = json!({"title": "Agent", "state": "active", "division": {"id": "d1", "name": "Home"}, "team": {"id": "t1", "name": "Blue"},
        "languages": [{"id": "l1", "name": "English", "proficiency": 5.0}], "groups": [{"id": "g1", "name": "A"}],
        "skills": [{"id": "s1", "name": "Spanish", "proficiency": 2.0}]});
    let fields = json!({"title": "Lead", "state": "inactive", "division": "Sales", "team": null, "groups": ["g2"],
        "languages": [{"name": "German", "proficiency": 1.0}], "skills": []});
    for change in plan(fields, record).unwrap() {
        let back = Genesys.undo(&change);
        let (mut before, mut after) = (Map::new(), Map::new());
        for one in &back {
            before.extend(one.before.clone());
            after.extend(one.after.clone());
        }
        assert!(diff::same(&json!(before), &json!(change.after)), "{change:?} {back:?}");
        assert!(diff::same(&json!(after), &json!(change.before)), "{change:?} {back:?}");
    }
}
