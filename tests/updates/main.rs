//! Updates of the core against a real HTTP server: what attackers on the way and on the server can do (the list of The Update Framework's
//! specification, section 1.5.2, and of its reference implementation's tests), wrong clocks, broken transfers. The outcome is always that the
//! device keeps what it has and says why.
//!
//! Time is what the tests say it is, on the device's wall clock and on the network's.

mod attacks;
mod clocks;
mod commands;
mod devices;
mod downloads;
mod https;
mod registry;
mod releases;
mod server;
mod world;
