//! How much goes in one call: every page size and width, with its source. No number is published for any of these calls, in
//! the descriptions or elsewhere: all are ours, and what is refused for its size is halved.

use crate::limit::Limit;
use paceline_core::plan::Change;

/// Rows of a page of the Admin API.
pub(super) const ADMIN_PAGE: Limit = Limit::ours(1_000, "help pages: 1,000 records a batch at most");
/// Rows of a page of UserHub.
pub(super) const HUB_PAGE: Limit = Limit::ours(500, "refused pages are halved");
/// The smallest page that is asked for where larger ones are refused for their size.
pub(super) const LEAST_PAGE: Limit = Limit::ours(25, "below it a page's size is not what is wrong");
/// Pages of one list.
pub(super) const PAGES: Limit = Limit::ours(20_000, "a list that claims more does not end");
/// Agents that are searched by id at once.
pub(super) const AGENTS: Limit = Limit::ours(500, "refused reads are halved");
/// Users that are searched by id, name or e-mail at once.
pub(super) const USERS: Limit = Limit::ours(100, "as many as a write carries");
/// Agents whose skills are picked from those of everybody at once.
pub(super) const SKILLS: Limit = Limit::ours(2_000, "people whose skills are worth the reading of everybody's");
/// Rows that are looked up one by one: of more, the list of everybody is fewer calls.
pub(super) const FEW: Limit = Limit::ours(20, "so few calls cost no more than the pages of a list");

/// Users that a call of this change's kind carries.
pub(super) fn width(change: &Change) -> Limit {
    match change.kind.as_str() {
        "agent" | "team" | "skills+" | "skills-" | "active-" => {
            Limit::ours(100, "a tenth of the help pages' 1,000 records a batch; halved where the whole is refused")
        }
        _ => Limit::ours(1, "the call is for one user"),
    }
}
