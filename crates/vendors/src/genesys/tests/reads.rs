//! What is read, page by page, and what is made of it.

use super::{answer, names, row};
use crate::genesys::{Genesys, pages};
use paceline_core::desired::Row;
use paceline_core::user::UserKey;
use paceline_core::vendor::{Directory, Found, More, Names, Need, Page, Reads, Refusal, Request, Uses, Writes};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn columns(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

#[test]
fn users_are_read_many_a_call_whatever_their_state() {
    let columns = columns(&["title", "employerInfo.dateHire", "skills+", "roles"]);
    assert_eq!(
        Genesys.read("user", &keys(&["a", "b/c"]), &columns, None).target,
        "/api/v2/users?pageSize=25&state=any&id=a&id=b%2Fc&expand=authorization&expand=employerInfo&expand=skills"
    );
    assert_eq!(Genesys.part_width("user", 1_000), 100);
}

#[test]
fn a_search_takes_fifty_values_and_every_page_of_it_is_read() {
    assert_eq!(Genesys.part_width("search", 1_000), 50);
    let asked = keys(&["a@x.org", "b@x.org"]);
    let body = |page| Genesys.read("search", &asked, &columns(&[]), page).body.unwrap();
    assert_eq!((body(None)["pageNumber"].clone(), body(Some("3"))["pageNumber"].clone()), (json!(1), json!(3)));
    assert_eq!(body(None)["query"][0]["values"], json!(asked));
    assert_eq!(body(None)["query"][1]["values"], json!(["active", "inactive", "deleted"]));
    // Nobody is made a manager who is deleted.
    let (_, part) = Genesys.people();
    let managers = Genesys.read(part, &asked, &columns(&[]), None).body.unwrap();
    assert_eq!(
        (managers["query"][1]["values"].clone(), Genesys.part_width(part, 99)),
        (json!(["active", "inactive"]), 50)
    );
    let hit = |email: &str| json!({"id": "u-1", "email": email});
    let table = [
        (json!({"results": [hit("A@x.org")], "pageNumber": 1, "pageCount": 2}), None, More::Page("2".into())),
        (json!({"results": [hit("A@x.org")], "pageNumber": 2, "pageCount": 2}), Some("2"), More::No),
        (json!({"results": [], "pageNumber": 1, "pageCount": 9}), None, More::No),
        // The same page again would be that one for ever.
        (json!({"results": [hit("A@x.org")], "pageNumber": 1, "pageCount": 9}), Some("2"), More::No),
        (json!({"total": 0}), None, More::No),
    ];
    for (body, page, more) in table {
        assert_eq!(Genesys.records("search", &asked, page, &answer(200, &body)).unwrap().more, more, "{body}");
    }
}

#[test]
fn nobody_found_is_an_empty_page_in_the_vendors_words() {
    for part in ["search", "people", "hits", "user", "everyone", "listed"] {
        let gone = answer(404, &json!({"code": "resource.not.found", "status": 404}));
        assert_eq!(Genesys.records(part, &keys(&["a"]), None, &gone), Ok(Page::default()), "{part}");
    }
}

#[test]
fn a_page_of_all_users_can_be_made_smaller_without_leaving_anybody_out() {
    let target = |page: Option<&str>| Genesys.everyone(None, &columns(&[]), page).1.target;
    assert_eq!(target(None), "/api/v2/users?pageSize=500&pageNumber=1&state=any");
    assert_eq!(target(Some("50:31")), "/api/v2/users?pageSize=50&pageNumber=31&state=any");
    let mut page: Option<String> = None;
    let mut sizes = vec![];
    while let Some(smaller) = Genesys.smaller_page("everyone", page.as_deref()) {
        sizes.push(smaller.clone());
        page = Some(smaller);
    }
    assert_eq!(sizes, ["100:1", "50:1", "25:1", "10:1", "5:1", "1:1"]);
    let table = [("500:4", "100:16"), ("100:16", "50:31"), ("50:31", "25:61"), ("30:2", "10:4")];
    for (page, smaller) in table {
        assert_eq!(Genesys.smaller_page("everyone", Some(page)).as_deref(), Some(smaller), "{page}");
    }
    for page in ["x", "0:1", "501:1", "5:0", "", "5", "99999999999999999999:1"] {
        assert_eq!(Genesys.smaller_page("listed", Some(page)).as_deref(), Some("100:1"), "{page}");
    }
    assert_eq!(Genesys.smaller_page("user", None), None);
    // Where the vendor cuts a page without a word, the pages that follow are of the size that came.
    let cut = json!({"entities": [{"id": "u-1"}], "pageSize": 100, "pageNumber": 1, "pageCount": 3});
    let page = Genesys.records("everyone", &[], None, &answer(200, &cut)).unwrap();
    assert_eq!(page.more, More::Page("100:2".into()));
}

#[test]
fn deleted_users_are_shown_where_they_are_asked_for_and_nowhere_else() {
    let body = json!({"entities": [{"id": "u-1", "state": "active"}, {"id": "u-2", "state": "deleted"}]});
    for (state, shown) in [(None, 1), (Some("deleted"), 2)] {
        let (part, request) = Genesys.everyone(state, &columns(&[]), None);
        assert_eq!(Genesys.records(part, &[], None, &answer(200, &body)).unwrap().records.len(), shown);
        assert!(request.target.contains(&format!("state={}", state.unwrap_or("any"))));
    }
    let need = |columns_of: &[&str], include_deleted, part| {
        let uses = Uses { columns: columns(columns_of), include_deleted, ..Uses::default() };
        let record = json!({"id": "u-1", "state": "deleted", "dateModified": "2026-01-02"});
        Genesys.need(&row(&json!({})), &uses, &names(), &Found::from([(part, vec![record])]))
    };
    let refusal = need(&["state"], false, "user").unwrap_err();
    assert_eq!(refusal.code.as_deref(), Some("deleted"));
    assert!(refusal.message.unwrap().contains("2026-01-02"));
    assert!(need(&["title"], true, "user").is_err());
    assert!(need(&["title", "state"], true, "user").is_ok());
    assert!(need(&["title"], false, "listed").is_ok());
}

fn by_email(email: &str, found: &Found) -> Result<Need, Refusal> {
    let row = Row { key: UserKey { column: "email".into(), value: email.into() }, ..row(&json!({})) };
    Genesys.need(&row, &Uses::default(), &names(), found)
}

#[test]
fn the_record_must_have_the_address_that_was_searched_for() {
    let hit = |id: &str, state: &str| json!({"id": id, "email": "desk@x.org", "state": state});
    let search = |hits: Vec<Value>| Found::from([("search", hits)]);
    let asked = by_email("Desk@x.org", &Found::new()).unwrap();
    assert_eq!(asked, Need::Read("search", "Desk@x.org".into()));
    let found = search(vec![hit("u-1", "active"), hit("u-9", "deleted"), hit("u-1", "active")]);
    assert_eq!(by_email("Desk@x.org", &found).unwrap(), Need::Read("user", "u-1".into()));
    let gone = search(vec![hit("u-9", "deleted")]);
    assert_eq!(by_email("Desk@x.org", &gone).unwrap(), Need::Read("user", "u-9".into()));
    // It may show two while it lags: whose address it is, their records tell.
    let mut two = search(vec![hit("u-1", "active"), hit("u-2", "inactive")]);
    assert_eq!(by_email("desk@x.org", &two).unwrap(), Need::Read("hits", "u-1 u-2".into()));
    let request = Genesys.read("hits", &keys(&["u-1 u-2", "u-3 u-4"]), &columns(&[]), None);
    assert!(request.target.ends_with("&id=u-1&id=u-2&id=u-3&id=u-4"), "{}", request.target);
    let shown =
        |first: &str| json!({"entities": [{"id": "U-1", "email": first}, {"id": "u-2", "email": "desk@x.org"}]});
    for (first, code) in [("moved@x.org", None), ("desk@x.org", Some("ambiguous"))] {
        let page = Genesys.records("hits", &keys(&["u-1 u-2"]), None, &answer(200, &shown(first))).unwrap();
        assert!(page.records.iter().all(|(key, _)| key == "u-1 u-2"));
        two.insert("hits", page.records.into_iter().map(|(_, record)| record).collect());
        let next = by_email("desk@x.org", &two);
        assert_eq!(next.as_ref().ok(), code.is_none().then(|| Need::Read("user", "u-2".into())).as_ref());
        assert_eq!(next.err().and_then(|refusal| refusal.code).as_deref(), code);
    }
    for (held, right) in [(json!("DESK@x.org"), true), (json!("moved@x.org"), false), (json!(null), false)] {
        let mut found = found.clone();
        found.insert("user", vec![json!({"id": "u-1", "email": held, "version": 1})]);
        let known = by_email("Desk@x.org", &found);
        assert_eq!(known.is_ok(), right, "{known:?}");
        assert!(right || known.unwrap_err().code.as_deref() == Some("not.found"));
    }
}

#[test]
fn an_id_that_is_a_step_in_a_path_is_refused() {
    for id in [".", "..", " .. ", "u\n1"] {
        let row = Row { key: UserKey::id(id), ..row(&json!({})) };
        let refusal = Genesys.need(&row, &Uses::default(), &names(), &Found::new()).unwrap_err();
        assert_eq!(refusal.code.as_deref(), Some("invalid.id"), "{id:?}");
    }
    let blind = Genesys.blind(&row(&json!({"title": "x"})), paceline_core::user::UserId("..".into()));
    assert_eq!(Genesys.call(&[blind]).target, "/api/v2/users/..%20");
}

#[test]
fn custom_attributes_come_with_the_users_and_by_themselves_where_they_do_not() {
    let mut names = names();
    names.note_list("schema");
    names.add("schema", paceline_core::vendor::Named { id: "sc1".into(), name: "HR data".into() });
    let uses = Uses { columns: columns(&["customAttributes.HR data.floor"]), ..Uses::default() };
    let need = |found: &Found| Genesys.need(&row(&json!({})), &uses, &names, found).unwrap();
    assert_eq!(need(&Found::new()), Need::Read("user", "u-1 sc1".into()));
    let asked = keys(&["u-1 sc1", "u-2"]);
    let target = Genesys.read("user", &asked, &uses.columns, None).target;
    assert_eq!(
        target,
        "/api/v2/users?pageSize=25&state=any&id=u-1&id=u-2&expand=customAttributes&userCustomAttributeSchemaIds=sc1"
    );
    let body = json!({"entities": [{"id": "U-1", "version": 1}, {"id": "u-2"}, {"id": "u-3"}]});
    let page = Genesys.records("user", &asked, None, &answer(200, &body)).unwrap();
    assert_eq!(page.records.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["u-1 sc1", "u-2"]);
    let shown = |held: Value| Found::from([("user", vec![json!({"id": "u-1", "customAttributes": held})])]);
    for held in [json!([]), json!([{"schema": {"id": "sc1"}, "attributes": {"floor": "2"}}])] {
        assert!(matches!(need(&shown(held)), Need::Known(_)));
    }
    // Its form is not published: where it is not this one, they are read by themselves.
    for held in [json!(null), json!({"sc1": {"floor": "2"}}), json!(["sc1"]), json!([{"id": "sc1"}])] {
        assert_eq!(need(&shown(held)), Need::Read("attributes", "u-1 sc1".into()));
    }
    let wrong = Uses { columns: columns(&["customAttributes.HR dta.floor"]), ..Uses::default() };
    let asked = Genesys.need(&row(&json!({})), &wrong, &names, &Found::new()).unwrap();
    assert_eq!(asked, Need::Read("user", "u-1".into()), "a misspelt schema is its row's error");
}

#[test]
fn the_divisions_of_roles_are_read_only_where_a_role_is_taken_away() {
    let record = json!({"id": "u-1", "authorization": {"roles": [{"id": "r1", "name": "Agent"}]}});
    let found = Found::from([("user", vec![record])]);
    let table = [
        (json!({"roles-": ["Agent"]}), true),
        (json!({"roles": []}), true),
        (json!({"roles": null}), true),
        (json!({"roles+": ["Agent:[Home]"]}), true),
        (json!({"roles+": ["Agent"]}), false),
        (json!({"roles": ["Agent"]}), false),
        (json!({"title": "x"}), false),
    ];
    for (fields, read) in table {
        let uses = Uses { columns: fields.as_object().unwrap().keys().cloned().collect(), ..Uses::default() };
        let next = Genesys.need(&row(&fields), &uses, &names(), &found).unwrap();
        assert_eq!(next == Need::Read("grants", "u-1".into()), read, "{fields}");
        let undo = Uses { undo: true, ..uses };
        assert!(matches!(Genesys.need(&row(&fields), &undo, &names(), &found).unwrap(), Need::Known(_)), "an export");
    }
    let refused = answer(403, &json!({"code": "missing.permissions"}));
    let page = Genesys.records("grants", &keys(&["u-1"]), None, &refused).unwrap();
    assert_eq!(page.records, [("u-1".to_owned(), json!({}))]);
}

#[test]
fn whom_a_role_is_granted_to_is_read_by_role_where_that_is_fewer_calls() {
    let values = BTreeMap::from([("roles-".to_owned(), columns(&["[\"Agent\",\"Agemt\"]"]))]);
    let uses = Uses { columns: columns(&["roles-"]), values, rows: 3, ..Uses::default() };
    let list = "grants of role r1";
    let mut names = names();
    assert_eq!(Genesys.further_lists(&uses, &names), [list]);
    let target = "/api/v2/authorization/roles/r1/subjectgrants?pageSize=100&pageNumber=2";
    assert_eq!(Genesys.list(list, Some("2")).target, target);
    let fields = json!({"roles-": ["Agent"]});
    let need = |names: &Names| {
        let record = json!({"id": "u-1", "authorization": {"roles": [{"id": "r1"}]}});
        Genesys.need(&row(&fields), &uses, names, &Found::from([("user", vec![record])])).unwrap()
    };
    let granted =
        json!({"entities": [{"id": "U-1", "divisions": [{"id": "d1"}, {"id": "d2"}]}, {"id": "u-2"}], "pageCount": 2});
    assert_eq!(Genesys.listed(list, None, &answer(200, &granted), &mut names), Ok(Some("2".into())));
    assert_eq!(need(&names), Need::Read("grants", "u-1".into()), "not all of it is read yet");
    assert_eq!(Genesys.listed(list, Some("2"), &answer(200, &json!({"entities": []})), &mut names), Ok(None));
    let Need::Known(user) = need(&names) else { unreachable!() };
    let changes = Genesys.changes(&row(&fields), &user, &names).unwrap();
    assert_eq!(changes[0].before["divisions/r1"], json!(["d1", "d2"]));
    // Where it cannot be read, users are asked for; where it is long, too.
    let refused = answer(403, &json!({"code": "missing.permissions"}));
    let mut unread = super::names();
    assert_eq!(Genesys.listed(list, None, &refused, &mut unread), Ok(None));
    assert_eq!(need(&unread), Need::Read("grants", "u-1".into()));
    let roles = json!({"entities": [{"id": "r1", "name": "Agent", "userCount": 301}], "pageNumber": 1, "pageCount": 1});
    assert_eq!(Genesys.listed("role", None, &answer(200, &roles), &mut unread), Ok(None));
    assert_eq!(Genesys.further_lists(&uses, &unread), Vec::<String>::new());
}

#[test]
fn an_undo_of_an_added_role_reads_where_it_is_held_and_where_home_is() {
    let undoes = |group: &str| {
        let back = json!([{"kind": "grants-", "key": {"group": group}}]);
        row(&json!({"undo": back}))
    };
    let uses = |group: &str| {
        let values = BTreeMap::from([("grants-".to_owned(), columns(&[group]))]);
        Uses { columns: columns(&["roles+"]), values, rows: 9, undo: true, ..Uses::default() }
    };
    let mut names = names();
    assert_eq!(Genesys.lists(&uses("r1")), ["home division", "role"]);
    assert_eq!(Genesys.further_lists(&uses("r1"), &names), ["grants of role r1"]);
    // Where the divisions are known, nothing is read.
    let placed = uses("r1 d1");
    assert_eq!((Genesys.lists(&placed), Genesys.further_lists(&placed, &names)), (vec![], vec![]));
    let home = "home division";
    assert_eq!(Genesys.list(home, None).target, "/api/v2/authorization/divisions/home");
    let refused = answer(403, &json!({"code": "missing.permissions", "id": "d9"}));
    assert_eq!(Genesys.listed(home, None, &refused, &mut names), Ok(None));
    assert_eq!(names.noted(home, home), None);
    assert_eq!(Genesys.listed(home, None, &answer(200, &json!({"id": "d1"})), &mut names), Ok(None));
    let record = |roles: Value| json!({"id": "u-1", "authorization": {"roles": roles}});
    let agent = || Found::from([("user", vec![record(json!([{"id": "r1"}]))])]);
    let need = |group: &str, found: &Found| Genesys.need(&undoes(group), &uses(group), &names, found);
    assert_eq!(need("r1", &agent()), Ok(Need::Read("grants", "u-1".into())));
    assert!(matches!(need("r1 d1", &agent()), Ok(Need::Known(_))));
    let without = Found::from([("user", vec![record(json!([]))])]);
    assert!(matches!(need("r1", &without), Ok(Need::Known(_))));
    let mut found = agent();
    found.insert("grants", vec![json!({})]);
    assert_eq!(need("r1", &found).unwrap_err().code.as_deref(), Some("not.told"), "it may be a colleague's too");
    let of_a_group = json!({"subjectId": "g1", "role": {"id": "r1"}, "division": {"id": "d2"}});
    let own = json!({"subjectId": "U-1", "role": {"id": "r1"}, "division": {"id": "d1"}});
    found.insert("grants", vec![json!({"grants": [of_a_group, own]})]);
    let Ok(Need::Known(user)) = need("r1", &found) else { unreachable!() };
    assert_eq!(
        (crate::genesys::record::divisions_of(&user.record, "r1"), &user.record[home]),
        (Some(json!(["d1"])), &json!("d1"))
    );
}

#[test]
fn the_divisions_are_listed_where_a_role_names_some() {
    let lists = |text: &str| {
        ["roles", "roles+", "roles-"].map(|column| {
            let values = BTreeMap::from([(column.to_owned(), columns(&[text]))]);
            Genesys.lists(&Uses { columns: columns(&[column]), values, ..Uses::default() })
        })
    };
    for (text, divided) in [
        ("[\"Agent\"]", false),
        ("[\"Agent:[Home]\"]", true),
        ("[{\"name\":\"Agent\",\"divisions\":[\"Home\"]}]", true),
    ] {
        assert!(lists(text).iter().all(|lists| lists.contains(&"division") == divided), "{text}");
    }
}

#[test]
fn a_page_is_followed_by_what_came_and_not_by_what_was_asked_for() {
    let table = [
        (json!({"entities": [{"id": "a"}], "pageNumber": 1, "pageCount": 2}), true),
        (json!({"entities": [{"id": "a"}], "pageNumber": 1, "pageSize": 1, "total": 2}), true),
        (json!({"entities": [{"id": "a"}], "pageNumber": 1, "pageSize": 1, "total": 1}), false),
        // A queue's members have no counts: cut to one a page, one is a full page.
        (json!({"entities": [{"id": "a"}], "pageNumber": 1, "pageSize": 1}), true),
        (json!({"entities": [{"id": "a"}], "pageNumber": 1, "pageSize": 100}), false),
        (json!({"entities": [{"id": "a"}], "nextUri": "/api/v2/x?pageNumber=2"}), true),
        (json!({"entities": [{"id": "a"}]}), false),
        (json!({"entities": [], "pageCount": 9}), false),
    ];
    for (body, follows) in table {
        let next = Genesys.listed("members of queue q1", None, &answer(200, &body), &mut names());
        assert_eq!(next, Ok(follows.then(|| "2".to_owned())), "{body}");
    }
}

#[test]
fn a_misspelt_queue_is_asked_for_nowhere_and_one_that_cannot_be_read_is_borne() {
    let values = |texts: &[&str]| BTreeMap::from([("queues+".to_owned(), columns(texts))]);
    let uses =
        Uses { columns: columns(&["queues+"]), values: values(&["[\"Calls\",\"Callz\"]"]), rows: 9, ..Uses::default() };
    assert_eq!(Genesys.further_lists(&uses, &names()), ["members of queue q1"]);
    let undo = Uses { undo: true, values: values(&["q7"]), ..uses.clone() };
    assert_eq!(Genesys.further_lists(&undo, &Names::default()), ["members of queue q7"]);
    let (mut names, list) = (names(), "members of queue q1");
    let need = |names: &Names, fields: Value| {
        let found = Found::from([("user", vec![json!({"id": "u-1"})])]);
        Genesys.need(&row(&fields), &uses, names, &found).unwrap()
    };
    let members = answer(200, &json!({"entities": [{"id": "U-1"}]}));
    assert_eq!(Genesys.listed(list, None, &members, &mut names), Ok(None));
    assert!(matches!(need(&names, json!({"queues+": ["Calls"]})), Need::Known(_)));
    let refused = answer(404, &json!({"code": "resource.not.found"}));
    assert_eq!(Genesys.listed(list, None, &refused, &mut names), Ok(None));
    assert_eq!(need(&names, json!({"queues+": ["calls"]})), Need::Read("queues", "u-1".into()));
    assert!(matches!(need(&names, json!({"queues+": ["Other"]})), Need::Known(_)));
}

#[test]
fn people_whom_rows_name_by_e_mail_are_read_by_their_ids() {
    let values = BTreeMap::from([("manager".to_owned(), columns(&["m@x.org", "nobody@x.org", "m1"]))]);
    let uses = Uses { columns: columns(&["manager"]), values, rows: 3, ..Uses::default() };
    let mut names = names();
    assert_eq!(Genesys.further_lists(&uses, &names), ["people m1"]);
    assert_eq!(Genesys.list("people m1 m2", None).target, "/api/v2/users?pageSize=25&state=any&id=m1&id=m2");
    let shown = answer(200, &json!({"entities": [{"id": "m1", "email": "new@x.org", "state": "active"}]}));
    assert_eq!(Genesys.listed("people m1 m2", None, &shown, &mut names), Ok(None));
    assert!(Genesys.changes(&row(&json!({"manager": "m@x.org"})), &super::user(json!({})), &names).is_err());
}

#[test]
fn lists_end() {
    let entity = json!({"id": "s1", "name": "One"});
    let next =
        |names: &mut Names, page: Option<&str>, body: Value| Genesys.listed("skill", page, &answer(200, &body), names);
    let mut names = Names::default();
    let endless = |page: u64| json!({"entities": [entity], "pageNumber": page, "pageCount": 1_000_000_000u64});
    assert_eq!(next(&mut names, None, endless(1)), Ok(Some("2".into())));
    assert_eq!(next(&mut names, Some("2"), endless(2)), Ok(None), "nothing new");
    let fresh = json!({"entities": [{"id": "s2", "name": "Two"}], "pageNumber": 1, "pageCount": 9});
    assert_eq!(next(&mut names, Some("2"), fresh), Ok(None), "another page than the one asked for");
    let far = json!({"entities": [{"id": "s3", "name": "Three"}], "pageNumber": 2000, "pageCount": 1_000_000_000u64});
    let refusal = next(&mut names, Some("2000"), far.clone()).unwrap_err();
    assert_eq!(refusal.message.as_deref(), Some("the list does not end after 2000 pages"));
    let members = Genesys.listed("members of queue q1", Some("2000"), &answer(200, &far), &mut names);
    assert_eq!(members, Ok(None));
    assert!(
        names.noted("unread queues", "q1").is_some_and(|notes| !notes.is_empty()),
        "its users are asked for theirs"
    );
    let looped =
        |id: &str| json!({"entities": [{"id": id, "name": id}], "nextUri": "/api/v2/teams?pageSize=9&after=a%3D"});
    let mut team = |page, id| Genesys.listed("team", page, &answer(200, &looped(id)), &mut names);
    assert_eq!(team(None, "t1"), Ok(Some("a%3D".into())));
    assert_eq!(team(Some("a%3D"), "t2"), Ok(None));
    assert_eq!(Genesys.list("team", Some("a%3D")).target, "/api/v2/teams?pageSize=100&after=a%3D");
    let queues = |page| json!({"entities": [{"id": "q"}], "pageNumber": page, "pageCount": 1_000_000_000u64});
    let more = |page: Option<&str>, told: u64| pages::queues(&answer(200, &queues(told)), "u", page).unwrap().more;
    assert_eq!(more(None, 1), More::Page("true:2".into()));
    assert_eq!(more(Some("true:2"), 1), More::Page("false:1".into()));
    assert_eq!(more(Some("false:100"), 100), More::No);
}

#[test]
fn the_quota_is_the_client_credentials_tokens() {
    let body = json!({"entities": [
        {"key": "token.rate.per.minute", "namespace": "platform.api", "value": 300},
        {"key": "client.credentials.token.rate.per.minute", "namespace": "platform.api", "value": 900},
    ]});
    assert_eq!(Genesys.quota(&answer(200, &body)).map(|quota| quota.allowed), Some(900));
    assert_eq!(Genesys.quota(&answer(200, &json!({}))), None);
}

#[test]
fn no_list_is_read_for_a_url_that_is_not_the_apis() {
    let request: Request = Genesys.list("division", None);
    assert_eq!(request.target, "/api/v2/authorization/divisions?pageSize=100&pageNumber=1");
    for body in [json!([]), json!({}), json!({"entities": {}}), json!(null)] {
        let refusal = Genesys.listed("division", None, &answer(200, &body), &mut Names::default()).unwrap_err();
        assert_eq!(refusal.code.as_deref(), Some("not.understood"), "{body}");
    }
}

proptest! {
    /// The vendor cuts pages at `cut` without a word, and refuses those that hold more than it likes to show just now.
    #[test]
    fn an_export_shows_everybody_once_however_pages_are_cut_or_refused(
        users in 1usize..700,
        cut in 1usize..600,
        likes in proptest::collection::vec(1usize..600, 1..6),
    ) {
        let (mut page, mut shown): (Option<String>, Vec<usize>) = (None, vec![]);
        for call in 0.. {
            prop_assert!(call < 3_000, "it does not end");
            let target = Genesys.everyone(None, &columns(&[]), page.as_deref()).1.target;
            let number = |key: &str| -> usize {
                let (_, rest) = target.split_once(&format!("{key}=")).unwrap();
                rest.split('&').next().unwrap().parse().unwrap()
            };
            let (size, at) = (number("pageSize").min(cut), number("pageNumber"));
            if size > likes[call % likes.len()].max(cut.min(5)) && size > 1 {
                let smaller = Genesys.smaller_page("everyone", page.as_deref());
                prop_assert!(smaller.is_some());
                page = smaller;
                continue;
            }
            let ids: Vec<usize> = (0..users).skip((at - 1) * size).take(size).collect();
            shown.extend(&ids);
            let entities: Value = ids.iter().map(|id| json!({"id": id.to_string()})).collect();
            let body = json!({"entities": entities, "pageSize": size, "pageNumber": at, "pageCount": users.div_ceil(size)});
            match Genesys.records("everyone", &[], page.as_deref(), &answer(200, &body)).unwrap().more {
                More::Page(next) => page = Some(next),
                _ => break,
            }
        }
        prop_assert_eq!(shown, (0..users).collect::<Vec<_>>());
    }
}
