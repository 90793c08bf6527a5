//! NICE CXone: Admin API and UserHub.

mod answers;
mod body;
mod changes;
mod directory;
mod evidence;
mod fields;
mod limits;
mod maker;
mod need;
mod pages;
mod person;
#[cfg(test)]
mod properties;
mod reads;
mod records;
mod requests;
mod sign_in;
mod wire;
mod writes;

use need::{AGENT, BY_EMAIL, BY_NAME, BY_UUID, GATEWAY, SKILLS, USER};
use paceline_core::pace::Quota;
use paceline_core::vendor::{Facts, Sample, Vendor};
use std::time::Duration;

/// NICE CXone, with the version of its Admin API.
#[derive(Debug, Clone)]
pub(crate) struct Nice {
    version: String,
}

/// The newest that the published descriptions name.
const VERSION: &str = "v34.0";

impl Nice {
    pub(crate) fn new(version: Option<&str>) -> Self {
        Self { version: version.unwrap_or(VERSION).to_owned() }
    }
}

const FACTS: Facts = Facts {
    name: "nice",
    title: "NICE CXone",
    table: fields::TABLE,
    // None is published. Our own ceiling: facts/nice.md, "Quota and errors".
    quota: Quota { allowed: 5, window: Duration::from_secs(1) },
    quota_is_published: false,
    share: 100,
    max_concurrent: 4,
    note: Some(
        "NICE CXone offers no lock: users are read again just before they are written and edits made since are \
         conflicts, but one made in the moment between is overwritten, and so is a value that CXone does not show",
    ),
    valued: &[],
    parts: &[BY_NAME, BY_EMAIL, BY_UUID, AGENT, USER, SKILLS, GATEWAY],
    variables: [&["NICE_CLIENT_ID"], &["NICE_CLIENT_SECRET"], &["NICE_ACCESS_KEY_ID"], &["NICE_ACCESS_KEY_SECRET"]],
    region_variable: None,
    hosts_hint: "give --region (na1, eu1 …: an access key without a client needs it) or --base-url, or a profile with either",
    warnings: &[
        ("email", None, "an e-mail address changes: CXone sends the person a verification mail"),
        ("userName", None, "a username changes: the old one no longer signs in"),
        ("active", Some("0"), "is deactivated: signed out, and unable to sign in"),
    ],
    export_columns: &["userName", "email", "firstName", "lastName", "role", "team"],
    sample: Sample { columns: ["custom1", "team"], values: ["Desk", "Green"], strangers: ["999999998", "999999999"] },
};

impl Vendor for Nice {
    fn facts(&self) -> &Facts {
        &FACTS
    }
}
