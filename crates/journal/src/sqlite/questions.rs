//! What is asked of a run.

use super::Sqlite;
use super::columns::{change_columns, outcome, taken};
use crate::{Canary, Error, Questions};
use paceline_core::plan::Change;
use paceline_core::summary::{Counts, Failure};
use rusqlite::params;

impl Questions for Sqlite {
    fn counts(&mut self) -> Result<Counts, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare("SELECT outcome, count(*) FROM row GROUP BY outcome")?;
            let mut rows = statement.query([])?;
            let mut counts = Counts::default();
            while let Some(row) = rows.next()? {
                counts.add(outcome(row.get(0)?), row.get(1)?);
            }
            Ok(counts)
        })
    }

    fn failures(&mut self, limit: u32) -> Result<Vec<Failure>, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare(
                "SELECT number, user, status, code, message, correlation FROM row
                 WHERE outcome IN ('failed', 'conflict') ORDER BY number LIMIT ?1",
            )?;
            let rows = statement.query_map([limit], |row| {
                Ok(Failure {
                    row: row.get(0)?,
                    user: row.get(1)?,
                    status: row.get(2)?,
                    code: row.get(3)?,
                    message: row.get(4)?,
                    correlation_id: row.get(5)?,
                })
            })?;
            rows.collect()
        })
    }

    fn canary(&mut self, rows: u64) -> Result<Canary, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare(
                "SELECT max(number), outcome, count(*)
                 FROM (SELECT number, outcome FROM row WHERE changes > 0 ORDER BY number LIMIT ?1) GROUP BY outcome",
            )?;
            let mut found = statement.query([i64::try_from(rows).unwrap_or(i64::MAX)])?;
            let mut canary = Canary::default();
            while let Some(group) = found.next()? {
                canary.through = canary.through.max(group.get(0)?);
                canary.counts.add(outcome(group.get(1)?), group.get(2)?);
            }
            Ok(canary)
        })
    }

    fn planned(&mut self) -> Result<Vec<(String, String, u64)>, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare(
                "SELECT c.kind, c.grp, count(*) FROM change c JOIN row r ON r.number = c.row
                 WHERE c.state = 0 AND r.phase = 1 GROUP BY c.stage, c.kind, c.grp ORDER BY c.stage, c.kind, c.grp",
            )?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
        })
    }

    fn touching(&mut self, key: &str, value: Option<&str>) -> Result<u64, Error> {
        self.with(|connection| {
            connection.query_row(
                "SELECT count(*) FROM (SELECT c.after ->> ?1 AS found FROM change c JOIN row r ON r.number = c.row
                                       WHERE c.state = 0 AND r.phase = 1)
                 WHERE found IS NOT NULL AND (?2 IS NULL OR CAST(found AS TEXT) = ?2)",
                params![format!("$.\"{key}\""), value],
                |row| row.get(0),
            )
        })
    }

    fn diff(&mut self, after: u64, limit: u32) -> Result<Vec<Change>, Error> {
        self.step(|transaction| {
            // Changes are kept in the order of sending: to be shown by row they need a way there.
            transaction.execute_batch("CREATE INDEX IF NOT EXISTS change_by_row ON change (row)")?;
            let mut statement = transaction.prepare_cached(
concat!(
                "SELECT ",
                change_columns!(),
                " FROM change c JOIN row r ON r.number = c.row
                 WHERE c.state = 0 AND c.row IN (SELECT number FROM row WHERE phase = 1 AND number > ?1 ORDER BY number LIMIT ?2)
                 ORDER BY c.row, c.stage, c.grp",
            ))?;
            let changes = statement.query_map(params![after, limit], |row| Ok(taken(row)?.change))?;
            changes.collect()
        })
    }

    fn made(&mut self, after: u64, rows: u32) -> Result<Vec<Change>, Error> {
        self.step(|transaction| {
            // Changes are kept in the order of sending: what was made is found by row with this.
            transaction
                .execute_batch("CREATE INDEX IF NOT EXISTS change_made ON change (row) WHERE state IN (1, 2)")?;
            let mut statement = transaction.prepare_cached(concat!(
                "WITH made AS (
                     SELECT DISTINCT c.row FROM change c JOIN row r ON r.number = c.row
                     WHERE c.state IN (1, 2) AND (c.state = 2 OR r.phase = 2) AND c.row > ?1 ORDER BY c.row LIMIT ?2)
                 SELECT ",
                change_columns!(),
                " FROM made JOIN change c ON c.row = made.row JOIN row r ON r.number = c.row
                 WHERE c.state IN (1, 2) AND (c.state = 2 OR r.phase = 2)
                 ORDER BY c.row, c.stage, c.grp",
            ))?;
            let changes = statement.query_map(params![after, rows], |row| Ok(taken(row)?.change))?;
            changes.collect()
        })
    }

    fn in_doubt(&mut self) -> Result<u64, Error> {
        self.with(|connection| {
            connection.query_row(
                "SELECT count(*) FROM change c JOIN row r ON r.number = c.row WHERE c.state = 1 AND r.phase = 1",
                [],
                |row| row.get(0),
            )
        })
    }

    fn check(&mut self) -> Result<(), Error> {
        let verdict: String =
            self.with(|connection| connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)))?;
        if verdict == "ok" { Ok(()) } else { Err(Error::Corrupt { path: self.path.clone(), why: verdict }) }
    }
}
