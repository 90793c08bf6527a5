//! The only file that prints: data on standard output, everything else on standard error.

use crate::error::Failure;
use anstyle::{AnsiColor, Style};
use std::io::{IsTerminal, Write};

const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// Data. A reader that is gone (a broken pipe) does not hurt the run.
pub(crate) fn stdout(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Standard output for data that is too long to hold.
pub(crate) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::stdout().lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().lock().flush()
    }
}

/// Anything else.
pub(crate) fn stderr(text: &str) {
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "{text}");
}

/// Something that a person should know.
pub(crate) fn note(text: &str) {
    stderr(&format!("{YELLOW}note{YELLOW:#}: {text}"));
}

/// What went wrong, and the way out.
pub(crate) fn failure(failure: &Failure) {
    if failure.is_cancelled {
        // It is what was asked for, and no error.
        return stderr(&failure.message);
    }
    for problem in &failure.problems {
        stderr(&format!("{RED}error{RED:#}: {problem}"));
        if let Some(hint) = &problem.hint {
            stderr(&format!("{CYAN}hint{CYAN:#}: {hint}"));
        }
    }
    if failure.more > 0 {
        stderr(&format!("… and {} more problems", failure.more));
    }
    stderr(&format!("{RED}error{RED:#}: {}", failure.message));
    if let Some(hint) = failure.hint.as_deref().filter(|hint| !hint.is_empty()) {
        stderr(&format!("{CYAN}hint{CYAN:#}: {hint}"));
    }
}

/// Whether somebody is there to be asked.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Shows a question; the answer is typed behind it. Nothing stays locked while somebody thinks.
pub(crate) fn prompt(question: &str) {
    let mut out = anstream::stderr().lock();
    let _ = write!(out, "{question} [y/N] ").and_then(|()| out.flush());
}

/// Waits for the answer: only `y` and `yes` are a yes.
pub(crate) fn is_yes() -> bool {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    read.is_ok() && matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
