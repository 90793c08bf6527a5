//! Genesys Cloud CX, public API v2.

mod answers;
mod changes;
mod directory;
mod evidence;
mod fields;
mod grants;
mod limits;
mod lists;
mod maker;
mod need;
mod pages;
mod phones;
mod reads;
mod record;
mod regions;
mod requests;
mod sign_in;
#[cfg(test)]
mod tests;
mod writes;

use need::{ATTRIBUTES, GRANTS, HITS, QUEUES, SEARCH, USER};
use paceline_core::pace::Quota;
use paceline_core::vendor::{Facts, Sample, Vendor};
use std::time::Duration;

/// Genesys Cloud CX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Genesys;

const FACTS: Facts = Facts {
    name: "genesys",
    title: "Genesys Cloud",
    table: fields::TABLE,
    // `client.credentials.token.rate.per.minute`, its published default.
    quota: Quota { allowed: 300, window: Duration::from_secs(60) },
    quota_is_published: true,
    share: 80,
    max_concurrent: 10,
    note: None,
    valued: &["manager", "queues+", "queues-", "roles", "roles+", "roles-", "grants-"],
    parts: &[SEARCH, HITS, USER, QUEUES, GRANTS, ATTRIBUTES],
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
        // Only an undo of a run that restored somebody asks for it.
        ("state", Some("deleted"), "is deleted again, as before the run that is undone"),
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
    sample: Sample {
        columns: ["title", "department"],
        values: ["Agent", "Customer Care"],
        strangers: ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"],
    },
};

impl Vendor for Genesys {
    fn facts(&self) -> &Facts {
        &FACTS
    }
}
