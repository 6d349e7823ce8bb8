//! The store in a real folder.

use std::fs;
use std::path::PathBuf;

use kinora_cores::{Cores, Error, Facts, Folder, When, hash};

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("kinora-cores-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

#[test]
fn two_users_of_a_store_see_each_others_changes() {
    let path = folder("two");
    let open = || Cores::open(Folder::new(&path));
    let (mut one, mut other) = (open(), open());
    let first = one.install(b"first", Facts::default()).expect("it can be written");
    let second = other.install(b"second", Facts::default()).expect("it can be written");
    one.select(Some(&second), When::AtOnce, "chosen").expect("the other one installed it");
    let now = open();
    assert_eq!(now.choose().id, Some(second));
    assert_eq!(now.read(&first).expect("it is there"), b"first");
    fs::remove_dir_all(path).expect("it was made");
}

#[test]
fn many_threads_installing_at_once_lose_nothing() {
    let path = folder("many");
    std::thread::scope(|scope| {
        for n in 0..8_u8 {
            let path = &path;
            scope.spawn(move || {
                Cores::open(Folder::new(path)).install(&[n; 100], Facts::default()).expect("installed")
            });
        }
    });
    let cores = Cores::open(Folder::new(&path));
    assert!((0..8_u8).all(|n| cores.read(&hash(&[n; 100])).is_ok()));
    assert_eq!(cores.state().cores.len(), 8);
    fs::remove_dir_all(path).expect("it was made");
}

#[test]
fn store_of_a_newer_version_is_left_as_it_is() {
    let path = folder("newer");
    fs::create_dir_all(&path).expect("a folder");
    let json = "{\"format\":9,\"generation\":5,\"selected\":\"x\"}\n";
    let image = format!("{}\n{json}", hash(json.as_bytes()));
    fs::write(path.join("state.1"), &image).expect("written");
    let mut cores = Cores::open(Folder::new(&path));
    assert!(matches!(cores.install(b"core", Facts::default()), Err(Error::Newer(9))));
    let choice = cores.choose();
    assert!(choice.id.is_none() && choice.why.contains("newer version"), "{choice:?}");
    assert_eq!(fs::read_to_string(path.join("state.1")).expect("still there"), image);
    fs::remove_dir_all(path).expect("it was made");
}

#[test]
fn store_of_an_older_version_keeps_what_it_says() {
    let path = folder("older");
    fs::create_dir_all(&path).expect("a folder");
    let id = hash(b"core");
    let json = format!(
        "{{\"format\":1,\"generation\":4,\"selected\":\"{id}\",\"cores\":{{\"{id}\":{{\"size\":4}}}}}}\n"
    );
    fs::write(path.join("state.0"), format!("{}\n{json}", hash(json.as_bytes()))).expect("written");
    fs::write(path.join(format!("{id}.wasm")), b"core").expect("written");
    assert_eq!(Cores::open(Folder::new(&path)).choose().id, Some(id));
    fs::remove_dir_all(path).expect("it was made");
}

#[test]
fn store_that_is_no_folder_gives_the_factory_core_and_says_why_it_cannot_install() {
    let path = folder("file");
    fs::write(&path, b"in the way").expect("written");
    let mut cores = Cores::open(Folder::new(&path.join("cores")));
    assert_eq!(cores.choose().id, None);
    let error = cores.install(b"core", Facts::default()).expect_err("there is no folder").to_string();
    assert!(error.starts_with("cannot install the core"), "{error}");
    fs::remove_file(path).expect("it was made");
}
