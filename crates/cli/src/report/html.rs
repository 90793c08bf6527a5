//! A run's report as one page that opens offline: how it ended, how many rows came to what, and every row.

use crate::printer::visible;
use paceline_core::summary::{Outcome, State};
use paceline_journal::{Error, Journal, RowRecord};
use std::fmt::Write as _;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1c2733}h1{font-size:1.4rem}\
table{border-collapse:collapse}td,th{padding:.25rem .7rem;border-bottom:1px solid #dde3e8;text-align:left}\
.counts td:last-child{text-align:right}.failed,.conflict{color:#b3261e}.updated{color:#1b7f3b}.pending{color:#8a6d00}\
.unchanged,.skipped{color:#6b7780}p.halt{background:#fff4e0;padding:.6rem 1rem}";

/// Text as HTML takes it, and as a reader sees it.
fn escaped(text: &str) -> String {
    visible(text).chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            c => out.push(c),
        }
        out
    })
}

/// What stands above the rows.
///
/// # Errors
/// Where the journal cannot be read.
pub(super) fn head(journal: &mut dyn Journal) -> Result<String, Error> {
    let (record, counts) = (journal.record()?, journal.counts()?);
    let state = record.state.map_or("not ended", State::as_str);
    let run = &record.run;
    let title = format!("{} {}: {state}", escaped(&run.command), escaped(&run.id));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\n\
         <body><h1>{title}</h1>\n<p>{} from <code>{}</code>, {} rows, begun {}</p>\n",
        escaped(&run.vendor),
        escaped(&run.roster),
        counts.rows,
        escaped(&run.created),
    );
    if let Some(halt) = &record.halt {
        let _ = writeln!(out, "<p class=\"halt\">{}<br>{}</p>", escaped(&halt.cause), escaped(&halt.hint));
    }
    out += "<table class=\"counts\">";
    for outcome in Outcome::ALL {
        let _ = write!(out, "<tr><td class=\"{0}\">{0}</td><td>{1}</td></tr>", outcome.as_str(), counts.of(outcome));
    }
    let calls = record.effort.calls;
    let _ = writeln!(
        out,
        "</table>\n<p>{} calls read, {} wrote, {} asked for tokens; {} retries; throttled {} times; {:.1} s of work</p>",
        calls.read, calls.write, calls.token, record.effort.retries, record.effort.throttled, record.effort.elapsed_s
    );
    let columns = ["row", "user", "outcome", "status", "code", "message", "attempts", "correlation id", "changed"];
    let names: String = columns.iter().map(|name| format!("<th>{name}</th>")).collect();
    let _ = writeln!(out, "<table><thead><tr>{names}</tr></thead><tbody>");
    Ok(out)
}

/// One row.
pub(super) fn row(record: &RowRecord, cells: &[String]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
    format!("<tr class=\"{}\">{cells}</tr>\n", record.outcome.as_str())
}

/// What stands below them.
pub(super) const TAIL: &str = "</tbody></table></body></html>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_vendor_says_is_text_and_no_markup() {
        assert_eq!(escaped("<b>\"R&D\"</b>"), "&lt;b&gt;&quot;R&amp;D&quot;&lt;/b&gt;");
        assert_eq!(escaped("a\u{202e}b\u{1b}[2J"), "a\\u202eb\\u001b[2J");
    }
}
