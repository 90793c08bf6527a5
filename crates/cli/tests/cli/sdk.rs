//! The vendor's own Python SDK against `paceline sandbox`: what it cannot do there, the sandbox does wrong.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The version that the test was written against: a newer one is taken by hand.
const SDK: &str = "PureCloudPlatformClientV2==269.0.0";

/// What pip says where there is no way to the index.
const UNREACHABLE: &[&str] = &[
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "NameResolutionError",
    "Could not fetch URL",
    "Network is unreachable",
];

struct Sandbox(Child);

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `paceline sandbox` on a free port, and says where it is.
fn sandbox(args: &[&str]) -> (Sandbox, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paceline"));
    command.env_clear().arg("sandbox").args(args).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    (Sandbox(child), url.trim_end_matches(';').to_owned())
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A Python that has the SDK, or why there is none.
fn python_with_sdk() -> Result<PathBuf, String> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("official-sdk");
    let python = dir.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let has_it = |python: &Path| {
        let asked = Command::new(python).args(["-c", "import PureCloudPlatformClientV2"]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    if has_it(&python) {
        return Ok(python);
    }
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&dir).output();
    match made {
        Err(error) => return Err(format!("python3 cannot be run: {error}")),
        Ok(output) if !output.status.success() => return Err(format!("python3 makes no venv: {}", text(&output))),
        Ok(_) => {}
    }
    let pip =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "20", SDK];
    let output = Command::new(&python).args(pip).output().map_err(|error| error.to_string())?;
    if output.status.success() && has_it(&python) {
        return Ok(python);
    }
    let told = text(&output);
    let reachable = !UNREACHABLE.iter().any(|sign| told.contains(sign));
    assert!(!(is_ci() && reachable), "pip is there and does not install {SDK}: {told}");
    Err(format!("{SDK} cannot be had: {told}"))
}

#[expect(clippy::disallowed_methods, reason = "the test is told by the environment")]
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true")
}

#[test]
fn the_vendors_own_sdk_works_against_the_sandbox() {
    let python = match python_with_sdk() {
        Ok(python) => python,
        Err(why) => {
            // Past the harness, which keeps what a passing test prints to itself.
            let _ = writeln!(std::io::stderr(), "SKIPPED sdk::the_vendors_own_sdk_works_against_the_sandbox: {why}");
            return;
        }
    };
    let (_sandbox, url) = sandbox(&["--users", "60", "--limit", "none"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/official_sdk.py");
    let output = Command::new(python)
        .arg(script)
        .args([&url, paceline_sandbox::CLIENT_ID, paceline_sandbox::CLIENT_SECRET])
        .output()
        .unwrap();
    let told = text(&output);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("Ran 17 tests") && !told.contains("skipped"), "{told}");
}

#[test]
fn the_sandboxs_help_names_every_fault_and_takes_it() {
    let run = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_paceline")).env_clear().args(args).output().unwrap();
    let help = text(&run(&["sandbox", "--help"]));
    for odd in paceline_sandbox::Odd::ALL {
        assert!(help.contains(odd.name()), "{}", odd.name());
    }
    assert!(help.contains("error_500=CHANCE") && help.contains("nice.batch_cap=N"), "{help}");
    let refused = run(&["sandbox", "--fault", "htlm_write"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused).contains("`htlm_write` is no fault of the sandbox"), "{}", text(&refused));
    let (_sandbox, url) =
        sandbox(&["--users", "1", "--fault", "omit=skills@GET /api/v2/users", "--fault", "late_members=2"]);
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
}
