//! What is read of users, part by part and page by page, and what of it is seen.

use super::{Answer, Names, Refusal, Request, Uses};
use crate::desired::Row;
use crate::plan::Change;
use crate::user::{UserId, Version};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A user as the vendor shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its version, where the vendor has one.
    pub version: Option<Version>,
    /// Everything that was read.
    pub record: Value,
}

/// The parts of a user's record that were read: all records that came for its key, by part.
pub type Found = BTreeMap<Part, Vec<Value>>;

/// A part of a user's record that has a read of its own.
pub type Part = &'static str;

/// What is to be read next of a row's user.
#[derive(Debug, Clone, PartialEq)]
pub enum Need {
    /// This part, by this key.
    Read(Part, String),
    /// Nothing more.
    Known(Box<User>),
}

/// What a read of a part has brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Records and the keys that they were asked by. A key's case does not matter.
    pub records: Vec<(String, Value)>,
    /// What follows.
    pub more: More,
}

/// What follows a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum More {
    /// Nothing.
    #[default]
    No,
    /// Whoever is missing is on another page: asked for again.
    Again,
    /// The page of that name.
    Page(String),
}

/// A vendor's words about users as they are.
pub trait Reads {
    /// The columns that name other users by e-mail, and the part that finds them.
    fn people(&self) -> (&'static [&'static str], Part);

    /// What is to be read next of the user of a row, after these parts. A row that undoes has the change's user for its
    /// key, and its columns are the run's.
    ///
    /// # Errors
    /// Where there is no such user, or several.
    fn need(&self, row: &Row, uses: &Uses, names: &Names, found: &Found) -> Result<Need, Refusal>;

    /// Keys that a read of this part takes, where so many wait.
    fn part_width(&self, part: Part, waiting: usize) -> usize;

    /// Reads a part of these users, with what `columns` need: the first page, or the one that the last one named.
    fn read(&self, part: Part, keys: &[String], columns: &BTreeSet<String>, page: Option<&str>) -> Request;

    /// The records that the read of these keys has brought. A key without one does not exist there.
    ///
    /// # Errors
    /// Where the answer is none of this read.
    fn records(&self, part: Part, keys: &[String], page: Option<&str>, answer: &Answer) -> Result<Page, Refusal>;

    /// One page of all users, of this state where it is given, with what `columns` need; and the part that it is of.
    fn everyone(&self, state: Option<&str>, columns: &BTreeSet<String>, page: Option<&str>) -> (Part, Request);

    /// The page to ask for after this one was refused for its size: the same users begin it, and fewer are on it.
    /// `None` where it cannot be smaller.
    fn smaller_page(&self, _part: Part, _page: Option<&str>) -> Option<String> {
        None
    }

    /// What a user holds in a column, as a JSON roster writes it; `null` where it is empty or not known.
    fn value(&self, user: &User, column: &str) -> Value;

    /// Where the effect of a change is seen: the part of its user, and the key.
    fn seen_in(&self, change: &Change) -> (Part, String);

    /// The user as that part shows it; `None` where there is none any more.
    fn seen(&self, change: &Change, records: &[Value]) -> Option<User>;

    /// What `user` holds now of what `change` touches, as [`Change::after`] writes it.
    fn holds(&self, change: &Change, user: &User) -> Map<String, Value>;
}
