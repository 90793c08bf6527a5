//! What a spreadsheet or a script leaves in a cell and nobody means: errors, empty values' names, numbers made of ids.

use super::text::{clean, shown};

/// A cell's text that is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Artefact {
    pub(super) message: String,
    pub(super) hint: &'static str,
}

const CLEARS: &str = "`<clear>` clears the field, an empty cell leaves it alone; where this very text is meant, write an apostrophe \
                      before it, or use a JSON roster";
const PASTE: &str = "mend the formula, or paste the values; `<clear>` clears the field, an empty cell leaves it alone";
const AS_TEXT: &str = "format the column as text before the values come into it, or quote them; where this very text is meant, write \
                       an apostrophe before it, or use a JSON roster";
const FORMULA: &str = "paste the values instead of the formulas; where this very text is meant, write an apostrophe before it, or use \
                       a JSON roster";

/// How scripts and databases write that there is nothing. `Nan` and `Null` are people's names.
const NOTHING: &[&str] =
    &["nan", "NaN", "NAN", "-nan", "NaT", "<NA>", "None", "null", "NULL", "<null>", "\\N", "undefined"];

/// `#N/A` in the languages whose errors do not end in a mark.
const NOT_THERE: &[&str] =
    &["#N/A", "#NV", "#N/D", "#N/B", "#I/T", "#IT", "#YOK", "#Н/Д", "#N/A!", "#MANGLER", "#GETTING_DATA", "#N/DISP"];

/// What the text of a cell surely is not meant to be.
pub(super) fn nothing_meant(text: &str) -> Option<Artefact> {
    // No error is longer, even with a few characters around it that cannot be seen.
    if text.len() > 200 {
        return None;
    }
    let text = clean(text);
    if is_error(&text) {
        let hint = if NOT_THERE.contains(&text.to_uppercase().as_str()) { CLEARS } else { PASTE };
        return Some(Artefact { message: format!("holds the error {}", shown(&text)), hint });
    }
    if NOTHING.contains(&text.as_str()) {
        return Some(Artefact { message: format!("`{}` is a script's word for nothing", shown(&text)), hint: CLEARS });
    }
    None
}

/// Whether a cell of this text would be refused as one that nobody means.
pub(super) fn is_artefact(text: &str) -> bool {
    nothing_meant(text).is_some() || was_an_id(text).is_some()
}

/// Excel's and LibreOffice's errors, in any language: `#REF!`, `#NAME?`, `#¡VALOR!`, `Err:502`, a column too narrow.
fn is_error(text: &str) -> bool {
    if let Some(code) = text.strip_prefix("Err:") {
        return code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    }
    let Some(rest) = text.strip_prefix('#') else { return false };
    if NOT_THERE.contains(&text.to_uppercase().as_str()) || (text.len() > 2 && rest.bytes().all(|byte| byte == b'#')) {
        return true;
    }
    let Some(word) = rest.strip_suffix(['!', '?']) else { return false };
    let word = word.trim_start_matches(['¡', '¿']);
    // `#1!` is somebody's title.
    word.chars().filter(|character| character.is_alphabetic()).count() > 1
        && word.chars().all(|one| (one.is_alphabetic() && !one.is_lowercase()) || matches!(one, '/' | '_' | '0'))
}

/// What a number was made of: an id or telephone number that went through a spreadsheet (`4.9E+12`) or a script (`4711.0`).
pub(super) fn was_an_id(text: &str) -> Option<Artefact> {
    if !text.ends_with(|last: char| last.is_ascii_digit() || !last.is_ascii_graphic()) {
        return None;
    }
    let text = clean(text);
    let unsigned = text.trim_start_matches(['+', '-']);
    let whole = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = unsigned.split_once(['.', ',']);
    let told = |what: &str| {
        Some(Artefact {
            message: format!("`{}` is a number that {what}: digits may be lost", shown(&text)),
            hint: AS_TEXT,
        })
    };
    // 4711.0 and 4711.00, not the version 1.10.0.
    if parts.is_some_and(|(digits, zeros)| {
        whole(digits) && unsigned.contains('.') && !zeros.is_empty() && zeros.bytes().all(|b| b == b'0')
    }) {
        return told("a spreadsheet or script has made of it");
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E'])?;
    let signed = exponent.starts_with(['+', '-']);
    let power = exponent.trim_start_matches(['+', '-']);
    let decimal = mantissa.split_once(['.', ',']).is_some_and(|(digits, rest)| whole(digits) && whole(rest));
    // Java writes 4.9E12 without a sign; `1E5` alone may be an id.
    let written = (decimal || (signed && whole(mantissa))) && whole(power) && power.len() <= 3;
    if written { told("Excel or a script has shortened") } else { None }
}

/// The text that `="00123"` means, as spreadsheets keep leading zeros; any other formula is no value.
pub(super) fn unwrapped(text: String) -> Result<String, Artefact> {
    let trimmed = text.trim();
    let Some(formula) = trimmed.strip_prefix('=') else { return Ok(text) };
    let inner = formula.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.replace("\"\"", "").contains('"') => Ok(inner.replace("\"\"", "\"")),
        _ => Err(Artefact { message: format!("`{}` is a formula, not its value", shown(trimmed)), hint: FORMULA }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_spreadsheets_are_no_values_in_any_language() {
        for text in [
            "#N/A",
            "#REF!",
            "#NAME?",
            "#VALUE!",
            "#DIV/0!",
            "#NUM!",
            "#NULL!",
            "#SPILL!",
            "#CALC!",
            "#FIELD!",
            "#GETTING_DATA",
            " #N/A ",
            "#n/a",
            "#NV",
            "#WERT!",
            "#BEZUG!",
            "#ZAHL!",
            "#¡VALOR!",
            "#¿NOMBRE?",
            "#ÜBERLAUF!",
            "#Н/Д",
            "#ЗНАЧ!",
            "Err:502",
            "#########",
            "#N/A\u{200b}",
            "nan",
            "NaN",
            "NaT",
            "<NA>",
            "None",
            "null",
            "NULL",
            "\\N",
        ] {
            assert!(nothing_meant(text).is_some(), "{text}");
        }
        for text in
            ["#1!", "#1", "# 5", "#Sales!", "N/A", "Nan", "Null", "none", "C#", "#", "##", "Err:", "NA", "#hash", "-"]
        {
            assert_eq!(nothing_meant(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_that_were_ids_are_known() {
        for text in [
            "1.23E+11",
            "4.9123E+12",
            "4,9123E+12",
            "1e+06",
            "+4.9E+12",
            "4.9123E12",
            "4711.0",
            "4711.00",
            "-1.0",
            "9E-05",
        ] {
            assert!(was_an_id(text).is_some(), "{text}");
        }
        for text in [
            "4711",
            "004711",
            "+4917012345",
            "1E5",
            "12e45678-0000-4000",
            "1.2",
            "1.10.0",
            "v2.0",
            "3,0",
            "12E3A",
            "E+12",
            "2.5",
        ] {
            assert_eq!(was_an_id(text), None, "{text}");
        }
    }

    #[test]
    fn a_formula_that_keeps_zeros_is_its_text_and_another_is_refused() {
        let text = |text: &str| unwrapped(text.to_owned()).ok();
        assert_eq!(text("=\"00123\"").as_deref(), Some("00123"));
        assert_eq!(text("= \"a \"\"b\"\"\" ").as_deref(), Some("a \"b\""));
        assert_eq!([text("=A1"), text("=\"a\"&\"b\""), text("=1+1"), text("=")], [None, None, None, None]);
    }
}
