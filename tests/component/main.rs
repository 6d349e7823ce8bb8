//! The component itself.

use kinora_tests::target_folder;
use wasmparser::{Parser, Payload};

fn component() -> Vec<u8> {
    let path = target_folder().parent().expect("target/PROFILE").join("kinora-core.wasm");
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; `cargo xtask core` builds it", path.display()))
}

#[test]
fn component_imports_nothing_outside_the_contract() {
    let bytes = component();
    let (mut depth, mut imports) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.expect("the component is well formed") {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.expect("an import is well formed").name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    println!("imports: {imports:#?}");
    assert!(!imports.is_empty());
    for import in imports {
        assert!(import.starts_with("kinora:shim/"), "the core imports {import}");
    }
}

#[test]
fn component_with_its_fonts_is_at_most_1_5_mib_compressed() {
    let packed = zstd::bulk::compress(&component(), 19).expect("memory suffices");
    println!("{} bytes", packed.len());
    assert!(packed.len() <= 3 << 19, "{} bytes", packed.len());
}
