//! The columns of a Genesys Cloud roster: the fields of `UpdateUser` (facts/genesys.md, section 3.1).

use paceline_core::validate::{Field, Kind, Table};

const FIELDS: &[Field] = &[
    Field::kept("name", Kind::Text),
    Field::kept("email", Kind::Email),
    Field::kept("username", Kind::Text),
    Field::text("title"),
    Field::text("department"),
    Field::text("preferredName"),
    // The manager's id: on UpdateUser it is a string, on User an object.
    Field::text("manager"),
    // Deleting people is no bulk edit: `deleted`, which the API would take, is left out on purpose.
    Field::kept("state", Kind::Choice(&["active", "inactive"])),
    Field::kept("acdAutoAnswer", Kind::Bool),
    Field::cleared("profileSkills", Kind::TextList),
    Field::cleared("certifications", Kind::TextList),
    Field::cleared("addresses", Kind::ObjectList),
    Field::cleared("locations", Kind::NameList),
    Field::cleared("images", Kind::ObjectList),
    Field::text("chat.jabberId"),
    Field::text("biography.biography"),
    Field::cleared("biography.interests", Kind::TextList),
    Field::cleared("biography.hobbies", Kind::TextList),
    Field::text("biography.spouse"),
    Field::cleared("biography.education", Kind::ObjectList),
    Field::text("phone_work"),
    Field::text("phone_mobile"),
    Field::text("phone_home"),
    Field::text("extension"),
    Field::kept("division", Kind::Name),
    Field::cleared("team", Kind::Name),
    // Proficiency 0 to 5, 5 the best: facts/genesys.md, section 3.2.
    Field::cleared("skills", Kind::RatedList(0.0, 5.0)),
    Field::kept("skills+", Kind::RatedList(0.0, 5.0)),
    Field::kept("skills-", Kind::NameList),
    Field::cleared("languages", Kind::RatedList(0.0, 5.0)),
    Field::kept("languages+", Kind::RatedList(0.0, 5.0)),
    Field::kept("languages-", Kind::NameList),
    Field::cleared("groups", Kind::NameList),
    Field::kept("groups+", Kind::NameList),
    Field::kept("groups-", Kind::NameList),
    Field::cleared("queues", Kind::NameList),
    Field::kept("queues+", Kind::NameList),
    Field::kept("queues-", Kind::NameList),
    Field::cleared("roles", Kind::NameList),
    Field::kept("roles+", Kind::NameList),
    Field::kept("roles-", Kind::NameList),
    Field::text("employerInfo.officialName"),
    Field::text("employerInfo.employeeId"),
    Field::text("employerInfo.employeeType"),
    Field::cleared("employerInfo.dateHire", Kind::Date),
    // `customAttributes.SCHEMA.ATTRIBUTE`, the schema by name or id.
    Field::cleared("customAttributes.*", Kind::Any),
    Field::read_only("version", "Paceline reads it and sends it by itself"),
    Field::read_only("selfUri", "it is the API's own address of the user; delete the column"),
    Field::read_only("primaryContactInfo", "Genesys Cloud derives it from `addresses`: set those"),
];

/// Other spellings: nested names and ids, and the columns of the vendor's own importer (facts/peers.md, section 2.8), which
/// adds roles, queues and skills and never removes one.
const ALIASES: &[(&str, &str)] = &[
    ("manager.email", "manager"),
    ("manager.id", "manager"),
    ("division.name", "division"),
    ("division.id", "division"),
    ("divisionId", "division"),
    ("team.name", "team"),
    ("team.id", "team"),
    ("email_manager", "manager"),
    ("location_work", "locations"),
    ("roles_divisions", "roles+"),
];

/// What only a roster for the vendor's own importer has; that one adds to lists and never takes from them.
const IMPORTER_MARKS: &[&str] = &["email_manager", "location_work", "roles_divisions"];
const IMPORTER: &[(&str, &str)] = &[("queues", "queues+"), ("skills", "skills+")];

/// Columns for one telephone number of the list `addresses`, and the type that it has there.
pub(super) const PHONES: &[(&str, &str)] =
    &[("phone_work", "WORK"), ("phone_mobile", "MOBILE"), ("phone_home", "HOME"), ("extension", "WORK")];

/// The field table.
pub(super) const TABLE: Table = Table {
    keys: &["id", "email"],
    id_kind: |_| "id",
    fields: FIELDS,
    clear_words: &[],
    aliases: ALIASES,
    importer_marks: IMPORTER_MARKS,
    importer: IMPORTER,
};

/// The members of two objects that the vendor replaces as a whole.
pub(super) const EMPLOYER_INFO: &[&str] = &["officialName", "employeeId", "employeeType", "dateHire"];
pub(super) const BIOGRAPHY: &[&str] = &["biography", "interests", "hobbies", "spouse", "education"];

/// The top-level field that a column belongs to.
pub(super) fn top(column: &str) -> &str {
    column.split_once('.').map_or(column, |(top, _)| top)
}

/// What a membership column does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Replace,
    Add,
    Remove,
}

/// The list that a column is about, and what it does to it: `skills+` adds to `skills`.
pub(super) fn mode(column: &str) -> (&str, Mode) {
    match (column.strip_suffix('+'), column.strip_suffix('-')) {
        (Some(list), _) => (list, Mode::Add),
        (_, Some(list)) => (list, Mode::Remove),
        _ => (column, Mode::Replace),
    }
}

/// The lists of queues' members, each under its queue's id.
pub(super) const MEMBERS_OF: &str = "members of queue ";
/// The largest page of a queue's members (`GET /routing/queues/{queueId}/members`), asked of a role's too.
pub(super) const MEMBERS: u64 = 100;
/// How many members each queue has.
pub(super) const QUEUE_SIZE: &str = "queue size";

/// The lists of whom a role is granted to, each under its role's id; which of them were read to the end; and how many users
/// each role has.
pub(super) const GRANTS_OF: &str = "grants of role ";
pub(super) const GRANTS_READ: &str = "granted roles";
pub(super) const ROLE_SIZE: &str = "role size";
/// Queues whose members cannot be read: whoever may be in one is asked for all of theirs.
pub(super) const UNREAD: &str = "unread queues";
/// The addresses of the people that rows name by e-mail, as their records show them.
pub(super) const PEOPLE: &str = "people ";

/// The texts of a value of a roster: a list as JSON, or one by itself.
pub(super) fn texts(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| vec![text.to_owned()])
}

/// The list of the schemas of custom attributes.
pub(super) const SCHEMA: &str = "schema";

/// The schema and the attribute that a column is about; a schema's name may hold dots.
pub(super) fn attribute(column: &str) -> Option<(&str, &str)> {
    column.strip_prefix("customAttributes.")?.rsplit_once('.')
}

/// Lists with a call of their own: what they are read with and the tenant's list that names their members.
pub(super) const RATED: &[&str] = &["skills", "languages"];
/// Memberships.
pub(super) const MEMBER: &[&str] = &["groups", "queues", "roles"];

/// The `expand` that a column is read with, if any.
pub(super) fn expands(column: &str) -> Option<&'static str> {
    match mode(column).0 {
        "skills" => Some("skills"),
        "languages" => Some("languages"),
        "groups" => Some("groups"),
        "roles" => Some("authorization"),
        "team" => Some("team"),
        other => expand(top(other)),
    }
}

/// The tenant's list that a column's values name.
pub(super) fn list(column: &str) -> Option<&'static str> {
    match mode(column).0 {
        "skills" => Some("skill"),
        "languages" => Some("language"),
        "groups" => Some("group"),
        "queues" => Some("queue"),
        "roles" => Some("role"),
        "division" => Some("division"),
        "team" => Some("team"),
        "locations" => Some("location"),
        other if attribute(other).is_some() => Some(SCHEMA),
        _ => None,
    }
}

/// The `expand` that a top-level field is only read with, if any.
pub(super) fn expand(top: &str) -> Option<&'static str> {
    ["profileSkills", "certifications", "locations", "employerInfo", "biography"].into_iter().find(|name| *name == top)
}
