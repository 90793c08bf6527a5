//! Whose fault it is, and what becomes of the others (DESIGN.md, section 3: a row's failure is that row's).

use crate::fake::{Books, Fake, refused};
use crate::stage::play;
use paceline_core::backoff::Backoff;
use paceline_core::pace::Quota;
use paceline_core::summary::State;
use paceline_core::vendor::Request;
use paceline_engine::{Lost, MaxFailures, Settings};
use serde_json::{Value, json};
use std::time::Duration;

const MOVE: &str = "POST /api/v2/authorization/divisions/{divisionId}/objects/{objectType}";
const ADD: &str = "PATCH /api/v2/users/{userId}/routingskills/bulk";
const PATCH: &str = "PATCH /api/v2/users/{userId}";
const READ: &str = "GET /api/v2/users";

fn pace(allowed: u32, seconds: u64) -> Settings {
    Settings { rate: Some(Quota { allowed, window: Duration::from_secs(seconds) }), ..Settings::default() }
}

fn fast() -> Settings {
    pace(100_000, 1)
}

/// Numbers of the users that a move is about.
fn moved(request: &Request) -> Vec<usize> {
    let ids = request.body.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    ids.filter_map(|id| id.trim_start_matches('u').parse().ok()).collect()
}

/// Whether a request is about the user of this number alone.
fn is_about(request: &Request, template: &str, user: &str) -> bool {
    request.template == template && request.target.split('/').nth(4) == Some(user)
}

fn in_division(books: &Books, division: &str) -> u64 {
    books.users.values().filter(|user| user["division"]["id"] == division).count() as u64
}

#[tokio::test(start_paused = true)]
async fn a_roster_sorted_by_who_is_refused_leaves_the_others_their_outcome() {
    for (users, refuse) in [(51, 50), (5_000, 2_600)] {
        for (status, code) in [(403, "missing.division.permission"), (404, "not.found"), (400, "bad.request")] {
            let fake = Fake::new(users, move |_, request| {
                let bad = request.template == MOVE && moved(request).iter().any(|number| *number <= refuse);
                bad.then(|| Ok(refused(status, code)))
            });
            let summary = play(fake.run(fast(), json!({"division": "Sales"})).await).await;
            let good = (users - refuse) as u64;
            assert_eq!((summary.counts.updated, summary.counts.failed), (good, refuse as u64), "{users} {status}");
            assert_eq!(in_division(&fake.books(), "sales"), good);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_division_that_is_forbidden_does_not_keep_the_others_from_theirs() {
    let fake = Fake::new(1_300, |_, request| {
        let bad = request.template == MOVE && request.target.contains("/sales/");
        bad.then(|| Ok(refused(403, "missing.permissions")))
    });
    let division = |number| if number <= 600 { "Sales" } else { "Support" };
    let summary = play(fake.run_each(fast(), |number| json!({"division": division(number)})).await).await;
    assert_eq!((summary.state, summary.counts.updated, summary.counts.failed), (State::Finished, 700, 600));
    assert!(fake.books().count(MOVE) <= 12 + 14 + 2, "{}", fake.books().count(MOVE));
}

#[tokio::test(start_paused = true)]
async fn trouble_that_lasts_with_one_user_fails_that_user_and_none_of_those_who_share_its_call() {
    let fake = Fake::new(40, |_, request| {
        let bad = request.template == MOVE && moved(request).contains(&17);
        bad.then(|| Ok(refused(503, "service.unavailable")))
    });
    let settings = Settings {
        max_retries: 1,
        backoff: Backoff { base: Duration::from_millis(10), max: Duration::from_millis(20), ..Backoff::default() },
        ..fast()
    };
    // Others get through meanwhile: it is no outage.
    let summary = play(fake.run(settings, json!({"division": "Sales", "title": "Lead"})).await).await;
    assert_eq!((summary.state, summary.counts.updated, summary.counts.failed), (State::Finished, 39, 1), "{summary:?}");
    assert_eq!(summary.failures[0].user, "u17");
    assert_eq!(in_division(&fake.books(), "sales"), 39);
}

#[tokio::test(start_paused = true)]
async fn a_halt_for_too_many_failures_records_all_that_was_in_flight() {
    let fake = Fake::new(40, |_, request| {
        let bad = is_about(request, PATCH, "u1") || is_about(request, PATCH, "u2") || is_about(request, PATCH, "u3");
        bad.then(|| Ok(refused(400, "invalid.value")))
    });
    let settings = Settings { max_failures: Some(MaxFailures::Rows(1)), max_concurrent: 10, ..fast() };
    let summary = play(fake.run(settings, json!({"title": "Lead"})).await).await;
    let books = fake.books();
    let made = books.users.values().filter(|user| user["title"] == "Lead").count() as u64;
    assert_eq!((summary.state, summary.counts.updated), (State::Halted, made), "{summary:?}");
    assert_eq!(summary.counts.failed + summary.counts.updated, books.count(PATCH) as u64);
}

#[tokio::test(start_paused = true)]
async fn one_user_that_cannot_be_read_back_fails_alone() {
    let mut lost = false;
    let fake = Fake::new(10, move |books, request| {
        if is_about(request, PATCH, "u3") && !std::mem::replace(&mut lost, true) {
            books.users.get_mut("u3").unwrap()["title"] = json!("Lead");
            return Some(Err(Lost::Broken("reset".into())));
        }
        let reads = request.template == READ && request.target.contains("id=u3") && lost;
        reads.then(|| Ok(refused(403, "not.authorized")))
    });
    let settings = Settings { max_retries: 0, ..fast() };
    let summary = play(fake.run(settings, json!({"title": "Lead", "division": "Sales"})).await).await;
    assert_eq!((summary.state, summary.counts.updated, summary.counts.failed), (State::Finished, 9, 1), "{summary:?}");
    let message = summary.failures[0].message.clone().unwrap();
    assert!(message.contains("not known") || message.contains("cannot be read"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_after_a_lost_answer_is_read_before_it_is_called_a_failure() {
    let mut calls = 0;
    let fake = Fake::new(3, move |books, request| {
        if !is_about(request, ADD, "u2") {
            return None;
        }
        calls += 1;
        if calls > 1 {
            return Some(Ok(refused(400, "already.assigned")));
        }
        let skills = books.users.get_mut("u2").unwrap()["skills"].as_array_mut().unwrap();
        skills.push(json!({"id": "french", "name": "French", "proficiency": 2.0}));
        Some(Err(Lost::Broken("reset".into())))
    });
    let fields = json!({"skills+": [{"name": "French", "proficiency": 2.0}]});
    let summary = play(fake.run(fast(), fields).await).await;
    assert_eq!((summary.counts.updated, summary.counts.failed), (3, 0), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_lasts_and_that_no_version_explains_is_the_rows_failure_after_few_calls() {
    let fake = Fake::new(2, |_, request| (request.template == MOVE).then(|| Ok(refused(409, "general.conflict"))));
    let summary = play(fake.run(fast(), json!({"division": "Sales"})).await).await;
    assert_eq!((summary.counts.failed, summary.counts.conflict), (2, 0), "{summary:?}");
    assert_eq!(summary.failures[0].code.as_deref(), Some("general.conflict"));
    assert!(fake.books().count(MOVE) <= 8, "{}", fake.books().count(MOVE));
}

#[tokio::test(start_paused = true)]
async fn two_tokens_that_allow_one_call_each_get_a_comparison_through() {
    let fake = Fake::new(6, |_, _| None);
    let fields = json!({"skills": [{"name": "French", "proficiency": 2.0}]});
    let summary = play(fake.run(Settings { tokens: 2, ..pace(1, 10) }, fields).await).await;
    assert_eq!((summary.state, summary.counts.updated), (State::Finished, 6), "{summary:?}");
}

fn patient() -> Settings {
    let backoff = Backoff { base: Duration::from_millis(100), max: Duration::from_secs(2), ..Backoff::default() };
    Settings { backoff, ..fast() }
}

#[tokio::test(start_paused = true)]
async fn trouble_that_one_user_makes_halts_nothing_wherever_the_user_stands() {
    for culprit in [1, 7, 20, 50] {
        let fake = Fake::new(50, move |_, request| {
            let bad = request.template == MOVE && moved(request).contains(&culprit);
            bad.then(|| Ok(refused(500, "internal.server.error")))
        });
        let summary = play(fake.run(patient(), json!({"division": "Sales"})).await).await;
        let told = (summary.state, summary.counts.updated, summary.counts.failed);
        assert_eq!(told, (State::Finished, 49, 1), "{culprit}: {summary:?}");
        assert_eq!(summary.failures[0].user, format!("u{culprit}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_in_trouble_for_good_fails_its_rows_and_no_others() {
    let fake = Fake::new(300, |_, request| {
        let bad = request.template == MOVE && request.target.contains("/sales/");
        bad.then(|| Ok(refused(503, "service.unavailable")))
    });
    let division = |number| if number <= 150 { "Sales" } else { "Support" };
    let summary = play(fake.run_each(patient(), |number| json!({"division": division(number)})).await).await;
    let told = (summary.state, summary.counts.updated, summary.counts.failed);
    assert_eq!(told, (State::Finished, 150, 150), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_one_user_breaks_fails_that_user_alone() {
    let fake = Fake::new(30, |_, request| {
        let bad = request.template == READ
            && request.target.split('&').any(|pair| pair == "id=u7" || pair.ends_with("?id=u7"));
        bad.then(|| Ok(refused(500, "internal.server.error")))
    });
    let summary = play(fake.run(patient(), json!({"title": "Lead"})).await).await;
    let told = (summary.state, summary.counts.updated, summary.counts.failed);
    assert_eq!(told, (State::Finished, 29, 1), "{summary:?}");
}
