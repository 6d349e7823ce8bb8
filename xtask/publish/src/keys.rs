//! Signing keys: Ed25519 in PKCS#8 files (RFC 8410). Which role a key signs for is said by the root, not by the file.

use std::fs;
use std::io::Write;
use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use kinora_update::hex;
use tough::schema::decoded::{Decoded, Hex};
use tough::schema::{RoleType, Root};
use tough::sign::Sign;

/// A private key.
#[derive(Debug)]
pub struct Key {
    pub(crate) pair: Ed25519KeyPair,
    /// Id in the metadata.
    pub id: Decoded<Hex>,
}

impl Key {
    /// A new key, and the bytes of its file.
    pub fn generate() -> Result<(Self, Vec<u8>), String> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let document = document.map_err(|_| "this machine has no source of randomness".to_owned())?;
        let bytes = document.as_ref().to_vec();
        Ok((Self::read(&bytes)?, bytes))
    }

    /// A key from the bytes of its file.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let pair =
            Ed25519KeyPair::from_pkcs8(bytes).map_err(|error| format!("it is no Ed25519 key: {error}"))?;
        let id = pair.tuf_key().key_id().map_err(|error| error.to_string())?;
        Ok(Self { pair, id })
    }

    /// As it stands in the root.
    pub fn public(&self) -> tough::schema::key::Key {
        self.pair.tuf_key()
    }
}

/// The keys at hand.
#[derive(Debug, Default)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// Reads every `*.pk8` of `folder`.
    pub fn load(folder: &Path) -> Result<Self, String> {
        let broken = |error| format!("{}: {error}", folder.display());
        let mut keys = Vec::new();
        for entry in fs::read_dir(folder).map_err(broken)? {
            let path = entry.map_err(broken)?.path();
            if path.extension().is_some_and(|extension| extension == "pk8") {
                let named = |error: String| format!("{}: {error}", path.display());
                keys.push(Key::read(&fs::read(&path).map_err(|e| named(e.to_string()))?).map_err(named)?);
            }
        }
        Ok(Self(keys))
    }

    /// Makes a key and writes it to `folder`, readable by nobody else.
    pub fn create(&mut self, folder: &Path, role: RoleType) -> Result<&Key, String> {
        let (key, bytes) = Key::generate()?;
        let path = folder.join(format!("{role}.{}.pk8", &hex(&key.id)[..8]));
        let broken = |error| format!("{}: {error}", path.display());
        fs::create_dir_all(folder).map_err(broken)?;
        let mut options = fs::File::options();
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(broken)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(broken)?;
        self.0.push(key);
        self.0.last().ok_or_else(|| "no key".to_owned())
    }

    /// Whether the key of this id is at hand.
    pub fn contains(&self, id: &Decoded<Hex>) -> bool {
        self.0.iter().any(|key| key.id == *id)
    }

    /// Those that sign for `role`.
    pub fn of<'a>(&'a self, root: &Root, role: RoleType) -> Vec<&'a Key> {
        let ids = root.roles.get(&role).map(|keys| keys.keyids.as_slice()).unwrap_or_default();
        self.0.iter().filter(|key| ids.contains(&key.id)).collect()
    }
}
