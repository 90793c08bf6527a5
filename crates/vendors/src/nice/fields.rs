//! The columns of a NICE CXone roster (facts/nice.md). A person has two records there: the *user* (UserHub: name,
//! e-mail, role, team, custom attributes) and the *agent* (Admin API: thresholds, timeouts, custom fields, skills). A column
//! belongs to one of them.

use paceline_core::validate::{Field, Importer, Kind, Table};

const fn whole(name: &'static str) -> Field {
    Field::kept(name, Kind::Whole(0, 1_000_000))
}

const fn flag(name: &'static str) -> Field {
    Field::kept(name, Kind::Bool)
}

/// Proficiency 1 is the highest, 5 the lowest.
const RATED: Kind = Kind::RatedList(1.0, 5.0);

const FIELDS: &[Field] = &[
    // The user: `PUT /user-management/v1/users`.
    Field::kept("firstName", Kind::Text),
    Field::kept("lastName", Kind::Text),
    Field::kept("email", Kind::Email),
    Field::kept("userName", Kind::Code),
    Field::kept("role", Kind::Name),
    Field::kept("team", Kind::Name),
    Field::code("mobileNumber"),
    Field::kept("rank", Kind::Whole(1, 100)),
    Field::kept("timeZone", Kind::Text),
    Field::cleared("hireDate", Kind::Date),
    Field::code("externalIdentity"),
    flag("billable"),
    Field::kept("assignedGroup", Kind::Text),
    Field::text("customAttributes.*"),
    // Whether the user may sign in: deactivated in bulk, revived one by one.
    flag("active"),
    // The agent: `PUT /agents`.
    whole("reportToId"),
    Field::code("internalId"),
    whole("profileId"),
    Field::text("country"),
    Field::text("state"),
    Field::text("city"),
    whole("chatRefusalTimeout"),
    whole("phoneRefusalTimeout"),
    whole("workItemRefusalTimeout"),
    whole("emailRefusalTimeout"),
    whole("voicemailRefusalTimeout"),
    whole("smsRefusalTimeout"),
    whole("digitalRefusalTimeout"),
    whole("defaultDialingPattern"),
    flag("useTeamMaxConcurrentChats"),
    whole("maxConcurrentChats"),
    flag("isActive"),
    whole("locationId"),
    Field::text("notes"),
    Field::cleared("terminationDate", Kind::Date),
    Field::kept("hourlyCost", Kind::Number),
    flag("rehireStatus"),
    whole("employmentType"),
    Field::text("referral"),
    flag("atHome"),
    whole("hiringSource"),
    Field::code("ntLoginName"),
    flag("customerCard"),
    Field::text("custom1"),
    Field::text("custom2"),
    Field::text("custom3"),
    Field::text("custom4"),
    Field::text("custom5"),
    whole("scheduleNotification"),
    Field::code("federatedId"),
    flag("useTeamEmailAutoParkingLimit"),
    whole("maxEmailAutoParkingLimit"),
    Field::code("sipUser"),
    Field::code("systemUser"),
    Field::code("systemDomain"),
    Field::code("crmUserName"),
    flag("useAgentTimeZone"),
    flag("sendEmailNotifications"),
    Field::code("telephone1"),
    Field::code("telephone2"),
    flag("requestContact"),
    whole("chatThreshold"),
    flag("useTeamChatThreshold"),
    whole("emailThreshold"),
    flag("useTeamEmailThreshold"),
    whole("workItemThreshold"),
    flag("useTeamWorkItemThreshold"),
    whole("smsThreshold"),
    flag("useTeamSmsThreshold"),
    whole("digitalThreshold"),
    flag("useTeamDigitalThreshold"),
    whole("voiceThreshold"),
    flag("useTeamVoiceThreshold"),
    flag("contactAutoFocus"),
    flag("useTeamContactAutoFocus"),
    flag("useTeamRequestContact"),
    Field::text("deliveryMode"),
    whole("totalContactCount"),
    flag("useTeamDeliveryModeSettings"),
    flag("isBillable"),
    Field::text("address1"),
    Field::text("address2"),
    Field::code("zipCode"),
    flag("noFixedAddress"),
    Field::cleared("skills", RATED),
    Field::kept("skills+", RATED),
    Field::kept("skills-", Kind::NameList),
    Field::read_only("displayName", "CXone makes it of `firstName` and `lastName`: set those"),
    Field::read_only("middleName", "CXone shows it and takes no new one; delete the column"),
    Field::read_only("status", "set `active` to `false` to deactivate, to `true` to revive"),
    // Columns of the vendor's own bulk upload that are no fields.
    Field::read_only(
        "Row Changed",
        "CXone's upload works only on the rows that say Y: keep those, and delete the column",
    ),
    Field::read_only("Invite", "Paceline sends no invitations: delete the column"),
    Field::read_only("loginAuthenticatorId", "it is assigned in CXone's own administration; delete the column"),
];

/// Other spellings: the API's of both records, and the columns of the vendor's own bulk upload.
const ALIASES: &[(&str, &str)] = &[
    ("emailAddress", "email"),
    ("Email Address", "email"),
    ("Username", "userName"),
    ("First Name", "firstName"),
    ("Last Name", "lastName"),
    ("Role Name", "role"),
    ("roleName", "role"),
    ("Team Name", "team"),
    ("teamName", "team"),
    ("team.name", "team"),
    ("teamId", "team"),
    ("User ID", "userId"),
    ("Agent ID", "agentId"),
    ("Mobile Number", "mobileNumber"),
    ("Time Zone", "timeZone"),
    ("Hire Date", "hireDate"),
    ("Rank", "rank"),
    ("emailRefusalTimeOut", "emailRefusalTimeout"),
    ("voicemailRefusalTimeOut", "voicemailRefusalTimeout"),
];

/// Fields of the user's record; all others are the agent's.
const OF_THE_USER: &[&str] = &[
    "firstName",
    "lastName",
    "email",
    "userName",
    "role",
    "mobileNumber",
    "rank",
    "timeZone",
    "hireDate",
    "externalIdentity",
    "billable",
    "assignedGroup",
];

/// The field table.
pub(super) const TABLE: Table = Table {
    keys: &["id", "agentId", "userId", "userName", "email"],
    id_kind,
    joined_ids: true,
    fields: FIELDS,
    clear_words: &["[!***REMOVE***!]"],
    aliases: ALIASES,
    importer: Importer::NONE,
};

/// An agent's id is a number, a user's a UUID; both together, as an export writes them, are joined by a slash.
fn id_kind(value: &str) -> &'static str {
    match value {
        both if both.contains('/') => "id",
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => "agentId",
        _ => "userId",
    }
}

/// What a column is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface {
    /// A field of the user's record, written by its PUT.
    User,
    /// Whether the user is active.
    Active,
    /// A field of the agent's record.
    Agent,
    /// The agent's skills.
    Skills,
    /// The team: the user's, where the row sets other fields of the user, else the agent's, many a call.
    Team,
}

pub(super) fn surface(column: &str) -> Surface {
    match column {
        "active" => Surface::Active,
        "team" => Surface::Team,
        "skills" | "skills+" | "skills-" => Surface::Skills,
        _ if OF_THE_USER.contains(&column) || attribute(column).is_some() => Surface::User,
        _ => Surface::Agent,
    }
}

/// The custom attribute that a column sets.
pub(super) fn attribute(column: &str) -> Option<&str> {
    column.strip_prefix("customAttributes.")
}

/// The column's name in the API's JSON. Reads and writes differ in case in places; reads are looked up without.
pub(super) fn written(column: &str) -> &str {
    match column {
        "email" => "emailAddress",
        "emailRefusalTimeout" => "emailRefusalTimeOut",
        "voicemailRefusalTimeout" => "voicemailRefusalTimeOut",
        other => other,
    }
}

/// What of a person's two records some columns need.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) user: bool,
    pub(super) agent: bool,
    pub(super) skills: bool,
}

impl Needs {
    pub(super) fn of<'a>(columns: impl Iterator<Item = &'a String> + Clone) -> Self {
        let has = |wanted: Surface| columns.clone().any(|column| surface(column) == wanted);
        let user = has(Surface::User);
        let skills = has(Surface::Skills);
        let team = has(Surface::Team) && !user;
        Self { user: user || has(Surface::Active), agent: has(Surface::Agent) || skills || team, skills }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rows_columns_decide_which_record_it_touches() {
        let needs = |columns: &[&str]| {
            let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
            let Needs { user, agent, skills } = Needs::of(columns.iter());
            (user, agent, skills)
        };
        assert_eq!(needs(&["custom1", "phoneRefusalTimeout"]), (false, true, false));
        assert_eq!(needs(&["skills+"]), (false, true, true));
        assert_eq!(needs(&["team"]), (false, true, false));
        assert_eq!(needs(&["team", "role"]), (true, false, false));
        assert_eq!(needs(&["customAttributes.Floor", "custom1"]), (true, true, false));
        assert_eq!(needs(&["active"]), (true, false, false));
    }

    #[test]
    fn every_alias_stands_for_a_column_or_key() {
        for (alias, column) in ALIASES {
            assert!(TABLE.field(column).is_some() || TABLE.key(column).is_some(), "{alias}");
        }
        for column in OF_THE_USER {
            assert!(TABLE.field(column).is_some(), "{column}");
        }
    }

    #[test]
    fn an_id_tells_its_kind() {
        assert_eq!([id_kind("4711"), id_kind("11e9-ab"), id_kind("4711/11e9-ab")], ["agentId", "userId", "id"]);
    }
}
