//! What does an answer mean for its call? The retry policy of NICE CXone (facts/nice.md, "Quota and errors", and the
//! published descriptions), as one table.

use super::wire::{RESULTS, flag, get, is_blank, items, said};
use super::{Nice, evidence};
use crate::http::plain;
use paceline_core::pace::Scope;
use paceline_core::plan::Change;
use paceline_core::vendor::{Answer, Answers, Each, Effect, Refusal, Request, Verdict};

/// Characters of a correlation id that are worth keeping.
const LONGEST_ID: usize = 128;

impl Answers for Nice {
    /// A status alone is never trusted.
    fn verdict(&self, request: &Request, answer: &Answer) -> Verdict {
        let reads = request.effect == Effect::Read;
        match answer.status {
            // Something between here and the API has answered.
            200..=299 if !is_blank(answer) && answer.json().is_none() => Verdict::NotTheApi,
            200..=299 if !reads && is_refused_as_a_whole(answer) => Verdict::Rejected,
            200..=299 => Verdict::Applied { version: None },
            // "401 also `unknown team or role` on an agent write": one fresh token, then it is the row's.
            401 => Verdict::Unauthorized { renew: true, may_be_the_rows: !reads },
            429 => Verdict::Throttled(Scope::Token),
            // The vendor's SDK takes both for overload.
            503 => Verdict::Overloaded,
            408 | 500 | 502 | 504..=599 => Verdict::Transient,
            400..=499 if !reads && !items(answer.json_or_null(), RESULTS).is_empty() => {
                Verdict::Applied { version: None }
            }
            404 if tells_nobody(request) && is_the_apis(answer) => Verdict::Applied { version: None },
            403 => Verdict::Forbidden,
            // "409 is also `invalid permissions`"; there are no versions that could conflict.
            409 if self.refusal(answer).line().to_lowercase().contains("permission") => Verdict::Forbidden,
            // 400, 402 (the licence limit), 404 elsewhere (a wrong URL), 409, 413 …
            _ => Verdict::Rejected,
        }
    }

    /// Whatever either API, the token endpoint or a gateway says.
    fn refusal(&self, answer: &Answer) -> Refusal {
        let body = answer.json_or_null();
        let header = |name: &str| answer.header(name).map(str::trim).find(|text| !text.is_empty()).map(str::to_owned);
        let keys = ["error_description", "errorDescription", "details", "message", "msg", "errors"];
        let code = said(body, &["code", "error"]);
        // UserHub's searches tell their errors as an object; an empty body has its text in a header.
        let inner = get(body, "errors");
        let inner = (inner.is_object() || inner.is_array()).then(|| inner.to_string());
        let message = said(body, &keys).or(inner).or_else(|| header("icstatusdescription")).or_else(|| plain(answer));
        let ids = ["x-correlation-id", "correlation-id", "x-request-id", "request-id"];
        let correlation_id = ids.iter().find_map(|name| header(name)).map(|id| {
            let shown = id.chars().filter(|c| c.is_ascii_graphic());
            shown.take(LONGEST_ID).collect()
        });
        Refusal { status: Some(answer.status), code, message, correlation_id }
    }

    /// What is said to be made is read back: that takes a call for many users. What is not shown there is believed.
    fn each(&self, changes: &[Change], answer: &Answer) -> Option<Vec<Each>> {
        const UNSHOWN: &str = "CXone says that it was made, and does not show it";
        let read_back = |one: Each| match one {
            Each::Made => Each::Doubtful(Refusal::own("not.applied", UNSHOWN)),
            one => one,
        };
        Some(evidence::each(changes, answer)?.into_iter().map(read_back).collect())
    }
}

/// `"success": false` of a call, whose items do not say more.
fn is_refused_as_a_whole(answer: &Answer) -> bool {
    let body = answer.json_or_null();
    let failed = [body, get(body, "resultSet")].iter().any(|set| flag(get(set, "success")) == Some(false));
    failed && items(body, RESULTS).is_empty()
}

/// Reads to whom a 404 says that nobody is there: of one person by its own path, and searches, whose description lists it.
fn tells_nobody(request: &Request) -> bool {
    const PATHS: &[&str] =
        &["/{agentIdOrUserId}", "/{agentIdOrUserId}/skills", "/users/{userId}", "/users/{id}", "/search"];
    request.effect == Effect::Read && PATHS.iter().any(|path| request.template.ends_with(path))
}

/// Whether a refusal's body is one of the API's two forms: the Admin API's code-like `error` (with a description), or
/// UserHub's `code`, `details`, `entityType`. What a router says of a path that it does not know is neither.
fn is_the_apis(answer: &Answer) -> bool {
    let body = answer.json_or_null();
    let is_code =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    let is_admins = get(body, "error").as_str().is_some_and(is_code)
        || said(body, &["error_description", "errorDescription"]).is_some();
    let is_hubs =
        said(body, &["code"]).is_some() && said(body, &["details", "errors", "entityType", "hostName"]).is_some();
    let is_routers = said(body, &["path"]).is_some() && said(body, &["timestamp"]).is_some();
    (is_admins || is_hubs) && !is_routers
}

#[cfg(test)]
mod tests {
    use super::*;
    use paceline_core::vendor::{Host, Method};
    use serde_json::{Value, json};

    fn verdict(request: &Request, answer: &Answer) -> Verdict {
        Nice::new(None).verdict(request, answer)
    }

    fn refusal(answer: &Answer) -> Refusal {
        Nice::new(None).refusal(answer)
    }

    fn answer(status: u16, body: &Value) -> Answer {
        Answer::new(status, vec![], body.to_string().into_bytes())
    }

    fn request(template: &'static str, effect: Effect) -> Request {
        Request { host: Host::Base, method: Method::Get, template, target: String::new(), body: None, effect }
    }

    /// Admin's, UserHub's, a router's, and none at all.
    fn bodies() -> [Value; 4] {
        [
            json!({"error": "InvalidAgentId", "error_description": "no such agent"}),
            json!({"code": "E404", "details": "no", "hostName": "h", "entityType": "User", "errors": "x"}),
            json!({"timestamp": "2026-10-01", "status": 404, "error": "NotFound", "message": "no", "path": "/x"}),
            json!(null),
        ]
    }

    #[test]
    fn every_status_means_the_same_whatever_its_body_but_where_the_body_decides() {
        use Verdict::*;
        let applied = Applied { version: None };
        let unauthorized = |rows| Unauthorized { renew: true, may_be_the_rows: rows };
        // Every status of the published description and of facts/nice.md, and those of the hosts between: reads, writes.
        let table = [
            (200, applied.clone(), applied.clone()),
            (202, applied.clone(), applied.clone()),
            (204, applied.clone(), applied.clone()),
            (206, applied.clone(), applied.clone()),
            (301, Rejected, Rejected),
            (400, Rejected, Rejected),
            (401, unauthorized(false), unauthorized(true)),
            (402, Rejected, Rejected),
            (403, Forbidden, Forbidden),
            (405, Rejected, Rejected),
            (408, Transient, Transient),
            (409, Rejected, Rejected),
            (410, Rejected, Rejected),
            (413, Rejected, Rejected),
            (415, Rejected, Rejected),
            (422, Rejected, Rejected),
            (429, Throttled(Scope::Token), Throttled(Scope::Token)),
            (500, Transient, Transient),
            (501, Rejected, Rejected),
            (502, Transient, Transient),
            (503, Overloaded, Overloaded),
            (504, Transient, Transient),
            (529, Transient, Transient),
        ];
        let read = request("GET /incontactapi/services/{apiVersion}/agents", Effect::Read);
        let write = request("PUT /incontactapi/services/{apiVersion}/agents", Effect::Write);
        for (status, of_read, of_write) in table {
            for body in bodies() {
                assert_eq!(verdict(&read, &answer(status, &body)), of_read, "{status} {body}");
                assert_eq!(verdict(&write, &answer(status, &body)), of_write, "{status} {body}");
            }
        }
    }

    #[test]
    fn a_404_of_the_apis_tells_a_search_that_nobody_is_there_and_any_other_a_wrong_url() {
        let nobody = [
            "POST /incontactapi/services/{apiVersion}/agents/search",
            "GET /incontactapi/services/{apiVersion}/agents/{agentIdOrUserId}",
            "GET /incontactapi/services/{apiVersion}/agents/{agentIdOrUserId}/skills",
            "POST /user-management/v2/users/search",
            "POST /user-management/v4/teams/search",
            "POST /authorization/v1/roles/search",
            "GET /user-management/v3/users/{userId}",
            "GET /api/v1/users/{id}",
        ];
        let elsewhere = [
            "GET /incontactapi/services/{apiVersion}/agents",
            "GET /incontactapi/services/{apiVersion}/agents/skills",
            "GET /incontactapi/services/{apiVersion}/business-unit",
            "GET /incontactapi/services/{apiVersion}/skills",
        ];
        let of = |template, effect, body: &Value| verdict(&request(template, effect), &answer(404, body));
        let [admins, hubs, routers, none] = bodies();
        let others = [
            routers,
            none,
            json!({"error": "Not Found"}),
            json!({"error": "/x"}),
            json!({"message": "no Route"}),
            json!({"error": "no_such_route", "path": "/x", "timestamp": 1}),
            json!([]),
            json!("x"),
        ];
        for template in nobody {
            assert_eq!(of(template, Effect::Read, &admins), Verdict::Applied { version: None }, "{template}");
            assert_eq!(of(template, Effect::Read, &hubs), Verdict::Applied { version: None }, "{template}");
            assert_eq!(of(template, Effect::Write, &admins), Verdict::Rejected, "{template}");
            for other in &others {
                assert_eq!(of(template, Effect::Read, other), Verdict::Rejected, "{template} {other}");
            }
        }
        for template in elsewhere {
            assert_eq!(of(template, Effect::Read, &admins), Verdict::Rejected, "{template}");
        }
        let page = Answer::new(404, vec![], b"<html>".to_vec());
        assert_eq!(verdict(&request(nobody[0], Effect::Read), &page), Verdict::Rejected);
    }

    #[test]
    fn what_is_no_json_is_not_the_api_and_an_empty_body_is_no_page_of_a_proxy() {
        let (read, write) = (request("GET /x", Effect::Read), request("PUT /x", Effect::Write));
        for status in [200, 201, 202, 206] {
            for body in ["<html></html>", "OK", "{\"errorCount\": 0", "\u{feff}<!doctype html>"] {
                let page = Answer::new(status, vec![], body.into());
                assert_eq!(verdict(&read, &page), Verdict::NotTheApi, "{status} {body}");
                assert_eq!(verdict(&write, &page), Verdict::NotTheApi, "{status} {body}");
            }
            for body in ["", "\r\n", "{}", "\u{feff}{}", "null"] {
                let answer = Answer::new(status, vec![], body.into());
                assert_eq!(verdict(&write, &answer), Verdict::Applied { version: None }, "{status} {body}");
            }
        }
    }

    #[test]
    fn what_the_body_says_decides_where_a_status_has_two_meanings() {
        let write = request("PUT /user-management/v1/users", Effect::Write);
        let applied = Verdict::Applied { version: None };
        let table = [
            (200, json!({"success": false, "error": "no"}), Verdict::Rejected),
            (200, json!({"Success": "False"}), Verdict::Rejected),
            (206, json!({"resultSet": {"success": false}}), Verdict::Rejected),
            (200, json!({"success": false, "agentResults": [{"agentId": 1, "success": false}]}), applied.clone()),
            (400, json!({"errorCount": 1, "agentResults": [{"success": false}]}), applied.clone()),
            (409, json!({"errorCount": 1, "resultSet": {"skillResults": [{"success": false}]}}), applied),
            (400, json!({"errorCount": 100, "agentResults": []}), Verdict::Rejected),
            (409, json!({"error_description": "Invalid permissions"}), Verdict::Forbidden),
            (409, json!({"code": "INVALID_PERMISSIONS"}), Verdict::Forbidden),
            (409, json!({"error": "UserNameTaken"}), Verdict::Rejected),
            (402, json!({"error": "LicenseLimit"}), Verdict::Rejected),
            (
                401,
                json!({"message": "unknown team or role"}),
                Verdict::Unauthorized { renew: true, may_be_the_rows: true },
            ),
        ];
        for (status, body, expected) in table {
            assert_eq!(verdict(&write, &answer(status, &body)), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_refusal_is_read_from_either_api_and_from_the_header_of_an_empty_body() {
        let line = |status, body: Value| refusal(&answer(status, &body)).line();
        assert_eq!(line(400, json!({"error": "InvalidAgentId", "error_description": "no"})), "400 InvalidAgentId no");
        assert_eq!(line(400, json!({"code": "E1", "details": "bad rank"})), "400 E1 bad rank");
        assert_eq!(line(400, json!({"code": 17, "errors": {"rank": "bad"}})), "400 17 {\"rank\":\"bad\"}");
        assert_eq!(line(401, json!({"error": "invalid_client", "errorDescription": "x"})), "401 invalid_client x");
        let empty = Answer::new(400, vec![("icstatusdescription".into(), "Bad team".into())], vec![]);
        assert_eq!(refusal(&empty).message.as_deref(), Some("Bad team"));
    }

    #[test]
    fn a_correlation_id_is_short_and_printable() {
        let of =
            |value: String| refusal(&Answer::new(400, vec![("x-correlation-id".into(), value)], vec![])).correlation_id;
        assert_eq!(of("ab\u{1b}[31m-1\u{202e}".into()).as_deref(), Some("ab[31m-1"));
        assert_eq!(of("x".repeat(100_000)).map(|id| id.len()), Some(LONGEST_ID));
        assert_eq!(of("  ".into()), None);
    }
}
