//! What does an answer mean? One table of the codes that the API's published description has (`x-inin-error-codes`).

use super::Genesys;
use super::evidence::{self, Said};
use super::requests::{self, correlation};
use crate::http::{number, plain, short, text};
use paceline_core::diff;
use paceline_core::pace::Scope;
use paceline_core::plan::Change;
use paceline_core::vendor::{Answer, Answers, BLIND, Each, Effect, Refusal, Request, Verdict};
use serde_json::Value;

/// The namespace whose limits are the token's own; others are services behind the gateway.
const GATEWAY: &str = "platform.api";

const RENEWED: Verdict = Verdict::Unauthorized { renew: true, may_be_the_rows: false };

/// Codes that mean something else than their status does, each with what the description says of it.
const CODES: &[(u16, &str, Verdict)] = &[
    // "did not produce a request with valid end of stream signaling": the network, not the content.
    (400, "client.failed.request", Verdict::Transient),
    // "The version supplied does not match the current version of the user" (users); "Conflicts found replacing routing
    // skills for user", "Resource conflict updating members" (lists): somebody wrote at the same time. Where it is about
    // something else (an e-mail that is taken), reading the user again shows that its version was not.
    (400, "general.conflict", Verdict::Conflict),
    // No token helps where the client's address may not call.
    (401, "ip.not.authorized", Verdict::Unauthorized { renew: false, may_be_the_rows: false }),
    // Of one division: these users', and nobody else's.
    (403, "missing.division.permission", Verdict::Rejected),
    (403, "missing.division.permissions", Verdict::Rejected),
    (403, "missing.division.permission.implied", Verdict::Rejected),
    (403, "missing.any.division.permissions", Verdict::Rejected),
    (403, "bulk.move.no.permission.division", Verdict::Rejected),
    // "One or more of the object(s) failed to be moved": a batch's, halved until they stand alone.
    (409, "bulk.move.unable.to.move", Verdict::Rejected),
    // "Conflict with existing user ID": external ids.
    (409, "general.resource.conflict", Verdict::Rejected),
];

/// Codes of a family that means something else than its status does, by how they begin.
const FAMILIES: &[(u16, &str, Verdict)] = &[
    // What a call forwarding or a station lacks: nobody's version.
    (409, "callforwarding.", Verdict::Rejected),
    (409, "userservice.station", Verdict::Rejected),
];

/// `insufficient.permissions` is of the user that is edited or moved here, and of the client elsewhere.
const OF_THE_USER: &[&str] =
    &["PATCH /api/v2/users/{userId}", "POST /api/v2/authorization/divisions/{divisionId}/objects/{objectType}"];

/// Where a 404 says that what was to be taken away is not there: its user is read to be sure.
const TAKES_AWAY: &[&str] = &[
    "DELETE /api/v2/users/{userId}/routingskills/{skillId}",
    "DELETE /api/v2/users/{userId}/routinglanguages/{languageId}",
];

impl Answers for Genesys {
    fn verdict(&self, request: &Request, answer: &Answer) -> Verdict {
        if (200..=299).contains(&answer.status) {
            return applied(answer);
        }
        let refusal = self.refusal(answer);
        let code = refusal.code.as_deref().unwrap_or_default();
        if is_told_by_the_read(request, answer.status, code) {
            return Verdict::Applied { version: None };
        }
        let known = |(status, known, _): &&(u16, &str, Verdict)| *status == answer.status && *known == code;
        let begins = |(status, start, _): &&(u16, &str, Verdict)| *status == answer.status && code.starts_with(start);
        if let Some((.., verdict)) = CODES.iter().find(known).or_else(|| FAMILIES.iter().find(begins)) {
            return verdict.clone();
        }
        match answer.status {
            401 => RENEWED,
            // The same conflict under another code: decided by the message.
            400 if refusal.message.is_some_and(|text| text.contains("does not match the current version")) => {
                Verdict::Conflict
            }
            403 if code == "insufficient.permissions" && OF_THE_USER.contains(&request.template) => Verdict::Rejected,
            403 => Verdict::Forbidden,
            404 if TAKES_AWAY.contains(&request.template) && !code.is_empty() => Verdict::Conflict,
            // What was written is too much to be shown: whether it was written is read.
            400 if code == "response.entity.too.large" && request.effect != Effect::Read => Verdict::Conflict,
            // A read conflicts with nothing.
            409 | 412 if request.effect == Effect::Read => Verdict::Transient,
            // A lost update of users and groups; of lists without a version it means that somebody wrote at the same time.
            409 | 412 => Verdict::Conflict,
            429 => Verdict::Throttled(scope(answer)),
            408 | 500 | 502..=599 => Verdict::Transient,
            _ => Verdict::Rejected,
        }
    }

    /// Genesys Cloud's ErrorBody, OAuth's error body, or whatever a gateway in front of them says.
    fn refusal(&self, answer: &Answer) -> Refusal {
        let body = answer.json_or_null();
        let message =
            text(body, &["message", "error_description", "description", "errorDescription"]).or_else(|| plain(answer));
        // A page of something between here and the API, under a status that says success.
        let foreign =
            (answer.status < 300 && answer.json().is_none() && message.is_some()).then(|| "not.the.api".to_owned());
        Refusal {
            status: Some(answer.status),
            code: text(body, &["code", "error"]).map(short).or(foreign),
            message: message.map(short),
            correlation_id: text(body, &["contextId"]).or_else(|| correlation(answer)).map(short),
        }
    }

    fn each(&self, changes: &[Change], answer: &Answer) -> Option<Vec<Each>> {
        if changes.first()?.kind == BLIND {
            return None;
        }
        let body = answer.json_or_null();
        if is_error(body) {
            let said = self.refusal(answer);
            let doubt = |_: &Change| Each::Doubtful(Refusal { code: Some("not.confirmed".into()), ..said.clone() });
            return Some(changes.iter().map(doubt).collect());
        }
        let told = |change: &Change| match evidence::said(change, answer) {
            Said::Made => Each::Made,
            Said::Promised => Each::Accepted,
            Said::Untold if evidence::lags(change) => Each::Accepted,
            Said::Untold => Each::Doubtful(own(answer, "not.confirmed", "the answer does not show what became of it")),
            Said::Other(key) => {
                Each::Doubtful(own(answer, "not.applied", &format!("the answer shows another `{key}` than was sent")))
            }
            Said::Refused(reason) => Each::Refused(own(answer, "team.member.failed", &reason)),
        };
        Some(changes.iter().map(told).collect())
    }
}

fn applied(answer: &Answer) -> Verdict {
    match answer.json() {
        // The API answers objects and lists.
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) => Verdict::NotTheApi,
        Some(body) => Verdict::Applied { version: number(&body["version"]) },
        None if answer.body().iter().all(u8::is_ascii_whitespace) => Verdict::Applied { version: None },
        None => Verdict::NotTheApi,
    }
}

/// Refusals of reads that say something of what was read: nobody was found; nobody may see it. Without the API's own error
/// body a 404 is what a wrong URL gives.
fn is_told_by_the_read(request: &Request, status: u16, code: &str) -> bool {
    if request.effect != Effect::Read {
        return false;
    }
    match (request.template, status) {
        (requests::SEARCH | requests::USERS, 404) => {
            matches!(code, "resource.not.found" | "general.resource.not.found")
        }
        // Ways round that are fewer calls: whoever may be in that queue is asked for theirs, and only an undo would miss
        // a role's divisions, or which of them is home.
        (
            requests::QUEUE_MEMBERS | requests::GRANTS | requests::ROLE_GRANTS | requests::HOME,
            400 | 403..=405 | 501,
        ) => true,
        _ => false,
    }
}

fn scope(answer: &Answer) -> Scope {
    match answer.json().and_then(|body| body["limit"]["namespace"].as_str()) {
        Some(GATEWAY) => Scope::Token,
        Some(_) => Scope::Service,
        None => Scope::Unsaid,
    }
}

fn own(answer: &Answer, code: &str, message: &str) -> Refusal {
    Refusal { status: Some(answer.status), correlation_id: correlation(answer), ..Refusal::own(code, message) }
}

/// An error under a status that says success, as gateways send it.
fn is_error(body: &Value) -> bool {
    body.get("error").is_some_and(|error| !diff::is_empty(error))
        || (text(body, &["code"]).is_some() && number(&body["status"]).is_some_and(|status| status >= 400))
}
