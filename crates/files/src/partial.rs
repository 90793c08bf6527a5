//! A file that takes its place only when it is whole, and is its owner's alone: it holds people's data.
//!
//! It is written beside, as `NAME.partial`, and renamed. The old file stays until then, and for good where this one fails. No
//! link is followed: what stands at the partial name is removed, never written through.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Being written. Dropped before [`Partial::finish`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Partial {
    path: PathBuf,
    /// `None` where the path is no file, as `/dev/stdout` is none: that is written as it is.
    beside: Option<PathBuf>,
    file: File,
}

impl Partial {
    /// Begins it, so that a path that cannot be written is found before anything is done.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::Error::other("it is a directory"));
        }
        if path.exists() && !path.is_file() {
            let file = OpenOptions::new().write(true).open(path)?;
            return Ok(Self { path: path.to_owned(), beside: None, file });
        }
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        let beside = PathBuf::from(name);
        // Left by a process that was killed, or planted: either way it goes, and what it may point to stays.
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&beside)?;
        Ok(Self { path: path.to_owned(), beside: Some(beside), file })
    }

    /// The place that it takes.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// It is whole: it takes its place.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let Some(beside) = &self.beside else { return self.file.flush() };
        self.file.sync_all()?;
        if !same(&self.file.metadata()?, &std::fs::symlink_metadata(beside)?) {
            return Err(io::Error::other("another process writes it"));
        }
        std::fs::rename(beside, &self.path)?;
        self.beside = None;
        Ok(())
    }
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let Some(beside) = &self.beside else { return };
        let ours = self.file.metadata().and_then(|ours| Ok(same(&ours, &std::fs::symlink_metadata(beside)?)));
        if ours.unwrap_or(false) {
            let _ = std::fs::remove_file(beside);
        }
    }
}

/// Whether both are the same file.
fn same(a: &Metadata, b: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        (a.dev(), a.ino()) == (b.dev(), b.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = a;
        b.is_file()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_its_place_when_it_is_whole_and_leaves_nothing_where_it_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        let beside = dir.path().join("out.csv.partial");
        std::fs::write(&path, "old").unwrap();
        let mut file = Partial::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        assert!(beside.exists());
        drop(file);
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), beside.exists()), ("old", false));
        let mut file = Partial::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), beside.exists()), ("new", false));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it_and_no_planted_link_is_followed() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (path, victim) = (dir.path().join("out.csv"), dir.path().join("victim"));
        std::fs::write(&victim, "precious").unwrap();
        symlink(&victim, dir.path().join("out.csv.partial")).unwrap();
        symlink(&victim, &path).unwrap();
        let mut file = Partial::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        assert!(metadata.is_file() && metadata.permissions().mode() & 0o777 == 0o600);
    }

    #[test]
    fn of_two_that_write_one_file_the_first_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        let (first, mut second) = (Partial::create(&path).unwrap(), Partial::create(&path).unwrap());
        second.write_all(b"second").unwrap();
        assert!(first.finish().is_err());
        second.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "second");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_file_is_written_as_it_is() {
        let mut null = Partial::create(Path::new("/dev/null")).unwrap();
        null.write_all(b"x").unwrap();
        null.finish().unwrap();
        let mut full = Partial::create(Path::new("/dev/full")).unwrap();
        assert!(full.write_all(b"x").is_err());
        assert!(Path::new("/dev/full").exists() && Partial::create(Path::new("/")).is_err());
    }
}
