//! Users of every shape that the API shows, and rows of every column: what holds for all of them.
//!
//! The vendor is a small model here: it takes what the API takes, replaces what the API replaces, and shows telephones in
//! the shapes that they are read in.

use super::names;
use crate::genesys::{Genesys, phones, record};
use paceline_core::desired::Row;
use paceline_core::diff::{self, Settled};
use paceline_core::plan::Change;
use paceline_core::user::{UserId, UserKey};
use paceline_core::vendor::{Answers, Each, Reads, User, Writes};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn shown_phone(kind: &'static str) -> impl Strategy<Value = Value> {
    let media = prop_oneof![3 => Just("PHONE"), 1 => Just("SMS")];
    (media, 0..6usize, 0..3u32).prop_map(move |(media, shape, digit)| {
        let (number, extension) = (format!("+1317555010{digit}"), format!("200{digit}"));
        let told = match shape {
            0 => json!({"address": number, "display": format!("(317) 555-010{digit}"), "countryCode": "US"}),
            1 => json!({"extension": extension, "display": extension}),
            2 => json!({"extension": extension, "display": format!("({extension})"), "address": format!("+1317555{extension}")}),
            3 => json!({"extension": extension, "display": number, "integration": "tag"}),
            4 => json!({"display": format!("({extension})")}),
            _ => json!({"address": format!("+1 317-555-010{digit}")}),
        };
        merged(&json!({"mediaType": media, "type": kind}), &told)
    })
}

fn merged(a: &Value, b: &Value) -> Value {
    let both = a.as_object().into_iter().chain(b.as_object()).flatten();
    Value::Object(both.map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn addresses() -> impl Strategy<Value = Value> {
    let mail = Just(json!({"mediaType": "EMAIL", "type": "WORK", "address": "a@x.org", "display": "a@x.org"}));
    let one = |kind| proptest::option::of(shown_phone(kind));
    (one("WORK"), one("WORK2"), one("HOME"), one("MOBILE"), proptest::option::of(mail))
        .prop_map(|(a, b, c, d, e)| [a, b, c, d, e].into_iter().flatten().collect())
}

fn some_of(items: Vec<Value>) -> impl Strategy<Value = Value> {
    let most = items.len();
    proptest::sample::subsequence(items, 0..=most).prop_map(Value::Array)
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![Just(json!(null)), Just(json!("A")), Just(json!("B b"))]
}

/// What is left out where it is empty, as reads do it.
fn told(members: Vec<(&str, Value)>) -> Value {
    let held = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(held.map(|(key, value)| (key.to_owned(), value)).collect())
}

fn places() -> impl Strategy<Value = Value> {
    let place = |id: &str, notes: Value| json!({"coordinates": {}, "notes": notes, "locationDefinition": {"id": id}});
    some_of(vec![
        place("o1", json!("desk 12")),
        place("o2", json!("")),
        json!({"coordinates": {"x": 1.5}, "locationDefinition": {"id": "o3", "name": "Berlin"}}),
    ])
}

fn person() -> impl Strategy<Value = Value> {
    let rated = |id: &'static str, name: &'static str| {
        (0..3u8).prop_map(
            move |rating| json!({"id": id, "name": name, "proficiency": f64::from(rating), "state": "active"}),
        )
    };
    let named = |id: &str, name: &str| json!({"id": id, "name": name});
    let grant =
        |role: &str, division: &str| json!({"role": {"id": role, "name": "Agent"}, "division": {"id": division}});
    let grants = some_of(vec![grant("r1", "d1"), grant("r1", "d2")]);
    let lists = (
        (rated("s1", "Spanish"), rated("s2", "Billing")),
        (rated("l1", "English"), rated("l2", "German")),
        some_of(vec![named("g1", "A"), named("g2", "B")]),
        some_of(vec![named("q1", "Calls")]),
        (grants, any::<bool>()),
        (0..3usize, 0..3usize),
    );
    let scalars = (text(), text(), proptest::option::of(Just("m1")), any::<bool>(), any::<bool>());
    let objects = ((text(), text(), text()), (text(), text()), places(), addresses(), text());
    let one_of =
        (any::<bool>(), proptest::option::of(Just(named("t1", "Blue"))), some_of(vec![json!("x"), json!("y")]));
    (lists, scalars, objects, one_of).prop_map(move |(lists, scalars, objects, one_of)| {
        let ((s1, s2), (l1, l2), groups, queues, (grants, sees), (skills, languages)) = lists;
        let (title, department, manager, active, auto) = scalars;
        let ((employee, hired, official), (spouse, story), locations, addresses, floor) = objects;
        let (home, team, tags) = one_of;
        let first = |at: usize, items: [Value; 2]| Value::Array(items.into_iter().take(at).collect());
        let is_agent = grants.as_array().is_some_and(|grants| !grants.is_empty());
        let mut record = told(vec![
            ("id", json!("u-1")),
            ("title", title),
            ("department", department),
            ("manager", manager.map_or(Value::Null, |id| json!({"id": id}))),
            ("state", json!(if active { "active" } else { "inactive" })),
            ("acdAutoAnswer", json!(auto)),
            ("employerInfo", told(vec![("employeeId", employee), ("dateHire", hired), ("officialName", official)])),
            ("biography", told(vec![("spouse", spouse), ("biography", story), ("interests", tags.clone())])),
            ("profileSkills", tags),
            ("certifications", json!([])),
            ("locations", locations),
            ("addresses", addresses),
            ("division", if home { named("d1", "Home") } else { named("d2", "Sales") }),
            ("team", team.unwrap_or_default()),
            ("skills", first(skills, [s1, s2])),
            ("languages", first(languages, [l1, l2])),
            ("groups", groups),
            ("queues", queues),
            ("authorization", json!({"roles": if is_agent { json!([named("r1", "Agent")]) } else { json!([]) }})),
            ("customAttributes", json!([{"schema": {"id": "sc1"}, "attributes": {"floor": floor}}])),
        ]);
        // Who has a role and asks for it in a division is told apart elsewhere.
        if (sees || is_agent)
            && let Value::Object(record) = &mut record
        {
            record.insert("grants".into(), grants);
        }
        record
    })
}

/// A value for each of some columns; `null` clears.
fn asked() -> impl Strategy<Value = Map<String, Value>> {
    let number = |digit: &str| json!(format!("+1317555010{digit}"));
    let rated = |name: &str, rating: f64| json!({"name": name, "proficiency": rating});
    let choices: Vec<(&str, Vec<Value>)> = vec![
        ("title", vec![json!("A"), json!("Lead"), json!(null)]),
        ("department", vec![json!("B b"), json!(null)]),
        ("manager", vec![json!("m1"), json!("m2"), json!(null)]),
        ("state", vec![json!("active"), json!("inactive")]),
        ("acdAutoAnswer", vec![json!(true), json!(false)]),
        ("employerInfo.employeeId", vec![json!("A"), json!("7"), json!(null)]),
        ("employerInfo.dateHire", vec![json!("2024-03-01"), json!(null)]),
        ("biography.spouse", vec![json!("B b"), json!(null)]),
        ("biography.interests", vec![json!(["x"]), json!(null)]),
        ("profileSkills", vec![json!(["y", "x"]), json!(null)]),
        ("locations", vec![json!(["Madrid"]), json!(["o3", "Paris"]), json!(null)]),
        ("phone_work", vec![number("0"), number("9"), json!(null)]),
        ("phone_home", vec![number("1"), json!(null)]),
        ("phone_mobile", vec![number("2"), json!("317 555 0100"), json!(null)]),
        ("extension", vec![json!("2001"), json!("77"), json!(null)]),
        ("division", vec![json!("Home"), json!("Sales")]),
        ("team", vec![json!("Blue"), json!(null)]),
        ("skills", vec![json!([rated("Spanish", 1.0)]), json!(null)]),
        ("skills+", vec![json!([rated("Billing", 4.0), rated("Spanish", 1.0)]), json!([{"name": "Billing"}])]),
        ("skills-", vec![json!(["Spanish", "Billing"]), json!(["Billing"])]),
        ("languages", vec![json!([rated("German", 1.0)]), json!(null)]),
        ("languages+", vec![json!([rated("German", 4.0)])]),
        ("languages-", vec![json!(["English"])]),
        ("groups", vec![json!(["A"]), json!(null)]),
        ("groups+", vec![json!(["B"])]),
        ("queues-", vec![json!(["Calls"])]),
        ("queues+", vec![json!(["Calls"])]),
        ("roles", vec![json!(["Agent"]), json!(null)]),
        ("roles-", vec![json!(["Agent"]), json!(["Agent:[Sales]"])]),
        ("roles+", vec![json!(["Agent"]), json!(["Agent:[Home]"]), json!(["Agent:[Sales]", "Agent:[Home]"])]),
        ("customAttributes.sc1.floor", vec![json!("2"), json!(null)]),
    ];
    let most = choices.len();
    let picked = proptest::sample::subsequence(choices, 1..=most.min(8));
    (picked, proptest::collection::vec(any::<prop::sample::Index>(), most)).prop_map(|(picked, draws)| {
        let one = |((column, values), draw): ((&str, Vec<Value>), prop::sample::Index)| {
            (column.to_owned(), values[draw.index(values.len())].clone())
        };
        let mut row: Map<String, Value> = picked.into_iter().zip(draws).map(one).collect();
        // What asks for a role and takes it away wherever it is held is its row's error.
        let joins = ["roles", "roles+"].iter().any(|column| row.get(*column) == Some(&json!(["Agent"])));
        if joins && row.get("roles-") == Some(&json!(["Agent:[Sales]"])) {
            row.remove("roles-");
        }
        row
    })
}

fn user(record: &Value) -> User {
    User { id: UserId("u-1".into()), version: Some(7), record: record.clone() }
}

fn plan(fields: &Map<String, Value>, record: &Value) -> Vec<Change> {
    let mut names = names();
    names.add("schema", paceline_core::vendor::Named { id: "sc1".into(), name: "HR".into() });
    let row = Row { number: 3, line: 4, key: UserKey::id("u-1"), fields: fields.clone() };
    Genesys.changes(&row, &user(record), &names).unwrap()
}

/// A telephone as it is shown after it was written.
fn show(entry: &Value) -> Value {
    match (entry["mediaType"].as_str(), entry["address"].as_str(), entry["extension"].as_str()) {
        (Some("PHONE" | "SMS"), Some(address), Some(_)) => {
            let mut shown = merged(entry, &json!({"display": address}));
            shown.as_object_mut().unwrap().remove("address");
            shown
        }
        (Some("PHONE" | "SMS"), Some(address), None) => {
            let country = if entry.get("countryCode").is_none() { json!({"countryCode": "US"}) } else { json!({}) };
            // Numbers are shown in the form of their country.
            let digits: String = address.chars().filter(char::is_ascii_digit).collect();
            let shown = json!({"display": digits.strip_prefix('1').unwrap_or(&digits)});
            merged(&merged(entry, &shown), &country)
        }
        (Some("PHONE" | "SMS"), None, Some(extension)) => merged(entry, &json!({"display": format!("({extension})")})),
        _ => entry.clone(),
    }
}

/// What the vendor's model makes of a change of roles: a role is granted in divisions, at home where none is named, and
/// taken away in divisions, or in all.
fn grant(record: &mut Value, change: &Change) {
    let mut ids = change.key.group.split(' ').map(str::to_owned);
    let (role, mut divisions) = (ids.next().unwrap(), ids.collect::<Vec<_>>());
    let adds = change.kind.ends_with('+');
    if change.kind == "roles+" {
        divisions.push("d1".into());
    }
    let mut grants = record["grants"].as_array().cloned().unwrap_or_default();
    let is_meant = |division: &str| divisions.is_empty() || divisions.iter().any(|id| id == division);
    grants.retain(|grant| grant["role"]["id"] != role || !is_meant(grant["division"]["id"].as_str().unwrap()));
    let added = divisions.iter().filter(|_| adds);
    grants.extend(added.map(|id| json!({"role": {"id": role, "name": "Agent"}, "division": {"id": id}})));
    let roles = grants.iter().take(1).map(|_| json!({"id": "r1", "name": "Agent"})).collect::<Value>();
    record["authorization"] = json!({"roles": roles});
    record["grants"] = json!(grants);
}

/// What the vendor's model makes of a change.
fn apply(record: &mut Value, change: &Change) {
    let kind = change.kind.as_str();
    let held = record.as_object_mut().unwrap();
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    if ["roles", "grants"].iter().any(|list| kind.starts_with(list)) {
        return grant(record, change);
    }
    for (key, value) in &change.after {
        match (kind, key.split_once('/')) {
            ("fields" | "state" | "autoanswer", _) => {
                let shown = match key.as_str() {
                    "manager" if value == "" => Value::Null,
                    "manager" => json!({"id": value}),
                    "addresses" => items(value).iter().map(show).collect(),
                    "locations" => {
                        let one = |place: &Value| {
                            merged(place, &json!({"locationDefinition": {"id": place["id"]}, "id": null}))
                        };
                        items(value).iter().map(one).collect()
                    }
                    _ => value.clone(),
                };
                held.insert(key.clone(), shown);
            }
            ("attributes", _) => {
                let name = key.rsplit('.').next().unwrap();
                held["customAttributes"][0]["attributes"][name] = value.clone();
            }
            (_, Some((list @ ("skills" | "languages"), id))) => {
                let mut all = items(held.get(list).unwrap_or(&Value::Null));
                all.retain(|item| item["id"] != id);
                all.extend((!value.is_null()).then(|| merged(value, &json!({"id": id}))));
                held.insert(list.into(), json!(all));
            }
            (_, Some((list, id))) => {
                let mut all = items(held.get(list).unwrap_or(&Value::Null));
                all.retain(|item| item["id"] != id);
                all.extend((value["member"] == true).then(|| json!({"id": id, "name": value["name"]})));
                held.insert(list.into(), json!(all));
            }
            _ => drop(held.insert(key.clone(), value.clone())),
        }
    }
}

/// A user by meaning.
fn meaning(shown: &Value) -> Value {
    const TOPS: [&str; 13] = [
        "title",
        "department",
        "manager",
        "state",
        "acdAutoAnswer",
        "employerInfo",
        "biography",
        "profileSkills",
        "certifications",
        "locations",
        "addresses",
        "chat",
        "images",
    ];
    let tops = TOPS.map(str::to_owned);
    let mut all = record::writable(shown, tops.iter());
    for entry in all.get_mut("addresses").and_then(Value::as_array_mut).into_iter().flatten() {
        let entry = entry.as_object_mut().unwrap();
        // The vendor's own addition.
        entry.remove("countryCode");
        let address = entry.get("address").and_then(Value::as_str).filter(|address| address.starts_with('+'));
        let digits: Option<String> = address.map(|address| address.chars().filter(char::is_ascii_digit).collect());
        entry.extend(digits.map(|digits| ("address".to_owned(), json!(digits))));
    }
    for list in ["skills", "languages"] {
        let ratings =
            record::rated(shown, list).unwrap().into_iter().map(|(id, item)| (id, item["proficiency"].clone()));
        all.insert(list.into(), Value::Object(ratings.collect()));
    }
    for list in ["groups", "queues", "roles"] {
        all.insert(list.into(), json!(record::memberships(shown, list).unwrap().into_keys().collect::<Vec<_>>()));
    }
    all.insert("divisions".into(), record::divisions_of(shown, "r1").unwrap_or_default());
    for one in ["division", "team"] {
        all.insert(one.into(), shown[one]["id"].clone());
    }
    all.insert("floor".into(), record::attribute(shown, "customAttributes.sc1.floor").unwrap());
    Value::Object(all)
}

const EXPORTED: &[&str] = &[
    "title",
    "department",
    "manager",
    "state",
    "acdAutoAnswer",
    "employerInfo.employeeId",
    "employerInfo.dateHire",
    "employerInfo.officialName",
    "employerInfo.employeeType",
    "biography.spouse",
    "biography.biography",
    "biography.interests",
    "profileSkills",
    "certifications",
    "locations",
    "addresses",
    "phone_work",
    "phone_home",
    "phone_mobile",
    "extension",
    "division",
    "team",
    "skills",
    "languages",
    "groups",
    "queues",
    "roles",
    "customAttributes.sc1.floor",
];

proptest! {
    #[test]
    fn an_export_applied_changes_nobody(shown in person(), columns in proptest::sample::subsequence(EXPORTED.to_vec(), 1..=EXPORTED.len())) {
        let held = user(&shown);
        let row: Map<String, Value> = columns.iter().map(|column| ((*column).to_owned(), Genesys.value(&held, column))).collect();
        prop_assert_eq!(plan(&row, &shown), vec![], "{:?}", row);
    }

    #[test]
    fn a_row_applied_holds_and_its_undo_takes_it_back(shown in person(), row in asked()) {
        let changes = plan(&row, &shown);
        // A change goes by its key.
        let backs: Vec<Change> = changes.iter().flat_map(|change| Genesys.undo(change)).collect();
        for planned in [&changes, &backs] {
            let keys: std::collections::BTreeSet<_> = planned.iter().map(|change| change.key.clone()).collect();
            prop_assert_eq!(keys.len(), planned.len(), "{:?}", planned);
        }
        let mut after = shown.clone();
        for change in &changes {
            prop_assert_eq!(diff::settle(&change.before, &change.after, &Genesys.holds(change, &user(&shown))), Settled::Untouched, "{:?}", change);
            apply(&mut after, change);
        }
        prop_assert_eq!(plan(&row, &after), vec![], "{} {:?}", after, row);
        for change in &changes {
            prop_assert_eq!(diff::settle(&change.before, &change.after, &Genesys.holds(change, &user(&after))), Settled::Holds, "{:?}", change);
        }
        let mut back = after.clone();
        for change in changes.iter().rev() {
            for undo in Genesys.undo(change) {
                let now = Genesys.holds(&undo, &user(&back));
                prop_assert_eq!(diff::settle(&undo.before, &undo.after, &now), Settled::Untouched, "{:?} {}", undo, back);
                let undo = Genesys.rebase(undo, &user(&back));
                apply(&mut back, &undo);
                prop_assert_eq!(diff::settle(&undo.before, &undo.after, &Genesys.holds(&undo, &user(&back))), Settled::Holds, "{:?}", undo);
            }
        }
        let (was, is) = (meaning(&shown), meaning(&back));
        for (key, value) in was.as_object().unwrap() {
            let same = if key == "addresses" { phones::equivalent(value, &is[key]) } else { diff::same(value, &is[key]) };
            prop_assert!(same, "{}: {} became {} by {:?}", key, value, is[key], changes);
        }
    }

    #[test]
    fn an_undo_never_takes_away_a_role_that_a_colleague_granted(shown in person(), row in asked(), theirs in "d[1-4]", moves in any::<bool>()) {
        let changes = plan(&row, &shown);
        let mut after = shown.clone();
        changes.iter().for_each(|change| apply(&mut after, change));
        let ours = record::divisions_of(&after, "r1").unwrap_or_default();
        prop_assume!(!ours.as_array().is_some_and(|ours| ours.iter().any(|id| *id == theirs)));
        // A colleague grants the role in another division, and may take ours away.
        let mut grants = after["grants"].as_array().cloned().unwrap_or_default();
        grants.retain(|_| !moves);
        grants.push(json!({"role": {"id": "r1", "name": "Agent"}, "division": {"id": theirs}}));
        after["grants"] = json!(grants);
        after["authorization"] = json!({"roles": [{"id": "r1", "name": "Agent"}]});
        after["home division"] = json!("d1");
        for undo in changes.iter().rev().flat_map(|change| Genesys.undo(change)) {
            let now = Genesys.holds(&undo, &user(&after));
            if diff::settle(&undo.before, &undo.after, &now) == Settled::Untouched {
                let undo = Genesys.rebase(undo, &user(&after));
                apply(&mut after, &undo);
            }
        }
        let left = record::divisions_of(&after, "r1").unwrap();
        prop_assert!(left.as_array().unwrap().contains(&json!(theirs)), "{} by {:?}", left, changes);
    }

    #[test]
    fn what_a_row_does_not_name_is_sent_back(shown in person(), row in asked()) {
        let types = |columns: &Map<String, Value>| -> Vec<&str> {
            let of = [("phone_work", "WORK"), ("extension", "WORK"), ("phone_home", "HOME"), ("phone_mobile", "MOBILE")];
            let also = ["extension"].iter().filter(|column| columns.contains_key(**column)).map(|_| "WORK2");
            of.iter().filter(|(column, _)| columns.contains_key(*column)).map(|(_, kind)| *kind).chain(also).collect()
        };
        for change in plan(&row, &shown).iter().filter(|change| change.kind == "fields") {
            if let Some(sent) = change.after.get("addresses").and_then(Value::as_array) {
                for entry in shown["addresses"].as_array().unwrap() {
                    let named = entry["mediaType"] != "EMAIL" && types(&row).contains(&entry["type"].as_str().unwrap());
                    prop_assert!(named || sent.contains(&phones::written(entry)), "{} is lost of {:?}", entry, sent);
                }
            }
            if let Some(sent) = change.after.get("locations").and_then(Value::as_array) {
                for entry in shown["locations"].as_array().unwrap() {
                    let kept = sent.iter().find(|place| place["id"] == entry["locationDefinition"]["id"]);
                    prop_assert!(kept.is_none_or(|place| diff::same(&place["notes"], &entry["notes"])), "{}", entry);
                }
            }
            for top in ["employerInfo", "biography"] {
                let Some(sent) = change.after.get(top) else { continue };
                for (member, held) in shown[top].as_object().unwrap() {
                    prop_assert!(row.contains_key(&format!("{top}.{member}")) || sent[member] == *held, "{}.{}", top, member);
                }
            }
        }
    }

    #[test]
    fn the_record_that_a_patch_answers_bears_it_out(shown in person(), row in asked()) {
        for change in plan(&row, &shown).into_iter().filter(|change| matches!(change.kind.as_str(), "fields" | "state")) {
            let mut after = shown.clone();
            after["version"] = json!(8);
            let each = |record: &Value| Genesys.each(std::slice::from_ref(&change), &super::answer(200, record)).unwrap().remove(0);
            prop_assert!(matches!(each(&after), Each::Doubtful(_)) || after.get(change.after.keys().next().unwrap()).is_none());
            apply(&mut after, &change);
            prop_assert_eq!(each(&after), Each::Made, "{:?}", after);
        }
    }
}
