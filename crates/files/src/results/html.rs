//! A run's report as one page that opens offline: how it ended, how many rows came to what, and every row.

use super::{COLUMNS, RowResult, RunFacts, Writer, cells};
use crate::visible::visible;
use paceline_core::summary::{Outcome, State};
use std::io::{self, Write};

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

pub(super) struct Html {
    pub(super) run: RunFacts,
}

impl Writer for Html {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let run = &self.run;
        let state = run.state.map_or("not ended", State::as_str);
        let title = format!("{} {}: {state}", escaped(&run.command), escaped(&run.id));
        write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\n\
             <body><h1>{title}</h1>\n<p>{} from <code>{}</code>, {} rows, begun {}</p>\n",
            escaped(&run.vendor),
            escaped(&run.roster),
            run.counts.rows,
            escaped(&run.begun),
        )?;
        if let Some(halt) = &run.halt {
            writeln!(out, "<p class=\"halt\">{}<br>{}</p>", escaped(&halt.cause), escaped(&halt.hint))?;
        }
        write!(out, "<table class=\"counts\">")?;
        for outcome in Outcome::ALL {
            let rows = run.counts.of(outcome);
            write!(out, "<tr><td class=\"{0}\">{0}</td><td>{rows}</td></tr>", outcome.as_str())?;
        }
        let (effort, calls) = (&run.effort, run.effort.calls);
        writeln!(
            out,
            "</table>\n<p>{} calls read, {} wrote, {} asked for tokens; {} retries; throttled {} times; {:.1} s of work</p>",
            calls.read, calls.write, calls.token, effort.retries, effort.throttled, effort.elapsed_s
        )?;
        let names: String = COLUMNS.iter().map(|name| format!("<th>{}</th>", name.replace('_', " "))).collect();
        writeln!(out, "<table><thead><tr>{names}</tr></thead><tbody>")
    }

    fn row(&mut self, out: &mut dyn Write, row: &RowResult<'_>) -> io::Result<()> {
        let cells: String = cells(row).iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
        writeln!(out, "<tr class=\"{}\">{cells}</tr>", row.outcome.as_str())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"</tbody></table></body></html>\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_vendor_says_is_text_and_no_markup() {
        assert_eq!(escaped("<b>\"R&D\"</b>"), "&lt;b&gt;&quot;R&amp;D&quot;&lt;/b&gt;");
        assert_eq!(escaped("a\u{202e}b\u{1b}[2J"), "a\\u202eb\\u001b[2J");
    }
}
