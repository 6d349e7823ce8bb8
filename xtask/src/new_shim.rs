//! `new-shim`: the stub under another name, as a member of the workspace.

use std::path::Path;

use crate::env::root;

/// Begins a port.
pub(crate) fn new_shim(arguments: &[String]) -> Result<(), String> {
    let [name] = arguments else { return Err("usage: cargo xtask new-shim NAME".into()) };
    make(&root(), name)?;
    println!(
        "shims/{name} is there: cargo build --package kinora-{name}, then shims/README.md from step 2 on"
    );
    Ok(())
}

fn make(root: &Path, name: &str) -> Result<(), String> {
    let right = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !right {
        return Err(format!("`{name}` is no name of a crate: small letters, digits and `-`, a letter first"));
    }
    let (stub, folder) = (root.join("shims/stub"), root.join("shims").join(name));
    if folder.exists() {
        return Err(format!("shims/{name} is there already"));
    }
    copy(&stub, &folder, name)?;
    insert(&root.join("Cargo.toml"), "    \"shims/stub\",\n", &format!("    \"shims/{name}\",\n"))?;
    let layer = |name: &str| format!("    (\"kinora-{name}\", SHIM),\n");
    insert(&root.join("xtask/src/tidy/layers.rs"), &layer("stub"), &layer(name))
}

/// Copies a folder; the stub's name becomes that of the port.
fn copy(from: &Path, to: &Path, name: &str) -> Result<(), String> {
    let named = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    std::fs::create_dir_all(to).map_err(|e| named(to, e))?;
    for entry in std::fs::read_dir(from).map_err(|e| named(from, e))? {
        let path = entry.map_err(|e| named(from, e))?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.ends_with("examples") {
            // A port of its own, to be read where it is.
            continue;
        }
        if path.is_dir() {
            copy(&path, &target, name)?;
        } else {
            let text = std::fs::read_to_string(&path).map_err(|e| named(&path, e))?;
            // Nor does a port need what the stub's example needs.
            let text = text.split_once("\n# What the example takes").map_or(&*text, |(own, _)| own);
            let text = text.replace("kinora-stub", &format!("kinora-{name}"));
            std::fs::write(&target, text).map_err(|e| named(&target, e))?;
        }
    }
    Ok(())
}

/// Puts a line behind the stub's.
fn insert(file: &Path, stub: &str, line: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let (before, after) =
        text.split_once(stub).ok_or_else(|| format!("{} does not name the stub", file.display()))?;
    std::fs::write(file, format!("{before}{stub}{line}{after}"))
        .map_err(|e| format!("{}: {e}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy of what a new shim touches.
    fn workspace(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("kinora-new-shim-{name}-{}", std::process::id()));
        copy(&root().join("shims/stub"), &folder.join("shims/stub"), "stub").expect("the stub can be copied");
        for file in ["Cargo.toml", "xtask/src/tidy/layers.rs"] {
            let to = folder.join(file);
            std::fs::create_dir_all(to.parent().expect("it lies in a folder")).expect("a folder can be made");
            std::fs::copy(root().join(file), to).expect("a file can be copied");
        }
        folder
    }

    #[test]
    fn make_new_name_copies_and_wires_in() {
        let folder = workspace("new");
        make(&folder, "fridge").expect("it can be made");
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).expect("it is there");
        assert!(read("shims/fridge/Cargo.toml").contains("name = \"kinora-fridge\""));
        assert!(!read("shims/fridge/src/main.rs").contains("stub"));
        assert!(!read("shims/fridge/Cargo.toml").contains("dev-dependencies"));
        assert!(!folder.join("shims/fridge/examples").exists());
        assert!(read("Cargo.toml").contains("    \"shims/stub\",\n    \"shims/fridge\",\n"));
        assert!(read("xtask/src/tidy/layers.rs").contains("(\"kinora-fridge\", SHIM),"));
        assert!(make(&folder, "fridge").unwrap_err().contains("there already"));
        std::fs::remove_dir_all(folder).expect("it was made here");
    }

    #[test]
    fn make_name_that_is_none_is_refused() {
        for name in ["", "Fridge", "../x", "1a", "a b"] {
            assert!(make(Path::new("/nonexistent"), name).unwrap_err().contains("no name"), "{name}");
        }
    }
}
