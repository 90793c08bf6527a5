//! Questions to a person, while a run waits. Whoever waits for a line never keeps the process: Ctrl-C is an answer, and needs
//! no Enter.

use crate::printer;
use crate::progress::Progress;
use paceline_engine::Interrupt;
use std::sync::Arc;

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    Yes,
    /// Anything that is no yes: a closed terminal too.
    No,
    /// Ctrl-C.
    Interrupted,
}

/// Asks, with the progress line out of the way.
pub(crate) async fn ask(question: &str, interrupt: &Interrupt, progress: &Arc<Progress>) -> Reply {
    let done = progress.hide();
    printer::prompt(question);
    let (tell, told) = tokio::sync::oneshot::channel();
    // A thread of its own: the runtime waits for none of its blocking ones, but its last words would wait for their locks.
    std::thread::spawn(move || tell.send(printer::is_yes()));
    let reply = tokio::select! {
        biased;
        () = interrupt.pressed(1) => {
            // The terminal has shown `^C` and is on the question's line still.
            printer::stderr("");
            Reply::Interrupted
        }
        yes = told => if yes.unwrap_or(false) { Reply::Yes } else { Reply::No },
    };
    progress.show(done);
    reply
}

/// Ctrl-C and SIGTERM: the first is a request, the second an order. A terminal that is closed is a request too, where there
/// is one: elsewhere (`nohup`) SIGHUP stays what it was.
pub(crate) async fn listen(interrupt: Interrupt) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut break_)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return;
        };
        let mut hangup = if printer::can_ask() { signal(SignalKind::hangup()).ok() } else { None };
        let mut hung_up = async || match &mut hangup {
            Some(hangup) => hangup.recv().await,
            None => std::future::pending().await,
        };
        loop {
            tokio::select! {
                Some(()) = terminate.recv() => interrupt.press(),
                Some(()) = break_.recv() => interrupt.press(),
                Some(()) = hung_up() => interrupt.press(),
                else => return,
            }
        }
    }
    #[cfg(not(unix))]
    while tokio::signal::ctrl_c().await.is_ok() {
        interrupt.press();
    }
}
