//! No lost update, and nothing that is believed for its status alone (DESIGN.md, section 3).

use crate::fake::{Books, Fake, json_answer, refused, throttled};
use crate::stage::play;
use paceline_core::pace::Quota;
use paceline_core::summary::State;
use paceline_core::vendor::{Answer, Request};
use paceline_engine::{Lost, MaxFailures, Settings};
use serde_json::{Value, json};
use std::time::Duration;

const MOVE: &str = "POST /api/v2/authorization/divisions/{divisionId}/objects/{objectType}";
const SKILLS: &str = "PUT /api/v2/users/{userId}/routingskills/bulk";
const PATCH: &str = "PATCH /api/v2/users/{userId}";
const READ: &str = "GET /api/v2/users";

fn pace(allowed: u32, seconds: u64) -> Settings {
    Settings { rate: Some(Quota { allowed, window: Duration::from_secs(seconds) }), ..Settings::default() }
}

fn nobody(_: &mut Books, _: &Request) -> Option<Result<Answer, Lost>> {
    None
}

/// Users that a request is about.
fn users_of(request: &Request) -> Vec<String> {
    match (request.template, &request.body) {
        (READ, _) => request.target.split('&').filter_map(|pair| pair.strip_prefix("id=")).map(str::to_owned).collect(),
        (MOVE, Some(Value::Array(ids))) => ids.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => request.target.split('/').nth(4).map(str::to_owned).into_iter().collect(),
    }
}

/// The longest time between a user's last read and a write to it, over all writes of a template.
fn oldest_comparison(books: &Books, template: &str) -> Duration {
    let mut oldest = Duration::ZERO;
    for (at, (sent, request)) in books.log.iter().enumerate().filter(|(_, (_, request))| request.template == template) {
        for user in users_of(request) {
            let is_its = |(_, read): &&(Duration, Request)| read.template == READ && users_of(read).contains(&user);
            let read = books.log[..at].iter().rfind(is_its).map(|(read, _)| *read).unwrap_or_default();
            oldest = oldest.max(*sent - read);
        }
    }
    oldest
}

#[tokio::test(start_paused = true)]
async fn what_was_throttled_is_compared_again_and_a_colleagues_edit_of_the_pause_stays() {
    let mut refused_once = false;
    let fake = Fake::new(20, move |books, request| {
        if request.template != MOVE || std::mem::replace(&mut refused_once, true) {
            return None;
        }
        // While the pause runs, a colleague moves one of them.
        books.users.get_mut("u7").unwrap()["division"] = json!({"id": "support", "name": "Support"});
        Some(Ok(throttled(30)))
    });
    let summary = play(fake.run(pace(500, 1), json!({"division": "Sales"})).await).await;
    assert_eq!((summary.counts.updated, summary.counts.conflict), (19, 1), "{summary:?}");
    let books = fake.books();
    assert_eq!(books.users["u7"]["division"]["id"], "support");
    assert!(oldest_comparison(&books, MOVE) <= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_written_from_a_comparison_older_than_five_seconds_however_slow_the_pace() {
    for (settings, template, fields) in [
        (pace(10, 60), SKILLS, json!({"skills": [{"name": "French", "proficiency": 2.0}]})),
        (
            Settings { spread: true, ..pace(60, 60) },
            SKILLS,
            json!({"skills": [{"name": "French", "proficiency": 2.0}]}),
        ),
        (pace(4, 10), MOVE, json!({"division": "Sales"})),
    ] {
        let fake = Fake::new(60, nobody);
        let summary = play(fake.run(settings, fields).await).await;
        assert_eq!((summary.state, summary.counts.updated), (State::Finished, 60), "{summary:?}");
        let books = fake.books();
        assert!(oldest_comparison(&books, template) <= Duration::from_secs(5), "{template}");
        // What is read and not written in time is read again: not much of it.
        assert!(books.count(READ) <= 1 + books.count(template), "{template}: {} reads", books.count(READ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_read_a_moment_ago_is_not_read_again() {
    let fake = Fake::new(100, nobody);
    let summary = play(fake.run(pace(500, 1), json!({"division": "Sales"})).await).await;
    let books = fake.books();
    assert_eq!((summary.counts.updated, books.count(READ), books.count(MOVE)), (100, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_comparison_that_lost_its_answer_is_never_repeated_unread() {
    let mut times = 0;
    let fake = Fake::new(3, move |books, request| {
        times += u32::from(request.template == SKILLS);
        if request.template != SKILLS || times > 2 {
            return None;
        }
        // The first write is made, and nobody hears of it; then a colleague edits. The second never arrives.
        let user = users_of(request)[0].clone();
        if times == 1 {
            books.users.get_mut(&user).unwrap()["skills"] =
                json!([{"id": "billing", "name": "Billing", "proficiency": 1.0}]);
        }
        Some(Err(if times == 1 { Lost::Broken("reset".into()) } else { Lost::Timeout }))
    });
    let fields = json!({"skills": [{"name": "French", "proficiency": 2.0}]});
    let summary = play(fake.run(Settings { max_concurrent: 1, ..pace(500, 1) }, fields).await).await;
    assert_eq!((summary.counts.updated, summary.counts.conflict), (2, 1), "{summary:?}");
    let books = fake.books();
    assert_eq!(books.users["u1"]["skills"][0]["id"], "billing", "the colleague's edit stays");
    let writes: Vec<usize> = (0..books.log.len()).filter(|at| books.log[*at].1.template == SKILLS).collect();
    for pair in writes.windows(2).filter(|pair| users_of(&books.log[pair[0]].1) == users_of(&books.log[pair[1]].1)) {
        assert!(books.log[pair[0]..pair[1]].iter().any(|(_, request)| request.template == READ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_in_html_is_no_success_and_where_every_write_is_answered_so_the_run_halts() {
    let html = || Answer::new(200, vec![("content-type".into(), "text/html".into())], b"<html>blocked</html>".to_vec());
    for users in [1, 30] {
        let fake = Fake::new(users, move |_, request| (request.template == PATCH).then(|| Ok(html())));
        let summary = play(fake.run(pace(500, 1), json!({"title": "Lead"})).await).await;
        assert_eq!(
            (summary.state, summary.counts.updated, summary.counts.failed),
            (State::Halted, 0, 0),
            "{summary:?}"
        );
        assert!(summary.halt.unwrap().cause.contains("between here and the API"));
        assert!(fake.books().count(PATCH) <= 25);
    }
    // Now and then, it costs nobody anything.
    let mut calls = 0;
    let fake = Fake::new(30, move |_, request| {
        calls += u32::from(request.template == PATCH);
        (request.template == PATCH && calls % 5 == 0).then(|| Ok(html()))
    });
    let summary = play(fake.run(pace(500, 1), json!({"title": "Lead"})).await).await;
    assert_eq!((summary.state, summary.counts.updated), (State::Finished, 30), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_is_no_version_is_the_rows_failure_after_one_look() {
    let fake = Fake::new(1, |_, request| (request.template == PATCH).then(|| Ok(refused(409, "general.conflict"))));
    let summary = play(fake.run(pace(500, 1), json!({"title": "Lead"})).await).await;
    assert_eq!((summary.counts.failed, summary.counts.conflict), (1, 0), "{summary:?}");
    assert_eq!(summary.failures[0].code.as_deref(), Some("general.conflict"));
    let books = fake.books();
    assert_eq!((books.count(PATCH), books.count(READ)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_version_that_a_colleague_raised_elsewhere_is_written_on() {
    let fake = Fake::new(5, |books, request| {
        let user = books
            .users
            .get_mut(&users_of(request)[0])
            .filter(|user| request.template == PATCH && user["department"].is_null())?;
        (user["department"], user["version"]) = (json!("Tax"), json!(2));
        None
    });
    let summary = play(fake.run(pace(500, 1), json!({"title": "Lead"})).await).await;
    assert_eq!(summary.counts.updated, 5, "{summary:?}");
    assert_eq!(fake.books().users["u3"]["department"], "Tax");
}

#[tokio::test(start_paused = true)]
async fn a_rows_second_change_does_not_overwrite_what_a_colleague_did_before_its_first() {
    // The colleague's edit is met by the first call (409), which has nothing to do with it and goes on the newer version;
    // or it comes between the two calls; or the first answer is lost and read back.
    for how in ["before", "between", "lost"] {
        let mut patches = 0;
        let fake = Fake::new(1, move |books, request| {
            patches += u32::from(request.template == PATCH);
            let user = books.users.get_mut("u1").unwrap();
            let edit = |user: &mut Value| {
                (user["title"], user["version"]) = (json!("Boss"), json!(user["version"].as_i64().unwrap() + 1));
            };
            match (how, patches, request.template) {
                ("before", 1, PATCH) | ("between", 2, PATCH) => edit(user),
                ("lost", 1, PATCH) => {
                    (user["state"], user["version"]) = (json!("active"), json!(2));
                    edit(user);
                    return Some(Err(Lost::Broken("reset".into())));
                }
                _ => {}
            }
            None
        });
        fake.books().users.get_mut("u1").unwrap()["state"] = json!("inactive");
        let fields = json!({"state": "active", "title": "Lead"});
        let summary = play(fake.run(Settings { max_retries: 0, ..pace(500, 1) }, fields).await).await;
        assert_eq!((summary.counts.updated, summary.counts.conflict), (0, 1), "{how}: {summary:?}");
        let books = fake.books();
        assert_eq!(
            (&books.users["u1"]["title"], &books.users["u1"]["state"]),
            (&json!("Boss"), &json!("active")),
            "{how}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_rows_second_change_goes_on_the_version_that_its_first_has_brought() {
    let fake = Fake::new(20, nobody);
    (1..=20).for_each(|number| fake.books().users.get_mut(&format!("u{number}")).unwrap()["state"] = json!("inactive"));
    let summary = play(fake.run(pace(500, 1), json!({"state": "active", "title": "Lead"})).await).await;
    let books = fake.books();
    assert_eq!((summary.counts.updated, books.count(PATCH), books.count(READ)), (20, 40, 1), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_gone_ends_its_rows_in_a_dozen_calls() {
    let fake = Fake::new(5_000, |_, request| (request.template == MOVE).then(|| Ok(refused(404, "not.found"))));
    let summary = play(fake.run(pace(100_000, 1), json!({"division": "Sales"})).await).await;
    assert_eq!((summary.state, summary.counts.failed), (State::Finished, 5_000), "{:?}", summary.counts);
    let books = fake.books();
    let planned = 50 + 1;
    assert!(books.log.len() - planned <= 12, "{} calls", books.log.len() - planned);
}

#[tokio::test(start_paused = true)]
async fn a_width_that_is_ours_blames_nobody_and_is_learned() {
    let fake = Fake::new(1_000, |_, request| {
        let wide = request.template == MOVE && users_of(request).len() > 20;
        wide.then(|| Ok(refused(400, "too.many.bulk.division.updates")))
    });
    let summary = play(fake.run(pace(100_000, 1), json!({"division": "Sales"})).await).await;
    assert_eq!(summary.counts.updated, 1_000, "{summary:?}");
    assert!(fake.books().count(MOVE) <= 160, "{}", fake.books().count(MOVE));
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_for_one_kind_of_change_leaves_the_others_their_outcome() {
    let fake = Fake::new(3, |_, request| (request.template == PATCH).then(|| Ok(refused(403, "missing.permissions"))));
    let summary = play(fake.run(pace(500, 1), json!({"title": "Lead", "division": "Sales"})).await).await;
    assert_eq!((summary.state, summary.counts.pending), (State::Halted, 3), "nobody got through: {summary:?}");
    // Where others get through, those who are refused are refused for themselves.
    let fake = Fake::new(3, |_, request| {
        (request.template == PATCH && request.target.ends_with("u1")).then(|| Ok(refused(403, "missing.permissions")))
    });
    let summary = play(fake.run(pace(500, 1), json!({"title": "Lead", "division": "Sales"})).await).await;
    assert_eq!((summary.state, summary.counts.updated, summary.counts.failed), (State::Finished, 2, 1), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn one_users_read_that_is_refused_fails_that_row_and_a_read_that_is_forbidden_for_all_halts() {
    let refuse = |request: &Request, who: &str| {
        (request.template == READ && users_of(request).iter().any(|user| user == who || who == "all"))
            .then(|| Ok(refused(403, "not.authorized")))
    };
    let fake = Fake::new(40, move |_, request| refuse(request, "u7"));
    let summary = play(fake.run(pace(500, 1), json!({"title": "Lead"})).await).await;
    assert_eq!((summary.counts.updated, summary.counts.failed), (39, 1), "{summary:?}");
    for users in [1, 40] {
        let fake = Fake::new(users, move |_, request| refuse(request, "all"));
        let summary = play(fake.run(pace(500, 1), json!({"title": "Lead"})).await).await;
        assert_eq!((summary.state, summary.counts.failed), (State::Halted, 0), "{summary:?}");
        assert!(fake.books().count(READ) <= 40, "{}", fake.books().count(READ));
    }
}

#[tokio::test(start_paused = true)]
async fn all_of_a_call_is_recorded_before_too_many_failures_halt_the_run() {
    let fake = Fake::new(20, |_, request| {
        let bad = request.template == MOVE && users_of(request).iter().any(|user| user == "u3" || user == "u4");
        bad.then(|| Ok(refused(400, "invalid.value")))
    });
    let settings = Settings { max_failures: Some(MaxFailures::Rows(1)), ..pace(500, 1) };
    let summary = play(fake.run(settings, json!({"division": "Sales"})).await).await;
    let moved = fake.books().users.values().filter(|user| user["division"]["id"] == "sales").count();
    assert_eq!((summary.state, summary.counts.updated), (State::Halted, moved as u64), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn failures_that_the_plan_has_told_count_before_anything_is_sent() {
    let fake = Fake::new(10, |books, request| {
        if request.template == READ {
            (1..=6).for_each(|number| drop(books.users.remove(&format!("u{number}"))));
        }
        None
    });
    let settings = Settings { max_failures: Some(MaxFailures::Percent(5.0)), ..pace(500, 1) };
    let summary = play(fake.run(settings, json!({"title": "Lead"})).await).await;
    assert_eq!((summary.state, summary.counts.failed, fake.books().count(PATCH)), (State::Halted, 6, 0), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_never_ends_is_left() {
    let fake = Fake::new(2, |_, request| {
        let page = json!({"entities": [{"id": "sales", "name": "Sales"}], "pageNumber": 1, "pageCount": 1_000_000_000});
        (request.template == "GET /api/v2/authorization/divisions").then(|| Ok(json_answer(200, &page)))
    });
    let summary = play(fake.run(pace(500, 1), json!({"division": "Sales"})).await).await;
    assert_eq!(summary.counts.updated, 2, "{summary:?}");
    assert!(fake.books().count("GET /api/v2/authorization/divisions") <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_that_leaves_one_call_a_window_does_not_make_old_comparisons_good() {
    let mut writes = 0;
    let fake = Fake::new(30, move |_, request| {
        writes += u32::from(request.template == SKILLS);
        // The first three are let through, and then hardly anything for a while.
        (request.template == SKILLS && (4..=9).contains(&writes)).then(|| Ok(throttled(40)))
    });
    let fields = json!({"skills": [{"name": "French", "proficiency": 2.0}]});
    let summary = play(fake.run(Settings { max_concurrent: 2, ..pace(4, 10) }, fields).await).await;
    assert_eq!((summary.state, summary.counts.updated), (State::Finished, 30), "{summary:?}");
    assert!(oldest_comparison(&fake.books(), SKILLS) <= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn where_a_window_holds_one_call_a_comparison_is_as_fresh_as_the_pace_lets_it_be() {
    let fake = Fake::new(4, nobody);
    let fields = json!({"skills": [{"name": "French", "proficiency": 2.0}]});
    let summary = play(fake.run(pace(1, 20), fields).await).await;
    assert_eq!((summary.state, summary.counts.updated), (State::Finished, 4), "{summary:?}");
    let books = fake.books();
    assert!(oldest_comparison(&books, SKILLS) <= Duration::from_secs(25));
    assert!(books.log.len() <= 3 + 2 * 4 + 1, "{} calls", books.log.len());
}

/// Users of whom one change is made and the other is not.
fn half_done(books: &Books) -> usize {
    let is_half = |user: &&Value| (user["title"] == "Lead") != (user["skills"][0]["id"] == "french");
    books.users.values().filter(is_half).count()
}

#[tokio::test(start_paused = true)]
async fn a_halt_in_the_middle_of_title_and_skills_leaves_no_more_half_done_than_are_in_flight() {
    let fields = json!({"title": "Lead", "skills": [{"name": "French", "proficiency": 2.0}]});
    let drip = || Settings { spread: true, ..pace(600, 60) };
    // Users; the pace; the write from which on nobody is let in; the most reads besides the plan's.
    let mut table =
        vec![(5_000, pace(500, 1), 5_000, 200), (5_000, pace(240, 60), 5_000, 280), (1_000, drip(), 999, 170)];
    // Around the ends of windows, where what was read gets old.
    table.extend((223..=483).step_by(13).map(|halt_after| (400, pace(240, 60), halt_after, 20)));
    for (users, settings, halt_after, most_reads) in table {
        let mut writes = 0;
        let fake = Fake::new(users, move |_, request| {
            writes += usize::from([PATCH, SKILLS].contains(&request.template));
            (writes > halt_after).then(|| Ok(refused(401, "bad.credentials")))
        });
        let most = settings.max_concurrent as usize;
        let shown = format!("{:?} after {halt_after}", settings.rate);
        let summary = play(fake.run(settings, fields.clone()).await).await;
        assert_eq!(summary.state, State::Halted, "{shown}: {summary:?}");
        let books = fake.books();
        let (half, reads) = (half_done(&books), books.count(READ));
        assert!(half <= most, "{shown}: {half} are half done, and {most} may be in flight");
        assert!(oldest_comparison(&books, SKILLS) <= Duration::from_secs(5), "{shown}");
        assert!(reads <= users.div_ceil(100) + most_reads, "{shown}: {reads} reads");
    }
}

#[tokio::test(start_paused = true)]
async fn title_and_skills_of_a_long_run_cost_a_read_for_many_users() {
    let fields = json!({"title": "Lead", "skills": [{"name": "French", "proficiency": 2.0}]});
    for (settings, most) in [(pace(500, 1), 12), (pace(240, 60), 95), (Settings { spread: true, ..pace(600, 60) }, 220)]
    {
        let fake = Fake::new(1_000, nobody);
        let summary = play(fake.run(settings, fields.clone()).await).await;
        assert_eq!((summary.state, summary.counts.updated), (State::Finished, 1_000), "{summary:?}");
        let books = fake.books();
        assert!(books.count(READ) <= most, "{} reads", books.count(READ));
    }
}
