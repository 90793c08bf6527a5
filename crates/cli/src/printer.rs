//! The only file that prints: data on standard output, everything else on standard error.
//!
//! All of it passes [`harmless`]: no text from outside moves the cursor. Line breaks are ours only where each field from
//! outside was made [`visible`], as messages and hints are here.

use crate::error::Failure;
use anstyle::{AnsiColor, Style};
pub(crate) use paceline_files::visible;
use paceline_files::{Harmless, harmless};
use std::io::{self, IsTerminal, Write};

const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// Data. A reader that is gone (a broken pipe) does not hurt the run.
///
/// # Errors
/// Where it cannot be written: a disk is full.
pub(crate) fn stdout(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    bear_gone(out.write_all(harmless(text).as_bytes()).and_then(|()| out.flush()))
}

/// A reader that has seen enough (`| head`) closes the pipe: no failure of ours.
pub(crate) fn bear_gone(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// That standard output cannot be written, of a command that has sent nothing.
pub(crate) fn unwritable(error: &io::Error) -> Failure {
    Failure::wrong(format!("standard output cannot be written: {error}"), "free some space, or write to another place")
}

/// Standard output for data that is too long to hold: byte by byte for programs, harmless for a terminal.
pub(crate) fn long_stdout() -> Box<dyn Write> {
    let out = io::stdout();
    if out.is_terminal() { Box::new(Harmless::new(out)) } else { Box::new(out) }
}

/// Anything else.
pub(crate) fn stderr(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "{}", harmless(text));
}

/// A line of the log, with its end.
pub(crate) fn log(line: &[u8]) {
    let _ = io::stderr().lock().write_all(harmless(&String::from_utf8_lossy(line)).as_bytes());
}

/// Something that a person should know.
pub(crate) fn note(text: &str) {
    stderr(&format!("{YELLOW}note{YELLOW:#}: {}", visible(text)));
}

/// Something that is not as it should be, and does not stop the command.
pub(crate) fn warning(text: &str) {
    stderr(&format!("{YELLOW}warning{YELLOW:#}: {}", visible(text)));
}

/// What went wrong, and the way out.
pub(crate) fn failure(failure: &Failure) {
    if failure.is_cancelled {
        // It is what was asked for, and no error.
        return stderr(&failure.message);
    }
    for problem in &failure.problems {
        error(&problem.to_string(), problem.hint.as_deref());
    }
    if failure.more > 0 {
        stderr(&format!("… and {} more problems", failure.more));
    }
    error(&failure.message, failure.hint.as_deref());
}

/// An error is one line and its hint another, whatever they repeat of what was typed, read or answered.
fn error(message: &str, hint: Option<&str>) {
    stderr(&format!("{RED}error{RED:#}: {}", visible(message)));
    if let Some(hint) = hint.filter(|hint| !hint.is_empty()) {
        stderr(&format!("{CYAN}hint{CYAN:#}: {}", visible(hint)));
    }
}

/// Whether somebody is there to be asked.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Shows a question; the answer is typed behind it. Nothing stays locked while somebody thinks.
pub(crate) fn prompt(question: &str) {
    let mut out = anstream::stderr().lock();
    let _ = write!(out, "{} [y/N] ", visible(question)).and_then(|()| out.flush());
}

/// Waits for the answer: only `y` and `yes` are a yes.
pub(crate) fn is_yes() -> bool {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    read.is_ok() && matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
