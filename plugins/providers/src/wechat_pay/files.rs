//! Files that WeChat Pay does not sign: bills, vouchers. A signed answer announces the address and the
//! digest of one; the digest is remembered, and the file verified by it while it streams.
//!
//! The digest is that of the file before it was compressed, so that a file that was asked for with
//! `tar_type=GZIP` is unpacked on the way to the digest, and passed on as it is. Files that are
//! encrypted besides (an announcement with `encrypt_key`) cannot be verified here and are not
//! remembered.

use std::{
    collections::{HashMap, VecDeque},
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use flate2::write::GzDecoder;
use parking_lot::Mutex;
use tollgate_api::{
    Clock, Fault, Observer, Tick, codes,
    json::{Document, Limits, ValueRef},
};
use tollgate_crypto::{Digest, DigestAlgorithm, from_hex};

/// What was announced, by address. Shared by all that speak for one merchant; bounded in number and
/// time.
pub(super) struct Files {
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    files: HashMap<String, Announced>,
    /// All are kept for the same time, so that the order of arrival is that of leaving.
    order: VecDeque<(Tick, String)>,
}

/// The digest of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Announced {
    algorithm: DigestAlgorithm,
    digest: Vec<u8>,
    packed: bool,
    until: Tick,
}

impl Files {
    /// Nothing was announced yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    /// Remembers the files that a verified answer announces. `query` is that of the request.
    pub fn announce(&self, body: &Bytes, query: Option<&str>) {
        let mentions = body.windows(NEEDLE.len()).any(|window| window == NEEDLE);
        let Some(document) =
            mentions.then(|| Document::parse(body, Limits::default()).ok()).flatten()
        else {
            return;
        };
        let packed = query.is_some_and(|query| {
            query.split('&').any(|pair| pair.eq_ignore_ascii_case("tar_type=gzip"))
        });
        let root = document.root();
        let lists = root.members().flat_map(|member| member.value.elements());
        for value in std::iter::once(root).chain(lists).take(MOST_AT_ONCE) {
            if let Some((target, algorithm, digest)) = announcement(value) {
                self.keep(target, algorithm, digest, packed);
            }
        }
    }

    /// The digest of the file at this path and query, if it was announced a short while ago.
    pub fn find(&self, target: &str) -> Option<Announced> {
        let now = self.clock.tick();
        let kept = self.kept.lock();
        kept.files.get(target).filter(|announced| announced.until > now).cloned()
    }

    fn keep(&self, target: String, algorithm: DigestAlgorithm, digest: Vec<u8>, packed: bool) {
        let now = self.clock.tick();
        let until = now.after(MEMORY);
        let mut kept = self.kept.lock();
        let Kept { files, order } = &mut *kept;
        while let Some((until, target)) = order.front()
            && (*until <= now || order.len() >= MOST)
        {
            if files.get(target).is_some_and(|announced| announced.until == *until) {
                files.remove(target);
            }
            order.pop_front();
        }
        order.push_back((until, target.clone()));
        files.insert(target, Announced { algorithm, digest, packed, until });
    }
}

/// Address, kind of digest and digest of one file.
fn announcement(value: ValueRef<'_>) -> Option<(String, DigestAlgorithm, Vec<u8>)> {
    let text = |name: &str| value.get(name)?.as_str();
    if value.get("encrypt_key").is_some() {
        return None;
    }
    let url: http::Uri = text("download_url")?.parse().ok()?;
    let target = url.path_and_query()?.as_str().to_owned();
    let algorithm = match &*text("hash_type")? {
        "SHA1" => DigestAlgorithm::Sha1,
        "SHA256" => DigestAlgorithm::Sha256,
        "SM3" => DigestAlgorithm::Sm3,
        _ => return None,
    };
    let digest = from_hex(&text("hash_value")?).ok()?;
    (digest.len() == algorithm.digest_len()).then_some((target, algorithm, digest))
}

/// Follows a file to its end and compares its digest.
pub(super) struct FileCheck {
    expected: Vec<u8>,
    reading: Reading,
}

enum Reading {
    Plain(Digest),
    Packed(Box<GzDecoder<Sink>>),
    /// It is not what it should be, whatever follows.
    Broken,
}

struct Sink(Digest);

impl FileCheck {
    /// A file with this digest; `None` is a file of which nothing is known, which never passes.
    pub fn new(announced: Option<&Announced>) -> Self {
        let Some(announced) = announced else {
            return Self { expected: Vec::new(), reading: Reading::Broken };
        };
        let digest = Digest::new(announced.algorithm);
        let reading = if announced.packed {
            Reading::Packed(Box::new(GzDecoder::new(Sink(digest))))
        } else {
            Reading::Plain(digest)
        };
        Self { expected: announced.digest.clone(), reading }
    }

    /// Checks a file that is in memory.
    pub fn whole(announced: Option<&Announced>, file: &[u8]) -> Result<(), Fault> {
        let mut check = Self::new(announced);
        check.chunk(file);
        check.end()
    }
}

impl Observer for FileCheck {
    fn chunk(&mut self, data: &[u8]) {
        match &mut self.reading {
            Reading::Plain(digest) => digest.update(data),
            Reading::Packed(unpacking) => {
                if unpacking.write_all(data).is_err() {
                    self.reading = Reading::Broken;
                }
            }
            Reading::Broken => {}
        }
    }

    fn end(&mut self) -> Result<(), Fault> {
        let mismatch = || Fault::new(&codes::UPSTREAM_CHECKSUM_MISMATCH);
        let digest = match std::mem::replace(&mut self.reading, Reading::Broken) {
            Reading::Plain(digest) => digest,
            Reading::Packed(unpacking) => unpacking.finish().map_err(|_| mismatch())?.0,
            Reading::Broken => return Err(mismatch()),
        };
        if digest.finish() == self.expected { Ok(()) } else { Err(mismatch()) }
    }
}

impl Write for Sink {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const NEEDLE: &[u8] = b"\"download_url\"";
/// How long an announcement counts. WeChat Pay's addresses are good for 5 minutes.
const MEMORY: Duration = Duration::from_mins(10);
/// Announcements of one merchant, at most. The oldest makes room.
const MOST: usize = 10_000;
/// Announcements of one answer, at most.
const MOST_AT_ONCE: usize = 1_000;
