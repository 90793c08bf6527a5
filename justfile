# The chores, all of them. `just check` is what CI runs.

# everything that CI checks
check:
    bash .ci/run

# the README's first command
demo:
    cargo run --release -- demo

# the README's second command
test:
    cargo test --workspace

fmt:
    cargo fmt --all

# licences, duplicate versions and advisories: needs `cargo install cargo-deny`
deny:
    cargo deny check
