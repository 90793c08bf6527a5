//! The tenant and its lists.

use super::fields::{self, Needs, Surface};
use super::need::AGENTS;
use super::pages::At;
use super::reads::agents;
use super::requests::{self, admin, read};
use super::wire::{self, agent_id, agents_user, get, id_text, list, said};
use super::{Nice, limits};
use paceline_core::pace::Quota;
use paceline_core::vendor::{Answer, Directory, Host, Method, Names, Refusal, Request, Tenant, Uses};
use serde_json::{Value, json};

impl Directory for Nice {
    fn whoami(&self) -> Request {
        requests::get(
            "GET /incontactapi/services/{apiVersion}/business-unit",
            format!("{}/business-unit", admin(&self.version)),
        )
    }

    fn tenant(&self, answer: &Answer) -> Option<Tenant> {
        let units = list(answer, &["businessUnits", "businessUnit"]).ok()?;
        let unit = units.first()?;
        let id = said(unit, &["tenantId", "businessUnitId"])?;
        Some(Tenant { name: id_text(get(unit, "businessUnitName")).unwrap_or_else(|| id.clone()), id })
    }

    fn quota_request(&self) -> Option<Request> {
        None
    }

    fn quota(&self, _answer: &Answer) -> Option<Quota> {
        None
    }

    fn lists(&self, uses: &Uses) -> Vec<&'static str> {
        let needs = Needs::of(uses.columns.iter());
        let has = |wanted: &str| uses.columns.contains(wanted) && !uses.undo;
        let sets_user = uses.columns.iter().any(|column| fields::surface(column) == Surface::User);
        // The user's record tells its team by UUID; the Admin API's teams have numbers. A row may need either.
        let by_key = |column: &str| uses.keys.contains(column);
        let looked_up = by_key("email") || by_key("userName") || by_key("userId");
        let lists = [
            (AGENTS, needs.agent && looked_up && uses.rows > limits::FEW.most as u64),
            ("skill", needs.skills && !uses.undo),
            ("team", has("team")),
            ("user team", has("team") && sets_user),
            ("role", has("role")),
        ];
        lists.into_iter().filter(|(_, wanted)| *wanted).map(|(list, _)| list).collect()
    }

    fn list(&self, list: &str, next: Option<&str>) -> Request {
        let at = list_page(list, next);
        let page = |path: &str| format!("{}/{path}?skip={}&top={}", admin(&self.version), at.skip, at.top);
        match list {
            "skill" => requests::get("GET /incontactapi/services/{apiVersion}/skills", page("skills")),
            "team" => requests::get("GET /incontactapi/services/{apiVersion}/teams", page("teams")),
            "user team" => {
                let body = json!({"skip": at.skip, "top": at.top});
                let target = "/user-management/v4/teams/search";
                read(Host::Second, Method::Post, "POST /user-management/v4/teams/search", target.into(), Some(body))
            }
            "role" => {
                let target = "/authorization/v1/roles/search";
                read(Host::Second, Method::Post, "POST /authorization/v1/roles/search", target.into(), Some(json!({})))
            }
            _ => agents(&self.version, None, at),
        }
    }

    fn listed(
        &self,
        list: &str,
        next: Option<&str>,
        answer: &Answer,
        names: &mut Names,
    ) -> Result<Option<String>, Refusal> {
        let (key, id, name) = match list {
            "skill" => ("skills", "skillId", "skillName"),
            "team" => ("teams", "teamId", "teamName"),
            "user team" => ("teams", "id", "name"),
            "role" => ("roles", "roleId", "roleName"),
            _ => ("agents", "", ""),
        };
        let items = wire::list(answer, &[key])?;
        let mut brings_new = false;
        if list == AGENTS {
            names.note_list(AGENTS);
            brings_new = note_agents(&items, names);
        }
        for (item, in_use) in wire::named(&items, id, name) {
            let is_known = names.resolve(list, &item.id).is_ok_and(|known| known.id == item.id);
            brings_new |= !is_known;
            // Of two with one name, the one that is in use is meant.
            if in_use || names.resolve(list, &item.name).is_err() {
                names.add(list, item);
            }
        }
        if !brings_new {
            return Ok(None);
        }
        Ok(list_page(list, next).next(answer, &items)?.map(|next| next.name()))
    }
}

/// The page of a list of the tenant's. Roles come whole: their search takes no `skip`.
fn list_page(list: &str, next: Option<&str>) -> At {
    match list {
        "role" => At::of(next, usize::MAX),
        "user team" => At::of(next, limits::HUB_PAGE.most),
        _ => At::of(next, limits::ADMIN_PAGE.most),
    }
}

/// Notes by what the agents of a list can be named; says whether that was new.
pub(super) fn note_agents(items: &[Value], names: &mut Names) -> bool {
    let mut brings_new = false;
    for agent in items {
        for (column, key) in [("userName", "userName"), ("email", "emailAddress"), ("userId", "userID")] {
            if let Some(text) = get(agent, key).as_str() {
                let note = json!({"by": column, "agentId": agent_id(agent), "userID": agents_user(agent),
                    "isActive": get(agent, "isActive")});
                brings_new |= names.noted(AGENTS, text.trim()).is_none_or(<[Value]>::is_empty);
                names.note(AGENTS, text.trim(), note);
            }
        }
    }
    brings_new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_has_an_id_and_a_name() {
        let of = |body: Value| {
            Nice::new(None)
                .tenant(&Answer::new(200, vec![], body.to_string().into_bytes()))
                .map(|tenant| (tenant.id, tenant.name))
        };
        let own = |id: &str, name: &str| Some((id.to_owned(), name.to_owned()));
        let unit = json!({"businessUnitId": 4, "businessUnitName": "Acme", "tenantId": "t-1"});
        assert_eq!(of(json!({"businessUnits": [unit, {"tenantId": "trusted"}]})), own("t-1", "Acme"));
        assert_eq!(of(json!({"businessUnits": [{"businessUnitId": 4}]})), own("4", "4"));
        assert_eq!(of(json!({"businessUnits": []})), None);
        assert_eq!(of(json!({"tenantId": "x"})), None);
    }

    #[test]
    fn a_list_ends_where_a_page_brings_nothing_new() {
        let nice = Nice::new(None);
        let skills = |call: usize| json!({"skills": [{"skillId": call % 3, "skillName": format!("S{}", call % 3)}]});
        let agents = |call: usize| json!({"agents": [{"agentId": call % 3, "userID": format!("u{}", call % 3)}]});
        let mut names = Names::default();
        let mut calls = |list: &str, page: &dyn Fn(usize) -> Value| {
            let (mut next, mut calls) = (None, 0);
            loop {
                let mut body = page(calls);
                body["totalRecords"] = json!(1_000_000_000);
                let answer = Answer::new(200, vec![], body.to_string().into_bytes());
                calls += 1;
                match nice.listed(list, next.as_deref(), &answer, &mut names).unwrap() {
                    Some(page) => next = Some(page),
                    None => return calls,
                }
            }
        };
        assert_eq!((calls("skill", &skills), calls(AGENTS, &agents)), (4, 4));
        assert_eq!(names.resolve("skill", "s1").unwrap().id, "1");
    }
}
