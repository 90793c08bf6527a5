//! The suite that every journal passes.

use crate::{change, import, new_run, planned, row};
use paceline_core::plan::ChangeKey;
use paceline_core::summary::{Counts, Effort, HaltNote, Outcome, State};
use paceline_core::user::{UserId, UserKey};
use paceline_core::vendor::Refusal;
use paceline_journal::{Consent, Entry, Journal, Phase, Reach, RunTenant, Sqlite, Store, Taken};

const ALL: u64 = u64::MAX;

fn rows_come_back_in_roster_order_a_page_at_a_time(journal: &mut dyn Journal) {
    import(journal, (1..=5).map(row));
    let numbers = |page: Vec<paceline_journal::RowRecord>| page.iter().map(|row| row.row.number).collect::<Vec<_>>();
    assert_eq!(numbers(journal.rows(0, 3, false).unwrap()), [1, 2, 3]);
    let rest = journal.rows(3, 3, true).unwrap();
    assert_eq!(rest[0].row, row(4));
    assert_eq!(numbers(rest), [4, 5]);
}

fn one_user_by_two_spellings_is_found_twice(journal: &mut dyn Journal) {
    let named = |number, column: &str, value: &str| paceline_core::desired::Row {
        key: UserKey { column: column.into(), value: value.into() },
        ..row(number)
    };
    let rows = [
        named(1, "id", "a"),
        named(2, "id", "A"),
        named(3, "email", "Jo@x.org"),
        named(4, "id", "a"),
        named(5, "email", "jo@X.org"),
        named(6, "id", "jo@x.org"),
        named(7, "email", "jose\u{301}@x.org"),
        named(8, "email", "JOSÉ@x.org\u{200b}"),
    ];
    import(journal, rows);
    let found: Vec<(u64, u64)> =
        journal.duplicates(10).unwrap().iter().map(|twice| (twice.line, twice.first_line)).collect();
    assert_eq!(found, [(3, 2), (5, 2), (6, 4), (9, 8)]);
}

fn every_row_ends_in_exactly_one_outcome(journal: &mut dyn Journal) {
    planned(journal, 4);
    let refusal = Refusal { status: Some(404), ..Refusal::own("not.found", "gone") };
    let taken = journal.take(None, ALL, 10).unwrap();
    let key = |at: usize| taken[at].change.key.clone();
    let made = |at: usize| Entry::Made { key: key(at), attempts: 1, version: Some(8) };
    let not_made = |at: usize, outcome| Entry::NotMade { key: key(at), attempts: 3, outcome, refusal: refusal.clone() };
    journal.append(&[made(0), not_made(1, Outcome::Failed), not_made(2, Outcome::Conflict)]).unwrap();
    let counts = Counts { rows: 4, updated: 1, failed: 1, conflict: 1, pending: 1, ..Counts::default() };
    assert_eq!(journal.counts().unwrap(), counts);
    // What comes later, from whatever confusion, changes no outcome.
    journal.append(&[made(1), not_made(0, Outcome::Failed)]).unwrap();
    assert_eq!(journal.counts().unwrap(), counts);
    let rows = journal.rows(0, 10, false).unwrap();
    assert_eq!((rows[0].outcome, rows[0].changed.clone()), (Outcome::Updated, vec!["title".to_owned()]));
    assert_eq!((rows[1].attempts, rows[1].refusal.clone()), (4, refusal));
    let failures = journal.failures(5).unwrap();
    assert_eq!(failures.iter().map(|failure| failure.row).collect::<Vec<_>>(), [2, 3]);
}

fn a_row_without_changes_is_unchanged(journal: &mut dyn Journal) {
    import(journal, [row(1)]);
    journal.append(&[Entry::Planned { row: 1, user: UserId("u-1".into()), changes: vec![] }]).unwrap();
    assert_eq!(journal.rows(0, 1, false).unwrap()[0].outcome, Outcome::Unchanged);
    assert_eq!(journal.rows(0, 1, true).unwrap(), []);
}

fn a_row_of_several_changes_is_updated_with_the_last_and_failed_with_the_first_that_fails(journal: &mut dyn Journal) {
    import(journal, [row(1), row(2)]);
    let both = |n| Entry::Planned {
        row: n,
        user: UserId(format!("u-{n}")),
        changes: vec![change(n, 0, "state"), change(n, 1, "fields")],
    };
    journal.append(&[both(1), both(2)]).unwrap();
    let first = journal.take(None, ALL, 2).unwrap();
    assert!(first.iter().all(|taken| taken.change.kind == "state" && taken.siblings == 2));
    let refusal = Refusal::own("x", "y");
    journal
        .append(&[
            Entry::Made { key: first[0].change.key.clone(), attempts: 1, version: Some(8) },
            Entry::NotMade { key: first[1].change.key.clone(), attempts: 1, outcome: Outcome::Failed, refusal },
        ])
        .unwrap();
    assert_eq!(journal.rows(0, 1, false).unwrap()[0].outcome, Outcome::Pending);
    // The failed row's other change is never given out; the other row's goes on the version after its first.
    let second = journal.take(Some(&first[1].change.key), ALL, 10).unwrap();
    assert_eq!(
        second.iter().map(|taken| (taken.change.key.row, taken.change.version)).collect::<Vec<_>>(),
        [(1, Some(8))]
    );
    journal.append(&[Entry::Made { key: second[0].change.key.clone(), attempts: 1, version: Some(9) }]).unwrap();
    assert_eq!(journal.rows(0, 1, false).unwrap()[0].outcome, Outcome::Updated);
}

fn what_is_taken_and_has_no_outcome_is_unknown(journal: &mut dyn Journal) {
    planned(journal, 5);
    let taken = journal.take(None, ALL, 3).unwrap();
    let key = |at: usize| taken[at].change.key.clone();
    journal.append(&[Entry::Made { key: key(0), attempts: 1, version: None }]).unwrap();
    journal.append(&[Entry::Withdrawn { key: key(1), attempts: 2 }]).unwrap();
    let unknown: Vec<u64> = journal.unknown(None, ALL, 10).unwrap().iter().map(|taken| taken.change.key.row).collect();
    assert_eq!(unknown, [3]);
    assert_eq!(journal.unknown(None, 2, 10).unwrap(), [], "a canary's are only those of its rows");
    let again = journal.take(None, ALL, 10).unwrap();
    assert_eq!(again.iter().map(|taken| taken.change.key.row).collect::<Vec<_>>(), [2, 4, 5]);
}

fn what_is_taken_from_all_over_a_group_is_marked_and_not_given_out_again(journal: &mut dyn Journal) {
    planned(journal, 100);
    let taken = journal.take(None, ALL, 10).unwrap();
    let last = taken[9].change.key.clone();
    let rows = |taken: &[Taken]| taken.iter().map(|taken| taken.change.key.row).collect::<Vec<_>>();
    assert_eq!(rows(&journal.take_spread(&last, ALL, 3).unwrap()), [100, 70, 40]);
    assert_eq!(rows(&journal.take_spread(&last, 20, 20).unwrap()), (11..=20).rev().collect::<Vec<_>>());
    assert!(journal.take_spread(&ChangeKey { group: "other".into(), ..last.clone() }, ALL, 3).unwrap().is_empty());
    let rest = journal.take(Some(&last), ALL, 100).unwrap();
    assert_eq!((rest.len(), rest[0].change.key.row), (77, 21));
    assert_eq!(journal.unknown(None, ALL, 200).unwrap().len(), 100);
}

fn what_was_made_of_a_row_that_has_ended_is_told_all_the_same(journal: &mut dyn Journal) {
    import(journal, [row(1)]);
    let changes = vec![change(1, 0, "state"), change(1, 1, "fields")];
    journal.append(&[Entry::Planned { row: 1, user: UserId("u-1".into()), changes }]).unwrap();
    let taken = journal.take(None, ALL, 10).unwrap();
    let key = |at: usize| taken[at].change.key.clone();
    journal
        .append(&[
            Entry::NotMade { key: key(1), attempts: 0, outcome: Outcome::Failed, refusal: Refusal::own("x", "y") },
            Entry::Made { key: key(0), attempts: 2, version: None },
        ])
        .unwrap();
    let found = journal.rows(0, 1, false).unwrap().remove(0);
    assert_eq!((found.outcome, found.attempts, found.changed), (Outcome::Failed, 2, vec!["title".to_owned()]));
}

fn changes_are_given_out_by_stage_then_group_then_row(journal: &mut dyn Journal) {
    import(journal, (1..=3).map(row));
    let in_group = |n, stage, group: &str| {
        let mut change = change(n, stage, "x");
        change.key.group = group.into();
        change
    };
    let entries = [
        Entry::Planned { row: 1, user: UserId("u-1".into()), changes: vec![in_group(1, 2, "b"), in_group(1, 1, "")] },
        Entry::Planned { row: 2, user: UserId("u-2".into()), changes: vec![in_group(2, 2, "a")] },
        Entry::Planned { row: 3, user: UserId("u-3".into()), changes: vec![in_group(3, 2, "b")] },
    ];
    journal.append(&entries).unwrap();
    let mut after: Option<ChangeKey> = None;
    let mut order = vec![];
    while let [taken] = &journal.take(after.as_ref(), ALL, 1).unwrap()[..] {
        order.push((taken.change.key.stage, taken.change.key.group.clone(), taken.change.key.row));
        after = Some(taken.change.key.clone());
    }
    let expected = [(1, "", 1), (2, "a", 2), (2, "b", 1), (2, "b", 3)];
    assert_eq!(order, expected.map(|(stage, group, row)| (stage, group.to_owned(), row)));
}

fn a_canary_takes_only_its_rows_and_stays_the_same_rows(journal: &mut dyn Journal) {
    planned(journal, 5);
    let canary = journal.canary(2).unwrap();
    assert_eq!((canary.through, canary.counts.pending, canary.has_run()), (2, 2, false));
    let taken = journal.take(None, canary.through, 10).unwrap();
    assert_eq!(taken.len(), 2);
    journal.append(&[Entry::Made { key: taken[0].change.key.clone(), attempts: 1, version: None }]).unwrap();
    assert_eq!(journal.canary(2).unwrap().counts.pending, 1, "it is not over when the first of them is");
    let refusal = Refusal::own("x", "y");
    let key = taken[1].change.key.clone();
    journal.append(&[Entry::NotMade { key, attempts: 1, outcome: Outcome::Failed, refusal }]).unwrap();
    let canary = journal.canary(2).unwrap();
    assert_eq!((canary.through, canary.lost(), canary.has_run()), (2, 1, true));
    assert_eq!(journal.canary(50).unwrap().through, 5);
}

fn rows_that_need_nothing_are_no_canaries(journal: &mut dyn Journal) {
    import(journal, (1..=4).map(row));
    let needs = |n, changes| Entry::Planned { row: n, user: UserId(format!("u-{n}")), changes };
    let entries =
        [needs(1, vec![]), needs(2, vec![change(2, 1, "x")]), needs(3, vec![]), needs(4, vec![change(4, 1, "x")])];
    journal.append(&entries).unwrap();
    assert_eq!(journal.canary(1).unwrap().through, 2);
    assert_eq!(journal.canary(2).unwrap().through, 4);
}

fn what_is_said_twice_counts_once(journal: &mut dyn Journal) {
    import(journal, [row(1)]);
    let changes = vec![change(1, 0, "state"), change(1, 1, "fields")];
    journal.append(&[Entry::Planned { row: 1, user: UserId("u-1".into()), changes }]).unwrap();
    let taken = journal.take(None, ALL, 10).unwrap();
    let made = |at: usize| Entry::Made { key: taken[at].change.key.clone(), attempts: 1, version: None };
    journal.append(&[made(0), made(0)]).unwrap();
    journal.append(&[made(0)]).unwrap();
    let found = journal.rows(0, 1, false).unwrap().remove(0);
    assert_eq!((found.outcome, found.attempts, found.changed), (Outcome::Pending, 1, vec!["title".to_owned()]));
    // Nor does it take back what was made.
    let key = taken[0].change.key.clone();
    let refusal = Refusal::own("x", "y");
    journal
        .append(&[
            Entry::NotMade { key: key.clone(), attempts: 1, outcome: Outcome::Failed, refusal },
            Entry::Withdrawn { key, attempts: 1 },
        ])
        .unwrap();
    assert_eq!(journal.made(0, 10).unwrap().len(), 1);
    assert_eq!(journal.rows(0, 1, false).unwrap()[0].outcome, Outcome::Pending);
    journal.append(&[made(1)]).unwrap();
    assert_eq!(journal.rows(0, 1, false).unwrap()[0].outcome, Outcome::Updated);
}

fn what_is_taken_says_how_much_of_its_row_is_left(journal: &mut dyn Journal) {
    import(journal, [row(1)]);
    let changes = (0..3).map(|stage| change(1, stage, "x")).collect();
    journal.append(&[Entry::Planned { row: 1, user: UserId("u-1".into()), changes }]).unwrap();
    let first = journal.take(None, ALL, 1).unwrap().remove(0);
    assert_eq!((first.siblings, first.left), (3, 3));
    journal.append(&[Entry::Made { key: first.change.key.clone(), attempts: 1, version: None }]).unwrap();
    let second = journal.take(Some(&first.change.key), ALL, 1).unwrap().remove(0);
    assert_eq!((second.siblings, second.left), (3, 2));
    assert_eq!(journal.unknown(None, ALL, 10).unwrap()[0].left, 2);
}

fn what_was_made_comes_row_by_row_with_all_changes_of_a_row_together(journal: &mut dyn Journal) {
    import(journal, (1..=4).map(row));
    for n in 1..=4 {
        let changes = vec![change(n, 0, "state"), change(n, 1, "fields")];
        journal.append(&[Entry::Planned { row: n, user: UserId(format!("u-{n}")), changes }]).unwrap();
    }
    let taken = journal.take(None, ALL, 100).unwrap();
    let made = taken.iter().filter(|taken| taken.change.key.row != 3);
    let made = made.map(|taken| Entry::Made { key: taken.change.key.clone(), attempts: 1, version: None });
    journal.append(&made.collect::<Vec<_>>()).unwrap();
    let rows = |changes: Vec<paceline_core::plan::Change>| changes.iter().map(|one| one.key.row).collect::<Vec<_>>();
    assert_eq!(rows(journal.made(0, 2).unwrap()), [1, 1, 2, 2]);
    assert_eq!(rows(journal.made(2, 2).unwrap()), [4, 4]);
    assert_eq!(journal.made(4, 2).unwrap(), []);
    assert_eq!(journal.in_doubt().unwrap(), 2, "row 3 was taken and nothing is known of it");
}

/// No resume settles it, for its row has ended; an undo reads its user before it writes.
fn what_may_have_been_sent_of_a_row_that_has_ended_can_be_taken_back(journal: &mut dyn Journal) {
    import(journal, [row(1)]);
    let changes = vec![change(1, 0, "state"), change(1, 1, "fields")];
    journal.append(&[Entry::Planned { row: 1, user: UserId("u-1".into()), changes }]).unwrap();
    let taken = journal.take(None, ALL, 10).unwrap();
    let (key, refusal) = (taken[0].change.key.clone(), Refusal::own("x", "y"));
    journal.append(&[Entry::NotMade { key, attempts: 1, outcome: Outcome::Failed, refusal }]).unwrap();
    assert_eq!(journal.in_doubt().unwrap(), 0);
    assert_eq!(journal.made(0, 10).unwrap().iter().map(|one| one.key.stage).collect::<Vec<_>>(), [1]);
}

fn rows_that_name_a_user_again_are_in_no_total(journal: &mut dyn Journal) {
    let by_email = |number| paceline_core::desired::Row {
        key: UserKey { column: "email".into(), value: format!("{number}@example.com") },
        ..row(number)
    };
    import(journal, [row(1), by_email(2), row(3)]);
    let same = |n| Entry::Planned { row: n, user: UserId("u-1".into()), changes: vec![change(n, 1, "fields")] };
    journal.append(&[same(1), same(2)]).unwrap();
    let other = Entry::Planned { row: 3, user: UserId("u-3".into()), changes: vec![change(3, 1, "fields")] };
    journal.append(&[other]).unwrap();
    assert_eq!(journal.end_duplicates(&Refusal::own("duplicate", "again")).unwrap(), 1);
    assert_eq!(journal.planned().unwrap(), [("fields".to_owned(), String::new(), 2)]);
    assert_eq!((journal.touching("title", None).unwrap(), journal.diff(0, 10).unwrap().len()), (2, 2));
    assert_eq!(journal.canary(2).unwrap().through, 3);
}

fn tenant() -> RunTenant {
    RunTenant {
        id: Some("org-1".into()),
        name: Some("Example".into()),
        base_url: "https://api.example.com".into(),
        client_id: "client".into(),
    }
}

fn who_agreed_to_what_on_which_tenant_is_kept(journal: &mut dyn Journal) {
    import(journal, [row(1)]);
    let record = journal.record().unwrap();
    assert_eq!((record.tenant, record.consent), (None, None));
    let consent = Consent {
        at: "2026-01-02T03:04:05Z".into(),
        by: "jo".into(),
        asked: true,
        reach: Reach::Canary,
        canary: Some(5),
        max_changes: Some("10%".into()),
        rows: 100,
        changes: Some(9),
        tenant: Some(tenant()),
        kept_plan: true,
    };
    journal.append(&[Entry::Reached(Phase::Planned), Entry::Tenant(tenant())]).unwrap();
    assert_eq!(journal.record().unwrap().phase, Phase::Planned);
    journal.append(&[Entry::Consented(consent.clone())]).unwrap();
    let record = journal.record().unwrap();
    assert_eq!((record.phase, record.tenant, record.consent), (Phase::Sending, Some(tenant()), Some(consent.clone())));
    let all = Consent { reach: Reach::All, canary: None, ..consent };
    journal.append(&[Entry::Consented(all.clone())]).unwrap();
    assert_eq!(journal.record().unwrap().consent, Some(all), "the last one counts");
}

fn beforehand() -> Consent {
    Consent {
        at: String::new(),
        by: String::new(),
        asked: false,
        reach: Reach::All,
        canary: None,
        max_changes: None,
        rows: 0,
        changes: None,
        tenant: None,
        kept_plan: true,
    }
}

fn what_was_agreed_to_beforehand_is_planned_before_it_is_sent(journal: &mut dyn Journal) {
    journal.append(&[Entry::Reached(Phase::Planning), Entry::Consented(beforehand())]).unwrap();
    assert_eq!(journal.record().unwrap().phase, Phase::Planning);
    journal.append(&[Entry::Reached(Phase::Planned), Entry::Consented(beforehand())]).unwrap();
    assert_eq!(journal.record().unwrap().phase, Phase::Sending);
}

fn a_plan_that_was_kept_is_a_run_that_sends_only_with_a_consent(journal: &mut dyn Journal) {
    journal.keep("plan", &serde_json::json!({})).unwrap();
    journal.append(&[Entry::Reached(Phase::Planned)]).unwrap();
    assert_eq!(journal.record().unwrap().run.command, "plan");
    let settings = serde_json::json!({"rate": 7});
    journal.append(&[Entry::Settings(settings.clone()), Entry::Consented(beforehand())]).unwrap();
    let run = journal.record().unwrap().run;
    assert_eq!((run.command.as_str(), run.settings), ("apply", settings));
}

fn how_a_run_was_left_is_told(journal: &mut dyn Journal) {
    import(journal, [row(1)]);
    assert_eq!(journal.record().unwrap().state, None);
    let halt = HaltNote { cause: "c".into(), hint: "h".into() };
    let effort = Effort { retries: 3, ..Effort::default() };
    journal
        .append(&[
            Entry::Reached(Phase::Sending),
            Entry::Left { state: Some(State::Halted), halt: Some(halt.clone()), effort },
        ])
        .unwrap();
    let record = journal.record().unwrap();
    assert_eq!((record.phase, record.state, record.halt), (Phase::Sending, Some(State::Halted), Some(halt)));
    assert_eq!((record.effort, record.run), (effort, new_run("test")));
}

macro_rules! conformance {
    ($($promise:ident),+ $(,)?) => {
        mod without_a_file {
            use super::*;
            $(#[test]
            fn $promise() {
                super::$promise(&mut Sqlite::temporary(&new_run("test")).unwrap());
            })+
        }
        mod in_a_store {
            use super::*;
            $(#[test]
            fn $promise() {
                let dir = tempfile::tempdir().unwrap();
                super::$promise(&mut Store::new(dir.path()).create(&new_run("test")).unwrap());
            })+
        }
    };
}

conformance!(
    rows_come_back_in_roster_order_a_page_at_a_time,
    one_user_by_two_spellings_is_found_twice,
    every_row_ends_in_exactly_one_outcome,
    a_row_without_changes_is_unchanged,
    a_row_of_several_changes_is_updated_with_the_last_and_failed_with_the_first_that_fails,
    what_is_taken_and_has_no_outcome_is_unknown,
    what_is_taken_from_all_over_a_group_is_marked_and_not_given_out_again,
    what_was_made_of_a_row_that_has_ended_is_told_all_the_same,
    changes_are_given_out_by_stage_then_group_then_row,
    a_canary_takes_only_its_rows_and_stays_the_same_rows,
    rows_that_need_nothing_are_no_canaries,
    what_is_said_twice_counts_once,
    what_is_taken_says_how_much_of_its_row_is_left,
    what_was_made_comes_row_by_row_with_all_changes_of_a_row_together,
    what_may_have_been_sent_of_a_row_that_has_ended_can_be_taken_back,
    rows_that_name_a_user_again_are_in_no_total,
    who_agreed_to_what_on_which_tenant_is_kept,
    what_was_agreed_to_beforehand_is_planned_before_it_is_sent,
    a_plan_that_was_kept_is_a_run_that_sends_only_with_a_consent,
    how_a_run_was_left_is_told,
);
