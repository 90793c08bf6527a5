//! What a vendor is called and what it publishes.

use super::Part;
use crate::pace::Quota;
use crate::validate::Table;

/// What a vendor is called and what it publishes.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its columns.
    pub table: Table,
    /// The published quota of a token, before `--share`; our own ceiling where none is published.
    pub quota: Quota,
    /// Whether the vendor publishes it. Our own guess is halved at a throttle, and so are the calls in flight.
    pub quota_is_published: bool,
    /// Percent of it that a run takes unless it is told otherwise.
    pub share: u32,
    /// Calls in flight unless a run is told otherwise.
    pub max_concurrent: u32,
    /// What a plan tells of the vendor, once.
    pub note: Option<&'static str>,
    /// Columns whose values decide what is read besides the users. Lists are told as JSON.
    pub valued: &'static [&'static str],
    /// Parts of a user's record, in the order in which one leads to the next.
    pub parts: &'static [Part],
    /// What a plan warns of: a field, the value that is meant (any where it is `None`), and why.
    pub warnings: &'static [(&'static str, Option<&'static str>, &'static str)],
    /// The columns of an export where none are asked for.
    pub export_columns: &'static [&'static str],
    /// Environment variables that hold an OAuth client's id, its secret, an access key's id and its secret.
    pub variables: [&'static [&'static str]; 4],
    /// The environment variable that names a region, where the vendor's own tools have one.
    pub region_variable: Option<&'static str>,
    /// What to say where it is not known where the tenant is.
    pub hosts_hint: &'static str,
    /// What a roster of a demonstration holds.
    pub sample: Sample,
}

/// A roster to show a vendor with.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// A column of texts, in which each row has its own, and a column of one value.
    pub columns: [&'static str; 2],
    /// What the texts begin with, and the value.
    pub values: [&'static str; 2],
    /// Ids that nobody has.
    pub strangers: [&'static str; 2],
}
