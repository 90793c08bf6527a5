//! `paceline`: updates thousands of contact-centre users as fast as the vendor's quota allows and no faster.

mod args;
mod commands;
mod config;
mod credentials;
mod error;
mod exit;
mod log;
mod printer;
mod progress;
mod report;
mod settings;
mod values;

use args::{AuthCommand, Cli, Command};
use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _};
use commands::work::Worked;
use error::Failure;
use exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let mut cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let typed = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
    cli.common = settings::typed_first(&cli.common, typed);
    let _log = log::start(&cli);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(dispatch(&cli));
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(Failure::wrong(format!("the system gives no threads: {error}"), "close other programs")),
    };
    let exit = done.unwrap_or_else(|failure| {
        printer::failure(&failure);
        failure.exit
    });
    ExitCode::from(exit as u8)
}

async fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    let common = &cli.common;
    match &cli.command {
        Command::Apply(args) => show(cli, &commands::apply::run(common, args).await?),
        Command::Demo(args) => {
            // The demo's roster has bad rows on purpose.
            show(cli, &commands::demo::run(common, args).await?).map(|exit| match exit {
                Exit::SomeFailed => Exit::Done,
                other => other,
            })
        }
        Command::Check(args) => tell(&report::checked(&commands::check::run(common, args)?, common.format)),
        Command::Plan(args) => {
            let (worked, exit) = commands::plan::run(common, args).await?;
            show(cli, &worked).map(|_| exit)
        }
        Command::Undo(args) => show(cli, &commands::undo::run(common, args).await?),
        Command::Export(args) => commands::export::run(common, args).await,
        Command::Resume(args) => match commands::resume::run(common, args).await? {
            Some(worked) => show(cli, &worked),
            None => {
                printer::note("there is no run to go on with: nothing to do");
                Ok(Exit::Done)
            }
        },
        Command::Runs { command } => tell(&commands::runs::run(common, command.as_ref())?.text(common.format)),
        Command::Report(args) => commands::report::run(common, args).map(|()| Exit::Done),
        Command::Auth { command: AuthCommand::Test } => {
            tell(&report::signed_in(&commands::auth::run(common).await?, common.format))
        }
        Command::Sandbox(args) => commands::sandbox::run(common, args).await.map(|()| Exit::Done),
    }
}

/// What a command found that sends nothing.
fn tell(text: &str) -> Result<Exit, Failure> {
    printer::stdout(text).map(|()| Exit::Done).map_err(|error| printer::unwritable(&error))
}

/// What came of a run. Where it cannot be written, what was sent is sent all the same: the exit code is the run's, or 1 where
/// all went well.
fn show(cli: &Cli, worked: &Worked) -> Result<Exit, Failure> {
    let exit = worked.exit();
    let printed = printer::stdout(&report::worked(worked, cli.common.format));
    worked.trouble().iter().for_each(printer::failure);
    let Err(error) = printed else { return Ok(exit) };
    let mut failure = printer::unwritable(&error);
    if let Worked::Left { summary, .. } = worked {
        failure.hint = Some(format!("the run is as it is: look at it with `paceline runs show {}`", summary.run));
        failure.exit = if exit == Exit::Done { Exit::SomeFailed } else { exit };
    }
    Err(failure)
}
