//! `paceline apply`: the main job.

use crate::args::{ApplyArgs, Common};
use crate::commands::check;
use crate::commands::work::{Kept, Work, Worked};
use crate::error::Failure;
use crate::report::results::Results;
use crate::settings::Connection;
use crate::{input, printer, settings};
use paceline_core::vendor::Credentials;
use paceline_engine::Settings;
use paceline_journal::{Journal as _, NewRun, Sqlite, Store};
use std::collections::BTreeSet;

pub(crate) async fn run(common: &Common, args: &ApplyArgs) -> Result<Worked, Failure> {
    let profile = settings::profile(common)?;
    let connection = settings::connection(common, &profile)?;
    let settings = settings::engine(&args.sending, args.reading.blind, &profile)?;
    if !common.yes && !args.dry_run && (args.roster == "-" || !printer::can_ask()) {
        return Err(Failure::wrong(
            "there is nobody to confirm the plan",
            "give --yes to send without asking, or --dry-run to see the plan",
        ));
    }
    let credentials = settings::credentials(&profile)?;
    let store = Store::new(&settings::state_dir(common, &profile)?);
    apply(common, args, connection, settings, credentials, store).await
}

/// The same with everything known.
pub(crate) async fn apply(
    common: &Common,
    args: &ApplyArgs,
    connection: Connection,
    settings: Settings,
    credentials: Credentials,
    store: Store,
) -> Result<Worked, Failure> {
    let roster = input::open(&args.roster, args.reading.roster_format)?;
    let results = args.reporting.results.as_deref().map(Results::open).transpose()?;
    let id = new_id();
    let kept = |columns| Kept {
        settings: settings.clone(),
        columns,
        base_url: connection.base_url.clone(),
        auth_url: connection.auth_url.clone(),
        profile: common.profile.clone(),
        // A resume may be typed in another directory.
        results: results
            .as_ref()
            .map(|results| std::path::absolute(results.path()).unwrap_or_else(|_| results.path().to_owned())),
    };
    let run = NewRun {
        id: id.clone(),
        vendor: connection.vendor.facts().name.into(),
        command: "apply".into(),
        roster: args.roster.clone(),
        created: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        settings: serde_json::to_value(kept(BTreeSet::new())).unwrap_or_default(),
    };
    let mut journal = store.create(&run)?;
    let checked = check::take_in(roster, connection.vendor.as_ref(), check::rules(settings.blind), &mut journal)
        .and_then(|checked| {
            let kept = serde_json::to_value(kept(checked.columns.clone())).unwrap_or_default();
            Ok((checked, journal.keep(&kept)?))
        });
    let columns = match checked {
        Ok((checked, ())) => checked.columns,
        Err(failure) => {
            drop::<Sqlite>(journal);
            // Nothing was sent: there is no run to speak of.
            store.forget(&id)?;
            results.into_iter().for_each(Results::discard);
            return Err(failure);
        }
    };
    let work = Work {
        common,
        connection,
        credentials,
        settings,
        store,
        journal,
        id,
        columns,
        results,
        dry_run: args.dry_run,
        confirmed: common.yes,
    };
    work.run().await
}

/// Sorts by time, and tells runs of one second apart.
fn new_id() -> String {
    format!("{}-{:04x}", jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S"), fastrand::u16(..))
}
