//! What a store promises about its files.

use crate::{change, import, new_run, planned, row};
use paceline_core::summary::Effort;
use paceline_core::user::UserId;
use paceline_journal::{Entry, Error, Folder, Journal, Phase, Reach, Store, Taken};
use std::os::unix::fs::PermissionsExt as _;

fn store() -> (tempfile::TempDir, Folder) {
    let dir = tempfile::tempdir().unwrap();
    let store = Folder::new(&dir.path().join("state"));
    (dir, store)
}

fn take(journal: &mut dyn Journal, limit: u32) -> Result<Vec<Taken>, Error> {
    let owner = journal.claim("me")?;
    journal.take(&owner, None, u64::MAX, limit)
}

/// The rows of what is unknown to whoever takes the run up now.
fn unknown(journal: &mut dyn Journal) -> Vec<u64> {
    let owner = journal.claim("next").unwrap();
    let found = journal.unknown(&owner, None, u64::MAX, 10).unwrap();
    found.iter().map(|found| found.change.key.row).collect()
}

#[test]
fn what_was_durable_is_there_when_the_process_is_gone() {
    let (_dir, store) = store();
    let mut journal = store.create(&new_run("a")).unwrap();
    planned(journal.as_mut(), 3);
    take(journal.as_mut(), 2).unwrap();
    // As after kill -9: nothing is closed, nothing is checkpointed; a copy of the files is all that is left.
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("runs")).unwrap();
    for entry in std::fs::read_dir(store.dir()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join("runs").join(path.file_name().unwrap())).unwrap();
    }
    let mut after = Folder::new(copy.path()).open("a").unwrap();
    assert_eq!(unknown(after.as_mut()).len(), 2);
    assert_eq!(after.counts().unwrap().pending, 3);
}

#[test]
fn one_process_a_run_and_the_message_names_the_holder() {
    let (_dir, store) = store();
    let held = store.create(&new_run("a")).unwrap();
    let refused = store.open("a").unwrap_err();
    assert_eq!(refused.to_string(), format!("run `a` is being worked on by process {}", std::process::id()));
    assert!(matches!(store.forget("a"), Err(Error::Held { .. })));
    assert!(store.list().unwrap()[0].held);
    assert!(store.look("a").is_ok(), "looking is allowed");
    drop(held);
    assert!(store.open("a").is_ok(), "a dead holder's lock is taken over");
}

#[test]
fn a_process_that_died_before_it_had_begun_leaves_no_run() {
    let (_dir, store) = store();
    drop(store.create(&new_run("a")).unwrap());
    std::fs::write(store.dir().join("b.db"), "").unwrap();
    let ids: Vec<String> = store.list().unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(ids, ["a"]);
    assert!(matches!(store.open("b"), Err(Error::NoSuchRun { .. })));
}

#[test]
fn files_can_be_read_by_their_owner_only() {
    let (_dir, store) = store();
    let mut journal = store.create(&new_run("a")).unwrap();
    planned(journal.as_mut(), 3);
    assert_eq!(std::fs::metadata(store.dir()).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(store.dir()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn a_damaged_journal_is_refused_and_can_still_be_looked_at() {
    let (_dir, store) = store();
    let mut journal = store.create(&new_run("a")).unwrap();
    import(journal.as_mut(), (1..=20_000).map(row));
    drop(journal);
    let path = store.dir().join("a.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // A page in the middle: SQLite's pages are 4,096 bytes here.
    let middle = bytes.len() / 4_096 / 2 * 4_096;
    bytes[middle..middle + 4_096].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(store.open("a"), Err(Error::Corrupt { .. })));
    let mut journal = store.look("a").unwrap();
    assert_eq!(journal.rows(0, 100, false).unwrap().len(), 100, "what is before the damage can be read");
    std::fs::write(&path, b"this is no database, and long enough to be taken for one by nobody at all").unwrap();
    let refused = store.look("a").and_then(|mut journal| journal.record());
    assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
}

#[test]
fn a_newer_journal_is_refused() {
    let (_dir, store) = store();
    drop(store.create(&new_run("a")).unwrap());
    let path = store.dir().join("a.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // `PRAGMA user_version`: https://www.sqlite.org/fileformat.html, offset 60.
    bytes[60..64].copy_from_slice(&99u32.to_be_bytes());
    std::fs::write(&path, bytes).unwrap();
    let refused = store.open("a").unwrap_err();
    assert!(matches!(refused, Error::TooNew { found: 99, .. }), "{refused}");
}

#[test]
fn a_state_directory_that_cannot_be_written_is_told_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = Folder::new(&file).create(&new_run("a")).unwrap_err();
    assert!(matches!(refused, Error::NotWritable { .. }), "{refused}");
    assert!(refused.hint().contains("--state-dir"));
}

#[test]
fn runs_are_listed_newest_first_and_forgotten_whole() {
    let (_dir, store) = store();
    assert!(store.list().unwrap().is_empty());
    for id in ["20260101-a", "20260301-b", "20260201-c"] {
        import(store.create(&new_run(id)).unwrap().as_mut(), [row(1)]);
    }
    let ids: Vec<String> = store.list().unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(ids, ["20260301-b", "20260201-c", "20260101-a"]);
    store.forget("20260201-c").unwrap();
    assert_eq!(
        std::fs::read_dir(store.dir())
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("20260201") })
            .count(),
        0
    );
    for wrong in ["20260201-c", "../secret", "", "a/b"] {
        assert!(matches!(store.forget(wrong), Err(Error::NoSuchRun { .. })), "{wrong}");
    }
}

/// Whoever looks, however often, is not in the way of whoever works.
#[test]
fn a_run_can_be_taken_up_beside_any_number_of_listings() {
    let (_dir, store) = store();
    import(store.create(&new_run("a")).unwrap().as_mut(), [row(1)]);
    let (done, lists) = (std::sync::atomic::AtomicBool::new(false), std::sync::atomic::AtomicU64::new(0));
    let relaxed = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(relaxed) {
                    store.list().unwrap();
                    lists.fetch_add(1, relaxed);
                }
            });
        }
        let mut refused = 0;
        for _ in 0..200 {
            match store.open("a") {
                Ok(held) => {
                    assert!(store.list().unwrap()[0].held, "a held run is told as held");
                    drop(held);
                }
                Err(_) => refused += 1,
            }
        }
        done.store(true, relaxed);
        assert_eq!(refused, 0);
    });
    assert!(lists.load(relaxed) > 0);
    assert!(!store.list().unwrap()[0].held);
}

/// Makes a journal what an earlier version of it was.
fn as_before(store: &Folder, id: &str, schema: u8, phase: u8) {
    let connection = rusqlite::Connection::open(store.dir().join(format!("{id}.db"))).unwrap();
    let fourth = "CREATE TABLE change_of_before (
            stage INTEGER NOT NULL, grp TEXT NOT NULL, row INTEGER NOT NULL, kind TEXT NOT NULL, user TEXT NOT NULL,
            before TEXT, after TEXT, columns TEXT, version INTEGER, state INTEGER NOT NULL DEFAULT 0, epoch INTEGER,
            PRIMARY KEY (stage, grp, row)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO change_of_before
            SELECT stage, grp, row, kind, user, before, after, columns, version, state, epoch FROM change;
        DROP TABLE change; ALTER TABLE change_of_before RENAME TO change;";
    let third = "ALTER TABLE run ADD COLUMN effort TEXT;
        UPDATE run SET effort = (SELECT effort FROM owner WHERE effort IS NOT NULL);
        DROP TABLE owner; ALTER TABLE change DROP COLUMN epoch;";
    let second = "DROP TABLE consent; ALTER TABLE run DROP COLUMN tenant;";
    let (second, third) = (if schema < 2 { second } else { "" }, if schema < 3 { third } else { "" });
    let back = format!("{fourth} {third} {second} UPDATE run SET phase = {phase}; PRAGMA user_version = {schema};");
    connection.execute_batch(&back).unwrap();
}

#[test]
fn what_a_run_of_before_has_marked_and_spent_is_taken_over() {
    let (_dir, store) = store();
    let effort = Effort { retries: 4, elapsed_s: 2.5, ..Effort::default() };
    for (id, schema) in [("a", 1), ("b", 2)] {
        let mut journal = store.create(&new_run(id)).unwrap();
        planned(journal.as_mut(), 3);
        take(journal.as_mut(), 2).unwrap();
        journal.append(&[Entry::Spent { epoch: 1, effort }]).unwrap();
        drop(journal);
        as_before(&store, id, schema, 2);
        assert_eq!(store.look(id).unwrap().record().unwrap().effort, effort, "as it is looked at");
        let mut journal = store.open(id).unwrap();
        assert_eq!(journal.record().unwrap().effort, effort);
        assert_eq!(unknown(journal.as_mut()), [1, 2]);
        let owner = journal.claim("me").unwrap();
        journal.append(&[Entry::Spent { epoch: owner.epoch, effort }]).unwrap();
        assert_eq!(journal.record().unwrap().effort, effort.plus(effort));
        drop(journal);
        assert!(store.open(id).is_ok(), "it is migrated once");
    }
}

#[test]
fn what_was_planned_before_there_were_bands_is_sent_in_the_order_that_it_had() {
    let (_dir, store) = store();
    let mut journal = store.create(&new_run("a")).unwrap();
    import(journal.as_mut(), (1..=3).map(row));
    let entry = |n: u64| Entry::Planned {
        row: n,
        user: UserId(format!("u-{n}")),
        changes: vec![change(n, 1, "x"), change(n, 19, "y")],
    };
    journal.append(&(1..=3).map(entry).collect::<Vec<_>>()).unwrap();
    assert_eq!(take(journal.as_mut(), 1).unwrap().len(), 1);
    drop(journal);
    as_before(&store, "a", 3, 2);
    let mut looked = store.look("a").unwrap();
    assert_eq!((looked.in_doubt().unwrap(), looked.diff(0, 10).unwrap().len()), (1, 5));
    drop(looked);
    let mut journal = store.open("a").unwrap();
    assert_eq!(unknown(journal.as_mut()), [1]);
    let owner = journal.claim("me").unwrap();
    let taken = journal.take(&owner, None, u64::MAX, 10).unwrap();
    let order: Vec<(u8, u64)> = taken.iter().map(|taken| (taken.change.key.stage, taken.change.key.row)).collect();
    assert_eq!(order, [(1, 2), (1, 3), (19, 1), (19, 2), (19, 3)]);
}

#[test]
fn a_run_of_before_had_been_agreed_to_if_it_has_sent_anything_and_else_had_not() {
    let (_dir, store) = store();
    for (id, sent, canary) in [("a", true, false), ("b", false, false), ("c", true, true)] {
        let settings = serde_json::json!({"settings": {"canary": if canary { Some(2) } else { None }}});
        let mut journal = store.create(&paceline_journal::NewRun { settings, ..new_run(id) }).unwrap();
        planned(journal.as_mut(), 3);
        if sent {
            take(journal.as_mut(), 1).unwrap();
        }
        drop(journal);
        as_before(&store, id, 1, 2);
    }
    for looked_at in [true, false] {
        let record = |id: &str| {
            let mut journal = if looked_at { store.look(id) } else { store.open(id) }.unwrap();
            journal.record().unwrap()
        };
        assert_eq!(["a", "b", "c"].map(|id| record(id).phase), [Phase::Sending, Phase::Planned, Phase::Sending]);
    }
    let consent = |id: &str| store.look(id).unwrap().record().unwrap().consent;
    assert_eq!(consent("a").map(|consent| (consent.reach, consent.rows)), Some((Reach::All, 3)));
    assert_eq!(consent("b"), None);
    assert_eq!(consent("c").map(|consent| (consent.reach, consent.canary)), Some((Reach::Canary, Some(2))));
}

#[test]
fn a_journal_can_be_looked_at_where_nothing_can_be_written() {
    let (_dir, store) = store();
    let mut journal = store.create(&new_run("a")).unwrap();
    planned(journal.as_mut(), 3);
    take(journal.as_mut(), 2).unwrap();
    // As after kill -9: the log holds what the file does not; its index cannot be made.
    let copy = tempfile::tempdir().unwrap();
    let runs = copy.path().join("runs");
    std::fs::create_dir(&runs).unwrap();
    for name in ["a.db", "a.db-wal"] {
        std::fs::copy(store.dir().join(name), runs.join(name)).unwrap();
    }
    std::fs::create_dir(runs.join("a.db-shm")).unwrap();
    let store = Folder::new(copy.path());
    let mut looked = store.look("a").unwrap();
    assert_eq!((looked.counts().unwrap().pending, looked.in_doubt().unwrap()), (3, 2));
    assert!(store.list().unwrap()[0].record.is_ok());
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    let (dir, store) = store();
    import(store.create(&new_run("a")).unwrap().as_mut(), [row(1)]);
    let open_to = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for path in [dir.path().join("state"), store.dir().to_owned()] {
        open_to(&path, 0o777);
        let refused = store.look("a").unwrap_err();
        assert!(matches!(refused, Error::Untrusted { .. }), "{refused}");
        assert!(store.open("a").is_err() && store.list().is_err() && store.create(&new_run("b")).is_err());
        open_to(&path, 0o700);
    }
    open_to(&dir.path().join("state"), 0o1777);
    assert!(store.look("a").is_ok(), "in a directory like /tmp others cannot put theirs in the place of ours");
}

#[test]
fn nothing_is_marked_as_sent_in_a_journal_that_was_removed() {
    let (_dir, store) = store();
    let mut journal = store.create(&new_run("a")).unwrap();
    planned(journal.as_mut(), 3);
    std::fs::remove_dir_all(store.dir()).unwrap();
    assert!(matches!(journal.kept_in_place(), Err(Error::Removed(_))));
    assert!(matches!(take(journal.as_mut(), 10), Err(Error::Removed(_))));
    assert_eq!(journal.counts().unwrap().rows, 3, "what it held can still be told");
}

#[test]
fn an_entry_that_cannot_be_read_is_damage_and_no_empty_list() {
    let (_dir, store) = store();
    let mut journal = store.create(&new_run("a")).unwrap();
    planned(journal.as_mut(), 3);
    for taken in take(journal.as_mut(), 10).unwrap() {
        journal.append(&[Entry::Made { key: taken.change.key, attempts: 1, version: None }]).unwrap();
    }
    drop(journal);
    let connection = rusqlite::Connection::open(store.dir().join("a.db")).unwrap();
    connection.execute("UPDATE change SET before = '{\"title\": ' WHERE row = 2", []).unwrap();
    drop(connection);
    let refused = store.open("a").unwrap().made(0, 10).unwrap_err();
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused}");
}
