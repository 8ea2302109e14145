//! Distinguished names as text (RFC 2253), which is what providers digest.

use x509_parser::{
    asn1_rs::ToDer as _,
    x509::{AttributeTypeAndValue, X509Name},
};

use crate::encoding::to_hex;

/// The name with its last attribute first.
pub(super) fn reversed(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name
        .iter_rdn()
        .map(|part| part.iter().map(attribute).collect::<Vec<_>>().join("+"))
        .collect();
    parts.reverse();
    parts.join(",")
}

/// The last common name that is text.
pub(super) fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().filter_map(|name| name.as_str().ok()).last().map(str::to_owned)
}

/// One attribute. What has no short name, or is not text, is written as its DER (section 2.4).
fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let short = SHORT_NAMES.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name);
    match (short, attribute.as_str()) {
        (Some(short), Ok(value)) => format!("{short}={}", escaped(value)),
        (short, _) => {
            let der = attribute.attr_value().to_der_vec().unwrap_or_default();
            format!("{}=#{}", short.unwrap_or(&oid), to_hex(&der))
        }
    }
}

fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (index, letter) in value.chars().enumerate() {
        let special = matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';')
            || (letter == ' ' && (index == 0 || index == last))
            || (letter == '#' && index == 0);
        if special {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

/// The types of attribute that RFC 2253 section 2.3 names.
const SHORT_NAMES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_separate_are_escaped() {
        for (value, text) in [
            ("Ant Financial", "Ant Financial"),
            ("Sons, Ltd + \"Co\"", "Sons\\, Ltd \\+ \\\"Co\\\""),
            (" ends ", "\\ ends\\ "),
            ("#1#", "\\#1#"),
            ("a\\b<c>;", "a\\\\b\\<c\\>\\;"),
            ("", ""),
            (" ", "\\ "),
        ] {
            assert_eq!(escaped(value), text, "`{value}`");
        }
    }
}
