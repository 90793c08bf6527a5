//! Says whether the vendors' published descriptions are beside the project, so that the tests against them are run or are
//! named as ignored. In CI they are never ignored.

use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "a build script is told by the environment")]
fn main() {
    println!("cargo::rustc-check-cfg=cfg(published)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CI");
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/spec").is_dir();
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    if beside || is_ci {
        println!("cargo::rustc-cfg=published");
    }
}
