//! A sandbox, a directory and the binary.

use paceline_sandbox::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, CLIENT_ID, CLIENT_SECRET, Limit, Options, RetryAfter, Sandbox, Served, Vendor,
    Window, serve,
};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::MutexGuard;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) struct World {
    pub(crate) dir: TempDir,
    vendor: Vendor,
    served: Served,
    _runtime: Runtime,
}

pub(crate) fn limit(calls: u32, window_s: f64, retry_after: RetryAfter) -> Option<Limit> {
    Some(Limit { calls, window_s, kind: Window::Fixed, retry_after })
}

/// A vendor's published description. Where it is not beside the project, the tests that need it are ignored, and say why;
/// in CI they are not.
pub(crate) fn description(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/spec").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("the published description {} cannot be read: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let vendor = options.vendor;
        let served = runtime.block_on(serve(options, 0, 1.0)).unwrap();
        Self { dir: tempfile::tempdir().unwrap(), vendor, served, _runtime: runtime }
    }

    pub(crate) fn sandbox(&self) -> MutexGuard<'_, Sandbox> {
        self.served.sandbox()
    }

    pub(crate) fn url(&self) -> String {
        self.served.url()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.sandbox().user_ids()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A roster that gives each of the tenant's users a new title.
    pub(crate) fn roster(&self) -> PathBuf {
        let rows: Vec<Value> = self
            .ids()
            .iter()
            .map(|id| serde_json::json!({"id": id, "updates": {"title": format!("Title of {id}")}}))
            .collect();
        self.write("roster.json", serde_json::to_string_pretty(&rows).unwrap())
    }

    /// The binary with the sandbox's address and credentials.
    pub(crate) fn paceline(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_paceline"));
        command
            .env_clear()
            .current_dir(self.dir.path())
            .env("HOME", self.dir.path())
            .env("PACELINE_STATE_DIR", self.dir.path().join("state"))
            .env("PACELINE_BASE_URL", self.url());
        match self.vendor {
            Vendor::Genesys => command.env("GENESYS_CLIENT_ID", CLIENT_ID).env("GENESYS_CLIENT_SECRET", CLIENT_SECRET),
            Vendor::Nice => command
                .env("PACELINE_VENDOR", "nice")
                .env("PACELINE_AUTH_URL", format!("{}/auth/token", self.url()))
                .env("NICE_CLIENT_ID", CLIENT_ID)
                .env("NICE_CLIENT_SECRET", CLIENT_SECRET)
                .env("NICE_ACCESS_KEY_ID", ACCESS_KEY_ID)
                .env("NICE_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET),
        };
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.paceline().args(args).output().unwrap())
    }

    /// `apply roster.json --yes --format json` and more arguments.
    pub(crate) fn apply(&self, args: &[&str]) -> Ran {
        let roster = self.roster();
        let mut all = vec!["apply", roster.to_str().unwrap(), "--yes", "--format", "json"];
        all.extend(args);
        self.run(&all)
    }

    pub(crate) fn titles_set(&self) -> usize {
        let sandbox = self.sandbox();
        let ids = sandbox.user_ids();
        ids.iter().filter(|id| sandbox.user(id).is_some_and(|user| user["title"] == format!("Title of {id}"))).count()
    }
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
