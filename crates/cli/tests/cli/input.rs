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
