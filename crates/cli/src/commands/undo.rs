//! `paceline undo`: the inverse of a run, itself a run with a plan and results.

use crate::args::{Common, UndoArgs};
use crate::commands::apply::{new_id, now};
use crate::commands::resume;
use crate::commands::work::{self, Goal, Kept, Work, Worked};
use crate::error::Failure;
use crate::report::results::Results;
use crate::{printer, settings};
use paceline_core::desired::Row;
use paceline_core::plan::{Change, ChangeKey};
use paceline_core::user::UserKey;
use paceline_core::vendor::{BLIND, UNDO, Vendor};
use paceline_journal::{Journal, NewRun, Store};
use serde_json::{Map, json};
use std::collections::{BTreeMap, BTreeSet};

/// Changes read from the run's journal at once.
const PAGE: u32 = 1_000;

pub(crate) async fn run(common: &Common, args: &UndoArgs) -> Result<Worked, Failure> {
    let profile = settings::profile(common)?;
    let store = Store::new(&settings::state_dir(common, &profile)?);
    if !common.yes && !args.dry_run && !printer::can_ask() {
        return Err(Failure::wrong("there is nobody to confirm the plan", "give --yes, or --dry-run to see it"));
    }
    // Nobody may be sending what is to be taken back.
    let mut undone = store.open(&args.run)?;
    let record = undone.record()?;
    let kept = resume::kept(&record)?;
    let common = resume::common_of(common, &record, &kept);
    let profile = settings::profile(&common)?;
    let credentials = settings::credentials(&common, &profile)?;
    let whereabouts = settings::whereabouts(&common, &profile, &credentials)?;
    if kept.settings.blind {
        let hint = "a blind run reads nothing before it writes: there is no snapshot to go back to";
        return Err(Failure::wrong(format!("run {} was blind and cannot be undone", args.run), hint));
    }
    let (rows, columns) = inverse(&mut undone, whereabouts.vendor.as_ref())?;
    drop(undone);
    if rows.is_empty() {
        return Err(Failure::wrong(format!("run {} changed nobody", args.run), "there is nothing to undo"));
    }
    let results = Results::open_all(args.reporting.results.as_deref(), args.reporting.report.as_deref())?;
    let connection = work::connect(whereabouts, &credentials, kept.settings.timeout).await?;
    let settings = settings::overridden(kept.settings.clone(), &args.sending);
    let id = new_id();
    let kept = Kept {
        settings: settings.clone(),
        columns: columns.clone(),
        results: args.reporting.results.as_deref().map(work::anywhere),
        report: args.reporting.report.as_deref().map(work::anywhere),
        ..kept
    };
    let run = NewRun {
        id: id.clone(),
        vendor: record.run.vendor,
        command: "undo".into(),
        roster: format!("undo of {}", args.run),
        created: now(),
        settings: serde_json::to_value(kept).unwrap_or_default(),
    };
    let mut journal = store.create(&run)?;
    let mut rows = rows.into_values();
    journal.import(&mut || rows.next())?;
    let goal = match (args.dry_run, common.yes) {
        (true, _) => Goal::Plan,
        (_, true) => Goal::Send,
        _ => Goal::Ask,
    };
    let showing = args.showing.clone();
    let work = Work {
        common: &common,
        connection,
        credentials,
        settings,
        store,
        journal,
        id,
        columns,
        results,
        goal,
        showing,
    };
    work.run().await
}

type Inverse = (BTreeMap<u64, Row>, BTreeSet<String>);

/// A row for each user that was changed, with the changes that take it back.
fn inverse(undone: &mut dyn Journal, vendor: &dyn Vendor) -> Result<Inverse, Failure> {
    let (mut rows, mut columns) = (BTreeMap::<u64, Row>::new(), BTreeSet::new());
    let mut after: Option<ChangeKey> = None;
    loop {
        let page = undone.made(after.as_ref(), PAGE)?;
        for change in page.iter().filter(|change| change.kind != BLIND) {
            columns.extend(change.columns.clone());
            let number = change.key.row;
            let row = rows.entry(number).or_insert_with(|| Row {
                number,
                line: number,
                key: UserKey::id(change.user.as_str()),
                fields: Map::from_iter([(UNDO.to_owned(), json!([]))]),
            });
            let back: Vec<Change> = vendor.undo(change);
            if let Some(list) = row.fields.get_mut(UNDO).and_then(|list| list.as_array_mut()) {
                list.extend(back.iter().map(|change| json!(change)));
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.key.clone()),
            _ => return Ok((rows, columns)),
        }
    }
}
