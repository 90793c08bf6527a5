//! Where runs are kept: one directory, one file a run, one lock beside it.

use crate::{Error, Journal, NewRun, RunRecord, Sqlite};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The runs of a state directory.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
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

impl Store {
    /// The runs under `state_dir`, which need not exist yet.
    pub fn new(state_dir: &Path) -> Self {
        Self { dir: state_dir.join("runs") }
    }

    /// Where the runs are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Begins a run. The directory and its files can be read by their owner only.
    pub fn create(&self, run: &NewRun) -> Result<Sqlite, Error> {
        create_private_dir(&self.dir)?;
        let lock = self.lock(&run.id)?;
        Sqlite::create(&self.path(&run.id), run, Some(lock))
    }

    /// Opens a run to go on with it. Only one process can.
    pub fn open(&self, id: &str) -> Result<Sqlite, Error> {
        let path = self.existing(id)?;
        let lock = self.lock(id)?;
        Sqlite::open(&path, Some(lock))
    }

    /// Opens a run to look at it, also while a process works on it.
    pub fn look(&self, id: &str) -> Result<Sqlite, Error> {
        Sqlite::open(&self.existing(id)?, None)
    }

    /// All runs, newest first.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(Error::io(&self.dir, &error)),
        };
        let name =
            |path: PathBuf| (path.extension()? == "db").then(|| path.file_stem()?.to_str().map(str::to_owned))?;
        let mut ids: Vec<String> = entries.filter_map(|entry| name(entry.ok()?.path())).collect();
        ids.sort_by(|a, b| b.cmp(a));
        let listed = |id: String| {
            let record = self.look(&id).and_then(|mut journal| journal.record());
            // Its process died before it had begun: there is no run to speak of.
            let never_begun = matches!(record, Err(Error::NoSuchRun { .. }));
            let held = matches!(self.lock(&id), Err(Error::Held { .. }));
            (!never_begun).then_some(Listed { record, held, id })
        };
        Ok(ids.into_iter().filter_map(listed).collect())
    }

    /// Removes a run and all that is known of it.
    pub fn forget(&self, id: &str) -> Result<(), Error> {
        let path = self.existing(id)?;
        let _lock = self.lock(id)?;
        for suffix in ["-wal", "-shm", ""] {
            let file = PathBuf::from(format!("{}{suffix}", path.display()));
            match fs::remove_file(&file) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io(&file, &error)),
            }
        }
        let _ = fs::remove_file(self.lock_path(id));
        Ok(())
    }

    fn path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.db"))
    }

    fn lock_path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.lock"))
    }

    fn existing(&self, id: &str) -> Result<PathBuf, Error> {
        let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let path = self.path(id);
        if plain && path.is_file() { Ok(path) } else { Err(Error::NoSuchRun { run: id.into(), dir: self.dir.clone() }) }
    }

    /// Holds the run. The system lets go of it when the process ends, however it ends.
    fn lock(&self, id: &str) -> Result<File, Error> {
        let path = self.lock_path(id);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| Error::io(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {
                // Only a courtesy to whoever finds it held: a failure to write it down hurts nobody.
                let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                Ok(file)
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.rewind().and_then(|()| file.read_to_string(&mut holder));
                let holder = if holder.is_empty() { "unknown".into() } else { holder };
                Err(Error::Held { run: id.into(), holder })
            }
            Err(TryLockError::Error(error)) => Err(Error::io(&path, &error)),
        }
    }
}

fn create_private_dir(dir: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| Error::io(dir, &error))
}

/// Makes an empty file that only its owner can read, so that SQLite, which keeps a file's rights for its companions,
/// never creates one that others can.
pub(crate) fn create_private_file(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| Error::io(path, &error))
}
