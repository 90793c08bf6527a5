//! What must not be told to anybody is taken out of whatever comes from outside, in whichever spelling it comes back.
//!
//! A vendor, a gateway or an error page may echo what was sent, and rarely byte by byte: as JSON (`\u002d`, `\/`), as a form
//! (`%2D`, `+`), as HTML (`&#45;`), or one inside another. So a secret is looked for character by character, each in any of
//! its spellings. A secret shorter than [`SHORTEST`] is not looked for: it would garble every text.

use std::borrow::Cow;

/// What stands in a secret's place.
const MARK: &[u8] = b"[secret]";

/// Secrets of fewer characters are not looked for.
pub(crate) const SHORTEST: usize = 6;

/// Percent signs within percent signs that are followed.
const DEEPEST: usize = 4;

/// Backslashes in a row that are followed: escapes within escapes, four deep. No entity's name is longer either.
const LONGEST: usize = 16;

/// What begins a spelling other than the character itself.
const ESCAPES: &[u8; 4] = b"%\\&+";

/// `text` without these secrets.
pub(crate) fn redact<'a>(text: &'a [u8], secrets: &[&str]) -> Cow<'a, [u8]> {
    let long: Vec<&str> = secrets.iter().copied().filter(|secret| secret.chars().count() >= SHORTEST).collect();
    // A secret begins with its own first byte, or with what begins an escape.
    let mut begins = [false; 256];
    if long.is_empty() {
        return Cow::Borrowed(text);
    }
    let firsts = long.iter().filter_map(|secret| secret.bytes().next());
    firsts.chain(*ESCAPES).for_each(|byte| begins[usize::from(byte)] = true);
    let mut found: Vec<(usize, usize)> = vec![];
    for start in (0..text.len()).filter(|at| begins[usize::from(text[*at])]) {
        let Some(end) = long.iter().filter_map(|secret| end_of(text, start, secret)).max() else { continue };
        match found.last_mut() {
            Some(last) if start < last.1 => last.1 = last.1.max(end),
            _ => found.push((start, end)),
        }
    }
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut kept = 0;
    for (start, end) in found {
        out.extend_from_slice(&text[kept..start]);
        out.extend_from_slice(MARK);
        kept = end;
    }
    out.extend_from_slice(&text[kept..]);
    Cow::Owned(out)
}

/// Where the secret that begins at `start` ends, if one does: in its longest spelling.
fn end_of(text: &[u8], start: usize, secret: &str) -> Option<usize> {
    // Nearly everywhere the text goes another way before any escape begins.
    let escapes = |byte: &u8| ESCAPES.contains(byte);
    let same = text[start..].iter().zip(secret.as_bytes()).take_while(|(here, its)| here == its).count();
    let (before, after) = (&secret.as_bytes()[..same], text.get(start + same));
    if same < secret.len() && !before.iter().any(escapes) && !after.is_some_and(escapes) {
        return None;
    }
    let mut ends = vec![start];
    let mut further = vec![];
    for c in secret.chars() {
        ends.iter().for_each(|at| spellings(text, *at, c, &mut further));
        further.sort_unstable();
        further.dedup();
        if further.is_empty() {
            return None;
        }
        std::mem::swap(&mut ends, &mut further);
        further.clear();
    }
    ends.last().copied()
}

/// Where each spelling of `c` at `at` ends.
fn spellings(text: &[u8], at: usize, c: char, ends: &mut Vec<usize>) {
    let Some(first) = text.get(at) else { return };
    let mut bytes = [0; 4];
    let raw = c.encode_utf8(&mut bytes).as_bytes();
    if text[at..].starts_with(raw) {
        ends.push(at + raw.len());
    }
    match first {
        b'+' if c == ' ' => ends.push(at + 1),
        b'%' => percent(text, at, raw, ends),
        b'\\' => backslash(text, at, c, raw, ends),
        b'&' => ends.extend(entity(text, at, c)),
        _ => {}
    }
}

/// `%2D`, `%252D`: RFC 3986, once or several times over.
fn percent(text: &[u8], at: usize, raw: &[u8], ends: &mut Vec<usize>) {
    let mut reached = vec![at];
    for byte in raw {
        let mut further = vec![];
        for at in reached.into_iter().filter(|at| text.get(*at) == Some(&b'%')) {
            for digits in (0..DEEPEST).map(|depth| at + 1 + 2 * depth) {
                let found = hex(text, digits, 2);
                if found == Some(u32::from(*byte)) {
                    further.push(digits + 2);
                }
                if found != Some(u32::from(b'%')) {
                    break;
                }
            }
        }
        reached = further;
    }
    ends.extend(reached);
}

/// `\/`, `\u002d`, `\x2d`, `\n`: JSON and its like, once or several times over.
fn backslash(text: &[u8], at: usize, c: char, raw: &[u8], ends: &mut Vec<usize>) {
    let run = |at: usize| text[at..].iter().take(LONGEST).take_while(|byte| **byte == b'\\').count();
    let slashes = run(at);
    if c == '\\' {
        ends.extend(at + 1..=at + slashes);
    }
    let after = at + slashes;
    let short = match c {
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        _ => 0,
    };
    if text[after..].starts_with(raw) {
        ends.push(after + raw.len());
    }
    match text.get(after) {
        Some(b'x') if hex(text, after + 1, 2) == Some(u32::from(c)) => ends.push(after + 3),
        Some(b'u') => {
            let mut units = [0; 2];
            let mut at = at;
            for unit in c.encode_utf16(&mut units) {
                let slashes = text.get(at..).map_or(0, |_| run(at));
                let digits = at + slashes + 1;
                let is = slashes > 0 && text.get(digits - 1) == Some(&b'u');
                if !is || hex(text, digits, 4) != Some(u32::from(*unit)) {
                    return;
                }
                at = digits + 4;
            }
            ends.push(at);
        }
        Some(letter) if *letter == short => ends.push(after + 1),
        _ => {}
    }
}

/// `&amp;`, `&#45;`, `&#x2d;`.
fn entity(text: &[u8], at: usize, c: char) -> Option<usize> {
    let rest = &text[at + 1..];
    let length = rest.iter().take(LONGEST).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&rest[..length]).ok()?;
    let number = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => digits.parse().ok()?,
        },
        None => u32::from(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return None,
        }),
    };
    (number == u32::from(c)).then_some(at + length + 2)
}

fn hex(text: &[u8], at: usize, digits: usize) -> Option<u32> {
    let digits = text.get(at..at + digits)?;
    digits.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redacted(text: &str, secrets: &[&str]) -> String {
        String::from_utf8(redact(text.as_bytes(), secrets).into_owned()).unwrap()
    }

    #[test]
    fn a_secret_is_taken_out_in_whichever_spelling_it_is_echoed() {
        let secret = "s3/cr+et=-&\"Z";
        for text in [
            r#"s3/cr+et=-&"Z"#,
            r#"s3\/cr+et=-&\"Z"#,
            r"\u0073\u0033\u002f\u0063r+et=\u002D&\u0022Z",
            r#"s3/cr+et=\\u002d&\\\"Z"#,
            "s3%2Fcr%2Bet%3D-%26%22Z",
            "s3%2fcr%2bet%3d%2d%26%22Z",
            "s3%252Fcr%252Bet%253D-%2526%2522Z",
            "s3/cr+et=-&amp;&quot;Z",
            "s3&#47;cr&#x2B;et&#061;-&amp;&#34;Z",
            r"\x733/cr+et=-&\x22Z",
        ] {
            assert_eq!(redacted(&format!("a {text} b {text}"), &[secret]), "a [secret] b [secret]", "{text}");
        }
        assert_eq!(redacted("pass+word%20x pass word x", &["pass word x"]), "[secret] [secret]");
        assert_eq!(redacted(r"\ud83d\ude00\u00e4abcd %F0%9F%98%80%c3%a4abcd", &["😀äabcd"]), "[secret] [secret]");
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        for (text, secrets) in [
            ("the answer", &["secret-1"][..]),
            ("short and shor", &["short", ""]),
            ("secret- 1 secret-2 %73ecret", &["secret-1"]),
            (r"\n\u0041\\ 100% &amp; &; % \", &["secret-1", "%%%%%%%", "\\\\\\\\\\\\\\\\\\\\"]),
        ] {
            assert_eq!(redacted(text, secrets), text);
        }
        assert_eq!(redact(&[0xff, b'a', 0xfe], &["secret-1"]).as_ref(), [0xff, b'a', 0xfe]);
        assert_eq!(redact(b"\xffsecret-1\xfe", &["secret-1"]).as_ref(), b"\xff[secret]\xfe");
    }

    #[test]
    fn secrets_that_overlap_leave_no_end_of_one_behind() {
        assert_eq!(redacted("<abcdef123xyz>", &["abcdef123", "def123xyz"]), "<[secret]>");
        assert_eq!(redacted("abcdefabcdef", &["abcdef", "abcdefabc"]), "[secret]");
    }

    #[test]
    fn json_is_json_afterwards_and_a_long_run_of_escapes_takes_no_long_time() {
        let body = r#"{"message":"token \"tok\u002dabcdef\\\" no","x":["tok-abcdef"]}"#;
        let value: serde_json::Value = serde_json::from_str(&redacted(body, &["tok-abcdef"])).unwrap();
        assert_eq!(value["message"], "token \"[secret]\\\" no");
        for escape in ["\\", "%25", "&", "&#", "%", "\\u00"] {
            let text = escape.repeat(5_000);
            assert_eq!(redacted(&text, &["\\\\x-abcdef", "%%x-abcdef", "tok-abcdef"]), text);
        }
    }

    /// One way to write a character.
    fn spelt(c: char, how: u8) -> String {
        let mut bytes = [0; 4];
        let percent = |c: char, bytes: &mut [u8; 4]| -> String {
            c.encode_utf8(bytes).bytes().map(|byte| format!("%{byte:02X}")).collect()
        };
        let mut units = [0; 2];
        match how % 8 {
            0 => percent(c, &mut bytes),
            1 => percent(c, &mut bytes).to_lowercase(),
            2 => percent(c, &mut bytes).replace('%', "%25"),
            3 => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
            4 => c.encode_utf16(&mut units).iter().map(|unit| format!("\\\\u{unit:04X}")).collect(),
            5 => format!("&#{};", u32::from(c)),
            6 if "/\"\\".contains(c) => format!("\\{c}"),
            _ => c.to_string(),
        }
    }

    proptest! {
        #[test]
        fn every_spelling_of_every_secret_is_gone(
            secrets in prop::collection::vec("[!-;=?-Z^-~äß€😀\\\\]{6,40}", 1..4),
            ways in prop::collection::vec(any::<u8>(), 40),
            (before, between, after) in ("[<> ]{0,9}", "[<>]{1,9}", "[<> ]{0,9}"),
        ) {
            // Marked off by what no secret begins or ends with, so that what is left over is seen.
            let known: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let spelt = |secret: &str| secret.chars().zip(&ways).map(|(c, way)| spelt(c, *way)).collect::<String>();
            let all: Vec<String> = secrets.iter().map(|secret| spelt(secret)).collect();
            let text = format!("{before}{}{after}", all.join(&between));
            let mark = vec!["[secret]"; secrets.len()].join(&between);
            prop_assert_eq!(redacted(&text, &known), format!("{before}{mark}{after}"));
        }

        #[test]
        fn any_bytes_are_taken_and_what_was_redacted_once_holds_no_secret(
            text in prop::collection::vec(prop_oneof![Just(b'\\'), Just(b'%'), Just(b'&'), Just(b'2'), Just(b'u'), any::<u8>()], 0..200),
        ) {
            let secret = "\\\\%%&&22uu";
            let once = redact(&text, &[secret]).into_owned();
            let twice = redact(&once, &[secret]).into_owned();
            prop_assert_eq!(twice, once);
        }
    }
}
