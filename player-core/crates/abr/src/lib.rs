//! Adaptation: how fast the network is, and which variant to fetch next.
//!
//! Pure functions of what they are given, in whole bits a second and microseconds, so that the player and a simulator over recorded
//! networks take the same decisions.

mod choose;
mod throughput;

pub use choose::{Buffer, choose};
pub use throughput::Throughput;
