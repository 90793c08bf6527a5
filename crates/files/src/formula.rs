//! No cell of ours is a formula.
//!
//! Users' names and vendors' messages may begin as formulas do. Exports are written by `Table::cell`, so that `apply` reads them
//! back; what only people read is written here.

use paceline_core::validate::runs;
use std::borrow::Cow;

/// The cell as it is written: one that a spreadsheet would run gets an apostrophe, and so does one that looks as if it had one
/// already.
pub(crate) fn neutralise(cell: &str) -> Cow<'_, str> {
    if runs(cell.trim_start_matches('\'')) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        ] {
            assert_eq!(neutralise(cell), written);
        }
    }

    proptest! {
        #[test]
        fn no_cell_is_a_formula(cell in "['=+@\ta-]{0,6}|.*") {
            prop_assert!(!runs(&neutralise(&cell)));
        }
    }
}
