//! `paceline apply`: the main job.

use crate::args::{ApplyArgs, Common, ReportArgs, ShowArgs};
use crate::commands::check;
use crate::commands::plan;
use crate::commands::work::{self, Goal, Kept, Origin, Work, Worked};
use crate::error::Failure;
use crate::report::results;
use crate::settings::Whereabouts;
use crate::{credentials, printer, settings};
use paceline_core::vendor::{Credentials, Hosts};
use paceline_engine::Settings;
use paceline_files::roster::{self, Reading};
use paceline_journal::{NewRun, Store};
use serde_json::Value;
use std::sync::Arc;

pub(crate) async fn run(common: &Common, args: &ApplyArgs) -> Result<Worked, Failure> {
    let Some(name) = &args.roster else { return plan::send(common, args).await };
    let profile = settings::profile(common)?;
    let vendor = settings::vendor(common, &profile)?;
    let settings = settings::engine(&args.sending, args.reading.blind, &profile, vendor.facts())?;
    if !common.yes && !args.dry_run && (name == "-" || !printer::can_ask()) {
        return Err(Failure::wrong(
            "there is nobody to confirm the plan",
            "give --yes to send without asking, or --dry-run to see the plan",
        ));
    }
    let credentials = credentials::read(common, &profile)?;
    let whereabouts = settings::whereabouts(common, &profile, &credentials)?;
    let store = settings::store(common, &profile)?;
    let goal = match (args.dry_run, common.yes) {
        (true, _) => Goal::Plan,
        (false, true) => Goal::Send,
        (false, false) => Goal::Ask,
    };
    let order = Order {
        roster: name,
        reading: args.reading.reading(),
        reporting: args.reporting.clone(),
        showing: args.showing.clone(),
        goal,
    };
    apply(common, order, Means { whereabouts, settings, credentials, store }).await
}

/// A roster, and what is to come of it.
pub(crate) struct Order<'a> {
    pub(crate) roster: &'a str,
    pub(crate) reading: Reading,
    pub(crate) reporting: ReportArgs,
    pub(crate) showing: ShowArgs,
    pub(crate) goal: Goal,
}

/// What a run works with.
pub(crate) struct Means {
    pub(crate) whereabouts: Whereabouts,
    pub(crate) settings: Settings,
    pub(crate) credentials: Credentials,
    pub(crate) store: Box<dyn Store>,
}

/// The same with everything known.
pub(crate) async fn apply(common: &Common, order: Order<'_>, means: Means) -> Result<Worked, Failure> {
    let Means { whereabouts, settings, credentials, store } = means;
    let roster = roster::open(order.roster, &order.reading)?;
    let ReportArgs { results: results_path, report: report_path } = order.reporting;
    let results = results::open_all(results_path.as_deref(), report_path.as_deref())?;
    let id = new_id();
    let vendor = Arc::clone(&whereabouts.vendor);
    let kept = |columns, hosts: Hosts| Kept {
        settings: settings.clone(),
        columns,
        base_url: hosts.base_url,
        second_url: hosts.second_url,
        auth_url: hosts.auth_url,
        api_version: common.api_version.clone(),
        profile: common.profile.clone(),
        results: results_path.as_deref().map(work::anywhere),
        report: report_path.as_deref().map(work::anywhere),
        max_changes: order.showing.max_changes,
        look_only: order.goal == Goal::Plan,
    };
    let run = NewRun {
        id: id.clone(),
        vendor: vendor.facts().name.into(),
        command: if matches!(order.goal, Goal::Save | Goal::Plan) { "plan" } else { "apply" }.into(),
        roster: order.roster.to_owned(),
        created: now(),
        settings: Value::Null,
    };
    let mut journal = store.create(&run)?;
    // Files and SQLite keep a thread waiting, and not the tasks of others.
    let checked = tokio::task::block_in_place(|| {
        check::take_in(roster, vendor.as_ref(), check::rules(settings.blind), journal.as_mut())
    });
    // The roster is right: only now is anything asked, if only where the tenant is.
    let begun = match checked {
        Ok(checked) => work::connect(whereabouts, &credentials, settings.timeout).await.and_then(|connection| {
            let kept = kept(checked.columns.clone(), connection.hosts.clone());
            journal.keep(&run.command, &serde_json::to_value(kept).unwrap_or_default())?;
            Ok((checked.columns, connection))
        }),
        Err(failure) => Err(failure),
    };
    let (columns, connection) = match begun {
        Ok(begun) => begun,
        Err(failure) => {
            drop(journal);
            // Nothing was sent: there is no run to speak of.
            store.forget(&id)?;
            results::discard(results);
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
        goal: order.goal,
        origin: Origin::New,
        kept: None,
        expected: None,
        showing: order.showing,
    };
    work.run().await
}

/// The calendar's time, RFC 3339 in UTC.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Sorts by time, and tells runs of one second apart.
pub(crate) fn new_id() -> String {
    format!("{}-{:04x}", jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S"), fastrand::u16(..))
}
