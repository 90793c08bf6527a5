//! Where runs are kept.

use crate::{Error, Journal, NewRun, RunRecord};
use std::fmt;

/// The runs of a place: a directory, a database. How it holds a run against every other process is its own affair; whoever
/// has a journal that was created or opened holds its run until the journal is dropped or the process ends, however it ends.
pub trait Store: fmt::Debug + Send + Sync {
    /// Begins a run, and holds it.
    fn create(&self, run: &NewRun) -> Result<Box<dyn Journal>, Error>;

    /// Opens a run to go on with it, and holds it. Only one process can.
    fn open(&self, id: &str) -> Result<Box<dyn Journal>, Error>;

    /// Opens a run to look at it, also while a process works on it.
    fn look(&self, id: &str) -> Result<Box<dyn Journal>, Error>;

    /// All runs, newest first. None is held: a run that is listed can be taken up at the same moment.
    fn list(&self) -> Result<Vec<Listed>, Error>;

    /// Removes a run and all that is known of it. One that is held is refused.
    fn forget(&self, id: &str) -> Result<(), Error>;

    /// Who it is that holds a run, for the message: as far as the holder has said.
    fn holder(&self, id: &str) -> Error;
}

/// A run as a listing shows it.
#[derive(Debug)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// What it is, or why that cannot be read.
    pub record: Result<RunRecord, Error>,
    /// Whether a process is working on it now.
    pub held: bool,
}
