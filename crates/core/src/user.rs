//! Who is updated, and where in the roster it says so.

use crate::roster::{shown, visible};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The vendor's id of a user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub String);

impl UserId {
    /// The id as the vendor writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The vendor's counter of a user's changes, sent back with a write so that no colleague's change is lost.
pub type Version = i64;

/// How a row names its user: by the column `id`, or by another one that the vendor can be searched by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserKey {
    /// The key column, as the vendor's field table spells it (`id`, `email`).
    pub column: String,
    /// What the row says there.
    pub value: String,
}

impl UserKey {
    /// Names a user by the vendor's id.
    pub fn id(value: impl Into<String>) -> Self {
        Self { column: "id".into(), value: value.into() }
    }

    /// The id, where the row names its user by it.
    pub fn as_id(&self) -> Option<UserId> {
        (self.column == "id").then(|| UserId(self.value.clone()))
    }

    /// The spelling that duplicates are found by. No vendor's key has a case, ids neither.
    pub fn canonical(&self) -> String {
        format!("{}:{}", self.column, crate::roster::fold(&self.value))
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)
    }
}

/// A place in a roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The roster as the user named it.
    pub file: Arc<str>,
    /// The line, from 1; where the roster has none (a sheet), the row.
    pub line: u64,
    /// The column by its name, where one is to blame.
    pub column: Option<String>,
}

impl Place {
    /// A line of a roster.
    pub fn line(file: &Arc<str>, line: u64) -> Self {
        Self { file: Arc::clone(file), line, column: None }
    }

    /// A column of the same line.
    pub fn column(&self, column: impl Into<String>) -> Self {
        Self { column: Some(column.into()), ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", visible(&self.file), self.line)?;
        self.column.as_ref().map_or(Ok(()), |column| write!(f, ": column `{}`", shown(column)))
    }
}
