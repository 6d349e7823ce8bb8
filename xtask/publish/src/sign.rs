//! Signatures over metadata (TUF specification 1.0, section 4.2).

use olpc_cjson::CanonicalFormatter;
use serde::Serialize;
use tough::schema::{Role, Root, Signature, Signed};

use crate::keys::{Key, Keys};

/// Signs `role` with `keys`, whoever trusts them.
pub fn sign<T: Role + Serialize>(role: T, keys: &[&Key]) -> Result<Signed<T>, String> {
    let mut data = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut data, CanonicalFormatter::new());
    role.serialize(&mut serializer).map_err(|error| error.to_string())?;
    let signature =
        |key: &&Key| Signature { keyid: key.id.clone(), sig: key.pair.sign(&data).as_ref().to_vec().into() };
    let signatures = keys.iter().map(signature).collect();
    Ok(Signed { signed: role, signatures })
}

/// Signs `role` with those of `keys` that `root` trusts with it, and makes sure that they are enough.
pub(crate) fn sign_trusted<T: Role + Serialize>(
    role: T,
    root: &Root,
    keys: &Keys,
) -> Result<Signed<T>, String> {
    let signers = keys.of(root, T::TYPE);
    let signed = sign(role, &signers)?;
    root.verify_role(&signed).map_err(|error| {
        let threshold = root.roles.get(&T::TYPE).map_or(0, |keys| keys.threshold.get());
        format!("{} keys for {} are here and {threshold} are needed ({error})", signers.len(), T::TYPE)
    })?;
    Ok(signed)
}

/// A role as it is published.
pub fn bytes<T: Serialize>(role: &Signed<T>) -> Result<Vec<u8>, String> {
    let mut bytes = serde_json::to_vec_pretty(role).map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    Ok(bytes)
}
