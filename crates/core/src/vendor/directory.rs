//! What a run reads of the tenant, once: whose users they are, the token's quota, and the lists that names are in.

use super::{Answer, Names, Refusal, Request};
use crate::pace::Quota;
use std::collections::{BTreeMap, BTreeSet};

/// Whose users they are.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tenant {
    /// The vendor's id of it.
    pub id: String,
    /// Its name for people; the id where it has none.
    pub name: String,
}

/// What a roster uses, as far as it bears on what is read for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Uses {
    /// Its columns.
    pub columns: BTreeSet<String>,
    /// The columns that its rows name their users by.
    pub keys: BTreeSet<String>,
    /// Its rows that are not ended.
    pub rows: u64,
    /// The different values that it has in [`Facts::valued`](super::Facts::valued); an undo's are the groups of its changes of that kind.
    pub values: BTreeMap<String, BTreeSet<String>>,
    /// Whether it takes another run back: its objects are known by their ids.
    pub undo: bool,
    /// Whether deleted users may be edited, where the roster has a column `state` to restore them by.
    pub include_deleted: bool,
}

/// A vendor's words about the tenant.
pub trait Directory {
    /// A harmless call that shows that a token works.
    fn whoami(&self) -> Request;

    /// What [`Directory::whoami`]'s answer says of the tenant; `None` where it does not tell.
    fn tenant(&self, answer: &Answer) -> Option<Tenant>;

    /// The call that tells the token's quota, where there is one.
    fn quota_request(&self) -> Option<Request>;

    /// The quota that it tells.
    fn quota(&self, answer: &Answer) -> Option<Quota>;

    /// The tenant's lists that a roster needs.
    fn lists(&self, uses: &Uses) -> Vec<&'static str>;

    /// The lists that a roster needs as is seen once those of [`Directory::lists`] are read.
    fn further_lists(&self, _uses: &Uses, _names: &Names) -> Vec<String> {
        vec![]
    }

    /// One page of a list: the first, or the one that the last one pointed to.
    fn list(&self, list: &str, next: Option<&str>) -> Request;

    /// Takes in what a page holds; says where the next one is.
    ///
    /// # Errors
    /// Where the answer is no page of it.
    fn listed(
        &self,
        list: &str,
        next: Option<&str>,
        answer: &Answer,
        names: &mut Names,
    ) -> Result<Option<String>, Refusal>;
}
