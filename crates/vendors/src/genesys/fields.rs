//! The columns of a Genesys Cloud roster: the fields of `UpdateUser` (facts/genesys.md, section 3.1).

use paceline_core::validate::{Field, Importer, Kind, Table};

const FIELDS: &[Field] = &[
    Field::kept("name", Kind::Text),
    Field::kept("email", Kind::Email),
    Field::kept("username", Kind::Code),
    Field::text("title"),
    Field::text("department"),
    Field::text("preferredName"),
    // The manager's id: on UpdateUser it is a string, on User an object.
    Field::cleared("manager", Kind::Name),
    // Deleting people is no bulk edit: `deleted`, which the API would take, is left out on purpose.
    Field::kept("state", Kind::Choice(&["active", "inactive"])),
    Field::kept("acdAutoAnswer", Kind::Bool),
    Field::cleared("profileSkills", Kind::TextList),
    Field::cleared("certifications", Kind::TextList),
    Field::cleared("addresses", Kind::ObjectList),
    Field::cleared("locations", Kind::NameList),
    Field::cleared("images", Kind::ObjectList),
    Field::code("chat.jabberId"),
    Field::text("biography.biography"),
    Field::cleared("biography.interests", Kind::TextList),
    Field::cleared("biography.hobbies", Kind::TextList),
    Field::text("biography.spouse"),
    Field::cleared("biography.education", Kind::ObjectList),
    Field::code("phone_work"),
    Field::code("phone_mobile"),
    Field::code("phone_home"),
    Field::code("extension"),
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
    Field::code("employerInfo.employeeId"),
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
    ("hire_date", "employerInfo.dateHire"),
];

/// The vendor's own importer adds to lists and never takes from them. A role there is `role:[division; division]`.
const IMPORTER: Importer = Importer {
    marks: &["email_manager", "location_work", "roles_divisions"],
    columns: &[("queues", "queues+"), ("skills", "skills+"), ("roles", "roles+")],
    lists: &["queues", "skills", "roles", "roles_divisions"],
};

/// Columns for one telephone number of the list `addresses`, and the type that it has there.
pub(super) const PHONES: &[(&str, &str)] =
    &[("phone_work", "WORK"), ("phone_mobile", "MOBILE"), ("phone_home", "HOME"), ("extension", "WORK")];

/// The field table.
pub(super) const TABLE: Table = Table {
    keys: &["id", "email"],
    id_kind: |_| "id",
    joined_ids: false,
    fields: FIELDS,
    clear_words: &[],
    aliases: ALIASES,
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
/// How many members each queue has.
pub(super) const QUEUE_SIZE: &str = "queue size";

/// The lists of whom a role is granted to, each under its role's id; which of them were read to the end; and how many users
/// each role has.
pub(super) const GRANTS_OF: &str = "grants of role ";
pub(super) const GRANTS_READ: &str = "granted roles";
pub(super) const ROLE_SIZE: &str = "role size";
/// The division that a role is granted in where none is named, as a list of one, and beside a user that was read.
pub(super) const HOME: &str = "home division";
/// Queues whose members cannot be read: whoever may be in one is asked for all of theirs.
pub(super) const UNREAD: &str = "unread queues";
/// The addresses of the people that rows name by e-mail, as their records show them.
pub(super) const PEOPLE: &str = "people ";

/// The names in a value of a roster: a list as JSON, or one by itself.
pub(super) fn texts(text: &str) -> Vec<String> {
    let Ok(list) = serde_json::from_str::<Vec<serde_json::Value>>(text) else { return vec![text.to_owned()] };
    let name =
        |item: &serde_json::Value| item.as_str().or(item["id"].as_str()).or(item["name"].as_str()).map(str::to_owned);
    list.iter().filter_map(name).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use paceline_core::user::Place;
    use paceline_core::validate::Rules;

    #[test]
    fn every_column_of_the_vendors_importer_stands_for_one_of_ours() {
        const HEADER: &str = "name,email,phone_work,extension,title,department,email_manager,location_work,roles_divisions,\
                              queues,division,skills,hire_date";
        const OLDER: &str = "name,email,phone_work,title,department,email_manager,location_work,roles,queues,skills";
        let place = Place::line(&"import.csv".into(), 1);
        for header in [HEADER, OLDER] {
            let header: Vec<String> = header.split(',').map(str::to_owned).collect();
            assert!(TABLE.is_importers(&header));
            assert_eq!(TABLE.check_header(&header, &place, Rules::Importer), []);
        }
        for (alias, column) in ALIASES.iter().chain(IMPORTER.columns) {
            assert!(TABLE.field(column).is_some(), "{alias}");
        }
    }
}
