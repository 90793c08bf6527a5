//! `paceline resume`: go on with a run, without its roster.

use crate::args::{Common, ResumeArgs, ShowArgs};
use crate::commands::runs;
use crate::commands::work::{self, Goal, Kept, Work, Worked};
use crate::error::Failure;
use crate::report::results::Results;
use crate::{printer, settings};
use paceline_core::summary::State;
use paceline_journal::{Journal as _, Phase, RunRecord, Store};

/// `None` where there is no run to go on with.
pub(crate) async fn run(common: &Common, args: &ResumeArgs) -> Result<Option<Worked>, Failure> {
    let profile = settings::profile(common)?;
    let store = Store::new(&settings::state_dir(common, &profile)?);
    let Some(id) = args.run.clone().map_or_else(|| newest_unfinished(&store), |id| Ok(Some(id)))? else {
        return Ok(None);
    };
    let record = store.look(&id)?.record()?;
    if record.state == Some(State::Finished) {
        printer::note(&format!("run {id} is finished: nothing to do"));
        return Ok(Some(runs::as_left(&store, &id)?));
    }
    if record.phase == Phase::Importing {
        let hint = "apply the roster again; `paceline runs forget` removes this";
        return Err(Failure::wrong(format!("run {id} was cut while its roster was read: nothing was sent"), hint));
    }
    resume(common, args, store, id, record).await.map(Some)
}

fn newest_unfinished(store: &Store) -> Result<Option<String>, Failure> {
    // A plan that was kept waits for `apply --plan`.
    let unfinished = |record: &RunRecord| {
        record.state != Some(State::Finished) && record.phase > Phase::Importing && record.run.command != "plan"
    };
    let runs = store.list()?;
    Ok(runs.into_iter().find(|run| !run.held && run.record.as_ref().is_ok_and(unfinished)).map(|run| run.id))
}

/// What a run was begun with.
pub(crate) fn kept(record: &RunRecord) -> Result<Kept, Failure> {
    serde_json::from_value(record.run.settings.clone()).map_err(|error| {
        let message = format!("the settings of run {} cannot be read: {error}", record.run.id);
        Failure::wrong(message, "it was begun by another Paceline")
    })
}

/// The common arguments for a run: what is typed now wins over what it was begun with.
pub(crate) fn common_of(common: &Common, record: &RunRecord, kept: &Kept) -> Common {
    let region = common.region.is_some();
    Common {
        profile: common.profile.clone().or(kept.profile.clone()),
        vendor: common.vendor.clone().or(Some(record.run.vendor.clone())),
        base_url: common.base_url.clone().or((!region).then(|| kept.base_url.clone())),
        auth_url: common.auth_url.clone().or((!region && common.base_url.is_none()).then(|| kept.auth_url.clone())),
        second_url: common
            .second_url
            .clone()
            .or(kept.second_url.clone().filter(|_| !region && common.base_url.is_none())),
        api_version: common.api_version.clone().or(kept.api_version.clone()),
        ..common.clone()
    }
}

async fn resume(
    common: &Common,
    args: &ResumeArgs,
    store: Store,
    id: String,
    record: RunRecord,
) -> Result<Worked, Failure> {
    let kept = kept(&record)?;
    let common = common_of(common, &record, &kept);
    let profile = settings::profile(&common)?;
    let vendor = settings::vendor(&common, &profile)?;
    if vendor.facts().name != record.run.vendor {
        let message = format!("run {id} is of {}, not of {}", record.run.vendor, vendor.facts().name);
        return Err(Failure::wrong(message, "leave --vendor out"));
    }
    let credentials = settings::credentials(&common, &profile)?;
    let whereabouts = settings::whereabouts(&common, &profile, &credentials)?;
    let connection = work::connect(whereabouts, &credentials, kept.settings.timeout).await?;
    let results = args.reporting.results.clone().or(kept.results);
    let results = Results::open_all(results.as_deref(), args.reporting.report.clone().or(kept.report).as_deref())?;
    let work = Work {
        common: &common,
        connection,
        credentials,
        settings: settings::overridden(kept.settings, &args.sending),
        journal: store.open(&id)?,
        store,
        id,
        columns: kept.columns,
        results,
        // It was confirmed when it began, unless it was cut before anybody could be asked.
        goal: if common.yes || record.phase > Phase::Planning || !printer::can_ask() { Goal::Send } else { Goal::Ask },
        showing: ShowArgs::default(),
    };
    work.run().await
}
