//! `paceline`: updates thousands of contact-centre users as fast as the vendor's quota allows and no faster.

mod args;
mod commands;
mod error;
mod exit;
mod input;
mod printer;
mod progress;
mod report;
mod settings;

use args::{AuthCommand, Cli, Command, Output};
use clap::Parser as _;
use commands::work::Worked;
use error::Failure;
use exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(&cli);
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
        Command::Apply(args) => commands::apply::run(common, args).await.map(|worked| show(cli, &worked)),
        Command::Demo(args) => {
            commands::demo::run(common, args).await.map(|worked| show(cli, &worked)).map(|exit| match exit {
                // The demo's roster has bad rows on purpose.
                Exit::SomeFailed => Exit::Done,
                other => other,
            })
        }
        Command::Check(args) => {
            let checked = commands::check::run(common, args)?;
            printer::stdout(&report::checked(&checked, common.format));
            Ok(Exit::Done)
        }
        Command::Plan(args) => commands::plan::run(common, args).await.map(|(worked, exit)| {
            show(cli, &worked);
            exit
        }),
        Command::Undo(args) => commands::undo::run(common, args).await.map(|worked| show(cli, &worked)),
        Command::Export(args) => commands::export::run(common, args).await.map(|users| {
            printer::stderr(&format!("Exported {users} users"));
            Exit::Done
        }),
        Command::Resume(args) => match commands::resume::run(common, args).await? {
            Some(worked) => Ok(show(cli, &worked)),
            None => {
                printer::note("there is no run to go on with: nothing to do");
                Ok(Exit::Done)
            }
        },
        Command::Runs { command } => {
            printer::stdout(&commands::runs::run(common, command.as_ref())?.text(common.format));
            Ok(Exit::Done)
        }
        Command::Report(args) => commands::report::run(common, args).map(|()| Exit::Done),
        Command::Auth { command: AuthCommand::Test } => {
            let signed_in = commands::auth::run(common).await?;
            printer::stdout(&report::signed_in(&signed_in, common.format));
            Ok(Exit::Done)
        }
        Command::Sandbox(args) => commands::sandbox::run(common, args).await.map(|()| Exit::Done),
    }
}

fn show(cli: &Cli, worked: &Worked) -> Exit {
    printer::stdout(&report::worked(worked, cli.common.format));
    worked.trouble().iter().for_each(printer::failure);
    worked.exit()
}

fn start_log(cli: &Cli) {
    let log = tracing_subscriber::fmt().with_max_level(cli.common.log_level).with_writer(std::io::stderr);
    match cli.common.log_format {
        Output::Text => log.with_target(false).init(),
        Output::Json => log.json().init(),
    }
}
