//! Which texts are the same to a person, and how a text from outside is shown in a message.

use unicode_normalization::UnicodeNormalization as _;

/// Whether a person cannot see this character: zero-width marks, soft hyphens, byte order marks, marks of direction.
pub fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether nothing can be seen of it: an empty cell, whatever a web page left in it.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || is_invisible(character))
}

/// The text of a key, a header or a word of a list: NFC, without what cannot be seen, white space at the ends taken off, and
/// every other space (U+00A0, U+2007) a plain one.
pub fn clean(text: &str) -> String {
    if text.is_ascii() {
        return text.trim().to_owned();
    }
    let seen = text.chars().filter(|character| !is_invisible(*character));
    let spaced = seen.map(|character| if is_space(character) { ' ' } else { character });
    spaced.nfc().collect::<String>().trim().to_owned()
}

/// A space that is no line break or other control.
fn is_space(character: char) -> bool {
    character.is_whitespace() && !character.is_control() && !matches!(character, '\u{2028}' | '\u{2029}')
}

/// What names are compared by: as [`clean`], white space counted once and without case.
pub fn fold(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return text.to_ascii_lowercase();
    }
    let words: Vec<String> = clean(text).split_whitespace().map(str::to_owned).collect();
    // Lower case may come apart again (İ), and ß and ẞ differ in case only.
    words.join(" ").to_lowercase().nfc().collect()
}

/// Whether a character is not seen where it is printed, or moves what is: controls (C0, DEL, C1), line and paragraph
/// separators, and what is invisible.
pub fn is_unseen(character: char) -> bool {
    character.is_control() || is_invisible(character) || matches!(character, '\u{2028}' | '\u{2029}')
}

/// A text from outside as a message shows it: on one line, what cannot be seen made visible.
pub fn visible(text: &str) -> String {
    text.chars().map(escaped).collect()
}

/// The same, cut where it is long.
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 100;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", visible(&text[..end])),
        None => visible(text),
    }
}

fn escaped(character: char) -> String {
    match character {
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        // A space that is none would be taken for one.
        hidden if is_unseen(hidden) || (hidden.is_whitespace() && hidden != ' ') => {
            format!("\\u{{{:x}}}", u32::from(hidden))
        }
        plain => plain.into(),
    }
}

/// Where a list cell is one unknown name, all of whose comma-separated parts are known: how lists are written.
pub fn comma_list_hint(text: &str, known: impl Fn(&str) -> bool) -> Option<String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    // `Spanish:4,Billing` arrives without its last rating only.
    let name = |part: &str| match part.rsplit_once(':') {
        Some((name, rating)) if rating.trim().parse::<f64>().is_ok() => known(part) || known(name.trim()),
        _ => known(part),
    };
    (parts.len() > 1 && parts.iter().all(|part| name(part)))
        .then(|| format!("a list is written with semicolons: `{}`", shown(&parts.join(";"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_that_look_the_same_fold_alike() {
        for (one, other) in [
            ("Spanish", "spanish\u{200b}"),
            ("Cafe\u{301}", "CAFÉ"),
            ("Tier 2", " Tier\u{a0} 2\u{feff} "),
            ("Sales EMEA", "sales\u{ad} emea"),
            ("\u{202a}Billing\u{202c}", "BILLING"),
        ] {
            assert_eq!(fold(one), fold(other), "{one:?} {other:?}");
        }
        assert_ne!(fold("Sales"), fold("Sale s"));
        assert_ne!(fold("１"), fold("1"), "full width is another text");
    }

    #[test]
    fn what_cannot_be_seen_is_taken_off_keys() {
        assert_eq!(clean("\u{feff}user1@example.com\u{200e}"), "user1@example.com");
        assert_eq!(clean("us\u{ad}er1@example.com\u{a0}"), "user1@example.com");
        assert!(is_blank(" \u{a0}\u{200b}") && !is_blank("-"));
    }

    #[test]
    fn a_message_stays_on_its_line_and_has_an_end() {
        assert_eq!(shown("a\nerror: forged\u{1b}[2J\u{202e}"), "a\\nerror: forged\\u{1b}[2J\\u{202e}");
        assert_eq!(shown(&"x".repeat(1_000)).chars().count(), 101);
    }

    #[test]
    fn a_list_by_commas_is_told_from_a_name_with_commas() {
        let known = |name: &str| ["Spanish", "Billing"].contains(&name);
        assert_eq!(
            comma_list_hint("Spanish, Billing", known).as_deref(),
            Some("a list is written with semicolons: `Spanish;Billing`")
        );
        assert!(comma_list_hint("Spanish:4,Billing", known).is_some());
        assert_eq!(comma_list_hint("Spanish, Klingon", known), None);
        assert_eq!(comma_list_hint("Spanish", known), None);
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in ".*") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
            prop_assert_eq!(clean(&clean(&text)), clean(&text));
        }

        #[test]
        fn what_is_shown_has_no_control(text in ".*") {
            prop_assert!(!shown(&text).chars().any(is_unseen));
        }
    }
}
