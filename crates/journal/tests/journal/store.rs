//! What a store promises about its files.

use crate::{import, new_run, planned, row};
use paceline_journal::{Error, Journal, Store};
use std::os::unix::fs::PermissionsExt as _;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(&dir.path().join("state"));
    (dir, store)
}

#[test]
fn what_was_durable_is_there_when_the_process_is_gone() {
    let (_dir, store) = store();
    let mut journal = store.create(&new_run("a")).unwrap();
    planned(&mut journal, 3);
    journal.take(None, u64::MAX, 2).unwrap();
    // As after kill -9: nothing is closed, nothing is checkpointed; a copy of the files is all that is left.
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("runs")).unwrap();
    for entry in std::fs::read_dir(store.dir()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join("runs").join(path.file_name().unwrap())).unwrap();
    }
    let mut after = Store::new(copy.path()).open("a").unwrap();
    assert_eq!(after.unknown(None, 10).unwrap().len(), 2);
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
    planned(&mut journal, 3);
    assert_eq!(std::fs::metadata(store.dir()).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(store.dir()).unwrap() {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|extension| extension != "lock") {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        }
    }
}

#[test]
fn a_damaged_journal_is_refused_and_can_still_be_looked_at() {
    let (_dir, store) = store();
    let mut journal = store.create(&new_run("a")).unwrap();
    import(&mut journal, (1..=20_000).map(row));
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
    let refused = Store::new(&file).create(&new_run("a")).unwrap_err();
    assert!(matches!(refused, Error::NotWritable { .. }), "{refused}");
    assert!(refused.hint().contains("--state-dir"));
}

#[test]
fn runs_are_listed_newest_first_and_forgotten_whole() {
    let (_dir, store) = store();
    assert!(store.list().unwrap().is_empty());
    for id in ["20260101-a", "20260301-b", "20260201-c"] {
        import(&mut store.create(&new_run(id)).unwrap(), [row(1)]);
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
