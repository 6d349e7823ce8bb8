//! The store over real files: what comes back after every kind of end.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use kinora_port::{Next, Storage, code};
use kinora_store::FileStorage;

/// A folder that goes away with its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("kinora-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn slot(&self, slot: usize) -> PathBuf {
        self.0.join(format!("store.{slot}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

type Batch = Vec<(String, Option<Vec<u8>>)>;

fn set(entries: &[(&str, &str)]) -> Batch {
    entries.iter().map(|(key, value)| ((*key).to_owned(), Some(value.as_bytes().to_vec()))).collect()
}

/// Applies batches, each durable before the next, as a process of its own would.
fn write(folder: &Path, batches: &[Batch]) {
    let mut store = FileStorage::open(folder);
    for (ticket, batch) in batches.iter().enumerate() {
        store.apply(ticket as u64, batch.clone()).unwrap();
        store.flush();
        assert_eq!(store.poll(), [(ticket as u64, None)]);
    }
}

fn contents(folder: &Path) -> (Vec<(String, Vec<u8>)>, bool) {
    let store = FileStorage::open(folder);
    let entries = store.keys("").into_iter().map(|key| {
        let value = store.get(&key).unwrap().to_vec();
        (key, value)
    });
    (entries.collect(), store.notice().is_some())
}

#[test]
fn store_opened_again_has_what_was_durable() {
    let folder = Folder::new();
    let remove = vec![("b".to_owned(), None)];
    write(&folder.0, &[set(&[("a", "1"), ("b", "2"), ("c.d", "3")]), remove, set(&[("c.e", "4")])]);
    let store = FileStorage::open(&folder.0);
    assert_eq!(store.keys(""), ["a", "c.d", "c.e"]);
    assert_eq!(store.keys("c."), ["c.d", "c.e"]);
    assert_eq!(store.get("c.e"), Some(&b"4"[..]));
    assert_eq!(store.notice(), None);
}

#[test]
fn store_dropped_without_flush_keeps_what_was_applied() {
    let folder = Folder::new();
    let mut store = FileStorage::open(&folder.0);
    for ticket in 0..50 {
        store.apply(ticket, set(&[("n", &ticket.to_string())])).unwrap();
    }
    drop(store);
    assert_eq!(contents(&folder.0).0, [("n".to_owned(), b"49".to_vec())]);
}

#[test]
fn tickets_of_many_batches_are_each_reported_once_in_order() {
    let folder = Folder::new();
    let mut store = FileStorage::open(&folder.0);
    let mut done = Vec::new();
    for ticket in 0..200 {
        store.apply(ticket, set(&[("n", &ticket.to_string())])).unwrap();
        done.extend(store.poll());
    }
    store.flush();
    done.extend(store.poll());
    let expected: Vec<_> = (0..200).map(|ticket| (ticket, None)).collect();
    assert_eq!(done, expected);
}

#[test]
fn write_cut_at_any_byte_keeps_all_of_the_batch_or_none() {
    let folder = Folder::new();
    let batches = [set(&[("a", "first"), ("x", "1")]), set(&[("a", "second"), ("x", "2")])];
    write(&folder.0, &batches);
    let before = [std::fs::read(folder.slot(0)).unwrap(), std::fs::read(folder.slot(1)).unwrap()];
    let old = contents(&folder.0).0;
    write(&folder.0, &[set(&[("a", "third and longer than the others"), ("x", "3")])]);
    let new = contents(&folder.0).0;
    let after = [std::fs::read(folder.slot(0)).unwrap(), std::fs::read(folder.slot(1)).unwrap()];
    let slot = usize::from(before[1] != after[1]);
    assert_eq!(before[1 - slot], after[1 - slot], "the last good copy is not touched");

    let (torn, whole) = (&before[slot], &after[slot]);
    for cut in 0..=whole.len() {
        // The rest of the slot is what it was, or zeros where the file grew before its bytes came.
        for zeros in [false, true] {
            let mut bytes = whole[..cut].to_vec();
            if zeros {
                bytes.resize(whole.len(), 0);
            } else {
                bytes.extend(torn.get(cut..).unwrap_or_default());
            }
            std::fs::write(folder.slot(slot), &bytes).unwrap();
            let (found, _) = contents(&folder.0);
            let complete = cut == whole.len() || bytes == *whole;
            assert_eq!(found, if complete { new.clone() } else { old.clone() }, "cut at {cut}");
        }
    }
    // And the store that comes after a cut writes on.
    std::fs::write(folder.slot(slot), &whole[..10]).unwrap();
    write(&folder.0, &[set(&[("x", "4")])]);
    assert_eq!(contents(&folder.0).0[1].1, b"4");
}

#[test]
fn damage_to_the_newest_copy_falls_back_and_says_so() {
    let folder = Folder::new();
    write(&folder.0, &[set(&[("a", "1")]), set(&[("a", "2")])]);
    let newest = (0..2).find(|&slot| std::fs::read(folder.slot(slot)).unwrap().ends_with(b"2")).unwrap();
    let mut bytes = std::fs::read(folder.slot(newest)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(folder.slot(newest), &bytes).unwrap();
    assert_eq!(contents(&folder.0), (vec![("a".to_owned(), b"1".to_vec())], true));
    for slot in 0..2 {
        std::fs::write(folder.slot(slot), b"nonsense").unwrap();
    }
    assert_eq!(contents(&folder.0), (Vec::new(), true));
}

#[test]
fn second_process_works_from_a_copy_and_changes_nothing() {
    let folder = Folder::new();
    let mut first = FileStorage::open(&folder.0);
    first.apply(1, set(&[("a", "1")])).unwrap();
    first.flush();
    let mut second = FileStorage::open(&folder.0);
    assert_eq!(second.get("a"), Some(&b"1"[..]));
    second.apply(7, set(&[("a", "2")])).unwrap();
    second.flush();
    assert_eq!(second.get("a"), Some(&b"2"[..]));
    let done = second.poll();
    assert_eq!((done[0].0, done[0].1.as_ref().map(|failure| failure.next)), (7, Some(Next::Skip)));
    drop(second);
    drop(first);
    assert_eq!(contents(&folder.0).0, [("a".to_owned(), b"1".to_vec())]);
}

#[test]
fn batch_beyond_the_limit_changes_nothing() {
    let folder = Folder::new();
    let mut store = FileStorage::open(&folder.0);
    store.apply(1, set(&[("a", "1")])).unwrap();
    let large = vec![("a".to_owned(), None), ("b".to_owned(), Some(vec![0; 1 << 20]))];
    assert_eq!(store.apply(2, large).unwrap_err().code, code::OVER_BUDGET);
    assert_eq!(store.keys(""), ["a"]);
}

#[test]
fn folder_that_cannot_be_made_is_reported_with_each_batch() {
    let folder = Folder::new();
    let file = folder.0.join("file");
    std::fs::write(&file, b"").unwrap();
    let mut store = FileStorage::open(&file.join("below"));
    store.apply(3, set(&[("a", "1")])).unwrap();
    assert_eq!(store.get("a"), Some(&b"1"[..]));
    assert!(matches!(&store.poll()[..], [(3, Some(failure))] if failure.code == code::PERMISSION));
}

/// `/dev/full` answers every write as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_reported_and_the_last_good_copy_kept() {
    let folder = Folder::new();
    write(&folder.0, &[set(&[("a", "1")])]);
    let other = usize::from(folder.slot(0).exists());
    std::os::unix::fs::symlink("/dev/full", folder.slot(other)).unwrap();
    let mut store = FileStorage::open(&folder.0);
    for ticket in 0..2 {
        store.apply(ticket, set(&[("a", "2")])).unwrap();
        store.flush();
        let done = store.poll();
        assert!(matches!(&done[..], [(_, Some(failure))] if failure.code == code::FULL), "{done:?}");
    }
    drop(store);
    std::fs::remove_file(folder.slot(other)).unwrap();
    assert_eq!(contents(&folder.0).0, [("a".to_owned(), b"1".to_vec())]);
    write(&folder.0, &[set(&[("a", "3")])]);
    assert_eq!(contents(&folder.0).0[0].1, b"3");
}
