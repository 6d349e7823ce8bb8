//! Functions that were compiled before: of a core's next build only those that have changed are compiled, which takes its developers a
//! second instead of ten.
//!
//! Only in memory: what is kept here is run without a check, so nobody else may write it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use wasmtime::CacheStore;

/// Of each generation, bytes: several builds of today's core.
const MAX_BYTES: usize = 128 << 20;

/// What functions were compiled to, by a hash of all that this depends on (`cranelift_codegen::incremental_cache`).
#[derive(Debug, Default)]
pub(super) struct Functions(Mutex<Generations>);

/// What is not asked for in the lifetime of a generation is forgotten with it.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Vec<u8>, Vec<u8>>,
    old: HashMap<Vec<u8>, Vec<u8>>,
    young_bytes: usize,
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((key, code)) = kept.old.remove_entry(key) {
            kept.add(key, code);
        }
        kept.young.get(key).cloned().map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], code: Vec<u8>) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(key.to_vec(), code);
        true
    }
}

impl Functions {
    /// How many are kept.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.young.len() + kept.old.len()
    }
}

impl Generations {
    fn add(&mut self, key: Vec<u8>, code: Vec<u8>) {
        if self.young_bytes + code.len() > MAX_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += code.len();
        self.young.insert(key, code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_that_is_asked_for_stays_and_another_is_forgotten_in_time() {
        let kept = Functions::default();
        let large = vec![1; MAX_BYTES / 2];
        assert!(kept.insert(b"asked", vec![7]) && kept.insert(b"not asked", vec![8]));
        for n in 0..8_u8 {
            kept.insert(&[n], large.clone());
            assert_eq!(kept.get(b"asked").as_deref(), Some(&[7][..]), "after {n}");
        }
        assert_eq!(kept.get(b"not asked"), None);
        assert!(kept.get(&[7]).is_some());
        let generations = kept.0.into_inner().expect("nobody failed with it");
        assert!(generations.young_bytes <= MAX_BYTES && generations.old.len() + generations.young.len() < 6);
    }
}
