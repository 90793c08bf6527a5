//! Runs in a directory: one file a run, two locks beside it.

use super::Sqlite;
use crate::{Error, Journal, Listed, NewRun, Store};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The runs of a state directory.
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
}

/// A run that is held. The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Hold {
    /// `RUN.lock`: only who works on the run takes it, so that nobody who looks is ever in the way.
    _lock: File,
    /// `RUN.held`: who looks may share it for a moment, and learns so whether the run is held.
    _mark: Option<File>,
}

/// Times, a millisecond apart, that a listing's look is waited out before a run goes on without its mark. Each look takes
/// microseconds.
const PATIENCE: u32 = 2_000;

impl Folder {
    /// The runs under `state_dir`, which need not exist yet.
    pub fn new(state_dir: &Path) -> Self {
        Self { dir: state_dir.join("runs") }
    }

    /// Where the runs are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.db"))
    }

    fn lock_path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.lock"))
    }

    fn mark_path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.held"))
    }

    fn existing(&self, id: &str) -> Result<PathBuf, Error> {
        self.check_trust()?;
        let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let path = self.path(id);
        if plain && path.is_file() { Ok(path) } else { Err(Error::NoSuchRun { run: id.into(), dir: self.dir.clone() }) }
    }

    /// Holds the run against every other process.
    fn hold(&self, id: &str) -> Result<Hold, Error> {
        let path = self.lock_path(id);
        let mut lock = private_file(&path)?;
        match lock.try_lock() {
            Ok(()) => {
                // Only a courtesy to whoever finds it held: a failure to write it down hurts nobody.
                let _ = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
                Ok(Hold { _lock: lock, _mark: self.mark(id) })
            }
            Err(TryLockError::WouldBlock) => Err(self.holder(id)),
            Err(TryLockError::Error(error)) => Err(Error::io(&path, &error)),
        }
    }

    /// Marks the run as held for those who look. A mark that cannot be had makes a listing less true and hurts nothing else.
    #[expect(clippy::disallowed_methods, reason = "the lock is another process's: there is nothing else to wait on")]
    fn mark(&self, id: &str) -> Option<File> {
        let mark = private_file(&self.mark_path(id)).ok()?;
        for _ in 0..PATIENCE {
            if mark.try_lock().is_ok() {
                return Some(mark);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// Whether a process holds the run. Only its mark is touched, and shared: others who look are not in the way either.
    fn is_held(&self, id: &str) -> bool {
        let Ok(mark) = File::open(self.mark_path(id)) else { return false };
        matches!(mark.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Refuses a place where somebody else could plant a run: its journal says where `resume` signs in.
    #[cfg(unix)]
    fn check_trust(&self) -> Result<(), Error> {
        use std::os::unix::fs::MetadataExt as _;
        let us = rustix::process::geteuid().as_raw();
        let state_dir = self.dir.parent().unwrap_or(&self.dir);
        for (dir, owners) in [(state_dir, [us, 0]), (&self.dir, [us, us])] {
            // What is not there is made by us; what cannot be seen is told where it is used.
            let Ok(found) = fs::metadata(dir) else { continue };
            let untrusted = |why: String| Err(Error::Untrusted { dir: dir.to_owned(), why });
            let sticky = found.mode() & 0o1000 != 0;
            if found.mode() & 0o002 != 0 && !(sticky && dir == state_dir) {
                return untrusted(format!("everybody can write to it (mode {:o})", found.mode() & 0o7777));
            }
            if !owners.contains(&found.uid()) {
                return untrusted(format!("it belongs to another user (uid {}, ours is {us})", found.uid()));
            }
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn check_trust(&self) -> Result<(), Error> {
        Ok(())
    }
}

impl Store for Folder {
    // The directory and its files can be read by their owner only.
    fn create(&self, run: &NewRun) -> Result<Box<dyn Journal>, Error> {
        create_private_dir(&self.dir)?;
        self.check_trust()?;
        let hold = self.hold(&run.id)?;
        Ok(Box::new(Sqlite::create(&self.path(&run.id), run, hold)?))
    }

    fn open(&self, id: &str) -> Result<Box<dyn Journal>, Error> {
        let path = self.existing(id)?;
        let hold = self.hold(id)?;
        Ok(Box::new(Sqlite::open(&path, hold)?))
    }

    fn look(&self, id: &str) -> Result<Box<dyn Journal>, Error> {
        Ok(Box::new(Sqlite::look(&self.existing(id)?)?))
    }

    fn list(&self) -> Result<Vec<Listed>, Error> {
        self.check_trust()?;
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
            let held = self.is_held(&id);
            let record = self.look(&id).and_then(|mut journal| journal.record());
            // Its process died before it had begun, or it was forgotten just now: there is no run to speak of.
            let never_begun = matches!(record, Err(Error::NoSuchRun { .. }));
            (!never_begun).then_some(Listed { record, held, id })
        };
        Ok(ids.into_iter().filter_map(listed).collect())
    }

    fn forget(&self, id: &str) -> Result<(), Error> {
        let path = self.existing(id)?;
        let _hold = self.hold(id)?;
        for suffix in ["-wal", "-shm", ""] {
            let file = PathBuf::from(format!("{}{suffix}", path.display()));
            match fs::remove_file(&file) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io(&file, &error)),
            }
        }
        for file in [self.mark_path(id), self.lock_path(id)] {
            let _ = fs::remove_file(file);
        }
        Ok(())
    }

    fn holder(&self, id: &str) -> Error {
        let holder = fs::read_to_string(self.lock_path(id)).ok().filter(|holder| !holder.is_empty());
        Error::Held { run: id.into(), holder: holder.unwrap_or_else(|| "unknown".into()) }
    }
}

fn create_private_dir(dir: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| Error::io(dir, &error))
}

/// Opens a file that only its owner can read, made where it is not there.
fn private_file(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| Error::io(path, &error))
}

/// Makes an empty file that only its owner can read, so that SQLite, which keeps a file's rights for its companions,
/// never creates one that others can.
pub(super) fn create_private_file(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| Error::io(path, &error))
}
