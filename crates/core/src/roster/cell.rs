//! A value as a cell that is read back as the same, and the apostrophe that says so.
//!
//! An apostrophe before a cell's text means, as in a spreadsheet: this is a text, whatever it looks like. It is taken off only
//! where the rest looks like something else: a formula, an error, a number or date, `<clear>`, nothing at all. Before everything
//! else it belongs to the text: `'t Hart`, `'s-Gravenhage`.

use super::artefact::is_artefact;
use super::table::{Kind, Rules, Table};
use super::text::is_blank;
use super::value::from_json;
use crate::desired::Raw;
use crate::user::Place;
use serde_json::Value;

/// What a spreadsheet takes for the beginning of a formula, or skips before one; full-width forms too (OWASP, "CSV Injection").
const STARTS: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Whether a spreadsheet may run a cell of this text.
pub fn runs(text: &str) -> bool {
    text.starts_with(STARTS)
}

impl Table {
    /// The text of a cell that has an apostrophe before it which is not the text's own.
    pub(super) fn bared<'a>(&self, cell: &'a str) -> Option<&'a str> {
        let rest = cell.strip_prefix('\'')?;
        // So that every text can be written: one apostrophe more, where it begins with some of its own.
        let text = rest.trim_start_matches('\'');
        let looks_else = runs(text)
            || text.trim_start().starts_with('=')
            || is_artefact(text)
            || self.clears(text)
            || is_typed(text);
        (looks_else || (!text.is_empty() && is_blank(text))).then_some(rest)
    }

    /// A value of a column as a cell that is read back as the same. Of its spellings the first is taken that `fits`; `None`
    /// where there is none: JSON holds it.
    pub fn cell(&self, column: &str, value: &Value, fits: impl Fn(&str) -> bool) -> Option<String> {
        let kind = self.field(column).map_or(Kind::Text, |field| field.kind);
        let plain = plain(value);
        let quoted = || format!("'{plain}");
        let told = value.is_string() || matches!(kind, Kind::TextList | Kind::NameList | Kind::RatedList(..));
        let meant = told.then(|| from_json(kind, value.clone()).ok()).flatten();
        // What a roster may not say at all is told as it is: `deleted`.
        let Some(meant) = meant.filter(|_| !plain.is_empty()) else {
            return if fits(&plain) { Some(plain) } else { Some(quoted()).filter(|cell| fits(cell)) };
        };
        if !self.keeps(column, value) {
            return None;
        }
        let place = Place { file: "".into(), line: 0, column: None };
        let is_read = |cell: &str| {
            let read = self.value(column, column, Raw::Cell(cell.to_owned()), Rules::Table, &place);
            fits(cell) && matches!(read, Ok(Some(read)) if read == meant)
        };
        if is_read(&plain) {
            return Some(plain);
        }
        [quoted(), value.to_string()].into_iter().find(|cell| is_read(cell))
    }

    /// Whether JSON's value is taken as it is: of a telephone number or user name, what cannot be seen is not.
    pub fn keeps(&self, column: &str, value: &Value) -> bool {
        let kind = self.field(column).map_or(Kind::Text, |field| field.kind);
        kind != Kind::Code || from_json(kind, value.clone()).map_or(true, |taken| taken == *value)
    }
}

/// Whether a spreadsheet would make a number, a date or a truth value of this text.
fn is_typed(text: &str) -> bool {
    let written = |byte: u8| byte.is_ascii_digit() || b" .,:/-+()%eE".contains(&byte);
    let number = text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '.' | ',' | '('))
        && text.bytes().any(|byte| byte.is_ascii_digit());
    (number && text.bytes().all(written)) || text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// As a person would write it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| item.is_string() || item.get("proficiency").is_some()) => {
            let one = |item: &Value| match item.as_str() {
                Some(text) => text.to_owned(),
                None => format!("{}:{}", item["name"].as_str().unwrap_or_default(), item["proficiency"]),
            };
            items.iter().map(one).collect::<Vec<_>>().join(";")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{Field, Importer};
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const TABLE: Table = Table {
        keys: &["id"],
        id_kind: |_| "id",
        joined_ids: false,
        fields: &[
            Field::text("title"),
            Field::cleared("any", Kind::Any),
            Field::code("phone"),
            Field::kept("state", Kind::Choice(&["active"])),
            Field::cleared("team", Kind::Name),
            Field::cleared("texts", Kind::TextList),
            Field::cleared("names", Kind::NameList),
            Field::cleared("rated", Kind::RatedList(0.0, 5.0)),
        ],
        clear_words: &["[!***REMOVE***!]"],
        aliases: &[],
        importer: Importer::NONE,
    };

    fn written(column: &str, value: &Value) -> Option<String> {
        TABLE.cell(column, value, |cell| !runs(cell))
    }

    fn read(column: &str, cell: &str) -> Option<Value> {
        let place = Place { file: "".into(), line: 0, column: None };
        TABLE.value(column, column, Raw::Cell(cell.into()), Rules::Table, &place).ok().flatten()
    }

    #[test]
    fn an_apostrophe_is_taken_off_where_the_rest_looks_like_something_else() {
        for (cell, text) in [
            ("'=1+1", "=1+1"),
            ("' =1", " =1"),
            ("'+49", "+49"),
            ("''=1", "'=1"),
            ("'\t-1", "\t-1"),
            ("'＝1", "＝1"),
            ("'#N/A", "#N/A"),
            ("'nan", "nan"),
            ("'<clear>", "<clear>"),
            ("' <Clear>\u{200b}", " <Clear>\u{200b}"),
            ("'[!***REMOVE***!]", "[!***REMOVE***!]"),
            ("'00123", "00123"),
            ("'4711.0", "4711.0"),
            ("'1.23E+12", "1.23E+12"),
            ("'1E5", "1E5"),
            ("'24", "24"),
            ("'01.03.2024", "01.03.2024"),
            ("'2024-03-01 10:00", "2024-03-01 10:00"),
            ("'(317) 555-0100", "(317) 555-0100"),
            ("'TRUE", "TRUE"),
            ("' ", " "),
            ("'\u{200b}", "\u{200b}"),
        ] {
            assert_eq!(read("title", cell), Some(json!(text)), "{cell:?}");
        }
        for cell in ["'t Hart", "'s-Gravenhage", "'", "''", "'90s", "'68er-Team", "O'Neill", "'quoted'", "'Nan", "'a=1"]
        {
            assert_eq!(read("title", cell), Some(json!(cell)), "{cell:?}");
        }
    }

    #[test]
    fn a_value_is_written_as_a_person_would_and_otherwise_so_that_it_is_read_back() {
        for (column, value, cell) in [
            ("title", json!("Lead"), "Lead"),
            ("title", json!("'t Hart"), "'t Hart"),
            ("title", json!("'00123"), "''00123"),
            ("title", json!("00123"), "00123"),
            ("title", json!("=1+1"), "'=1+1"),
            ("title", json!("<clear>"), "'<clear>"),
            ("title", json!("-"), "'-"),
            ("title", json!(" "), "' "),
            ("title", Value::Null, ""),
            ("title", json!(""), ""),
            ("phone", json!("+49"), "'+49"),
            ("state", json!("deleted"), "deleted"),
            ("team", json!("nan"), "'nan"),
            ("texts", json!(["a", "b"]), "a;b"),
            ("texts", json!(["=a", "b"]), "'=a;b"),
            ("texts", json!(["a;b", " c", ""]), r#"["a;b"," c",""]"#),
            ("texts", json!(["nan"]), r#"["nan"]"#),
            ("names", json!(["Floor 1", "Floor 2"]), "Floor 1;Floor 2"),
            ("names", json!(["A;B"]), r#"["A;B"]"#),
            ("rated", json!([{"name": "Spanish", "proficiency": 4.0}]), "Spanish:4.0"),
            ("rated", json!([{"name": "a;b", "proficiency": 4.0}]), r#"[{"name":"a;b","proficiency":4.0}]"#),
            ("rated", json!(["a:5"]), r#"["a:5"]"#),
            ("any", json!(3), "3"),
        ] {
            assert_eq!(written(column, &value).as_deref(), Some(cell), "{column} {value}");
        }
        assert_eq!(
            TABLE.cell("phone", &json!("+49"), |_| true).as_deref(),
            Some("+49"),
            "what runs nothing needs none"
        );
        assert_eq!(written("phone", &json!("4711\u{200b}")), None);
        assert_eq!(TABLE.cell("title", &json!("long"), |cell| cell.len() < 3), None);
    }

    /// Texts of all kinds that are easily read back as others.
    fn text() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            "=", "+", "@x", "#N/A", "#REF!", "nan", "4711.0", "1.23E+12", "00123", "<clear>", "TRUE", "'", "''", ";",
            ":", ",", "[", "\"", "\t", "\r", "\r\n", "\n", " ", "\u{a0}", "\u{200b}", "e\u{301}", "\u{2028}", "\u{1b}",
            "_x000D_", "null", "[\"a\"]", "=\"1\"", "a",
        ]);
        prop_oneof![proptest::collection::vec(odd, 1..5).prop_map(|parts| parts.concat()), ".{1,12}"]
    }

    proptest! {
        #[test]
        fn every_text_is_read_back_as_it_was_and_none_is_a_formula(text in text()) {
            for column in ["title", "any"] {
                let cell = written(column, &json!(text)).unwrap();
                prop_assert!(!runs(&cell), "{:?}", cell);
                prop_assert_eq!(read(column, &cell), Some(json!(text)), "{:?}", cell);
            }
        }

        #[test]
        fn every_list_is_read_back_as_it_was(texts in proptest::collection::vec(text(), 1..4)) {
            let cell = written("texts", &json!(texts)).unwrap();
            prop_assert_eq!(read("texts", &cell), Some(json!(texts)), "{:?}", cell);
            for column in ["names", "rated"] {
                let meant = from_json(TABLE.field(column).unwrap().kind, json!(texts));
                let cell = written(column, &json!(texts)).unwrap();
                prop_assert!(meant.is_err() || read(column, &cell) == meant.ok(), "{:?}", cell);
            }
        }
    }
}
