//! Is this row right, as far as the vendor's field table can tell?
//!
//! Every problem of a row is found, each with its place and the way out. Nothing here needs the tenant.
//!
//! - `table`: a vendor's columns, and whether a header names them
//! - `row`: a record → the row that it means
//! - `value`, `lists`: a cell or JSON value → what its field takes
//! - `cell`: a value → the cell that is read back as the same
//! - `artefact`, `number_format`: what spreadsheets and scripts make of values
//! - `strict`: JSON without keys that are there twice
//! - `text`: which texts look the same

mod artefact;
mod cell;
mod lists;
mod number_format;
mod problem;
mod row;
mod strict;
mod table;
mod text;
mod value;

pub use cell::runs;
pub use problem::{Problem, nearest};
pub use strict::{LONGEST_LIST, Trouble, strict};
pub use table::{Field, Importer, Kind, MOST_COLUMNS, Rules, Table, column_name};
pub use text::{clean, comma_list_hint, fold, is_blank, is_invisible, is_unseen, shown, visible};
pub use value::type_of;

/// The word that clears a cell's field.
pub const CLEAR: &str = "<clear>";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::{Raw, Record};
    use crate::user::{Place, UserKey};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::sync::Arc;

    const TABLE: Table = Table {
        keys: &["id", "email"],
        id_kind: |_| "id",
        joined_ids: false,
        fields: &[
            Field { name: "title", kind: Kind::Text, clearable: true },
            Field { name: "email", kind: Kind::Email, clearable: false },
            Field { name: "state", kind: Kind::Choice(&["active", "inactive"]), clearable: false },
            Field { name: "acdAutoAnswer", kind: Kind::Bool, clearable: false },
            Field { name: "employerInfo.dateHire", kind: Kind::Date, clearable: true },
            Field { name: "profileSkills", kind: Kind::TextList, clearable: true },
            Field { name: "addresses", kind: Kind::ObjectList, clearable: true },
            Field { name: "skills", kind: Kind::RatedList(0.0, 5.0), clearable: true },
            Field { name: "groups+", kind: Kind::NameList, clearable: false },
            Field { name: "version", kind: Kind::ReadOnly("it is read from the vendor"), clearable: false },
            Field { name: "custom.*", kind: Kind::Text, clearable: true },
            Field { name: "phone", kind: Kind::Code, clearable: true },
            Field { name: "rank", kind: Kind::Whole(1, 9), clearable: false },
        ],
        clear_words: &["[!***REMOVE***!]"],
        aliases: &[("Job Title", "title")],
        importer: Importer {
            marks: &["title_import"],
            columns: &[("groups", "groups+"), ("title_import", "title")],
            lists: &["groups"],
        },
    };

    fn record(columns: &[(&str, Raw)]) -> Record {
        let place = Place::line(&Arc::from("staff.csv"), 7);
        let columns = columns.iter().map(|(name, raw)| ((*name).to_owned(), raw.clone())).collect();
        Record { number: 6, place, columns, beside: 0 }
    }

    fn cell(text: &str) -> Raw {
        Raw::Cell(text.into())
    }

    fn check(columns: &[(&str, Raw)]) -> Result<Value, Vec<String>> {
        let row = TABLE.row(record(columns), Rules::Table);
        row.map(|row| Value::Object(row.fields)).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn cells_become_the_values_their_fields_take() {
        let found = check(&[
            ("id", cell(" u-1 ")),
            ("title", cell("Lead")),
            ("state", cell("Active")),
            ("acdAutoAnswer", cell("TRUE")),
            ("employerInfo.dateHire", cell("2024-02-29")),
            ("profileSkills", cell("a; b;;c")),
            ("addresses", cell(r#"[{"mediaType":"PHONE"}]"#)),
        ]);
        assert_eq!(
            found,
            Ok(
                json!({"title": "Lead", "state": "active", "acdAutoAnswer": true, "employerInfo.dateHire": "2024-02-29",
                "profileSkills": ["a", "b", "c"], "addresses": [{"mediaType": "PHONE"}]})
            )
        );
    }

    #[test]
    fn every_problem_of_a_row_is_found_with_its_place() {
        let found = check(&[
            ("titel", cell("x")),
            ("state", cell("gone")),
            ("acdAutoAnswer", Raw::Json(json!("maybe"))),
            ("employerInfo.dateHire", cell("2023-02-29")),
            ("version", Raw::Json(json!(3))),
        ]);
        assert_eq!(
            found,
            Err(vec![
                "staff.csv:7: column `titel`: no such field".into(),
                "staff.csv:7: column `state`: `gone` is not one of `active` or `inactive`".into(),
                "staff.csv:7: column `acdAutoAnswer`: must be true or false, not a text".into(),
                "staff.csv:7: column `employerInfo.dateHire`: `2023-02-29` is no date: write yyyy-mm-dd".into(),
                "staff.csv:7: column `version`: cannot be written".into(),
                "staff.csv:7: the row names no user: `id` or `email` is empty".into(),
            ])
        );
    }

    #[test]
    fn clearing_is_a_word_in_a_cell_and_null_in_json_and_not_for_every_field() {
        assert_eq!(check(&[("id", cell("u")), ("title", cell(CLEAR))]), Ok(json!({"title": null})));
        assert_eq!(check(&[("id", cell("u")), ("title", cell("[!***REMOVE***!]"))]), Ok(json!({"title": null})));
        assert_eq!(check(&[("id", cell("u")), ("title", Raw::Json(Value::Null))]), Ok(json!({"title": null})));
        assert!(check(&[("id", cell("u")), ("state", cell(CLEAR))]).is_err());
    }

    #[test]
    fn an_email_beside_an_id_is_the_email_to_set() {
        let row = TABLE.row(record(&[("Email", cell("a@b.c")), ("id", cell("u"))]), Rules::Table).unwrap();
        assert_eq!((row.key, Value::Object(row.fields)), (UserKey::id("u"), json!({"email": "a@b.c"})));
        let row = TABLE.row(record(&[("email", cell("a@b.c"))]), Rules::Table).unwrap();
        assert_eq!((row.key.column.as_str(), row.fields.len()), ("email", 0));
    }

    #[test]
    fn lists_of_names_are_read_from_cells_and_json_alike() {
        let expected = json!([{"name": "Spanish", "proficiency": 4.0}, {"name": "A:B"}]);
        let comma = Ok(json!({"skills": [{"name": "a", "proficiency": 5.0}, {"name": "b", "proficiency": 3.0}]}));
        assert_eq!(check(&[("id", cell("u")), ("skills", cell("a:5,b:3"))]), comma);
        for raw in [cell("Spanish:4; A:B"), Raw::Json(json!([{"name": "Spanish", "proficiency": 4}, "A:B"]))] {
            assert_eq!(check(&[("id", cell("u")), ("skills", raw)]), Ok(json!({"skills": expected})));
        }
        assert_eq!(check(&[("id", cell("u")), ("groups+", cell("a;b"))]), Ok(json!({"groups+": ["a", "b"]})));
        let wrong = check(&[("id", cell("u")), ("skills", cell("Spanish:6"))]);
        assert_eq!(
            wrong,
            Err(vec!["staff.csv:7: column `skills`: the proficiency of `Spanish` must be 0 to 5, not `6.0`".into()])
        );
    }

    #[test]
    fn numbers_are_whole_where_they_must_be_and_names_may_be_open() {
        let found = check(&[("id", cell("u")), ("rank", cell(" 5.0")), ("custom.Floor", cell("3"))]);
        assert_eq!(found, Ok(json!({"rank": 5, "custom.Floor": "3"})));
        for wrong in [cell("5.5"), cell("x"), cell("10"), cell("nan"), Raw::Json(json!(0)), Raw::Json(json!(true))] {
            assert!(check(&[("id", cell("u")), ("rank", wrong.clone())]).is_err(), "{wrong:?}");
        }
        assert!(check(&[("id", cell("u")), ("custom.", cell("3"))]).is_err());
    }

    #[test]
    fn an_alias_stands_for_its_column() {
        assert_eq!(check(&[("id", cell("u")), ("Job Title", cell("Lead"))]), Ok(json!({"title": "Lead"})));
    }

    #[test]
    fn json_may_nest_what_a_header_dots() {
        let nested = Raw::Json(json!({"dateHire": "2024-01-31"}));
        assert_eq!(
            check(&[("id", cell("u")), ("employerInfo", nested)]),
            Ok(json!({"employerInfo.dateHire": "2024-01-31"}))
        );
        assert!(check(&[("id", cell("u")), ("employerInfo", Raw::Json(json!({"hired": "x"})))]).is_err());
    }

    #[test]
    fn a_misspelt_column_is_told_the_nearest_right_one() {
        let header = ["id", "Titel", "acd_auto_answer", "zzz", "title", "title", ""].map(String::from);
        let place = Place::line(&Arc::from("staff.csv"), 1);
        let hints: Vec<Option<String>> =
            TABLE.check_header(&header, &place, Rules::Table).into_iter().map(|problem| problem.hint).collect();
        assert_eq!(hints[0].as_deref(), Some("did you mean `title`?"));
        assert_eq!(hints[1].as_deref(), Some("did you mean `acdAutoAnswer`?"));
        assert!(hints[2].as_deref().is_some_and(|hint| hint.starts_with("the fields are `title`")));
        assert_eq!(hints.len(), 5);
    }

    fn number(value: f64, format: &str) -> Raw {
        Raw::Number { value, format: Arc::from(format) }
    }

    fn day(format: &str) -> Raw {
        Raw::Day { day: "2024-02-29".into(), format: Arc::from(format) }
    }

    #[test]
    fn a_cell_that_nobody_means_is_refused_in_every_column() {
        for (field, text) in [
            ("title", "#N/A"),
            ("title", "nan"),
            ("title", "1.23E+11"),
            ("title", "4711.0"),
            ("title", "=A1"),
            ("custom.Floor", "#REF!"),
            ("custom.Floor", "4.9123E+12"),
            ("state", "NaN"),
            ("employerInfo.dateHire", "NaT"),
            ("profileSkills", "a;#N/A"),
            ("skills", "Spanish:4;nan"),
            ("skills", "Spanish:4;<clear>"),
            ("groups+", "4711.0"),
            ("rank", "<NA>"),
            ("rank", "inf"),
            ("acdAutoAnswer", "None"),
        ] {
            assert!(check(&[("id", cell("u")), (field, cell(text))]).is_err(), "{field} {text}");
        }
        for text in ["#N/A", "4711.0", "1.2E+11", "nan", "=1+1", ".", "..", "a/b", "a\\b", "a\u{0}b"] {
            assert!(check(&[("id", cell(text)), ("title", cell("x"))]).is_err(), "{text}");
        }
    }

    #[test]
    fn json_says_what_a_cell_cannot() {
        let text = |text: &str| check(&[("id", cell("u")), ("title", Raw::Json(json!(text)))]);
        assert_eq!(check(&[("id", cell("u")), ("title", Raw::Text("=A1".into()))]), Ok(json!({"title": "=A1"})));
        for odd in ["#N/A", "nan", "4711.0", "1.2E+11"] {
            assert_eq!(check(&[("id", cell("u")), ("title", Raw::Text(odd.into()))]), Ok(json!({"title": odd})));
        }
        for odd in ["#N/A", "nan", "4711.0", "=A1"] {
            assert_eq!(text(odd), Ok(json!({"title": odd})));
        }
        let id = |id: Value| TABLE.row(record(&[("id", Raw::Json(id))]), Rules::Table).map(|row| row.key.value);
        assert_eq!(id(json!(u64::MAX)).as_deref().ok(), Some("18446744073709551615"));
        assert!(id(json!(1.2345678901234568e29)).is_err() && id(json!(4711.0)).is_err() && id(json!(true)).is_err());
    }

    #[test]
    fn cells_are_taken_without_what_spreadsheets_put_around_them() {
        let found = check(&[
            ("id", cell("\u{feff}u-1\u{200b}")),
            ("title", cell("=\"00123\"")),
            ("state", cell("active\u{a0}")),
            ("acdAutoAnswer", cell("1.0")),
            ("employerInfo.dateHire", cell("2024-02-29 00:00:00")),
            ("groups+", cell("Cafe\u{301}\u{200b}; Tier\u{a0}2")),
            ("profileSkills", cell("\u{200b}")),
            ("phone", cell("\u{202a}+1\u{a0}317\u{ad}5550100\u{202c}")),
        ]);
        assert_eq!(
            found,
            Ok(
                json!({"title": "00123", "state": "active", "acdAutoAnswer": true, "employerInfo.dateHire": "2024-02-29",
                "groups+": ["Caf\u{e9}", "Tier 2"], "phone": "+1 3175550100"})
            )
        );
        assert_eq!(check(&[("id", cell("u")), ("title", cell(" <Clear>\u{200b}"))]), Ok(json!({"title": null})));
        assert_eq!(check(&[("id", cell("u")), ("title", cell("=\"\""))]), Ok(json!({})));
    }

    #[test]
    fn a_free_text_is_kept_as_it_is_written_in_cells_and_in_json() {
        for text in ["Cafe\u{301}", "Lead\u{200b}", "\u{202a}می\u{200c}خواهم\u{202c}", " Lead ", "a\r\nb", "'t Hart"]
        {
            for raw in [cell(text), Raw::Json(json!(text)), Raw::Text(text.into())] {
                let found = check(&[("id", cell("u")), ("title", raw.clone()), ("custom.Floor", raw)]);
                assert_eq!(found, Ok(json!({"title": text, "custom.Floor": text})));
            }
        }
        assert_eq!(
            check(&[("id", cell("u")), ("profileSkills", cell("Cafe\u{301}; b"))]),
            Ok(json!({"profileSkills": ["Cafe\u{301}", "b"]}))
        );
    }

    #[test]
    fn a_list_may_be_written_as_json_in_a_cell() {
        let one = |field: &str, text: &str| check(&[("id", cell("u")), (field, cell(text))]);
        assert_eq!(one("profileSkills", r#" ["a;b", " c"] "#), Ok(json!({"profileSkills": ["a;b", " c"]})));
        assert_eq!(one("groups+", r#"["Sales; EMEA"]"#), Ok(json!({"groups+": ["Sales; EMEA"]})));
        assert_eq!(
            one("skills", r#"[{"name": "a;b", "proficiency": 4}]"#),
            Ok(json!({"skills": [{"name": "a;b", "proficiency": 4.0}]}))
        );
        for text in ["[A]", "[1]", "[]", r#"["a""#] {
            assert_eq!(one("groups+", text), Ok(json!({"groups+": [text]})), "a name may hold brackets");
        }
    }

    #[test]
    fn a_workbooks_number_is_what_its_cell_shows_or_is_refused() {
        let one = |field: &str, raw: Raw| check(&[("id", cell("u")), (field, raw)]);
        assert_eq!(one("title", number(4711.0, "000000")), Ok(json!({"title": "004711"})));
        assert_eq!(one("rank", number(5.0, "0.00")), Ok(json!({"rank": 5})));
        assert_eq!(one("acdAutoAnswer", number(1.0, "General")), Ok(json!({"acdAutoAnswer": true})));
        assert_eq!(one("employerInfo.dateHire", day("dd.mm.yyyy")), Ok(json!({"employerInfo.dateHire": "2024-02-29"})));
        assert_eq!(one("title", day("yyyy\\-mm\\-dd;@")), Ok(json!({"title": "2024-02-29"})));
        for (field, raw) in [
            ("title", number(0.5, "0%")),
            ("title", number(12.0, "\"$\"#,##0.00")),
            ("title", number(4711.0, "0.0")),
            ("title", number(1.234_567_890_123_456_7e19, "0")),
            ("title", day("dd.mm.yyyy")),
            ("rank", number(0.5, "0%")),
            ("rank", day("yyyy-mm-dd")),
            ("employerInfo.dateHire", number(45_352.0, "General")),
            ("title", Raw::Wrong { message: "holds the error #REF!".into(), hint: "" }),
        ] {
            assert!(one(field, raw.clone()).is_err(), "{field} {raw:?}");
        }
        let row = TABLE.row(record(&[("id", number(4711.0, "000000"))]), Rules::Table).unwrap();
        assert_eq!(row.key, UserKey::id("004711"));
    }

    #[test]
    fn one_field_twice_in_a_row_is_refused() {
        let twice = |columns: &[(&str, Raw)]| check(columns).unwrap_err();
        let found = twice(&[("id", cell("u")), ("title", cell("a")), ("Job Title", cell("b"))]);
        assert_eq!(found, ["staff.csv:7: column `Job Title`: is the same field as `title`"]);
        let nested = Raw::Json(json!({"dateHire": "2024-01-31"}));
        let dotted = Raw::Json(json!("2024-02-01"));
        assert_eq!(twice(&[("id", cell("u")), ("employerInfo", nested), ("employerInfo.dateHire", dotted)]).len(), 1);
        assert_eq!(
            twice(&[("id", cell("u")), ("ID", cell("v"))]),
            ["staff.csv:7: column `ID`: the row names `id` twice"]
        );
        assert_eq!(twice(&[("id", cell("u")), ("skills", cell("a:1;A:2"))]).len(), 1);
        let place = Place::line(&Arc::from("staff.csv"), 1);
        let header = ["id", "title", "Job Title"].map(String::from);
        let found = TABLE.check_header(&header, &place, Rules::Table);
        assert_eq!(found[0].to_string(), "staff.csv:1: column `Job Title`: is the same field as the column `title`");
    }

    #[test]
    fn beside_updates_a_key_names_the_user_and_inside_it_is_set() {
        let json = |value: &str| Raw::Json(json!(value));
        let row = |columns: &[(&str, Raw)], beside: usize| {
            TABLE
                .row(Record { beside, ..record(columns) }, Rules::Table)
                .map(|row| (row.key.value, Value::Object(row.fields)))
        };
        let moved = row(&[("email", json("old@x.y")), ("email", json("new@x.y"))], 1);
        assert_eq!(moved.unwrap(), ("old@x.y".into(), json!({"email": "new@x.y"})));
        let both = [("id", json("u")), ("email", json("a@x.y")), ("email", json("b@x.y"))];
        assert!(row(&both, 2).is_err(), "which address is meant?");
        assert!(row(&[("id", json("u")), ("title", json("x"))], 2).is_err());
    }

    #[test]
    fn proficiencies_are_numbers_of_the_scale() {
        for wrong in ["Spanish:nan", "Spanish:inf", "Spanish:1e999", "Spanish:", "Spanish:-1", "Spanish:9"] {
            assert!(check(&[("id", cell("u")), ("skills", cell(wrong))]).is_err(), "{wrong}");
        }
        let digits = format!("Spanish:{}", "9".repeat(1_000_000));
        let told = check(&[("id", cell("u")), ("skills", cell(&digits))]).unwrap_err();
        assert!(told[0].len() < 300, "{}", told[0].len());
    }

    #[test]
    fn an_id_beside_a_name_is_kept() {
        let skills = Raw::Json(
            json!([{"id": "s-1", "name": "Support", "proficiency": 3}, {"id": "s-2"}, {"id": 17, "name": "x"}]),
        );
        let expected =
            json!([{"name": "Support", "id": "s-1", "proficiency": 3.0}, {"name": "s-2"}, {"name": "x", "id": "17"}]);
        assert_eq!(check(&[("id", cell("u")), ("skills", skills)]), Ok(json!({"skills": expected})));
        let roles =
            Raw::Json(json!([{"name": "Agent", "divisions": ["Home", "Sales"]}, {"name": "x", "divisions": ["a;b"]}]));
        assert_eq!(
            check(&[("id", cell("u")), ("groups+", roles)]),
            Ok(json!({"groups+": ["Agent:[Home; Sales]", {"name": "x", "divisions": ["a;b"]}]}))
        );
        let groups = Raw::Json(json!([{"id": "g-1", "name": "Floor 2"}]));
        assert_eq!(check(&[("id", cell("u")), ("groups+", groups)]), Ok(json!({"groups+": ["g-1"]})));
    }

    #[test]
    fn in_a_file_for_the_vendors_importer_commas_separate() {
        let row = |columns: &[(&str, Raw)], rules| {
            TABLE.row(record(columns), rules).map(|row| Value::Object(row.fields)).map_err(|problems| problems.len())
        };
        let columns = [("id", cell("u")), ("groups", cell("Floor 1, Floor 2"))];
        assert_eq!(row(&columns, Rules::Importer), Ok(json!({"groups+": ["Floor 1", "Floor 2"]})));
        assert_eq!(
            row(&[("id", cell("u")), ("groups+", cell("Berlin, Mitte"))], Rules::Importer),
            Ok(json!({"groups+": ["Berlin, Mitte"]}))
        );
        assert!(TABLE.is_importers(&["title_import".to_owned()]));
    }

    #[test]
    fn a_header_without_end_is_told_at_once() {
        let place = Place::line(&Arc::from("staff.csv"), 1);
        let many: Vec<String> = (0..1_000_000).map(|at| format!("column {at}")).collect();
        assert_eq!(TABLE.check_header(&many, &place, Rules::Table).len(), 1);
        let long = ["id".to_owned(), "x".repeat(10_000_000)];
        let found = TABLE.check_header(&long, &place, Rules::Table);
        assert!(found[0].to_string().len() < 300);
    }

    #[test]
    fn a_message_shows_what_cannot_be_seen() {
        let found = check(&[("id", cell("u")), ("state", cell("gone\nerror: forged\u{1b}[2J"))]).unwrap_err();
        assert_eq!(
            found,
            ["staff.csv:7: column `state`: `gone\\nerror: forged\\u{1b}[2J` is not one of `active` or `inactive`"]
        );
    }

    #[test]
    fn a_dotted_column_is_not_sent_blind() {
        let columns = [("id", cell("u")), ("employerInfo.dateHire", cell("2024-01-31"))];
        assert!(TABLE.row(record(&columns), Rules::Shape).is_err());
        let place = Place::line(&Arc::from("staff.csv"), 1);
        let header = ["id", "employerInfo.dateHire"].map(String::from);
        assert_eq!(TABLE.check_header(&header, &place, Rules::Shape).len(), 1);
    }

    #[test]
    fn blind_rows_are_checked_for_their_shape_only() {
        let columns = [
            ("id", Raw::Json(json!("u"))),
            ("skills", Raw::Json(json!([{"id": "s"}]))),
            ("state", Raw::Json(json!("odd"))),
        ];
        let row = TABLE.row(record(&columns), Rules::Shape).unwrap();
        assert_eq!(Value::Object(row.fields), json!({"skills": [{"id": "s"}], "state": "odd"}));
    }

    proptest! {
        #[test]
        fn no_cell_makes_it_panic(name in "[a-zA-Z.]{0,12}", text in ".*") {
            let _ = check(&[("id", cell("u")), (&name, cell(&text))]);
            for field in TABLE.fields {
                let _ = check(&[("id", cell("u")), (field.name, cell(&text))]);
            }
        }
    }
}
