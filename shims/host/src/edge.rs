//! What may stand between a core and its shim. Nothing does in a product; the reference shim puts the mistakes there that the conformance
//! kit must catch, so that nothing behind the boundary knows of them.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use crate::trace::Export;

/// Sees every call that crosses the boundary and may change it. Called on the core's thread.
pub trait Edge: Send {
    /// A call about to be made of the core; it stays a call of the same export. Answers with calls to be made before it, whose answers are
    /// dropped.
    fn export(&mut self, _call: &mut Export) -> Vec<Export> {
        Vec::new()
    }

    /// An import (`INTERFACE.FUNCTION`, with `_` for `-`) about to be carried out. `args` are of the types in [`bindings`](crate::bindings), in their order. An
    /// answer (of the function's own type) takes the place of the shim's.
    fn import(&mut self, _function: &str, _args: &mut [&mut dyn Any]) -> Option<Box<dyn Any>> {
        None
    }

    /// What the shim answered, on its way to the core.
    fn answer(&mut self, _function: &str, _result: &mut dyn Any) {}
}

/// An edge as the player and its instances share it.
#[derive(Clone)]
pub(crate) struct SharedEdge(Arc<Mutex<Box<dyn Edge>>>);

impl SharedEdge {
    pub(crate) fn new(edge: Box<dyn Edge>) -> Self {
        SharedEdge(Arc::new(Mutex::new(edge)))
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn Edge>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn export(&self, call: &mut Export) -> Vec<Export> {
        self.lock().export(call)
    }

    pub(crate) fn import<R: 'static>(&self, function: &str, args: &mut [&mut dyn Any]) -> Option<R> {
        let answer = self.lock().import(function, args)?;
        Some(*answer.downcast().expect("an edge answers with the function's own type"))
    }

    pub(crate) fn answer(&self, function: &str, result: &mut dyn Any) {
        self.lock().answer(function, result);
    }
}
