//! The walls between the crates, as `cargo metadata` tells them (ARCHITECTURE.md).

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
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

/// Words that DESIGN.md's glossary has another one for, and that no library of ours uses.
const NOT_OUR_WORDS: &[&str] =
    &["hunt", "guilty", "acquit", "lane", "lanes", "job", "jobs", "cooldown", "reconcile", "preview", "backup"];

#[test]
fn one_idea_has_one_word() {
    let mut wrong = vec![];
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("cli/house.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let is_wrong =
                    |(_, line): &(usize, &str)| words(line).any(|word| NOT_OUR_WORDS.contains(&word.as_str()));
                let lines = text.lines().enumerate().filter(is_wrong);
                wrong.extend(lines.map(|(at, line)| format!("{}:{}: {}", path.display(), at + 1, line.trim())));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The words of a line's code, not of its texts and comments: `read_ahead` and `ReadAhead` are two.
fn words(line: &str) -> impl Iterator<Item = String> {
    let code: String = line.split('"').step_by(2).collect();
    let mut spaced = String::new();
    for character in code.split("//").next().unwrap_or_default().chars() {
        if character.is_uppercase() || !character.is_alphanumeric() {
            spaced.push(' ');
        }
        spaced.extend(character.to_lowercase());
    }
    spaced.split(|character: char| !character.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>().into_iter()
}
