//! What all of Genesys Cloud's calls and answers have in common.

use paceline_core::vendor::{Answer, Effect, Host, Method, Request};
use serde_json::Value;

/// Templates that more than one file has to tell from others.
pub(super) const SEARCH: &str = "POST /api/v2/users/search";
pub(super) const USERS: &str = "GET /api/v2/users";
pub(super) const QUEUE_MEMBERS: &str = "GET /api/v2/routing/queues/{queueId}/members";
pub(super) const GRANTS: &str = "GET /api/v2/authorization/subjects/{subjectId}";
pub(super) const HOME: &str = "GET /api/v2/authorization/divisions/home";
pub(super) const ROLE_GRANTS: &str = "GET /api/v2/authorization/roles/{roleId}/subjectgrants";

/// A call that reads by its path alone.
pub(super) fn get(template: &'static str, target: String) -> Request {
    Request { host: Host::Base, method: Method::Get, template, target, body: None, effect: Effect::Read }
}

/// A call that writes. All of them set what they set, whatever was there: sent again after a lost answer, they do no harm.
pub(super) fn write(method: Method, template: &'static str, target: String, body: Option<Value>) -> Request {
    Request { host: Host::Base, method, template, target, body, effect: Effect::Write }
}

/// The vendor's id of a request, as its answer's headers tell it.
pub(super) fn correlation(answer: &Answer) -> Option<String> {
    answer.header("inin-correlation-id").next().map(str::to_owned)
}
