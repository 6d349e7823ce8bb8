//! Between the component and its imports: passes calls on, writes them down, or answers them from a trace.

use std::collections::VecDeque;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Import, Value, encode};

/// Where an instance's import calls go.
pub(crate) enum Tap {
    /// To the shim.
    Live,
    /// To the shim, and into the record of the call in progress.
    Recording(Vec<Import>),
    /// Nowhere: answered as recorded.
    Replaying(Expected),
}

/// What is left of the imports of the call being replayed.
#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) imports: VecDeque<Import>,
    /// How many have been answered.
    pub(crate) answered: usize,
    /// What differed, once something has.
    pub(crate) difference: Option<String>,
}

/// Arguments of an import call, as they are recorded.
pub(crate) struct Args(Vec<Value>);

impl Args {
    pub(crate) fn add(&mut self, value: &impl Serialize) {
        self.0.push(Value::of(value));
    }
}

impl Tap {
    /// Before an import runs: `None` if it is to run, its recorded result if not; an error, which traps, if the trace has another call here.
    pub(crate) fn begin<R: DeserializeOwned>(
        &mut self,
        function: &str,
        args: impl FnOnce(&mut Args),
        describe: fn(&str, &[Value]) -> String,
    ) -> wasmtime::Result<Option<R>> {
        let collected = || {
            let mut collected = Args(Vec::new());
            args(&mut collected);
            collected.0
        };
        match self {
            Tap::Live => Ok(None),
            Tap::Recording(imports) => {
                let args = collected();
                imports.push(Import { function: function.to_owned(), args, result: Vec::new() });
                Ok(None)
            }
            Tap::Replaying(expected) => {
                let got = describe(function, &collected());
                let (wanted, result) = match expected.imports.pop_front() {
                    None => ("the end of the call".to_owned(), None),
                    Some(import) => {
                        (describe(&import.function, &import.args), postcard::from_bytes(&import.result).ok())
                    }
                };
                if wanted == got && result.is_some() {
                    expected.answered += 1;
                    return Ok(result);
                }
                let at = expected.answered + 1;
                expected.difference = Some(format!("import {at}\n  expected {wanted}\n  got      {got}"));
                Err(wasmtime::Error::msg("the call differs from the trace"))
            }
        }
    }

    /// After an import has run.
    pub(crate) fn end(&mut self, result: &impl Serialize) {
        if let Tap::Recording(imports) = self
            && let Some(import) = imports.last_mut()
        {
            import.result = encode(result);
        }
    }
}
