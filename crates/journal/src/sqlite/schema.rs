//! The journal's tables, and how an older journal becomes a newer one.

use rusqlite::{Connection, Transaction};

/// Each step takes a journal from one schema to the next; `PRAGMA user_version` counts those taken.
const STEPS: &[&str] = &["
    CREATE TABLE run (
        id TEXT NOT NULL, vendor TEXT NOT NULL, command TEXT NOT NULL, roster TEXT NOT NULL, created TEXT NOT NULL,
        settings TEXT NOT NULL, phase INTEGER NOT NULL DEFAULT 0, -- 0 importing, 1 planning, 4 planned, 2 sending, 3 ended
        state TEXT, halt TEXT, effort TEXT
    ) STRICT;
    CREATE TABLE row (
        number INTEGER PRIMARY KEY, line INTEGER NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL, fields TEXT NOT NULL,
        id TEXT, version INTEGER,
        phase INTEGER NOT NULL DEFAULT 0, -- 0 new, 1 planned, 2 ended
        changes INTEGER NOT NULL DEFAULT 0, pending INTEGER NOT NULL DEFAULT 0,
        outcome TEXT, status INTEGER, code TEXT, message TEXT, correlation TEXT,
        attempts INTEGER NOT NULL DEFAULT 0, changed TEXT
    ) STRICT;
    CREATE TABLE change (
        stage INTEGER NOT NULL, grp TEXT NOT NULL, row INTEGER NOT NULL, kind TEXT NOT NULL, user TEXT NOT NULL,
        before TEXT, after TEXT, columns TEXT, version INTEGER,
        state INTEGER NOT NULL DEFAULT 0, -- 0 planned, 1 may be sent, 2 made, 3 not made
        PRIMARY KEY (stage, grp, row)
    ) STRICT, WITHOUT ROWID;
", "
    ALTER TABLE run ADD COLUMN tenant TEXT;
    CREATE TABLE consent (number INTEGER PRIMARY KEY, entry TEXT NOT NULL) STRICT;
    -- A run of before that has sent something had been agreed to, its canary alone where it has one; one that had only come
    -- to sending (phase 2) had perhaps been declined: it is planned (phase 4).
    INSERT INTO consent (entry)
        SELECT json_object('at', created, 'by', '', 'asked', json('false'),
                   'reach', CASE WHEN settings ->> '$.settings.canary' IS NULL THEN 'all' ELSE 'canary' END,
                   'canary', settings ->> '$.settings.canary', 'max_changes', NULL, 'rows', (SELECT count(*) FROM row),
                   'changes', (SELECT count(*) FROM row WHERE changes > 0), 'tenant', NULL, 'kept_plan', json('false'))
        FROM run WHERE phase IN (2, 3) AND EXISTS (SELECT 1 FROM change WHERE state <> 0);
    UPDATE run SET phase = 4 WHERE phase = 2 AND NOT EXISTS (SELECT 1 FROM consent);
", "
    -- Marks of before have no epoch: they are unknown to every owner.
    ALTER TABLE change ADD COLUMN epoch INTEGER;
    CREATE TABLE owner (epoch INTEGER PRIMARY KEY, worker TEXT NOT NULL, effort TEXT) STRICT;
    INSERT INTO owner (epoch, worker, effort) SELECT 0, '', effort FROM run WHERE effort IS NOT NULL;
    ALTER TABLE run DROP COLUMN effort;
", "
    -- The order of sending is the table's: band by band, and user by user where calls are a user's own. What was planned
    -- before there were bands is in the first one, by stage, roster-wide, as it was.
    CREATE TABLE change_in_turn (
        band INTEGER NOT NULL, turn INTEGER NOT NULL, stage INTEGER NOT NULL, grp TEXT NOT NULL, row INTEGER NOT NULL,
        kind TEXT NOT NULL, user TEXT NOT NULL, before TEXT, after TEXT, columns TEXT, version INTEGER,
        state INTEGER NOT NULL DEFAULT 0, epoch INTEGER,
        PRIMARY KEY (band, turn, stage, grp, row)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO change_in_turn
        SELECT 0, 0, stage, grp, row, kind, user, before, after, columns, version, state, epoch FROM change;
    DROP TABLE change;
    ALTER TABLE change_in_turn RENAME TO change;
"];

/// The schema that this Paceline writes.
pub(super) const KNOWN: i64 = STEPS.len() as i64;

/// Makes a new journal's tables and its first entry in one step: a process that dies in it leaves a file without schema.
pub(super) fn begin(
    connection: &mut Connection,
    first: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    STEPS.iter().try_for_each(|step| transaction.execute_batch(step))?;
    transaction.pragma_update(None, "user_version", KNOWN)?;
    first(&transaction)?;
    transaction.commit()
}

/// Brings a journal to [`KNOWN`], one durable step after another.
pub(super) fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    for (at, step) in STEPS.iter().enumerate().skip(usize::try_from(from).unwrap_or(0)) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", at as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
