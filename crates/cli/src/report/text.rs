//! Facts for people. Every field from outside is made visible here, so that none begins a line of its own.

use crate::commands::auth::SignedIn;
use crate::commands::check::Checked;
use crate::printer::visible;
use anstyle::{AnsiColor, Style};
use paceline_core::summary::{Failure, Outcome, State, Summary};
use paceline_engine::Planned;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// `1,234,567`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `45 s`, `12 min 5 s`, `3 h 20 min`.
pub(crate) fn time(wait: Duration) -> String {
    match wait.as_secs() {
        0 if wait.is_zero() => "0 s".into(),
        0..10 => format!("{:.1} s", wait.as_secs_f64()),
        seconds @ 10..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

fn rows(count: u64) -> String {
    format!("{} {}", number(count), if count == 1 { "row" } else { "rows" })
}

/// What a run will do: the changes that are shown, then totals, calls, time and warnings.
pub(crate) fn plan(planned: &Planned, blind: bool) -> String {
    let counts = &planned.counts;
    let mut out = if blind { String::new() } else { diff(planned) };
    let to_send = if blind { "to send as they are, unread" } else { "to update" };
    let _ = writeln!(
        out,
        "Plan: {} {to_send}, {} unchanged, {} cannot be updated",
        rows(counts.pending),
        number(counts.unchanged),
        number(counts.failed + counts.conflict),
    );
    for (kind, changes, calls) in &planned.kinds {
        let _ = writeln!(out, "  {kind:<12}{:>10} changes{:>10} calls", number(*changes), number(*calls));
    }
    let _ = writeln!(
        out,
        "  {} calls to make at {} a window: at least {}; {} reads made. One user a call would be {} calls",
        number(planned.calls),
        number(planned.allowed),
        time(planned.time),
        number(planned.reads),
        number(planned.naive),
    );
    for (users, why) in &planned.warnings {
        let _ = writeln!(out, "{YELLOW}warning{YELLOW:#}: {} users: {why}", number(*users));
    }
    if let Some(note) = planned.note.filter(|_| !blind) {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const OLD: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();
const BOLD: Style = Style::new().bold();

/// Per user, before → after.
fn diff(planned: &Planned) -> String {
    let mut out = String::new();
    let mut shown = 0;
    let mut row = None;
    for change in &planned.diff {
        if row != Some(change.key.row) {
            row = Some(change.key.row);
            shown += 1;
            let _ = writeln!(out, "{BOLD}row {} {}{BOLD:#}", change.key.row, visible(change.user.as_str()));
        }
        for (key, after) in &change.after {
            let before = change.before.get(key);
            let _ = match (key.split_once('/'), after.get("member")) {
                (Some((list, _)), Some(member)) => {
                    let (style, sign) = if member == true { (NEW, '+') } else { (OLD, '-') };
                    writeln!(out, "    {}: {style}{sign} {}{style:#}", visible(list), one_value(after))
                }
                (nested, _) => {
                    let name = visible(nested.map_or(key.as_str(), |(list, _)| list));
                    let before = before.map_or("(not known)".into(), one_value);
                    writeln!(out, "    {name}: {OLD}{before}{OLD:#} → {NEW}{}{NEW:#}", one_value(after))
                }
            };
        }
    }
    if planned.counts.pending > shown {
        let _ = writeln!(out, "… and {} (--full shows all)", rows(planned.counts.pending - shown));
    }
    out
}

/// A value as a person reads it: names instead of ids, nothing as `(empty)`.
fn one_value(value: &Value) -> String {
    match value {
        Value::Null => "(empty)".into(),
        Value::String(text) if text.is_empty() => "(empty)".into(),
        Value::String(text) => format!("\"{}\"", visible(text)),
        Value::Array(items) if items.is_empty() => "(empty)".into(),
        Value::Array(items) => items.iter().map(one_value).collect::<Vec<_>>().join(", "),
        Value::Object(item) => match (item.get("name").and_then(Value::as_str), item.get("proficiency")) {
            (Some(name), Some(rating)) => visible(&format!("{name} {rating}")).into_owned(),
            (Some(name), None) => visible(name).into_owned(),
            _ => visible(&value.to_string()).into_owned(),
        },
        other => visible(&other.to_string()).into_owned(),
    }
}

/// How a run ended.
pub(crate) fn summary(summary: &Summary, results: &[PathBuf]) -> String {
    let Summary { run, counts, effort, .. } = summary;
    let state = summary.state.as_str();
    let mut out = String::new();
    let elapsed = time(Duration::from_secs_f64(effort.elapsed_s.max(0.0)));
    let _ = writeln!(out, "Run {run} {state}: {} in {elapsed}", rows(counts.rows));
    for outcome in Outcome::ALL {
        let count = counts.of(outcome);
        if count > 0 || outcome == Outcome::Updated {
            let _ = writeln!(out, "  {:<10}{:>10}", outcome.as_str(), number(count));
        }
    }
    let calls = effort.calls;
    let _ = writeln!(
        out,
        "Calls: {} read, {} write, {} token; {} retries, throttled {} times",
        number(calls.read),
        number(calls.write),
        number(calls.token),
        number(effort.retries),
        number(effort.throttled)
    );
    if !summary.failures.is_empty() {
        let _ = writeln!(out, "First failures:");
        summary.failures.iter().for_each(|failure| {
            let _ = writeln!(out, "  {}", one_failure(failure));
        });
    }
    if let Some(halt) = &summary.halt {
        let _ = writeln!(out, "Halted: {}\nHint: {}", visible(&halt.cause), visible(&halt.hint));
    } else if summary.state == State::Interrupted {
        let _ = writeln!(out, "Go on with: paceline resume {run}");
    }
    for path in results {
        let _ = writeln!(out, "Results: {}", visible(&path.display().to_string()));
    }
    out
}

fn one_failure(failure: &Failure) -> String {
    let status = failure.status.map(|status| status.to_string());
    let parts = [status, failure.code.clone(), failure.message.clone()];
    let what = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let id = failure.correlation_id.as_ref().map(|id| format!(" (correlation id {id})")).unwrap_or_default();
    visible(&format!("row {} {}: {what}{id}", failure.row, failure.user)).into_owned()
}

/// What a check found.
pub(crate) fn checked(checked: &Checked) -> String {
    format!("{}: {}, no problems\n", visible(&checked.file), rows(checked.rows))
}

/// Who we are at the vendor.
pub(crate) fn signed_in(signed_in: &SignedIn) -> String {
    let SignedIn { vendor, base_url, client_id, tenant, quota, otherwise } = signed_in;
    let tenant = visible(tenant.as_deref().unwrap_or("an organisation that does not tell its name"));
    let (base_url, client_id) = (visible(base_url), visible(client_id));
    let kept_to = || format!("not told: {} calls in {} s are kept to", otherwise.allowed, otherwise.window.as_secs());
    let quota = quota.map_or_else(kept_to, |quota| format!("{quota} calls a minute"));
    format!("Signed in to {vendor} at {base_url}\n  tenant  {tenant}\n  client  {client_id}\n  quota   {quota}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use paceline_core::summary::{Calls, Counts, Effort, HaltNote};

    #[test]
    fn numbers_and_times_are_written_for_people() {
        let numbers: Vec<String> = [0, 12, 999, 1_000, 1_234_567].map(number).into();
        assert_eq!(numbers, ["0", "12", "999", "1,000", "1,234,567"]);
        let times: Vec<String> = [0, 5, 61, 200, 9_000].map(|s| time(Duration::from_secs(s))).into();
        assert_eq!(times, ["0 s", "5.0 s", "61 s", "3 min 20 s", "2 h 30 min"]);
    }

    #[test]
    fn a_summary_says_what_became_of_every_row_and_what_to_do_next() {
        let facts = Summary {
            run: "20260102-030405-abcd".into(),
            vendor: "genesys".into(),
            state: State::Halted,
            counts: Counts { rows: 1_500, updated: 1_000, failed: 1, pending: 499, ..Counts::default() },
            effort: Effort {
                calls: Calls { read: 15, write: 1_001, token: 1 },
                retries: 2,
                throttled: 3,
                elapsed_s: 30.2,
            },
            halt: Some(HaltNote {
                cause: "the vendor is in trouble: 503".into(),
                hint: "wait; then: paceline resume X".into(),
            }),
            failures: vec![Failure {
                row: 17,
                user: "u-17".into(),
                status: Some(404),
                code: Some("not.found".into()),
                message: Some("The requested resource was not found".into()),
                correlation_id: Some("c-1".into()),
            }],
        };
        insta::assert_snapshot!(summary(&facts, &["results.csv".into()]), @r"
        Run 20260102-030405-abcd halted: 1,500 rows in 30 s
          updated        1,000
          failed             1
          pending          499
        Calls: 15 read, 1,001 write, 1 token; 2 retries, throttled 3 times
        First failures:
          row 17 u-17: 404 not.found The requested resource was not found (correlation id c-1)
        Halted: the vendor is in trouble: 503
        Hint: wait; then: paceline resume X
        Results: results.csv
        ");
    }
}
