//! What is about to happen and what has happened.

use super::Sqlite;
use super::columns::{change_columns, join, json, json_if_any, phase, phase_number, taken};
use crate::{Entry, Error, Log, NewRun, Owner, Phase, RunRecord, Taken};
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::summary::{Effort, Outcome, State};
use paceline_core::user::UserId;
use paceline_core::vendor::{BLIND, Refusal};
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde_json::Value;
use std::ops::Range;

impl Log for Sqlite {
    fn record(&mut self) -> Result<RunRecord, Error> {
        // A journal of before is looked at as it will be once it is migrated.
        let columns = if self.schema >= 2 {
            "phase, tenant, (SELECT entry FROM consent ORDER BY number DESC LIMIT 1)"
        } else {
            "CASE WHEN phase = 2 AND NOT EXISTS (SELECT 1 FROM change WHERE state <> 0) THEN 4 ELSE phase END, NULL, NULL"
        };
        let query = format!("SELECT id, vendor, command, roster, created, settings, state, halt, {columns} FROM run");
        let spent = if self.schema >= 3 { "owner" } else { "run" };
        let spent = format!("SELECT effort FROM {spent} WHERE effort IS NOT NULL");
        let found = self.with(|connection| {
            let mut spent = connection.prepare(&spent)?;
            let mut spent = spent.query_map([], |row| json(row, 0))?;
            let effort = spent.try_fold(Effort::default(), |sum, spent| spent.map(|spent| sum.plus(spent)))?;
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
                        effort,
                        phase: phase(row.get(8)?),
                        tenant: json_if_any(row, 9)?,
                        consent: json_if_any(row, 10)?,
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

    fn append(&mut self, entries: &[Entry]) -> Result<(), Error> {
        self.step(|transaction| entries.iter().try_for_each(|entry| write(transaction, entry)))
    }

    fn claim(&mut self, worker: &str) -> Result<Owner, Error> {
        let epoch = self.with(|connection| {
            connection.query_row(
                "INSERT INTO owner (epoch, worker) SELECT coalesce(max(epoch), 0) + 1, ?1 FROM owner RETURNING epoch",
                [worker],
                |row| row.get(0),
            )
        })?;
        Ok(Owner { worker: worker.to_owned(), epoch })
    }

    fn take(
        &mut self,
        owner: &Owner,
        after: Option<&ChangeKey>,
        through: u64,
        limit: u32,
    ) -> Result<Vec<Taken>, Error> {
        // What a file that is gone says of what may be sent, no resume would ever read.
        self.kept_in_place()?;
        self.step_of(owner, |transaction| {
            let taken = changes(transaction, after, &Of::Planned, through, limit)?;
            mark(transaction, owner, &taken)?;
            Ok(taken)
        })
    }

    fn take_spread(&mut self, owner: &Owner, after: &ChangeKey, through: u64, limit: u32) -> Result<Vec<Taken>, Error> {
        self.kept_in_place()?;
        self.step_of(owner, |transaction| {
            let (band, turn) = after.turn();
            let last: Option<u64> = transaction.query_row(
                "SELECT max(row) FROM change
                 WHERE band = ?1 AND turn = ?2 AND stage = ?3 AND grp = ?4 AND row > ?5 AND row <= ?6 AND state = ?7",
                params![band, turn, after.stage, after.group, after.row, through_limit(through), PLANNED],
                |row| row.get(0),
            )?;
            let Some(last) = last else { return Ok(vec![]) };
            let mut taken: Vec<Taken> = vec![];
            // The first at or after each place: how evenly they stand does not matter.
            for number in (1..=u64::from(limit)).rev() {
                let place = after.row + (last - after.row) * number / u64::from(limit);
                let before = ChangeKey { row: place.saturating_sub(1).max(after.row), ..after.clone() };
                let found = changes(transaction, Some(&before), &Of::Planned, last, 1)?.into_iter().find(|found| {
                    let Taken { change: Change { key, .. }, .. } = found;
                    (key.stage, &key.group) == (after.stage, &after.group)
                        && taken.iter().all(|taken| taken.change.key != *key)
                });
                taken.extend(found);
            }
            mark(transaction, owner, &taken)?;
            Ok(taken)
        })
    }

    fn unknown(
        &mut self,
        owner: &Owner,
        after: Option<&ChangeKey>,
        through: u64,
        limit: u32,
    ) -> Result<Vec<Taken>, Error> {
        self.step_of(owner, |transaction| {
            let found = changes(transaction, after, &Of::Marked(0..owner.epoch), through, limit)?;
            mark(transaction, owner, &found)?;
            Ok(found)
        })
    }

    fn marked(
        &mut self,
        owner: &Owner,
        after: Option<&ChangeKey>,
        through: u64,
        limit: u32,
    ) -> Result<Vec<Taken>, Error> {
        let own = Of::Marked(owner.epoch..owner.epoch + 1);
        self.step_of(owner, |transaction| changes(transaction, after, &own, through, limit))
    }

    fn kept_in_place(&mut self) -> Result<(), Error> {
        let temporary = self.path.as_os_str().is_empty();
        if temporary || self.path.is_file() { Ok(()) } else { Err(Error::Removed(self.path.clone())) }
    }
}

const CHANGE: &str = concat!(
    "SELECT ",
    change_columns!(),
    " FROM change c JOIN row r ON r.number = c.row
      WHERE (c.band, c.turn, c.stage, c.grp, c.row) > (?1, ?2, ?3, ?4, ?5) AND c.state = ?6 AND r.phase = 1
          AND c.row <= ?8 AND (c.state = 0 OR (coalesce(c.epoch, 0) >= ?9 AND coalesce(c.epoch, 0) < ?10))
      ORDER BY c.band, c.turn, c.stage, c.grp, c.row LIMIT ?7"
);

/// Which changes of rows that have not ended.
enum Of {
    Planned,
    /// Marked in these epochs.
    Marked(Range<u64>),
}

fn changes(
    transaction: &Transaction<'_>,
    after: Option<&ChangeKey>,
    of: &Of,
    through: u64,
    limit: u32,
) -> rusqlite::Result<Vec<Taken>> {
    let through = through_limit(through);
    let ((band, turn), stage, group, row) = after.map_or(((-1, 0), 0, "", 0), |key| {
        let (band, turn) = key.turn();
        ((i64::from(band), turn), key.stage, key.group.as_str(), key.row)
    });
    let (state, epochs) = match of {
        Of::Planned => (PLANNED, &(0..0)),
        Of::Marked(epochs) => (MARKED, epochs),
    };
    let mut statement = transaction.prepare_cached(CHANGE)?;
    let values = params![band, turn, stage, group, row, state, limit, through, epochs.start, epochs.end];
    let rows = statement.query_map(values, taken)?;
    rows.collect()
}

fn through_limit(through: u64) -> i64 {
    i64::try_from(through).unwrap_or(i64::MAX)
}

fn mark(transaction: &Transaction<'_>, owner: &Owner, taken: &[Taken]) -> rusqlite::Result<()> {
    let mut mark = transaction
        .prepare_cached("UPDATE change SET state = 1, epoch = ?6 WHERE band = ?1 AND turn = ?2 AND stage = ?3 AND grp = ?4 AND row = ?5")?;
    for Taken { change: Change { key, .. }, .. } in taken {
        let (band, turn) = key.turn();
        mark.execute(params![band, turn, key.stage, key.group, key.row, owner.epoch])?;
    }
    Ok(())
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
        Entry::Spent { epoch, effort } => {
            let effort = serde_json::to_string(effort).ok();
            transaction
                .prepare_cached("UPDATE owner SET effort = ?2 WHERE epoch = ?1")?
                .execute(params![epoch, effort])?;
        }
        Entry::Left { state, halt } => {
            let halt = halt.as_ref().and_then(|halt| serde_json::to_string(halt).ok());
            transaction.execute("UPDATE run SET state = ?1, halt = ?2", params![state.map(State::as_str), halt])?;
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
        "INSERT INTO change (band, turn, stage, grp, row, kind, user, before, after, columns, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for change in changes {
        let text = |map| serde_json::to_string(map).unwrap_or_default();
        // A blind change is the row's own fields: they are not written twice.
        let own = (change.kind != BLIND).then(|| (text(&change.before), text(&change.after), join(&change.columns)));
        let (before, after, columns) = own.map_or((None, None, None), |(b, a, c)| (Some(b), Some(a), Some(c)));
        let Change { key, kind, user, version, .. } = change;
        let ((band, turn), ChangeKey { stage, group, row }) = (key.turn(), key);
        insert.execute(params![band, turn, stage, group, row, kind, user.as_str(), before, after, columns, version])?;
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
    let (band, turn) = key.turn();
    let from = from.iter().fold(0, |bits, state| bits | 1u8 << state);
    transaction
        .prepare_cached(
            "UPDATE change SET state = ?6
             WHERE band = ?1 AND turn = ?2 AND stage = ?3 AND grp = ?4 AND row = ?5 AND (1 << state) & ?7
             RETURNING columns",
        )?
        .query_row(params![band, turn, key.stage, key.group, key.row, state, from], |row| row.get(0))
        .optional()
}
