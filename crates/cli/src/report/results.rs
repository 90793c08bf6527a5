//! A run's results, from its journal: every row, in roster order, also where a journal is damaged.

use crate::error::Failure;
use paceline_files::results::{Format, Results, RowResult, RunFacts};
use paceline_files::{Error, Kind};
use paceline_journal::{Journal, RowRecord};
use std::io::{self, Write};
use std::path::Path;

/// Rows read from the journal at once.
const PAGE: u32 = 1_000;

/// The files that are asked for: each row's outcome, and the page for people.
pub(crate) fn open_all(results: Option<&Path>, report: Option<&Path>) -> Result<Vec<Results>, Failure> {
    if results.is_some() && results == report {
        return Err(Failure::wrong("the results and the report are one file", "give each a name of its own"));
    }
    let files = [results, report].into_iter().flatten().map(Results::open);
    Ok(files.collect::<Result<_, Error>>()?)
}

/// Takes files back: nothing was done that they could tell of.
pub(crate) fn discard(files: Vec<Results>) {
    drop(files);
}

/// Writes all rows of a run to a file. Of a damaged journal, what could be read is kept, and the damage told.
pub(crate) fn write(mut file: Results, journal: &mut dyn Journal) -> Result<(), Failure> {
    let path = file.path().to_owned();
    let unwritable = |error: Error| {
        Failure::from(error).hinting("nothing is lost: `paceline report RUN --output FILE` writes it again".into())
    };
    let format = file.format();
    let damage = match rows(file.out(), format, journal) {
        Ok(written) => {
            written.map_err(|source| unwritable(Error::Unwritable { kind: Kind::Results, path, source }))?;
            Ok(())
        }
        Err(error) => Err(error),
    };
    file.finish().map_err(unwritable)?;
    Ok(damage?)
}

type Written = Result<io::Result<()>, paceline_journal::Error>;

/// Writes all rows of a run, in roster order.
pub(crate) fn rows(out: &mut dyn Write, format: Format, journal: &mut dyn Journal) -> Written {
    let mut writer = format.writer(|| facts(journal))?;
    let mut after = 0;
    let mut has_begun = false;
    let mut damage = Damage::default();
    loop {
        let page = match journal.rows(after, damage.page(), false) {
            Ok(page) => page,
            Err(error) => {
                // What lies behind the damaged stretch may still be readable.
                after = damage.skip(after, error)?;
                continue;
            }
        };
        let begun = if has_begun { Ok(()) } else { writer.begin(out) };
        has_begun = true;
        let mut records = page.iter();
        let written = begun.and_then(|()| records.try_for_each(|record| writer.row(out, &result(record))));
        if written.is_err() {
            return Ok(written);
        }
        after = page.last().map_or(after, |record| record.row.number);
        if page.len() < damage.page() as usize {
            break;
        }
    }
    if let Some(error) = damage.told() {
        let _ = out.flush();
        return Err(error);
    }
    Ok(writer.end(out))
}

fn result(record: &RowRecord) -> RowResult<'_> {
    RowResult {
        row: record.row.number,
        user: &record.row.key.value,
        outcome: record.outcome,
        refusal: &record.refusal,
        attempts: record.attempts,
        changed: &record.changed,
    }
}

fn facts(journal: &mut dyn Journal) -> Result<RunFacts, paceline_journal::Error> {
    let (record, counts) = (journal.record()?, journal.counts()?);
    let (run, state, halt, effort) = (record.run, record.state, record.halt, record.effort);
    Ok(RunFacts {
        id: run.id,
        command: run.command,
        vendor: run.vendor,
        roster: run.roster,
        begun: run.created,
        state,
        halt,
        counts,
        effort,
    })
}

/// A stretch of a journal that cannot be read.
#[derive(Default)]
struct Damage {
    skipped: u32,
    first: Option<paceline_journal::Error>,
}

impl Damage {
    /// Rows read at once near the damage, so that few of its neighbours are lost.
    const STEP: u32 = 10;
    const MOST: u32 = 1_000;

    fn page(&self) -> u32 {
        if self.first.is_some() { Self::STEP } else { PAGE }
    }

    fn skip(&mut self, after: u64, error: paceline_journal::Error) -> Result<u64, paceline_journal::Error> {
        self.skipped += 1;
        if self.skipped > Self::MOST || !matches!(error, paceline_journal::Error::Corrupt { .. }) {
            return Err(self.first.take().unwrap_or(error));
        }
        // The first time only the page gets smaller.
        let again = self.first.is_none();
        self.first.get_or_insert(error);
        Ok(if again { after } else { after + u64::from(Self::STEP) })
    }

    fn told(self) -> Option<paceline_journal::Error> {
        self.first
    }
}
