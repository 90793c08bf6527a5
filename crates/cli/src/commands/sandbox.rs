//! `paceline sandbox`: the simulated vendor on a local port.

use crate::args::{Common, SandboxArgs, rate};
use crate::error::Failure;
use crate::printer;
use crate::settings::{self, Profile};
use paceline_sandbox::{Limit, Options, RetryAfter, Sandbox, Vendor, Window, serve};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

pub(crate) async fn run(common: &Common, args: &SandboxArgs) -> Result<(), Failure> {
    let vendor = vendor(common)?;
    let options = Options { vendor, ..options(args)? };
    if let Some(path) = &args.write_roster {
        write_roster(path, vendor, &Sandbox::new(options.clone()).user_ids())?;
    }
    let served = serve(options, args.port, args.speed).await.map_err(|error| {
        Failure::wrong(format!("port {} cannot be had: {error}", args.port), "take another, or 0 for a free one")
    })?;
    printer::stdout(&profile(vendor, &served.url())).map_err(|error| printer::unwritable(&error))?;
    let _ = tokio::signal::ctrl_c().await;
    Ok(())
}

/// The vendor to pretend.
pub(crate) fn vendor(common: &Common) -> Result<Vendor, Failure> {
    match settings::vendor(common, &Profile::default())?.facts().name {
        "nice" => Ok(Vendor::Nice),
        _ => Ok(Vendor::Genesys),
    }
}

/// The profile to use, and the environment that goes with it.
fn profile(vendor: Vendor, url: &str) -> String {
    let (id, secret) = (paceline_sandbox::CLIENT_ID, paceline_sandbox::CLIENT_SECRET);
    let (key, key_secret) = (paceline_sandbox::ACCESS_KEY_ID, paceline_sandbox::ACCESS_KEY_SECRET);
    if vendor == Vendor::Nice {
        return format!(
            "# NICE CXone sandbox at {url}; its books: {url}/sandbox/books\n\
             export NICE_CLIENT_ID={id} NICE_CLIENT_SECRET={secret}\n\
             export NICE_ACCESS_KEY_ID={key} NICE_ACCESS_KEY_SECRET={key_secret}\n\
             export PACELINE_VENDOR=nice PACELINE_BASE_URL={url} PACELINE_AUTH_URL={url}/auth/token\n"
        );
    }
    format!(
        "# Genesys Cloud sandbox at {url}; its books: {url}/sandbox/books\n\
         export GENESYS_CLIENT_ID={id} GENESYS_CLIENT_SECRET={secret}\n\
         export PACELINE_BASE_URL={url} PACELINE_AUTH_URL={url}/oauth/token\n"
    )
}

fn options(args: &SandboxArgs) -> Result<Options, Failure> {
    let wrong = |flag: &str, why: String| {
        Failure::wrong(format!("--{flag}: {why}"), "`paceline sandbox --help` lists what it takes")
    };
    let kind = match args.window.as_str() {
        "fixed" => Window::Fixed,
        "sliding" => Window::Sliding,
        other => return Err(wrong("window", format!("`{other}` is neither fixed nor sliding"))),
    };
    let retry_after = match args.retry_after.as_str() {
        "seconds" => RetryAfter::Seconds,
        "decimal" => RetryAfter::Decimal,
        "date" => RetryAfter::Date,
        "absent" => RetryAfter::Absent,
        "malformed" => RetryAfter::Malformed,
        more => RetryAfter::Longer(more.parse().map_err(|_| wrong("retry-after", format!("`{more}` is no form")))?),
    };
    let limit = match args.limit.as_str() {
        "none" => None,
        text => {
            let quota = rate(text).map_err(|why| wrong("limit", why))?;
            Some(Limit { calls: quota.allowed, window_s: quota.window.as_secs_f64(), kind, retry_after })
        }
    };
    let options = Options {
        users: args.users,
        seed: args.seed,
        limit,
        told_limit: args.told_limit,
        token_life_s: args.token_life,
        latency_ms: args.latency,
        strict: args.strict,
        ..Options::default()
    };
    args.faults.iter().try_fold(options, |options, fault| options.fault(fault)).map_err(|why| wrong("fault", why))
}

/// A roster that gives each of these users a new title and department, or what NICE has in their place.
pub(crate) fn write_roster(path: &Path, vendor: Vendor, ids: &[String]) -> Result<(), Failure> {
    let columns = if vendor == Vendor::Nice { ["custom1", "team"] } else { ["title", "department"] };
    let values = if vendor == Vendor::Nice { ["Desk", "Green"] } else { ["Agent", "Customer Care"] };
    let row = |number: usize, id: &String| (id.clone(), format!("{} {number}", values[0]), values[1]);
    let rows = ids.iter().enumerate().map(|(number, id)| row(number, id));
    let object = |(id, first, second): (String, String, &str)| json!({"id": id, "updates": {columns[0]: first, columns[1]: second}});
    let text = match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => json!(rows.map(object).collect::<Vec<_>>()).to_string(),
        Some("jsonl") => rows.fold(String::new(), |mut out, row| {
            let _ = writeln!(out, "{}", object(row));
            out
        }),
        _ => rows.fold(format!("id,{},{}\n", columns[0], columns[1]), |mut out, (id, first, second)| {
            let _ = writeln!(out, "{id},{first},{second}");
            out
        }),
    };
    std::fs::write(path, text).map_err(|error| {
        Failure::wrong(format!("the roster `{}` cannot be written: {error}", path.display()), "check the directory")
    })
}
