//! The retained layers and how a commit changes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decode::{Malformed, decode_sized};
use crate::model::{Layer, Node};

/// The shim's monotonic clock, microseconds.
pub type HostUs = u64;

/// Nodes that all retained layers together may hold: a screen uses some hundreds.
pub const MAX_NODES: usize = 16_384;
/// Packed size that all retained layers together may have. Unpacked they take at most some six times that.
pub const MAX_BYTES: usize = 4 << 20;
/// Videos a list may show.
pub const MAX_VIDEOS: usize = 2;

/// Why a commit changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyError {
    /// `base` is not the generation held here.
    WrongBase {
        /// The generation held here.
        current: u64,
    },
    /// The patch cannot be understood, or the list it makes is impossible.
    Malformed(Malformed),
    /// The list would exceed [`MAX_NODES`] or [`MAX_BYTES`].
    TooLarge,
}

impl std::fmt::Display for ApplyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ApplyError::WrongBase { current } => write!(f, "the display list is at generation {current}"),
            ApplyError::Malformed(why) => why.fmt(f),
            ApplyError::TooLarge => f.write_str("display list is too large"),
        }
    }
}

impl std::error::Error for ApplyError {}

impl From<Malformed> for ApplyError {
    fn from(why: Malformed) -> Self {
        ApplyError::Malformed(why)
    }
}

/// The layers a shim shows.
#[derive(Debug, Clone, Default)]
pub struct List {
    generation: u64,
    /// In drawing order.
    layers: Vec<Arc<Held>>,
}

/// A layer with what it weighs.
#[derive(Debug)]
struct Held {
    layer: Layer,
    nodes: usize,
    bytes: usize,
}

impl List {
    /// The generation last committed; 0 before any.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Replaces the layers that `patch` names, making generation `next`; base 0 replaces everything. Whole or not at all.
    pub fn apply(&mut self, base: u64, next: u64, patch: &[u8]) -> Result<(), ApplyError> {
        if base != 0 && base != self.generation {
            return Err(ApplyError::WrongBase { current: self.generation });
        }
        if patch.len() > MAX_BYTES {
            return Err(ApplyError::TooLarge);
        }
        let mut merged: BTreeMap<u32, Arc<Held>> = BTreeMap::new();
        for (layer, bytes) in decode_sized(patch)? {
            let nodes = count(&layer.nodes);
            if merged.insert(layer.id, Arc::new(Held { layer, nodes, bytes })).is_some() {
                return Err(Malformed::Structure.into());
            }
        }
        if base != 0 {
            for held in &self.layers {
                merged.entry(held.layer.id).or_insert_with(|| held.clone());
            }
        }
        let mut layers: Vec<Arc<Held>> = merged.into_values().collect();
        layers.retain(|held| !held.layer.nodes.is_empty());
        layers.sort_by_key(|held| (held.layer.z, held.layer.id));
        let total = |weigh: fn(&Held) -> usize| layers.iter().map(|held| weigh(held)).sum::<usize>();
        if total(|held| held.nodes) > MAX_NODES || total(|held| held.bytes) > MAX_BYTES {
            return Err(ApplyError::TooLarge);
        }
        check_videos(layers.iter().flat_map(|held| &held.layer.nodes))?;
        (self.generation, self.layers) = (next, layers);
        Ok(())
    }

    /// The layers in drawing order.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        self.layers.iter().map(|held| &held.layer)
    }
}

fn count(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| 1 + if let Node::Group(group) = node { count(&group.children) } else { 0 }).sum()
}

/// A hardware plane lies under everything: videos come before anything else.
fn check_videos<'a>(nodes: impl Iterator<Item = &'a Node>) -> Result<(), Malformed> {
    let (mut videos, mut others) = (0, false);
    for node in nodes {
        match node {
            Node::Video(_) if others || videos == MAX_VIDEOS => return Err(Malformed::Structure),
            Node::Video(_) => videos += 1,
            _ => others = true,
        }
    }
    Ok(())
}
