//! How much goes in one call, and who says so.

/// How many of something a call takes. A vendor's `limits.rs` holds all of its own; each is made with its source, which
/// is there for whoever checks the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// The most that is asked for at once.
    pub(crate) most: usize,
    /// Whether the vendor publishes it. Where it does not, a call that is refused may be too wide: it is halved before
    /// anybody is blamed.
    pub(crate) is_published: bool,
}

impl Limit {
    /// One that the vendor publishes, and where.
    pub(crate) const fn published(most: usize, _source: &'static str) -> Self {
        Self { most, is_published: true }
    }

    /// Our own, where none is published, and why it is this one.
    pub(crate) const fn ours(most: usize, _reason: &'static str) -> Self {
        Self { most, is_published: false }
    }
}
