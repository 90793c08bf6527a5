//! Pretended people, and chance with a seed.

use serde_json::{Value, json};

/// A number that looks like chance (splitmix64).
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Repeatable draws.
#[derive(Debug, Clone)]
pub(crate) struct Chance {
    state: u64,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: mix(seed) }
    }

    /// Uniform in `0.0..1.0`.
    pub(crate) fn draw(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mix(self.state) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// An id as the vendor's look.
pub(crate) fn uuid(seed: u64, kind: u64, number: u64) -> String {
    let (a, b) = (mix(seed ^ (kind << 56) ^ number), mix(seed ^ (kind << 56) ^ number ^ 0xffff_0000_0000));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

const FIRST: &[&str] =
    &["Ada", "Björn", "Chipo", "Dana", "Emre", "Fatima", "Goran", "Hana", "Ines", "Jun", "Kofi", "Lúcia"];
const LAST: &[&str] =
    &["Adeyemi", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Haddad", "Ito", "Jensen"];
const TITLES: &[&str] = &["Agent", "Senior Agent", "Team Lead", "Trainer"];
const DEPARTMENTS: &[&str] = &["Sales", "Service", "Billing", "Retention"];

/// User number `number` of a tenant.
pub(crate) fn user(seed: u64, number: usize) -> Value {
    let draw =
        |what: u64, of: &[&str]| of[(mix(seed ^ (what << 40) ^ number as u64) % of.len() as u64) as usize].to_owned();
    let (first, last) = (draw(1, FIRST), draw(2, LAST));
    json!({
        "id": uuid(seed, 1, number as u64),
        "name": format!("{first} {last}"),
        "email": format!("user{number}@example.com"),
        "username": format!("user{number}@example.com"),
        "title": draw(3, TITLES),
        "department": draw(4, DEPARTMENTS),
        "state": "active",
        "acdAutoAnswer": false,
        "version": 1 + mix(seed ^ number as u64) % 40,
    })
}
