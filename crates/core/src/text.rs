//! How much of what others say is kept.

/// Characters of a message that are kept: a page of text, of what may be megabytes a row.
pub const LONGEST: usize = 1_000;

/// The message, cut where it is longer than [`LONGEST`]; how much is left out is told.
pub fn cut(message: &str) -> String {
    match message.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} … ({} characters more)", &message[..at], message[at..].chars().count()),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters_and_says_how_much_is_missing() {
        assert_eq!(cut(""), "");
        assert_eq!(cut(&"ä".repeat(LONGEST)), "ä".repeat(LONGEST));
        assert_eq!(cut(&"ä".repeat(LONGEST + 7)), format!("{} … (7 characters more)", "ä".repeat(LONGEST)));
    }
}
