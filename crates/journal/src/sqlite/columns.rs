//! What a line of a table is as a value.

use paceline_core::entry::Phase;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::run::Taken;
use paceline_core::summary::Outcome;
use paceline_core::user::UserId;
use serde::de::DeserializeOwned;

/// What [`taken`] reads of a change `c` and its row `r`, in its order.
macro_rules! change_columns {
    () => {
        "c.stage, c.grp, c.row, c.kind, c.user, c.before, coalesce(c.after, r.fields), c.columns,
         coalesce(r.version, c.version), r.changes, r.pending"
    };
}

pub(super) use change_columns;

pub(super) fn taken(found: &rusqlite::Row<'_>) -> rusqlite::Result<Taken> {
    let kind: String = found.get(3)?;
    let after: serde_json::Map<_, _> = json(found, 6)?;
    let columns: Option<String> = found.get(7)?;
    Ok(Taken {
        change: Change {
            key: ChangeKey { stage: found.get(0)?, group: found.get(1)?, row: found.get(2)? },
            columns: columns.map_or_else(|| after.keys().cloned().collect(), |columns| split(&columns)),
            kind,
            user: UserId(found.get(4)?),
            before: found.get::<_, Option<String>>(5)?.map_or(Ok(Default::default()), |text| parse(5, &text))?,
            after,
            rest: serde_json::Map::new(),
            version: found.get(8)?,
        },
        siblings: found.get(9)?,
        left: found.get(10)?,
    })
}

/// Columns are joined by a character that no header holds.
const JOINT: char = '\u{1f}';

pub(super) fn split(columns: &str) -> Vec<String> {
    columns.split(JOINT).filter(|column| !column.is_empty()).map(str::to_owned).collect()
}

pub(super) fn join(columns: &[String]) -> String {
    columns.join("\u{1f}")
}

pub(super) fn json<T: DeserializeOwned>(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<T> {
    parse(at, row.get_ref(at)?.as_str()?)
}

pub(super) fn parse<T: DeserializeOwned>(at: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error)))
}

pub(super) fn json_if_any<T: DeserializeOwned>(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<String>>(at)?.map(|text| parse(at, &text)).transpose()
}

/// The numbers of phases: in the order of their invention.
const PHASES: [(Phase, u8); 5] =
    [(Phase::Importing, 0), (Phase::Planning, 1), (Phase::Planned, 4), (Phase::Sending, 2), (Phase::Ended, 3)];

pub(super) fn phase(number: u8) -> Phase {
    PHASES.into_iter().find(|(_, known)| *known == number).map_or(Phase::Ended, |(phase, _)| phase)
}

pub(super) fn phase_number(phase: Phase) -> u8 {
    PHASES.into_iter().find(|(known, _)| *known == phase).map_or(0, |(_, number)| number)
}

pub(super) fn outcome(word: Option<String>) -> Outcome {
    word.as_deref().and_then(Outcome::parse).unwrap_or(Outcome::Pending)
}
