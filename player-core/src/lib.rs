//! player-core.
