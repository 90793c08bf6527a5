//! The tenant, its lists, and what is told of users by them.

use super::need::QUEUES;
use super::requests::{HOME, QUEUE_MEMBERS, ROLE_GRANTS, get};
use super::{Genesys, fields, grants, limits, lists, pages, reads};
use crate::http::{encode, number, text};
use paceline_core::pace::Quota;
use paceline_core::vendor::{Answer, Directory, Names, Refusal, Request, Tenant, Uses};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

impl Directory for Genesys {
    fn whoami(&self) -> Request {
        get("GET /api/v2/organizations/me", "/api/v2/organizations/me".into())
    }

    fn tenant(&self, answer: &Answer) -> Option<Tenant> {
        let body = answer.json()?;
        let id = text(body, &["id"])?;
        Some(Tenant { name: text(body, &["name"]).unwrap_or_else(|| id.clone()), id })
    }

    fn quota_request(&self) -> Option<Request> {
        let target = "/api/v2/organizations/limits/namespaces/platform.api";
        Some(get("GET /api/v2/organizations/limits/namespaces/{namespaceName}", target.into()))
    }

    fn quota(&self, answer: &Answer) -> Option<Quota> {
        let body = answer.json()?;
        let limit = |key: &str| {
            let entities = body["entities"].as_array()?;
            let found = entities.iter().find(|limit| limit["key"] == key)?;
            u32::try_from(number(&found["value"])?).ok().filter(|value| *value > 0)
        };
        let allowed = limit("client.credentials.token.rate.per.minute").or_else(|| limit("token.rate.per.minute"))?;
        Some(Quota { allowed, window: Duration::from_secs(60) })
    }

    /// Those that the roster's columns name.
    fn lists(&self, uses: &Uses) -> Vec<&'static str> {
        let mut lists: BTreeSet<&'static str> = uses.columns.iter().filter_map(|column| fields::list(column)).collect();
        // A role may be granted in divisions, by their names.
        let mut roles =
            ["roles", "roles+", "roles-"].into_iter().filter_map(|column| uses.values.get(column)).flatten();
        lists.extend(roles.any(|text| lists::names_divisions(text)).then_some("division"));
        // An undo goes back to ids that it knows; only custom attributes are read by their schemas' ids, and where a role was
        // granted is found out.
        lists.retain(|list| !uses.undo || *list == fields::SCHEMA);
        lists.extend(unplaced_roles(uses).next().map(|_| ["role", fields::HOME]).into_iter().flatten());
        lists.into_iter().collect()
    }

    /// What is read of many users at once by what they are in, and the people whom rows name.
    fn further_lists(&self, uses: &Uses, names: &Names) -> Vec<String> {
        let mut lists = if uses.undo { vec![] } else { people_to_read(uses, names) };
        lists.extend(grants_to_read(uses, names));
        // Whoever joins or leaves some queues is told by those queues' members, 100 a call; whoever is to have no others
        // is not, and is asked for all of them.
        if !uses.columns.contains(QUEUES) || uses.undo {
            lists.extend(queues_to_read(uses, names));
        }
        lists
    }

    fn list(&self, list: &str, next: Option<&str>) -> Request {
        let members = limits::MEMBERS.most;
        if let Some(queue) = list.strip_prefix(fields::MEMBERS_OF) {
            let (queue, page) = (encode(queue), encode(next.unwrap_or("1")));
            let target =
                format!("/api/v2/routing/queues/{queue}/members?pageSize={members}&pageNumber={page}&memberBy=user");
            return get(QUEUE_MEMBERS, target);
        }
        if let Some(role) = list.strip_prefix(fields::GRANTS_OF) {
            let (role, page) = (encode(role), encode(next.unwrap_or("1")));
            let target =
                format!("/api/v2/authorization/roles/{role}/subjectgrants?pageSize={members}&pageNumber={page}");
            return get(ROLE_GRANTS, target);
        }
        if let Some(people) = list.strip_prefix(fields::PEOPLE) {
            let ids: Vec<String> = people.split(' ').map(str::to_owned).collect();
            let mut read = reads::users(&ids, &BTreeSet::new());
            next.into_iter().for_each(|page| read.target += &format!("&pageNumber={}", encode(page)));
            return read;
        }
        let template = match list {
            "skill" => "GET /api/v2/routing/skills",
            "language" => "GET /api/v2/routing/languages",
            "queue" => "GET /api/v2/routing/queues",
            "group" => "GET /api/v2/groups",
            "role" => "GET /api/v2/authorization/roles",
            "location" => "GET /api/v2/locations",
            fields::HOME => return get(HOME, "/api/v2/authorization/divisions/home".into()),
            fields::SCHEMA => {
                return get(
                    "GET /api/v2/users/customattributes/schemas",
                    "/api/v2/users/customattributes/schemas".into(),
                );
            }
            "team" => "GET /api/v2/teams",
            _ => "GET /api/v2/authorization/divisions",
        };
        let size = limits::listed(list).most;
        let path = template.trim_start_matches("GET ");
        let page = match (list, next) {
            // The cursor as `nextUri` writes it: encoded already.
            ("team", Some(after))
                if after.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)) =>
            {
                format!("&after={after}")
            }
            ("team", Some(after)) => format!("&after={}", encode(after)),
            ("team", None) => String::new(),
            (_, page) => format!("&pageNumber={}", encode(page.unwrap_or("1"))),
        };
        get(template, format!("{path}?pageSize={size}{page}"))
    }

    fn listed(
        &self,
        list: &str,
        next: Option<&str>,
        answer: &Answer,
        names: &mut Names,
    ) -> Result<Option<String>, Refusal> {
        if let Some(queue) = list.strip_prefix(fields::MEMBERS_OF) {
            names.note_list(fields::MEMBERS_OF);
            let Some((members, next)) = pages::members(answer, next)? else {
                names.note(fields::UNREAD, queue, json!(true));
                return Ok(None);
            };
            let name = names.resolve("queue", queue).map(|queue| queue.name.clone()).ok();
            for member in members {
                names.note(fields::MEMBERS_OF, &member, json!({"id": queue, "name": name}));
            }
            return Ok(next);
        }
        if let Some(role) = list.strip_prefix(fields::GRANTS_OF) {
            names.note_list(fields::GRANTS_OF);
            let Some((grants, next)) = pages::role_grants(answer, role, next)? else { return Ok(None) };
            grants.into_iter().for_each(|(user, grant)| names.note(fields::GRANTS_OF, &user, grant));
            if next.is_none() {
                names.note(fields::GRANTS_READ, role, json!(true));
            }
            return Ok(next);
        }
        if list == fields::HOME {
            let home = answer.json_or_null()["id"].as_str().filter(|_| answer.status < 400);
            home.into_iter().for_each(|id| names.note(list, list, json!(id)));
            return Ok(None);
        }
        if list.starts_with(fields::PEOPLE) {
            names.note_list(fields::PEOPLE);
            let (people, next) = pages::people(answer, next)?;
            people.into_iter().for_each(|(id, shown)| names.note(fields::PEOPLE, &id, shown));
            return Ok(next);
        }
        for (of, key, notes) in [("queue", "memberCount", fields::QUEUE_SIZE), ("role", "userCount", fields::ROLE_SIZE)]
        {
            let sizes = if list == of { pages::sizes(answer, key) } else { vec![] };
            sizes.into_iter().for_each(|(id, size)| names.note(notes, &id, size));
        }
        if list == fields::SCHEMA {
            names.note_list(list);
            for (schema, told) in pages::schemas(answer)? {
                names.note(list, &schema.id, told);
                names.add(list, schema);
            }
            return Ok(None);
        }
        let (items, more) = pages::listed(answer, next)?;
        // A page that tells nothing new would be told for ever.
        let is_new = items.iter().any(|item| names.resolve(list, &item.id).is_err());
        items.into_iter().for_each(|item| names.add(list, item));
        Ok(more.filter(|_| is_new))
    }
}

/// The people that rows name by e-mail, by the ids that the search found: their records are read, for it lags.
fn people_to_read(uses: &Uses, names: &Names) -> Vec<String> {
    let texts = uses.values.get("manager").into_iter().flatten().filter(|text| text.contains('@'));
    let ids: BTreeSet<&str> = texts.filter_map(|text| Some(names.resolve("user", text).ok()?.id.as_str())).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    ids.chunks(limits::USERS_BY_ID.most).map(|ids| format!("{}{}", fields::PEOPLE, ids.join(" "))).collect()
}

/// The queues whose members are fewer calls than asking each user for theirs.
fn queues_to_read(uses: &Uses, names: &Names) -> Vec<String> {
    let texts = uses.values.iter().filter(|(column, _)| column.starts_with(QUEUES)).flat_map(|(_, texts)| texts);
    let texts = texts.flat_map(|text| fields::texts(text));
    // A name that is nobody's is its row's error; an undo knows its queues by their ids.
    let id = |text: String| match names.resolve("queue", &text) {
        Ok(queue) => Some(queue.id.clone()),
        Err(_) => uses.undo.then_some(text),
    };
    let queues: BTreeSet<String> = texts.filter_map(id).collect();
    fewer(queues, fields::QUEUE_SIZE, uses, names)
        .into_iter()
        .map(|queue| format!("{}{queue}", fields::MEMBERS_OF))
        .collect()
}

/// The roles whose grants are fewer calls than asking each user for theirs.
fn grants_to_read(uses: &Uses, names: &Names) -> Vec<String> {
    let of = |column: &'static str| {
        let texts = uses.values.get(column).into_iter().flatten();
        texts.flat_map(move |text| lists::divided(text, column == "roles-", names))
    };
    let roles = match uses.undo {
        true => unplaced_roles(uses).cloned().collect(),
        false => ["roles", "roles+", "roles-"].into_iter().flat_map(of).collect(),
    };
    let roles = fewer(roles, fields::ROLE_SIZE, uses, names);
    roles.into_iter().map(|role| format!("{}{role}", fields::GRANTS_OF)).collect()
}

/// The roles that an undo takes away wherever they were granted.
fn unplaced_roles(uses: &Uses) -> impl Iterator<Item = &String> {
    let groups = uses.values.get("grants-").into_iter().flatten();
    groups.filter(|group| uses.undo && grants::is_unplaced(group))
}

/// All of these, where the pages of their users are fewer than the roster's rows; else none.
fn fewer(ids: BTreeSet<String>, sizes: &str, uses: &Uses, names: &Names) -> BTreeSet<String> {
    let pages = |id: &String| {
        let size = names.noted(sizes, id).and_then(|sizes| sizes.first()?.as_u64()).unwrap_or(0);
        size.div_ceil(limits::MEMBERS.most as u64).max(1)
    };
    let pages = ids.iter().map(pages).fold(0, u64::saturating_add);
    if pages <= uses.rows { ids } else { BTreeSet::new() }
}
