//! `paceline report`: a run's results, from its journal; from a damaged one, what can still be read.

use crate::args::{Common, Output, ReportRunArgs};
use crate::error::Failure;
use crate::report::results;
use crate::{printer, settings};
use paceline_files::results::{Format, Results};
use std::io::Write as _;

pub(crate) fn run(common: &Common, args: &ReportRunArgs) -> Result<(), Failure> {
    let profile = settings::profile(common)?;
    let store = settings::store(common, &profile)?;
    let mut journal = store.look(&args.run)?;
    // What can be read is written all the same, and the damage told.
    let damage = journal.check();
    if let Some(path) = &args.output {
        results::write(Results::open(path)?, journal.as_mut())?;
        printer::stderr(&format!("Results: {}", path.display()));
        return Ok(damage?);
    }
    let format = if common.format == Output::Json { Format::Json } else { Format::Csv };
    let mut out = std::io::BufWriter::new(printer::long_stdout());
    let written = results::rows(&mut out, format, journal.as_mut())?.and_then(|()| out.flush());
    printer::bear_gone(written).map_err(|error| printer::unwritable(&error))?;
    Ok(damage?)
}
