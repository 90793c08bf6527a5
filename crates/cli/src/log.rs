//! The log on standard error. A run only hands its lines over; a thread of its own writes them, so that a terminal that takes
//! nothing holds up no run: lines that it does not take in time are dropped, and counted.

use crate::args::{Cli, Output};
use crate::printer;
use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Lines that wait to be written, at most.
const LINES: usize = 10_000;

/// How long the end of the process waits for what is still to be written.
const PATIENCE: Duration = Duration::from_secs(2);

enum Message {
    Line(Vec<u8>),
    End,
}

/// Writes out what is left when it is dropped.
pub(crate) struct Log {
    lines: Lines,
    written: Receiver<()>,
}

/// Where lines are handed over, each in one piece.
#[derive(Clone)]
struct Lines {
    to: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.to.try_send(Message::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to take lines, written by `write`.
fn taking(mut write: impl FnMut(&[u8]) + Send + 'static) -> Log {
    let (to, lines) = sync_channel(LINES);
    let (done, written) = sync_channel(1);
    let lines_written = move || {
        while let Ok(Message::Line(line)) = lines.recv() {
            write(&line);
        }
        let _ = done.send(());
    };
    // Without a thread nothing is logged, and nothing else is lost.
    let _ = std::thread::Builder::new().name("log".into()).spawn(lines_written);
    Log { lines: Lines { to, dropped: Arc::default() }, written }
}

/// Starts the log that the arguments ask for.
pub(crate) fn start(cli: &Cli) -> Log {
    let log = taking(printer::log);
    let lines = log.lines.clone();
    let writing = tracing_subscriber::fmt().with_max_level(cli.common.log_level);
    // A file has no colours.
    let writing = writing.with_ansi(io::stderr().is_terminal()).with_writer(move || lines.clone());
    match cli.common.log_format {
        Output::Text => writing.with_target(false).init(),
        Output::Json => writing.json().init(),
    }
    log
}

impl Drop for Log {
    fn drop(&mut self) {
        let ended = self.lines.to.try_send(Message::End).is_ok() && self.written.recv_timeout(PATIENCE).is_ok();
        let dropped = self.lines.dropped.load(Ordering::Relaxed);
        if ended && dropped > 0 {
            printer::note(&format!(
                "{dropped} lines of the log were dropped: standard error did not take them in time"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_terminal_that_takes_no_line_holds_up_nobody_and_what_it_takes_is_written_before_the_end() {
        let (open, opened) = channel::<()>();
        let (told, tells) = channel();
        let log = taking(move |line| {
            // Ctrl-S: the write does not return until Ctrl-Q.
            let _ = opened.recv();
            let _ = told.send(line.to_vec());
        });
        let mut lines = log.lines.clone();
        for n in 0..LINES + 100 {
            lines.write_all(format!("line {n}\n").as_bytes()).unwrap();
        }
        assert!(log.lines.dropped.load(Ordering::Relaxed) >= 98 && tells.try_recv().is_err());
        drop(open);
        assert_eq!(tells.recv().unwrap(), b"line 0\n");
        drop((log, lines));

        let (told, tells) = channel();
        let log = taking(move |line| drop(told.send(line.to_vec())));
        log.lines.clone().write_all(b"a\n").unwrap();
        drop(log);
        assert_eq!(tells.try_recv().unwrap(), b"a\n");
    }
}
