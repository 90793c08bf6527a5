//! No cell of ours is a formula.
//!
//! A spreadsheet takes a cell that begins with one of a few signs for a formula, and runs it. Users' names and vendors' messages
//! may begin with them, so such a cell is written with an apostrophe before it, and read back without (OWASP, "CSV Injection").

use paceline_core::validate::is_artefact;
use std::borrow::Cow;

/// What a spreadsheet takes for the beginning of a formula, or skips before one; full-width forms too.
const STARTS: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The cell as it is written: one that a spreadsheet would run, or that a roster takes for an error or a number, gets an
/// apostrophe, and so does one that looks as if it had one already, so that [`protected`] gives every cell back.
pub(crate) fn neutralise(cell: &str) -> Cow<'_, str> {
    if needs_one(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// The text of a cell that was written with an apostrophe before it: a text, whatever it looks like.
pub(crate) fn protected(cell: &str) -> Option<&str> {
    cell.strip_prefix('\'').filter(|rest| needs_one(rest))
}

fn needs_one(cell: &str) -> bool {
    let bare = cell.trim_start_matches('\'');
    bare.starts_with(STARTS) || is_artefact(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn restore(cell: &str) -> &str {
        protected(cell).unwrap_or(cell)
    }

    #[test]
    fn what_begins_a_formula_is_written_with_an_apostrophe() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+13175550100", "'+13175550100"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("'=1", "''=1"),
            ("＝1", "'＝1"),
            ("O'Neill", "O'Neill"),
            ("'quoted'", "'quoted'"),
            ("", ""),
            ("a=1", "a=1"),
            ("#N/A", "'#N/A"),
            ("nan", "'nan"),
        ] {
            assert_eq!(neutralise(cell), written);
            assert_eq!(restore(written), cell);
        }
        assert_eq!(restore("=1"), "=1", "a cell that was written by others is as it is");
    }

    proptest! {
        #[test]
        fn every_cell_is_read_back_as_it_was_and_none_is_a_formula(cell in "['=+@\ta-]{0,6}|.*") {
            let written = neutralise(&cell);
            prop_assert_eq!(restore(&written), &cell);
            prop_assert!(!written.starts_with(STARTS));
        }
    }
}
