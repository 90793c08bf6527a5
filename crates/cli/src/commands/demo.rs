//! `paceline demo`: the main job on the embedded sandbox, offline.

use crate::args::{Common, DemoArgs, ReportArgs, SendArgs, ShowArgs};
use crate::commands::apply::{Means, Order};
use crate::commands::work::{Goal, Worked};
use crate::commands::{apply, sandbox};
use crate::error::Failure;
use crate::settings::Profile;
use crate::{printer, settings};
use paceline_core::pace::Quota;
use paceline_core::vendor::{Credentials, Sample};
use paceline_files::roster::Reading;
use paceline_journal::Folder;
use paceline_sandbox::{Limit, Options, RetryAfter, Sandbox, Window, serve};
use secrecy::SecretString;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// A window short enough to be watched: 500 calls in 3 s instead of 300 in 60 s.
const WINDOW: Quota = Quota { allowed: 500, window: Duration::from_secs(3) };
/// Of a vendor that publishes no quota, one that Paceline's own ceiling for it does not reach.
const UNTOLD: Quota = Quota { allowed: 20, window: Duration::from_secs(1) };

pub(crate) async fn run(common: &Common, args: &DemoArgs) -> Result<Worked, Failure> {
    let (facts, vendor) = sandbox::vendor(common)?;
    let window = if facts.quota_is_published { WINDOW } else { UNTOLD };
    let mut options = Options {
        vendor,
        users: args.users as usize,
        limit: Some(Limit {
            calls: window.allowed,
            window_s: window.window.as_secs_f64(),
            kind: Window::Fixed,
            retry_after: RetryAfter::Seconds,
        }),
        latency_ms: 15,
        jitter_ms: 10,
        ..Options::default()
    };
    let ids = Sandbox::new(options.clone()).user_ids();
    // Rows that the vendor refuses, each for a reason of its own.
    for (id, status) in ids.iter().skip(7).step_by(ids.len() / 4).zip([400, 403, 404]) {
        options.faults.users.insert(id.clone(), status);
    }
    let unwritable = |error: std::io::Error| Failure::wrong(format!("the demo's folder: {error}"), "free some space");
    // A name that nobody can foresee, and its owner's alone: /tmp is everybody's. It stays, to be looked at.
    let mut folder = tempfile::Builder::new();
    folder.prefix("paceline-demo-");
    #[cfg(unix)]
    folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let dir = folder.tempdir().map_err(unwritable)?.keep();
    let roster = dir.join("roster.csv");
    sandbox::write_roster(&roster, &facts.sample, &ids)?;
    add_strangers(&roster, &facts.sample).map_err(unwritable)?;
    let served = serve(options, 0, 1.0).await.map_err(unwritable)?;
    printer::stderr(&format!(
        "Sandbox: {} users of {} at {}, {} calls in {} s a token\nRoster:  {}",
        ids.len(),
        facts.title,
        served.url(),
        window.allowed,
        window.window.as_secs(),
        roster.display()
    ));
    let common = Common {
        base_url: Some(served.url()),
        auth_url: None,
        second_url: None,
        region: None,
        profile: None,
        config: None,
        yes: true,
        ..common.clone()
    };
    let sending = SendArgs { rate: Some(WINDOW).filter(|_| facts.quota_is_published), ..SendArgs::default() };
    let client = Credentials::client(paceline_sandbox::CLIENT_ID, SecretString::from(paceline_sandbox::CLIENT_SECRET));
    let key = (paceline_sandbox::ACCESS_KEY_ID.to_owned(), SecretString::from(paceline_sandbox::ACCESS_KEY_SECRET));
    let [.., key_ids, _] = facts.variables;
    let credentials = Credentials { access_key: Some(key).filter(|_| !key_ids.is_empty()), ..client };
    let whereabouts = settings::whereabouts(&common, &Profile::default(), &credentials)?;
    let settings = settings::engine(&sending, false, &Profile::default(), whereabouts.vendor.facts())?;
    let store = Box::new(Folder::new(&dir.join("state")));
    let (roster, results) = (roster.display().to_string(), dir.join("results.csv"));
    let order = Order {
        roster: &roster,
        reading: Reading::default(),
        reporting: ReportArgs { results: Some(results), report: None },
        showing: ShowArgs::default(),
        goal: Goal::Send,
    };
    apply::apply(&common, order, Means { whereabouts, settings, credentials, store }).await
}

/// Two users that the tenant does not have.
fn add_strangers(roster: &Path, sample: &Sample) -> std::io::Result<()> {
    let mut text = std::fs::read_to_string(roster)?;
    let [_, value] = sample.values;
    for id in sample.strangers {
        let _ = writeln!(text, "{id},Agent,{value}");
    }
    std::fs::write(roster, text)
}
