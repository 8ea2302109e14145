//! An archive of files that are stored as they are (PKWARE's APPNOTE, sections 4.3.7 to 4.3.16).

/// The archive. Names are UTF-8.
pub(super) fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let offset = size(bytes.len());
        let mut entry = Vec::new();
        // Version 2.0, names in UTF-8, stored, 1 January 1980.
        for number in [20_u16, 1 << 11, 0, 0, 33] {
            entry.extend(number.to_le_bytes());
        }
        for number in [checksum(content), size(content.len()), size(content.len())] {
            entry.extend(number.to_le_bytes());
        }
        entry.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        entry.extend([0; 2]);
        bytes.extend(*b"PK\x03\x04");
        bytes.extend(&entry);
        bytes.extend(name.as_bytes());
        bytes.extend(content);
        directory.extend(*b"PK\x01\x02\x14\x00");
        directory.extend(&entry);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(files.len()).unwrap_or(u16::MAX).to_le_bytes();
    let offset = size(bytes.len());
    bytes.extend(&directory);
    bytes.extend(*b"PK\x05\x06\x00\x00\x00\x00");
    bytes.extend([count, count].concat());
    bytes.extend(size(directory.len()).to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// CRC-32 (ISO 3309).
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926, "the check value of CRC-32");
    }

    #[test]
    fn an_archive_lists_what_is_in_it() {
        let bytes = archive(&[("a.csv".to_owned(), b"one".to_vec()), ("b.csv".into(), vec![])]);
        let (_, end) = bytes.split_at(bytes.len() - 22);
        assert_eq!(end[..4], *b"PK\x05\x06", "an end");
        assert_eq!(end[8..12], [2, 0, 2, 0], "of two files");
        let offset = u32::from_le_bytes(end[16..20].try_into().unwrap()) as usize;
        assert_eq!(bytes[offset..offset + 4], *b"PK\x01\x02", "the directory is where it says");
        assert_eq!(bytes[offset + 46..offset + 51], *b"a.csv", "and names the first");
        assert_eq!(bytes[30..38], *b"a.csvone", "which is stored as it is");
    }
}
