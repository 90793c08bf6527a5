//! Each vendor's words and nothing else: one folder a vendor, the same file names in each.
//!
//! `fields` is the field table, `calls` turns changes into calls, `wire` reads and writes the vendor's JSON, `auth`
//! is its grant. `CONTRIBUTING.md` says how to add one.

pub mod genesys;

use paceline_core::vendor::Vendor;

/// The vendors, by the names that the command line takes.
pub const NAMES: &[&str] = &["genesys"];

/// The vendor of that name.
pub fn by_name(name: &str) -> Option<Box<dyn Vendor>> {
    match name {
        "genesys" => Some(Box::new(genesys::Genesys)),
        _ => None,
    }
}

/// Where a vendor's region answers: the API's base URL and the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// Base URL of the API.
    pub base_url: String,
    /// URL of the token endpoint.
    pub auth_url: String,
}

/// The hosts of a vendor's region, or the regions that there are.
pub fn hosts(vendor: &str, region: &str) -> Result<Hosts, Vec<&'static str>> {
    match vendor {
        "genesys" => genesys::regions::hosts(region).ok_or_else(genesys::regions::names),
        _ => Err(vec![]),
    }
}
