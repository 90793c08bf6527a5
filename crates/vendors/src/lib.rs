//! Each vendor's words and nothing else: one folder a vendor, the same file names in each.
//!
//! `mod` holds its facts, `fields` the field table, `limits` how much goes in a call; `sign_in`, `directory`, `reads`, `writes`
//! and `answers` are its words, an `impl` a file. `CONTRIBUTING.md` says how to add one.

mod genesys;
mod http;
mod limit;
mod nice;

use paceline_core::vendor::Vendor;

/// The vendors, by the names that the command line takes.
pub const NAMES: &[&str] = &["genesys", "nice"];

/// The one that is meant where none is said.
pub const DEFAULT: &str = NAMES[0];

/// The vendor of that name; where its API has several versions, in this one.
pub fn by_name(name: &str, api_version: Option<&str>) -> Option<Box<dyn Vendor>> {
    match name {
        "genesys" => Some(Box::new(genesys::Genesys)),
        "nice" => Some(Box::new(nice::Nice::new(api_version))),
        _ => None,
    }
}
