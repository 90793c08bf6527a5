//! A number as a workbook's cell shows it: what is shown is what its writer meant. (ECMA-376 part 1, 18.8.31.)
//!
//! Only what shows all of a number in one way is written out: digits, filled with zeros or not, and signs between them.
//! Percent, money, thousands, fractions and exponents look different from one computer to the next: `None`.

/// Excel keeps fifteen digits of a number.
const KEPT: f64 = 1e15;

/// The text that a cell with this number and this format shows, where it is told without doubt.
pub(super) fn shown(value: f64, format: &str) -> Option<String> {
    if !value.is_finite() || value.abs() >= KEPT {
        return None;
    }
    let sections = sections(format)?;
    let (section, value) = section(&sections, value)?;
    if section.is_empty() {
        return None;
    }
    let tokens = tokens(section)?;
    if tokens.iter().any(|token| matches!(token, Token::General)) {
        let digits = tokens.iter().any(|token| matches!(token, Token::Digit { .. } | Token::Point));
        let text = |token: &Token| match token {
            Token::General => general(value),
            Token::Literal(literal) => literal.to_string(),
            _ => String::new(),
        };
        return (!digits).then(|| tokens.iter().map(text).collect());
    }
    filled(&tokens, value)
}

/// Whether the format shows a hundredth as one.
pub(super) fn is_percent(format: &str) -> bool {
    let mut quoted = false;
    format.chars().any(|character| {
        quoted ^= character == '"';
        character == '%' && !quoted
    })
}

/// Without a format: as it is, a whole number without a fraction. The fifteen digits that Excel keeps, not the noise below.
pub(super) fn general(value: f64) -> String {
    if value.fract() == 0.0 {
        // 0 and not -0.
        return format!("{:.0}", value + 0.0);
    }
    format!("{value:.14e}").parse::<f64>().unwrap_or(value).to_string()
}

/// The parts between semicolons, outside quotes.
fn sections(format: &str) -> Option<Vec<&str>> {
    let (mut from, mut quoted, mut escaped) = (0, false, false);
    let mut found = vec![];
    for (at, character) in format.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if !quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                found.push(&format[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(&format[from..]);
    (found.len() <= 4).then_some(found)
}

/// The section that a value is shown by, and what of the value it shows: a section of its own for negatives has the sign.
fn section<'a>(sections: &[&'a str], value: f64) -> Option<(&'a str, f64)> {
    let first = *sections.first()?;
    if let Some((condition, rest)) = condition(first) {
        let second = sections.get(1).copied();
        return match second {
            _ if condition(value) => Some((rest, value)),
            // A second condition leads to what Excel itself shows in three ways.
            Some(second) if self::condition(second).is_none() => Some((second, value)),
            _ => None,
        };
    }
    match sections {
        [one] => Some((one, value)),
        [_, negative, ..] if value < 0.0 => Some((negative, value.abs())),
        [_, _, zero, ..] if value == 0.0 => Some((zero, value)),
        _ => Some((first, value)),
    }
}

type Condition = Box<dyn Fn(f64) -> bool>;

/// `[<=9999999]###-####`: the condition, and what follows.
fn condition(section: &str) -> Option<(Condition, &str)> {
    let (inside, rest) = section.strip_prefix('[')?.split_once(']')?;
    let digits = inside.trim_start_matches(['<', '>', '=']);
    let than: f64 = digits.parse().ok()?;
    let holds: Condition = match &inside[..inside.len() - digits.len()] {
        "<" => Box::new(move |value| value < than),
        "<=" => Box::new(move |value| value <= than),
        ">" => Box::new(move |value| value > than),
        ">=" => Box::new(move |value| value >= than),
        "=" => Box::new(move |value| value == than),
        "<>" => Box::new(move |value| value != than),
        _ => return None,
    };
    Some((holds, rest))
}

#[derive(Debug, PartialEq)]
enum Token {
    /// A place for a digit; `0` fills it where the number has none.
    Digit {
        zero: bool,
    },
    Point,
    Literal(char),
    General,
}

fn tokens(section: &str) -> Option<Vec<Token>> {
    let mut out = vec![];
    let mut rest = section;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = match character {
            _ if rest.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("general")) => {
                out.push(Token::General);
                &rest[7..]
            }
            '0' | '#' => {
                out.push(Token::Digit { zero: character == '0' });
                after
            }
            '.' => {
                out.push(Token::Point);
                after
            }
            '"' => {
                let (text, after) = after.split_once('"')?;
                out.extend(text.chars().map(Token::Literal));
                after
            }
            '\\' => {
                let literal = after.chars().next()?;
                out.push(Token::Literal(literal));
                &after[literal.len_utf8()..]
            }
            // A text's format shows a number as it is.
            '@' => {
                out.push(Token::General);
                after
            }
            // As wide as the next character: a space at the end.
            '_' => &after[after.chars().next()?.len_utf8()..],
            // A colour or a language; money has its sign before the hyphen.
            '[' => {
                let (inside, after) = after.split_once(']')?;
                let harmless = inside.starts_with("$-")
                    || inside.chars().all(|one| one.is_ascii_alphabetic() || one.is_ascii_digit());
                if !harmless {
                    return None;
                }
                after
            }
            '+' | '-' | '(' | ')' | ' ' | ':' | '\'' | '{' | '}' | '<' | '>' | '=' | '!' | '&' | '~' | '^' => {
                out.push(Token::Literal(character));
                after
            }
            // Thousands, percent, exponents, fractions, money, dates.
            _ => return None,
        };
    }
    Some(out)
}

/// The number's digits in the format's places, from the right; what is left over stands before the first place.
fn filled(tokens: &[Token], value: f64) -> Option<String> {
    let point = tokens.iter().position(|token| *token == Token::Point);
    let whole = &tokens[..point.unwrap_or(tokens.len())];
    let decimals = &tokens[point.map_or(tokens.len(), |at| at + 1)..];
    let places = |tokens: &[Token]| tokens.iter().filter(|token| matches!(token, Token::Digit { .. })).count();
    // `0.##` and `0.0 kg` show what a text hardly means.
    if places(whole) == 0 || !decimals.iter().all(|token| *token == Token::Digit { zero: true }) {
        return None;
    }
    let text = format!("{:.*}", decimals.len(), rounded(value.abs(), decimals.len()));
    let (digits, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = if digits == "0" { "" } else { digits };
    let mut left: Vec<char> = digits.chars().collect();
    let first = whole.iter().position(|token| matches!(token, Token::Digit { .. }))?;
    let mut out: Vec<char> = vec![];
    for (at, token) in whole.iter().enumerate().rev() {
        match token {
            Token::Digit { zero } => {
                match left.pop() {
                    Some(digit) => out.push(digit),
                    None if *zero => out.push('0'),
                    None => {}
                }
                if at == first {
                    out.extend(left.drain(..).rev());
                }
            }
            Token::Literal(literal) => out.push(*literal),
            Token::Point | Token::General => return None,
        }
    }
    let sign = if value < 0.0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) { "-" } else { "" };
    let whole: String = out.into_iter().rev().collect();
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// Halves go away from zero, as Excel shows them.
fn rounded(value: f64, decimals: usize) -> f64 {
    let scale = 10f64.powi(decimals.min(15) as i32);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cell_shows_its_number_by_its_format() {
        for (value, format, expected) in [
            (4711.0, "General", "4711"),
            (4711.0, "", ""),
            (4711.0, "@", "4711"),
            (4711.0, "0", "4711"),
            (4711.0, "000000", "004711"),
            (4711.0, "0000", "4711"),
            (1_234_567.0, "000000", "1234567"),
            (0.0, "000", "000"),
            (-5.0, "000", "-005"),
            (-5.0, "000;(000)", "(005)"),
            (4711.0, "\"E\"000000", "E004711"),
            (4711.0, "\\E000000", "E004711"),
            (4711.0, "\"EMP-\"General", "EMP-4711"),
            (491_701_234_567.0, "\\+0", "+491701234567"),
            (491_701_234_567.0, "+#", "+491701234567"),
            (123_456_789.0, "000-00-0000", "123-45-6789"),
            (3_175_550_100.0, "[<=9999999]###-####;(###) ###-####", "(317) 555-0100"),
            (5_550_100.0, "[<=9999999]###-####;(###) ###-####", "555-0100"),
            (491_701_234_567.0, "General", "491701234567"),
            (3.5, "General", "3.5"),
            (0.1 + 0.2, "General", "0.3"),
            (4.6, "0", "5"),
            (2.5, "0", "3"),
            (3.0, "0.00", "3.00"),
            (12.0, "[Red]0", "12"),
            (12.0, "[$-407]0000", "0012"),
            (12.0, "0000_ ", "0012"),
        ] {
            let expected = (!expected.is_empty()).then(|| expected.to_owned());
            assert_eq!(shown(value, format), expected, "{value} {format}");
        }
    }

    #[test]
    fn what_looks_different_elsewhere_is_not_told() {
        for format in [
            "0%",
            "0.00%",
            "#,##0",
            "\"$\"#,##0.00",
            "[$€-407]0",
            "0.00E+00",
            "# ?/?",
            "0/0",
            "dd.mm.yyyy",
            "0,",
            "0;;;@;0",
        ] {
            assert_eq!(shown(12.0, format), None, "{format}");
        }
        assert_eq!(shown(1e15, "0"), None, "Excel has rounded it");
        assert_eq!(shown(0.0, "0;-0;"), None, "nothing is shown");
        assert!(is_percent("0.0%") && !is_percent("0\"%\""));
    }

    proptest! {
        #[test]
        fn no_format_makes_it_panic(value in proptest::num::f64::ANY, format in "[0#?.,;%\"\\\\@_*\\[\\]<>=a-zA-Z$€() +-]{0,16}") {
            let _ = shown(value, &format);
        }

        #[test]
        fn zeros_fill_a_number_up_and_never_change_it(value in 0u64..1_000_000_000_000_000, width in 1usize..20) {
            let text = shown(value as f64, &"0".repeat(width)).unwrap();
            prop_assert_eq!(text.parse::<u64>().unwrap(), value);
            prop_assert!(text.len() >= width.min(20));
        }
    }
}
