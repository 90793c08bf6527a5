//! What all of CXone's calls have in common.

use crate::http::encode;
use paceline_core::vendor::{Effect, Host, Method, Request};
use serde_json::Value;

/// Where the Admin API is, in the version that is used.
pub(super) fn admin(version: &str) -> String {
    format!("/incontactapi/services/{}", segment(version))
}

/// A segment of a path. `.` and `..` would lead elsewhere, encoded or not: they are written so that nobody has that id.
pub(super) fn segment(text: &str) -> String {
    match text {
        "" | "." | ".." => format!("%25{}", text.len()),
        text => encode(text),
    }
}

/// A call that reads.
pub(super) fn read(host: Host, method: Method, template: &'static str, target: String, body: Option<Value>) -> Request {
    Request { host, method, template, target, body, effect: Effect::Read }
}

/// One of the first host that reads by its path alone.
pub(super) fn get(template: &'static str, target: String) -> Request {
    read(Host::Base, Method::Get, template, target, None)
}

/// A call that writes. All of them set what they set, whatever was there: sent again after a lost answer, they do no harm.
pub(super) fn write(
    host: Host,
    method: Method,
    template: &'static str,
    target: String,
    body: Option<Value>,
) -> Request {
    Request { host, method, template, target, body, effect: Effect::Write }
}
