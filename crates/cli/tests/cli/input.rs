//! Rosters as people have them, and bad ones.

use crate::world::{Ran, World};
use paceline_sandbox::Options;

fn world() -> World {
    World::new(Options { users: 3, limit: None, ..Options::default() })
}

fn utf16(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

#[test]
fn csv_is_read_as_excel_writes_it() {
    let world = world();
    let ids = world.ids();
    let text = |separator: &str, end: &str| {
        let row = |cells: &[&str]| format!("{}{end}", cells.join(separator));
        let quoted = "\"Lead, Sales; \"\"A\"\"\tB\"";
        [
            row(&["id", "title", "department"]),
            row(&[&ids[0], quoted, ""]),
            row(&["", "", ""]),
            row(&[&ids[1], "", "<clear>"]),
        ]
        .concat()
    };
    let bom = |text: String| [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
    let files = [
        text(",", "\n").into_bytes(),
        bom(text(";", "\r\n")),
        utf16(&text("\t", "\r\n")),
        text(",", "\r").into_bytes(),
        format!("sep=;\r\n{}", text(";", "\r\n")).into_bytes(),
    ];
    for (at, bytes) in files.iter().enumerate() {
        let name = format!("roster{at}.csv");
        world.write(&name, bytes);
        let ran = world.run(&["apply", &name, "--yes", "--format", "json"]);
        assert_eq!((ran.code, ran.json()["rows"].as_u64()), (0, Some(2)), "{name} {ran:?}");
        let sandbox = world.sandbox();
        assert_eq!(sandbox.user(&ids[0]).unwrap()["title"], "Lead, Sales; \"A\"\tB", "{name}");
        assert_eq!(sandbox.user(&ids[1]).unwrap()["department"], "", "{name}");
        assert_ne!(sandbox.user(&ids[0]).unwrap()["department"], "", "an empty cell leaves the field alone");
    }
}

#[test]
fn standard_input_is_a_roster_too() {
    use std::io::Write as _;
    use std::process::Stdio;
    let world = world();
    for text in [
        format!("id,title\n{},From a pipe\n", world.ids()[0]),
        format!("[{{\"id\":\"{}\",\"updates\":{{\"title\":\"From JSON\"}}}}]", world.ids()[0]),
        format!("{{\"id\":\"{}\",\"updates\":{{\"title\":\"From JSONL\"}}}}\n", world.ids()[0]),
    ] {
        let mut command = world.paceline();
        command.args(["apply", "-", "--yes"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{text} {ran:?}");
    }
    assert_eq!(world.sandbox().books().applied.values().sum::<u64>(), 3);
}

#[test]
fn a_bad_roster_is_told_whole_and_nothing_is_sent() {
    let world = world();
    let quote = "id,title\nu1,\"abc\nu2,def\n";
    let table: &[(&str, &[u8], &[&str])] = &[
        ("titel.csv", b"id,titel\n1,a\n", &["titel.csv:1: column `titel`: no such field", "did you mean `title`?"]),
        (
            "many.csv",
            b"id;title;state\r\nu1;x;activ\r\nu2;;\r\nu1;y;\r\n;z;active\r\n",
            &[
                "many.csv:2: column `state`",
                "many.csv:4: user `u1` is in line 2 already",
                "many.csv:5: the row names no user",
            ],
        ),
        ("empty.csv", b"", &["is empty"]),
        ("blank.csv", b"\r\n  \n", &["is empty"]),
        ("header.csv", b"id,title\n", &["is empty"]),
        ("list.json", b"[]", &["is empty"]),
        (
            "ragged.csv",
            b"id,title\nu1,a,b\nu2\n",
            &["ragged.csv:2: the row has 3 cells", "ragged.csv:3: the row has 1 cells"],
        ),
        ("quote.csv", quote.as_bytes(), &["quote.csv:2: a quote is opened and never closed"]),
        ("latin.csv", b"id,title\nu1,caf\xe9\n", &["latin.csv:2: column `title`: is not UTF-8"]),
        ("nokey.csv", b"title\nx\n", &["no column names the user"]),
        ("cut.json", b"[{\"id\":\"1\",\"updates\":{}},\n{\"id\":\"2\",", &["cut.json:2: the list ends in the middle"]),
        (
            "comma.json",
            b"[{\"id\":\"1\",\"updates\":{}}\n{\"id\":\"2\",\"updates\":{}}]",
            &["comma.json:2: is not JSON"],
        ),
        ("object.json", b"{\"id\":\"1\"}", &["object.json:1: the roster must be a list"]),
        ("flat.json", b"[{\"id\":\"1\",\"title\":\"x\"}]", &["column `title`: does not belong beside"]),
        (
            "types.json",
            b"[{\"id\":\"1\",\"updates\":{\"title\":5}}]",
            &["types.json:1: column `title`: must be a text"],
        ),
        ("line.jsonl", b"{\"id\":\"1\",\"updates\":{}}\n{oops}\n", &["line.jsonl:2: is not JSON at column 2"]),
        ("email.csv", b"email,title\nnot an address,x\n", &["`not an address` is no e-mail address"]),
    ];
    for (name, bytes, expected) in table {
        world.write(name, bytes);
        for command in ["check", "apply"] {
            let args: &[&str] = if command == "check" { &[command, name] } else { &[command, name, "--yes"] };
            let ran = world.run(args);
            assert_eq!(ran.code, 2, "{command} {name} {ran:?}");
            for part in *expected {
                assert!(ran.stderr.contains(part), "{command} {name}: {part}\n{}", ran.stderr);
            }
        }
    }
    assert_eq!(world.sandbox().books().tokens, 0);
    let left = std::fs::read_dir(world.dir.path().join("state/runs")).unwrap().count();
    assert_eq!(left, 0, "a roster that is refused leaves no run");
}

/// `check` of each file: what it must say, and its exit code; empty expectations mean that the roster is right.
fn checked(world: &World, arguments: &[&str], table: &[(&str, &[u8], &[&str])]) {
    for (name, bytes, expected) in table {
        world.write(name, bytes);
        let ran = world.run(&[&["check", *name], arguments].concat());
        assert_eq!(ran.code, if expected.is_empty() { 0 } else { 2 }, "{name} {ran:?}");
        for part in *expected {
            assert!(ran.stderr.contains(part), "{name}: {part}\n{}", ran.stderr);
        }
    }
}

fn user_world() -> World {
    World::new(Options { users: 1, limit: None, ..Options::default() })
}

#[test]
fn what_excel_and_scripts_make_of_cells_is_refused_with_its_place() {
    let table: &[(&str, &[u8], &[&str])] = &[
        (
            "errors.csv",
            b"id,title,department\nu1,#N/A,#REF!\nu2,#NAME?,x\nu3,#VALUE!,#SPILL!\nu4,Lead,#WERT!\n",
            &[
                "errors.csv:2: column `title`: holds the error #N/A",
                "`<clear>` clears the field",
                "errors.csv:2: column `department`: holds the error #REF!",
                "errors.csv:3: column `title`",
                "errors.csv:4: column `title`",
                "errors.csv:4: column `department`",
                "errors.csv:5: column `department`",
            ],
        ),
        (
            "pandas.csv",
            b"id,title,employerInfo.employeeId,skills\nu1,nan,4711.0,Spanish:4\nu2,<NA>,1.23E+11,nan\n4711.0,a,b,c\n",
            &[
                "pandas.csv:2: column `title`: `nan` is a script's word for nothing",
                "pandas.csv:2: column `employerInfo.employeeId`: `4711.0` is a number that a spreadsheet or script has made of it",
                "pandas.csv:3: column `title`",
                "pandas.csv:3: column `employerInfo.employeeId`: `1.23E+11`",
                "pandas.csv:3: column `skills`",
                "pandas.csv:4: column `id`: `4711.0`",
            ],
        ),
        ("phone.csv", b"id;phone_work\nu1;4,9123E+12\n", &["phone.csv:2: column `phone_work`: `4,9123E+12`"]),
        ("formula.csv", b"id,title\nu1,=A2&\"x\"\n", &["formula.csv:2: column `title`: `=A2&"]),
        ("zeros.csv", b"id,employerInfo.employeeId\nu1,=\"00123\"\n", &[]),
        ("json-means-it.json", b"[{\"id\":\"u1\",\"updates\":{\"title\":\"#N/A\",\"department\":\"nan\"}}]", &[]),
        (
            "nan.jsonl",
            b"{\"id\":\"u1\",\"updates\":{\"title\":NaN}}\n",
            &["nan.jsonl:1: is not JSON", "`NaN` and `Infinity` are no JSON"],
        ),
        (
            "proficiency.csv",
            b"id,skills\nu1,Spanish:nan\nu2,Spanish:inf\nu3,Spanish:1e999\n",
            &[
                "proficiency.csv:2: column `skills`: the proficiency of `Spanish` must be 0 to 5, not `nan`",
                ":3: ",
                ":4: ",
            ],
        ),
    ];
    checked(&user_world(), &[], table);
    let ids: &[(&str, &[u8], &[&str])] = &[(
        "ids.csv",
        b"id,title\n.,a\n..,b\na/b,c\na\x1bb,d\n../../x,e\n",
        &[
            "ids.csv:2: column `id`",
            "ids.csv:3: column `id`",
            "ids.csv:4: column `id`",
            "ids.csv:5: column `id`: `a\\u{1b}b`",
            "ids.csv:6: ",
        ],
    )];
    checked(&user_world(), &[], ids);
    checked(&user_world(), &["--blind"], ids);
}

#[test]
fn what_cannot_be_seen_is_taken_off_keys_headers_and_names() {
    let world = user_world();
    let id = &world.ids()[0];
    let email = world.sandbox().user(id).unwrap()["email"].as_str().unwrap().to_owned();
    for (at, key) in
        [format!("{email}\u{200b}"), format!("\u{feff}{email}"), format!("{email}\u{200e}"), format!("{email}\u{a0}")]
            .iter()
            .enumerate()
    {
        let name = format!("key{at}.csv");
        world.write(&name, format!("email,\u{200b}title\u{a0},department\n{key},Lead {at},\u{200b}\n"));
        let ran = world.run(&["apply", &name, "--yes"]);
        assert_eq!(ran.code, 0, "{name} {ran:?}");
        assert_eq!(world.sandbox().user(id).unwrap()["title"], format!("Lead {at}"), "{name}");
    }
    let twice = "email,title\njose\u{301}@example.com,a\nJOS\u{c9}@example.com,b\n";
    let uuid = "id,title\n0A000000-0000-4000-8000-00000000000A,a\n0a000000-0000-4000-8000-00000000000a,b\n";
    checked(
        &world,
        &[],
        &[
            ("twice.csv", twice.as_bytes(), &["twice.csv:3: user `JOS\u{c9}@example.com` is in line 2 already"]),
            (
                "uuid.csv",
                uuid.as_bytes(),
                &["uuid.csv:3: user `0a000000-0000-4000-8000-00000000000a` is in line 2 already"],
            ),
        ],
    );
}

#[test]
fn one_thing_that_is_said_twice_is_refused() {
    let table: &[(&str, &[u8], &[&str])] = &[
        (
            "updates.json",
            br#"[{"id":"x","updates":{"title":"A"},"updates":{"department":"B"}},
                {"id":"y","id":"z","updates":{"title":"A","title":"B"}},
                {"id":"v","updates":{"addresses":[{"type":"WORK","type":"HOME"}]}}]"#,
            &[
                "updates.json:1: column `updates`: the key is there twice",
                "updates.json:2: column `updates.title`: the key is there twice",
                "updates.json:2: column `id`: the key is there twice",
                "updates.json:3: column `updates.addresses.type`: the key is there twice",
            ],
        ),
        (
            "alias.jsonl",
            br#"{"id":"x","updates":{"division":"A","division.name":"B"}}"#,
            &["alias.jsonl:1: column `division.name`: is the same field as `division`"],
        ),
        (
            "nested.jsonl",
            br#"{"id":"x","updates":{"employerInfo":{"employeeId":"1"},"employerInfo.employeeId":"2"}}"#,
            &["nested.jsonl:1: column `employerInfo.employeeId`: the field is there twice"],
        ),
        ("header.csv", b"id,manager,manager.email\nu1,a,b\n", &["is the same field as the column `manager`"]),
        ("large.json", br#"[{"id":123456789012345678901234567890,"updates":{}}]"#, &["large.json:1: column `id`"]),
        ("exact.json", br#"[{"id":18446744073709551615,"updates":{}}]"#, &[]),
        (
            "rating.csv",
            b"id,skills\nu1,Spanish:4;spanish:5\n",
            &["`spanish` is there twice, with different proficiencies"],
        ),
    ];
    checked(&user_world(), &[], table);
}

#[test]
fn a_file_that_was_cut_is_refused_and_excels_short_rows_are_read() {
    let world = user_world();
    checked(
        &world,
        &[],
        &[
            ("cut.csv", b"id,title\nX,\"Team Le", &["cut.csv:2: a quote is opened and never closed"]),
            ("cut-header.csv", b"id,\"title\nX,Team", &["cut-header.csv:1: a quote is opened and never closed"]),
            (
                "cut-row.csv",
                b"id,title,department\nX,a,b\nY,Team Le",
                &["cut-row.csv:3: the row has 2 cells, the header 3"],
            ),
            ("inch.csv", b"id,title\nX,5\" screen\nY,\"a \"\"b\"\"\"\n", &[]),
            ("whole.csv", b"id,title\nX,\"Team Lead\"", &[]),
            (
                "broken.csv",
                b"id,title,department\nX,\"a\nb\"\nY,a,b\n",
                &["broken.csv:2: the row has 2 cells, the header 3", "filled in every row"],
            ),
            (
                "long.csv",
                b"id,title,department\nX,a\nY,a,b,c\n",
                &["long.csv:2: the row has 2", "long.csv:3: the row has 4"],
            ),
        ],
    );
    world.write("short.csv", "sep=,\nid,title,department\nX,a\nY\nZ,a,b\n");
    let ran = world.run(&["check", "short.csv"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.stderr.matches("2 rows end before the last column of `short.csv` (the first in line 3)").count(),
        1,
        "{ran:?}"
    );
}

#[test]
fn what_has_no_end_is_refused_and_not_held() {
    let world = user_world();
    let line = 17 << 20;
    let cell = [b"id,title\nu1,\"".as_slice(), &vec![b'x'; line], b"\"\n"].concat();
    let jsonl = [br#"{"id":"u1","updates":{"title":""#.as_slice(), &vec![b'x'; line], b"\"}}\n"].concat();
    let list = [b"id,groups+\nu1,".as_slice(), &b"g;".repeat(10_001), b"\n"].concat();
    let json_list =
        [br#"[{"id":"u1","updates":{"groups+":["#.as_slice(), &b"\"g\",".repeat(10_001), b"\"g\"]}}]"].concat();
    let columns = [b"id".as_slice(), &b",a".repeat(100_000), b"\n"].concat();
    let name = [b"id,".as_slice(), &vec![b'x'; 8 << 20], b"\nu1,a\n"].concat();
    let digits = [b"id,skills\nu1,Spanish:".as_slice(), &vec![b'9'; 8 << 20], b"\n"].concat();
    checked(
        &world,
        &[],
        &[
            ("cell.csv", &cell, &["the row is longer than 16 MB"]),
            ("line.jsonl", &jsonl, &["the line is longer than 16 MB"]),
            ("list.csv", &list, &["list.csv:2: column `groups+`: the list has more than 10000 items"]),
            ("list.json", &json_list, &["list.json:1: column `updates.groups+`: the list has more than 10000 items"]),
            ("columns.csv", &columns, &["the roster has 100001 columns, more than 16384"]),
            ("name.csv", &name, &["no such field"]),
            ("digits.csv", &digits, &["the proficiency of `Spanish` must be 0 to 5"]),
            ("zip.csv", b"PK\x03\x04\x00\x00", &["is no text: it is an Excel workbook"]),
            ("binary.csv", &[0x7f, b'E', b'L', b'F', 1, 0, 0, 0], &["is no text"]),
        ],
    );
}

#[test]
fn a_rosters_text_cannot_forge_lines_of_the_report() {
    let world = user_world();
    let state = "id,state\nu1,\"gone\nerror: all is well\u{1b}[2J\"\n";
    world.write("forged.csv", state);
    let ran = world.run(&["check", "forged.csv"]);
    assert!(ran.stderr.contains("`gone\\nerror: all is well\\u{1b}[2J` is not one of"), "{}", ran.stderr);
    let header = "id,\"titel\nhint: none\"\nu1,a\n";
    world.write("header\u{1b}[2J.csv", header);
    let ran = world.run(&["check", "header\u{1b}[2J.csv"]);
    assert!(!ran.stderr.contains('\u{1b}') && ran.stderr.contains("column `titel\\nhint: none`"), "{}", ran.stderr);
    let twice = "id,title\n\"u\u{202e}1\",a\n\"u1\",b\n";
    world.write("twice.csv", twice);
    let ran = world.run(&["check", "twice.csv"]);
    assert!(ran.code == 2 && !ran.stderr.contains('\u{202e}'), "{ran:?}");
}

const IMPORTERS: &str = "name,email,phone_work,extension,title,department,email_manager,location_work,roles_divisions,queues,division,skills,hire_date";

#[test]
fn a_file_of_the_vendors_importer_is_right_as_its_page_describes_it() {
    let world = user_world();
    let row = |cells: &str| format!("{IMPORTERS}\n{cells}\n").into_bytes();
    let all = r#"Ann,ann@example.com,+13175550100,2001,Lead,,boss@example.com,"Berlin, Mitte","Agent:[Home; Sales], employee","Sales, Support",Home,"Spanish:5,Billing:3",2024-03-01"#;
    checked(
        &world,
        &[],
        &[
            ("all.csv", &row(all), &[]),
            (
                "brackets.csv",
                &row("Ann,ann@example.com,,,,,,,Agent:[Home,,,,"),
                &["column `roles_divisions`", "role:[division; division]"],
            ),
            ("rating.csv", &row("Ann,ann@example.com,,,,,,,,,,\"Spanish:9,Billing\","), &["must be 0 to 5"]),
            (
                "hired.csv",
                &row("Ann,ann@example.com,,,,,,,,,,,01.03.2024"),
                &["column `hire_date`: `01.03.2024` is no date"],
            ),
        ],
    );
    let id = &world.ids()[0];
    let email = world.sandbox().user(id).unwrap()["email"].as_str().unwrap().to_owned();
    world.write("c01.csv", row(&format!(",{email},,,Lead,,,,,,,,2024-03-01")));
    let ran = world.run(&["apply", "c01.csv", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let user = world.sandbox().user(id).unwrap().clone();
    assert_eq!((&user["title"], &user["employerInfo"]["dateHire"]), (&"Lead".into(), &"2024-03-01".into()), "{user}");
}

#[test]
fn a_blind_row_that_would_erase_siblings_is_refused() {
    checked(
        &user_world(),
        &["--blind"],
        &[
            (
                "dotted.csv",
                b"id,employerInfo.employeeId\nu1,7\n",
                &["column `employerInfo.employeeId`: sent blind it would erase everything else"],
            ),
            (
                "dotted.json",
                br#"[{"id":"u1","updates":{"employerInfo.employeeId":"7"}}]"#,
                &["sent blind it would erase"],
            ),
            ("whole.json", br#"[{"id":"u1","updates":{"employerInfo":{"employeeId":"7"},"odd":[{"id":1}]}}]"#, &[]),
            ("errors.csv", b"id,odd\nu1,#REF!\n", &["column `odd`: holds the error #REF!"]),
        ],
    );
}

#[test]
fn nice_rosters_in_json_name_users_as_csv_does() {
    use paceline_sandbox::Vendor;
    let world = World::new(Options { users: 1, limit: None, vendor: Vendor::Nice, ..Options::default() });
    checked(
        &world,
        &[],
        &[
            (
                "agent.json",
                br#"[{"agentId":4711,"updates":{"custom1":"x"}},{"agentId":"4712","updates":{"custom1":"x"}}]"#,
                &[],
            ),
            (
                "user.json",
                br#"[{"userId":"11e9-ab","updates":{"custom1":"x"}},{"userName":"ann","updates":{"custom1":"x"}}]"#,
                &[],
            ),
            ("alias.json", br#"[{"Agent ID":4711,"updates":{"custom1":"x"}}]"#, &[]),
            ("joined.json", br#"[{"id":"4711/11e9-ab","updates":{"custom1":"x"}}]"#, &[]),
            (
                "joined.csv",
                b"id,custom1\n4711/..,x\n1/2/3,x\n",
                &["joined.csv:2: column `id`", "joined.csv:3: column `id`"],
            ),
            (
                "beside.json",
                br#"[{"agentId":1,"custom1":"y","updates":{}}]"#,
                &["column `custom1`: does not belong beside"],
            ),
            ("float.csv", b"agentId,custom1\n4711.0,x\n", &["float.csv:2: column `agentId`: `4711.0`"]),
            (
                "upload.csv",
                b"Agent ID,custom1,Row Changed\n1,x,Y\n",
                &["column `Row Changed`: cannot be written", "only on the rows that say Y"],
            ),
        ],
    );
}

#[test]
fn a_workbooks_cells_mean_what_they_show() {
    use rust_xlsxwriter::{Format, Formula, Workbook};
    let world = user_world();
    let id = &world.ids()[0];
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, name) in ["id", "employerInfo.employeeId", "title", "department"].iter().enumerate() {
        sheet.write(0, column as u16, *name).unwrap();
    }
    sheet.write(1, 0, id).unwrap();
    sheet.write_with_format(1, 1, 4711, &Format::new().set_num_format("000000")).unwrap();
    workbook.save(world.dir.path().join("right.xlsx")).unwrap();
    let ran = world.run(&["apply", "right.xlsx", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(world.sandbox().user(id).unwrap()["employerInfo"]["employeeId"], "004711");

    let sheet = workbook.worksheet_from_index(0).unwrap();
    sheet.write_with_format(1, 2, 0.5, &Format::new().set_num_format("0%")).unwrap();
    sheet.write(1, 3, Formula::new("NA()").set_result("#N/A")).unwrap();
    sheet.write(2, 0, "u-2").unwrap().write(2, 1, 1.234_567_890_123_456e17).unwrap();
    sheet.write_with_format(2, 2, 45_000, &Format::new().set_num_format("d-mmm")).unwrap();
    workbook.save(world.dir.path().join("wrong.xlsx")).unwrap();
    let ran = world.run(&["check", "wrong.xlsx"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for part in [
        "wrong.xlsx:2: column `title`: is the number 0.5, which its format `0%` shows otherwise",
        "wrong.xlsx:2: column `department`: holds the error #N/A",
        "wrong.xlsx:3: column `employerInfo.employeeId`: is the number 123456789012345600",
        "wrong.xlsx:3: column `title`: is the date 2023-03-15 to the workbook, shown as `d-mmm`",
    ] {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
}

#[test]
fn a_number_of_a_workbook_is_what_its_format_shows_or_is_refused() {
    use rust_xlsxwriter::{Format, Workbook};
    let world = user_world();
    let id = &world.ids()[0];
    let table: &[(f64, &str, Result<&str, &str>)] = &[
        (4711.0, "00000", Ok("04711")),
        (4711.0, "000000", Ok("004711")),
        (4711.0, "@", Ok("4711")),
        (4711.0, "General", Ok("4711")),
        (4711.0, "0", Ok("4711")),
        (4711.0, "\"E-\"00000", Ok("E-04711")),
        (45_352.0, "yyyy-mm-dd", Ok("2024-03-01")),
        (0.5, "0%", Err("is the number 0.5, which its format `0%` shows otherwise")),
        (4711.0, "#,##0", Err("is the number 4711, which its format `#,##0` shows otherwise")),
        (4711.0, "0.00E+00", Err("is the number 4711, which its format `0.00E+00` shows otherwise")),
        (4711.0, "[$€-407]0", Err("is the number 4711, which its format")),
        (45_352.0, "dd.mm.yyyy", Err("is the date 2024-03-01 to the workbook, shown as `dd.mm.yyyy`")),
        (45_352.0, "m/d/yy", Err("is the date 2024-03-01 to the workbook")),
        (0.5, "hh:mm", Err("holds a time of day")),
    ];
    for (at, (value, format, expected)) in table.iter().enumerate() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write(0, 0, "id").unwrap().write(0, 1, "employerInfo.employeeId").unwrap();
        sheet.write(1, 0, id).unwrap();
        sheet.write_with_format(1, 1, *value, &Format::new().set_num_format(*format)).unwrap();
        let name = format!("format{at}.xlsx");
        workbook.save(world.dir.path().join(&name)).unwrap();
        match expected {
            Ok(text) => {
                let ran = world.run(&["plan", &name, "--format", "json"]);
                assert_eq!(ran.code, 0, "{format} {ran:?}");
                assert_eq!(ran.json()["diff"][0]["after"]["employerInfo"]["employeeId"], *text, "{format} {ran:?}");
            }
            Err(message) => {
                let ran = world.run(&["check", &name]);
                let place = format!("{name}:2: column `employerInfo.employeeId`: {message}");
                assert!(ran.code == 2 && ran.stderr.contains(&place), "{format} {ran:?}");
            }
        }
    }
}

#[test]
fn a_text_of_a_workbook_is_refused_as_in_a_csv_unless_an_apostrophe_says_that_it_is_meant() {
    use rust_xlsxwriter::{Format, Workbook};
    let world = World::new(Options { users: 8, limit: None, ..Options::default() });
    let ids = world.ids();
    let odd = ["#N/A", "nan", "=1+1", "4711.0", "1.23E+12", "<clear>", "00123", "TRUE"];
    let typed = Format::new().set_quote_prefix();
    let workbook = |name: &str, prefix: &str, format: &Format| {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write(0, 0, "id").unwrap().write(0, 1, "title").unwrap();
        for (row, (id, text)) in (1u32..).zip(ids.iter().zip(odd)) {
            sheet.write(row, 0, id).unwrap();
            sheet.write_string_with_format(row, 1, format!("{prefix}{text}"), format).unwrap();
        }
        workbook.save(world.dir.path().join(name)).unwrap();
    };
    // As pandas writes them, and as they come into columns that were formatted as text.
    for (name, format) in [("pandas.xlsx", Format::new()), ("text.xlsx", Format::new().set_num_format("@"))] {
        workbook(name, "", &format);
        let ran = world.run(&["check", name]);
        assert_eq!(ran.code, 2, "{ran:?}");
        for row in 2..=6 {
            assert!(ran.stderr.contains(&format!("{name}:{row}: column `title`")), "{row} {ran:?}");
        }
        assert!(
            !ran.stderr.contains(&format!("{name}:7")) && ran.stderr.contains("write an apostrophe before it"),
            "{ran:?}"
        );
    }
    // Typed in Excel with an apostrophe, which the cell's style tells; or come from a CSV, with one in the text.
    for (name, prefix, format) in [("typed.xlsx", "", &typed), ("marked.xlsx", "'", &Format::new())] {
        let plain: String = ids.iter().map(|id| format!("{id},before\n")).collect();
        world.write("before.csv", format!("id,title\n{plain}"));
        assert_eq!(world.run(&["apply", "before.csv", "--yes"]).code, 0);
        workbook(name, prefix, format);
        let ran = world.run(&["apply", name, "--yes", "--format", "json"]);
        assert_eq!((ran.code, ran.json()["updated"].as_u64()), (0, Some(8)), "{name} {ran:?}");
        let titles: Vec<_> = ids.iter().map(|id| world.sandbox().user(id).unwrap()["title"].clone()).collect();
        assert_eq!(titles, odd, "{name}");
    }
}

#[test]
fn a_text_is_sent_as_it_is_written() {
    let texts = [
        ("Cafe\u{301}", "Cafe\u{301}"),
        ("a\r\nb", "a\r\nb"),
        ("a\rb", "a\rb"),
        (" Lead ", " Lead "),
        ("Lead\u{a0}", "Lead\u{a0}"),
        ("'t Hart", "'t Hart"),
        ("'s-Gravenhage", "'s-Gravenhage"),
        ("'90s Team", "'90s Team"),
        ("'00123", "00123"),
        ("'<clear>", "<clear>"),
        ("''t Hart", "''t Hart"),
    ];
    let world = World::new(Options { users: texts.len(), limit: None, ..Options::default() });
    let ids = world.ids();
    let rows: String = ids.iter().zip(texts).map(|(id, (cell, _))| format!("{id},\"{cell}\"\r\n")).collect();
    world.write("texts.csv", format!("id,title\r\n{rows}"));
    let ran = world.run(&["apply", "texts.csv", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for (id, (_, text)) in ids.iter().zip(texts) {
        assert_eq!(world.sandbox().user(id).unwrap()["title"], text);
    }
}

#[test]
fn a_space_around_an_id_is_taken_off_and_one_inside_is_refused_whatever_its_kind() {
    let world = user_world();
    let id = &world.ids()[0];
    let (start, end) = id.split_at(9);
    let spaces =
        [' ', '\u{a0}', '\u{2009}', '\u{3000}', '\u{1680}', '\u{2007}', '\u{202f}', '\u{2028}', '\u{85}', '\t'];
    for (at, space) in spaces.into_iter().enumerate() {
        let name = format!("around{at}.csv");
        world.write(&name, format!("id,title\n{space}{id}{space},Lead {at}\n"));
        let ran = world.run(&["apply", &name, "--yes"]);
        assert_eq!(ran.code, 0, "{space:?} {ran:?}");
        assert_eq!(world.sandbox().user(id).unwrap()["title"], format!("Lead {at}"), "{space:?}");
        let csv = format!("id,title\nu0,a\n{start}{space}{end},b\n");
        let row = serde_json::json!([{"id": format!("{start}{space}{end}"), "updates": {"title": "b"}}]);
        let json = row.to_string();
        checked(
            &world,
            &[],
            &[
                ("inside.csv", csv.as_bytes(), &["inside.csv:3: column `id`: `"]),
                ("inside.json", json.as_bytes(), &["inside.json:1: column `id`: `"]),
            ],
        );
    }
    checked(
        &world,
        &[],
        &[("nbsp.csv", "id,title\nu\u{a0}1,a\n".as_bytes(), &["column `id`: `u\\u{a0}1` is no id: it holds a space"])],
    );
}

#[test]
fn a_wrong_request_is_told_with_a_way_out() {
    let world = world();
    let roster = world.roster();
    let roster = roster.to_str().unwrap();
    let table: &[(&[&str], &str)] = &[
        (&["apply", "nope.csv", "--yes"], "there is no roster"),
        (&["apply", "/", "--yes"], "is a directory"),
        (&["apply", roster, "--yes", "--vendor", "zendesk"], "there is no vendor `zendesk`"),
        (&["apply", roster, "--yes", "--base-url", "http://example.com"], "plain http"),
        (&["apply", roster, "--yes", "--base-url", "nonsense"], "is no URL"),
        (&["apply", roster, "--yes", "--results", "/nowhere/x.csv"], "cannot be written"),
        (&["apply", roster, "--yes", "--results", "x.txt"], "no known format"),
        (&["apply", roster, "--yes", "--profile", "prod"], "there is no profile `prod`"),
        (&["apply", roster, "--yes", "--rate", "fast"], "is no rate"),
        (&["apply", roster, "--yes", "--jitter", "some"], "is not one of"),
    ];
    for (args, expected) in table {
        let ran = world.run(args);
        assert_eq!(ran.code, 2, "{args:?} {ran:?}");
        assert!(ran.stderr.contains(expected), "{args:?}\n{}", ran.stderr);
    }
    let mut command = world.paceline();
    command.env_remove("GENESYS_CLIENT_SECRET").args(["apply", roster, "--yes"]);
    let ran = Ran::from(command.output().unwrap());
    assert!(
        ran.code == 2 && ran.stderr.contains("GENESYS_CLIENT_SECRET or GENESYSCLOUD_OAUTHCLIENT_SECRET"),
        "{ran:?}"
    );
    let mut command = world.paceline();
    command.env_remove("PACELINE_BASE_URL").args(["apply", roster, "--yes", "--region", "eu-centrl-1"]);
    let ran = Ran::from(command.output().unwrap());
    assert!(ran.code == 2 && ran.stderr.contains("did you mean `eu-central-1`?"), "{ran:?}");
    assert_eq!(world.sandbox().books().tokens, 0);
}

#[test]
fn a_host_that_is_not_there_halts_with_a_hint_soon() {
    let world = world();
    let roster = world.roster();
    let args = ["apply", roster.to_str().unwrap(), "--yes", "--base-url", "http://127.0.0.1:9", "--base-delay", "0.1"];
    let ran = world.run(&args);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stdout.contains("cannot be reached") && ran.stdout.contains("--auth-url"), "{ran:?}");
}

#[test]
fn a_token_endpoint_that_answers_html_is_no_token_endpoint() {
    let world = world();
    let roster = world.roster();
    let auth_url = format!("{}/sandbox/page", world.url());
    let ran = world.run(&["apply", roster.to_str().unwrap(), "--yes", "--auth-url", &auth_url]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stdout.contains("HTML page") && ran.stdout.contains("--auth-url"), "{ran:?}");
}

#[test]
fn a_profile_gives_what_is_not_typed() {
    let world = world();
    world.write("secret", "sandbox-secret\n");
    let config = format!(
        "[profile.test]\nbase_url = \"{}\"\nclient_id = \"sandbox-client\"\nclient_secret_file = \"secret\"\nrate = \"500/1\"\n",
        world.url()
    );
    world.write("paceline.toml", config);
    let run = || {
        let roster = world.roster();
        let mut command = world.paceline();
        for name in ["PACELINE_BASE_URL", "GENESYS_CLIENT_ID", "GENESYS_CLIENT_SECRET"] {
            command.env_remove(name);
        }
        command.args(["apply", roster.to_str().unwrap(), "--yes", "--profile", "test"]);
        Ran::from(command.output().unwrap())
    };
    let ran = run();
    assert!(ran.code == 2 && ran.stderr.contains("chmod 600"), "others can read the secret: {ran:?}");
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(world.dir.path().join("secret"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(run().code, 0);
}
