//! Where a vendor's words are, and where they are not: what CONTRIBUTING.md says of a third one stays true.

use std::path::{Path, PathBuf};

#[test]
fn every_vendor_says_the_same_in_files_of_the_same_names() {
    const WORDS: [(&str, &str); 8] = [
        ("mod", "impl Vendor for"),
        ("fields", "TABLE: Table"),
        ("limits", "Limit::"),
        ("sign_in", "impl SignIn for"),
        ("directory", "impl Directory for"),
        ("reads", "impl Reads for"),
        ("writes", "impl Writes for"),
        ("answers", "impl Answers for"),
    ];
    for name in paceline_vendors::NAMES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
        for (file, holds) in WORDS {
            let text = std::fs::read_to_string(folder.join(file).with_extension("rs")).unwrap();
            assert!(text.contains(holds), "{name}/{file}.rs: no `{holds}`");
        }
    }
}

/// The sources below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(of).filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn no_other_crate_decides_by_a_vendors_name() {
    for krate in ["core", "journal", "engine", "cli"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(krate).join("src");
        for path in sources(&folder) {
            let text = std::fs::read_to_string(&path).unwrap();
            let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
            for line in shipped.lines().filter(|line| !line.trim_start().starts_with("//")) {
                for name in paceline_vendors::NAMES {
                    let names = [format!("\"{name}\""), format!("Vendor::{name}")];
                    let is_named = names.iter().any(|name| line.to_lowercase().contains(&name.to_lowercase()));
                    assert!(!is_named, "{}: {line}", path.display());
                }
            }
        }
    }
}
