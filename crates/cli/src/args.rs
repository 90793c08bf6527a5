//! What can be typed.

use crate::values::{jitter, max_failures, percent, rate, seconds, some_seconds};
use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use paceline_core::backoff::Jitter;
use paceline_core::pace::Quota;
use paceline_engine::MaxFailures;
use paceline_files::roster::{Format, Reading};
use std::path::PathBuf;
use std::time::Duration;

/// Updates thousands of contact-centre users as fast as the vendor's quota allows and no faster.
#[derive(Debug, Parser)]
#[command(name = "paceline", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What `--vendor` takes.
fn vendors() -> String {
    format!("Whose API it is: {} [default: {}]", paceline_vendors::NAMES.join(" or "), paceline_vendors::DEFAULT)
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Named settings of paceline.toml.
    #[arg(long, global = true, env = "PACELINE_PROFILE", value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The configuration file [default: paceline.toml here, else in the user's config directory].
    #[arg(long, global = true, env = "PACELINE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[arg(long, global = true, env = "PACELINE_VENDOR", value_name = "NAME", help = vendors())]
    pub(crate) vendor: Option<String>,
    /// The vendor's region, by AWS name or domain (eu-central-1, mypurecloud.de).
    #[arg(long, global = true, env = "PACELINE_REGION", value_name = "NAME")]
    pub(crate) region: Option<String>,
    /// Base URL of the API, instead of a region's.
    #[arg(long, global = true, env = "PACELINE_BASE_URL", value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// URL of the token endpoint [default: the region's, or {base-url}/oauth/token].
    #[arg(long, global = true, env = "PACELINE_AUTH_URL", value_name = "URL")]
    pub(crate) auth_url: Option<String>,
    /// Base URL of the users' API, where the vendor has it on a host of its own (NICE) [default: the discovered, or --base-url].
    #[arg(long = "uh-url", global = true, env = "PACELINE_UH_URL", value_name = "URL")]
    pub(crate) second_url: Option<String>,
    /// Whose discovery documents say where the tenant is (NICE) [default: the vendor's commercial issuer].
    #[arg(long, global = true, env = "PACELINE_ISSUER", value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// The version of the vendor's API, where it has several (NICE: v34.0).
    #[arg(long, global = true, env = "PACELINE_API_VERSION", value_name = "VERSION")]
    pub(crate) api_version: Option<String>,
    /// Where runs are kept [default: the user's state directory].
    #[arg(long, global = true, env = "PACELINE_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// What standard output carries.
    #[arg(long, global = true, env = "PACELINE_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Output,
    /// What is told on standard error: error, warn, info, debug, trace.
    #[arg(long, global = true, env = "PACELINE_LOG_LEVEL", value_name = "LEVEL", default_value = "warn")]
    pub(crate) log_level: tracing::level_filters::LevelFilter,
    /// How it is told.
    #[arg(long, global = true, env = "PACELINE_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: Output,
    /// No progress line.
    #[arg(long, global = true, env = "PACELINE_NO_PROGRESS", value_parser = FalseyValueParser::new())]
    pub(crate) no_progress: bool,
    /// Do not ask.
    #[arg(short, long, global = true, env = "PACELINE_YES", value_parser = FalseyValueParser::new())]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Output {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Update users from a roster: validate, plan, send, report.
    Apply(ApplyArgs),
    /// Validate a roster; no network.
    Check(CheckArgs),
    /// Read the tenant and show what a roster would change, the calls and the time; write nothing.
    Plan(PlanArgs),
    /// Put every user that a run changed back to its snapshot.
    Undo(UndoArgs),
    /// Write the tenant's users as a roster that apply reads back.
    Export(ExportArgs),
    /// Go on with a run that was cut, halted or interrupted.
    Resume(ResumeArgs),
    /// List runs, newest first; or look at one.
    Runs {
        #[command(subcommand)]
        command: Option<RunsCommand>,
    },
    /// Write a run's results: CSV on standard output, or to a file by its extension.
    Report(ReportRunArgs),
    /// Sign-in.
    Auth {
        #[command(subcommand)]
        command: AuthCommand,
    },
    /// Run the simulated vendor on a local port.
    Sandbox(SandboxArgs),
    /// Sandbox, sample roster, apply and report in one command, offline.
    Demo(DemoArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ResumeArgs {
    /// The run [default: the newest that is not finished].
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) sending: SendArgs,
    #[command(flatten)]
    pub(crate) reporting: ReportArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// One run's summary.
    Show {
        /// The run.
        run: String,
    },
    /// Remove a run and its snapshots: it can be neither resumed nor undone then.
    Forget {
        /// The run.
        run: String,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ReportRunArgs {
    /// The run.
    pub(crate) run: String,
    /// The file: .csv, .jsonl, .json or .html [default: CSV on standard output].
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Get a token and say what it can do. Prints no secret.
    Test,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ApplyArgs {
    /// The roster; `-` is standard input.
    #[arg(required_unless_present = "plan")]
    pub(crate) roster: Option<String>,
    /// Send a plan that `plan --save` kept; users changed since are conflicts.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["roster", "blind", "dry_run", "roster_format"])]
    pub(crate) plan: Option<String>,
    /// Stop after the plan: nothing is written.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) showing: ShowArgs,
    #[command(flatten)]
    pub(crate) reading: RosterArgs,
    #[command(flatten)]
    pub(crate) sending: SendArgs,
    #[command(flatten)]
    pub(crate) reporting: ReportArgs,
}

/// What is shown of a plan, and how large it may be.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ShowArgs {
    /// Show the changes of all users, not only of the first 20.
    #[arg(long)]
    pub(crate) full: bool,
    /// Refuse a plan that changes more users than this, or more percent of the roster.
    #[arg(long, env = "PACELINE_MAX_CHANGES", value_name = "N|P%", value_parser = max_failures)]
    pub(crate) max_changes: Option<MaxFailures>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct PlanArgs {
    /// The roster; `-` is standard input.
    pub(crate) roster: String,
    /// Keep the plan as a run: `apply --plan RUN` sends exactly that.
    #[arg(long)]
    pub(crate) save: bool,
    /// Exit with 4 where there are changes to make, and 0 where there are none.
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    #[command(flatten)]
    pub(crate) showing: ShowArgs,
    #[command(flatten)]
    pub(crate) reading: RosterArgs,
    #[command(flatten)]
    pub(crate) sending: SendArgs,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct UndoArgs {
    /// The run to take back.
    pub(crate) run: String,
    /// Stop after the plan: nothing is written.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) showing: ShowArgs,
    #[command(flatten)]
    pub(crate) sending: SendArgs,
    #[command(flatten)]
    pub(crate) reporting: ReportArgs,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ExportArgs {
    /// The file: .csv, .json, .jsonl or .xlsx [default: CSV on standard output].
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The columns besides `id`, separated by commas.
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub(crate) columns: Option<Vec<String>>,
    /// Only users of this state: active, inactive, or deleted, which are left out otherwise.
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
    /// Only users of this division.
    #[arg(long, value_name = "NAME")]
    pub(crate) division: Option<String>,
    /// Only users of this department.
    #[arg(long, value_name = "NAME")]
    pub(crate) department: Option<String>,
    /// Only users whose e-mail fits this pattern, with `*` for anything.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) email: Option<String>,
    #[command(flatten)]
    pub(crate) sending: SendArgs,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct RosterArgs {
    /// The roster's format [default: by its extension, else by its content].
    #[arg(long, env = "PACELINE_ROSTER_FORMAT", value_name = "FORMAT")]
    pub(crate) roster_format: Option<RosterFormat>,
    /// The workbook's sheet [default: the first].
    #[arg(long, env = "PACELINE_SHEET", value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// Send each row's fields as they are, one PATCH a user, without reading the user first.
    #[arg(long, env = "PACELINE_BLIND", value_parser = FalseyValueParser::new())]
    pub(crate) blind: bool,
}

/// A roster's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RosterFormat {
    /// A header and rows; comma, semicolon or tab.
    Csv,
    /// A list of objects.
    Json,
    /// An object a line.
    Jsonl,
    /// A sheet of an Excel workbook.
    Xlsx,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ReportArgs {
    /// Write each row's outcome to a file: .csv, .jsonl, .json or .html.
    #[arg(long, env = "PACELINE_RESULTS", value_name = "FILE")]
    pub(crate) results: Option<PathBuf>,
    /// Write a page for people: FILE.html.
    #[arg(long, env = "PACELINE_REPORT", value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

impl RosterArgs {
    /// How the roster is to be read.
    pub(crate) fn reading(&self) -> Reading {
        let format = self.roster_format.map(|format| match format {
            RosterFormat::Csv => Format::Csv,
            RosterFormat::Json => Format::Json,
            RosterFormat::Jsonl => Format::Jsonl,
            RosterFormat::Xlsx => Format::Xlsx,
        });
        Reading { format, sheet: self.sheet.clone() }
    }
}

/// How a run goes about it; what is not given comes from the profile, else from the default.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace and retries")]
pub(crate) struct SendArgs {
    /// Calls in flight, at most [default: 10].
    #[arg(long, env = "PACELINE_MAX_CONCURRENT", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) max_concurrent: Option<u32>,
    /// Own ceiling, taken whole: calls per seconds, as in 300/60.
    #[arg(long, env = "PACELINE_RATE", value_name = "N/SECONDS", value_parser = rate)]
    pub(crate) rate: Option<Quota>,
    /// Part of the vendor's quota to take, in percent [default: 80].
    #[arg(long, env = "PACELINE_SHARE", value_name = "P%", value_parser = percent)]
    pub(crate) share: Option<u32>,
    /// An even drip instead of bursts.
    #[arg(long, env = "PACELINE_SPREAD", value_parser = FalseyValueParser::new())]
    pub(crate) spread: bool,
    /// Access tokens, each with a quota of its own [default: 1; the vendors advise one].
    #[arg(long, env = "PACELINE_TOKENS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(crate) tokens: Option<u32>,
    /// Longest wait for the vendor, in seconds; a longer one halts the run [default: 3600].
    #[arg(long, env = "PACELINE_MAX_WAIT", value_name = "S", value_parser = seconds)]
    pub(crate) max_wait: Option<Duration>,
    /// Retries of a call that fails; 429s do not count [default: 5].
    #[arg(long, env = "PACELINE_MAX_RETRIES", value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) max_retries: Option<u32>,
    /// First wait before a retry, in seconds; it doubles [default: 1.0].
    #[arg(long, env = "PACELINE_BASE_DELAY", value_name = "S", value_parser = seconds)]
    pub(crate) base_delay: Option<Duration>,
    /// Longest own wait, in seconds; a Retry-After may be longer [default: 60].
    #[arg(long, env = "PACELINE_MAX_DELAY", value_name = "S", value_parser = seconds)]
    pub(crate) max_delay: Option<Duration>,
    /// Random share of a wait: none, proportional, equal, full, decorrelated [default: proportional].
    #[arg(long, env = "PACELINE_JITTER", value_name = "KIND", value_parser = jitter)]
    pub(crate) jitter: Option<Jitter>,
    /// Longest time for one call, in seconds [default: 30].
    #[arg(long, env = "PACELINE_TIMEOUT", value_name = "S", value_parser = some_seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Halt when so many rows, or so many percent of them, have failed.
    #[arg(long, env = "PACELINE_MAX_FAILURES", value_name = "N|P%", value_parser = max_failures)]
    pub(crate) max_failures: Option<MaxFailures>,
    /// Send so many rows first; go on only if they all succeed.
    #[arg(long, env = "PACELINE_CANARY", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) canary: Option<u64>,
    /// Overwrite what others have changed since it was read.
    #[arg(long, env = "PACELINE_FORCE", value_parser = FalseyValueParser::new())]
    pub(crate) force: bool,
    /// Change deleted users too, where the roster has a column `state`; setting it to active or inactive restores them.
    #[arg(long, env = "PACELINE_INCLUDE_DELETED", value_parser = FalseyValueParser::new())]
    pub(crate) include_deleted: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct CheckArgs {
    /// The roster; `-` is standard input.
    pub(crate) roster: String,
    #[command(flatten)]
    pub(crate) reading: RosterArgs,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SandboxArgs {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Users of the tenant.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub(crate) users: usize,
    /// What makes it repeatable.
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub(crate) seed: u64,
    /// The quota of a token: calls per seconds; `none` for no limit.
    #[arg(long, default_value = "300/60", value_name = "N/SECONDS")]
    pub(crate) limit: String,
    /// The window that it counts in: fixed or sliding.
    #[arg(long, default_value = "fixed", value_name = "KIND")]
    pub(crate) window: String,
    /// What a 429 says: seconds, decimal, date, absent, malformed, or so many seconds more than needed.
    #[arg(long, default_value = "seconds", value_name = "FORM")]
    pub(crate) retry_after: String,
    /// What the limits call tells, a minute; it is not served without.
    #[arg(long, value_name = "N")]
    pub(crate) told_limit: Option<u32>,
    /// Seconds that a token lives.
    #[arg(long, default_value_t = 86_400.0, value_name = "S")]
    pub(crate) token_life: f64,
    /// Milliseconds that an answer takes.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub(crate) latency: u64,
    /// How many times faster its clock runs.
    #[arg(long, default_value_t = 1.0, value_name = "N")]
    pub(crate) speed: f64,
    /// Refuse a PATCH without `version`, as the published description does.
    #[arg(long)]
    pub(crate) strict: bool,
    /// What goes wrong; `--help` lists it all (error_500=0.1, users.ID=404, html_write, omit=skills@GET /api/v2/users …).
    #[arg(long = "fault", value_name = "NAME[=VALUE][@CALLS]", long_help = fault_help())]
    pub(crate) faults: Vec<String>,
    /// Write a sample roster for its users to this file (.csv, .json or .jsonl) before serving.
    #[arg(long, value_name = "FILE")]
    pub(crate) write_roster: Option<PathBuf>,
}

fn fault_help() -> String {
    let all = paceline_sandbox::explained();
    format!(
        "What goes wrong, as often as is needed.\n\nAn odd answer may end in `@` and a part of the method and path template \
         of the calls that it is about, as in `omit=skills@GET /api/v2/users`. [=N] stands for the first N calls, KEYS for \
         names with commas between them.\n\n{all}"
    )
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// Users to update.
    #[arg(long, default_value_t = 3000, value_name = "N", value_parser = clap::value_parser!(u32).range(20..=20_000))]
    pub(crate) users: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
