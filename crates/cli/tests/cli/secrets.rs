//! Secrets stay secret: they go where the command line says and nowhere else, and nothing tells them.

use crate::fake::Fake;
use crate::world::{Ran, World};
use paceline_sandbox::Options;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

const SECRET: &str = "S3CRET/of=the-client";
const TOKEN: &str = "tok-0123456789";

fn world() -> World {
    World::new(Options { users: 3, limit: None, ..Options::default() })
}

/// The binary with credentials and nothing else: no address, and whatever leaves this machine meets a closed door.
fn bare(world: &World) -> Command {
    let mut command = world.paceline();
    command.env_remove("PACELINE_BASE_URL").env("GENESYS_CLIENT_SECRET", SECRET);
    command.env("HTTPS_PROXY", "http://127.0.0.1:9").env("PACELINE_BASE_DELAY", "0.01");
    command
}

fn run(command: &mut Command, args: &[&str]) -> Ran {
    Ran::from(command.args(args).output().unwrap())
}

/// All that a run leaves, and all that it says.
fn everything(world: &World, ran: &Ran) -> String {
    let mut told = format!("{}{}", ran.stdout, ran.stderr);
    let mut dirs = vec![world.dir.path().to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                told += &String::from_utf8_lossy(&std::fs::read(path).unwrap());
            }
        }
    }
    told
}

#[test]
fn a_broken_configuration_is_told_by_line_and_key_and_never_by_what_stands_there() {
    let world = world();
    for (line, expected) in [
        (format!("client_secret = \"{SECRET}\""), "line 2, `client_secret`: is no key"),
        (format!("client_id = \"{SECRET}"), "line 2, `client_id`: is not TOML"),
        (format!("timeout = \"{SECRET}\""), "line 2, `timeout`: must be a number of seconds"),
        ("timeout = 0".to_owned(), "line 2, `timeout`: must be a number of seconds, more than 0"),
        ("tokens = 51".to_owned(), "line 2, `tokens`: must be a whole number from 1 to 50"),
    ] {
        world.write("paceline.toml", format!("[profile.default]\n{line}\n"));
        let ran = run(&mut bare(&world), &["auth", "test"]);
        assert!(ran.code == 2 && ran.stderr.contains(expected), "{line}: {ran:?}");
        assert!(!ran.stderr.contains(SECRET), "{ran:?}");
    }
}

#[test]
fn a_secret_that_stands_where_its_place_belongs_is_not_repeated() {
    let world = world();
    for (key, expected) in [
        ("client_secret_env", "`client_secret_env` names is not set"),
        ("client_secret_file", "`client_secret_file` names cannot be read"),
        ("client_secret_keyring", "cannot read the system's keyring"),
    ] {
        world.write("paceline.toml", format!("[profile.default]\nclient_id = \"a\"\n{key} = \"{SECRET}\"\n"));
        let mut command = bare(&world);
        let ran = run(command.env_remove("GENESYS_CLIENT_SECRET"), &["auth", "test", "--region", "eu-central-1"]);
        assert!(ran.code == 2 && ran.stderr.contains(expected) && !ran.stderr.contains("S3CRET"), "{ran:?}");
    }
}

/// What the profile, the command line and the environment say.
type Said<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

#[test]
fn credentials_go_where_the_command_line_says_whatever_the_profile_adds() {
    let world = world();
    let thief = Fake::new(|_| (500, String::new(), String::new()));
    let (url, auth) = (thief.url(), format!("auth_url = \"{}/oauth/token\"", thief.url()));
    let base = format!("base_url = \"{url}\"");
    let here = world.url();
    let table: [Said; 6] = [
        (&base, &["--region", "eu-central-1"], &[]),
        (&base, &[], &[("PACELINE_REGION", "eu-central-1")]),
        (&format!("region = \"eu-central-1\"\n{auth}"), &["--base-url", &here], &[]),
        (&auth, &[], &[("PACELINE_BASE_URL", &here)]),
        ("", &["--region", "eu-central-1"], &[("PACELINE_BASE_URL", &url)]),
        ("", &["--base-url", &here], &[("PACELINE_AUTH_URL", &url)]),
    ];
    for (profile, args, env) in table {
        world.write("paceline.toml", format!("[profile.default]\n{profile}\n"));
        let ran = run(bare(&world).envs(env.iter().copied()), &[&["auth", "test"], args].concat());
        assert_eq!(thief.requests(), Vec::<String>::new(), "{profile} {args:?} {env:?}");
        assert_eq!(ran.code, 3, "no other place lets this secret in: {ran:?}");
    }
    let ran = run(bare(&world).env("PACELINE_BASE_URL", &url), &["--region", "eu-central-1", "auth", "test"]);
    assert_eq!((ran.code, thief.requests().len()), (3, 0), "before the command's name too: {ran:?}");
    let ran = run(&mut bare(&world), &["auth", "test", "--region", "eu-central-1", "--base-url", &here]);
    assert!(ran.code == 2 && ran.stderr.contains("both a region and a base URL"), "{ran:?}");
}

#[test]
fn a_discovered_token_endpoint_in_clear_text_gets_nothing() {
    let world = world();
    let thief = Fake::new(|_| (200, String::new(), "{}".into()));
    let endpoint = format!("{{\"token_endpoint\":\"http://0.0.0.0:{}/token\"}}", thief.port());
    let issuer = Fake::new(move |_| (200, String::new(), endpoint.clone()));
    let names = ["NICE_CLIENT_ID", "NICE_CLIENT_SECRET", "NICE_ACCESS_KEY_ID", "NICE_ACCESS_KEY_SECRET"];
    let nice = names.map(|name| (name, SECRET));
    let ran = run(bare(&world).envs(nice), &["auth", "test", "--vendor", "nice", "--issuer", &issuer.url()]);
    assert!(ran.code == 3 && ran.stderr.contains("plain http"), "{ran:?}");
    assert_eq!((issuer.requests().len(), thief.requests().len()), (1, 0));
    for flag in ["--base-url", "--auth-url", "--issuer"] {
        let ran = run(bare(&world).envs(nice), &["auth", "test", "--vendor", "nice", flag, "http://0.0.0.0:1"]);
        assert!(ran.code == 2 && ran.stderr.contains("plain http"), "{flag} {ran:?}");
    }
}

#[test]
fn calls_to_this_machine_pass_no_proxy_however_it_is_spelt() {
    let world = world();
    let proxy = Fake::new(|_| (502, String::new(), String::new()));
    for url in [world.url().replace("http", "HTTP"), world.url().replace("127.0.0.1", "LOCALHOST")] {
        let mut command = world.paceline();
        command.env("HTTP_PROXY", proxy.url()).env("http_proxy", proxy.url()).env("ALL_PROXY", proxy.url());
        let ran = run(&mut command, &["auth", "test", "--base-url", &url]);
        assert_eq!((ran.code, proxy.requests().len()), (0, 0), "{url} {ran:?}");
    }
}

#[test]
fn what_a_token_endpoint_or_an_api_echoes_is_told_nowhere() {
    let echo = |request: &str| {
        let basic =
            request.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default().to_owned();
        let form = SECRET.replace('/', "%2F").replace('=', "%3D");
        let (json, token) = (SECRET.replace('/', "\\/"), TOKEN.replace('-', "\\u002d"));
        format!(
            "{{\"error\":\"invalid_client\",\"code\":\"c.{TOKEN}\",\"message\":\"{basic} {json} {token}\",\"error_description\":\"{form} {json} {basic}\"}}"
        )
    };
    let grants = format!("{{\"access_token\":\"{TOKEN}\",\"expires_in\":3600}}");
    for status in [200, 302, 400, 401, 403, 404, 500] {
        for at_sign_in in [true, false] {
            let (world, grants) = (world(), grants.clone());
            let roster = world.roster();
            let fake = Fake::new(move |request| {
                let headers =
                    format!("location: /?{TOKEN}\r\nininstant-id: {SECRET}\r\ninin-correlation-id: {TOKEN}\r\n");
                if request.starts_with("POST /oauth/token") && !at_sign_in {
                    (200, String::new(), grants.clone())
                } else {
                    (status, headers, echo(request))
                }
            });
            let args = [
                "apply",
                roster.to_str().unwrap(),
                "--yes",
                "--base-url",
                &fake.url(),
                "--max-retries",
                "0",
                "--results",
                "r.csv",
                "--report",
                "r.html",
                "--log-level",
                "trace",
            ];
            let ran = run(&mut bare(&world), &args);
            let told = everything(&world, &ran);
            let tokens = [TOKEN, "tok\\u002d"].into_iter().filter(|_| !at_sign_in);
            let spelt = ["S3CRET", "U0NSRVQ", "M1NSRVQ"].into_iter().chain(tokens);
            let found: Vec<&str> = spelt.filter(|secret| told.contains(secret)).collect();
            assert!(found.is_empty(), "{status} at_sign_in={at_sign_in}: {found:?} {ran:?}");
            assert!(ran.code != 0 && !fake.requests().is_empty(), "{ran:?}");
        }
    }
}

#[test]
fn a_secrets_file_holds_a_secret_and_a_url_none() {
    let world = world();
    world
        .write("paceline.toml", "[profile.default]\nclient_id = \"sandbox-client\"\nclient_secret_file = \"secret\"\n");
    let run_with = |text: &str| {
        let path = world.write("secret", text);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut command = world.paceline();
        run(command.env_remove("GENESYS_CLIENT_SECRET"), &["auth", "test"])
    };
    assert_eq!(run_with("\u{feff}sandbox-secret\r\n").code, 0);
    for empty in ["", "\n", "\u{feff}", "  \n"] {
        let ran = run_with(empty);
        assert!(ran.code == 2 && ran.stderr.contains("is empty"), "{empty:?} {ran:?}");
    }
    for url in
        ["https://me:hunter2@host:99999", "https://me:hunter2@host", "http://hunter2@10.0.0.1", "me:hunter2@host"]
    {
        let ran = world.run(&["auth", "test", "--base-url", url]);
        assert!(ran.code == 2 && !ran.stderr.contains("hunter2"), "{ran:?}");
    }
}
