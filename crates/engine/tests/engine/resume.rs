//! Runs that are stopped and gone on with.

use crate::stage::{Stage, consent, play};
use paceline_core::pace::Quota;
use paceline_core::summary::{Outcome, State};
use paceline_engine::{Halt, Interrupt, MaxFailures, Settings, Stop};
use paceline_journal::{Folder, Reach, Store as _};
use paceline_sandbox::Options;
use std::time::Duration;

fn fast() -> Settings {
    Settings { rate: Some(Quota { allowed: 50, window: Duration::from_secs(1) }), ..Settings::default() }
}

fn options(users: usize) -> Options {
    Options { users, limit: None, latency_ms: 20, ..Options::default() }
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_lets_what_is_in_flight_end_and_leaves_the_rest_pending() {
    let stage = Stage::new(options(200));
    let interrupt = Interrupt::new();
    let run = stage.begin(fast(), Box::new(stage.journal()), interrupt.clone()).await;
    let presser = tokio::spawn({
        let stage = stage.clone();
        async move {
            stage.clock.until(Duration::from_millis(1_060)).await;
            interrupt.press();
        }
    });
    let summary = play(run).await;
    presser.await.unwrap();
    assert_eq!(summary.state, State::Interrupted);
    assert_eq!(summary.counts.updated + summary.counts.pending, 200);
    assert_eq!(summary.counts.updated, stage.sandbox().books().applied.len() as u64, "nothing in flight was lost");
    assert!((48..100).contains(&summary.counts.updated), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_fails_stops_the_run_before_the_others() {
    let mut options = options(50);
    let ids = paceline_sandbox::Sandbox::new(options.clone()).user_ids();
    options.faults.users.insert(ids[3].clone(), 400);
    let stage = Stage::new(options);
    let settings = Settings { canary: Some(5), ..fast() };
    let summary = play(stage.begin(settings, Box::new(stage.journal()), Interrupt::new()).await).await;
    assert_eq!((summary.state, summary.counts.updated, summary.counts.failed), (State::Halted, 4, 1));
    assert_eq!(summary.counts.pending, 45);
    assert!(summary.halt.unwrap().cause.contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_succeeds_lets_the_others_follow_when_confirmed() {
    let stage = Stage::new(options(50));
    let settings = Settings { canary: Some(5), ..fast() };
    let dir = tempfile::tempdir().unwrap();
    let store = Folder::new(dir.path());
    let mut journal = store.create(&crate::stage::new_run()).unwrap();
    stage.fill(journal.as_mut());
    let mut run = stage.begin(settings.clone(), journal, Interrupt::new()).await;
    run.plan().await.unwrap();
    run.agreed(consent(Reach::Canary, Some(5))).await.unwrap();
    let mut asked = None;
    let ended = run
        .send(&mut |canary| {
            asked = Some((canary.counts.updated, canary.lost()));
            Box::pin(async { None })
        })
        .await;
    assert!(matches!(ended, Err(Stop::Halted(Halt::Declined))));
    assert_eq!(asked, Some((5, 0)));
    let summary = run.close(ended).await.summary;
    assert_eq!((summary.counts.updated, summary.counts.pending), (5, 45));
    // What was declined is not sent by anything later: the question stands, and the canary is not sent again.
    for yes in [false, true] {
        let journal = store.open("test").unwrap();
        let mut run = stage.begin(settings.clone(), journal, Interrupt::new()).await;
        run.plan().await.unwrap();
        let mut asked = 0;
        let ended = run
            .send(&mut |_| {
                asked += 1;
                Box::pin(async move { yes.then(|| consent(Reach::All, None)) })
            })
            .await;
        let summary = run.close(ended).await.summary;
        assert_eq!((asked, summary.counts.updated), (1, if yes { 50 } else { 5 }));
    }
    assert!(stage.sandbox().books().applied.values().all(|times| *times == 1));
}

#[tokio::test(start_paused = true)]
async fn a_canary_runs_until_it_has_run() {
    let mut options = options(20);
    let ids = paceline_sandbox::Sandbox::new(options.clone()).user_ids();
    options.faults.users.insert(ids[0].clone(), 400);
    let stage = Stage::new(options);
    let dir = tempfile::tempdir().unwrap();
    let store = Folder::new(dir.path());
    let mut journal = store.create(&crate::stage::new_run()).unwrap();
    stage.fill(journal.as_mut());
    let settings = Settings { canary: Some(2), ..fast() };
    // Agreed to, and stopped before anything was sent.
    let mut run = stage.begin(settings.clone(), journal, Interrupt::new()).await;
    run.plan().await.unwrap();
    run.agreed(consent(Reach::All, Some(2))).await.unwrap();
    run.close(Err(Stop::Interrupted)).await;
    let mut resume = stage.begin(settings.clone(), store.open("test").unwrap(), Interrupt::new()).await;
    resume.plan().await.unwrap();
    let ended = resume.send(&mut |_| Box::pin(async { None })).await;
    assert!(matches!(ended, Err(Stop::Halted(Halt::Canary { failed: 1, sent: 2 }))), "{ended:?}");
    let summary = resume.close(ended).await.summary;
    assert_eq!((summary.counts.updated, summary.counts.pending), (1, 18));
    // One that failed is over, and its consent, which reached as far as it succeeded, covers no other row.
    let mut again = stage.begin(settings, store.open("test").unwrap(), Interrupt::new()).await;
    again.plan().await.unwrap();
    let ended = again.send(&mut |_| Box::pin(async { None })).await;
    assert!(matches!(ended, Err(Stop::Halted(Halt::Declined))), "{ended:?}");
    assert_eq!(again.close(ended).await.summary.counts.pending, 18);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_nobody_agreed_to() {
    let stage = Stage::new(options(3));
    let mut run = stage.begin(fast(), Box::new(stage.journal()), Interrupt::new()).await;
    run.plan().await.unwrap();
    let ended = run.send(&mut |_| Box::pin(async { None })).await;
    assert!(matches!(ended, Err(Stop::Halted(Halt::Declined))), "{ended:?}");
    assert!(stage.sandbox().books().applied.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_tenant_is_learned_from_the_vendor_and_stood_in_for_where_nothing_is_read() {
    for blind in [false, true] {
        let stage = Stage::new(options(1));
        let settings = Settings { blind, ..fast() };
        let mut run = stage.begin(settings, Box::new(stage.journal()), Interrupt::new()).await;
        let tenant = run.learn_tenant("https://api.example.com").await.unwrap();
        assert_eq!(tenant.id.is_some(), !blind);
        assert_eq!(
            (tenant.base_url.as_str(), tenant.client_id.as_str()),
            ("https://api.example.com", "sandbox-client")
        );
        assert_eq!(stage.sandbox().books().calls.is_empty(), blind, "no call is added to a blind run");
        run.keep_tenant(tenant.clone()).await.unwrap();
        assert_eq!(run.record().tenant, Some(tenant));
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_failures_halt_the_run() {
    let mut options = options(100);
    let ids = paceline_sandbox::Sandbox::new(options.clone()).user_ids();
    options.faults.users = ids.iter().take(60).map(|id| (id.clone(), 400)).collect();
    for (most, at_most) in [(MaxFailures::Rows(7), 17), (MaxFailures::Percent(20.0), 30)] {
        let stage = Stage::new(options.clone());
        let settings = Settings { max_failures: Some(most), ..fast() };
        let summary = play(stage.begin(settings, Box::new(stage.journal()), Interrupt::new()).await).await;
        assert_eq!(summary.state, State::Halted, "{most:?}");
        assert!(summary.counts.failed <= at_most, "{most:?} {summary:?}");
        assert_eq!(summary.counts.failed + summary.counts.updated + summary.counts.pending, 100);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_on_every_row_halts_after_few_calls_and_fails_nobody() {
    let mut options = options(100);
    options.faults.forbidden = true;
    let stage = Stage::new(options);
    let summary = play(stage.begin(fast(), Box::new(stage.journal()), Interrupt::new()).await).await;
    assert_eq!((summary.state, summary.counts.pending), (State::Halted, 100), "{summary:?}");
    assert!(summary.effort.calls.write <= 15, "{summary:?}");
    assert!(summary.halt.unwrap().cause.contains("missing.permissions"));
}

/// A crash between the vendor's write and our record of it, for every way that the vendor can look afterwards.
#[tokio::test(start_paused = true)]
async fn what_was_in_flight_at_a_crash_is_settled_by_value() {
    let stage = Stage::new(options(4));
    let ids = stage.sandbox().user_ids();
    let dir = tempfile::tempdir().unwrap();
    let store = Folder::new(dir.path());
    let mut journal = store.create(&crate::stage::new_run()).unwrap();
    stage.fill(journal.as_mut());
    // The run that died: planned, marked "may be sent", and then two users were written.
    let mut died = stage.begin(fast(), journal, Interrupt::new()).await;
    died.plan().await.unwrap();
    died.agreed(consent(Reach::All, None)).await.unwrap();
    drop(died);
    let mut journal = store.open("test").unwrap();
    let owner = journal.claim("who died").unwrap();
    assert_eq!(journal.take(&owner, None, u64::MAX, 3).unwrap().len(), 3);
    drop(journal);
    let write = |id: &str, title: &str| assert!(stage.sandbox().edit_as_someone(id, "title", title));
    write(&ids[0], &format!("Title of {}", ids[0])); // ours, unanswered
    write(&ids[2], "A colleague's"); // somebody else's
    let resumed = stage.begin(fast(), store.open("test").unwrap(), Interrupt::new()).await;
    let summary = play(resumed).await;
    let mut journal = store.look("test").unwrap();
    assert_eq!((summary.counts.updated, summary.counts.conflict), (3, 1), "{summary:?}");
    let outcomes: Vec<Outcome> = journal.rows(0, 10, false).unwrap().into_iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, [Outcome::Updated, Outcome::Updated, Outcome::Conflict, Outcome::Updated]);
    assert_eq!(stage.sandbox().user(&ids[2]).unwrap()["title"], "A colleague's");
    assert_eq!(stage.sandbox().books().applied.get(&ids[0]), None, "it was not written again");
}

/// What a journal holds was written by us, and perhaps damaged or planted since.
#[test]
fn a_change_from_a_journal_makes_a_call_whatever_its_group_is() {
    use paceline_core::plan::{Change, ChangeKey};
    for name in ["genesys", "nice"] {
        let vendor = paceline_vendors::by_name(name, None).unwrap();
        for kind in
            ["team", "groups+", "queues-", "roles+", "division", "skills", "skills+", "active-", "fields", "odd"]
        {
            for group in ["", "-", "+", "é", "-é", "\u{1f}", "a b/../c"] {
                let change = Change {
                    key: ChangeKey { stage: 1, group: group.into(), row: 1 },
                    kind: kind.into(),
                    user: paceline_core::user::UserId("u".into()),
                    before: serde_json::Map::new(),
                    after: serde_json::Map::new(),
                    rest: serde_json::Map::new(),
                    columns: vec![],
                    version: None,
                };
                vendor.undo(&change);
                assert!(vendor.width(&change) >= 1);
                assert!(vendor.call(&[change]).target.starts_with('/'), "{name} {kind} {group:?}");
            }
        }
    }
}
