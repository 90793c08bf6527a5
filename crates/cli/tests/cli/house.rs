//! The walls between the crates, as `cargo metadata` tells them (ARCHITECTURE.md).

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Who may use whom, beyond tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("sandbox", &[]),
    ("vendors", &["core"]),
    ("journal", &["core"]),
    ("files", &["core"]),
    ("engine", &["core", "journal"]),
    ("cli", &["core", "engine", "files", "journal", "sandbox", "vendors"]),
];

/// What `core` may never have: whatever opens a socket, waits or runs tasks.
const NOT_IN_CORE: &[&str] = &["tokio", "reqwest", "hyper", "rusqlite", "clap", "mio", "socket2", "futures"];

fn metadata() -> Value {
    let cargo = std::env!("CARGO");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let told = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path", manifest])
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).unwrap()
}

/// A package by its folder: the binary's is called `paceline` alone.
fn short(name: &str) -> Option<&str> {
    if name == "paceline" { Some("cli") } else { name.strip_prefix("paceline-") }
}

/// What each package depends on, but for its tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let told = metadata();
    let packages = told["packages"].as_array().unwrap();
    let one = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let real = dependencies.filter(|dependency| dependency["kind"] != "dev");
        let names = real.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect();
        (short(package["name"].as_str().unwrap()).unwrap().to_owned(), names)
    };
    packages.iter().map(one).collect()
}

#[test]
fn crates_use_each_other_only_along_the_arrows() {
    let found: BTreeMap<String, BTreeSet<String>> = dependencies()
        .into_iter()
        .map(|(name, all)| (name, all.iter().filter_map(|other| short(other).map(str::to_owned)).collect()))
        .collect();
    let drawn: BTreeMap<String, BTreeSet<String>> = ARROWS
        .iter()
        .map(|(name, all)| ((*name).to_owned(), all.iter().map(|other| (*other).to_owned()).collect()))
        .collect();
    assert_eq!(found, drawn);
}

#[test]
fn core_has_nothing_that_opens_a_socket_waits_or_runs_tasks() {
    let core = &dependencies()["core"];
    let wrong: Vec<&&str> = NOT_IN_CORE.iter().filter(|name| core.contains(**name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
