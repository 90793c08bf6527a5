//! What the run works through.

use super::Sqlite;
use super::columns::{json, outcome, split};
use crate::{Duplicate, Error, Roster, RowRecord};
use paceline_core::desired::Row;
use paceline_core::user::UserKey;
use paceline_core::vendor::{Refusal, UNDO};
use rusqlite::functions::FunctionFlags;
use rusqlite::params;
use std::collections::BTreeSet;

impl Roster for Sqlite {
    fn import(&mut self, next: &mut dyn FnMut() -> Option<Row>) -> Result<u64, Error> {
        let rows = self.step(|transaction| {
            let mut insert =
                transaction.prepare("INSERT INTO row (number, line, key, user, fields) VALUES (?1, ?2, ?3, ?4, ?5)")?;
            let mut rows = 0;
            while let Some(row) = next() {
                let fields = serde_json::to_string(&row.fields).unwrap_or_default();
                insert.execute(params![row.number, row.line, row.key.column, row.key.value, fields])?;
                rows += 1;
            }
            Ok(rows)
        })?;
        // A new file's first transaction needs no log; every later one is in the log.
        self.write_ahead()?;
        Ok(rows)
    }

    fn rows(&mut self, after: u64, limit: u32, new: bool) -> Result<Vec<RowRecord>, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT number, line, key, user, fields, outcome, status, code, message, correlation, attempts, changed
                 FROM row WHERE number > ?1 AND (phase = 0 OR NOT ?3) ORDER BY number LIMIT ?2",
            )?;
            let rows = statement.query_map(params![after, limit, new], |row| {
                Ok(RowRecord {
                    row: Row {
                        number: row.get(0)?,
                        line: row.get(1)?,
                        key: UserKey { column: row.get(2)?, value: row.get(3)? },
                        fields: json(row, 4)?,
                    },
                    outcome: outcome(row.get(5)?),
                    refusal: Refusal {
                        status: row.get(6)?,
                        code: row.get(7)?,
                        message: row.get(8)?,
                        correlation_id: row.get(9)?,
                    },
                    attempts: row.get(10)?,
                    changed: row.get::<_, Option<String>>(11)?.map(|columns| split(&columns)).unwrap_or_default(),
                })
            })?;
            rows.collect()
        })
    }

    fn duplicates(&mut self, limit: u32) -> Result<Vec<Duplicate>, Error> {
        self.with(|connection| {
            // Two spellings of one user are one: core says which are.
            let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
            connection.create_scalar_function("canonical", 2, flags, |values| {
                Ok(UserKey { column: values.get(0)?, value: values.get(1)? }.canonical())
            })?;
            connection.execute_batch(
                "CREATE TEMP TABLE twice AS SELECT canonical(key, user) AS canonical, min(number) AS first
                     FROM row GROUP BY canonical HAVING count(*) > 1;
                 CREATE UNIQUE INDEX temp.twice_canonical ON twice (canonical);",
            )?;
            let mut statement = connection.prepare(
                "SELECT row.user, row.line, earlier.line FROM row
                 JOIN twice ON twice.canonical = canonical(row.key, row.user)
                 JOIN row earlier ON earlier.number = twice.first WHERE row.number <> twice.first
                 ORDER BY row.number LIMIT ?1",
            )?;
            let found = statement.query_map([limit], |row| {
                Ok(Duplicate { user: row.get(0)?, line: row.get(1)?, first_line: row.get(2)? })
            })?;
            let found = found.collect::<rusqlite::Result<_>>()?;
            drop(statement);
            connection.execute_batch("DROP TABLE temp.twice")?;
            Ok(found)
        })
    }

    fn end_duplicates(&mut self, refusal: &Refusal) -> Result<u64, Error> {
        self.step(|transaction| {
            // Rows that name their users by id alone were compared when they were taken in.
            let by_id: bool =
                transaction
                    .query_row("SELECT NOT EXISTS (SELECT 1 FROM row WHERE key <> 'id')", [], |row| row.get(0))?;
            if by_id {
                return Ok(0);
            }
            // Vendors' ids have no case.
            transaction.execute_batch("CREATE INDEX IF NOT EXISTS row_by_lower_id ON row (lower(id))")?;
            let ended = transaction.execute(
                "UPDATE row SET phase = 2, outcome = 'failed', code = ?1, message = ?2, changes = 0, pending = 0
                 WHERE phase = 1 AND EXISTS (
                     SELECT 1 FROM row AS earlier
                     WHERE lower(earlier.id) = lower(row.id) AND earlier.number < row.number AND earlier.outcome IS NOT 'failed')",
                params![refusal.code, refusal.message],
            )?;
            Ok(ended as u64)
        })
    }

    fn keys(&mut self) -> Result<BTreeSet<String>, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare("SELECT DISTINCT key FROM row")?;
            let keys = statement.query_map([], |row| row.get(0))?;
            keys.collect()
        })
    }

    fn values(&mut self, column: &str) -> Result<Vec<String>, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare(
                "SELECT DISTINCT value FROM (SELECT fields ->> ?1 AS value FROM row WHERE phase = 0) WHERE value IS NOT NULL",
            )?;
            // A quoted key is taken as it is, dots and all.
            let values = statement.query_map([format!("$.\"{column}\"")], |row| row.get(0))?;
            values.collect()
        })
    }

    fn undone_groups(&mut self, kind: &str) -> Result<Vec<String>, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare(&format!(
                "SELECT DISTINCT change.value ->> '$.key.group' FROM row, json_each(row.fields, '$.{UNDO}') AS change
                 WHERE phase = 0 AND change.value ->> '$.kind' = ?1"
            ))?;
            let groups = statement.query_map([kind], |row| row.get(0))?;
            groups.collect()
        })
    }
}
