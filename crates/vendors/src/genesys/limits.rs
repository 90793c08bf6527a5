//! How much goes in one call: every page size and width, with its source. "Description" is the API's published one.

use crate::limit::Limit;
use paceline_core::plan::Change;

/// Values of one criterion of a search.
pub(super) const SEARCHED: Limit = Limit::published(50, "page `search-limits`: 50 values a criterion");
/// Users on a page of a search.
pub(super) const HITS: Limit = Limit::published(100, "page `search-limits`: `pageSize` at most 100");
/// Users that the search shows under one address, and that are read to see whose it is.
pub(super) const HITS_OF_ONE: Limit = Limit::ours(4, "of more, the row has to name one by `id`");
/// Users that are read by id in one call.
pub(super) const USERS_BY_ID: Limit = Limit::published(100, "`GET /users`, `id`: 400 `max.user.ids`");
/// The smallest page that users are read by id with.
pub(super) const LEAST_USERS: Limit = Limit::published(25, "`GET /users`, `pageSize`: the default");
/// Users on a page of all users.
pub(super) const EVERYONE: Limit = Limit::ours(500, "the largest in use");
/// The same, where a page was refused for its size: the largest of these that begins with the same user.
pub(super) const SMALLER: &[u64] = &[100, 50, 25, 10, 5, 1];
/// Schemas whose custom attributes a list of users shows.
pub(super) const SCHEMAS: Limit = Limit::published(5, "`GET /users`, `userCustomAttributeSchemaIds`: the description");
/// A user's queues on a page.
pub(super) const QUEUES: Limit = Limit::ours(100, "as many as of a queue's members");
/// A queue's members on a page, and those whom a role is granted to.
pub(super) const MEMBERS: Limit =
    Limit::published(100, "`GET /routing/queues/{queueId}/members`, `pageSize`; asked of a role's too");
/// Pages of one of the tenant's lists: one that claims more does not end.
pub(super) const LIST_PAGES: Limit = Limit::ours(2_000, "a list that claims more does not end");
/// Pages of one user's queues.
pub(super) const QUEUE_PAGES: Limit = Limit::ours(100, "a list that claims more does not end");

/// Objects on a page of one of the tenant's lists.
pub(super) fn listed(list: &str) -> Limit {
    match list {
        "skill" | "queue" | "group" => Limit::ours(500, "the largest in use"),
        // Languages, roles, locations, teams, divisions.
        _ => Limit::ours(100, "the largest in use"),
    }
}

/// Skills or languages that one call rates.
pub(super) const RATINGS: Limit =
    Limit::published(50, "`PATCH /users/{userId}/routinglanguages/bulk`: the description");

/// Users that a call of this change's kind carries.
pub(super) fn width(change: &Change) -> Limit {
    match change.kind.as_str() {
        "autoanswer" => Limit::published(50, "`PATCH /users/bulk`: 400 `max.directory.users`"),
        "groups+" | "groups-" => Limit::published(50, "`GroupMembersUpdate`, and `ids` of the DELETE: the description"),
        "queues+" | "queues-" => Limit::published(100, "`POST /routing/queues/{queueId}/members`: the description"),
        "team" if change.key.group.starts_with('-') => {
            Limit::published(25, "`DELETE /teams/{teamId}/members`, `id`: 400 `max.user.ids`")
        }
        "team" => Limit::ours(25, "the vendor's Terraform provider"),
        "division" | "roles+" | "roles-" | "grants+" => Limit::ours(50, "as many as groups and auto-answer take"),
        _ => Limit::ours(1, "the call is for one user"),
    }
}
