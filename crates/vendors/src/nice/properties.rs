//! What holds of every person and every answer, whatever its shape.

use super::need::AGENTS;
use super::{FACTS, Nice, fields, person, wire};
use paceline_core::desired::Row;
use paceline_core::diff;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::user::{UserId, UserKey};
use paceline_core::vendor::{
    Answer, Answers, BLIND, Clues, Directory, Each, Effect, Found, Host, Method, Named, Names, Part, Reads, Request,
    SignIn, User, Uses, Writes,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const ROLES: &[(&str, &str)] = &[("r-1", "Agent"), ("r-2", "Manager")];
const TEAMS: &[(i64, &str, &str)] = &[(10, "t-10", "Blue"), (11, "t-11", "Red")];
const SKILL_NAMES: &[(&str, &str)] = &[("1", "Spanish"), ("2", "Billing"), ("3", "Chat;web"), ("4", "Spanish")];

fn names() -> Names {
    let mut names = Names::default();
    let mut add = |list: &str, id: &str, name: &str| names.add(list, Named { id: id.into(), name: name.into() });
    ROLES.iter().for_each(|(id, name)| add("role", id, name));
    TEAMS.iter().for_each(|(id, uuid, name)| {
        add("team", &id.to_string(), name);
        add("user team", uuid, name);
    });
    SKILL_NAMES.iter().for_each(|(id, name)| add("skill", id, name));
    names
}

// --- people of every shape

/// A key that is left out, `null`, or told under a key of any case.
fn maybe(key: &'static str, value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Option<(String, Value)>> {
    let cased = prop_oneof![4 => Just(key.to_owned()), 1 => Just(key.to_uppercase()), 1 => Just(key.to_lowercase())];
    let value = prop_oneof![6 => value.boxed(), 1 => Just(Value::Null).boxed()];
    prop_oneof![1 => Just(None), 6 => (cased, value).prop_map(Some)].boxed()
}

fn surely(key: &'static str, value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Option<(String, Value)>> {
    value.prop_map(move |value| Some((key.to_owned(), value))).boxed()
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![Just(json!("")), "[a-zA-Zé=+ ]{1,6}[a-z]".prop_map(|text| json!(text.trim())), Just(json!("a; b"))]
}

fn whole() -> impl Strategy<Value = Value> {
    (0i64..500).prop_flat_map(|n| prop_oneof![Just(json!(n)), Just(json!(n.to_string())), Just(json!(n as f64))])
}

fn yes_or_no() -> impl Strategy<Value = Value> {
    prop_oneof![Just(json!(true)), Just(json!(false)), Just(json!("True")), Just(json!("false"))]
}

fn day() -> impl Strategy<Value = Value> {
    prop_oneof![Just(json!("2020-01-31")), Just(json!("2020-01-31T00:00:00.000Z")), Just(json!(""))]
}

fn attributes() -> impl Strategy<Value = Value> {
    let values =
        prop::collection::vec("[a-z]{1,3}".prop_map(|text| json!({"value": text, "resolvedValue": text})), 0..3);
    let one = |id: &'static str| values.clone().prop_map(move |values| json!({"id": id, "values": values}));
    let both = (one("floor"), one("desk"));
    prop_oneof![
        Just(json!({})),
        both.clone().prop_map(|(floor, desk)| json!({"floor": floor, "desk": desk})),
        both.clone().prop_map(|(floor, desk)| json!({"k1": floor, "k2": desk})),
        both.prop_map(|(floor, desk)| json!([floor, desk])),
        one("floor"),
        ("[a-z]{1,3}", "[a-z]{1,3}").prop_map(|(floor, desk)| json!({"floor": floor, "desk": desk})),
    ]
}

fn object(entries: Vec<BoxedStrategy<Option<(String, Value)>>>) -> impl Strategy<Value = Value> {
    entries.prop_map(|entries| Value::Object(entries.into_iter().flatten().collect()))
}

fn user() -> impl Strategy<Value = Value> {
    let role = prop_oneof![Just(json!("Agent")), Just(json!("manager")), Just(json!("Retired"))];
    let list = prop::collection::vec("[a-z]{1,3}".prop_map(Value::from), 0..3).prop_map(Value::from);
    object(vec![
        surely("id", Just(json!("u-1"))),
        surely("firstName", text()),
        surely("lastName", text()),
        surely("emailAddress", Just(json!("Ada@x.org"))),
        surely("userName", text()),
        surely("role", role),
        maybe("roleUUID", Just(Value::Null)),
        maybe("assignedGroup", text()),
        maybe("emailToBeVerified", text()),
        surely("customAttributes", prop_oneof![6 => attributes().boxed(), 1 => Just(Value::Null).boxed()]),
        maybe("mobileNumber", text()),
        maybe("rank", whole()),
        maybe("timeZone", text()),
        maybe("teamId", prop_oneof![Just(json!("t-10")), Just(json!("T-11")), Just(json!("t-99"))]),
        maybe("hireDate", day()),
        maybe("acdInfos", Just(json!([{"loginId": "7"}]))),
        maybe("groupIds", list.clone()),
        maybe("applicationAttributes", Just(json!({"x": [{"name": "n", "values": ["v"]}]}))),
        maybe("externalIdentity", text()),
        maybe("billable", yes_or_no()),
        maybe("secondaryRoleIds", list),
        maybe("views", Just(json!([{"id": "v", "objectType": "o"}]))),
        maybe("displayName", text()),
        maybe("status", Just(json!("ACTIVE"))),
    ])
}

fn agent() -> impl Strategy<Value = Value> {
    let team = prop_oneof![
        Just((json!(10), json!("Blue"))),
        Just((json!("11"), json!("RED"))),
        Just((json!(99), json!("Gone")))
    ];
    let rest = object(vec![
        surely("agentId", Just(json!(7))),
        surely("userID", Just(json!("u-1"))),
        maybe("custom1", text()),
        maybe("custom2", prop_oneof![Just(json!(5)), Just(json!(true)), Just(json!("x"))]),
        maybe("notes", text()),
        maybe("phoneRefusalTimeout", whole()),
        maybe("emailRefusalTimeout", whole()),
        maybe("hourlyCost", prop_oneof![Just(json!("12.50")), Just(json!(3)), Just(json!(0.1))]),
        maybe("isActive", yes_or_no()),
        maybe("useTeamChatThreshold", yes_or_no()),
        maybe("terminationDate", day()),
        maybe("telephone1", text()),
    ]);
    (rest, team, 0..4u8).prop_map(|(mut record, (id, name), which)| {
        if which > 0 {
            record["teamId"] = id;
        }
        if which > 1 {
            record["teamName"] = name;
        }
        record
    })
}

fn skills() -> impl Strategy<Value = Value> {
    let names = [SKILL_NAMES, &[("9", "Retired")]].concat();
    let held = prop::sample::subsequence(names, 0..=5);
    (held, prop::collection::vec(prop_oneof![4 => (1i64..=5).prop_map(Value::from), 1 => Just(Value::Null)], 5)).prop_map(
        |(held, rated)| {
            let one = |((id, name), proficiency): (&(&str, &str), &Value)| {
                json!({"agentId": "7", "id": id, "name": name, "proficiency": proficiency})
            };
            held.iter().zip(&rated).map(one).collect()
        },
    )
}

fn person() -> impl Strategy<Value = User> {
    let record = (user(), agent(), skills());
    record.prop_map(|(user, agent, skills)| User {
        id: UserId("7/u-1".into()),
        version: None,
        record: json!({"user": user, "agent": agent, "skills": skills}),
    })
}

// --- rows

const OF_THE_USER: &[&str] = &[
    "firstName",
    "lastName",
    "email",
    "userName",
    "role",
    "mobileNumber",
    "rank",
    "timeZone",
    "hireDate",
    "externalIdentity",
    "billable",
    "assignedGroup",
    "customAttributes.floor",
    "customAttributes.desk",
];
const OF_THE_AGENT: &[&str] = &[
    "custom1",
    "custom2",
    "notes",
    "phoneRefusalTimeout",
    "emailRefusalTimeout",
    "hourlyCost",
    "isActive",
    "useTeamChatThreshold",
    "terminationDate",
    "telephone1",
];

fn columns() -> Vec<&'static str> {
    [OF_THE_USER, OF_THE_AGENT, &["team", "active", "skills"]].concat()
}

fn row(fields: Map<String, Value>) -> Row {
    Row { number: 1, line: 2, key: UserKey::id("7/u-1"), fields }
}

/// A row that sets some columns to values that a roster may hold.
fn asked() -> impl Strategy<Value = Map<String, Value>> {
    let value = |column: &'static str| -> BoxedStrategy<Value> {
        match column {
            "role" => prop_oneof![Just(json!("Agent")), Just(json!("manager"))].boxed(),
            "team" => prop_oneof![Just(json!("blue")), Just(json!("Red"))].boxed(),
            "email" => prop_oneof![Just(json!("ada@x.org")), Just(json!("eve@x.org"))].boxed(),
            "rank" | "phoneRefusalTimeout" | "emailRefusalTimeout" => (1i64..500).prop_map(Value::from).boxed(),
            "hourlyCost" => (1i64..50).prop_map(|n| json!(n as f64 / 4.0)).boxed(),
            "billable" | "isActive" | "useTeamChatThreshold" | "active" => any::<bool>().prop_map(Value::from).boxed(),
            "hireDate" | "terminationDate" => prop_oneof![Just(json!("2024-03-01")), Just(Value::Null)].boxed(),
            "skills" => prop::sample::subsequence(vec!["1", "2", "3", "9999"], 0..=3)
                .prop_map(|ids| {
                    ids.iter().filter(|id| **id != "9999").map(|id| json!({"name": id, "proficiency": 2.0})).collect()
                })
                .boxed(),
            "firstName" | "lastName" | "userName" | "timeZone" | "assignedGroup" => {
                "[a-z]{1,5}".prop_map(Value::from).boxed()
            }
            _ => prop_oneof![3 => "[a-z]{1,5}".prop_map(Value::from).boxed(), 1 => Just(Value::Null).boxed()].boxed(),
        }
    };
    let one = |column: &'static str| value(column).prop_map(move |value| (column.to_owned(), value));
    let all: Vec<_> = columns().into_iter().map(one).collect();
    (all, prop::sample::subsequence(columns(), 1..=8))
        .prop_map(|(all, chosen)| all.into_iter().filter(|(column, _)| chosen.contains(&column.as_str())).collect())
}

/// What `PUT /user-management/v1/users` takes, in the order of the published description of June 2026.
const PUT: &str = "firstName lastName emailAddress customAttributes mobileNumber assignedGroup rank timeZone role teamId hireDate acdInfos groupIds userName applicationAttributes emailToBeVerified externalIdentity billable secondaryRoleIds views id";

fn takes(key: &str) -> bool {
    PUT.split(' ').any(|known| known.eq_ignore_ascii_case(key))
}

/// All values of an attribute, in whichever form it is told.
fn values_of(user: &User, id: &str) -> Vec<String> {
    let attributes = wire::get(&user.record["user"], "customAttributes");
    let texts = |value: &Value| match value {
        Value::Object(one) => one.get("values").and_then(Value::as_array).cloned().unwrap_or_default(),
        bare => vec![bare.clone()],
    };
    let values = person::find_attribute(attributes, id).map(texts).unwrap_or_default();
    let bare = |value: &Value| value.get("value").unwrap_or(value).as_str().unwrap_or_default().to_owned();
    values.iter().map(bare).filter(|value| !value.is_empty()).collect()
}

// --- the vendor, as far as it keeps what it is told

/// The person after a change, by the call that carries it.
fn applied(nice: &Nice, change: &Change, user: &User) -> User {
    let change = nice.rebase(change.clone(), user);
    let request = nice.call(std::slice::from_ref(&change));
    let body = request.body.unwrap_or_default();
    let mut record = user.record.clone();
    let set = |record: &mut Value, key: &str, value: &Value| {
        let Some(map) = record.as_object_mut() else { return };
        let spelled = map.keys().find(|held| held.eq_ignore_ascii_case(key)).cloned();
        map.insert(spelled.unwrap_or_else(|| key.to_owned()), value.clone());
    };
    match change.kind.as_str() {
        "user" => {
            // It is written whole: what is not sent is gone, and shown so.
            for (_, value) in record["user"].as_object_mut().into_iter().flatten().filter(|(held, _)| takes(held)) {
                *value = Value::Null;
            }
            for (key, value) in body.as_object().into_iter().flatten() {
                set(&mut record["user"], key, value);
            }
        }
        "agent" => {
            for (key, value) in body["agents"][0].as_object().into_iter().flatten() {
                set(&mut record["agent"], key, value);
            }
        }
        "team" => {
            record["agent"]["teamId"] = json!(change.key.group);
            if wire::told(&record["agent"], "teamName").is_some() {
                record["agent"]["teamName"] = change.after["team"]["name"].clone();
            }
        }
        "active+" => set(&mut record["user"], "status", &json!("ACTIVE")),
        "active-" => set(&mut record["user"], "status", &json!("DELETED")),
        kind => {
            let mut held = record["skills"].as_array().cloned().unwrap_or_default();
            for (key, item) in &change.after {
                let id = key.trim_start_matches("skills/");
                held.retain(|one| one["id"] != id);
                if kind == "skills+" {
                    held.push(
                        json!({"agentId": "7", "id": id, "name": item["name"], "proficiency": item["proficiency"]}),
                    );
                }
            }
            record["skills"] = json!(held);
        }
    }
    User { record, ..user.clone() }
}

fn shown(nice: &Nice, user: &User) -> Map<String, Value> {
    columns().into_iter().map(|column| (column.to_owned(), nice.value(user, column))).collect()
}

fn same(a: &Value, b: &Value) -> bool {
    let lower = |value: &Value| value.as_str().map(str::to_lowercase);
    diff::same(a, b) || (lower(a).is_some() && lower(a) == lower(b))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_exported_is_there_already(user in person()) {
        let nice = Nice::new(None);
        let fields: Map<String, Value> = shown(&nice, &user).into_iter().filter(|(_, value)| !diff::is_empty(value)).collect();
        // Of a row that writes the user, the team is the user's.
        let fields = fields.into_iter().filter(|(column, _)| column != "team").collect();
        prop_assert_eq!(nice.changes(&row(fields), &user, &names()), Ok(vec![]));
        for part in ["agent", "user"] {
            let alone = User { record: json!({part: user.record[part]}), ..user.clone() };
            let team = nice.value(&alone, "team");
            if !team.is_null() {
                let mut fields = Map::from_iter([("team".to_owned(), team)]);
                if part == "user" {
                    fields.insert("firstName".into(), nice.value(&alone, "firstName"));
                }
                prop_assert_eq!(nice.changes(&row(fields), &alone, &names()), Ok(vec![]));
            }
        }
    }

    #[test]
    fn a_row_that_was_applied_is_there_and_what_it_does_not_name_is_as_it_was(user in person(), fields in asked()) {
        let nice = Nice::new(None);
        let row = row(fields.clone());
        let changes = nice.changes(&row, &user, &names()).unwrap();
        let mut now = user.clone();
        for change in &changes {
            let next = applied(&nice, change, &now);
            let held = nice.holds(change, &next);
            prop_assert!(diff::same(&json!(held), &json!(change.after)), "{:?} {:?}", held, change);
            now = next;
        }
        prop_assert_eq!(nice.changes(&row, &now, &names()), Ok(vec![]));
        let (before, after) = (shown(&nice, &user), shown(&nice, &now));
        for (column, value) in before.iter().filter(|(column, _)| !fields.contains_key(*column)) {
            prop_assert!(same(value, &after[column]), "{column}: {value} {}", after[column]);
        }
        // The user's PUT takes more than there are columns for.
        let of = |user: &User, key: &str| wire::get(&user.record["user"], key).clone();
        for key in ["acdInfos", "groupIds", "applicationAttributes", "secondaryRoleIds", "views", "displayName", "status"] {
            let named = key == "status" && fields.contains_key("active");
            prop_assert!(named || diff::same(&of(&user, key), &of(&now, key)), "{key}: {} {}", of(&user, key), of(&now, key));
        }
        if !fields.contains_key("email") {
            prop_assert!(diff::same(&of(&user, "emailToBeVerified"), &of(&now, "emailToBeVerified")));
        }
        for id in ["floor", "desk"].into_iter().filter(|id| !fields.contains_key(&format!("customAttributes.{id}"))) {
            prop_assert_eq!(values_of(&user, id), values_of(&now, id));
        }
        let written = changes.iter().any(|change| change.kind == "user");
        let typed = !written || (!of(&now, "rank").is_string() && !of(&now, "billable").is_string());
        prop_assert!(typed, "{} {}", of(&now, "rank"), of(&now, "billable"));
    }

    #[test]
    fn an_undo_takes_back_all_that_was_known_before(user in person(), fields in asked()) {
        let nice = Nice::new(None);
        let changes = nice.changes(&row(fields), &user, &names()).unwrap();
        let now = changes.iter().fold(user.clone(), |now, change| applied(&nice, change, &now));
        let mut back = now.clone();
        let mut kept: BTreeSet<String> = BTreeSet::new();
        for change in changes.iter().rev() {
            for one in nice.undo(change) {
                back = applied(&nice, &one, &back);
            }
            // What was not known, and what has no empty value, stays as it was set.
            let known = |key: &String| change.before.get(key).is_some_and(|held| !diff::is_empty(held) || fields::TABLE.field(key).is_some_and(|field| field.clearable));
            kept.extend(change.after.keys().filter(|key| !known(key) && !key.starts_with("skills/")).cloned());
        }
        let (before, after) = (shown(&nice, &user), shown(&nice, &back));
        for (column, value) in before.iter().filter(|(column, _)| !kept.contains(*column)) {
            prop_assert!(same(value, &after[column]), "{column}: {value} {} {changes:?}", after[column]);
        }
        for id in ["floor", "desk"] {
            prop_assert_eq!(values_of(&user, id), values_of(&back, id));
        }
    }

    #[test]
    fn no_json_makes_the_vendor_panic(body in any_json(), status in prop::sample::select(vec![200u16, 202, 204, 206, 301, 400, 401, 404, 409, 500]), person in any_json(), page in ".{0,12}") {
        let nice = Nice::new(None);
        let answer = Answer::new(status, vec![], body.to_string().into_bytes());
        for part in FACTS.parts {
            for keys in [&[][..], &["7".to_owned()], &["7".to_owned(), "u-1".to_owned()]] {
                for page in [None, Some(page.as_str())] {
                    if let Ok(read) = nice.records(part, keys, page, &answer) {
                        let records: Vec<Value> = read.records.into_iter().map(|(_, record)| record).collect();
                        looked_at(&nice, part, &records);
                    }
                    nice.smaller_page(part, page);
                }
            }
        }
        let mut names = names();
        for list in [AGENTS, "skill", "team", "user team", "role"] {
            let _ = nice.listed(list, Some(&page), &answer, &mut names);
        }
        let user = User { id: UserId("7/u-1".into()), version: None, record: person };
        for column in columns() {
            nice.value(&user, column);
        }
        let fields: Map<String, Value> = columns().into_iter().map(|column| (column.to_owned(), body.clone())).collect();
        let _ = nice.changes(&row(fields), &user, &names);
        for kind in KINDS {
            let change = every(kind, &body);
            nice.holds(&change, &user);
            let rebased = nice.rebase(change.clone(), &user);
            nice.call(&[rebased, change.clone()]);
            nice.undo(&change);
            let each = nice.each(&[change.clone(), change.clone()], &answer);
            // Nobody is told to be made by an answer alone.
            prop_assert!(*kind == BLIND || each.is_some_and(|each| each.len() == 2 && !each.contains(&Each::Made)), "{kind}");
            nice.guard(&change);
        }
        for effect in [Effect::Read, Effect::Write] {
            let request = Request { host: Host::Base, method: Method::Get, template: "POST /x/search", target: String::new(), body: None, effect };
            nice.verdict(&request, &answer);
        }
        nice.refusal(&answer);
        nice.tenant(&answer);
        nice.token(&answer);
        for count in 0..4 {
            let _ = nice.lookup(&Clues::default(), &vec![body.clone(); count]);
        }
    }
}

const KINDS: &[&str] = &["user", "agent", "team", "skills+", "skills-", "active+", "active-", BLIND];

fn looked_at(nice: &Nice, part: Part, records: &[Value]) {
    for kind in KINDS {
        let change = every(kind, &json!({}));
        if let Some(user) = nice.seen(&change, records) {
            nice.holds(&change, &user);
        }
    }
    let found = Found::from([(part, records.to_vec())]);
    for key in ["id", "agentId", "userId", "email", "userName"] {
        let key = UserKey { column: key.into(), value: "7".into() };
        let fields = columns().into_iter().map(|column| (column.to_owned(), Value::Null)).collect();
        let _ = nice.need(&Row { number: 1, line: 1, key, fields }, &Uses::default(), &names(), &found);
    }
}

fn every(kind: &str, value: &Value) -> Change {
    let sides: Map<String, Value> =
        columns().into_iter().chain(["skills/1", "skills/"]).map(|column| (column.to_owned(), value.clone())).collect();
    Change {
        key: ChangeKey { stage: 0, group: "1".into(), row: 1 },
        kind: kind.into(),
        user: UserId("7/u-1".into()),
        before: sides.clone(),
        after: sides,
        rest: Map::new(),
        columns: vec![],
        version: None,
    }
}

/// Keys that answers have.
const KEYS: &[&str] = &[
    "agents",
    "agentResults",
    "agentRecord",
    "agentId",
    "agentID_alt",
    "userID",
    "users",
    "user",
    "id",
    "status",
    "emailAddress",
    "userName",
    "totalRecords",
    "_links",
    "next",
    "resultSet",
    "errorCount",
    "success",
    "error",
    "errors",
    "code",
    "details",
    "skillResults",
    "agentSkillAssignments",
    "skillId",
    "skillName",
    "skills",
    "name",
    "proficiency",
    "notDeletedUserIds",
    "uuid",
    "customAttributes",
    "values",
    "value",
    "floor",
    "role",
    "roleUUID",
    "teamId",
    "teamName",
    "teams",
    "roles",
    "roleId",
    "roleName",
    "businessUnits",
    "tenantId",
    "access_token",
    "id_token",
    "expires_in",
    "token_endpoint",
    "agent",
    "gateway",
    "hireDate",
    "é",
];

/// Texts that have been taken for something else.
const TEXTS: &[&str] = &[
    "",
    "7",
    "u-1",
    "False",
    "true",
    "-1",
    "1e999",
    "99999999999999999999",
    "a.b.c",
    "2020-01-3é",
    "ACTIVE",
    "é\u{1b}",
];

/// JSON of any shape, under the keys that answers have.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(KEYS);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(TEXTS).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|entries| Value::Object(
                entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}
