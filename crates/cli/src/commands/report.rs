//! `paceline report`: a run's results, from its journal; from a damaged one, what can still be read.

use crate::args::{Common, Output, ReportRunArgs};
use crate::error::Failure;
use crate::report::results::{self, Format, Results};
use crate::{printer, settings};
use paceline_journal::Store;

pub(crate) fn run(common: &Common, args: &ReportRunArgs) -> Result<(), Failure> {
    let profile = settings::profile(common)?;
    let store = Store::new(&settings::state_dir(common, &profile)?);
    let mut journal = store.look(&args.run)?;
    // What can be read is written all the same, and the damage told.
    let damage = journal.check();
    if let Some(path) = &args.output {
        Results::open(path)?.write(&mut journal)?;
        printer::stderr(&format!("Results: {}", path.display()));
        return Ok(damage?);
    }
    let format = if common.format == Output::Json { Format::Json } else { Format::Csv };
    let mut out = std::io::BufWriter::new(printer::Stdout);
    // A reader that has seen enough (`| head`) closes the pipe: no failure of ours.
    results::rows(&mut out, format, &mut journal)?.or_else(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failure::wrong(format!("standard output cannot be written: {error}"), "name a file with --output")),
    })?;
    Ok(damage?)
}
