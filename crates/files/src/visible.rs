//! Text from outside is shown as what it is: no character of it moves the cursor, hides, turns the line around or begins a new
//! one.
//!
//! A vendor's message, a tenant's name or a cell of a roster is printed where decisions are made, above "Send this?" first of
//! all, and stands in results and reports. What is not seen there is written as JSON escapes it (`\n`, `\u001b`, `\u202e`): so JSON that passes here is the same
//! JSON.

use paceline_core::validate::is_unseen;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

/// One field from outside, on one line.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| push(&mut out, c));
    Cow::Owned(out)
}

/// What all that is printed passes in the end, should a field have been forgotten: our own line breaks and colours stay.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_unseen(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if c == '\n' { 1 } else { colour(rest).unwrap_or(0) };
        if length > 0 {
            out += &rest[..length];
        } else {
            push(&mut out, c);
        }
        rest = &rest[length.max(c.len_utf8())..];
    }
    Cow::Owned(out)
}

/// How long the colour is that the text begins with (`ESC [ … m`).
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
    parameters[end..].starts_with('m').then_some(2 + end + 1)
}

fn push(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_unseen(c) => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
            let _ = write!(out, "\\u{unit:04x}");
        }),
        c => out.push(c),
    }
}

/// Passes what is written on, harmless. Characters may be cut between two writes.
#[derive(Debug)]
pub struct Harmless<W> {
    out: W,
    cut: Vec<u8>,
}

impl<W: io::Write> Harmless<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, cut: vec![] }
    }
}

impl<W: io::Write> io::Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.cut.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.cut) {
            Ok(text) => text.len(),
            // A character that only lacks its end waits for it.
            Err(error) => error.error_len().map_or(error.valid_up_to(), |_| self.cut.len()),
        };
        let text: Vec<u8> = self.cut.drain(..whole).collect();
        self.out.write_all(harmless(&String::from_utf8_lossy(&text)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn what_is_not_seen_is_written_out() {
        for (text, shown) in [
            ("Zoë Müller, 東京, 👍", "Zoë Müller, 東京, 👍"),
            ("a\nerror: b\r\n\tc", "a\\nerror: b\\r\\n\\tc"),
            ("\u{1b}]52;c;x\u{7}\u{1b}[31mred", "\\u001b]52;c;x\\u0007\\u001b[31mred"),
            ("\u{9b}31m\u{7f}\u{8}\u{0}", "\\u009b31m\\u007f\\u0008\\u0000"),
            ("abc\u{202e}fed\u{2066}\u{2069}\u{200f}\u{61c}", "abc\\u202efed\\u2066\\u2069\\u200f\\u061c"),
            ("a\u{200b}b\u{feff}\u{2028}\u{2029}\u{ad}\u{2060}", "a\\u200bb\\ufeff\\u2028\\u2029\\u00ad\\u2060"),
            ("\u{e0041}", "\\udb40\\udc41"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert!(matches!(visible("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn our_line_breaks_and_colours_stay_and_nothing_else_of_their_kind() {
        let ours = "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: x\n\u{1b}[mhint\n";
        assert_eq!(harmless(ours), ours);
        assert_eq!(
            harmless("\u{1b}[2J\u{1b}[31\u{1b}]0;x\u{7}\r\n\u{1b}"),
            "\\u001b[2J\\u001b[31\\u001b]0;x\\u0007\\r\n\\u001b"
        );
        assert_eq!(harmless("ä\u{9b}2J\u{202e}"), "ä\\u009b2J\\u202e");
    }

    #[test]
    fn json_that_passes_is_the_same_json() {
        let value = serde_json::json!({"a": "\u{9b}x\u{7f}\u{202e}\n\"\\", "\u{2028}": "\u{e0041}\u{feff}"});
        let line = format!("{value}\n");
        let shown = harmless(&line);
        assert!(shown.trim_end().chars().all(|c| !is_unseen(c)), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn characters_that_are_cut_between_writes_come_out_whole() {
        let text = "ä\u{1b}[2J東\u{9b}京\n";
        for size in 1..text.len() {
            let mut out = Harmless::new(vec![]);
            text.as_bytes().chunks(size).for_each(|bytes| out.write_all(bytes).unwrap());
            assert_eq!(String::from_utf8(out.out).unwrap(), "ä\\u001b[2J東\\u009b京\n");
        }
        let mut out = Harmless::new(vec![]);
        out.write_all(b"a\xffb\n").unwrap();
        assert_eq!(out.out, "a\u{fffd}b\n".as_bytes());
    }
}
