//! One file a command. Each gives back facts; printing comes after.

pub(crate) mod apply;
pub(crate) mod ask;
pub(crate) mod auth;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod export;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod runs;
pub(crate) mod sandbox;
mod session;
pub(crate) mod undo;
pub(crate) mod work;
