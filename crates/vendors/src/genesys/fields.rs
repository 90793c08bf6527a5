//! The columns of a Genesys Cloud roster: the fields of `UpdateUser` (facts/genesys.md, section 3.1).

use paceline_core::validate::{Field, Kind, Table};

const fn text(name: &'static str) -> Field {
    Field { name, kind: Kind::Text, clearable: true }
}

const fn kept(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, clearable: false }
}

const fn cleared(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, clearable: true }
}

const fn read_only(name: &'static str, why: &'static str) -> Field {
    Field { name, kind: Kind::ReadOnly(why), clearable: false }
}

const FIELDS: &[Field] = &[
    kept("name", Kind::Text),
    kept("email", Kind::Email),
    kept("username", Kind::Text),
    text("title"),
    text("department"),
    text("preferredName"),
    // The manager's id: on UpdateUser it is a string, on User an object.
    text("manager"),
    // Deleting people is no bulk edit: `deleted`, which the API would take, is left out on purpose.
    kept("state", Kind::Choice(&["active", "inactive"])),
    kept("acdAutoAnswer", Kind::Bool),
    cleared("profileSkills", Kind::TextList),
    cleared("certifications", Kind::TextList),
    cleared("addresses", Kind::ObjectList),
    cleared("locations", Kind::ObjectList),
    cleared("images", Kind::ObjectList),
    text("chat.jabberId"),
    text("biography.biography"),
    cleared("biography.interests", Kind::TextList),
    cleared("biography.hobbies", Kind::TextList),
    text("biography.spouse"),
    cleared("biography.education", Kind::ObjectList),
    text("employerInfo.officialName"),
    text("employerInfo.employeeId"),
    text("employerInfo.employeeType"),
    cleared("employerInfo.dateHire", Kind::Date),
    read_only("version", "Paceline reads it and sends it by itself"),
    read_only("selfUri", "it is the API's own address of the user; delete the column"),
    read_only("primaryContactInfo", "Genesys Cloud derives it from `addresses`: set those"),
];

/// The field table.
pub(super) const TABLE: Table = Table { keys: &["id", "email"], fields: FIELDS, clear_words: &[] };

/// The top-level field that a column belongs to.
pub(super) fn top(column: &str) -> &str {
    column.split_once('.').map_or(column, |(top, _)| top)
}

/// The `expand` that a top-level field is only read with, if any.
pub(super) fn expand(top: &str) -> Option<&'static str> {
    ["profileSkills", "certifications", "locations", "employerInfo", "biography"].into_iter().find(|name| *name == top)
}
