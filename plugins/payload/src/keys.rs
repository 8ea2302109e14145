//! Keys as settings refer to them: a public key in a file, private and shared keys as secrets.

use std::{borrow::Cow, fmt, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use tollgate_api::{
    Sources, State,
    setting::{FileRef, SecretRef},
};
use tollgate_crypto::{
    PrivateKey, PublicKey, Secret, SymmetricKey, UseBudget, parse_object, sha256, to_hex,
};

/// How a shared key is written in its file or variable. A line break at the end of text is ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyFormat {
    /// The bytes themselves.
    Raw,
    /// Hexadecimal.
    Hex,
    /// Base64 with padding.
    #[default]
    Base64,
    /// Base64url without padding.
    Base64url,
    /// A JSON Web Key of type `oct`.
    Jwk,
}

/// One decryption key or a list of them: `{ file: … }`, `{ env: … }`, or `{ key: { file: … }, … }`
/// with more about the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyList<T> {
    /// The keys, in their order.
    pub keys: Vec<KeyEntry<T>>,
    list: bool,
}

/// One key of a [`KeyList`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyEntry<T> {
    /// The key alone.
    Bare(SecretRef),
    /// The key and more about it.
    Full(T),
}

/// What every long entry of a [`KeyList`] has.
pub trait NamedKey {
    /// Name of the type in the schema.
    const NAME: &'static str;
    /// Where the key is.
    fn key(&self) -> &SecretRef;
}

impl<T: NamedKey> KeyList<T> {
    /// Each key with the JSON pointers of its entry and of its reference.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (String, String, &KeyEntry<T>)> {
        self.keys.iter().enumerate().map(|(index, entry)| {
            let pointer =
                if self.list { format!("/decrypt_with/{index}") } else { "/decrypt_with".into() };
            match entry {
                KeyEntry::Bare(_) => (pointer.clone(), pointer, entry),
                KeyEntry::Full(_) => (pointer.clone(), format!("{pointer}/key"), entry),
            }
        })
    }
}

impl<T: NamedKey> KeyEntry<T> {
    pub(crate) fn reference(&self) -> &SecretRef {
        match self {
            Self::Bare(reference) => reference,
            Self::Full(full) => full.key(),
        }
    }

    pub(crate) fn full(&self) -> Option<&T> {
        match self {
            Self::Bare(_) => None,
            Self::Full(full) => Some(full),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for KeyList<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: DeserializeOwned> Visitor<'de> for ListVisitor<T> {
            type Value = KeyList<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(EXPECTED)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<KeyList<T>, A::Error> {
                let mut keys = Vec::new();
                while let Some(entry) = items.next_element()? {
                    keys.push(entry);
                }
                Ok(KeyList { keys, list: true })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeyList<T>, A::Error> {
                entry(map).map(|entry| KeyList { keys: vec![entry], list: false })
            }

            // Somebody may have written the key itself: it must not show in the error.
            fn visit_str<E: Error>(self, _: &str) -> Result<KeyList<T>, E> {
                Err(E::custom(format!("expected {EXPECTED}, found text")))
            }
        }
        source.deserialize_any(ListVisitor(std::marker::PhantomData))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for KeyEntry<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct EntryVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: DeserializeOwned> Visitor<'de> for EntryVisitor<T> {
            type Value = KeyEntry<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(EXPECTED)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeyEntry<T>, A::Error> {
                entry(map)
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<KeyEntry<T>, E> {
                Err(E::custom(format!("expected {EXPECTED}, found text")))
            }
        }
        source.deserialize_any(EntryVisitor(std::marker::PhantomData))
    }
}

/// The long form is the one with `key`.
fn entry<'de, T, A>(mut map: A) -> Result<KeyEntry<T>, A::Error>
where
    T: DeserializeOwned,
    A: MapAccess<'de>,
{
    let mut members = Map::new();
    while let Some((name, value)) = map.next_entry::<String, Value>()? {
        if name == "key" && !value.is_object() {
            return Err(A::Error::custom("expected `key` to be `{ file: … }` or `{ env: … }`"));
        }
        if members.insert(name, value).is_some() {
            return Err(A::Error::custom("a setting is given twice"));
        }
    }
    let long = members.contains_key("key");
    let members = Value::Object(members);
    if long {
        T::deserialize(members).map(KeyEntry::Full).map_err(A::Error::custom)
    } else {
        SecretRef::deserialize(members).map(KeyEntry::Bare).map_err(A::Error::custom)
    }
}

impl<T: NamedKey + JsonSchema> JsonSchema for KeyEntry<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}OrReference", T::NAME).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A key: `{ file: … }`, `{ env: … }`, or `{ key: { file: … }, … }` with more about it.",
            "writeOnly": true,
            "x-expected": "a key, `{ file: … }`, `{ env: … }` or `{ key: …, … }`",
            "anyOf": entry_schemas::<T>(generator)
        })
    }
}

impl<T: NamedKey + JsonSchema> JsonSchema for KeyList<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}List", T::NAME).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schemas = entry_schemas::<T>(generator);
        schemas.push(json_schema!({
            "type": "array",
            "minItems": 1,
            "items": generator.subschema_for::<KeyEntry<T>>()
        }));
        json_schema!({
            "description": "A key or a list of them: `{ file: … }`, `{ env: … }`, or `{ key: { file: … }, … }` with more about it.",
            "writeOnly": true,
            "x-expected": "a key, `{ file: … }`, `{ env: … }` or `{ key: …, … }`, or a list of these",
            "anyOf": schemas
        })
    }
}

/// The three forms of an entry side by side, told apart by the one key each must have. A reference
/// to the type of secrets would be a choice inside a choice, which makes for unclear errors.
fn entry_schemas<T: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<Schema> {
    let form = |name: &str, about: &str| {
        json_schema!({
            "type": "object",
            "properties": { name: { "type": "string", "description": about } },
            "required": [name],
            "additionalProperties": false
        })
    };
    vec![
        form("file", "A file, relative to the configuration file that names it."),
        form("env", "An environment variable."),
        generator.subschema_for::<T>(),
    ]
}

/// A key and what a JSON Web Key said about it besides.
pub(crate) struct Found<K> {
    pub key: K,
    pub kid: Option<String>,
}

/// Reads a public key: PEM of a key or certificate, or a JSON Web Key for encryption.
pub(crate) fn public_key(
    sources: &mut dyn Sources,
    file: &FileRef,
    algorithms: &[&str],
) -> Result<Found<PublicKey>, String> {
    let bytes = sources.file(file)?;
    if let Some((jwk, kid)) = jwk(&bytes, algorithms)? {
        return PublicKey::from_jwk(&jwk).map(|key| Found { key, kid }).map_err(words);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| NOT_A_KEY.to_owned())?;
    PublicKey::from_pem(text).map(|key| Found { key, kid: None }).map_err(words)
}

/// Reads a private key: PEM or a JSON Web Key for encryption.
pub(crate) fn private_key(
    sources: &mut dyn Sources,
    reference: &SecretRef,
    algorithms: &[&str],
) -> Result<Found<PrivateKey>, String> {
    let secret = sources.secret(reference)?;
    if let Some((jwk, kid)) = jwk(secret.expose(), algorithms)? {
        return PrivateKey::from_jwk(&jwk).map(|key| Found { key, kid }).map_err(words);
    }
    let text = secret.expose_str().ok_or_else(|| NOT_A_KEY.to_owned())?;
    PrivateKey::from_pem(text).map(|key| Found { key, kid: None }).map_err(words)
}

/// Reads a shared key in its format.
pub(crate) fn shared_key(
    sources: &mut dyn Sources,
    reference: &SecretRef,
    format: KeyFormat,
    algorithms: &[&str],
) -> Result<Found<SymmetricKey>, String> {
    let secret = sources.secret(reference)?;
    let text = || -> Result<&str, String> {
        let text = secret.expose_str().ok_or_else(|| "expected text".to_owned())?;
        Ok(text.trim_end_matches(['\r', '\n']))
    };
    let key = match format {
        KeyFormat::Raw => SymmetricKey::from_raw(Secret::clone(&secret)),
        KeyFormat::Hex => SymmetricKey::from_hex(text()?),
        KeyFormat::Base64 => SymmetricKey::from_base64(text()?),
        KeyFormat::Base64url => SymmetricKey::from_base64url(text()?),
        KeyFormat::Jwk => {
            let (jwk, kid) = jwk(secret.expose(), algorithms)?
                .ok_or_else(|| "expected a JSON Web Key".to_owned())?;
            return SymmetricKey::from_jwk(&jwk).map(|key| Found { key, kid }).map_err(words);
        }
    };
    key.map(|key| Found { key, kid: None }).map_err(words)
}

/// How often a shared key may still encrypt with random nonces. Every plugin that uses the key
/// shares the count, and a reload keeps it.
pub(crate) fn budget(state: &State, key: &SymmetricKey) -> Arc<UseBudget> {
    state.get_or_create(&budget_name(key), 0, UseBudget::new)
}

/// The key's name in the gateway's state: its digest, not the key.
pub(crate) fn budget_name(key: &SymmetricKey) -> String {
    format!("payload/key/{}", to_hex(&sha256(key.secret().expose())))
}

/// A JSON Web Key, if the text is JSON. What it says about its use is honoured (RFC 7517
/// sections 4.2 to 4.4).
type Jwk = (Map<String, Value>, Option<String>);

fn jwk(bytes: &[u8], algorithms: &[&str]) -> Result<Option<Jwk>, String> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Ok(None);
    }
    let jwk = parse_object(bytes.trim_ascii()).map_err(words)?;
    if jwk.get("use").is_some_and(|usage| usage != "enc") {
        return Err("expected a JSON Web Key whose `use` is `enc`".to_owned());
    }
    let fits = |operation: &Value| {
        operation.as_str().is_some_and(|operation| OPERATIONS.contains(&operation))
    };
    if jwk.get("key_ops").is_some_and(|all| !all.as_array().is_some_and(|all| all.iter().any(fits)))
    {
        return Err("expected a JSON Web Key whose `key_ops` allow encryption".to_owned());
    }
    let named = |alg: &Value| alg.as_str().is_some_and(|alg| algorithms.contains(&alg));
    if jwk.get("alg").is_some_and(|alg| !named(alg)) {
        return Err(format!(
            "expected a JSON Web Key whose `alg` is `{}`",
            algorithms.join("` or `")
        ));
    }
    let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
    Ok(Some((jwk, kid)))
}

fn words(error: impl fmt::Display) -> String {
    error.to_string()
}

const EXPECTED: &str = "`{ file: … }`, `{ env: … }` or `{ key: …, … }`, or a list of these";
const NOT_A_KEY: &str = "expected PEM or a JSON Web Key";
const OPERATIONS: [&str; 6] =
    ["encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"];
