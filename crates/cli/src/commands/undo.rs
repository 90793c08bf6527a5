//! `paceline undo`: the inverse of a run, itself a run with a plan and results.

use crate::args::{Common, UndoArgs};
use crate::commands::apply::{new_id, now};
use crate::commands::resume;
use crate::commands::work::{self, Goal, Kept, Origin, Work, Worked};
use crate::error::Failure;
use crate::report::results;
use crate::settings::{Connection, Whereabouts};
use crate::{credentials, printer, settings};
use paceline_core::desired::Row;
use paceline_core::plan::Change;
use paceline_core::user::UserKey;
use paceline_core::vendor::{BLIND, Credentials, UNDO, Vendor};
use paceline_journal::{Error, Journal, NewRun};
use serde_json::{Map, json};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Rows whose changes are read from the run's journal at once.
const PAGE: u32 = 500;

pub(crate) async fn run(common: &Common, args: &UndoArgs) -> Result<Worked, Failure> {
    let profile = settings::profile(common)?;
    let store = settings::store(common, &profile)?;
    if !common.yes && !args.dry_run && !printer::can_ask() {
        return Err(Failure::wrong("there is nobody to confirm the plan", "give --yes, or --dry-run to see it"));
    }
    // Nobody may be sending what is to be taken back.
    let mut undone = store.open(&args.run)?;
    let record = undone.record()?;
    let kept = resume::kept(&record)?;
    let common = resume::common_of(common, &record, &kept)?;
    let profile = settings::profile(&common)?;
    let credentials = credentials::read(&common, &profile)?;
    let whereabouts = settings::whereabouts(&common, &profile, &credentials)?;
    if kept.settings.blind {
        let hint = "a blind run reads nothing before it writes: there is no snapshot to go back to";
        return Err(Failure::wrong(format!("run {} was blind and cannot be undone", args.run), hint));
    }
    refuse_doubts(undone.as_mut(), &args.run)?;
    let expected = Some(resume::tenant_of(&record, &kept));
    let results = results::open_all(args.reporting.results.as_deref(), args.reporting.report.as_deref())?;
    let settings = settings::overridden(kept.settings.clone(), &args.sending);
    let kept = Kept {
        settings: settings.clone(),
        columns: BTreeSet::new(),
        results: args.reporting.results.as_deref().map(work::anywhere),
        report: args.reporting.report.as_deref().map(work::anywhere),
        max_changes: args.showing.max_changes,
        look_only: args.dry_run,
        ..kept
    };
    let id = new_id();
    let run = NewRun {
        id: id.clone(),
        vendor: record.run.vendor,
        command: "undo".into(),
        roster: format!("undo of {}", args.run),
        created: now(),
        settings: json!(kept),
    };
    let mut journal = store.create(&run)?;
    let timeout = settings.timeout;
    let begun = begin(undone.as_mut(), journal.as_mut(), &args.run, kept, whereabouts, &credentials, timeout).await;
    drop(undone);
    let (columns, connection) = match begun {
        Ok(begun) => begun,
        Err(failure) => {
            drop(journal);
            store.forget(&id)?;
            results::discard(results);
            return Err(failure);
        }
    };
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
        goal: match (args.dry_run, common.yes) {
            (true, _) => Goal::Plan,
            (_, true) => Goal::Send,
            _ => Goal::Ask,
        },
        origin: Origin::New,
        kept: None,
        expected,
        showing: args.showing.clone(),
    };
    work.run().await
}

/// Takes the run's changes in and connects to its tenant.
async fn begin(
    undone: &mut dyn Journal,
    journal: &mut dyn Journal,
    run: &str,
    kept: Kept,
    whereabouts: Whereabouts,
    credentials: &Credentials,
    timeout: Duration,
) -> Result<(BTreeSet<String>, Connection), Failure> {
    let vendor = whereabouts.vendor.as_ref();
    let columns = tokio::task::block_in_place(|| take_back(undone, journal, vendor, kept))?
        .ok_or_else(|| Failure::wrong(format!("run {run} changed nobody"), "there is nothing to undo"))?;
    Ok((columns, work::connect(whereabouts, credentials, timeout).await?))
}

/// Refuses to take back what is not known whole: a change that may have been sent would be overlooked, and might come after.
fn refuse_doubts(undone: &mut dyn Journal, run: &str) -> Result<(), Failure> {
    let (what, are) = match undone.in_doubt()? {
        0 => return Ok(()),
        1 => ("1 change".to_owned(), "is"),
        changes => (format!("{changes} changes"), "are"),
    };
    let message = format!("{what} of run {run} may have been sent and {are} not settled");
    Err(Failure::wrong(message, format!("paceline resume {run} first: it reads their users and settles them")))
}

/// Takes into `journal` a row for each user that was changed, with the changes that take it back, a page at a time; says
/// which columns they are of. `None` where nobody was changed.
fn take_back(
    undone: &mut dyn Journal,
    journal: &mut dyn Journal,
    vendor: &dyn Vendor,
    kept: Kept,
) -> Result<Option<BTreeSet<String>>, Error> {
    let mut inverse = Inverse { undone, vendor, rows: VecDeque::new(), after: Some(0), columns: BTreeSet::new() };
    let mut unreadable = None;
    let rows = journal.import(&mut || match inverse.next() {
        Ok(row) => row,
        Err(error) => {
            unreadable = Some(error);
            None
        }
    })?;
    if let Some(error) = unreadable {
        return Err(error);
    }
    let columns = inverse.columns;
    journal.keep("undo", &json!(Kept { columns: columns.clone(), ..kept }))?;
    Ok((rows > 0).then_some(columns))
}

/// The rows of an undo, one after the other.
struct Inverse<'a> {
    undone: &'a mut dyn Journal,
    vendor: &'a dyn Vendor,
    rows: VecDeque<Row>,
    /// The last row that was read; `None` at the end.
    after: Option<u64>,
    columns: BTreeSet<String>,
}

impl Inverse<'_> {
    fn next(&mut self) -> Result<Option<Row>, Error> {
        while let (true, Some(after)) = (self.rows.is_empty(), self.after) {
            let page = self.undone.made(after, PAGE)?;
            self.after = page.last().map(|change| change.key.row);
            for changes in page.chunk_by(|one, next| one.key.row == next.key.row) {
                let row = self.row(changes);
                self.rows.extend(row);
            }
        }
        Ok(self.rows.pop_front())
    }

    fn row(&mut self, changes: &[Change]) -> Option<Row> {
        let changes = || changes.iter().filter(|change| change.kind != BLIND);
        let first = changes().next()?;
        self.columns.extend(changes().flat_map(|change| change.columns.iter().cloned()));
        let back: Vec<Change> = changes().flat_map(|change| self.vendor.undo(change)).collect();
        Some(Row {
            number: first.key.row,
            line: first.key.row,
            key: UserKey::id(first.user.as_str()),
            fields: Map::from_iter([(UNDO.to_owned(), json!(back))]),
        })
    }
}
