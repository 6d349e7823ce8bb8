//! `storage`. The driver ends the process after `kill`, and runs the check again on the same store.

use kinora_guests::bindings::exports::kinora::shim::player::Event;
use kinora_guests::bindings::kinora::shim::types::NextStep;

use crate::api::storage;
use crate::report::{Stop, Verdict, must, say};
use crate::running::{event, next_call, run, sleep};

type Batch = Vec<(String, Option<Vec<u8>>)>;

fn set(pairs: &[(&str, &[u8])]) -> Batch {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), Some(value.to_vec()))).collect()
}

/// Waits for the answer of a batch; the code of its failure.
async fn stored(ticket: u64) -> Result<Option<u32>, Stop> {
    let answer = event(5_000_000, |event| match event {
        Event::Stored((t, failure)) if *t == ticket => Some(failure.clone()),
        _ => None,
    });
    match answer.await {
        Some(Some(failure)) if failure.next == NextStep::Unsupported => {
            Err(Stop::NotOffered("storage".into()))
        }
        Some(failure) => Ok(failure.map(|failure| failure.code)),
        None => Err("no `stored` came for a batch".into()),
    }
}

/// Goes on where anything can be kept.
async fn offered() -> Verdict {
    let ticket = storage::apply(&[]).map_err(|e| e.message)?;
    must(stored(ticket).await?.is_none(), "a batch of nothing can be stored")
}

/// Ends with the process: what comes after would change what is tested.
fn die() -> ! {
    say("kill");
    loop {
        std::hint::black_box(());
    }
}

/// A batch is seen whole from the next call on; one that is too large changes nothing.
pub(crate) async fn get_landed() -> Verdict {
    offered().await?;
    let ticket = storage::apply(&set(&[("a", b"1"), ("b", b"2")])).map_err(|e| e.message)?;
    next_call().await;
    must(storage::get("a").as_deref() == Some(b"1"), "a batch is seen in the next call")?;
    must(storage::get("b").as_deref() == Some(b"2"), "a batch is seen whole")?;
    must(stored(ticket).await?.is_none(), "a small batch can be stored")?;

    storage::apply(&[("a".into(), None), ("b".into(), Some(b"3".to_vec()))]).map_err(|e| e.message)?;
    next_call().await;
    must(storage::get("a").is_none() && storage::get("b").as_deref() == Some(b"3"), "a removal is seen")?;
    must(storage::get("c").is_none(), "a key never set has no value")?;

    let large = storage::apply(&[("b".into(), None), ("large".into(), Some(vec![7; (1 << 20) + 1]))]);
    let refused = large.is_err_and(|e| e.next == NextStep::TellUser && e.code == 3);
    must(refused, "a batch beyond 1 MiB fails with `tell-user` code 3")?;
    let first = storage::apply(&[("half".into(), Some(vec![7; 600 << 10]))]).map_err(|e| e.message)?;
    must(stored(first).await?.is_none(), "600 KiB can be stored")?;
    let second = storage::apply(&[("half 2".into(), Some(vec![7; 600 << 10]))]).map_err(|e| e.message)?;
    must(stored(second).await? == Some(3), "a store beyond 1 MiB fails in `stored` with code 3")?;
    must(storage::get("b").as_deref() == Some(b"3"), "what is refused changes nothing")
}

/// Keys with a prefix, once each, in byte order.
pub(crate) async fn keys_order() -> Verdict {
    offered().await?;
    let keys = ["k/b", "k/a", "k/\u{e9}", "k/z", "k", "l/a", "k/B", "k/ab", "k/\u{1f600}"];
    let pairs: Vec<(&str, &[u8])> = keys.iter().map(|key| (*key, &b"x"[..])).collect();
    storage::apply(&set(&pairs)).map_err(|e| e.message)?;
    storage::apply(&set(&pairs[..3])).map_err(|e| e.message)?;
    next_call().await;
    let mut expected: Vec<String> =
        keys.iter().filter(|key| key.starts_with("k/")).map(|key| (*key).to_owned()).collect();
    expected.sort_unstable();
    let found = storage::keys("k/");
    must(found == expected, format!("keys came as {found:?}"))?;
    must(storage::keys("none").is_empty(), "a prefix nobody has finds nothing")
}

/// Batches of three keys that belong together; the process ends in the middle of one.
pub(crate) async fn apply_atomic() -> Verdict {
    let all = || ["one", "two", "three"].map(storage::get);
    if run() > 1 {
        let [one, two, three] = all();
        must(one.is_some(), "what was stored before is there")?;
        return must(one == two && two == three, "after the end of the process a batch is there in part");
    }
    let batch = |n: u8| {
        let value = vec![n; 100 << 10];
        set(&[("one", &value), ("two", &value), ("three", &value)])
    };
    let ticket = storage::apply(&batch(1)).map_err(|e| e.message)?;
    must(stored(ticket).await?.is_none(), "the first batch can be stored")?;
    storage::apply(&batch(2)).map_err(|e| e.message)?;
    next_call().await;
    die()
}

/// What was reported as stored is there after the end of the process.
pub(crate) async fn stored_durable() -> Verdict {
    if run() > 1 {
        return must(storage::get("kept").as_deref() == Some(b"yes"), "what was `stored` is gone");
    }
    sleep(100_000).await;
    let ticket = storage::apply(&set(&[("kept", b"yes")])).map_err(|e| e.message)?;
    must(stored(ticket).await?.is_none(), "it can be stored")?;
    die()
}
