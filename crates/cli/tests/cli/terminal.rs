//! The binary on a terminal: what it asks, and what is typed.

use crate::world::{Ran, World};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Command, Stdio};

/// A process whose standard input and error are a terminal; its standard output is a pipe.
pub(crate) struct Terminal {
    child: Child,
    ours: File,
    seen: String,
}

impl World {
    pub(crate) fn on_terminal(&self, args: &[&str]) -> Terminal {
        Terminal::begin(self.paceline().args(args))
    }
}

impl Terminal {
    pub(crate) fn begin(command: &mut Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        // Else the process would hold our side of its own terminal open.
        rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, vec![]).unwrap();
        let theirs = || {
            let no_controlling = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap();
            let mut options = OpenOptions::new();
            options.read(true).write(true).custom_flags(no_controlling);
            Stdio::from(options.open(OsStr::from_bytes(name.to_bytes())).unwrap())
        };
        let child = command.stdin(theirs()).stderr(theirs()).stdout(Stdio::piped()).spawn().unwrap();
        // The command holds the other side open until it is given something else.
        command.stdin(Stdio::null()).stderr(Stdio::null());
        Self { child, ours: ours.into(), seen: String::new() }
    }

    /// Reads on; `false` when the process has gone.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 4_096];
        match self.ours.read(&mut bytes) {
            Ok(0) | Err(_) => false,
            Ok(read) => {
                self.seen += &String::from_utf8_lossy(&bytes[..read]);
                true
            }
        }
    }

    /// Waits until the process has shown this.
    pub(crate) fn until(&mut self, text: &str) -> &mut Self {
        while !self.seen.contains(text) {
            assert!(self.read(), "it ended without `{text}`: {}", self.seen);
        }
        self
    }

    /// Waits for a question.
    pub(crate) fn asked(&mut self) -> &mut Self {
        self.until("[y/N] ")
    }

    pub(crate) fn enter(&mut self, line: &str) -> &mut Self {
        self.seen.clear();
        self.ours.write_all(format!("{line}\n").as_bytes()).unwrap();
        self
    }

    pub(crate) fn signal(&mut self, name: &str) -> &mut Self {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self
    }

    /// Waits for the process's end. What was shown since the last line was entered is the standard error.
    pub(crate) fn end(mut self) -> Ran {
        while self.read() {}
        let output = self.child.wait_with_output().unwrap();
        Ran { stderr: self.seen, ..Ran::from(output) }
    }

    /// Closes the terminal; the exit code.
    pub(crate) fn close(self) -> Option<i32> {
        let Self { mut child, ours, .. } = self;
        drop(ours);
        child.wait().unwrap().code()
    }
}
