//! `paceline check`: is the roster right, as far as can be told without the tenant? And the same for every other command
//! that takes a roster.

use crate::args::{CheckArgs, Common};
use crate::error::Failure;
use crate::{printer, settings};
use paceline_core::desired::Row;
use paceline_core::user::Place;
use paceline_core::validate::{Problem, Rules, shown, visible};
use paceline_core::vendor::Vendor;
use paceline_files::roster::{self, Roster};
use paceline_journal::{Journal, NewRun, Sqlite};
use serde_json::Value;
use std::collections::BTreeSet;

/// Problems that are told in full; more are counted.
const TOLD: usize = 1_000;

/// A roster that is right.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) file: String,
    pub(crate) rows: u64,
    /// The columns that it uses.
    pub(crate) columns: BTreeSet<String>,
}

pub(crate) fn run(common: &Common, args: &CheckArgs) -> Result<Checked, Failure> {
    let profile = settings::profile(common)?;
    let vendor = settings::vendor(common, &profile)?;
    let roster = roster::open(&args.roster, &args.reading.reading())?;
    let run = NewRun {
        id: "check".into(),
        vendor: vendor.facts().name.into(),
        command: "check".into(),
        roster: args.roster.clone(),
        created: String::new(),
        settings: Value::Null,
    };
    // Duplicates are found on disk, so that memory does not grow with the roster.
    let mut journal = Sqlite::temporary(&run)?;
    take_in(roster, vendor.as_ref(), rules(args.reading.blind), &mut journal)
}

pub(crate) fn rules(blind: bool) -> Rules {
    if blind { Rules::Shape } else { Rules::Table }
}

#[derive(Default)]
struct Problems {
    told: Vec<Problem>,
    more: u64,
}

impl Problems {
    fn add(&mut self, problem: Problem) {
        if self.told.len() < TOLD { self.told.push(problem) } else { self.more += 1 }
    }

    fn failure(self, file: &str) -> Result<(), Failure> {
        let count = self.told.len() as u64 + self.more;
        if count == 0 {
            return Ok(());
        }
        let message =
            format!("`{}` has {count} problem{}: nothing was sent", visible(file), if count == 1 { "" } else { "s" });
        let hint = Some("correct the roster and run the same command again".into());
        Err(Failure { hint, problems: self.told, more: self.more, ..Failure::wrong(message, String::new()) })
    }
}

/// Validates a roster row by row while `journal` takes it in. All problems are found before any is told.
pub(crate) fn take_in(
    roster: Roster,
    vendor: &dyn Vendor,
    rules: Rules,
    journal: &mut dyn Journal,
) -> Result<Checked, Failure> {
    let table = &vendor.facts().table;
    let Roster { file, header, mut records, notes } = roster;
    let mut problems = Problems::default();
    let importers = header.as_ref().is_some_and(|(header, _)| table.is_importers(header));
    let rules = if importers && rules == Rules::Table { Rules::Importer } else { rules };
    if rules == Rules::Importer {
        printer::note(&format!(
            "`{}` is made for {}'s own importer: lists are added to, commas separate them, and an empty cell leaves its field alone in every column",
            visible(&file),
            vendor.facts().title
        ));
    }
    if let Some((header, place)) = &header {
        table.check_header(header, place, rules).into_iter().for_each(|problem| problems.add(problem));
        // A column that is wrong is wrong in every row: told once.
        std::mem::take(&mut problems).failure(&file)?;
    }
    let mut columns = BTreeSet::new();
    let mut next = || -> Option<Row> {
        loop {
            let record = match records.next()? {
                Ok(record) => record,
                Err(found) => {
                    found.into_iter().for_each(|problem| problems.add(problem));
                    continue;
                }
            };
            let (number, place, key) = (record.number, record.place.clone(), table.key_of(&record));
            match table.row(record, rules) {
                Ok(row) if rules == Rules::Shape && row.key.as_id().is_none() => {
                    let problem =
                        Problem::new(place, "a blind row names its user by `id`: nothing is read to look others up");
                    problems.add(problem.hint("leave --blind out, or fill in the ids"));
                }
                Ok(row) => {
                    for column in row.fields.keys().filter(|column| !columns.contains(*column)).collect::<Vec<_>>() {
                        columns.insert(column.clone());
                    }
                    return Some(row);
                }
                Err(found) => {
                    found.into_iter().for_each(|problem| problems.add(problem));
                    if let Some(key) = key {
                        // Taken in all the same, so that its duplicates are found too: nothing of this run is kept.
                        return Some(Row { number, line: place.line, key, fields: Default::default() });
                    }
                }
            }
        }
    };
    let rows = journal.import(&mut next)?;
    notes.borrow().iter().for_each(|note| printer::note(note));
    for duplicate in journal.duplicates(TOLD as u32)? {
        let place = Place::line(&file, duplicate.line);
        let message = format!("user `{}` is in line {} already", shown(&duplicate.user), duplicate.first_line);
        problems.add(Problem::new(place, message).hint("keep one row a user"));
    }
    if rows == 0 && problems.told.is_empty() {
        return Err(paceline_files::Error::Empty { roster: file.to_string() }.into());
    }
    problems.told.sort_by_key(|problem| problem.place.line);
    problems.failure(&file)?;
    Ok(Checked { file: file.to_string(), rows, columns })
}
