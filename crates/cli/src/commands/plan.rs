//! `paceline plan`: what a roster would change; and the sending of a plan that was kept.

use crate::args::{ApplyArgs, Common, PlanArgs, ReportArgs, ShowArgs};
use crate::commands::apply::{self, Means, Order};
use crate::commands::resume;
use crate::commands::work::{self, Goal, Kept, Origin, Work, Worked};
use crate::error::Failure;
use crate::exit::Exit;
use crate::report::results;
use crate::{credentials, printer, settings};
use paceline_journal::Phase;

pub(crate) async fn run(common: &Common, args: &PlanArgs) -> Result<(Worked, Exit), Failure> {
    let profile = settings::profile(common)?;
    let credentials = credentials::read(common, &profile)?;
    let whereabouts = settings::whereabouts(common, &profile, &credentials)?;
    let settings = settings::engine(&args.sending, args.reading.blind, &profile, whereabouts.vendor.facts())?;
    let store = settings::store(common, &profile)?;
    let order = Order {
        roster: &args.roster,
        reading: args.reading.reading(),
        reporting: ReportArgs::default(),
        showing: args.showing.clone(),
        goal: if args.save { Goal::Save } else { Goal::Plan },
    };
    let worked = apply::apply(common, order, Means { whereabouts, settings, credentials, store }).await?;
    let exit = match &worked {
        Worked::Planned { planned, .. } if args.detailed_exitcode && planned.counts.pending > 0 => Exit::Changes,
        worked => worked.exit(),
    };
    Ok((worked, exit))
}

/// `apply --plan RUN`.
pub(crate) async fn send(common: &Common, args: &ApplyArgs) -> Result<Worked, Failure> {
    let profile = settings::profile(common)?;
    let store = settings::store(common, &profile)?;
    let id = args.plan.clone().unwrap_or_default();
    let mut journal = store.open(&id)?;
    let record = journal.record()?;
    let hint = || format!("`paceline plan ROSTER --save` keeps a plan; `paceline resume {id}` goes on with a run");
    if record.run.command != "plan" || resume::is_look_only(&record) {
        return Err(Failure::wrong(format!("run {id} is no plan that waits to be sent"), hint()));
    }
    if record.phase != Phase::Planned {
        // What was not planned nobody has seen.
        let hint = format!("plan the roster again with --save; `paceline runs forget {id}` removes this");
        return Err(Failure::wrong(format!("the plan {id} was cut before it was finished: nothing was sent"), hint));
    }
    if !common.yes && !printer::can_ask() {
        return Err(Failure::wrong("there is nobody to confirm the plan", "give --yes to send without asking"));
    }
    let kept = resume::kept(&record)?;
    let common = resume::common_of(common, &record, &kept)?;
    let profile = settings::profile(&common)?;
    let credentials = credentials::read(&common, &profile)?;
    let whereabouts = settings::whereabouts(&common, &profile, &credentials)?;
    let connection = work::connect(whereabouts, &credentials, kept.settings.timeout).await?;
    let results = results::open_all(args.reporting.results.as_deref(), args.reporting.report.as_deref())?;
    let showing = ShowArgs { max_changes: args.showing.max_changes.or(kept.max_changes), ..args.showing.clone() };
    let expected = Some(resume::tenant_of(&record, &kept));
    let kept = Kept {
        settings: settings::overridden(kept.settings, &args.sending),
        results: args.reporting.results.as_deref().map(work::anywhere),
        report: args.reporting.report.as_deref().map(work::anywhere),
        max_changes: showing.max_changes,
        ..kept
    };
    let work = Work {
        common: &common,
        expected,
        connection,
        credentials,
        settings: kept.settings.clone(),
        store,
        journal,
        id,
        columns: kept.columns.clone(),
        kept: Some(kept),
        results,
        goal: if common.yes { Goal::Send } else { Goal::Ask },
        origin: Origin::KeptPlan,
        showing,
    };
    work.run().await
}
