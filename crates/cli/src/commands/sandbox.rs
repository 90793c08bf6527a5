//! `paceline sandbox`: the simulated vendor on a local port.

use crate::args::{Common, SandboxArgs};
use crate::error::Failure;
use crate::printer;
use crate::settings::{self, Profile};
use crate::values::rate;
use paceline_core::vendor::{Facts, Sample};
use paceline_sandbox::{Limit, Options, RetryAfter, Sandbox, Vendor, Window, serve};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

pub(crate) async fn run(common: &Common, args: &SandboxArgs) -> Result<(), Failure> {
    let (facts, vendor) = vendor(common)?;
    let options = Options { vendor, ..options(args)? };
    if let Some(path) = &args.write_roster {
        write_roster(path, &facts.sample, &Sandbox::new(options.clone()).user_ids())?;
    }
    let served = serve(options, args.port, args.speed).await.map_err(|error| {
        Failure::wrong(format!("port {} cannot be had: {error}", args.port), "take another, or 0 for a free one")
    })?;
    printer::stdout(&environment(&facts, vendor, &served.url())).map_err(|error| printer::unwritable(&error))?;
    let _ = tokio::signal::ctrl_c().await;
    Ok(())
}

/// The vendor to pretend, and the one that pretends.
pub(crate) fn vendor(common: &Common) -> Result<(Facts, Vendor), Failure> {
    let facts = *settings::vendor(common, &Profile::default())?.facts();
    let pretended = Vendor::named(facts.name).ok_or_else(|| {
        Failure::wrong(format!("there is no sandbox of {}", facts.title), "name another one with --vendor")
    })?;
    Ok((facts, pretended))
}

/// The environment that leads to the sandbox.
fn environment(facts: &Facts, pretended: Vendor, url: &str) -> String {
    let values = [
        paceline_sandbox::CLIENT_ID,
        paceline_sandbox::CLIENT_SECRET,
        paceline_sandbox::ACCESS_KEY_ID,
        paceline_sandbox::ACCESS_KEY_SECRET,
    ];
    let mut lines = format!("# {} sandbox at {url}; its books: {url}/sandbox/books\n", facts.title);
    let set = |(names, value): (&&[&str], &&str)| Some(format!("{}={value}", names.first()?));
    let credentials: Vec<String> = facts.variables.iter().zip(&values).filter_map(set).collect();
    for pair in credentials.chunks(2) {
        let _ = writeln!(lines, "export {}", pair.join(" "));
    }
    let vendor = if facts.name == paceline_vendors::DEFAULT {
        String::new()
    } else {
        format!("PACELINE_VENDOR={} ", facts.name)
    };
    let _ = writeln!(lines, "export {vendor}PACELINE_BASE_URL={url} PACELINE_AUTH_URL={url}{}", pretended.token_path());
    lines
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

/// A roster that gives each of these users a text of its own and the sample's value.
pub(crate) fn write_roster(path: &Path, sample: &Sample, ids: &[String]) -> Result<(), Failure> {
    let Sample { columns, values, .. } = sample;
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
