//! `paceline resume`: go on with a run, without its roster.

use crate::args::{Common, ResumeArgs, ShowArgs};
use crate::commands::runs;
use crate::commands::work::{self, Goal, Kept, Origin, Work, Worked};
use crate::error::Failure;
use crate::report::results;
use crate::report::text;
use crate::{credentials, printer, settings};
use paceline_core::summary::{Counts, State};
use paceline_journal::{Journal, Phase, RunRecord, RunTenant, Store};

/// `None` where there is no run to go on with.
pub(crate) async fn run(common: &Common, args: &ResumeArgs) -> Result<Option<Worked>, Failure> {
    let profile = settings::profile(common)?;
    let store = settings::store(common, &profile)?;
    let Some(id) = args.run.clone().map_or_else(|| newest_unfinished(store.as_ref()), |id| Ok(Some(id)))? else {
        return Ok(None);
    };
    let record = store.look(&id)?.record()?;
    if record.state == Some(State::Finished) {
        printer::note(&format!("run {id} is finished: nothing to do"));
        return Ok(Some(runs::as_left(store.as_ref(), &id)?));
    }
    if record.phase == Phase::Importing {
        let hint = "apply the roster again; `paceline runs forget` removes this";
        return Err(Failure::wrong(format!("run {id} was cut while its roster was read: nothing was sent"), hint));
    }
    if is_look_only(&record) {
        let hint = format!("apply the roster, or plan it again; `paceline runs forget {id}` removes this");
        return Err(Failure::wrong(format!("run {id} was only to be looked at, and was cut: nothing was sent"), hint));
    }
    if record.run.command == "plan" {
        let hint = if record.phase == Phase::Planned {
            format!("send it with `paceline apply --plan {id}`")
        } else {
            format!("plan the roster again; `paceline runs forget {id}` removes this")
        };
        return Err(Failure::wrong(format!("run {id} is a plan, of which nothing was sent"), hint));
    }
    resume(common, args, store, id).await.map(Some)
}

/// The newest run that is not finished. One that cannot be told to be finished, since it is held or cannot be read, is passed
/// over for no older one: whoever resumes means the newest.
fn newest_unfinished(store: &dyn Store) -> Result<Option<String>, Failure> {
    for run in store.list()? {
        let id = run.id;
        match run.record {
            // A plan that was kept waits for `apply --plan`.
            Ok(record) if record.run.command == "plan" || is_look_only(&record) => {}
            Ok(record) if record.state == Some(State::Finished) => {}
            Ok(_) if run.held => {
                let hint =
                    "wait for it, or stop it first; to go on with another run, name it: `paceline runs` lists them";
                return Err(Failure::from(store.holder(&id)).hinting(hint.into()));
            }
            Ok(record) if record.phase == Phase::Importing => {}
            Ok(_) => return Ok(Some(id)),
            Err(error) => {
                let hint = format!(
                    "name the run to go on with, as `paceline runs` lists it; `paceline report {id} --output FILE` writes out what can be read of this one"
                );
                let message =
                    format!("the newest run, {id}, cannot be read, so it is not known whether it is finished: {error}");
                return Err(Failure::wrong(message, hint));
            }
        }
    }
    Ok(None)
}

/// What a run was begun with.
pub(crate) fn kept(record: &RunRecord) -> Result<Kept, Failure> {
    serde_json::from_value(record.run.settings.clone()).map_err(|error| {
        let message = format!("the settings of run {} cannot be read: {error}", record.run.id);
        Failure::wrong(message, "it was begun by another Paceline")
    })
}

/// Whether a run was only to be looked at (`--dry-run`, `plan` without `--save`).
pub(crate) fn is_look_only(record: &RunRecord) -> bool {
    record.run.settings.get("look_only").and_then(serde_json::Value::as_bool) == Some(true)
}

/// The tenant that a run is of; of a run of before, the one that its base URL leads to.
pub(crate) fn tenant_of(record: &RunRecord, kept: &Kept) -> RunTenant {
    let by_url = || RunTenant { base_url: kept.base_url.clone(), ..RunTenant::default() };
    record.tenant.clone().unwrap_or_else(by_url)
}

/// The common arguments for a run: what is typed now wins over what it was begun with, but for the vendor.
pub(crate) fn common_of(common: &Common, record: &RunRecord, kept: &Kept) -> Result<Common, Failure> {
    let (id, vendor) = (&record.run.id, &record.run.vendor);
    if let Some(other) = common.vendor.as_ref().filter(|other| *other != vendor) {
        return Err(Failure::wrong(format!("run {id} is of {vendor}, not of {other}"), "leave --vendor out"));
    }
    // Hosts belong together: another base URL or region has a token endpoint of its own.
    let same = |url: &String| url.trim_end_matches('/') == kept.base_url.trim_end_matches('/');
    let is_there = common.base_url.as_ref().map_or(common.region.is_none(), same);
    let there = |url: &String| is_there.then(|| url.clone());
    Ok(Common {
        profile: common.profile.clone().or(kept.profile.clone()),
        vendor: Some(vendor.clone()),
        base_url: common.base_url.clone().or_else(|| there(&kept.base_url)),
        auth_url: common.auth_url.clone().or_else(|| there(&kept.auth_url)),
        second_url: common.second_url.clone().or_else(|| kept.second_url.as_ref().and_then(there)),
        api_version: common.api_version.clone().or(kept.api_version.clone()),
        ..common.clone()
    })
}

/// Refuses what would need a question where nobody can be asked, before anything is read of the vendor.
fn refuse_unasked(journal: &mut dyn Journal, record: &RunRecord, kept: &Kept) -> Result<(), Failure> {
    let id = &record.run.id;
    let needs = |what: String| {
        let hint = format!("`paceline resume {id} --yes` sends without asking");
        Err(Failure::wrong(format!("{what}, and there is nobody to ask"), hint))
    };
    match &record.consent {
        None => needs(format!("nobody has agreed to run {id} yet")),
        Some(consent) => match consent.canary.or(kept.settings.canary) {
            Some(rows) => {
                let canary = journal.canary(rows)?;
                if canary.has_run() && !consent.covers_the_rest(canary.lost()) {
                    return needs(format!("of run {id} nobody has agreed to more than its canary"));
                }
                Ok(())
            }
            None => Ok(()),
        },
    }
}

/// Which run it is, for whoever has more than one.
fn told(record: &RunRecord, tenant: &RunTenant, counts: &Counts) -> String {
    let run = &record.run;
    let agreed = record.consent.as_ref().filter(|consent| !consent.by.is_empty()).map_or(String::new(), |consent| {
        let who = if consent.asked { "agreed to by" } else { "begun with --yes by" };
        format!(", {who} {} at {}", consent.by, consent.at)
    });
    let (left, rows) = (text::number(counts.pending), text::number(counts.rows));
    format!(
        "Going on with run {} ({} {}) on {tenant}: {left} of {rows} rows left{agreed}",
        run.id, run.command, run.roster
    )
}

async fn resume(common: &Common, args: &ResumeArgs, store: Box<dyn Store>, id: String) -> Result<Worked, Failure> {
    let mut journal = store.open(&id)?;
    let record = journal.record()?;
    let kept = kept(&record)?;
    let common = common_of(common, &record, &kept)?;
    let tenant = tenant_of(&record, &kept);
    printer::stderr(&told(&record, &tenant, &journal.counts()?));
    if !common.yes && !printer::can_ask() {
        refuse_unasked(journal.as_mut(), &record, &kept)?;
    }
    let profile = settings::profile(&common)?;
    let credentials = credentials::read(&common, &profile)?;
    let whereabouts = settings::whereabouts(&common, &profile, &credentials)?;
    let connection = work::connect(whereabouts, &credentials, kept.settings.timeout).await?;
    let results = args.reporting.results.clone().or(kept.results);
    let results = results::open_all(results.as_deref(), args.reporting.report.clone().or(kept.report).as_deref())?;
    let work = Work {
        common: &common,
        connection,
        credentials,
        settings: settings::overridden(kept.settings, &args.sending),
        journal,
        store,
        id,
        columns: kept.columns,
        results,
        goal: if common.yes { Goal::Send } else { Goal::Ask },
        origin: Origin::Resumed,
        kept: None,
        expected: Some(tenant),
        showing: ShowArgs { max_changes: kept.max_changes, ..ShowArgs::default() },
    };
    work.run().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use paceline_journal::NewRun;
    use serde_json::json;

    /// The base URL and the token endpoint of a run begun at `https://api.one`, when this is typed.
    fn hosts(typed: &[&str]) -> Option<(Option<String>, Option<String>)> {
        let kept = Kept {
            settings: paceline_engine::Settings::default(),
            columns: Default::default(),
            base_url: "https://api.one".into(),
            second_url: None,
            auth_url: "https://login.one/token".into(),
            api_version: None,
            profile: None,
            results: None,
            report: None,
            max_changes: None,
            look_only: false,
        };
        let run = NewRun {
            id: "R".into(),
            vendor: "genesys".into(),
            command: "apply".into(),
            roster: "staff.csv".into(),
            created: String::new(),
            settings: json!(null),
        };
        let (phase, effort) = (Phase::Sending, Default::default());
        let record = RunRecord { run, tenant: None, consent: None, phase, state: None, halt: None, effort };
        let cli = crate::args::Cli::parse_from([&["paceline", "resume"], typed].concat());
        let common = common_of(&cli.common, &record, &kept).ok()?;
        Some((common.base_url, common.auth_url))
    }

    #[test]
    fn a_run_is_gone_on_with_at_its_own_hosts_unless_others_are_said() {
        let is = |base: Option<&str>, auth: Option<&str>| Some((base.map(str::to_owned), auth.map(str::to_owned)));
        let (one, login) = (Some("https://api.one"), Some("https://login.one/token"));
        assert_eq!(hosts(&[]), is(one, login));
        // The environment says it again, as it did when the run was begun.
        assert_eq!(hosts(&["--base-url", "https://api.one/"]), is(Some("https://api.one/"), login));
        assert_eq!(hosts(&["--base-url", "https://api.two"]), is(Some("https://api.two"), None));
        assert_eq!(hosts(&["--region", "eu-central-1"]), is(None, None));
        let other = Some("https://login.two/token");
        assert_eq!(hosts(&["--auth-url", "https://login.two/token"]), is(one, other));
        assert_eq!(hosts(&["--vendor", "genesys"]), is(one, login));
        assert_eq!(hosts(&["--vendor", "nice"]), None, "a run has one vendor");
    }
}
