//! A folder of small scenario files: how the vendor behaves, what goes wrong, and the accepted ranges of the outcome.

use crate::stage::{Stage, play};
use paceline_core::backoff::Backoff;
use paceline_core::pace::Quota;
use paceline_core::summary::{State, Summary};
use paceline_engine::{Interrupt, Settings};
use paceline_sandbox::{Books, Limit, Options};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What it is about and why the ranges are what they are.
    why: String,
    vendor: Options,
    #[serde(default)]
    run: RunPart,
    /// Changes of the vendor's quota during the run.
    #[serde(default)]
    then: Vec<Then>,
    expect: Expect,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RunPart {
    /// Calls and seconds.
    rate: Option<(u32, f64)>,
    max_concurrent: Option<u32>,
    max_retries: Option<u32>,
    max_wait_s: Option<f64>,
    timeout_s: Option<f64>,
    blind: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Then {
    at_s: f64,
    limit: Limit,
}

/// Accepted ranges, both ends included; what is not named is not looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    state: State,
    updated: Option<(u64, u64)>,
    failed: Option<(u64, u64)>,
    conflict: Option<(u64, u64)>,
    pending: Option<(u64, u64)>,
    elapsed_s: Option<(f64, f64)>,
    throttled: Option<(u64, u64)>,
    retries: Option<(u64, u64)>,
    tokens: Option<(u64, u64)>,
    /// Writes of the vendor's books beyond one a user.
    written_twice: Option<(u64, u64)>,
}

fn settings(part: &RunPart) -> Settings {
    let default = Settings::default();
    Settings {
        rate: part.rate.map(|(allowed, window)| Quota { allowed, window: Duration::from_secs_f64(window) }),
        max_concurrent: part.max_concurrent.unwrap_or(default.max_concurrent),
        max_retries: part.max_retries.unwrap_or(default.max_retries),
        max_wait: part.max_wait_s.map_or(default.max_wait, Duration::from_secs_f64),
        timeout: part.timeout_s.map_or(default.timeout, Duration::from_secs_f64),
        blind: part.blind,
        backoff: Backoff::default(),
        ..default
    }
}

/// A vendor without `limit` has none.
fn read(file: &Path) -> Result<Scenario, toml::de::Error> {
    let text = std::fs::read_to_string(file).unwrap();
    let limited = toml::from_str::<toml::Table>(&text)?["vendor"].get("limit").is_some();
    let mut scenario: Scenario = toml::from_str(&text)?;
    scenario.vendor.limit = scenario.vendor.limit.filter(|_| limited);
    Ok(scenario)
}

async fn perform(scenario: &Scenario) -> (Summary, Books) {
    let stage = Stage::new(scenario.vendor.clone());
    let changes = scenario.then.clone();
    let later = stage.clone();
    let director = tokio::spawn(async move {
        for change in changes {
            later.clock.until(Duration::from_secs_f64(change.at_s)).await;
            later.sandbox().set_limit(Some(change.limit));
        }
    });
    let journal = Box::new(stage.journal());
    let run = stage.begin(settings(&scenario.run), journal, Interrupt::new()).await;
    let summary = play(run).await;
    director.abort();
    let books = stage.sandbox().books().clone();
    (summary, books)
}

fn complaints(expect: &Expect, summary: &Summary, books: &Books) -> Vec<String> {
    let mut out = vec![];
    let mut whole = |name: &str, range: Option<(u64, u64)>, found: u64| {
        if let Some((least, most)) = range.filter(|(least, most)| !(*least..=*most).contains(&found)) {
            out.push(format!("{name} is {found}, not {least} to {most}"));
        }
    };
    whole("updated", expect.updated, summary.counts.updated);
    whole("failed", expect.failed, summary.counts.failed);
    whole("conflict", expect.conflict, summary.counts.conflict);
    whole("pending", expect.pending, summary.counts.pending);
    whole("throttled", expect.throttled, summary.effort.throttled);
    whole("retries", expect.retries, summary.effort.retries);
    whole("tokens", expect.tokens, books.tokens);
    let twice = books.applied.values().map(|times| times - 1).sum();
    whole("written_twice", expect.written_twice, twice);
    // What DESIGN.md promises in every scenario.
    whole("calls during a pause", Some((0, 0)), books.during_pause);
    whole("calls that no summary counts", Some((0, 0)), uncounted(summary, books));
    if let Some((least, most)) = expect.elapsed_s {
        let found = summary.effort.elapsed_s;
        if !(least..=most).contains(&found) {
            out.push(format!("it took {found:.1} s, not {least} to {most}"));
        }
    }
    if summary.state != expect.state {
        out.push(format!("it ended {:?}, not {:?}: {:?}", summary.state, expect.state, summary.halt));
    }
    out
}

fn uncounted(summary: &Summary, books: &Books) -> u64 {
    let received: u64 = books.calls.values().sum();
    received.abs_diff(summary.effort.calls.read + summary.effort.calls.write)
}

#[test]
fn every_scenario_ends_within_its_accepted_ranges() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 14, "the scenarios are missing");
    let mut failed = vec![];
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let scenario = read(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let (summary, books) = runtime.block_on(perform(&scenario));
        let found = complaints(&scenario.expect, &summary, &books);
        println!(
            "{name}: {:.1} s, {:?}, {:?}, retries {}, throttled {}",
            summary.effort.elapsed_s,
            summary.counts,
            summary.effort.calls,
            summary.effort.retries,
            summary.effort.throttled
        );
        if !found.is_empty() {
            failed.push(format!("{name} ({}):\n    {}", scenario.why, found.join("\n    ")));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
