//! The journal in SQLite: a write-ahead log, synced on every commit.

mod schema;

use crate::store::{Hold, create_private_file};
use crate::{Canary, Duplicate, Entry, Error, Journal, NewRun, Phase, RowRecord, RunRecord, Taken};
use paceline_core::desired::Row;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::summary::{Counts, Failure, Outcome, State};
use paceline_core::user::{UserId, UserKey};
use paceline_core::vendor::{BLIND, Refusal, UNDO};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// One run's journal.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// The schema that it has: an older one's where it is only looked at.
    schema: i64,
    /// Held as long as the journal is.
    _hold: Option<Hold>,
    /// A copy that is looked at because the journal's own directory cannot be written; gone with it.
    _copy: Option<TempDir>,
}

impl Sqlite {
    /// A journal that ends with the process: for `check`, and for tests.
    pub fn temporary(run: &NewRun) -> Result<Self, Error> {
        // An empty path is SQLite's temporary file: on disk when it grows, gone when it is closed.
        Self::begin(Path::new(""), run, None)
    }

    pub(crate) fn create(path: &Path, run: &NewRun, hold: Hold) -> Result<Self, Error> {
        create_private_file(path)?;
        Self::begin(path, run, Some(hold))
    }

    fn begin(path: &Path, run: &NewRun, hold: Option<Hold>) -> Result<Self, Error> {
        let mut journal = Self { _hold: hold, ..Self::connect(path, path, OpenFlags::default())? };
        journal.schema = schema::KNOWN;
        journal.with(|connection| {
            lean(connection)?;
            schema::begin(connection, |transaction| {
                let values =
                    params![run.id, run.vendor, run.command, run.roster, run.created, run.settings.to_string()];
                let insert =
                    "INSERT INTO run (id, vendor, command, roster, created, settings) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                transaction.execute(insert, values).map(drop)
            })
        })?;
        Ok(journal)
    }

    /// Opens the file `at`; what goes wrong is told of `path`.
    fn connect(at: &Path, path: &Path, flags: OpenFlags) -> Result<Self, Error> {
        let connection = Connection::open_with_flags(at, flags).map_err(|error| Error::sqlite(path, &error))?;
        Ok(Self { connection, path: path.to_owned(), schema: 0, _hold: None, _copy: None })
    }

    /// Opens a journal to go on with it.
    pub(crate) fn open(path: &Path, hold: Hold) -> Result<Self, Error> {
        let mut journal = Self { _hold: Some(hold), ..Self::connect(path, path, existing())? };
        journal.learn_schema()?;
        journal.check()?;
        let found = std::mem::replace(&mut journal.schema, schema::KNOWN);
        journal.with(|connection| schema::migrate(connection, found))?;
        journal.write_ahead()?;
        Ok(journal)
    }

    /// An error where the file is damaged: SQLite's structure is checked whole. A byte that was changed inside a text is not
    /// found so; nothing in the file tells it from one that was written.
    pub fn check(&mut self) -> Result<(), Error> {
        let verdict: String =
            self.with(|connection| connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)))?;
        if verdict == "ok" { Ok(()) } else { Err(Error::Corrupt { path: self.path.clone(), why: verdict }) }
    }

    /// Opens a journal to look at it. Where its directory cannot be written, which SQLite needs for the log's index, a
    /// copy is looked at.
    pub(crate) fn look(path: &Path) -> Result<Self, Error> {
        let look = |at: &Path| {
            let mut journal = Self::connect(at, path, existing())?;
            journal.learn_schema().map(|()| journal)
        };
        match look(path) {
            Err(Error::NotWritable { .. }) => {
                let copy = copied(path).map_err(|error| Error::io(path, &error))?;
                let journal = look(&copy.path().join("journal.db"))?;
                Ok(Self { _copy: Some(copy), ..journal })
            }
            looked => looked,
        }
    }

    fn learn_schema(&mut self) -> Result<(), Error> {
        let found: i64 =
            self.with(|connection| connection.pragma_query_value(None, "user_version", |row| row.get(0)))?;
        if found == 0 {
            // Its process died before it had begun.
            let run = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            return Err(Error::NoSuchRun { run, dir: self.path.parent().unwrap_or(&self.path).to_owned() });
        }
        if found > schema::KNOWN {
            return Err(Error::TooNew { path: self.path.clone(), found, known: schema::KNOWN });
        }
        self.schema = found;
        self.with(|connection| lean(connection))
    }

    /// From here on every commit is one append and one sync.
    fn write_ahead(&mut self) -> Result<(), Error> {
        self.with(|connection| {
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", "full")
        })
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        act(&mut self.connection).map_err(|error| Error::sqlite(&self.path, &error))
    }

    fn step<T>(&mut self, act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Error> {
        self.with(|connection| {
            let transaction = connection.transaction()?;
            let done = act(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
    }
}

/// To read and write, as far as the file's rights go; never to create.
fn existing() -> OpenFlags {
    OpenFlags::default() & !OpenFlags::SQLITE_OPEN_CREATE
}

/// A copy of a journal and of its log, readable by its owner only.
fn copied(path: &Path) -> std::io::Result<TempDir> {
    let dir = tempfile::tempdir()?;
    for suffix in ["", "-wal"] {
        let from = PathBuf::from(format!("{}{suffix}", path.display()));
        let to = dir.path().join(format!("journal.db{suffix}"));
        match std::fs::copy(&from, &to) {
            // A copy keeps the rights: it must be writable where the original is not.
            Ok(_) => std::fs::set_permissions(&to, writable(&to)?)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && suffix == "-wal" => {}
            Err(error) => return Err(error),
        }
    }
    Ok(dir)
}

fn writable(path: &Path) -> std::io::Result<Permissions> {
    let mut permissions = std::fs::metadata(path)?.permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    #[cfg(not(unix))]
    permissions.set_readonly(false);
    Ok(permissions)
}

/// Memory must not grow with the roster: a cache of 1 MB holds a block's pages, and sorting spills to disk.
fn lean(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -1024)?;
    connection.pragma_update(None, "temp_store", "file")
}

/// What [`taken`] reads of a change `c` and its row `r`, in its order.
macro_rules! change_columns {
    () => {
        "c.stage, c.grp, c.row, c.kind, c.user, c.before, coalesce(c.after, r.fields), c.columns,
         coalesce(r.version, c.version), r.changes, r.pending"
    };
}

const CHANGE: &str = concat!(
    "SELECT ",
    change_columns!(),
    " FROM change c JOIN row r ON r.number = c.row
      WHERE (c.stage, c.grp, c.row) > (?1, ?2, ?3) AND c.state = ?4 AND r.phase = 1 AND c.row <= ?6
      ORDER BY c.stage, c.grp, c.row LIMIT ?5"
);

fn changes(
    transaction: &Transaction<'_>,
    after: Option<&ChangeKey>,
    state: u8,
    through: u64,
    limit: u32,
) -> rusqlite::Result<Vec<Taken>> {
    let through = i64::try_from(through).unwrap_or(i64::MAX);
    let (stage, group, row) = after.map_or((-1, "", 0), |key| (i64::from(key.stage), key.group.as_str(), key.row));
    let mut statement = transaction.prepare_cached(CHANGE)?;
    let rows = statement.query_map(params![stage, group, row, state, limit, through], taken)?;
    rows.collect()
}

fn mark(transaction: &Transaction<'_>, taken: &[Taken]) -> rusqlite::Result<()> {
    let mut mark =
        transaction.prepare_cached("UPDATE change SET state = 1 WHERE stage = ?1 AND grp = ?2 AND row = ?3")?;
    for Taken { change: Change { key, .. }, .. } in taken {
        mark.execute(params![key.stage, key.group, key.row])?;
    }
    Ok(())
}

fn taken(found: &rusqlite::Row<'_>) -> rusqlite::Result<Taken> {
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

fn split(columns: &str) -> Vec<String> {
    columns.split(JOINT).filter(|column| !column.is_empty()).map(str::to_owned).collect()
}

fn join(columns: &[String]) -> String {
    columns.join("\u{1f}")
}

fn json<T: DeserializeOwned>(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<T> {
    parse(at, row.get_ref(at)?.as_str()?)
}

fn parse<T: DeserializeOwned>(at: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error)))
}

fn json_if_any<T: DeserializeOwned>(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<String>>(at)?.map(|text| parse(at, &text)).transpose()
}

/// The numbers of phases: in the order of their invention.
const PHASES: [(Phase, u8); 5] =
    [(Phase::Importing, 0), (Phase::Planning, 1), (Phase::Planned, 4), (Phase::Sending, 2), (Phase::Ended, 3)];

fn phase(number: u8) -> Phase {
    PHASES.into_iter().find(|(_, known)| *known == number).map_or(Phase::Ended, |(phase, _)| phase)
}

fn phase_number(phase: Phase) -> u8 {
    PHASES.into_iter().find(|(known, _)| *known == phase).map_or(0, |(_, number)| number)
}

fn outcome(word: Option<String>) -> Outcome {
    word.as_deref().and_then(Outcome::parse).unwrap_or(Outcome::Pending)
}

impl Journal for Sqlite {
    fn record(&mut self) -> Result<RunRecord, Error> {
        // A journal of before is looked at as it will be once it is migrated.
        let columns = if self.schema >= 2 {
            "phase, tenant, (SELECT entry FROM consent ORDER BY number DESC LIMIT 1)"
        } else {
            "CASE WHEN phase = 2 AND NOT EXISTS (SELECT 1 FROM change WHERE state <> 0) THEN 4 ELSE phase END, NULL, NULL"
        };
        let query =
            format!("SELECT id, vendor, command, roster, created, settings, state, halt, effort, {columns} FROM run");
        let found = self.with(|connection| {
            connection
                .query_row(&query, [], |row| {
                    let state: Option<String> = row.get(6)?;
                    Ok(RunRecord {
                        run: NewRun {
                            id: row.get(0)?,
                            vendor: row.get(1)?,
                            command: row.get(2)?,
                            roster: row.get(3)?,
                            created: row.get(4)?,
                            settings: json(row, 5)?,
                        },
                        state: State::ALL.into_iter().find(|known| state.as_deref() == Some(known.as_str())),
                        halt: json_if_any(row, 7)?,
                        effort: json_if_any(row, 8)?.unwrap_or_default(),
                        phase: phase(row.get(9)?),
                        tenant: json_if_any(row, 10)?,
                        consent: json_if_any(row, 11)?,
                    })
                })
                .optional()
        })?;
        found.ok_or_else(|| Error::Corrupt { path: self.path.clone(), why: "it holds no run".into() })
    }

    fn keep(&mut self, command: &str, settings: &Value) -> Result<(), Error> {
        let kept = params![command, settings.to_string()];
        self.with(|connection| connection.execute("UPDATE run SET command = ?1, settings = ?2", kept).map(drop))
    }

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

    fn keys(&mut self) -> Result<BTreeSet<String>, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare("SELECT DISTINCT key FROM row")?;
            let keys = statement.query_map([], |row| row.get(0))?;
            keys.collect()
        })
    }

    fn append(&mut self, entries: &[Entry]) -> Result<(), Error> {
        self.step(|transaction| entries.iter().try_for_each(|entry| write(transaction, entry)))
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

    fn take(&mut self, after: Option<&ChangeKey>, through: u64, limit: u32) -> Result<Vec<Taken>, Error> {
        // What a file that is gone says of what may be sent, no resume would ever read.
        self.kept_in_place()?;
        self.step(|transaction| {
            let taken = changes(transaction, after, PLANNED, through, limit)?;
            mark(transaction, &taken)?;
            Ok(taken)
        })
    }

    fn take_spread(&mut self, after: &ChangeKey, through: u64, limit: u32) -> Result<Vec<Taken>, Error> {
        self.kept_in_place()?;
        self.step(|transaction| {
            let last: Option<u64> = transaction.query_row(
                "SELECT max(row) FROM change
                 WHERE stage = ?1 AND grp = ?2 AND row > ?3 AND row <= ?4 AND state = ?5",
                params![after.stage, after.group, after.row, i64::try_from(through).unwrap_or(i64::MAX), PLANNED],
                |row| row.get(0),
            )?;
            let Some(last) = last else { return Ok(vec![]) };
            let mut taken: Vec<Taken> = vec![];
            // The first at or after each place: how evenly they stand does not matter.
            for number in (1..=u64::from(limit)).rev() {
                let place = after.row + (last - after.row) * number / u64::from(limit);
                let before = ChangeKey { row: place.saturating_sub(1).max(after.row), ..after.clone() };
                let found = changes(transaction, Some(&before), PLANNED, last, 1)?.into_iter().find(|found| {
                    let Taken { change: Change { key, .. }, .. } = found;
                    (key.stage, &key.group) == (after.stage, &after.group)
                        && taken.iter().all(|taken| taken.change.key != *key)
                });
                taken.extend(found);
            }
            mark(transaction, &taken)?;
            Ok(taken)
        })
    }

    fn unknown(&mut self, after: Option<&ChangeKey>, through: u64, limit: u32) -> Result<Vec<Taken>, Error> {
        self.step(|transaction| changes(transaction, after, MARKED, through, limit))
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

    fn kept_in_place(&mut self) -> Result<(), Error> {
        let temporary = self.path.as_os_str().is_empty();
        if temporary || self.path.is_file() { Ok(()) } else { Err(Error::Removed(self.path.clone())) }
    }
}

fn write(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    match entry {
        Entry::Reached(phase) => {
            transaction.execute("UPDATE run SET phase = ?1", [phase_number(*phase)])?;
        }
        Entry::Tenant(tenant) => {
            let tenant = serde_json::to_string(tenant).ok();
            transaction.execute("UPDATE run SET tenant = ?1", [tenant])?;
        }
        Entry::Settings(settings) => {
            transaction.execute("UPDATE run SET settings = ?1", [settings.to_string()])?;
        }
        Entry::Consented(consent) => {
            let entry = serde_json::to_string(consent).ok();
            transaction.execute("INSERT INTO consent (entry) VALUES (?1)", [entry])?;
            transaction.execute(
                "UPDATE run SET phase = ?2, command = iif(command = 'plan', 'apply', command) WHERE phase = ?1",
                [Phase::Planned, Phase::Sending].map(phase_number),
            )?;
        }
        Entry::Planned { row, user, changes } => planned(transaction, *row, user, changes)?,
        Entry::RowEnded { row, outcome, refusal } => row_ended(transaction, *row, *outcome, refusal, 0)?,
        Entry::Made { key, attempts, version } => {
            let Some(columns) = set_state(transaction, key, MADE, &[PLANNED, MARKED, NOT_MADE])? else { return Ok(()) };
            // A row that has ended for another change keeps its outcome; what was made of it is told all the same.
            transaction
                .prepare_cached(
                    "UPDATE row SET pending = pending - 1, attempts = attempts + ?2, version = coalesce(?3, version),
                         changed = concat_ws(char(31), changed,
                             coalesce(?4, (SELECT group_concat(each.key, char(31)) FROM json_each(fields) AS each))),
                         outcome = CASE WHEN pending = 1 AND phase = 1 THEN 'updated' ELSE outcome END,
                         phase = CASE WHEN pending = 1 AND phase = 1 THEN 2 ELSE phase END
                     WHERE number = ?1 AND phase > 0",
                )?
                .execute(params![key.row, attempts, version, columns])?;
        }
        Entry::NotMade { key, attempts, outcome, refusal } => {
            if set_state(transaction, key, NOT_MADE, &[PLANNED, MARKED])?.is_some() {
                row_ended(transaction, key.row, *outcome, refusal, *attempts)?;
            }
        }
        Entry::Withdrawn { key, attempts } => {
            if set_state(transaction, key, PLANNED, &[MARKED])?.is_some() {
                transaction
                    .prepare_cached("UPDATE row SET attempts = attempts + ?2 WHERE number = ?1")?
                    .execute(params![key.row, attempts])?;
            }
        }
        Entry::Spent(effort) => {
            let effort = serde_json::to_string(effort).ok();
            transaction.prepare_cached("UPDATE run SET effort = ?1")?.execute([effort])?;
        }
        Entry::Left { state, halt, effort } => {
            let halt = halt.as_ref().and_then(|halt| serde_json::to_string(halt).ok());
            let effort = serde_json::to_string(effort).ok();
            transaction.execute(
                "UPDATE run SET state = ?1, halt = ?2, effort = ?3",
                params![state.map(State::as_str), halt, effort],
            )?;
        }
    }
    Ok(())
}

fn planned(transaction: &Transaction<'_>, row: u64, user: &UserId, changes: &[Change]) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE row SET id = ?2, changes = ?3, pending = ?3, phase = CASE ?3 WHEN 0 THEN 2 ELSE 1 END,
                 outcome = CASE ?3 WHEN 0 THEN 'unchanged' END
             WHERE number = ?1 AND phase = 0",
        )?
        .execute(params![row, user.as_str(), changes.len()])?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO change (stage, grp, row, kind, user, before, after, columns, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for change in changes {
        let text = |map| serde_json::to_string(map).unwrap_or_default();
        // A blind change is the row's own fields: they are not written twice.
        let own = (change.kind != BLIND).then(|| (text(&change.before), text(&change.after), join(&change.columns)));
        let (before, after, columns) = own.map_or((None, None, None), |(b, a, c)| (Some(b), Some(a), Some(c)));
        let Change { key, kind, user, version, .. } = change;
        insert.execute(params![key.stage, key.group, key.row, kind, user.as_str(), before, after, columns, version])?;
    }
    Ok(())
}

fn row_ended(
    transaction: &Transaction<'_>,
    row: u64,
    outcome: Outcome,
    refusal: &Refusal,
    attempts: u32,
) -> rusqlite::Result<()> {
    let Refusal { status, code, message, correlation_id } = refusal;
    transaction
        .prepare_cached(
            "UPDATE row SET phase = 2, outcome = ?2, status = ?3, code = ?4, message = ?5, correlation = ?6,
                 attempts = attempts + ?7
             WHERE number = ?1 AND phase < 2",
        )?
        .execute(params![row, outcome.as_str(), status, code, message, correlation_id, attempts])?;
    Ok(())
}

/// The states of a change.
const PLANNED: u8 = 0;
const MARKED: u8 = 1;
const MADE: u8 = 2;
const NOT_MADE: u8 = 3;

/// Sets a change's state where it is one of `from`: what is said twice counts once. Gives back the change's columns, joined;
/// `None` where nothing was set.
fn set_state(
    transaction: &Transaction<'_>,
    key: &ChangeKey,
    state: u8,
    from: &[u8],
) -> rusqlite::Result<Option<Option<String>>> {
    let from = from.iter().fold(0, |bits, state| bits | 1u8 << state);
    transaction
        .prepare_cached(
            "UPDATE change SET state = ?4 WHERE stage = ?1 AND grp = ?2 AND row = ?3 AND (1 << state) & ?5
             RETURNING columns",
        )?
        .query_row(params![key.stage, key.group, key.row, state, from], |row| row.get(0))
        .optional()
}
