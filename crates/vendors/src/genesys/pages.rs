//! What reads bring: pages of users, of their parts, and of the tenant's lists.

use super::limits;
use super::requests::correlation;
use crate::http::{number, text};
use paceline_core::user::UserId;
use paceline_core::vendor::{Answer, More, Named, Page, Refusal, User};
use serde_json::{Map, Value, json};

/// What a page of a list holds, and the name of the next one.
type Items<T> = (Vec<T>, Option<String>);

fn listing(answer: &Answer, key: &str) -> Result<Vec<Value>, Refusal> {
    match answer.json().and_then(|body| body.get(key)) {
        Some(Value::Array(list)) => Ok(list.clone()),
        _ => Err(not_understood(answer, &format!("the answer holds no list `{key}`"))),
    }
}

fn not_understood(answer: &Answer, message: &str) -> Refusal {
    Refusal {
        status: Some(answer.status),
        message: Some(format!("{message}: is this the API's base URL?")),
        code: Some("not.understood".into()),
        correlation_id: correlation(answer),
    }
}

/// Whether a read's answer is the API's word for "nobody" (`answers` lets no other 404 through).
fn nobody(answer: &Answer) -> bool {
    answer.status == 404
}

pub(super) fn user(record: &Value) -> User {
    let id = UserId(record["id"].as_str().unwrap_or_default().to_owned());
    User { id, version: number(&record["version"]), record: record.clone() }
}

/// The page that follows this one, which was asked for by its number, by what came and not by what was asked for: a page
/// is cut without a word. An empty page ends the list, whatever `pageCount` says, and so does an answer that is another
/// page than the one asked for: it would be that one for ever. `full` is the size of a page, where the answer may not tell.
fn next_page(answer: &Answer, list: &str, asked: u64, full: Option<u64>) -> Option<u64> {
    let body = answer.json_or_null();
    let items = body[list].as_array().filter(|items| !items.is_empty())?.len() as u64;
    let told = |key: &str| number(&body[key]).and_then(|number| u64::try_from(number).ok());
    let size = told("pageSize").filter(|size| *size > 0);
    let follows = match (told("pageCount"), told("total").zip(size), size) {
        (Some(pages), ..) => asked < pages,
        (None, Some((total, size)), _) => asked.saturating_mul(size) < total,
        // Members of a queue come without any count: a full page may have a next one.
        (None, None, size) => body["nextUri"].is_string() || size.or(full).is_some_and(|size| items >= size),
    };
    (follows && told("pageNumber").is_none_or(|page| page == asked)).then(|| asked.saturating_add(1))
}

fn page_number(page: Option<&str>) -> u64 {
    page.and_then(|page| page.parse().ok()).unwrap_or(1)
}

/// Users that were asked for by id. A key may name schemas of custom attributes behind the id.
pub(super) fn users(answer: &Answer, keys: &[String]) -> Result<Page, Refusal> {
    if nobody(answer) {
        return Ok(Page::default());
    }
    let mut records = vec![];
    for record in listing(answer, "entities")? {
        let Some(id) = record["id"].as_str() else { continue };
        let its = |key: &&String| key.split(' ').next().is_some_and(|key| key.eq_ignore_ascii_case(id));
        records.extend(keys.iter().filter(its).map(|key| (key.clone(), record.clone())));
    }
    records.dedup();
    // Whoever is missing may be on a page that the vendor has cut smaller than it was asked for.
    let more = if next_page(answer, "entities", 1, None).is_some() { More::Again } else { More::No };
    Ok(Page { records, more })
}

/// Users that were asked for by several ids a key, spaces between.
pub(super) fn hits(answer: &Answer, keys: &[String]) -> Result<Page, Refusal> {
    if nobody(answer) {
        return Ok(Page::default());
    }
    let mut records = vec![];
    for record in listing(answer, "entities")? {
        let Some(id) = record["id"].as_str() else { continue };
        let its = |key: &&String| key.split(' ').any(|key| key.eq_ignore_ascii_case(id));
        records.extend(keys.iter().filter(its).map(|key| (key.clone(), record.clone())));
    }
    Ok(Page { records, more: More::No })
}

/// The size and the number of a page of all users.
pub(super) fn sized(page: Option<&str>) -> (u64, u64) {
    let most = limits::EVERYONE.most as u64;
    let read = |page: &str| {
        let (size, at) = page.split_once(':')?;
        Some((size.parse().ok().filter(|size| (1..=most).contains(size))?, at.parse().ok().filter(|at| *at > 0)?))
    };
    page.and_then(read).unwrap_or((most, 1))
}

/// A page of all users. The name of a page is its size and its number.
pub(super) fn everyone(answer: &Answer, page: Option<&str>, deleted: bool) -> Result<Page, Refusal> {
    if nobody(answer) {
        return Ok(Page::default());
    }
    let (asked, at) = sized(page);
    let entities = listing(answer, "entities")?;
    // An oversize page is cut without a word: the pages that follow are of the size that came.
    let told = number(&answer.json_or_null()["pageSize"]).and_then(|size| u64::try_from(size).ok());
    let size = told.filter(|size| (1..=asked).contains(size)).unwrap_or(asked);
    let more = next_page(answer, "entities", at, None).map_or(More::No, |next| More::Page(format!("{size}:{next}")));
    let shown = |record: &Value| deleted || record["state"] != "deleted";
    let keyed = |record: Value| Some((record["id"].as_str()?.to_owned(), record));
    Ok(Page { records: entities.into_iter().filter(shown).filter_map(keyed).collect(), more })
}

/// Users that were searched by e-mail.
pub(super) fn found(answer: &Answer, page: Option<&str>) -> Result<Page, Refusal> {
    // No hit at all may leave `results` out.
    let none = |body: &Value| body.is_object() && body.get("results").is_none_or(Value::is_null);
    if nobody(answer) || answer.json().is_some_and(none) {
        return Ok(Page::default());
    }
    let results = listing(answer, "results")?;
    let hit = |user: Value| Some((user["email"].as_str()?.to_owned(), user)).filter(|(_, user)| user["id"].is_string());
    let more =
        next_page(answer, "results", page_number(page), None).map_or(More::No, |next| More::Page(next.to_string()));
    Ok(Page { records: results.into_iter().filter_map(hit).collect(), more })
}

/// One user's queues. The answer does not say whose they are.
pub(super) fn queues(answer: &Answer, user: &str, page: Option<&str>) -> Result<Page, Refusal> {
    let records = listing(answer, "entities")?.into_iter().map(|queue| (user.to_owned(), queue)).collect();
    let (joined, at) = page.and_then(|page| page.split_once(':')).unwrap_or(("true", "1"));
    let next = next_page(answer, "entities", page_number(Some(at)), None)
        .filter(|next| *next <= limits::QUEUE_PAGES.most as u64);
    let more = match next {
        Some(next) => More::Page(format!("{joined}:{next}")),
        None if joined == "true" => More::Page("false:1".into()),
        None => More::No,
    };
    Ok(Page { records, more })
}

/// One user's roles with their divisions; nothing is told where the client may not see them.
pub(super) fn grants(answer: &Answer, user: &str) -> Result<Page, Refusal> {
    let told = match answer.status {
        400.. => json!({}),
        // Beside it, a grant that comes with a group is told from the user's own.
        _ => json!({"id": user, "grants": listing(answer, "grants")?}),
    };
    Ok(Page { records: vec![(user.to_owned(), told)], more: More::No })
}

/// One user's custom attributes, as they are read by themselves.
pub(super) fn attributes(answer: &Answer, key: &str) -> Result<Page, Refusal> {
    let records = match answer.json() {
        Some(Value::Array(records)) => records.clone(),
        _ => listing(answer, "entities")?,
    };
    Ok(Page { records: records.into_iter().map(|one| (key.to_owned(), one)).collect(), more: More::No })
}

/// The members of a queue, and the next page; `None` where its members cannot be read to the end.
pub(super) fn members(answer: &Answer, page: Option<&str>) -> Result<Option<Items<String>>, Refusal> {
    if answer.status >= 400 {
        return Ok(None);
    }
    let id = |member: &Value| text(member, &["id"]).or_else(|| text(&member["user"], &["id"]));
    let members = listing(answer, "entities")?.iter().filter_map(id).collect();
    Ok(following(answer, page, Some(limits::MEMBERS.most as u64)).ok().map(|next| (members, next)))
}

/// The name of the page that follows.
///
/// # Errors
/// Where there is no end of it.
fn following(answer: &Answer, page: Option<&str>, full: Option<u64>) -> Result<Option<String>, Refusal> {
    let most = limits::LIST_PAGES.most;
    match next_page(answer, "entities", page_number(page), full) {
        Some(next) if next > most as u64 => Err(Refusal {
            status: Some(answer.status),
            correlation_id: correlation(answer),
            ..Refusal::own("not.understood", format!("the list does not end after {most} pages"))
        }),
        next => Ok(next.map(|next| next.to_string())),
    }
}

/// Whom a role is granted to, grant by grant, and the next page; `None` where that cannot be read to the end.
pub(super) fn role_grants(
    answer: &Answer,
    role: &str,
    page: Option<&str>,
) -> Result<Option<Items<(String, Value)>>, Refusal> {
    if answer.status >= 400 {
        return Ok(None);
    }
    let of = |subject: &Value| -> Vec<(String, Value)> {
        let Some(id) = subject["id"].as_str() else { return vec![] };
        let divisions = subject["divisions"].as_array().into_iter().flatten();
        let grant =
            |division: &Value| (id.to_owned(), json!({"role": {"id": role}, "division": {"id": division["id"]}}));
        divisions.map(grant).collect()
    };
    let grants = listing(answer, "entities")?.iter().flat_map(of).collect();
    Ok(following(answer, page, Some(limits::MEMBERS.most as u64)).ok().map(|next| (grants, next)))
}

/// How many users the objects of a page have, as they tell it under `key`.
pub(super) fn sizes(answer: &Answer, key: &str) -> Vec<(String, Value)> {
    let items = listing(answer, "entities").unwrap_or_default();
    let one = |item: &Value| Some((item["id"].as_str()?.to_owned(), item.get(key)?.clone()));
    items.iter().filter_map(one).collect()
}

/// A page of a list, and where the next one is: by number, or by the cursor in `nextUri`.
pub(super) fn listed(answer: &Answer, page: Option<&str>) -> Result<Items<Named>, Refusal> {
    let entities = listing(answer, "entities")?;
    let body = answer.json_or_null();
    let one =
        |item: &Value| Some(Named { id: item["id"].as_str()?.to_owned(), name: item["name"].as_str()?.to_owned() });
    let items: Vec<Named> = entities.iter().filter_map(one).collect();
    let cursor = body["nextUri"].as_str().and_then(|uri| {
        let (_, query) = uri.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix("after=")).map(str::to_owned)
    });
    let next = match cursor {
        Some(next) => Some(next).filter(|next| !items.is_empty() && Some(next.as_str()) != page),
        None => following(answer, page, None)?,
    };
    Ok((items, next))
}

/// The schemas of custom attributes, with the version and the attributes' types of each.
pub(super) fn schemas(answer: &Answer) -> Result<Vec<(Named, Value)>, Refusal> {
    let one = |item: &Value| {
        let named = Named { id: item["id"].as_str()?.to_owned(), name: item["name"].as_str()?.to_owned() };
        let types: Map<String, Value> = item["jsonSchema"]["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, property)| {
                let reference = property["allOf"][0]["$ref"].as_str().and_then(|text| text.rsplit('/').next());
                (key.clone(), json!(reference.or_else(|| property["type"].as_str())))
            })
            .collect();
        Some((named, json!({"version": number(&item["version"]), "types": types})))
    };
    Ok(listing(answer, "entities")?.iter().filter_map(one).collect())
}

/// The users whom rows name by e-mail, as they were read by id.
pub(super) fn people(answer: &Answer, page: Option<&str>) -> Result<Items<(String, Value)>, Refusal> {
    if nobody(answer) {
        return Ok((vec![], None));
    }
    let one = |user: &Value| {
        let id = user["id"].as_str()?.to_owned();
        Some((id, json!({"email": user["email"], "state": user["state"]})))
    };
    let people = listing(answer, "entities")?.iter().filter_map(one).collect();
    Ok((people, following(answer, page, None)?))
}
