//! No answer, whatever it holds, ends the process.

use super::{names, row};
use crate::genesys::{Genesys, reads};
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::user::{UserId, UserKey};
use paceline_core::vendor::{
    Answer, Answers, Directory, Found, Names, Need, Reads, SignIn, User, Uses, Vendor, Writes,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const KEYS: &[&str] = &[
    "id",
    "entities",
    "results",
    "grants",
    "failures",
    "pageCount",
    "pageNumber",
    "pageSize",
    "nextUri",
    "email",
    "version",
    "state",
    "skills",
    "languages",
    "groups",
    "queues",
    "authorization",
    "roles",
    "role",
    "division",
    "team",
    "name",
    "proficiency",
    "addresses",
    "mediaType",
    "type",
    "address",
    "extension",
    "display",
    "locations",
    "locationDefinition",
    "notes",
    "employerInfo",
    "biography",
    "chat",
    "manager",
    "customAttributes",
    "schema",
    "schemaId",
    "attributes",
    "jsonSchema",
    "properties",
    "code",
    "status",
    "error",
    "limit",
    "namespace",
    "message",
    "user",
    "value",
    "key",
    "memberCount",
    "title",
    "primaryContactInfo",
    "subjectId",
];

fn scalar() -> impl Strategy<Value = Value> {
    let words = ["", "u-1", "s1", "r1", "sc1", "PHONE", "WORK", "deleted", "(", "+", "?after=x", "ü.", "2"];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0i64..4).prop_map(Value::from),
        proptest::sample::select(words.to_vec()).prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ]
}

/// Any JSON, more often of the API's words than of others.
fn any_json() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 48, 5, |inner| {
        let key = prop_oneof![8 => proptest::sample::select(KEYS.to_vec()).prop_map(str::to_owned), 1 => ".{0,4}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((key, inner), 0..7)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_change() -> impl Strategy<Value = Change> {
    let kinds = [
        "fields",
        "state",
        "autoanswer",
        "division",
        "team",
        "skills",
        "skills+",
        "skill-",
        "languages",
        "language-",
        "groups+",
        "queues-",
        "roles+",
        "roles-",
        "grants+",
        "grants-",
        "attributes",
        "blind",
        "",
    ];
    let keys = [
        "title",
        "addresses",
        "skills",
        "skills/s1",
        "languages/",
        "divisions/r1",
        "roles/r1",
        "customAttributes.a.b",
        "division",
        "x.y",
    ];
    let map = || {
        let key = proptest::sample::select(keys.to_vec()).prop_map(str::to_owned);
        proptest::collection::vec((key, any_json()), 0..4)
            .prop_map(|members| members.into_iter().collect::<Map<_, _>>())
    };
    let group = prop_oneof![Just(String::new()), Just("+".into()), Just("ü".into()), Just("r1 d1".into()), ".{0,5}"];
    (proptest::sample::select(kinds.to_vec()), group, map(), map(), proptest::option::of(any::<i64>())).prop_map(
        |(kind, group, before, after, version)| Change {
            key: ChangeKey { stage: 0, group, row: 1 },
            kind: kind.into(),
            user: UserId("u-1".into()),
            before,
            after,
            rest: Map::new(),
            columns: vec!["title".into()],
            version,
        },
    )
}

/// All that is done with one user's record and one change.
fn handled(record: &Value, change: &Change, fields: &Value) {
    let user = User { id: UserId("u-1".into()), version: None, record: record.clone() };
    let now = Genesys.holds(change, &user);
    let _ = paceline_core::diff::settle(&change.before, &change.after, &now);
    for field in Genesys.facts().table.fields {
        let _ = Genesys.value(&user, field.name);
    }
    let _ = Genesys.changes(&row(fields), &user, &names());
    for back in Genesys.undo(change).iter().chain([change]) {
        let _ = (Genesys.call(std::slice::from_ref(back)), Genesys.guard(back), Genesys.seen_in(back));
        let _ = (Genesys.width(back), Genesys.width_is_published(back));
    }
    let _ = Genesys.rebase(change.clone(), &user);
}

proptest! {
    #[test]
    fn no_answer_ends_the_process(
        status in proptest::sample::select(vec![200u16, 204, 400, 403, 404, 409, 429, 500]),
        body in any_json(),
        page in proptest::option::of(".{0,6}"),
        change in any_change(),
        fields in any_json(),
    ) {
        let answer = Answer::new(status, vec![], body.to_string().into_bytes());
        let page = page.as_deref();
        let keys = ["u-1 sc1".to_owned(), "s1".to_owned()];
        for part in Genesys.facts().parts.iter().copied().chain(["everyone", "listed"]) {
            let _ = Genesys.records(part, &keys, page, &answer);
            let _ = (Genesys.records(part, &[], page, &answer), Genesys.smaller_page(part, page));
            let _ = Genesys.read(part, &keys, &Default::default(), page);
        }
        for list in ["skill", "queue", "team", "schema", "people u-1", "members of queue q1", ""] {
            let _ = (Genesys.listed(list, page, &answer, &mut names()), Genesys.list(list, page));
        }
        for request in [Genesys.whoami(), reads::search(&keys, page, &[]), reads::grants_of(""), Genesys.call(std::slice::from_ref(&change))] {
            let _ = Genesys.verdict(&request, &answer);
        }
        let _ = (Genesys.tenant(&answer), Genesys.quota(&answer), Genesys.token(&answer), Genesys.refusal(&answer));
        let _ = Genesys.each(&[change.clone(), change.clone()], &answer);
        let _ = Genesys.seen(&change, std::slice::from_ref(&body));
        handled(&body, &change, &fields);
    }

    #[test]
    fn no_record_ends_the_process(records in proptest::collection::vec(any_json(), 0..3), shown in any_json(), by_email in any::<bool>()) {
        let columns = ["queues", "roles", "skills", "customAttributes.sc1.x"].map(str::to_owned);
        let uses = Uses { columns: columns.into_iter().collect(), ..Uses::default() };
        let mut row = row(&json!({"roles": ["Agent"], "queues": shown}));
        if by_email {
            row.key = UserKey { column: "email".into(), value: "u-1".into() };
        }
        let mut found = Found::from([("user", records.clone())]);
        for _ in 0..8 {
            match Genesys.need(&row, &uses, &Names::default(), &found) {
                Ok(Need::Read(part, _)) => drop(found.insert(part, records.clone())),
                _ => break,
            }
        }
    }
}
