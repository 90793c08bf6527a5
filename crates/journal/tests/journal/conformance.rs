//! The suite that every journal passes.

use crate::{change, import, map, new_run, planned, row};
use paceline_core::plan::{Change, ChangeKey, OWN, OWN_LAST, SHARED};
use paceline_core::summary::{Counts, Effort, HaltNote, Outcome, State};
use paceline_core::user::{UserId, UserKey};
use paceline_core::vendor::{Refusal, UNDO};
use paceline_journal::{
    Consent, Entry, Error, Folder, Journal, Owner, Phase, Reach, RunTenant, Sqlite, Store as _, Taken,
};
use serde_json::json;

const ALL: u64 = u64::MAX;

fn rows(taken: &[Taken]) -> Vec<u64> {
    taken.iter().map(|taken| taken.change.key.row).collect()
}

fn rows_come_back_in_roster_order_a_page_at_a_time(journal: &mut dyn Journal) {
    let mut five = (1..=5).map(row);
    assert_eq!(journal.import(&mut || five.next()).unwrap(), 5);
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
    let me = journal.claim("me").unwrap();
    planned(journal, 4);
    let refusal = Refusal { status: Some(404), ..Refusal::own("not.found", "gone") };
    let taken = journal.take(&me, None, ALL, 10).unwrap();
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
    let me = journal.claim("me").unwrap();
    import(journal, [row(1), row(2)]);
    let both = |n| Entry::Planned {
        row: n,
        user: UserId(format!("u-{n}")),
        changes: vec![change(n, 0, "state"), change(n, 1, "fields")],
    };
    journal.append(&[both(1), both(2)]).unwrap();
    let first = journal.take(&me, None, ALL, 2).unwrap();
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
    let second = journal.take(&me, Some(&first[1].change.key), ALL, 10).unwrap();
    assert_eq!(
        second.iter().map(|taken| (taken.change.key.row, taken.change.version)).collect::<Vec<_>>(),
        [(1, Some(8))]
    );
    journal.append(&[Entry::Made { key: second[0].change.key.clone(), attempts: 1, version: Some(9) }]).unwrap();
    assert_eq!(journal.rows(0, 1, false).unwrap()[0].outcome, Outcome::Updated);
}

/// Whoever takes the run up settles what was marked before, and gives nothing of it out until then.
fn what_is_taken_and_has_no_outcome_is_unknown_to_the_next_owner(journal: &mut dyn Journal) {
    let me = journal.claim("me").unwrap();
    planned(journal, 5);
    let taken = journal.take(&me, None, ALL, 3).unwrap();
    let key = |at: usize| taken[at].change.key.clone();
    journal.append(&[Entry::Made { key: key(0), attempts: 1, version: None }]).unwrap();
    journal.append(&[Entry::Withdrawn { key: key(1), attempts: 2 }]).unwrap();
    assert_eq!(journal.unknown(&me, None, ALL, 10).unwrap(), [], "it knows itself what it has sent");
    assert_eq!(rows(&journal.marked(&me, None, ALL, 10).unwrap()), [3]);
    let next = journal.claim("next").unwrap();
    assert_eq!(journal.unknown(&next, None, 2, 10).unwrap(), [], "a canary's are only those of its rows");
    assert_eq!(rows(&journal.unknown(&next, None, ALL, 10).unwrap()), [3]);
    assert_eq!(rows(&journal.take(&next, None, ALL, 10).unwrap()), [2, 4, 5]);
}

fn what_is_unknown_is_settled_by_whoever_finds_it(journal: &mut dyn Journal) {
    planned(journal, 6);
    let first = journal.claim("first").unwrap();
    journal.take(&first, None, ALL, 4).unwrap();
    let second = journal.claim("second").unwrap();
    assert!(second.epoch > first.epoch);
    assert_eq!(rows(&journal.unknown(&second, None, ALL, 2).unwrap()), [1, 2]);
    // What it has found is its own, beside what it takes: read back as long as the vendor has only accepted it.
    let rest = journal.take(&second, None, ALL, 1).unwrap();
    assert_eq!(rows(&rest), [5]);
    assert_eq!(rows(&journal.marked(&second, None, ALL, 10).unwrap()), [1, 2, 5]);
    let last = &rest[0].change.key;
    assert_eq!(journal.marked(&second, Some(last), ALL, 10).unwrap(), []);
    assert_eq!(rows(&journal.unknown(&second, None, ALL, 10).unwrap()), [3, 4]);
    // The same worker, started again, is another owner.
    let third = journal.claim("second").unwrap();
    assert_eq!(rows(&journal.unknown(&third, None, ALL, 10).unwrap()), [1, 2, 3, 4, 5]);
}

fn an_owner_that_is_superseded_is_given_nothing(journal: &mut dyn Journal) {
    planned(journal, 4);
    let first = journal.claim("first").unwrap();
    let key = journal.take(&first, None, ALL, 1).unwrap()[0].change.key.clone();
    let second = journal.claim("second").unwrap();
    let given = [
        journal.take(&first, None, ALL, 10),
        journal.take_spread(&first, &key, ALL, 10),
        journal.unknown(&first, None, ALL, 10),
        journal.marked(&first, None, ALL, 10),
    ];
    for refused in given.map(Result::unwrap_err) {
        assert!(matches!(&refused, Error::Superseded { by, .. } if by == "second"), "{refused}");
    }
    assert_eq!(rows(&journal.unknown(&second, None, ALL, 10).unwrap()), [1]);
    assert_eq!(rows(&journal.take(&second, None, ALL, 10).unwrap()), [2, 3, 4]);
}

fn what_owners_have_spent_adds_up(journal: &mut dyn Journal) {
    let (first, second) = (journal.claim("first").unwrap(), journal.claim("second").unwrap());
    let spent = |owner: &Owner, retries| {
        let effort = Effort { retries, elapsed_s: 0.5, ..Effort::default() };
        Entry::Spent { epoch: owner.epoch, effort }
    };
    journal.append(&[spent(&first, 3), spent(&second, 10)]).unwrap();
    journal.append(&[spent(&first, 5)]).unwrap();
    let whole = Effort { retries: 15, elapsed_s: 1.0, ..Effort::default() };
    assert_eq!(journal.record().unwrap().effort, whole);
    journal.append(&[spent(&first, 5), spent(&second, 10)]).unwrap();
    assert_eq!(journal.record().unwrap().effort, whole, "what is said twice counts once");
}

fn what_is_taken_from_all_over_a_group_is_marked_and_not_given_out_again(journal: &mut dyn Journal) {
    let me = journal.claim("me").unwrap();
    planned(journal, 100);
    let taken = journal.take(&me, None, ALL, 10).unwrap();
    let last = taken[9].change.key.clone();
    assert_eq!(rows(&journal.take_spread(&me, &last, ALL, 3).unwrap()), [100, 70, 40]);
    assert_eq!(rows(&journal.take_spread(&me, &last, 20, 20).unwrap()), (11..=20).rev().collect::<Vec<_>>());
    assert!(journal.take_spread(&me, &ChangeKey { group: "other".into(), ..last.clone() }, ALL, 3).unwrap().is_empty());
    let rest = journal.take(&me, Some(&last), ALL, 100).unwrap();
    assert_eq!((rest.len(), rest[0].change.key.row), (77, 21));
    assert_eq!(journal.marked(&me, None, ALL, 200).unwrap().len(), 100);
}

fn what_was_made_of_a_row_that_has_ended_is_told_all_the_same(journal: &mut dyn Journal) {
    let me = journal.claim("me").unwrap();
    import(journal, [row(1)]);
    let changes = vec![change(1, 0, "state"), change(1, 1, "fields")];
    journal.append(&[Entry::Planned { row: 1, user: UserId("u-1".into()), changes }]).unwrap();
    let taken = journal.take(&me, None, ALL, 10).unwrap();
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
    let me = journal.claim("me").unwrap();
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
    while let [taken] = &journal.take(&me, after.as_ref(), ALL, 1).unwrap()[..] {
        order.push((taken.change.key.stage, taken.change.key.group.clone(), taken.change.key.row));
        after = Some(taken.change.key.clone());
    }
    let expected = [(1, "", 1), (2, "a", 2), (2, "b", 1), (2, "b", 3)];
    assert_eq!(order, expected.map(|(stage, group, row)| (stage, group.to_owned(), row)));
}

fn own_calls_are_given_out_user_by_user_between_what_is_shared(journal: &mut dyn Journal) {
    let me = journal.claim("me").unwrap();
    import(journal, (1..=2).map(row));
    let stages = [OWN, OWN + 1, SHARED, OWN_LAST];
    let planned = |n: u64| {
        // Said in another order than it is sent in.
        let changes = stages.iter().rev().map(|stage| change(n, *stage, "x")).collect();
        Entry::Planned { row: n, user: UserId(format!("u-{n}")), changes }
    };
    journal.append(&[planned(2), planned(1)]).unwrap();
    let mut after: Option<ChangeKey> = None;
    let mut order = vec![];
    while let [taken] = &journal.take(&me, after.as_ref(), ALL, 1).unwrap()[..] {
        order.push((taken.change.key.stage, taken.change.key.row));
        after = Some(taken.change.key.clone());
    }
    let expected =
        [(OWN, 1), (OWN + 1, 1), (OWN, 2), (OWN + 1, 2), (SHARED, 1), (SHARED, 2), (OWN_LAST, 1), (OWN_LAST, 2)];
    assert_eq!(order, expected);
    let key = |stage, row| ChangeKey { stage, group: String::new(), row };
    let made = |stage, row| Entry::Made { key: key(stage, row), attempts: 1, version: None };
    journal.append(&stages.map(|stage| made(stage, 1))).unwrap();
    assert_eq!(journal.rows(0, 1, false).unwrap().remove(0).outcome, Outcome::Updated);
}

fn a_canary_takes_only_its_rows_and_stays_the_same_rows(journal: &mut dyn Journal) {
    let me = journal.claim("me").unwrap();
    planned(journal, 5);
    let canary = journal.canary(2).unwrap();
    assert_eq!((canary.through, canary.counts.pending, canary.has_run()), (2, 2, false));
    let taken = journal.take(&me, None, canary.through, 10).unwrap();
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
    let me = journal.claim("me").unwrap();
    import(journal, [row(1)]);
    let changes = vec![change(1, 0, "state"), change(1, 1, "fields")];
    journal.append(&[Entry::Planned { row: 1, user: UserId("u-1".into()), changes }]).unwrap();
    let taken = journal.take(&me, None, ALL, 10).unwrap();
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
    let me = journal.claim("me").unwrap();
    import(journal, [row(1)]);
    let changes = (0..3).map(|stage| change(1, stage, "x")).collect();
    journal.append(&[Entry::Planned { row: 1, user: UserId("u-1".into()), changes }]).unwrap();
    let first = journal.take(&me, None, ALL, 1).unwrap().remove(0);
    assert_eq!((first.siblings, first.left), (3, 3));
    journal.append(&[Entry::Made { key: first.change.key.clone(), attempts: 1, version: None }]).unwrap();
    let second = journal.take(&me, Some(&first.change.key), ALL, 1).unwrap().remove(0);
    assert_eq!((second.siblings, second.left), (3, 2));
    assert_eq!(journal.marked(&me, None, ALL, 10).unwrap()[0].left, 2);
}

fn what_was_made_comes_row_by_row_with_all_changes_of_a_row_together(journal: &mut dyn Journal) {
    let me = journal.claim("me").unwrap();
    import(journal, (1..=4).map(row));
    for n in 1..=4 {
        let changes = vec![change(n, 0, "state"), change(n, 1, "fields")];
        journal.append(&[Entry::Planned { row: n, user: UserId(format!("u-{n}")), changes }]).unwrap();
    }
    let taken = journal.take(&me, None, ALL, 100).unwrap();
    let made = taken.iter().filter(|taken| taken.change.key.row != 3);
    let made = made.map(|taken| Entry::Made { key: taken.change.key.clone(), attempts: 1, version: None });
    journal.append(&made.collect::<Vec<_>>()).unwrap();
    let rows = |changes: Vec<Change>| changes.iter().map(|one| one.key.row).collect::<Vec<_>>();
    assert_eq!(rows(journal.made(0, 2).unwrap()), [1, 1, 2, 2]);
    assert_eq!(rows(journal.made(2, 2).unwrap()), [4, 4]);
    assert_eq!(journal.made(4, 2).unwrap(), []);
    assert_eq!(journal.in_doubt().unwrap(), 2, "row 3 was taken and nothing is known of it");
}

/// No resume settles it, for its row has ended; an undo reads its user before it writes.
fn what_may_have_been_sent_of_a_row_that_has_ended_can_be_taken_back(journal: &mut dyn Journal) {
    let me = journal.claim("me").unwrap();
    import(journal, [row(1)]);
    let changes = vec![change(1, 0, "state"), change(1, 1, "fields")];
    journal.append(&[Entry::Planned { row: 1, user: UserId("u-1".into()), changes }]).unwrap();
    let taken = journal.take(&me, None, ALL, 10).unwrap();
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
    journal.keep("plan", &json!({})).unwrap();
    journal.append(&[Entry::Reached(Phase::Planned)]).unwrap();
    assert_eq!(journal.record().unwrap().run.command, "plan");
    let settings = json!({"rate": 7});
    journal.append(&[Entry::Settings(settings.clone()), Entry::Consented(beforehand())]).unwrap();
    let run = journal.record().unwrap().run;
    assert_eq!((run.command.as_str(), run.settings), ("apply", settings));
}

fn how_a_run_was_left_is_told(journal: &mut dyn Journal) {
    let me = journal.claim("me").unwrap();
    import(journal, [row(1)]);
    assert_eq!(journal.record().unwrap().state, None);
    let halt = HaltNote { cause: "c".into(), hint: "h".into() };
    let effort = Effort { retries: 3, ..Effort::default() };
    journal
        .append(&[
            Entry::Reached(Phase::Sending),
            Entry::Spent { epoch: me.epoch, effort },
            Entry::Left { state: Some(State::Halted), halt: Some(halt.clone()) },
        ])
        .unwrap();
    let record = journal.record().unwrap();
    assert_eq!((record.phase, record.state, record.halt), (Phase::Sending, Some(State::Halted), Some(halt)));
    assert_eq!((record.effort, record.run), (effort, new_run("test")));
}

fn the_roster_says_what_its_rows_name_and_how(journal: &mut dyn Journal) {
    let asks =
        |number, title: &str| paceline_core::desired::Row { fields: map(json!({"title": title})), ..row(number) };
    let by_email = paceline_core::desired::Row {
        key: UserKey { column: "email".into(), value: "jo@example.com".into() },
        ..asks(4, "Agent")
    };
    import(journal, [asks(1, "Lead"), asks(2, "Agent"), asks(3, "Lead"), by_email]);
    assert_eq!(journal.keys().unwrap(), ["email", "id"].map(str::to_owned).into());
    let titles = |journal: &mut dyn Journal| {
        let mut found = journal.values("title").unwrap();
        found.sort();
        found
    };
    assert_eq!(titles(journal), ["Agent", "Lead"]);
    assert!(journal.values("department").unwrap().is_empty());
    // What a row that is planned names has been looked up.
    journal
        .append(&[1, 3].map(|row| Entry::Planned { row, user: UserId(format!("u-{row}")), changes: vec![] }))
        .unwrap();
    assert_eq!(titles(journal), ["Agent"]);
}

fn an_undo_says_which_groups_it_needs(journal: &mut dyn Journal) {
    let back = |kind: &str, group: &str| {
        let mut change = change(1, 2, kind);
        change.key.group = group.into();
        change
    };
    let asks = |number, changes: Vec<Change>| paceline_core::desired::Row {
        fields: map(json!({UNDO: changes})),
        ..row(number)
    };
    import(
        journal,
        [asks(1, vec![back("skill", "a"), back("role", "r")]), asks(2, vec![back("skill", "a"), back("skill", "b")])],
    );
    let mut groups = journal.undone_groups("skill").unwrap();
    groups.sort();
    assert_eq!(groups, ["a", "b"]);
    assert!(journal.undone_groups("queue").unwrap().is_empty());
}

fn what_is_whole_and_in_its_place_is_said_to_be(journal: &mut dyn Journal) {
    planned(journal, 3);
    journal.check().unwrap();
    journal.kept_in_place().unwrap();
}

/// Every method of the three traits is promised something here.
#[test]
fn the_suite_calls_every_method_of_a_journal() {
    let (traits, suite) = (include_str!("../../src/lib.rs"), include_str!("conformance.rs"));
    let methods = traits.lines().filter_map(|line| line.trim_start().strip_prefix("fn ")?.split_once('('));
    let methods: Vec<&str> = methods.map(|(name, _)| name).collect();
    let missing: Vec<&&str> = methods.iter().filter(|name| !suite.contains(&format!(".{name}("))).collect();
    assert!(methods.len() > 20 && missing.is_empty(), "{missing:?}");
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
                super::$promise(Folder::new(dir.path()).create(&new_run("test")).unwrap().as_mut());
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
    what_is_taken_and_has_no_outcome_is_unknown_to_the_next_owner,
    what_is_unknown_is_settled_by_whoever_finds_it,
    an_owner_that_is_superseded_is_given_nothing,
    what_owners_have_spent_adds_up,
    what_is_taken_from_all_over_a_group_is_marked_and_not_given_out_again,
    what_was_made_of_a_row_that_has_ended_is_told_all_the_same,
    changes_are_given_out_by_stage_then_group_then_row,
    own_calls_are_given_out_user_by_user_between_what_is_shared,
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
    the_roster_says_what_its_rows_name_and_how,
    an_undo_says_which_groups_it_needs,
    what_is_whole_and_in_its_place_is_said_to_be,
);
