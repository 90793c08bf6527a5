//! Genesys Cloud CX, public API v2.

mod auth;
mod calls;
mod changes;
mod fields;
mod regions;
mod wire;

use paceline_core::desired::Row;
use paceline_core::pace::Quota;
use paceline_core::plan::{Change, Guard};
use paceline_core::user::UserKey;
use paceline_core::vendor::{
    Answer, BLIND, Clues, Credentials, Each, Facts, Found, Grant, Lookup, Names, Need, Page, Part, Refusal, Request,
    Tenant, TokenVerdict, User, Uses, Vendor, Verdict,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Genesys Cloud CX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Genesys;

const FACTS: Facts = Facts {
    name: "genesys",
    title: "Genesys Cloud",
    table: fields::TABLE,
    // `client.credentials.token.rate.per.minute`, default: facts/genesys.md, section 2.1.
    quota: Quota { allowed: 300, window: Duration::from_secs(60) },
    quota_is_published: true,
    share: 80,
    max_concurrent: 10,
    note: None,
    valued: &["manager", "queues+", "queues-"],
    parts: &[SEARCH, USER, QUEUES, ATTRIBUTES],
    // The tutorial's, and the vendor's own tools'.
    variables: [
        &["GENESYS_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"],
        &["GENESYS_CLIENT_SECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET"],
        &[],
        &[],
    ],
    region_variable: Some("GENESYSCLOUD_REGION"),
    hosts_hint: "give --region (eu-central-1, mypurecloud.de …) or --base-url, or a profile with either",
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

/// The search by e-mail, the user's record, and the queues, which it does not show.
const SEARCH: Part = "search";
const USER: Part = "user";
const QUEUES: Part = "queues";
/// Custom attributes, where the user's record leaves them out although they were asked for.
const ATTRIBUTES: Part = "attributes";

/// By its e-mail to its id, by its id to its record, and on to its queues where they matter.
fn need(row: &Row, uses: &Uses, names: &Names, found: &Found) -> Result<Need, Refusal> {
    let UserKey { column, value } = &row.key;
    let id = match (row.key.as_id(), found.get(SEARCH).map(Vec::as_slice)) {
        (Some(id), _) => id.0,
        (None, None) => return Ok(Need::Read(SEARCH, value.clone())),
        (None, Some(hits)) => {
            let ids: BTreeSet<&str> = hits.iter().filter_map(|hit| hit["id"].as_str()).collect();
            let mut each = ids.iter();
            match (each.next(), each.next()) {
                (Some(id), None) => (*id).to_owned(),
                (None, _) => return Err(Refusal::not_found(format!("no user has the {column} `{value}`"))),
                _ => {
                    let ids = ids.into_iter().collect::<Vec<_>>().join(", ");
                    let message = format!("{column} `{value}` is not unique: name one of {ids} by `id`");
                    return Err(Refusal::own("ambiguous", message));
                }
            }
        }
    };
    let Some(records) = found.get(USER) else { return Ok(Need::Read(USER, id)) };
    let Some(mut user) = records.first().map(wire::user) else {
        return Err(Refusal::not_found(format!("no user has the id `{id}`")));
    };
    if uses.columns.iter().any(|column| fields::mode(column).0 == QUEUES) {
        let Some(queues) = names.noted(fields::MEMBERS_OF, &id).or(found.get(QUEUES).map(Vec::as_slice)) else {
            return Ok(Need::Read(QUEUES, id));
        };
        user.record[QUEUES] = json!(queues);
    }
    let schemas = schemas(uses.columns.iter(), names);
    if !schemas.is_empty() && user.record.get("customAttributes").is_none() {
        let Some(held) = found.get(ATTRIBUTES) else {
            return Ok(Need::Read(ATTRIBUTES, format!("{id} {}", schemas.into_iter().collect::<Vec<_>>().join(" "))));
        };
        user.record["customAttributes"] = json!(held);
    }
    let held = user.record.get_mut("customAttributes").and_then(Value::as_array_mut);
    for one in held.into_iter().flatten() {
        // A roster names the schema; not every answer does.
        let id = one["schemaId"].as_str().or_else(|| one["schema"]["id"].as_str());
        if let Some(schema) = id.and_then(|id| names.resolve(fields::SCHEMA, id).ok()) {
            one["schema"] = json!({"id": schema.id, "name": schema.name});
        }
    }
    Ok(Need::Known(Box::new(user)))
}

/// The ids of the schemas that columns set attributes of, where their names are known.
fn schemas<'a>(columns: impl Iterator<Item = &'a String>, names: &Names) -> BTreeSet<String> {
    let of = |column: &String| {
        let (schema, _) = fields::attribute(column)?;
        // What a change keeps is the id itself.
        Some(names.resolve(fields::SCHEMA, schema).map_or_else(|_| schema.to_owned(), |found| found.id.clone()))
    };
    columns.filter_map(of).collect()
}

impl Vendor for Genesys {
    fn facts(&self) -> &Facts {
        &FACTS
    }

    fn lookup(&self, clues: &Clues, _documents: &[Value]) -> Result<Lookup, Refusal> {
        let found = clues.region.as_deref().and_then(regions::hosts);
        Ok(found.map_or_else(|| Lookup::Unknown(regions::names()), Lookup::Found))
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

    fn tenant(&self, answer: &Answer) -> Option<Tenant> {
        wire::organization(answer)
    }

    fn quota_request(&self) -> Option<Request> {
        Some(calls::limits())
    }

    fn quota(&self, answer: &Answer) -> Option<Quota> {
        wire::quota(answer)
    }

    fn need(&self, row: &Row, uses: &Uses, names: &Names, found: &Found) -> Result<Need, Refusal> {
        need(row, uses, names, found)
    }

    fn part_width(&self, part: Part, _waiting: usize) -> usize {
        // `max.user.ids` of GET /users, and the search's page: facts/genesys.md, section 4.
        if matches!(part, QUEUES | ATTRIBUTES) { 1 } else { 100 }
    }

    fn read(&self, part: Part, keys: &[String], columns: &BTreeSet<String>, page: Option<&str>) -> Request {
        match part {
            SEARCH => calls::search(keys),
            QUEUES => calls::queues_of(keys.first().map(String::as_str).unwrap_or_default(), page),
            ATTRIBUTES => calls::attributes_of(keys.first().map(String::as_str).unwrap_or_default()),
            _ => calls::read(keys, columns),
        }
    }

    fn records(&self, part: Part, keys: &[String], page: Option<&str>, answer: &Answer) -> Result<Page, Refusal> {
        match part {
            SEARCH => wire::found(answer),
            QUEUES => wire::queues(answer, keys.first().map(String::as_str).unwrap_or_default(), page),
            ATTRIBUTES => wire::attributes(answer, keys.first().map(String::as_str).unwrap_or_default()),
            _ => wire::users(answer, keys.is_empty()),
        }
    }

    fn seen_in(&self, change: &Change) -> (Part, String) {
        if change.kind == ATTRIBUTES {
            let schemas = schemas(change.after.keys(), &Names::default());
            return (ATTRIBUTES, format!("{} {}", change.user, schemas.into_iter().collect::<Vec<_>>().join(" ")));
        }
        let part = if change.kind.starts_with(QUEUES) { QUEUES } else { USER };
        (part, change.user.0.clone())
    }

    fn seen(&self, change: &Change, records: &[Value]) -> Option<User> {
        if change.kind.starts_with(QUEUES) {
            return Some(User { id: change.user.clone(), version: None, record: json!({"queues": records}) });
        }
        if change.kind == ATTRIBUTES {
            return Some(User { id: change.user.clone(), version: None, record: json!({"customAttributes": records}) });
        }
        records.first().map(wire::user)
    }

    fn everyone(&self, state: Option<&str>, columns: &BTreeSet<String>, page: Option<&str>) -> (Part, Request) {
        (USER, calls::everyone(state, columns, page))
    }

    fn value(&self, user: &User, column: &str) -> Value {
        wire::value(&user.record, column)
    }

    fn lists(&self, uses: &Uses) -> Vec<&'static str> {
        let lists: BTreeSet<&'static str> = uses.columns.iter().filter_map(|column| fields::list(column)).collect();
        // An undo goes back to ids that it knows; only custom attributes are read by their schemas' ids.
        let lists = lists.into_iter().filter(|list| !uses.undo || *list == fields::SCHEMA);
        lists.collect()
    }

    fn further_lists(&self, uses: &Uses, names: &Names) -> Vec<String> {
        // Whoever joins or leaves some queues is told by those queues' members, 100 a call; whoever is to have no others
        // is not, and is asked for all of them.
        if uses.columns.contains(QUEUES) && !uses.undo {
            return vec![];
        }
        let texts = uses.values.iter().filter(|(column, _)| column.starts_with(QUEUES)).flat_map(|(_, texts)| texts);
        let queues: BTreeSet<String> = texts.flat_map(|text| fields::named_queues(text, names)).collect();
        let pages = |queue: &String| {
            let size = names.noted(fields::QUEUE_SIZE, queue).and_then(|sizes| sizes.first()?.as_u64()).unwrap_or(0);
            size.div_ceil(calls::MEMBERS).max(1)
        };
        let fewer = queues.iter().map(pages).sum::<u64>() <= uses.rows;
        queues.into_iter().filter(|_| fewer).map(|queue| format!("{}{queue}", fields::MEMBERS_OF)).collect()
    }

    fn list(&self, list: &str, next: Option<&str>) -> Request {
        match list.strip_prefix(fields::MEMBERS_OF) {
            Some(queue) => calls::members_of(queue, next),
            None => calls::list(list, next),
        }
    }

    fn listed(
        &self,
        list: &str,
        next: Option<&str>,
        answer: &Answer,
        names: &mut Names,
    ) -> Result<Option<String>, Refusal> {
        if let Some(queue) = list.strip_prefix(fields::MEMBERS_OF) {
            let (members, next) = wire::members(answer, next)?;
            let name = names.resolve("queue", queue).map(|queue| queue.name.clone()).ok();
            names.note_list(fields::MEMBERS_OF);
            for member in members {
                names.note(fields::MEMBERS_OF, &member, json!({"id": queue, "name": name}));
            }
            return Ok(next);
        }
        if list == "queue" {
            for (queue, size) in wire::queue_sizes(answer) {
                names.note(fields::QUEUE_SIZE, &queue, size);
            }
        }
        if list == fields::SCHEMA {
            for (schema, told) in wire::schemas(answer)? {
                names.note(list, &schema.id, told);
                names.add(list, schema);
            }
            return Ok(None);
        }
        let (items, next) = wire::listed(answer)?;
        items.into_iter().for_each(|item| names.add(list, item));
        Ok(next)
    }

    fn people(&self) -> (&'static [&'static str], Part) {
        (&["manager"], SEARCH)
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

    fn width_is_published(&self, change: &Change) -> bool {
        // `max.directory.users`, groups and queues; divisions, roles and teams are unpublished: facts/genesys.md, section 4.
        matches!(change.kind.as_str(), "autoanswer" | "groups+" | "groups-" | "queues+" | "queues-")
    }

    fn guard(&self, change: &Change) -> Guard {
        match change.kind.as_str() {
            "fields" | "state" => Guard::Version,
            BLIND | "groups+" | "groups-" | "queues+" | "queues-" | "roles+" | "roles-" => Guard::Idempotent,
            _ => Guard::Compare,
        }
    }

    fn holds(&self, change: &Change, user: &User) -> Map<String, Value> {
        wire::holds(&user.record, change)
    }

    fn is_asynchronous(&self, change: &Change) -> bool {
        // POST and DELETE /groups/{id}/members answer 202: facts/genesys.md, section 4.
        matches!(change.kind.as_str(), "groups+" | "groups-")
    }

    fn each(&self, changes: &[Change], answer: &Answer) -> Option<Vec<Each>> {
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
